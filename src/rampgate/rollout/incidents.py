"""Incidents out of a ledger, and what people record of them into it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
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
from rampgate.rollout.newer import refuse_newer
from rampgate.rollout.signed import APPROVAL, CHECKPOINT, HUMAN, INCIDENT, REVIEW, Draft, Named, Signer, append_signed

#: What is read of each record, in the order of `_take`.
_PATHS = (
    "$.kind",
    "$.attempt",
    "$.entry.decision",
    "$.entry.inputs.state",
    "$.entry.inputs.policy",
    "$.entry.statement",
    "$.state",
)


def incidents(ledger: Ledger, rollout: str | None = None) -> Incidents:
    """Every incident of a rollout, or of all, with what was recorded of it."""
    found = Incidents(kpi_parts(ledger.document))
    for name in ledger.rollouts() if rollout is None else [rollout]:
        ids = list(ledger.before(name))
        policy = ""
        for record, parts in zip(ids, ledger.excerpts(name, _PATHS), strict=False):
            policy = parts[4] or policy
            take(found, record, name, policy, *parts)
    return found


def take(
    found: Incidents,
    record: str,
    rollout: str,
    policy: str,
    kind: str,
    attempt: int,
    decision: Mapping[str, Any] | None,
    stood: Mapping[str, Any] | None,
    _: str | None,
    said: Mapping[str, Any] | None,
    state: Mapping[str, Any],
) -> None:
    """Take one record in.

    Parameters
    ----------
    record : its id
    policy : SHA-256 of the policy of the last look
    decision, stood : of a decision, what was decided, and the state before it
    said : what a person signed
    """
    if decision is not None and stood is not None:
        found.looked(Look.made(record, rollout, decision, decision["criteria"], stood, policy))
    elif said is not None and kind == HUMAN and said["decision"] == ROLLBACK:
        look = Look(record, rollout, attempt, state["candidate"], policy, said["as_of"], ROLLBACK, (), frozenset(), "")
        found.ordered(look, said["person"])
    elif said is not None and kind in (INCIDENT, REVIEW):
        found.acted(said["incident"], Act(record, said["at"], said["person"], said["act"], said))


def kpi_parts(read: Callable[[str], bytes]) -> Callable[[str], Collection[str]]:
    """What tells the metrics of a policy's KPI, each policy read once.

    Parameters
    ----------
    read : SHA-256 -> bytes of a document
    """

    @cache
    def parts(sha256: str) -> frozenset[str]:
        return frozenset(Policy.from_canonical(json.loads(read(sha256))).kpi.weights)

    return parts


def open_reviews(ledger: Ledger, rollout: str, attempt: int) -> tuple[OpenReview, ...]:
    """What the attempts before this one left to be reviewed."""
    if attempt <= 1:
        return ()
    return told_open(incidents(ledger, rollout), rollout, attempt)


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
