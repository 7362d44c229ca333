"""Whose signatures a look takes for theirs: the project's people as it could read them, which its record keeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rampgate.errors import RampgateError, UsageError
from rampgate.ledger import Ledger, Record, canonical, digest
from rampgate.people import PROJECT, People, find_people
from rampgate.policy import Policy
from rampgate.rollout.signed import signature_problem


@dataclass(frozen=True)
class Known:
    """The project's people at a look.

    Attributes
    ----------
    people : those of its file; where it cannot be read now, those of the last look that could; None if none ever could
    problem : why the file cannot be read now: nothing goes on, and rollback criteria are judged
    missing : whether there is no such file, and not one that says something else
    """

    people: People | None
    problem: str | None = None
    missing: bool = False

    @property
    def required(self) -> bool:
        """Whether a policy must name who approves it; nobody knows that of a file that cannot be read."""
        if self.people is not None:
            return self.people.approval_required
        return self.problem is not None and not self.missing

    def document(self) -> bytes | None:
        """The people as a record keeps them."""
        return None if self.people is None else canonical(self.people.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """As a record's ``inputs`` say it."""
        body = self.document()
        return {"keys": None if body is None else digest(body), "problem": self.problem, "missing": self.missing}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None, read: Callable[[str], bytes]) -> Known:
        """The people of a record; a record without any says that there were none.

        Parameters
        ----------
        data : ``inputs.people``
        read : SHA-256 -> bytes of a document
        """
        if data is None:
            return nobody()
        keys = None if data["keys"] is None else _people(read(data["keys"]))
        return cls(keys, data["problem"], data["missing"])

    def disbelieves(self, record: Record, latest: Callable[[Record], Any]) -> str | None:
        """Why a record is not the word of the person that it names, or None; without any keys, those it names count.

        Parameters
        ----------
        latest : a record -> the latest moment that stands in the ledger before it; asked of retired keys only
        """
        try:
            public = record.entry()["statement"]["public_key"]
            retired = self.people is not None and self.people.retired(public)
            return signature_problem(record, self.people, latest(record) if retired else None)
        except (RampgateError, LookupError, TypeError, ValueError, AttributeError):
            return "nobody could have signed it"


def nobody() -> Known:
    """What is known where there is no file of people."""
    return Known(None, f"no {PROJECT} names the keys of those who sign", missing=True)


def known_people(given: Policy, book: Ledger | None = None, look: Record | None = None) -> Known:
    """The people of a policy's project: the nearest file beside the policy or above it, else of the present folder.

    Parameters
    ----------
    look : the last look, whose people stand in for a file that cannot be read
    """
    start = given.path.parent if given.path is not None else Path()
    try:
        people = find_people(start) or find_people(Path())
        # What is said of them is recorded, and to be said again elsewhere: without the folder.
        found = Known(replace(people, where=PROJECT)) if people is not None else nobody()
    except UsageError as error:
        found = Known(None, f"whose signatures count cannot be read: {error.where}: {error.what}")
    before = None if look is None or book is None else look.entry()["inputs"].get("people")
    if found.people is not None or book is None or before is None or before["keys"] is None:
        return found
    return Known(_people(book.document(before["keys"])), found.problem, found.missing)


def _people(body: bytes) -> People:
    return People.from_dict(json.loads(body), PROJECT)
