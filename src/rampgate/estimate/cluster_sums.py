"""From sums by cluster to contrasts: what each metric kind, and the weighted KPI, hands on of a cluster."""

from __future__ import annotations

import numpy as np

from rampgate.aggregate.clusters import Clusters
from rampgate.aggregate.marginals import Arm
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Floats
from rampgate.estimate.clustered import Clustered, by_cluster
from rampgate.estimate.contrast import Contrast, divide, take
from rampgate.estimate.metric import KPI, Linearised, linearise
from rampgate.policy import Policy


def clustered(
    policy: Policy, name: str, base: Contrast, arms: tuple[Arm, Arm], clusters: Clusters, ripe: np.ndarray
) -> Clustered:
    """The contrast of a metric or of the KPI by cluster, (group, period).

    Parameters
    ----------
    base : the same with independent units
    arms : candidate and baseline, as the base was made from
    ripe : which periods are old enough to be booked, (period,)
    """
    c, b = arms
    line = linearise(policy, c, b) if name == KPI else None
    scale = _mean_denominator(policy, name, c, b)
    keep = ripe[clusters.period].astype(float)
    made = []
    for g in range(len(clusters.members)):
        y, x = (values * keep for values in _parts(policy, name, clusters, line, g))
        y_c, x_c, y_b, x_b = (
            divide(clusters.by_period(values, g, arm), scale[g]) for arm in (CANDIDATE, BASELINE) for values in (y, x)
        )
        own = take(base, slice(None), g)
        made.append(by_cluster(own, y_c, x_c, y_b, x_b, getattr(base, "ratio", 1.0)))
    arrays = ("gram", "effective", "least", "squares")
    return Clustered(base, *(np.stack([getattr(one, array) for one in made]) for array in arrays))


def _mean_denominator(policy: Policy, name: str, c: Arm, b: Arm) -> Floats:
    """A ratio's mean denominator in each period, by which its contrast is divided; 1 for other kinds."""
    if name == KPI or policy.metrics[name].kind != "ratio":
        return np.ones_like(c.n)
    x, n = (sum(arm.total(f"{name}:{role}") for arm in (c, b)) for role in ("denominator", "known"))
    return divide(np.asarray(x), np.asarray(n))


def _parts(policy: Policy, name: str, clusters: Clusters, line: Linearised | None, group: int) -> tuple[Floats, Floats]:
    """Numerator and denominator of each row, the numerator harm positive, (row,) each."""
    if line is None:
        metric = policy.metrics[name]
        top, bottom = ("numerator", "denominator") if metric.kind == "ratio" else ("value", "known")
        sign = 1.0 if metric.better == "lower" else -1.0
        return sign * clusters.total(f"{name}:{top}"), clusters.total(f"{name}:{bottom}")
    at = clusters.period
    moved = (line.gradient[group][at] * (clusters.mean - line.centre[group][at])).sum(-1)
    return -clusters.n * (line.level[group][at] + moved), clusters.n
