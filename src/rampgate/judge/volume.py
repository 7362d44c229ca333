"""Whether rows come as they did: a sudden change of volume, days without any, and a source that has stopped."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np

from rampgate.aggregate.calendar import first_day, local_day, local_midnight, next_first_day
from rampgate.aggregate.moments import Floats
from rampgate.judge.case import Case
from rampgate.judge.decision import FAIL, INCONCLUSIVE, NO_DATA, PASS, Health
from rampgate.judge.flow import Flow

#: Weeks that differ by more than this factor are a sudden change of volume, if one of them has enough units.
SUDDEN = 2.0
ENOUGH = 100
#: How many weeks, and at least how many, say what is usual after a week that was not.
USUAL, LEAST_USUAL = 4, 2
#: Without a row for this long before the look the source is taken to have stopped.
STALE_DAYS = 3


def volume(case: Case) -> Health:
    """Units of the last week against those of the week before, both arms and the history together.

    After a week of holidays a week like those before it is no change.
    """
    if _is_stale(case):
        return Health("volume", INCONCLUSIVE, "volume not compared: the rows end before this look")
    weeks = _weeks(case)
    if len(weeks) < 2 or not comparable(weeks):
        return Health(
            "volume", INCONCLUSIVE, f"volume not compared: two weeks are needed, one of them with {ENOUGH} units"
        )
    last, before = weeks[:2]
    text = f"{last:.0f} units in the last seven days, {before:.0f} in the seven before"
    if not sudden(weeks):
        usual = f", and about {_usual(weeks):.0f} in those before it" if _apart(last, before) else ""
        return Health("volume", PASS, f"{text}{usual}", int(last))
    remedy = "see whether rows are missing or doubled; if the work itself changed, wait for a week that is like it"
    return Health("volume", FAIL, f"the volume changed suddenly: {text}: {remedy}", int(last))


def comparable(weeks: Floats) -> np.ndarray:
    """Whether the units of the last week and of the one before, (..., week) with the last first, are enough."""
    return np.asarray(np.maximum(weeks[..., 0], weeks[..., 1]) >= ENOUGH)


def sudden(weeks: Floats) -> np.ndarray:
    """Whether a week suddenly has other units than the one before, and than is usual, (...).

    Parameters
    ----------
    weeks : (..., week), the last first; NaN where there is no whole week
    """
    last, usual = weeks[..., 0], _usual(weeks)
    known = np.isfinite(weeks[..., 2 : 2 + USUAL]).sum(-1) >= LEAST_USUAL
    return np.asarray(comparable(weeks) & _apart(last, weeks[..., 1]) & ~(known & ~_apart(last, usual)))


def _apart(one: Floats | float, other: Floats | float) -> np.ndarray:
    return np.asarray(np.maximum(one, other) > SUDDEN * np.minimum(one, other))


def _usual(weeks: Floats) -> Floats:
    """The median of the weeks before the last two; NaN without one."""
    before = weeks[..., 2 : 2 + USUAL]
    if not before.shape[-1]:
        return np.full(weeks.shape[:-1], np.nan)
    some = np.asarray(np.isfinite(before).any(-1))
    return np.where(some, np.nanmedian(np.where(some[..., None], before, 0.0), axis=-1), np.nan)


def _weeks(case: Case) -> Floats:
    """Units of each whole week before the look, the last first, (week,)."""
    cells = case.cells
    end = case.look.astimezone(case.policy.zone).date()
    ages = np.array([(end - p.day).days for p in cells.periods], dtype=int)[cells.period]
    count = int(ages.max()) // 7 if len(ages) else 0
    return np.array([float(cells.n[(ages > 7 * k) & (ages <= 7 * k + 7)].sum()) for k in range(count)])


def empty_days(case: Case) -> list[Health]:
    """Days of the run without any row, between others. They hold nothing: each period is compared within itself."""
    cells, start = case.cells, case.state.start
    if start is None:
        return []
    units = np.bincount(cells.period, weights=cells.n, minlength=len(cells.periods)).astype(np.float64)
    past = [t for t, p in enumerate(cells.periods) if p.day < start]
    run = [t for t, p in enumerate(cells.periods) if p.day >= start]
    flow = Flow.of(*(([cells.periods[t] for t in part], units[part], units[part]) for part in (past, run)))
    # Every day counts as one, also those of the history without a period.
    step = 7 if case.policy.source.look == "week" else 1
    steps = (np.arange(len(flow.came)) - flow.begin) % step == 0
    flow = replace(flow, beside=steps.astype(np.float64))
    days, due = flow.gaps()
    if not days:
        return []
    listed = [date.fromordinal(day).isoformat() for day in days]
    what = "period" if case.policy.source.look == "week" else "day"
    named = f"1 {what}, {listed[0]}," if len(days) == 1 else f"{len(days)} {what}s from {listed[0]} to {listed[-1]}"
    text = f"{named} not compared: no row, where about {due:.0f} should have come: see whether rows are missing"
    return [Health("volume", INCONCLUSIVE, text, len(days))]


def fresh(case: Case) -> Health:
    """Whether the newest row is recent."""
    newest = case.intake.newest
    if newest is None:
        return Health("stale", NO_DATA, "the source has no usable row before this look")
    if _is_stale(case):
        text = f"the newest row is of {newest:%Y-%m-%d %H:%M} UTC, more than {STALE_DAYS} days before this look"
        return Health("stale", FAIL, f"{text}: see whether the source is still written. {_right_after(case, newest)}")
    return Health("stale", PASS, f"the newest row is of {newest:%Y-%m-%d %H:%M} UTC")


def _is_stale(case: Case) -> bool:
    """Whether rows ended so long before this look that a source that still runs would have more."""
    return case.intake.newest is not None and case.look - case.intake.newest > timedelta(days=STALE_DAYS)


def _right_after(case: Case, newest: datetime) -> str:
    """How to look at a table that ends: the last look for which it is not stale."""
    every, zone = case.policy.source.look, case.policy.zone
    day = first_day(local_day(newest, zone), every)
    if local_midnight(next_first_day(day, every), zone) - newest <= timedelta(days=STALE_DAYS):
        day = next_first_day(day, every)  # its newest row lies in a whole period; else that week is left out
    if case.state.seen is not None and local_midnight(day, zone) < case.state.seen.through:
        return "If the table ends there, `rampgate replay` shows every look at it"
    return (
        f"If the table ends there, look with `--as-of {day}`; a recorded look is never followed by an earlier one, so "
        "name a new --ledger as well. `rampgate replay` shows every look and records none"
    )
