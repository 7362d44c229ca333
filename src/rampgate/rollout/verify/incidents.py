"""What a decision says of reviews, and what people recorded of incidents, against the records before them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from rampgate.errors import UsageError
from rampgate.incident.derive import Incidents
from rampgate.incident.values import SUBMIT
from rampgate.ledger import Record, digest
from rampgate.rollout.incidents import take, told_open


def reviews_problem(record: Record, known: Incidents, asked: bool) -> str | None:
    """Whether a decision was made with the reviews that were open.

    Parameters
    ----------
    known : the incidents of the ledger before it
    asked : whether an earlier record of the ledger said which reviews were open
    """
    inputs = record.entry()["inputs"]
    if "reviews" not in inputs:
        return "it says nothing of open reviews, as a record before it does" if asked else None
    said = {(one["incident"], one["attempt"], one["opened"]) for one in inputs["reviews"]}
    found = told_open(known, record.rollout, record.attempt)
    if said != {(one.incident, one.attempt, one.opened) for one in found}:
        return "the reviews that it takes for open are not those that were"
    return None


def take_in(record: Record, known: Incidents, policy: str) -> str | None:
    """Add a record to the incidents, or say why what a person recorded could not be recorded there.

    Parameters
    ----------
    policy : SHA-256 of the policy of the rollout's last look
    """
    entry, content = record.entry(), record.content()
    inputs: Mapping[str, Any] = entry.get("inputs", {})
    parts = (entry.get("decision"), inputs.get("state"), inputs.get("policy"), entry.get("statement"))
    try:
        take(known, record.sha256, record.rollout, policy, record.kind, record.attempt, *parts, content["state"])
    except UsageError as error:
        return f"it could not be recorded there: {error.what}"
    return None


def unsigned_problem(record: Record, signed: bool) -> str | None:
    """Whether a record bears a name alone although signatures had come into use before it."""
    if record.entry()["signature"] is None and signed:
        return "it is not signed, and records before it are"
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
