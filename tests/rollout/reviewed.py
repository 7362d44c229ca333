"""Incidents that are reviewed and closed, for tests of what comes after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from rampgate.ledger import Ledger
from rampgate.rollout.incidents import incidents
from rampgate.rollout.reviews import assign, close, submit

REVIEW = """\
# Review

- Incident: {incident}
- Owner: {owner}

## Summary

It was worse.

## Impact

Many tickets.

## Timeline

See the record.

## Root causes

- the prompt lost a line

## Contributing factors

nothing

## What went well

It was found.

## Where we got lucky

nothing

## Actions

| what | owner | kind | due |
|---|---|---|---|
| test it | {owner} | prevent | {due} |
"""


def written(folder: Path, incident: str, owner: str = "lee", days: int = 30) -> Path:
    """A complete review in a file; its action is due in some days."""
    path = folder / "review.md"
    due = datetime.now(UTC).date() + timedelta(days=days)
    path.write_text(REVIEW.format(incident=incident, owner=owner, due=due))
    return path


def review_all(book: Ledger, owner: str = "lee", reviewer: str = "sam") -> None:
    """Review and close every incident that is open."""
    found = incidents(book)
    for one in list(found.found.values()):
        if not found.closed(one):
            assign(book, one.id, owner, owner)
            submit(book, written(book.path.parent, one.id, owner), owner)
            close(book, one.id, reviewer)
