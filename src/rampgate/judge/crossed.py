"""Units, or clusters where these were assigned, that met both versions within one phase.

Ramps move units between the arms when traffic changes, and that is no fault; within a phase an assignment should hold.
The outcomes of a unit that meets both belong to neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.clusters import Clusters
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Floats
from rampgate.estimate.counts import count_increments
from rampgate.estimate.evidence import log_sum_exp
from rampgate.judge.case import Case
from rampgate.judge.decision import FAIL, PASS, Health
from rampgate.judge.findings import odds

CODE = "crossed_units"
#: Share of units that may cross.
TOLERATED = 0.01
#: How many times as many may cross.
MORE = np.array([1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0])


@dataclass(frozen=True)
class Crossings:
    """Units first seen within their phase, and first seen in both arms of it, (phase, period)."""

    seen: Floats
    both: Floats
    noun: str

    def evidence(self) -> Floats:
        """Log-evidence that more than the tolerated share cross, after each period, (period,).

        A unit crosses after it is first seen, so what has crossed by now is at most what will have: the process is
        never above that of the finished counts, whose chance to reach 1 / alpha is at most alpha. Phases share it
        evenly, since who crosses in one is likely to in the next.
        """
        steps = count_increments(self.both, self.seen, np.full(self.seen.shape, TOLERATED), MORE)
        return np.asarray(log_sum_exp(log_sum_exp(steps.cumsum(1)) - np.log(len(MORE)), axis=0) - np.log(len(steps)))


def crossed_units(case: Case) -> list[Health]:
    """Whether more units cross within a phase than may; nothing where no unit can have been seen twice."""
    found = _crossings(case)
    if found is None or not found.seen.sum():
        return []
    bar = float(np.log(1.0 / case.policy.error_budget.crossed_units))
    path, count, total = found.evidence(), int(found.both.sum()), int(found.seen.sum())
    what = f"{count} of {total} {found.noun} met both versions within one phase"
    if (path >= bar).any():
        text = f"{what}, more than {TOLERATED:.0%}, evidence {odds(float(path.max()))}"
        remedy = "keep them on one version between changes of traffic; their outcomes belong to neither alone"
        return [Health(CODE, FAIL, f"{text}: {remedy}", count)]
    return [Health(CODE, PASS, f"{what}; {_smallest(found, bar)}", count)]


def _smallest(found: Crossings, bar: float) -> str:
    """The smallest share of units that would have been called too many, had it crossed in the fullest phase."""
    n = np.array([found.seen.sum(1).max()])
    for percent in range(1, 101):
        steps = count_increments(n * percent / 100.0, n, np.array([TOLERATED]), MORE)
        if float(log_sum_exp(steps)[0]) - np.log(len(MORE) * len(found.seen)) >= bar:
            return f"a share of {percent} % should have been seen by now"
    return "no share would have been seen by now, for want of units"


def _crossings(case: Case) -> Crossings | None:
    data, policy = case.data, case.policy
    if case.state.start is None or not data.periods:
        return None
    phases = max(len(policy.phases), len(policy.exposure))
    shape = (phases, len(data.periods))
    seen, both = np.zeros(shape), np.zeros(shape)
    stages = np.array([period.stage for period in data.periods])
    first = {period.start: t for t, period in enumerate(data.periods)}
    if data.clusters is not None:
        for stage in range(phases):
            seen[stage], both[stage] = _of_clusters(data.clusters[0], stages == stage)
        return Crossings(seen, both, "clusters")
    if not case.intake.crossed:
        return None
    for start, new, crossed in case.intake.crossed:
        t = first.get(start)
        if t is not None and stages[t] < phases:
            seen[stages[t], t], both[stages[t], t] = new, crossed
    return Crossings(seen, both, "units")


def _of_clusters(clusters: Clusters, inside: np.ndarray) -> tuple[Floats, Floats]:
    """Clusters first seen, and first seen in both arms, per period of one phase."""
    never = clusters.periods
    arms = []
    for arm in (BASELINE, CANDIDATE):
        rows = np.flatnonzero(inside[clusters.period] & (clusters.arm == arm) & (clusters.n > 0))
        met = np.full(clusters.count, never)
        np.minimum.at(met, clusters.cluster[rows], clusters.period[rows])
        arms.append(met)
    counts = [np.bincount(when, minlength=never + 1)[:never] for when in (np.minimum(*arms), np.maximum(*arms))]
    return counts[0].astype(float), counts[1].astype(float)
