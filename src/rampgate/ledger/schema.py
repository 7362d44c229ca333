"""The tables and guards of a ledger's file, against those that its migrations make."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from rampgate.ledger import migrations
from rampgate.ledger.sqlite import described
from rampgate.ledger.store import Ledger


def schema_problem(book: Ledger) -> str | None:
    """What of a ledger's tables, columns, indexes and triggers is gone, added or another one, or None.

    Without its guards a ledger is as whole as its hashes say; that they are gone says that somebody took them off.
    """
    wanted, found = _made(), book.schema()
    said = [
        *(f"the {what} is not there" for what in wanted.keys() - found.keys()),
        *(f"there is a {what} that no version of rampgate made" for what in found.keys() - wanted.keys()),
        *(f"the {what} is another one" for what in wanted.keys() & found.keys() if wanted[what] != found[what]),
    ]
    return "; ".join(sorted(said)) + ": somebody changed the file's guards" if said else None


def _made() -> Mapping[str, str]:
    """What this version makes."""
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        migrations.upgrade(connection)
        return described(connection)
