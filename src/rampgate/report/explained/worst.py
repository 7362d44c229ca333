"""Where a harm is worst: the segment that shows most of it, from what the record stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.marginals import Group
from rampgate.judge.case import Case
from rampgate.judge.criteria import criteria, group_weights
from rampgate.judge.decision import Judged
from rampgate.judge.point import latest_window
from rampgate.judge.sequential import worst_segment
from rampgate.judge.show import Raw
from rampgate.judge.weigh import onset, weigh


@dataclass(frozen=True)
class Worst:
    """A segment value, how much worse the candidate is there, and its known units there."""

    group: Group
    harm: float
    candidate_units: float


def worst_of(case: Case, failed: Judged) -> Worst | None:
    """The segment where an overall limit that was broken is broken most; None where none stands out."""
    if not case.data.segments:
        return None
    return _by_threshold(case, failed) if failed.e_value is None else _by_evidence(case, failed)


def _by_evidence(case: Case, failed: Judged) -> Worst | None:
    """The segment that is most clearly worse since the onset than all units together."""
    data = case.data
    plan = criteria(case.policy, group_weights(data.segments, data.first))
    criterion = next((c for c in plan if c.id == failed.id), None)
    if criterion is None or failed.onset is None or failed.effect_since_onset is None:
        return None
    [weighed] = weigh(data, [criterion])
    if weighed.error is not None:
        return None
    since = onset(data, weighed)
    found = worst_segment(data, criterion, since)
    return (
        None if found is None else Worst(*found, _units(case, failed.metric, found[0], slice(since.period, since.end)))
    )


def _by_threshold(case: Case, failed: Judged) -> Worst | None:
    """The segment with the greatest difference in the latest complete window, of those that are large enough."""
    data, policy, inside = case.data, case.policy, latest_window(case)
    if not inside or policy.segments is None:
        return None
    window = slice(inside[0], inside[-1] + 1)
    raw = Raw.of(data, window)
    known = [units[:, window].sum(-1) for units in data.known_by_period(failed.metric)]
    sign = 1.0 if failed.metric in policy.metrics and policy.metrics[failed.metric].better == "lower" else -1.0
    found = []
    for g, group in enumerate(data.groups[1:], start=1):
        baseline, candidate = raw.value(failed.metric, g)
        harm = sign * (candidate - baseline)
        if np.isfinite(harm) and min(units[g] for units in known) >= policy.segments.minimum_units:
            found.append(Worst(group, harm, float(known[0][g])))
    worst = max(found, key=lambda one: one.harm, default=None)
    return worst if worst is not None and worst.harm > 0 else None


def _units(case: Case, metric: str, group: Group, periods: slice) -> float:
    return float(case.data.known_by_period(metric)[0][case.data.index([group])[0], periods].sum())
