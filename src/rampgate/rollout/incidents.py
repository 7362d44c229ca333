"""Incidents out of a ledger, and what people record of them into it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from rampgate.errors import UsageError
from rampgate.incident.derive import Incidents, Look
from rampgate.incident.values import NOTES, Act, Incident
from rampgate.judge.order import ROLLBACK
from rampgate.judge.reviews import OpenReview
from rampgate.ledger import Ledger, Record
from rampgate.people import find_people
from rampgate.policy import Policy
from rampgate.policy.names import parse_name
from rampgate.rollout.approve import project_people, signer_of
from rampgate.rollout.known import Known, nobody
from rampgate.rollout.newer import refuse_newer
from rampgate.rollout.signed import APPROVAL, CHECKPOINT, HUMAN, INCIDENT, REVIEW, Draft, Named, Signer, append_signed

#: What is read of a decision: all else of it is much larger.
_TOLD = ("attempt", "look", "decision", "criteria", "reasons")
#: What is read of each record.
_PATHS = (
    *(f"$.entry.decision.{part}" for part in _TOLD),
    "$.kind",
    "$.attempt",
    "$.entry.inputs.state",
    "$.entry.inputs.policy",
    "$.entry.inputs.people.keys",
    "$.entry.statement",
    "$.state.candidate",
)
#: SHA-256 of a policy -> the metrics of its KPI.
Parts = Callable[[str], Collection[str]]
#: A record -> the latest moment that stands in the ledger before it.
Latest = Callable[[Record], "datetime | None"]


@dataclass(frozen=True)
class Looked:
    """A decision; ``keyed`` says whether the project's people had keys then."""

    look: Look
    keyed: bool


@dataclass(frozen=True)
class Ordered:
    """A person's rollback."""

    look: Look
    person: str


#: What a record tells of incidents; one that a person recorded of an incident stands for itself.
Event = Looked | Ordered | Record


def derive(events: Iterable[Event], parts: Parts, known: Known, latest: Latest) -> Incidents:
    """The incidents that records tell of, in their order.

    What nobody known has signed counts for nothing, nor what could not be recorded where it stands: an incident is
    open until somebody who may has closed it. A name alone counts while the project's people have no keys.
    """
    found, keyed = Incidents(parts), False
    for event in events:
        if isinstance(event, Looked):
            keyed = event.keyed
            found.looked(event.look)
        elif isinstance(event, Ordered):
            found.ordered(event.look, event.person)
        elif _believed(event, known, keyed, latest):
            said = event.entry()["statement"]
            with suppress(UsageError, LookupError, TypeError, ValueError):
                found.acted(said["incident"], Act(event.sha256, said["at"], said["person"], said["act"], said))
    return found


def _believed(record: Record, known: Known, keyed: bool, latest: Latest) -> bool:
    if record.entry().get("signature") is None and keyed:
        return False
    return known.disbelieves(record, latest) is None


def incidents(ledger: Ledger, rollout: str | None = None, known: Known | None = None) -> Incidents:
    """Every incident of a rollout, or of all, with what was recorded of it.

    Parameters
    ----------
    known : whose signatures count; the people of the ledger's project when left out
    """
    parts, people = kpi_parts(ledger.document), known or _people(ledger)
    found = Incidents(parts)
    for name in ledger.rollouts() if rollout is None else [rollout]:
        mine = derive(_events(ledger, name), parts, people, lambda one: ledger.latest_before(one.sequence))
        found.found |= mine.found
    return found


def _people(ledger: Ledger) -> Known:
    people = find_people(ledger.folder) or find_people(Path())
    return nobody() if people is None else Known(people)


def _events(ledger: Ledger, rollout: str) -> Iterator[Event]:
    """What the records of a rollout tell, in their order; decisions are read in brief."""
    acts = {record.sha256: record for kind in (INCIDENT, REVIEW) for record in ledger.records(rollout, kind)}
    ids, policy = list(ledger.before(rollout)), ""
    for record, parts in zip(ids, ledger.excerpts(rollout, _PATHS), strict=False):
        kind, attempt, stood, judged_by, keys, said, candidate = parts[len(_TOLD) :]
        decision = dict(zip(_TOLD, parts, strict=False)) if stood is not None else None
        policy = judged_by or policy
        made = acts.get(record) or _event(
            record, rollout, policy, kind, attempt, decision, stood, keys, said, candidate
        )
        if made is not None:
            yield made


def event_of(record: Record, policy: str) -> Event | None:
    """What a record tells of incidents, if anything.

    Parameters
    ----------
    policy : SHA-256 of the policy of the rollout's last look
    """
    if record.kind in (INCIDENT, REVIEW):
        return record
    entry = record.entry()
    inputs = entry.get("inputs", {})
    keys = (inputs.get("people") or {}).get("keys")
    told = (entry.get("decision"), inputs.get("state"), keys, entry.get("statement"))
    policy = inputs.get("policy", policy)
    return _event(
        record.sha256, record.rollout, policy, record.kind, record.attempt, *told, record.state().get("candidate")
    )


def _event(
    record: str,
    rollout: str,
    policy: str,
    kind: str,
    attempt: int,
    decision: Mapping[str, Any] | None,
    stood: Mapping[str, Any] | None,
    keys: str | None,
    said: Mapping[str, Any] | None,
    candidate: str | None,
) -> Event | None:
    if decision is not None and stood is not None:
        return Looked(Look.made(record, rollout, decision, stood, policy), keys is not None)
    if said is not None and kind == HUMAN and said["decision"] == ROLLBACK:
        moment = said["as_of"]
        look = Look(record, rollout, attempt, str(candidate), policy, moment, ROLLBACK, (), frozenset(), "")
        return Ordered(look, said["person"])
    return None


