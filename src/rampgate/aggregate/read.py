"""One look at a source: cells of complete periods, and an account of every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import NamedTuple

import numpy as np

from rampgate.aggregate.apart import Apart, told_apart
from rampgate.aggregate.calendar import (
    all_cuts,
    last_boundary,
    local_day,
    midnight,
    period_at,
    periods_between,
    snapped,
)
from rampgate.aggregate.cells import moments
from rampgate.aggregate.columns import check_columns
from rampgate.aggregate.counted import counted
from rampgate.aggregate.crossed import Crossed, first_meetings
from rampgate.aggregate.drift_bins import ReferenceCounts
from rampgate.aggregate.drift_reference import watched
from rampgate.aggregate.kept import Kept
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Cells, Floats, Intake, Ints, Period
from rampgate.aggregate.needs import needs
from rampgate.aggregate.reference import reference_bounds
from rampgate.aggregate.roles import (
    AFTER,
    NO_CLUSTER,
    NO_TIME,
    NO_UNIT,
    NO_VARIANT,
    OF_CANDIDATE,
    OTHER_VARIANT,
)
from rampgate.aggregate.rows import (
    Question,
    flagged,
)
from rampgate.aggregate.store import Store
from rampgate.aggregate.survey import (
    Ends,
    Repeats,
    bad_examples,
    ends,
    equal_values,
    first_row,
    instant_of,
    is_dated,
    other_variants,
    variants,
)
from rampgate.aggregate.tallies import tallies
from rampgate.aggregate.times import TYPED_TIMES
from rampgate.errors import DataError, NotStarted, UsageError
from rampgate.policy import Policy, Proportion, RareEvent
from rampgate.source import Array, Engine


class Reading(NamedTuple):
    """What a look at a source gives.

    Attributes
    ----------
    cells : complete periods before ``look``; from the start on every period, with or without rows, and
        before it those that have rows
    intake : what happened to each row
    start : first day of the rollout; None while every candidate row lies after the look
    look : end of the last complete period
    bounds : of values, by column, where the policy takes them from the reference and the rollout has started
    drift : what drift is measured from, by name, where it is watched and the rollout has started
    apart : the values that are told apart, of segment columns that have more of them than the policy allows
    """

    cells: Cells
    intake: Intake
    start: date | None
    look: datetime
    bounds: Mapping[str, tuple[float, float]]
    drift: Mapping[str, ReferenceCounts]
    apart: Apart


def read(
    policy: Policy,
    engine: Engine,
    switches: Sequence[datetime],
    as_of: datetime,
    start: date | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    drift: Mapping[str, ReferenceCounts] | None = None,
    store: Store | None = None,
    apart: Apart | None = None,
) -> Reading:
    """Aggregate the rows that a look may rest on.

    Parameters
    ----------
    policy : says what the columns mean
    engine : holds the rows
    switches : instants at which traffic changed, aware; periods are split there
    as_of : the time of the look, aware; rows of periods that are not complete by then are counted, not used
    start : first day of the rollout where it is fixed already; else the policy's, or that of the first candidate row
    bounds : those that an earlier look took from the reference, by column
    drift : what an earlier look measured drift from; None where nobody asks for drift
    store : where what is read of parts of the source is kept and found; without one every row is read
    apart : what an earlier look of the attempt told apart; None at the first

    Raises
    ------
    PolicyError
        When bounds, or thresholds of drift, are to be taken from a reference that is too short.
    ColumnError
        When the policy does not fit the columns.
    DataError
        When there are no rows, or none of one variant, or their times cannot be understood.
    """
    if as_of.tzinfo is None or any(switch.tzinfo is None for switch in switches):
        raise UsageError("a time without time zone", where="as_of", remedy="give it an offset, as in ...+00:00")
    kept = Kept.of(engine, store)
    ask = question(policy, engine, switches, as_of, start, kept)
    fixed = dict(bounds or {})
    if ask.policy.unfixed() and ask.start is not None and ask.start <= ask.before:
        fixed |= reference_bounds(ask, fixed)
        ask = replace(ask, policy=policy.with_bounds(fixed))
    ask, told, merged = told_apart(ask, apart)
    anchored = dict(drift or {})
    if drift is not None and policy.drift is not None and ask.start is not None and ask.start <= ask.before:
        ask, now = watched(ask, anchored)
        anchored |= now
    found, arrays, bins = counted(ask)
    if start is None:  # once a rollout runs, an arm that vanished is for the judge
        _refuse_empty_arms(ask, arrays)
    look = _Look(ask, arrays, bins)
    _refuse_change(look, found)
    cells = look.cells(_stages(ask, switches))
    _refuse_misspelt_values(ask, cells)
    day = None if ask.start is None else local_day(ask.start, policy.zone)
    crossed = look.crossed(_stages(ask, switches)) if found.repeated and ask.cluster is None else ()
    intake = look.intake(found, crossed, merged)
    if kept is not None:
        kept.close()
    return Reading(cells, intake, day, ask.before, fixed, anchored, told)


def both_ends(policy: Policy, engine: Engine) -> tuple[Ends, Ends]:
    """Where the rows of baseline and candidate begin and end: what to read when there is no look.

    Raises
    ------
    ColumnError, DataError
        When the policy does not fit the columns, or times cannot be understood.
    """
    # Neither instant matters here: every row is asked for.
    return ends(question(policy, engine, (), datetime(2000, 1, 3, tzinfo=UTC), date(2000, 1, 1)))


def variant_values(policy: Policy, engine: Engine) -> tuple[tuple[str, int], ...]:
    """The values of the variant column with their rows, most frequent first."""
    return variants(question(policy, engine, (), datetime(2000, 1, 3, tzinfo=UTC), date(2000, 1, 1)))


def question(
    policy: Policy,
    engine: Engine,
    switches: Sequence[datetime],
    as_of: datetime,
    fixed: date | None,
    kept: Kept | None = None,
) -> Question:
    """What is asked of the rows, once their columns and the start are known."""
    types = check_columns(policy, engine.columns(), engine.name)
    kind, zone = types[policy.source.time], policy.zone
    ask = Question(policy, needs(policy), engine, types, kind == "date", as_of, kept=kept)
    dated = ask.dated if kind in TYPED_TIMES else is_dated(ask)
    cuts = snapped(switches, zone) if dated else tuple(switches)
    before = last_boundary(as_of, zone, policy.source.look, cuts)
    ask = replace(ask, dated=dated, before=before)
    start = _start(ask, fixed if fixed is not None else policy.start)
    return replace(ask, cuts=all_cuts(_utc(cuts), start), start=start)


def _stages(ask: Question, switches: Sequence[datetime]) -> tuple[datetime, ...]:
    """The switches as far as the rows can be split at them."""
    return _utc(snapped(switches, ask.policy.zone) if ask.dated else switches)


def _utc(instants: Sequence[datetime]) -> tuple[datetime, ...]:
    return tuple(sorted(instant.astimezone(UTC) for instant in instants))


def _start(ask: Question, fixed: date | None) -> datetime | None:
    """Local midnight of the fixed start, or of the first candidate row's day if that is before the look."""
    zone = ask.policy.zone
    if fixed is not None:
        return midnight(fixed, zone)
    first = first_row(ask, ask.policy.candidate)
    if first.at is None:
        raise _no_rows(ask, "candidate", ask.policy.candidate, first.rows)
    return midnight(local_day(first.at, zone), zone) if first.at < ask.before else None


