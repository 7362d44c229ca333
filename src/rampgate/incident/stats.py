"""The gate in production, told from its incidents: how soon harm was found, what it cost, how often it was none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

from rampgate.estimate.distributions import share_interval
from rampgate.incident.harmed import LAUNCH, Harmed
from rampgate.incident.onset import Since
from rampgate.incident.values import Incident
from rampgate.judge.numbers import rounded

HARM, FALSE, UNKNOWN = "harm", "false_alarm", "not_judged"


@dataclass(frozen=True)
class Predicted:
    """What a simulation says of a harm that a criterion is to catch: units harmed, and median days to the rollback."""

    scenario: str
    harmed: float | None
    days: float | None

    def to_dict(self) -> dict[str, Any]:
        return {"scenario": self.scenario, "harmed": rounded(self.harmed), "days": rounded(self.days)}


@dataclass(frozen=True)
class Case:
    """An incident with what is counted of it.

    Attributes
    ----------
    judged : what its review came to: harm, a false alarm, or nothing yet
    detect : days from the onset to the first fire, with its ends by the onset's; None where no onset is known
    roll_back : days from the onset to the rollback
    answer : days from the first fire to the rollback
    harmed : extra bad outcomes of the leading metric over all units since launch
    """

    incident: str
    rollout: str
    attempt: int
    metric: str | None
    segment: Mapping[str, str] | None
    judged: str
    opened: str
    onset: str | None
    detect: tuple[int, int, int] | None
    roll_back: tuple[int, int, int] | None
    answer: int | None
    harmed: float | None
    lower: float | None
    upper: float | None
    predicted: Predicted | None

    def to_dict(self) -> dict[str, Any]:
        numbers = {name: rounded(getattr(self, name)) for name in ("harmed", "lower", "upper")}
        expected = None if self.predicted is None else self.predicted.to_dict()
        days = {"days_to_detect": _days(self.detect), "days_to_rollback": _days(self.roll_back)}
        kept = ("incident", "rollout", "attempt", "metric", "segment", "judged", "opened", "onset")
        told = {name: getattr(self, name) for name in kept}
        return {**told, **days, "days_from_fire_to_rollback": self.answer, **numbers, "predicted": expected}


def _days(value: tuple[int, int, int] | None) -> dict[str, int] | None:
    return None if value is None else dict(zip(("estimate", "lower", "upper"), value, strict=True))


def case_of(
    incident: Incident, root: Incident, since: Since | None, harmed: Sequence[Harmed], predicted: Predicted | None
) -> Case:
    """What is counted of an incident.

    Parameters
    ----------
    root : the incident that it was joined to, whose review is its own; else itself
    since : the onset
    harmed : as its facts have it
    """
    leading, back = incident.leading, incident.rolled_back
    mine = [h for h in harmed if leading is not None and h.since == LAUNCH and h.segment is None and h.counts]
    # Of the KPI the metrics that it is made of, each of which can be harmed in other units.
    told = [h for h in mine if leading is not None and leading.metric in (h.metric, "kpi")]
    total = _sums(told)
    return Case(
        incident.id,
        incident.rollout,
        incident.attempt,
        None if leading is None else leading.metric,
        None if leading is None else leading.segment,
        UNKNOWN if root.ended is None else FALSE if root.false_alarm else HARM,
        incident.opened,
        None if since is None else since.day,
        None if since is None else _between(since, incident.opened),
        None if since is None or back is None else _between(since, back.look),
        None if back is None else (_day(back.look) - _day(incident.opened)).days,
        *total,
        predicted,
    )


def _sums(told: Sequence[Harmed]) -> tuple[float | None, float | None, float | None]:
    def total(values: Iterable[float | None]) -> float | None:
        known = list(values)
        return None if not known or None in known else float(sum(v for v in known if v is not None))

    return total(h.estimate for h in told), total(h.lower for h in told), total(h.upper for h in told)


def _between(since: Since, moment: str) -> tuple[int, int, int]:
    """Whole days from the onset to the end of a look, and from the ends of the onset."""
    days = [max(0, (_day(moment) - date.fromisoformat(day)).days) for day in (since.day, since.upper, since.lower)]
    return days[0], days[1], days[2]


def _day(moment: str) -> date:
    return date.fromisoformat(moment[:10])


@dataclass(frozen=True)
class Attempt:
    """An attempt of a rollout.

    Attributes
    ----------
    status : running, complete or rolled_back, as its last record leaves it
    budget : the false rollbacks that its policy accepts
    rolled_back : whether the gate ever rolled it back, also where people went on past that
    """

    rollout: str
    number: int
    status: str
    budget: float
    rolled_back: bool = False


@dataclass(frozen=True)
class FalseRollbacks:
    """How often a good candidate was rolled back, as far as reviews have told.

    Attributes
    ----------
    good : attempts taken for good: those that came to the end without one, and those whose rollback was a false alarm
    false : of them, those rolled back
    harmed : attempts whose rollback was judged to be for harm
    not_judged : attempts that were rolled back and whose review is not closed
    share, lower, upper : of the good ones that were rolled back, with the exact interval (Clopper and Pearson)
    highest : the share if every rollback that is not judged yet were false
    budgets : what the policies accept
    """

    good: int
    false: int
    harmed: int
    not_judged: int
    share: float | None
    lower: float
    upper: float
    level: float
    highest: float | None
    budgets: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        numbers = {name: rounded(getattr(self, name)) for name in ("share", "lower", "upper", "highest")}
        return {**vars(self), **numbers, "budgets": list(self.budgets)}


LEVEL = 0.95


def false_rollbacks(attempts: Sequence[Attempt], cases: Sequence[Case]) -> FalseRollbacks:
    """Count the gate's own rollbacks among attempts that have ended; those of people are not the gate's."""
    judged: dict[tuple[str, int], set[str]] = {}
    for case in cases:
        if case.answer is not None:
            judged.setdefault((case.rollout, case.attempt), set()).add(case.judged)
    back = [judged.get((a.rollout, a.number), {UNKNOWN}) for a in attempts if a.rolled_back]
    complete = sum(one.status == "complete" and not one.rolled_back for one in attempts)
    # Several incidents may have ended one attempt: one that was for harm tells of it.
    harmed = sum(HARM in found for found in back)
    unknown = sum(HARM not in found and UNKNOWN in found for found in back)
    false = len(back) - harmed - unknown
    good = complete + false
    lower, upper = share_interval(false, good, LEVEL)
    share, highest = (top / of if of else None for top, of in ((false, good), (false + unknown, good + unknown)))
    budgets = tuple(sorted({one.budget for one in attempts}))
    return FalseRollbacks(good, false, harmed, unknown, share, lower, upper, LEVEL, highest, budgets)


@dataclass(frozen=True)
class Row:
    """Incidents of one metric, of one segment value of it, or of all.

    Attributes
    ----------
    days_to_detect, days_to_rollback : medians since the onset, of those that were no false alarms
    harmed, predicted : sums over those with a prediction, so that they can be compared
    """

    metric: str | None
    segment: Mapping[str, str] | None
    incidents: int
    harm: int
    false_alarms: int
    not_judged: int
    days_to_detect: float | None
    days_to_rollback: float | None
    harmed: float | None
    compared: int
    compared_harmed: float | None
    predicted: float | None

    def to_dict(self) -> dict[str, Any]:
        numbers = {name: rounded(getattr(self, name)) for name in ("harmed", "compared_harmed", "predicted")}
        return {**vars(self), "segment": None if self.segment is None else dict(self.segment), **numbers}


def rows(cases: Sequence[Case]) -> Iterator[Row]:
    """All incidents together, then each metric, and each segment value that led one."""
    yield _row(None, None, cases)
    for metric in dict.fromkeys(case.metric for case in cases if case.metric is not None):
        mine = [case for case in cases if case.metric == metric]
        yield _row(metric, None, mine)
        for segment in {str(case.segment): case.segment for case in mine if case.segment is not None}.values():
            yield _row(metric, segment, [case for case in mine if case.segment == segment])


def _row(metric: str | None, segment: Mapping[str, str] | None, cases: Sequence[Case]) -> Row:
    real = [case for case in cases if case.judged != FALSE]
    both = [case for case in real if case.harmed is not None and case.predicted is not None and case.predicted.harmed]

    def number(pick: Callable[[Case], float | None], of: Sequence[Case]) -> list[float]:
        return [value for case in of if (value := pick(case)) is not None]

    detect = number(lambda case: None if case.detect is None else case.detect[0], real)
    back = number(lambda case: None if case.roll_back is None else case.roll_back[0], real)
    harmed = number(lambda case: case.harmed, real)
    return Row(
        metric,
        segment,
        len(cases),
        sum(case.judged == HARM for case in cases),
        sum(case.judged == FALSE for case in cases),
        sum(case.judged == UNKNOWN for case in cases),
        median(detect) if detect else None,
        median(back) if back else None,
        sum(harmed) if harmed else None,
        len(both),
        sum(number(lambda case: case.harmed, both)) if both else None,
        sum(number(lambda case: case.predicted.harmed if case.predicted else None, both)) if both else None,
    )


@dataclass(frozen=True)
class Stats:
    """All of it."""

    cases: tuple[Case, ...]
    rows: tuple[Row, ...]
    false_rollbacks: FalseRollbacks

    @classmethod
    def of(cls, cases: Sequence[Case], attempts: Sequence[Attempt]) -> Stats:
        return cls(tuple(cases), tuple(rows(cases)), false_rollbacks(attempts, cases))

    def to_dict(self) -> dict[str, Any]:
        return {
            "incidents": [case.to_dict() for case in self.cases],
            "by": [row.to_dict() for row in self.rows],
            "false_rollback": self.false_rollbacks.to_dict(),
        }
