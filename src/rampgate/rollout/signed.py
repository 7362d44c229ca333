"""Records that a person signs: approvals, decisions against the gate, checkpoints, and what is said of incidents.

One form, one way to append them.

The entry of each is ``{"versions": ..., "statement": ..., "signature": ...}``. The statement says what, who, when and
with which key, and names the record after which it was made, so that no signature can be used a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rampgate import __version__
from rampgate.errors import LedgerMoved
from rampgate.estimate import STATISTICS
from rampgate.ledger import Ledger, Record, canonical, digest
from rampgate.people import People, SigningKey, verifies

APPROVAL, HUMAN, CHECKPOINT = "approval", "human", "checkpoint"
INCIDENT, REVIEW = "incident", "review"
SIGNED = (APPROVAL, HUMAN, CHECKPOINT, INCIDENT, REVIEW)
#: What a project whose people have no keys may record by name alone: none of it moves a rollout's state.
BY_NAME = (INCIDENT, REVIEW)
#: Others may record meanwhile; each time the statement is made and signed again.
TRIES = 20


@dataclass(frozen=True)
class Signer:
    """A person with the key to sign with, who was found among the project's people."""

    person: str
    key: SigningKey
    people: People

    @classmethod
    def of(cls, person: str, key: SigningKey, people: People) -> Signer:
        """The signer.

        Raises
        ------
        UsageError
            The key is not one that the person signs with.
        """
        people.refuse_stranger(person, key.public)
        return cls(person, key, people)


@dataclass(frozen=True)
class Named:
    """A person of a project without keys: what they record bears a name, and no signature."""

    person: str


@dataclass(frozen=True)
class Draft:
    """What is to be signed, and where the rollout stands after it."""

    says: Mapping[str, Any]
    state: Mapping[str, Any]
    documents: Mapping[str, bytes]


def append_signed(
    book: Ledger, rollout: str, kind: str, signer: Signer | Named, draft: Callable[[Record | None], Draft | Record]
) -> Record:
    """Sign and record what ``draft`` makes of the rollout's last record; a record that it finds is returned as it is.

    Raises
    ------
    LedgerMoved
        Others went on recording.
    """
    for _ in range(TRIES):
        last = book.last(rollout)
        made = draft(last)
        if isinstance(made, Record):
            return made
        now = datetime.now(UTC).isoformat(timespec="seconds")
        statement = {
            "what": f"rampgate {kind}",
            "rollout": rollout,
            "after": last.sha256 if last is not None else None,
            "person": signer.person,
            "public_key": signer.key.public if isinstance(signer, Signer) else None,
            "at": now,
            **made.says,
        }
        try:
            return book.append(
                rollout=rollout,
                attempt=made.state.get("attempt", 1),
                kind=kind,
                key=key_of(kind, statement),
                body={
                    "versions": {"rampgate": __version__, "statistics": STATISTICS},
                    "statement": statement,
                    "signature": signer.key.sign(canonical(statement)) if isinstance(signer, Signer) else None,
                },
                documents=made.documents,
                state=made.state,
                expected_head=statement["after"],
                recorded_at=now,
            )
        except LedgerMoved:
            continue
    raise LedgerMoved(
        f"{TRIES} other records were made meanwhile", where=rollout, remedy="try again when fewer processes look"
    )


def key_of(kind: str, statement: Mapping[str, Any]) -> str:
    """The key of a signed record."""
    return f"{statement['rollout']}|{kind}|{digest(canonical(statement))}"


def signature_problem(record: Record, people: People | None = None, latest: datetime | None = None) -> str | None:
    """Why a record was not signed by the person that it names, or None.

    Parameters
    ----------
    people : whose keys count; None asks for none and trusts the key that the record names
    latest : the latest moment that stands in the ledger before it: it was signed no earlier, whatever it says
    """
    entry = record.entry()
    statement, signature = entry["statement"], entry["signature"]
    if statement["what"] != f"rampgate {record.kind}" or statement["rollout"] != record.rollout:
        return "what was signed is of another kind or rollout"
    if record.kind in BY_NAME and (statement["public_key"], signature) == (None, None):
        return None
    if not verifies(statement["public_key"], canonical(statement), signature):
        return f"the signature is not that of the key it names, {statement['public_key']}"
    if statement["at"] != record.recorded_at:
        return f"it was signed at {statement['at']}, and says that it was recorded at {record.recorded_at}"
    if people is None:
        return None
    at = datetime.fromisoformat(statement["at"])
    return people.stranger(statement["person"], statement["public_key"], at if latest is None else max(at, latest))