def _refuse_empty_arms(ask: Question, arrays: dict[str, Array]) -> None:
    """A variant without a single row, before or after the look, is a misspelt name or the wrong table."""
    for arm, what, variant in (
        (BASELINE, "baseline", ask.policy.baseline),
        (CANDIDATE, "candidate", ask.policy.candidate),
    ):
        if not (arrays["role"] == arm).any():
            first = first_row(ask, variant)
            if first.at is None:
                raise _no_rows(ask, what, variant, first.rows)


def _no_rows(ask: Question, what: str, variant: str, untimed: int) -> DataError:
    column, name = ask.policy.source.variant, ask.engine.name
    where = f"{name}, column {column!r}"
    if untimed:
        remedy = f"fill column {ask.policy.source.time!r}"
        return DataError(f"none of the {untimed} rows of the {what} {variant!r} has a time", where=where, remedy=remedy)
    found = variants(ask)
    if not found:
        return DataError("the source has columns and no rows", where=name, remedy="see whether it was written whole")
    names = ", ".join(f"{value!r} ({n} rows)" for value, n in found)
    alone = what == "candidate" and [value for value, _ in found] == [ask.policy.baseline]
    return (NotStarted if alone else DataError)(
        f"no row of the {what} {variant!r}",
        where=where,
        remedy=f"correct {what} in the policy, or wait for its first row; the column holds {names}",
    )


