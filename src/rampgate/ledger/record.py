"""A record: canonical bytes, their SHA-256, and the columns by which it is found.

The bytes of a record hold everything that is known about it, so that its hash covers
everything; the columns of the database only repeat what stands there::

    {"attempt": 1, "entry": {...}, "format": 1, "key": "...", "kind": "decision",
     "previous_sha256": "...", "recorded_at": "...", "rollout": "...", "sequence": 7, "state": {...}}

``entry`` is what the caller recorded, word for word, and ``state`` is where the rollout
stands after it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256 as _sha256
from typing import Any

from rampgate.errors import LedgerError, NewerLedger, UsageError

FORMAT = 1
"""Version of the layout above. A reader refuses records of a format that it does not know."""

_DAMAGED = "restore the ledger from a backup; what it says from here on proves nothing"


@dataclass(frozen=True)
class Record:
    """One entry of the ledger.

    Attributes
    ----------
    sequence : int
        1 for the ledger's first record, without gaps.
    rollout : str
    attempt : int
        1 for the rollout's first attempt.
    kind : str
        ``"decision"``, and later other kinds.
    key : str
        What was asked; unique in the ledger (see `look_key`).
    body : bytes
        Canonical JSON of the whole record.
    sha256 : str
        SHA-256 of ``body``, in hex.
    previous_sha256 : str
        That of the record before it, whatever its rollout; 64 zeros for the first.
    recorded_at : str
        ISO 8601 with an offset. A remark: order is given by ``sequence`` only.
    """

    sequence: int
    rollout: str
    attempt: int
    kind: str
    key: str
    body: bytes
    sha256: str
    previous_sha256: str
    recorded_at: str

    def content(self) -> dict[str, Any]:
        """Return the whole record as it is stored: envelope, entry and state."""
        content: dict[str, Any] = json.loads(self.body)
        return content

    def entry(self) -> dict[str, Any]:
        """Return what the caller of `Ledger.append` recorded."""
        entry: dict[str, Any] = self.content()["entry"]
        return entry

    def state(self) -> dict[str, Any]:
        """Return where the rollout stands after this record."""
        state: dict[str, Any] = self.content()["state"]
        return state

    def check(self) -> None:
        """Raise LedgerError unless the hash is that of the bytes and the columns say what the bytes say."""
        where = f"record {self.sequence}"
        check_bytes(self.body, self.sha256, self.sequence)
        try:
            content = dict(self.content())
        except (ValueError, TypeError, RecursionError) as error:
            raise LedgerError("the record's bytes are no JSON object", where=where, remedy=_DAMAGED) from error
        if (layout := content.get("format")) != FORMAT:
            newer = isinstance(layout, int) and layout > FORMAT
            raise (NewerLedger if newer else LedgerError)(
                f"the record has format {layout!r}; this version reads format {FORMAT}",
                where=where,
                remedy="use the version of rampgate that wrote it, or a later one",
            )
        for name in ("sequence", "rollout", "attempt", "kind", "key", "previous_sha256", "recorded_at"):
            column, said = getattr(self, name), content.get(name)
            if column != said:
                raise LedgerError(
                    f"the column {name} says {column!r}, the record's bytes say {said!r}",
                    where=where,
                    remedy=_DAMAGED,
                )


def canonical(value: object) -> bytes:
    """Return the one UTF-8 JSON text of a value, so that equal values give equal bytes.

    Keys sorted by code point, no spaces, characters beyond ASCII as themselves, floats in the
    shortest form that reads back to the same number.

    Raises
    ------
    LedgerError
        When the value holds NaN, an infinity, a key that is not text or a type unknown to JSON.
    """
    try:
        if (fault := _fault(value)) is not None:
            raise LedgerError(
                f"the record cannot be written: its value{fault}",
                remedy="this is a defect of the program that made the record; nothing was recorded",
            )
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (ValueError, RecursionError) as error:  # half a surrogate pair, an enormous integer, a cycle
        raise LedgerError(
            f"the record cannot be written: {error}",
            remedy="this is a defect of the program that made the record; nothing was recorded",
        ) from error


def check_bytes(body: bytes, sha256: str, sequence: int) -> None:
    """Raise LedgerError unless the hash is that of a record's bytes."""
    if digest(body) != sha256:
        raise LedgerError("the SHA-256 is not that of the record's bytes", where=f"record {sequence}", remedy=_DAMAGED)


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hex."""
    return _sha256(data).hexdigest()


def look_key(rollout: str, attempt: int, look: str, policy_sha256: str, source_digest: str) -> str:
    """Return the key of a decision: the same question about the same rows has the same key.

    Only the rollout's name may hold a ``|``, so two questions never share a key.
    """
    parts = (str(attempt), look, policy_sha256, source_digest)
    for part in parts:
        if "|" in part:
            raise UsageError("a part of a record's key holds a |", where=part, remedy="leave the | out")
    return "|".join((rollout, *parts))


def _fault(value: object) -> str | None:
    """Return the place and the reason why a value has no canonical form, or None."""
    if isinstance(value, Mapping):
        # json.dumps would turn 1 and True into text, and two keys into one.
        for key, item in value.items():
            if not isinstance(key, str):
                return f" has the key {key!r}, which is not text"
            if (fault := _fault(item)) is not None:
                return f".{key}{fault}"
        return None if isinstance(value, dict) else f" is a {type(value).__name__}, not a dict"
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if (fault := _fault(item)) is not None:
                return f"[{index}]{fault}"
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else f" is {float(value)}, which JSON cannot hold"
    if value is None or isinstance(value, str | int):
        return None
    return f" is of type {type(value).__name__}, which JSON cannot hold"
