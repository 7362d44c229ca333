"""What the metrics of a policy need to be counted: components and their co-moments, merged and sorted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Literal

from rampgate.aggregate.drift_bins import Drawn, Watched
from rampgate.aggregate.histogram import Ages, Magnitudes, Scores, bins_of
from rampgate.policy import Mean, Policy, TimeToEvent

Bins = Magnitudes | Ages | Drawn | Scores
Role = Literal["value", "numerator", "denominator", "known", "late", "event", "covariate", "covered"]

_ROLES: dict[str, tuple[Role, ...]] = {
    "proportion": ("value", "known"),
    "mean": ("value", "known"),
    "share_above": ("value", "known"),
    "rare_event": ("value", "known"),
    "time_to_event": ("value", "known", "event"),
    "quantile": ("known",),
    "ratio": ("numerator", "denominator", "known"),
}

#: Roles that are 0 or 1 whatever the kind, and those that only the health of the data asks for.
_COUNTED, _ASIDE = ("known", "late", "event", "covered"), ("late", "event")
#: Roles that a metric's own mean is adjusted with; the KPI is not.
_ADJUSTING: tuple[Role, ...] = ("covariate", "covered")


@dataclass(frozen=True)
class Component:
    """A column that is aggregated: what it is of which metric, 0 in a unit where the metric is unknown.

    ``event`` is 1 in a unit whose event came within the limit, ``late`` in one whose label came too late to count,
    ``covered`` in one whose covariate is known too; else that and ``covariate`` are 0.
    ``binary`` components are 0 or 1 in every unit, so their moments are counts and exact.
    """

    metric: str
    role: Role
    binary: bool

    @property
    def name(self) -> str:
        """``"<metric>:<role>"``."""
        return f"{self.metric}:{self.role}"


@dataclass(frozen=True)
class Needs:
    """What one pass over the rows must bring.

    Attributes
    ----------
    components : all components, by metric
    pairs : indices ``i <= j`` of components whose co-moment is needed, sorted
    segments : columns whose values split the cells, in the policy's order
    metrics : names, sorted, so that the order of keys in a policy changes nothing
    histograms : how the values of some metrics are binned, by metric, and then what is watched for drift
    watched : columns that are watched for drift
    """

    components: tuple[Component, ...]
    pairs: tuple[tuple[int, int], ...]
    segments: tuple[str, ...]
    metrics: tuple[str, ...]
    histograms: tuple[Bins, ...] = ()
    watched: tuple[Watched, ...] = ()

    @property
    def watched_names(self) -> tuple[str, ...]:
        """The columns of a query that hold what is watched."""
        return tuple(f"x{w}" for w in range(len(self.watched)))

    def of(self, metric: str) -> tuple[int, ...]:
        """Indices of a metric's components."""
        return tuple(i for i, component in enumerate(self.components) if component.metric == metric)


def needs(policy: Policy, watched: Sequence[Watched] = ()) -> Needs:
    """Everything that the policy's metrics need, and the columns that are watched for drift.

    The KPI needs the joint covariance of its metrics, other means and ratios their own; other metrics that
    are 0 or 1 in every unit need counts only.
    """
    metrics = tuple(sorted(policy.metrics))
    components = tuple(
        Component(name, role, role in _COUNTED or policy.metrics[name].binary)
        for name in metrics
        for role in _roles(policy, name)
    )
    in_kpi = [
        i for i, c in enumerate(components) if c.metric in policy.kpi.weights and c.role not in (*_ASIDE, *_ADJUSTING)
    ]
    pairs = set(combinations_with_replacement(in_kpi, 2))
    for name in metrics:
        if not policy.metrics[name].binary:
            own = [i for i, c in enumerate(components) if c.metric == name and c.role not in _ASIDE]
            pairs.update(combinations_with_replacement(own, 2))
    segments = () if policy.segments is None else tuple(policy.segments.by)
    histograms: list[Bins] = [bins for name in metrics if (bins := bins_of(policy, name)) is not None]
    histograms += [one.bins for one in watched if one.bins is not None]
    return Needs(components, tuple(sorted(pairs)), segments, metrics, tuple(histograms), tuple(watched))


def _roles(policy: Policy, name: str) -> tuple[Role, ...]:
    metric = policy.metrics[name]
    late_clock = isinstance(metric, TimeToEvent) and metric.from_ != policy.source.time
    late: tuple[Role, ...] = ("late",) if metric.known_at is not None or late_clock else ()
    adjusting: tuple[Role, ...] = _ADJUSTING if isinstance(metric, Mean) and metric.covariate is not None else ()
    return (*_ROLES[metric.kind], *adjusting, *late)
