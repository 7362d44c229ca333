"""Quantiles of a case: thresholds that, once units were compared by them, no late or corrected row can move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rampgate.aggregate.binned import Binned
from rampgate.aggregate.calendar import local_midnight
from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.aggregate.moments import BASELINE, Period
from rampgate.estimate.quantiles import Fixed, Quantiles
from rampgate.judge.ripe import is_ripe
from rampgate.judge.state import Threshold
from rampgate.policy import Quantile

if TYPE_CHECKING:
    from rampgate.judge.case import Case


def quantiles_of(
    case: Case, name: str, groups: Sequence[Group], keep: tuple[list[int], list[int]], ripe: np.ndarray
) -> Quantiles:
    """A quantile of the history and of the run.

    Parameters
    ----------
    keep : places of the periods of the history and of the run
    ripe : whether each period of the run is old enough, (period,)
    """
    metric, periods = case.policy.metrics[name], case.cells.periods
    assert isinstance(metric, Quantile)
    past, run = (Binned.of(case.cells, groups, kept, name) for kept in keep)
    launch = case.look if case.state.start is None else local_midnight(case.state.start, case.policy.zone)
    # What was not final at the start is no reference: it would be another at the next look.
    final = is_ripe(case.policy, name, [periods[t] for t in keep[0]], launch)
    fixed = _fixed(case.state.thresholds.get(taken_of(metric)), groups, [periods[t] for t in keep[1]])
    return Quantiles.of(name, metric, past.only(final, BASELINE), run.only(ripe), fixed)


def _fixed(before: Threshold | None, groups: Sequence[Group], run: Sequence[Period]) -> Fixed | None:
    """Thresholds of an earlier look, by the places of today's groups and periods."""
    if before is None:
        return None
    first = sum(period.start < before.first for period in run)
    # A segment value that was not there yet has the threshold of everybody.
    return Fixed(first, np.array([before.ends.get(group, before.ends[OVERALL]) for group in groups], dtype=np.int64))


def taken_of(metric: Quantile) -> str:
    """What a threshold is the quantile of: with another column, share or side it would be another threshold."""
    return f"{metric.column} {metric.q!r} {metric.better}"


def kept(first: Period, groups: Sequence[Group], found: Quantiles) -> Threshold:
    """Thresholds as later looks are told of them, by which units are compared from a period on."""
    return Threshold(first.start, dict(zip(groups, found.threshold.tolist(), strict=True)))


def thresholds(case: Case) -> Mapping[str, Threshold]:
    """The thresholds that the next look is held to: those that were fixed before, and those of this look."""
    data, state = case.data, case.state
    found = {
        taken_of(metric): kept(data.periods[quantiles.first], data.groups, quantiles)
        for name, quantiles in data.quantiles.items()
        if quantiles.fixed and isinstance(metric := case.policy.metrics[name], Quantile)
    }
    return {**found, **state.thresholds}
