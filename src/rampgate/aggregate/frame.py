"""Under what conditions an answer about a part of a source holds at another look.

A row's period and the cut that it lies behind depend on where periods are cut, on the zone's changes of clock, and, for
rows of what is not complete, on the look. Of all that only what lies within a part's own times matters to it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from rampgate.aggregate.calendar import first_day, local_day, midnight, offsets
from rampgate.aggregate.roles import AFTER
from rampgate.aggregate.rows import Question
from rampgate.aggregate.steps import UTC_NAMES, WRITTEN_OUT
from rampgate.source import Array

#: Labels may lie in the period after that of their row, which is at most a week.
_BEYOND = timedelta(days=15)


def conditions(ask: Question, low: int | None, high: int | None) -> dict[str, Any]:
    """What an answer about rows between two times depends on besides the rows.

    Parameters
    ----------
    low, high : the first and the last time, in microseconds as the engine counts them (local ones of dates); None
        where no row has one
    """
    out: dict[str, Any] = {"low": low, "high": high, "inner": [], "offsets": [], "before": None}
    if low is None or high is None:
        return out
    out["inner"] = [cut.isoformat() for cut in inner_cuts(ask, low, high)]
    if high >= _count(ask, ask.before):
        out["before"] = ask.before.isoformat()
    if ask.policy.timezone not in UTC_NAMES:
        out["offsets"] = _offsets(ask, low, high)
    return out


def inner_cuts(ask: Question, low: int, high: int) -> list[datetime]:
    """The cuts between two times that are not where a period begins anyway."""
    zone = ask.policy.zone
    return [
        cut
        for cut in ask.cuts
        if low < _count(ask, cut) <= high and cut != midnight(first_day(local_day(cut, zone), ask.look), zone)
    ]


def _count(ask: Question, instant: datetime) -> int:
    """An instant as the engine counts the times of this source, in microseconds."""
    if ask.dated:
        plain = np.datetime64(local_day(instant, ask.policy.zone), "us")
    else:
        plain = np.datetime64(instant.astimezone(UTC).replace(tzinfo=None), "us")
    return int(plain.view(np.int64))


def _instant(ask: Question, count: int | None) -> list[datetime]:
    """The inverse of `_count`; nothing for a time outside the years 1 to 9999."""
    plain = None if count is None else np.datetime64(count, "us").item()
    if not isinstance(plain, datetime):
        return []
    return [midnight(plain.date(), ask.policy.zone) if ask.dated else plain.replace(tzinfo=UTC)]


def _offsets(ask: Question, low: int, high: int) -> list[Any]:
    """The zone's offsets from UTC around two times, as far as they are written into the query."""
    first, last = ask.before - WRITTEN_OUT, ask.before
    span = [np.datetime64(at.replace(tzinfo=None), "us") for at in (first, last)]
    begin, end = (min(max(np.datetime64(at, "us"), span[0]), span[1]).item().replace(tzinfo=UTC) for at in (low, high))
    (_, offset), *changes = offsets(ask.policy.zone, begin - _BEYOND, min(last, end + _BEYOND))
    return [offset, *([at.isoformat(), seconds] for at, seconds in changes)]


def times(tables: Mapping[str, Mapping[str, Array]]) -> tuple[int | None, int | None]:
    """The first and the last time in the answers about a part."""
    cells = tables["cells"]
    known = cells["oldest"][~np.isnat(cells["oldest"])], cells["newest"][~np.isnat(cells["newest"])]
    if not len(known[0]):
        return None, None
    low, high = (values.astype("datetime64[us]").view(np.int64) for values in known)
    return int(low.min()), int(high.max())


def without_cuts(ask: Question, conditions: Mapping[str, Any], table: Mapping[str, Array]) -> dict[str, Array]:
    """An answer whose slots count the inner cuts of its part alone; rows after the look have none."""
    inner = set(conditions["inner"])
    passed = np.concatenate(([0], np.cumsum([cut.isoformat() in inner for cut in ask.cuts], dtype=np.int64)))
    slot = passed[table["slot"].astype(np.int64)]
    slot[(table["role"] == AFTER) | np.isnat(table["period"])] = 0
    return {**table, "slot": slot}


def with_cuts(ask: Question, conditions: Mapping[str, Any], table: Mapping[str, Array]) -> dict[str, Array]:
    """The same answer with slots that count the cuts of this look."""
    inner = [datetime.fromisoformat(cut) for cut in conditions["inner"]]
    # Cuts before the first row are before all of them.
    least = _instant(ask, conditions["low"])
    periods, period = np.unique(table["period"], return_inverse=True)
    steps = len(inner) + 1
    pairs, of = np.unique(period * steps + table["slot"], return_inverse=True)
    slots = np.zeros(len(pairs), dtype=np.int64)
    for place, (p, slot) in enumerate(divmod(int(pair), steps) for pair in pairs):
        day = periods[p].astype("datetime64[D]").item()
        if isinstance(day, date):
            begin = max([midnight(day, ask.policy.zone), *least, *inner[:slot]])
            slots[place] = bisect_right(ask.cuts, begin)
    return {**table, "slot": slots[of]}