def _refuse_change(look: _Look, found: Repeats) -> None:
    """The source is read more than once; what was read must be the same."""
    used = look.count(look.arms & look.since)
    if look.ask.start is not None and used != found.rows - found.repeated:
        raise DataError(
            f"the source changed while it was read: {found.rows - found.repeated} rows, then {used}",
            where=look.ask.engine.name,
            remedy="run again once it is not being written, or write a new file and rename it into place",
        )


def _refuse_misspelt_values(ask: Question, cells: Cells) -> None:
    """A value that `equals` names and no row has: nothing could be compared, and nothing would ever fail.

    Of an outcome that is bad there may be none yet; then only a value that differs in case or spaces is refused.
    """
    for name in ask.needs.metrics:
        metric = ask.policy.metrics[name]
        if not isinstance(metric, (Proportion, RareEvent)) or metric.equals is None:
            continue
        value = ask.needs.of(name)[0]
        if (cells.n @ cells.mean[:, value]) > 0:
            continue
        wanted = metric.equals
        tally = equal_values(ask, metric.column)
        close = [v for v, _ in tally if v.strip().casefold() == wanted.strip().casefold()]
        if wanted in close or not tally or (metric.better == "lower" and not close):
            continue
        held = ", ".join(f"{v!r} ({n} rows)" for v, n in tally[:5])
        raise DataError(
            f"no row equals {wanted!r}",
            where=f"{ask.engine.name}, column {metric.column!r} (metrics.{name}.equals)",
            remedy=f"did you mean {close[0]!r}?" if close else f"name one of its values: {held}",
        )