def kpi_parts(read: Callable[[str], bytes]) -> Parts:
    """What tells the metrics of a policy's KPI, each policy read once.

    Parameters
    ----------
    read : SHA-256 -> bytes of a document
    """

    @cache
    def parts(sha256: str) -> frozenset[str]:
        return frozenset(Policy.from_canonical(json.loads(read(sha256))).kpi.weights)

    return parts


def open_reviews(ledger: Ledger, rollout: str, attempt: int, known: Known) -> tuple[OpenReview, ...]:
    """What the attempts before this one left to be reviewed.

    Parameters
    ----------
    known : whose signatures count at this look
    """
    if attempt <= 1:
        return ()
    return told_open(incidents(ledger, rollout, known), rollout, attempt)


def told_open(found: Incidents, rollout: str, attempt: int) -> tuple[OpenReview, ...]:
    """The same of incidents that are known."""
    return tuple(OpenReview(one.id, one.attempt, one.opened, one.title) for one in found.unreviewed(rollout, attempt))


def find(found: Incidents, id_or_prefix: str) -> Incident:
    """The incident whose id begins so; ``last`` is the one that was opened last.

    Raises
    ------
    UsageError
        There is none, or several.
    """
    every = list(found.found.values())
    if id_or_prefix == "last" and every:
        return max(every, key=lambda one: one.opened)
    prefix = id_or_prefix.lower()
    begin = [one for one in every if one.id.startswith(prefix)] if len(prefix) >= 4 else []
    if len(begin) == 1:
        return begin[0]
    raise UsageError(
        "several incidents begin with this id" if begin else "no incident has this id",
        where=id_or_prefix,
        remedy="give more digits" if begin else "copy it from `rampgate incident list`",
    )


@dataclass(frozen=True)
class Recorded:
    """What came of an act: its record, and the incident as it stands now."""

    record: str
    incident: Incident
    act: str

    def to_dict(self) -> dict[str, Any]:
        one = self.incident
        return {
            "record_id": self.record,
            "incident": one.id,
            "rollout": one.rollout,
            "attempt": one.attempt,
            "act": self.act,
            "state": one.state,
            "owner": one.owner,
        }


def record_act(
    ledger: Ledger,
    id_or_prefix: str,
    act: str,
    says: Mapping[str, Any],
    person: str,
    key: Path | None = None,
    documents: Mapping[str, bytes] | None = None,
) -> Recorded:
    """Record what a person did about an incident, signed where the project's people have keys.

    Parameters
    ----------
    act : as `rampgate.incident.values` names it
    says : what belongs to it
    documents : that it names, by SHA-256

    Raises
    ------
    UsageError
        There is no such incident, it does not stand where this can be done, or not by this person.
    """
    signer = who_records(person, key, ledger)
    one = find(incidents(ledger), id_or_prefix)
    if isinstance(signer, Named) and _keyed(ledger, one.rollout):
        project_people(ledger.folder)  # says that its file is not found from here
    stands: list[Incident] = []

    def draft(last: Record | None) -> Draft:
        assert last is not None  # an incident has records
        refuse_newer(last)
        known = incidents(ledger, one.rollout)
        statement = {"incident": one.id, "act": act, **says}
        known.acted(one.id, Act("", datetime.now(UTC).isoformat(timespec="seconds"), person, act, statement))
        stands.append(known.found[one.id])
        return Draft(statement, last.state(), documents or {})

    kind = INCIDENT if act in NOTES else REVIEW
    record = append_signed(ledger, one.rollout, kind, signer, draft)
    return Recorded(record.sha256, stands[-1], act)


def who_records(person: str, key: Path | None, ledger: Ledger) -> Signer | Named:
    """The person, with their key where the project has keys, and by name alone where it has none.

    Raises
    ------
    UsageError
        The person is none of the project's; or others have signed here, so that a name alone is not enough.
    """
    start = ledger.folder
    if (find_people(start) or find_people(Path())) is not None:
        return signer_of(person, key, start)
    if any(_signed(ledger, kind) for kind in (APPROVAL, HUMAN, CHECKPOINT, INCIDENT, REVIEW)):
        project_people(start)  # says that its file is gone
    return Named(named(person, "--as"))


def _keyed(ledger: Ledger, rollout: str) -> bool:
    """Whether the looks of a rollout know keys, so that a name alone is nobody's word there."""
    look = ledger.last(rollout, "decision")
    return look is not None and (look.entry()["inputs"].get("people") or {}).get("keys") is not None


def _signed(ledger: Ledger, kind: str) -> bool:
    return any(record.entry()["signature"] is not None for record in ledger.records(None, kind))


def named(name: str, where: str) -> str:
    """A name as the project writes it.

    Raises
    ------
    UsageError
    """
    try:
        return parse_name(name)
    except PydanticCustomError as error:
        raise UsageError(error.message(), where=where, remedy="give a name like lee") from None


def known_owner(name: str, where: str, ledger: Ledger) -> str:
    """An owner's name, which the project must know where it names its people.

    Raises
    ------
    UsageError
    """
    people = find_people(ledger.folder) or find_people(Path())
    owner = named(name, where)
    if people is not None and owner not in people.names:
        raise UsageError(
            f"nobody called {owner!r} is among the people of this project",
            where=where,
            remedy=f"the people are {', '.join(people.names) or 'none yet'}, as {people.where} has them",
        )
    return owner
