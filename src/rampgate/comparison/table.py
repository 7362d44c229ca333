"""The doors: a comparison of a table that has no policy, and of one under a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from rampgate.aggregate.calendar import first_day, local_day, local_midnight
from rampgate.aggregate.moments import Cells
from rampgate.aggregate.read import both_ends, read, variant_values
from rampgate.comparison.assess import assess
from rampgate.comparison.values import Comparison
from rampgate.errors import DataError, UsageError
from rampgate.judge.case import Case
from rampgate.judge.state import State
from rampgate.policy import Duration, Policy, refuse_not_judged
from rampgate.rollout.looks import look_at, parse_moment, switches
from rampgate.rollout.rows import events_engine
from rampgate.source import Engine, open_engine

Moment = str | date | datetime | None
_DAY = timedelta(days=1)
#: The last day that has a next one.
_LAST_DAY = date.max - _DAY
#: Nobody compares versions over more; a row beyond it has a wrong time, and would cost a period for every day.
LONGEST = timedelta(days=3653)
#: More weeks than these are shown as windows of 30 days.
MOST_WEEKS = 104

#: What is guessed for a policy, and no comparison rests on.
_OF_A_ROLLOUT = ("rollout", "margin", "phases")


def compare(
    events: Any,
    *,
    baseline: str | None = None,
    candidate: str | None = None,
    unit: str | None = None,
    time: str | None = None,
    variant: str | None = None,
    metrics: Sequence[str] | str = (),
    segments: Sequence[str] | str | None = None,
    timezone: str | None = None,
    time_format: str | None = None,
    decimal: str | None = None,
    as_of: Moment = None,
) -> Comparison:
    """Compare baseline and candidate in a table; what is not given is guessed, and said.

    Parameters
    ----------
    events : path, pattern, or a pandas, Polars or Arrow frame
    baseline, candidate : values of the variant column
    unit, time, variant : columns; one unit a row
    metrics, segments : columns; ``segments=()`` compares by none
    timezone : where days begin
    time_format, decimal : how times and numbers are written, where that is unusual
    as_of : whole days before it are compared; all of them when left out

    Returns
    -------
    Comparison; ``notes`` says what was guessed.

    Raises
    ------
    UsageError, ColumnError : the question does not fit the table (exit code 2)
    SourceError, DataError : the table cannot be read or understood (exit code 1)
    """
    from rampgate.guess import Given, guess

    given = Given(
        unit=unit,
        time=time,
        variant=variant,
        baseline=baseline,
        candidate=candidate,
        metrics=_several(metrics),
        segments=None if segments is None else _several(segments),
        timezone=timezone,
        time_format=time_format,
        decimal=decimal,
    )
    engine = open_engine(events)
    try:
        found = guess(engine, given)
        compared = compare_under(found.policy, engine, as_of)
    finally:
        if engine is not events:
            engine.close()
    alone = len(found.policy.kpi.weights) == 1
    notes = tuple(n for n in found.notes if n.role not in _OF_A_ROLLOUT and not (alone and n.role == "weights"))
    return replace(compared, notes=notes, left_out=found.left_out)


def _several(names: Sequence[str] | str) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def compare_under(policy: Policy, events: Any = None, as_of: Moment = None) -> Comparison:
    """Compare baseline and candidate as a policy understands the columns; no rule of it is judged.

    Parameters
    ----------
    policy : what the columns mean
    events : frame, path or engine; the policy's ``source.events`` when left out
    as_of : whole days before it are compared; when left out all of them, with the last one as far as it goes
    """
    refuse_not_judged(policy)
    engine = events_engine(policy, events)
    try:
        return assess(read_case(policy, engine, as_of), engine.name)
    finally:
        if engine is not events:
            engine.close()


def read_case(policy: Policy, engine: Engine, as_of: Moment = None) -> Case:
    """Read both arms day by day, from the first row of either or from the policy's start."""
    policy = policy.model_copy(update={"source": policy.source.model_copy(update={"look": "day"})})
    zone = policy.zone
    first, last = _ends(policy, engine)
    look = local_midnight(min(local_day(last, zone), _LAST_DAY) + _DAY, zone)
    if as_of is not None:
        look = min(look, look_at(policy, parse_moment(as_of, zone)))
    begin = first if policy.start is None else max(first, local_midnight(policy.start, zone))
    if begin >= look:
        raise UsageError(
            f"there is nothing to compare before {look:%Y-%m-%d}: the first row that counts is of "
            f"{local_day(begin, zone)}",
            where="as_of",
            remedy="give a later day, or leave it out",
        )
    start = max(local_day(begin, zone), local_day(look - LONGEST, zone))
    cells, intake, _, end, bounds, *_ = read(policy, engine, switches(policy, None), look, start)
    if intake.history > intake.used and start > local_day(begin, zone):
        raise DataError(
            f"the rows lie between {first:%Y-%m-%d} and {last:%Y-%m-%d}, most of them over ten years before the last",
            where=f"{engine.name}, column {policy.source.time!r}",
            remedy="correct the times, or leave out what lies after a day with --as-of",
        )
    cells, start = _without_gaps(cells, start)
    state = State(candidate=policy.candidate, start=start, phases=((1, local_midnight(start, zone)),), bounds=bounds)
    return Case(_readable(policy, cells), cells, intake, state, look, end.astimezone(zone))


def _without_gaps(cells: Cells, start: date) -> tuple[Cells, date]:
    """Without the weeks that have no row: one stray time must not make hundreds of them. Then the first day left."""
    used = {cells.periods[t].day for t in set(cells.period.tolist())}
    weeks = {first_day(day, "week") for day in used}
    kept = [t for t, period in enumerate(cells.periods) if first_day(period.day, "week") in weeks]
    place = {t: i for i, t in enumerate(kept)}
    period = np.array([place[t] for t in cells.period.tolist()], dtype=np.int64)
    shorter = replace(cells, periods=tuple(cells.periods[t] for t in kept), period=period)
    return shorter, min((day for day in used if day >= start), default=start)


def _readable(policy: Policy, cells: Cells) -> Policy:
    """The policy with longer windows where weeks would be more than anybody reads."""
    weeks = {first_day(period.day, "week") for period in cells.periods}
    if policy.source.window != "week" or len(weeks) <= MOST_WEEKS:
        return policy
    return policy.model_copy(update={"source": policy.source.model_copy(update={"window": Duration(30, "d")})})


def _ends(policy: Policy, engine: Engine) -> tuple[datetime, datetime]:
    """The first and the last time of both arms, each of which must have rows."""
    arms = both_ends(policy, engine)
    where = f"{engine.name}, column {policy.source.variant!r}"
    for what, name, arm in zip(("baseline", "candidate"), (policy.baseline, policy.candidate), arms, strict=True):
        if not arm.rows:
            raise _unknown(policy, engine, what, name, where)
    times = [moment for arm in arms for moment in (arm.first, arm.last) if moment is not None]
    if not times:
        remedy = f"fill column {policy.source.time!r}, or name another with --time"
        raise DataError("no row of either variant has a time", where=engine.name, remedy=remedy)
    return min(times), max(times)


def _unknown(policy: Policy, engine: Engine, what: str, name: str, where: str) -> Exception:
    found = variant_values(policy, engine)
    if not found:
        remedy = "see whether the table was written whole, or name another column with --variant"
        return DataError("the column has no values", where=where, remedy=remedy)
    held = ", ".join(f"{value!r} ({n} rows)" for value, n in found)
    remedy = f"give one of its values with --{what}: {held}; or another column with --variant"
    return UsageError(f"no row of the {what} {name!r}", where=where, remedy=remedy)
