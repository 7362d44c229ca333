"""The baseline that rollouts are drawn from: the units, days and volume of the source's own history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from rampgate.aggregate.calendar import local_day, local_midnight
from rampgate.aggregate.marginals import OVERALL, Arm, Group, groups_of, marginals
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Cells, Floats, Period
from rampgate.aggregate.read import both_ends, read
from rampgate.aggregate.sorts import Sorts, of_periods, sorts
from rampgate.errors import DataError
from rampgate.estimate.quantiles import Quantiles
from rampgate.judge.ripe import is_ripe
from rampgate.policy import Policy
from rampgate.rollout.rows import events_engine
from rampgate.simulation.binned import thresholds

#: Days of history that rollouts are drawn from: the latest; a level of half a year ago is no level of today.
RECENT_DAYS = 56
#: History that is worth more than rows from the time of an earlier rollout.
ENOUGH_DAYS = 14


@dataclass(frozen=True)
class Baseline:
    """What the baseline is like.

    Attributes
    ----------
    policy : with bounds as the reference gives them
    components, pairs : as of `Cells`
    groups : all units, then each segment value
    sorts : the units of the days that are drawn from
    days : those days (or weeks), whose place is the sorts' period
    history : what a rollout's scale is taken from, candidate (empty) and baseline, (group, period)
    before : each period of the history with its units
    start : first day of the simulated rollouts
    notes : what was supposed, in sentences
    quantiles : those that something is judged by, with their thresholds
    """

    policy: Policy
    components: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    groups: tuple[Group, ...]
    sorts: Sorts
    days: tuple[Period, ...]
    history: tuple[Arm, Arm]
    before: tuple[tuple[Period, float], ...]
    start: date
    notes: tuple[str, ...]
    quantiles: Mapping[str, Quantiles] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """What is known of a unit: its components, and the bins of what is judged by its histogram."""
        return (*self.components, *(f"{name}:bin" for name in self.sorts.binned))

    @property
    def per_day(self) -> float:
        """Units a day, on average."""
        each = np.bincount(self.sorts.period, weights=self.sorts.count, minlength=len(self.days))
        weekday = np.array([period.day.weekday() for period in self.days])
        # The last days of a week may be too young to be drawn from; each weekday counts alike all the same.
        return float(np.mean([each[weekday == day].mean() for day in np.unique(weekday)])) / days_of(self.policy)


def days_of(policy: Policy) -> int:
    """Days between looks."""
    return 7 if policy.source.look == "week" else 1


def from_source(policy: Policy, events: Any = None) -> Baseline:
    """The baseline as the policy's source, or the rows that are passed, have it.

    Raises
    ------
    DataError : too little history
    ColumnError : the policy does not fit the columns
    """
    fixed, cells, found, end, why = read_history(policy, events)
    return of_history(fixed, cells, found, end, [why])


def read_history(policy: Policy, events: Any = None) -> tuple[Policy, Cells, Sorts, datetime, str]:
    """The policy with its bounds, what was read before the history's end, the baseline's sorts, that end, and which."""
    engine = events_engine(policy, events)
    try:
        end, why = _end(policy, engine)
        cells, intake, _, _, bounds, _, apart = read(policy, engine, (), end, local_day(end, policy.zone))
        fixed = policy.with_bounds(bounds)
        found = sorts(fixed, engine, end, cells, apart)
    finally:
        if engine is not events:
            engine.close()
    if intake.malformed:
        metric, count, example = intake.malformed[0]
        raise DataError(
            f"{count} values are not of the kind of metric {metric}, such as {example!r}", where=engine.name
        )
    return fixed, cells, found, end, why


def _end(policy: Policy, engine: Any) -> tuple[datetime, str]:
    """The end of the history: where the candidate begins, if enough is before that, else where the rows end."""
    baseline, candidate = both_ends(policy, engine)
    if baseline.first is None or baseline.last is None:
        remedy = "write the name of the version in use under baseline, or describe it by hand with --assume"
        raise DataError(f"no row of the baseline {policy.baseline!r} has a time", where=engine.name, remedy=remedy)
    first, last = (local_day(moment, policy.zone) for moment in (baseline.first, baseline.last))
    end, why = last + timedelta(days=1), "all rows of the baseline"
    if candidate.first is not None:
        launch = local_day(candidate.first, policy.zone)
        if (launch - first).days >= ENOUGH_DAYS:
            end, why = min(end, launch), "the baseline's rows before the first one of the candidate"
    if policy.source.look == "week":
        end -= timedelta(days=end.weekday())
    return local_midnight(end, policy.zone), why


def of_history(policy: Policy, cells: Cells, found: Sorts, end: datetime, notes: Sequence[str]) -> Baseline:
    """The baseline from what was read of it up to a moment."""
    own = cells.rows(np.flatnonzero(cells.arm == BASELINE))
    groups = groups_of(own)
    volume = np.bincount(cells.period, weights=cells.n, minlength=len(cells.periods))
    kept = _drawn_from(policy, own, end)
    days = tuple(own.periods[t] for t in kept)
    drawn = of_periods(found, kept)
    counted = np.bincount(drawn.period, weights=drawn.count, minlength=len(kept))
    # Rows of a candidate were there to be handled too; and where sorts were thinned out, units are as many as before.
    drawn = replace(drawn, count=drawn.count * (volume[kept] / np.maximum(counted, 1.0))[drawn.period])
    then = marginals(own, groups, range(len(own.periods)))
    before = tuple(zip(own.periods, volume.tolist(), strict=True))
    first, last = days[0].day, local_day(days[-1].end - timedelta(seconds=1), policy.zone)
    told = (
        f"units are drawn from {notes[0]}, {first} to {last}: {counted.sum():,.0f} units, "
        f"{volume[kept].sum() / (len(kept) * days_of(policy)):,.0f} a day",
        *notes[1:],
    )
    if found.part < 1.0:
        told = (*told, f"one unit of {1 / found.part:,.0f} was taken, by the hash of its row")
    history = (then.arm(CANDIDATE), then.arm(BASELINE))
    start = _start(policy, end)
    quantiles = thresholds(policy, own, groups, range(len(own.periods)), local_midnight(start, policy.zone))
    return Baseline(
        policy, own.components, own.pairs, groups, drawn, days, history, before, start, told, quantiles
    )  # fmt: skip


def _drawn_from(policy: Policy, cells: Cells, end: datetime) -> list[int]:
    """The latest whole periods whose outcomes are final."""
    units = np.bincount(cells.period, weights=cells.n, minlength=len(cells.periods))
    final = np.all([is_ripe(policy, name, cells.periods, end) for name in policy.judged_metrics()], axis=0)
    since = end - timedelta(days=RECENT_DAYS + max(0, _waits(final) * days_of(policy)))
    kept = [t for t, p in enumerate(cells.periods) if final[t] and units[t] > 0 and p.start >= since]
    if len(kept) * days_of(policy) < 7:
        text = f"{len(kept)} whole {'weeks' if days_of(policy) == 7 else 'days'} of the baseline have final outcomes"
        remedy = "pass rows of at least one week, or describe the baseline by hand with --assume"
        raise DataError(f"{text}, which is too little to draw rollouts from", where="source", remedy=remedy)
    return kept


def _waits(final: np.ndarray) -> int:
    return int((~final).sum())


def _start(policy: Policy, end: datetime) -> date:
    """The first day after the history; the policy's own, where that is still to come."""
    day = local_day(end, policy.zone)
    return max(day, policy.start) if policy.start is not None else day


