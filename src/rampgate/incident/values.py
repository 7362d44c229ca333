"""What an incident is: the looks at which a cause fired, and what people recorded of it since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rampgate.ledger import digest

OPEN, IN_REVIEW, CLOSED = "open", "in review", "closed"

# What people record; the first four are kept as records of kind `incident`, the others of kind `review`.
NOTE, ASSIGN, LINK, JOIN = "note", "assign", "link", "join"
SUBMIT, CLOSE, FALSE_ALARM, DONE, PROPOSE = "submit", "close", "false_alarm", "done", "propose"
NOTES = (NOTE, ASSIGN, LINK, JOIN)

#: What an action is for.
KINDS = ("prevent", "detect", "mitigate")
#: Digits of an incident's id that people read.
SHORT = 8


@dataclass(frozen=True)
class Failed:
    """A criterion that failed at a look; ``segment`` is None for all units."""

    id: str
    kind: str
    metric: str
    segment: Mapping[str, str] | None = None

    @property
    def where(self) -> str:
        """The metric and where: ``override in queue=network``."""
        name = "the weighted KPI" if self.metric == "kpi" else self.metric
        return name if self.segment is None else f"{name} in {_of(self.segment)}"


def _of(segment: Mapping[str, str]) -> str:
    return ", ".join(f"{column}={value}" for column, value in segment.items())


@dataclass(frozen=True)
class Fire:
    """A look at which criteria of an incident failed, or a person's rollback, which has none.

    Attributes
    ----------
    record : id of its record
    look : end of what was judged; of a person, since when it holds
    decision : hold or rollback
    failed : the criteria of this incident that failed at it
    person : who rolled back, where it was no look
    """

    record: str
    look: str
    decision: str
    failed: tuple[Failed, ...] = ()
    person: str | None = None

    @property
    def rolls_back(self) -> bool:
        """Whether one of its criteria is one that rolls back."""
        return any(one.kind == "rollback" for one in self.failed)


@dataclass(frozen=True)
class Act:
    """What a person recorded of an incident: when, by whom, and what, by the names that the statement has."""

    record: str
    at: str
    person: str
    act: str
    says: Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """An action of a review, and the record that says it is done."""

    what: str
    owner: str
    kind: str
    due: date
    done: str | None = None

    def overdue(self, today: date) -> bool:
        return self.done is None and self.due < today

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "due": self.due.isoformat()}


@dataclass(frozen=True)
class Incident:
    """An incident as the records tell it.

    Attributes
    ----------
    id : SHA-256, see `identity`
    policy : SHA-256 of the policy that judged the first fire
    fires : oldest first, at least one
    acts : what people recorded of it, oldest first
    joined : id of the incident that it was joined to by a person, which it is closed with
    rolled_back : the fire that took the candidate's traffic away, or None
    """

    id: str
    rollout: str
    attempt: int
    candidate: str
    policy: str
    fires: tuple[Fire, ...]
    acts: tuple[Act, ...] = ()
    joined: str | None = None
    rolled_back: Fire | None = None

    @property
    def short(self) -> str:
        return self.id[:SHORT]

    @property
    def opened(self) -> str:
        """The look at which it fired first."""
        return self.fires[0].look

    @property
    def failed(self) -> tuple[Failed, ...]:
        """Every criterion that failed, in the order in which they did."""
        return tuple({one.id: one for fire in self.fires for one in fire.failed}.values())

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.metric for one in self.failed))

    @property
    def leading(self) -> Failed | None:
        """The criterion that tells most: one that rolls back before one that holds, all units before a segment."""
        order = sorted(self.failed, key=lambda one: (one.kind != "rollback", one.metric == "kpi", bool(one.segment)))
        return order[0] if order else None

    @property
    def title(self) -> str:
        """What it is about, in a phrase."""
        leading = self.leading
        if leading is not None:
            return f"{leading.where} {'moved' if leading.id.startswith('drift:') else 'worse than tolerated'}"
        return f"rolled back by {self.fires[0].person or 'the gate'}"

    def last(self, *acts: str) -> Act | None:
        """The last of some kinds of acts."""
        return next((one for one in reversed(self.acts) if one.act in acts), None)

    @property
    def owner(self) -> str | None:
        """Who was named last, by an assignment or by a review."""
        named = self.last(ASSIGN, SUBMIT)
        return None if named is None else str(named.says["owner"])

    @property
    def ended(self) -> Act | None:
        """What closed it: a review that was agreed to, or a false alarm that was found to be one."""
        return self.last(CLOSE, FALSE_ALARM)

    @property
    def false_alarm(self) -> bool:
        return self.ended is not None and self.ended.act == FALSE_ALARM

    @property
    def review(self) -> Act | None:
        """The review as it was submitted last."""
        return self.last(SUBMIT)

    @property
    def state(self) -> str:
        """Open, in review or closed, of itself; one that was joined to another is closed with that one."""
        if self.ended is not None:
            return CLOSED
        return OPEN if self.review is None else IN_REVIEW

    @property
    def actions(self) -> tuple[Action, ...]:
        """The actions of the last review, and which of them are done."""
        if self.review is None:
            return ()
        since = self.acts[self.acts.index(self.review) :]  # another review has other actions
        done = {one.says["action"]: one.record for one in since if one.act == DONE}
        return tuple(
            Action(one["what"], one["owner"], one["kind"], date.fromisoformat(one["due"]), done.get(number))
            for number, one in enumerate(self.review.says["actions"], start=1)
        )


def identity(record: str, cause: str) -> str:
    """The id of an incident: of the record that opened it, and of the first criterion that failed there.

    Parameters
    ----------
    record : SHA-256 of the record
    cause : id of the criterion; empty for a person's rollback
    """
    return digest(f"incident|{record}|{cause}".encode())
