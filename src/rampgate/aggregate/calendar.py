"""When periods begin and end: local days and weeks, split where traffic changes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from rampgate.aggregate.moments import Period

Look = Literal["day", "week"]
_DAY = timedelta(days=1)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC.

    Where clocks skip midnight this is the moment of the skip; where they repeat it, its first occurrence.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The same instant as `midnight`, told in its own zone."""
    return midnight(day, zone).astimezone(zone)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The date that the clocks in `zone` show at an instant."""
    return instant.astimezone(zone).date()


def first_day(day: date, look: Look) -> date:
    """The day itself, or the Monday of its week."""
    return day if look == "day" else day - timedelta(days=day.weekday())


def next_first_day(day: date, look: Look) -> date:
    """The day after the period that begins on `day`."""
    return day + (timedelta(days=1) if look == "day" else timedelta(days=7))


def looks_later(look: datetime, every: Look, count: int, zone: ZoneInfo) -> datetime:
    """The look that many looks after one."""
    days = count if every == "day" else 7 * count
    return local_midnight(local_day(look, zone) + days * _DAY, zone)


def snapped(instants: Sequence[datetime], zone: ZoneInfo) -> tuple[datetime, ...]:
    """Each instant moved on to the next local midnight, unless it is one.

    Rows that have a date and no time of day cannot be split within a day: the whole day counts to what
    was in force at its beginning.
    """
    return tuple(_next_midnight(instant, zone) for instant in instants)


def _next_midnight(instant: datetime, zone: ZoneInfo) -> datetime:
    day = local_day(instant, zone)
    start = midnight(day, zone)
    return start if instant <= start else midnight(day + _DAY, zone)


def last_boundary(as_of: datetime, zone: ZoneInfo, look: Look, cuts: Sequence[datetime]) -> datetime:
    """The end of the last period that is complete at `as_of`."""
    whole = midnight(first_day(local_day(as_of, zone), look), zone)
    return max([whole, *(cut for cut in cuts if cut <= as_of)]).astimezone(UTC)


def period_at(
    instant: datetime, zone: ZoneInfo, look: Look, switches: Sequence[datetime], start: datetime | None
) -> Period:
    """The period that an instant lies in.

    A week in which the rollout starts is two periods: history, and one that begins, and has its ``day``,
    on the day of the start.
    """
    day = first_day(local_day(instant, zone), look)
    cuts = all_cuts(switches, start)
    place = bisect_right(cuts, instant)
    begin = max([midnight(day, zone), *cuts[:place]])
    end = min([midnight(next_first_day(day, look), zone), *cuts[place:]])
    if start is not None and begin >= start:
        day = max(day, local_day(start, zone))
    stage = sum(switch <= begin for switch in switches)
    return Period(day, stage, begin.astimezone(UTC), end.astimezone(UTC))


def all_cuts(switches: Sequence[datetime], start: datetime | None) -> tuple[datetime, ...]:
    """Where periods are split besides midnights: at each switch, and at the start of the rollout."""
    return tuple(sorted({*switches} if start is None else {*switches, start}))


def periods_between(
    start: datetime, before: datetime, zone: ZoneInfo, look: Look, switches: Sequence[datetime]
) -> tuple[Period, ...]:
    """Every period from the start of the rollout to `before`, with or without rows."""
    out: list[Period] = []
    at = start
    while at < before:
        period = period_at(at, zone, look, switches, start)
        out.append(period)
        at = period.end
    return tuple(out)


def offsets(zone: ZoneInfo, first: datetime, last: datetime) -> tuple[tuple[datetime, int], ...]:
    """The zone's offset from UTC, in seconds, and from when on it holds, between two instants.

    Returns
    -------
    Pairs in order of time; the first begins at `first`.
    """
    first, last = first.astimezone(UTC), last.astimezone(UTC)
    out = [(first, _offset(zone, first))]
    at = first
    while at < last:
        ahead = min(at + _DAY, last)
        if _offset(zone, ahead) != out[-1][1]:
            out.append(_change(zone, at, ahead))
        at = ahead
    return tuple(out)


def _offset(zone: ZoneInfo, instant: datetime) -> int:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> tuple[datetime, int]:
    """The second in (low, high] at which the offset becomes that of `high`, by bisection."""
    new, width = _offset(zone, high), round((high - low).total_seconds())
    before = 0
    while width - before > 1:
        middle = (before + width) // 2
        if _offset(zone, low + timedelta(seconds=middle)) == new:
            width = middle
        else:
            before = middle
    return low + timedelta(seconds=width), new
