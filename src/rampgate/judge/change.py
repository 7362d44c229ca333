"""Whether the candidate has changed since it has all of the traffic, where no baseline is left to compare it with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from rampgate.aggregate.calendar import local_midnight
from rampgate.aggregate.marginals import OVERALL
from rampgate.estimate.change import ONSET_LEVEL, Detector, Onset, Watch, changed_within, steps_needed
from rampgate.estimate.detect import YEAR_DAYS, Change, alarmed
from rampgate.judge.case import Case
from rampgate.judge.days import Entries, Series, entries, first_watched, series
from rampgate.judge.decision import FAIL, NO_DATA, PASS, Reason, Waiting
from rampgate.judge.findings import amount, called
from rampgate.judge.gate import Demand, look_days
from rampgate.judge.ripe import ripe_at
from rampgate.policy import After

#: Significant digits of what the watch tells. Its sums go through matrices, whose last digits differ by processor.
DIGITS = 6
_TAKE_OUT = "take it out of drift.after.metrics"
_REFERENCE = "drift.after.reference"
_FROM = "day as drift.after.reference.from"
_ACCEPT = "To go on from the new level, give days since then as drift.after.reference"


@dataclass(frozen=True)
class Watched:
    """What the watch says of one metric.

    Attributes
    ----------
    begin : the first day that is watched; days before it are the reference
    step_days : how many days are put together
    threshold, alerts : of the e-detector, and the false alarms a year that are accepted of this metric
    spare : steps of the reference, less those that its levels use up
    waits_until : when it can be watched, where that is known
    series, watch : what it was computed from; None where it cannot be
    """

    metric: str
    verdict: str
    message: str
    begin: date
    threshold: float
    alerts: float
    step_days: int | None = None
    spare: int = 0
    waits_until: date | None = None
    series: Series | None = None
    watch: Watch | None = None
    change: Change | None = None

    @property
    def watched_days(self) -> list[date]:
        """First days of the steps that are watched."""
        if self.series is None:
            return []
        return [day for day, seen in zip(self.series.days, self.series.rows.watched, strict=True) if seen]

    def to_dict(self) -> dict[str, Any]:
        change, days = self.change, self.watched_days
        onset = None if change is None else change.onset
        alarm = None if change is None or change.alarm is None else days[change.alarm].isoformat()
        now = None if change is None or not change.log_r.size else float(np.exp(min(change.log_r[-1], 690.0)))
        return {
            "metric": self.metric,
            "watched_from": self.begin.isoformat(),
            "step_days": self.step_days,
            "reference_steps": self.spare,
            "false_alerts_a_year": _told(self.alerts),
            "threshold": _told(self.threshold),
            "e_detector": _told(now),
            "alarm": alarm,
            "onset": None if onset is None else _between(onset, days),
            "shift": None if onset is None else _told(onset.shift),
            "verdict": self.verdict,
            "message": self.message,
        }


def _told(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.{DIGITS - 1}e}") + 0.0


def _between(onset: Onset, days: list[date]) -> Mapping[str, Any]:
    likeliest, first, last = (days[row].isoformat() for row in (onset.row, onset.first, onset.last))
    return {"likeliest": likeliest, "from": first, "to": last, "level": ONSET_LEVEL}


def changes(case: Case) -> tuple[Watched, ...]:
    """The watch over each metric that the policy names, once the candidate has all of the traffic."""
    drift, state = case.policy.drift, case.state
    after = None if drift is None else drift.after
    if after is None or state.since is None or state.phase < len(case.policy.phases) or not case.phase.alone:
        return ()
    return tuple(_watched(case, after, name) for name in after.metrics)


def _watched(case: Case, after: After, name: str) -> Watched:
    """One metric. Where the reference is short and nobody has said which it is, the watch begins later."""
    begin, found = first_watched(case, after), entries(case, name)
    alerts = after.false_alerts.a_year / len(after.metrics)
    what = called(name, OVERALL)
    if after.reference is not None and local_midnight(after.reference.to, case.policy.zone) > case.look:
        text = f"{what} is not watched yet: the reference is not over before {after.reference.to} ({_REFERENCE})"
        return Watched(name, NO_DATA, text, begin, np.inf, alerts, waits_until=after.reference.to)
    made = series(case, name, after, begin, found)
    if made is None:
        text = f"{what} cannot be watched: four weeks of the reference hold too few outcomes; {_TAKE_OUT}"
        return Watched(name, NO_DATA, text, begin, np.inf, alerts)
    threshold = YEAR_DAYS / made.length / alerts
    needed = steps_needed(threshold)
    if after.reference is None:
        made, begin = _long_enough(case, name, after, begin, (found, made, needed))
    blind = Watched(name, NO_DATA, "", begin, threshold, alerts, made.length, made.rows.spare)
    missing = needed - made.rows.spare
    steps = f"{missing} more {'days' if made.length == 1 else f'steps of {made.length} days'}"
    if missing > 0 and after.reference is not None:
        text = f"its reference needs {steps} for {after.false_alerts.words()}: give an earlier {_FROM}"
        return replace(blind, message=f"{what} cannot be watched: {text}")
    if missing > 0:
        until = begin + timedelta(days=missing * made.length)
        return replace(blind, message=f"{what} is watched once its reference has {steps}", waits_until=until)
    if np.ptp(made.values[~made.rows.watched]) == 0:
        return replace(blind, message=f"{what} cannot be watched: it was the same on every day before; {_TAKE_OUT}")
    if (moved := changed_within(made.rows, made.values, threshold)) is not None:
        text = f"its reference has itself changed, told on {made.days[moved]}: give days since then as {_REFERENCE}"
        return replace(blind, message=f"{what} cannot be watched: {text}")
    if not made.rows.watched.any():
        text = f"{what} is not watched yet: no {_step(made.length)} since {begin} is complete and old enough"
        return replace(blind, message=text, waits_until=_first_step(case, name, begin, made.length))
    watch = Detector.of(made.rows).watch(made.values)
    change = alarmed(watch, threshold)
    seen = replace(blind, series=made, watch=watch, change=change, verdict=PASS if change.alarm is None else FAIL)
    return replace(seen, message=_message(case, seen))


def _step(length: int) -> str:
    return "day" if length == 1 else f"step of {length} days"


def _first_step(case: Case, name: str, begin: date, length: int) -> date | None:
    """The first midnight at which a whole step since a day is old enough; None where that has been."""
    anchor = begin - timedelta(days=begin.weekday() if look_days(case) == 7 else 0)
    zone = case.policy.zone
    at = ripe_at(case.policy, name, local_midnight(anchor + timedelta(days=length), zone))
    day = at.astimezone(zone).date()
    until = day if local_midnight(day, zone) >= at else day + timedelta(days=1)
    return until if local_midnight(until, zone) > case.look else None


def _long_enough(
    case: Case, name: str, after: After, begin: date, so_far: tuple[Entries, Series, int]
) -> tuple[Series, date]:
    """The series with the first days of the last phase added to its reference, as far as it is short."""
    found, made, needed = so_far
    newest = date.fromordinal(int(found.day.max(initial=begin.toordinal())))
    while made.rows.spare < needed and begin <= newest:
        begin += timedelta(days=max(1, needed - made.rows.spare) * made.length)
        again = series(case, name, after, min(begin, newest + timedelta(days=1)), found)
        if again is None or again.length != made.length:
            break
        made = again
    return made, min(begin, newest + timedelta(days=1))


def _message(case: Case, seen: Watched) -> str:
    """What the watch says in words."""
    change, days, what = seen.change, seen.watched_days, called(seen.metric, OVERALL)
    if change is None or change.alarm is None or change.onset is None:
        return f"{what} follows the days before {seen.begin}, as far as {len(days)} steps since tell"
    onset, first, last = (days[row] for row in (change.onset.row, change.onset.first, change.onset.last))
    between = "" if first == last else f" ({100 * ONSET_LEVEL:.0f} %: {first} to {last})"
    moved = amount(case.policy, seen.metric, change.onset.shift, signed=True)
    text = f"{what} has changed by about {moved} since {onset}{between}, told on {days[change.alarm]}"
    often = f"at most {seen.alerts:.3g} false alarm{'' if seen.alerts == 1 else 's'} a year"
    return f"{text} ({often}): see whether the world or the version has changed. {_ACCEPT}"


def change_reasons(case: Case, watched: Sequence[Watched]) -> tuple[list[Reason], list[Demand]]:
    """What the watch says of the decision: reasons to roll back, where the policy says so, and to hold."""
    drift = case.policy.drift
    rollback = drift is not None and drift.after is not None and drift.after.then == "rollback"
    back, held = [], []
    for one in watched:
        reason = Reason("drift", one.verdict, one.message, one.metric)
        if one.verdict == FAIL and rollback:
            back.append(reason)
        elif one.verdict != PASS:
            until = None if one.waits_until is None else local_midnight(one.waits_until, case.policy.zone)
            held.append(Demand(reason, Waiting(f"days to watch {called(one.metric, OVERALL)} by", until)))
    return back, held
