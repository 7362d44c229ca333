"""What a decision says of reviews, and what people recorded of incidents, against the records before them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from rampgate.errors import UsageError
from rampgate.incident.derive import Incidents
from rampgate.incident.values import SUBMIT, Act
from rampgate.judge.reviews import OpenReview
from rampgate.ledger import Record, digest
from rampgate.rollout.incidents import Event, Latest, Looked, Ordered, Parts, derive, event_of, told_open
from rampgate.rollout.known import Known
from rampgate.rollout.verify.mandate import SINCE


@dataclass
class Told:
    """What the records of a rollout told of incidents so far.

    Attributes
    ----------
    asked : whether a decision said which reviews were open; none after it may be silent
    strict : the incidents by what stands there, whoever's keys count: what could not be recorded is a fault
    """

    parts: Parts
    strict: Incidents = field(init=False)
    events: list[Event] = field(default_factory=list)
    asked: bool = False
    policy: str = ""

    def __post_init__(self) -> None:
        self.strict = Incidents(self.parts)

    def reviews_problem(self, record: Record, known: Known, latest: Latest) -> str | None:
        """Whether a decision was made with the reviews that were open.

        Parameters
        ----------
        known : the people of the decision, whose signatures count
        """
        entry = record.entry()
        inputs = entry["inputs"]
        if "reviews" not in inputs:
            silent = not self.asked and entry["versions"]["statistics"] < SINCE
            return None if silent else "it says nothing of open reviews, as a record of its version does"
        said = {(one["incident"], one["attempt"], one["opened"]) for one in inputs["reviews"]}
        found: tuple[OpenReview, ...] = ()
        if record.attempt > 1:
            found = told_open(derive(self.events, self.parts, known, latest), record.rollout, record.attempt)
        if said != {(one.incident, one.attempt, one.opened) for one in found}:
            return "the reviews that it takes for open are not those that were"
        return None

    def take(self, record: Record) -> str | None:
        """Take a record in, or say why what a person recorded could not be recorded there."""
        event = event_of(record, self.policy)
        inputs = record.entry().get("inputs")
        if inputs is not None:
            self.asked, self.policy = self.asked or "reviews" in inputs, inputs["policy"]
        if event is None:
            return None
        self.events.append(event)
        if isinstance(event, Looked):
            self.strict.looked(event.look)
        elif isinstance(event, Ordered):
            self.strict.ordered(event.look, event.person)
        else:
            said = record.entry()["statement"]
            act = Act(record.sha256, said["at"], said["person"], said["act"], said)
            try:
                self.strict.acted(said["incident"], act)
            except UsageError as error:
                return f"it could not be recorded there: {error.what}"
        return None


def unsigned_problem(record: Record, signed: bool) -> str | None:
    """Whether a record bears a name alone although signatures, or keys to make them with, were there before it."""
    if record.entry()["signature"] is None and signed:
        return "it is not signed, and records before it are, or a look before it knew keys to sign with"
    return None


def document_problem(record: Record, read: Callable[[str], bytes]) -> tuple[str | None, list[str]]:
    """Whether the documents that an act names are what it says, and which they are.

    Parameters
    ----------
    read : SHA-256 -> bytes of a document
    """
    said = record.entry()["statement"]
    names = [said[name] for name in ("document", "policy_sha256") if said.get(name) is not None]
    bodies = {name: read(name) for name in names}
    if said["act"] == SUBMIT:
        text = json.loads(bodies[said["document"]])["markdown"]
        if digest(text.encode()) != said["sha256"]:
            return "the review in its document is not the one that was signed", names
    return None, names
