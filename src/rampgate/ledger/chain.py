"""The chain: every record holds the SHA-256 of the one before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rampgate.errors import LedgerError
from rampgate.ledger.record import FORMAT, Record, canonical, digest

GENESIS = "0" * 64
"""What the first record has for the SHA-256 of the previous one."""


def link(
    *,
    sequence: int,
    previous_sha256: str,
    rollout: str,
    attempt: int,
    kind: str,
    key: str,
    entry: Mapping[str, Any],
    state: Mapping[str, Any],
    recorded_at: str,
) -> Record:
    """Return the record that follows the one with ``previous_sha256``; the same values, the same bytes."""
    _demand(bool(rollout and kind and key), "a record needs a rollout, a kind and a key")
    _demand(1 <= attempt < 2**31, f"the attempt is {attempt}; the first attempt is 1")
    _demand(_has_offset(recorded_at), f"recorded_at is {recorded_at!r}, not an ISO 8601 time with an offset")
    content = {
        "attempt": attempt,
        "entry": dict(entry),
        "format": FORMAT,
        "key": key,
        "kind": kind,
        "previous_sha256": previous_sha256,
        "recorded_at": recorded_at,
        "rollout": rollout,
        "sequence": sequence,
        "state": dict(state),
    }
    body = canonical(content)
    return Record(
        sequence=sequence,
        rollout=rollout,
        attempt=attempt,
        kind=kind,
        key=key,
        body=body,
        sha256=digest(body),
        previous_sha256=previous_sha256,
        recorded_at=recorded_at,
    )


def verify(records: Iterable[Record]) -> int:
    """Check that records are a whole chain from the first on, and return how many they are.

    Raises
    ------
    LedgerError
        At the first record that is altered or does not follow the one before it; ``where`` names it.
    """
    sequence, previous = 0, GENESIS
    for record in records:
        sequence += 1
        if record.sequence != sequence:
            raise LedgerError(f"found in place of record {sequence}", where=f"record {record.sequence}")
        record.check()
        if record.previous_sha256 != previous:
            raise LedgerError("does not name the SHA-256 of the record before it", where=f"record {sequence}")
        previous = record.sha256
    return sequence


def _has_offset(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _demand(satisfied: bool, what: str) -> None:
    if not satisfied:
        raise LedgerError(what, remedy="this is a defect of the program that made the record; nothing was recorded")