def member_of(groups: Sequence[Group], columns: Sequence[str], values: Sequence[tuple[str, ...]]) -> Floats:
    """Whether each sort is of each group, (sort, group)."""
    out = np.zeros((len(values), len(groups)))
    for g, group in enumerate(groups):
        if group == OVERALL:
            out[:, g] = 1.0
        else:
            at = columns.index(str(group.column))
            out[:, g] = [row[at] == group.value for row in values]
    return out


def only_by(baseline: Baseline, column: str) -> Baseline:
    """The same baseline for a policy that has the segments of one column alone."""
    policy = baseline.policy
    assert policy.segments is not None
    at = policy.segments.by.index(column)
    kept = [g for g, group in enumerate(baseline.groups) if group.column in (None, column)]
    c, b = (_of_groups(arm, kept) for arm in baseline.history)
    return replace(
        baseline,
        policy=policy.model_copy(update={"segments": policy.segments.model_copy(update={"by": (column,)})}),
        groups=tuple(baseline.groups[g] for g in kept),
        sorts=replace(baseline.sorts, segments=tuple((row[at],) for row in baseline.sorts.segments)),
        history=(c, b),
        quantiles={name: one.pick(kept) for name, one in baseline.quantiles.items()},
    )


def _of_groups(arm: Arm, kept: Sequence[int]) -> Arm:
    return replace(arm, **{name: getattr(arm, name)[kept] for name in ("n", "mean", "comoment", "low", "high")})