class _Look:
    """The answer to the one query, and what can be said of it."""

    def __init__(self, ask: Question, arrays: dict[str, Array], bins: dict[str, Array]) -> None:
        self.ask, self.arrays, self.bins = ask, arrays, bins
        self.role: Ints = arrays["role"].astype(np.int64)
        self.n: Floats = arrays["n"].astype(np.float64)
        self.slot: Ints = arrays["slot"].astype(np.int64)
        self.arms = self.role <= CANDIDATE
        # The start is one of the cuts, so a slot is before it or after it as a whole.
        first = len(ask.cuts) + 1 if ask.start is None else ask.cuts.index(ask.start) + 1
        self.since = (self.slot >= first) & (self.role != AFTER)

    def lacks(self, code: int) -> Array:
        """Rows of the answer that are not used for one reason, whatever arm they are of."""
        return np.asarray((self.role == code) | (self.role == OF_CANDIDATE[code]))

    def count(self, rows: Array) -> int:
        """Rows of the source behind some rows of the answer."""
        return int(self.n[rows].sum())

    def cells(self, switches: Sequence[datetime]) -> Cells:
        """The cells, in the order of period, arm and segment values."""
        ask = self.ask
        zone, look = ask.policy.zone, ask.look
        used = np.flatnonzero(self.arms)
        periods, of = self._periods(used, switches)
        dense = () if ask.start is None else periods_between(ask.start, ask.before, zone, look, switches)
        every = tuple(sorted({*periods, *dense}, key=lambda period: period.start))
        place = {period: t for t, period in enumerate(every)}
        period = np.array([place[p] for p in periods], dtype=np.int64)[of]
        names = [self.arrays[f"seg_{i}"][used] for i in range(len(ask.needs.segments))]
        cluster = self.arrays["cluster"][used].astype(str).astype(object) if ask.cluster is not None else None
        last = () if cluster is None else (cluster,)
        keys = (period, self.role[used], *(_ranks(column) for column in (*names, *last)))
        order = np.lexsort(keys[::-1])
        rows = used[order]
        n, mean, comoment, low, high = moments(ask.needs, {key: v[rows] for key, v in self.arrays.items()})
        return Cells(
            components=tuple(component.name for component in ask.needs.components),
            pairs=ask.needs.pairs,
            periods=every,
            segments=ask.needs.segments,
            period=period[order],
            arm=self.role[rows],
            values=tuple(zip(*(column[order] for column in names), strict=True)) if names else ((),) * len(rows),
            n=n,
            mean=mean,
            comoment=comoment,
            low=low,
            high=high,
            malformed=self._malformed(rows),
            digest=tuple(
                f"{hi:x}.{lo:x}"
                for hi, lo in zip(self.arrays["hash_hi"][rows], self.arrays["hash_lo"][rows], strict=True)
            ),
            tallies=tallies(ask, {key: v[rows] for key, v in self.arrays.items()}, self.bins),
            clusters=() if cluster is None else tuple(cluster[order]),
        )

    def _periods(self, used: Ints, switches: Sequence[datetime]) -> tuple[list[Period], Ints]:
        """Periods, and which of them each row of the answer that is used belongs to."""
        days, day = np.unique(self.arrays["period"][used], return_inverse=True)
        slots, slot = np.unique(self.slot[used], return_inverse=True)
        pairs, of = np.unique(day * len(slots) + slot, return_inverse=True)
        places = (divmod(int(pair), len(slots)) for pair in pairs)
        return [self._period(days[d], int(slots[s]), switches) for d, s in places], of

    def _period(self, day: np.datetime64, slot: int, switches: Sequence[datetime]) -> Period:
        """The period that begins on a day, or at the cut that the slot begins with."""
        ask, begin = self.ask, day.astype("datetime64[D]").item()
        if not isinstance(begin, date):
            instant_of(day, ask)
        at = max([midnight(begin, ask.policy.zone), *ask.cuts[:slot]])
        return period_at(at, ask.policy.zone, ask.look, switches, ask.start)

    def crossed(self, switches: Sequence[datetime]) -> tuple[Crossed, ...]:
        """Units first seen within each phase, and first seen in both arms of it, per period."""
        counts = dict[datetime, list[int]]()
        for seen, last, slot, arms, n in first_meetings(self.ask):
            for place, day in enumerate((seen, last)[:arms]):
                counts.setdefault(self._period(day, slot, switches).start, [0, 0])[place] += n
        return tuple((start, new, both) for start, (new, both) in sorted(counts.items()))

    def _malformed(self, rows: Array) -> Ints:
        out = np.zeros((len(rows), len(self.ask.needs.metrics)), dtype=np.int64)
        for m in flagged(self.ask):
            out[:, m] = self.arrays[f"bad_{m}"][rows]
        return out

    def intake(self, found: Repeats, crossed: tuple[Crossed, ...], merged: tuple[tuple[str, int], ...]) -> Intake:
        """What happened to each row."""
        ask, role, since = self.ask, self.role, self.since
        others = other_variants(ask) if ((role == OTHER_VARIANT) & since).any() else ()
        newest = self.arrays["newest"][self.arms]
        malformed, wrong = self._malformed_examples()
        return Intake(
            rows=self.count(role != AFTER) + found.repeated,
            used=self.count(self.arms & since),
            history=self.count(~since & (role != AFTER) & ~self.lacks(NO_TIME)),
            after_as_of=self.count(role == AFTER),
            null_unit=self.count(self.lacks(NO_UNIT) & since),
            null_time=self.count(self.lacks(NO_TIME)),
            null_variant=self.count((role == NO_VARIANT) & since),
            other_variants=others,
            duplicate_units=found.repeated,
            duplicate_example=found.example,
            malformed=malformed,
            newest=instant_of(newest.max(), ask) if len(newest) else None,
            null_cluster=self.count(self.lacks(NO_CLUSTER) & since),
            crossed=crossed,
            wrong=wrong,
            merged=merged,
            missing_candidate=self.count(np.isin(role, tuple(OF_CANDIDATE.values())) & (since | self.lacks(NO_TIME))),
        )

    def _malformed_examples(self) -> tuple[tuple[tuple[str, int, str], ...], tuple[tuple[str, str], ...]]:
        """Metric, values since the start that are not of its kind, and one of them; and metric and what is wrong."""
        counts = self._malformed(np.flatnonzero(self.arms & self.since)).sum(0)
        examples = bad_examples(self.ask, [m for m, count in enumerate(counts) if count])
        names = self.ask.needs.metrics
        found = tuple((names[m], int(counts[m]), text) for m, (text, _) in examples.items())
        return found, tuple((names[m], why) for m, (_, why) in examples.items() if why)


def _ranks(values: Array) -> Ints:
    """The place of each text among all that there are, sorted."""
    place = {value: i for i, value in enumerate(sorted(set(values)))}
    return np.fromiter(map(place.__getitem__, values), dtype=np.int64, count=len(values))
