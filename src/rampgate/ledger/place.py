"""Where a ledger is: the database that a path or URL names."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from rampgate.errors import UsageError
from rampgate.ledger.database import Database
from rampgate.ledger.sqlite import SQLite

_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
_REMEDY = "write a path, sqlite:///path or postgresql://user@host/database"


def open_database(where: str | Path, *, create: bool) -> Database:
    """Return the database that a path or URL names. A URL is not repeated in errors: it may hold a password.

    Raises
    ------
    UsageError
        It is neither a path nor a URL of a ledger.
    LedgerError
        There is no such database, or it cannot be used.
    """
    if isinstance(where, Path) or "://" not in where:
        return SQLite.open(Path(where), create=create)
    scheme = where.partition("://")[0].lower()
    if scheme in _POSTGRESQL:
        from rampgate.ledger.postgresql import PostgreSQL

        return PostgreSQL.open(where)
    return SQLite.open(_file(where), create=create)


def _file(where: str) -> Path:
    """The file that a URL of SQLite names."""
    try:
        url = sa.make_url(where)
    except (ArgumentError, ValueError):
        raise UsageError("the ledger's URL cannot be read", remedy=_REMEDY) from None
    if url.get_backend_name() != "sqlite":
        known = url.get_backend_name() == "postgresql"
        raise UsageError(
            "PostgreSQL is spoken to through psycopg 3 alone" if known else "a ledger is kept in SQLite or PostgreSQL",
            where=f"{url.drivername}://",
            remedy=_REMEDY,
        )
    if not url.database or url.database == ":memory:" or url.host or url.query:
        raise UsageError(
            "the ledger's URL must name a file and nothing else",
            where=url.render_as_string(hide_password=True),
            remedy=f"{_REMEDY}; in Python ledger=None keeps no ledger",
        )
    return Path(url.database)
