"""A signed word on how far a ledger had come: kept elsewhere, it shows what was cut off, rewritten or forked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rampgate.errors import LedgerError, UsageError
from rampgate.ledger import Ledger, Record, canonical, digest
from rampgate.people import People, verifies
from rampgate.rollout.approve import signer_of
from rampgate.rollout.signed import CHECKPOINT, Draft, append_signed

#: Stands for the rollout in records about the ledger as a whole; no policy can have this name.
LEDGER = ":ledger"
#: Keys of a checkpoint's statement, and of what type each is; the ledger's first one follows no other.
_TEXTS = dict.fromkeys(("what", "rollout", "person", "public_key", "at", "sha256"), str) | {"sequence": int}
_SHAPES = [_TEXTS | {"after": str}, _TEXTS | {"after": type(None)}]
_REMEDY = "name a file that `rampgate checkpoint --out FILE` wrote"


@dataclass(frozen=True)
class Checkpoint:
    """What somebody signed: the record with this number had this SHA-256."""

    sequence: int
    sha256: str
    person: str
    at: str
    statement: Mapping[str, Any]
    signature: str

    @classmethod
    def of(cls, entry: Any) -> Checkpoint:
        """The checkpoint that a file holds.

        Raises
        ------
        ValueError
            It has other keys, or other things under them.
        """
        if not isinstance(entry, dict) or entry.keys() != {"statement", "signature"}:
            raise ValueError("a checkpoint has a statement and a signature")
        said = entry["statement"]
        if not isinstance(said, dict) or {name: type(said[name]) for name in said} not in _SHAPES:
            raise ValueError("a checkpoint says what, who, when, with which key and how far")
        if (said["what"], said["rollout"]) != (f"rampgate {CHECKPOINT}", LEDGER) or said["sequence"] < 1:
            raise ValueError("it is a signed word on something else")
        if not isinstance(entry["signature"], str) or datetime.fromisoformat(said["at"]).tzinfo is None:
            raise ValueError("a checkpoint is signed, and says when in a time with an offset")
        try:
            canonical(said)
        except LedgerError as error:
            raise ValueError(error.what) from None
        return cls(said["sequence"], said["sha256"], said["person"], said["at"], said, entry["signature"])

    def problem(self, ids: Mapping[int, str], people: People | None) -> tuple[int | None, str] | None:
        """What a ledger does not have of what was signed: the first record concerned, and the words.

        Parameters
        ----------
        ids : SHA-256 of each record by its number
        people : whose keys count; None trusts the key that the checkpoint names
        """
        public = self.statement["public_key"]
        if not verifies(public, canonical(self.statement), self.signature):
            return None, f"the checkpoint of {self.at} is not signed with the key it names"
        why = None if people is None else people.stranger(self.person, public, datetime.fromisoformat(self.at))
        if why is not None:
            return None, f"the checkpoint of {self.at} is nobody's: {why}"
        seen = f"{self.person} saw record {self.sequence} on {self.at[:10]}"
        if self.sequence not in ids:
            return len(ids) + 1, f"{seen}, and the ledger ends with record {len(ids)}: it was cut off"
        if ids[self.sequence] != self.sha256:
            why = "the ledger was rewritten, or a copy of it continued elsewhere"
            return self.sequence, f"{seen}, and it was another one: {why}"
        return None


def checkpoint(ledger: Ledger, person: str, key: Path | None = None) -> Record:
    """Sign how far the ledger has come, and record it.

    Raises
    ------
    UsageError
        The ledger is empty, or the person cannot sign.
    """
    signer = signer_of(person, key, ledger.folder)

    def draft(_: Record | None) -> Draft:
        head = ledger.head()
        if head is None:
            raise UsageError("the ledger is empty", where=ledger.where, remedy="judge a look with `rampgate check`")
        return Draft({"sequence": head.sequence, "sha256": head.sha256}, {}, {})

    return append_signed(ledger, LEDGER, CHECKPOINT, signer, draft)


def text_of(record: Record) -> str:
    """A checkpoint as the text of a file."""
    entry = record.entry()
    return json.dumps({"statement": entry["statement"], "signature": entry["signature"]}, indent=1) + "\n"


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint from its file.

    Raises
    ------
    UsageError
        The file holds none.
    """
    try:
        found = Checkpoint.of(json.loads(path.read_text("utf-8")))
    except OSError as error:
        what = f"the checkpoint cannot be read ({error.strerror})"
        raise UsageError(what, where=str(path), remedy=_REMEDY) from None
    except (ValueError, RecursionError) as error:
        why = "it is no JSON" if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)) else str(error)
        raise UsageError(f"this is no checkpoint: {why}", where=str(path), remedy=_REMEDY) from None
    return found


def fork(ids: Mapping[int, str], other: str | Path) -> tuple[int, tuple[int, str] | None]:
    """How many records of another copy were compared; and the first that differs, with the words.

    Parameters
    ----------
    ids : SHA-256 of each record by its number
    other : path or URL of a ledger, or what ``rampgate export`` wrote

    Raises
    ------
    LedgerError
        It is neither.
    UsageError
        It cannot be read, or has no record, which would agree with everything.
    """
    more = sequence = 0
    name, theirs = _copy(other)
    for sequence, sha256 in enumerate(theirs, start=1):
        if sequence not in ids:
            more = sequence - len(ids)
        elif ids[sequence] != sha256:
            text = f"from record {sequence} on it is another one than {name}: a copy of it was continued, or rewritten"
            return sequence, (sequence, text)
    if sequence == 0:
        remedy = "name a copy of the ledger, or what `rampgate export` wrote of one"
        raise UsageError("there is no record in it, so nothing can be compared", where=name, remedy=remedy)
    if more:
        return sequence, (len(ids) + 1, f"{name} has {more} more: this ledger was cut off, or is an older copy")
    return sequence, None


def _copy(other: str | Path) -> tuple[str, Iterator[str]]:
    """How a ledger or an export is named, and the SHA-256 of each of its records."""
    if (isinstance(other, str) and "://" in other) or _is_sqlite(Path(other)):
        book = Ledger.open(other, create=False)
        return book.where, (record.sha256 for record in book.records())
    return str(other), _exported(Path(other))


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(6) == b"SQLite"
    except OSError as error:
        raise _unreadable(path, error) from None


def _exported(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            for line in file:
                if "previous_sha256" in json.loads(line):
                    yield digest(line.rstrip(b"\n"))
    except OSError as error:
        raise _unreadable(path, error) from None
    except (ValueError, TypeError) as error:
        raise LedgerError("this is neither a ledger nor an export of one", where=str(path)) from error


def _unreadable(path: Path, error: OSError) -> UsageError:
    remedy = "name a ledger, or a file of `rampgate export`"
    return UsageError(f"this cannot be read ({error.strerror})", where=str(path), remedy=remedy)
