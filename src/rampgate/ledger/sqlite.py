"""SQLite as the ledger needs it: explicit transactions, durable commits, errors that say what to do."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rampgate.errors import LedgerError

PATIENCE_SECONDS = 30.0
"""How long a process waits for another one that is writing."""

_FAULTS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_READONLY: (
        "the ledger is read-only",
        "give this user write permission for the file and for its directory (SQLite keeps a journal there)",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "the ledger cannot be opened, or no journal can be written beside it",
        "give this user permission to read and write the file and its directory",
    ),
    sqlite3.SQLITE_FULL: ("the disk of the ledger is full", "free some space and check again"),
    sqlite3.SQLITE_IOERR: (
        "the ledger cannot be read or written",
        "look for a full disk, a quota, a limit on file size or a failing disk, and check again",
    ),
    sqlite3.SQLITE_NOTADB: (
        "the file is not a ledger, nor any SQLite database",
        "name another file with --ledger; this one was left alone",
    ),
    sqlite3.SQLITE_CORRUPT: ("the ledger is damaged", "restore it from a backup"),
    sqlite3.SQLITE_BUSY: (
        f"another process has kept the ledger locked for {PATIENCE_SECONDS:.0f} seconds",
        "check again when it has ended",
    ),
    sqlite3.SQLITE_CONSTRAINT: (
        "the ledger refused what was to be written",
        "this is a defect of the program that wrote; the ledger is unchanged",
    ),
}
_FAULTS[sqlite3.SQLITE_LOCKED] = _FAULTS[sqlite3.SQLITE_BUSY]
_FAULTS[sqlite3.SQLITE_PERM] = _FAULTS[sqlite3.SQLITE_AUTH] = _FAULTS[sqlite3.SQLITE_CANTOPEN]


def engine_for(path: Path) -> Engine:
    """Return an engine on an existing file. Nothing is opened yet."""
    # mode=rw: a ledger that disappears meanwhile is an error, never a new and empty one.
    address = path.absolute().as_uri() + "?mode=rw"

    def connect() -> sqlite3.Connection:
        # isolation_level None: the driver begins no transaction on its own, `_begin` does.
        connection = sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            # EXTRA also syncs the directory when the journal is gone: without it a power cut just
            # after a commit may take back a decision that somebody has already acted on.
            connection.execute("PRAGMA synchronous = EXTRA")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    # No pool: a connection is never shared by threads or carried into a forked process.
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def transaction(engine: Engine, path: Path, *, write: bool) -> Iterator[Connection]:
    """Run a block in one transaction: committed at its end, rolled back by any exception.

    A writing transaction takes the write lock at once, so that what it reads cannot change before
    it writes.
    """
    with explained(path), engine.connect() as connection:
        connection.execution_options(rampgate_write=write)
        with connection.begin():
            yield connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of the driver and of SQLAlchemy into LedgerError."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _explain(error, path) from error


def described(connection: Connection) -> dict[str, str]:
    """Each thing of a SQLite schema in words, with what it is made of."""
    query = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
    rows = connection.exec_driver_sql(query).all()
    return {f"{kind} {name}": _content(connection, kind, name, sql) for kind, name, sql in rows}


def _content(connection: Connection, kind: str, name: str, sql: str) -> str:
    """Columns of a table: the text of it depends on the version of the library that wrote it; of others the text."""
    if kind != "table":
        return re.sub(r"\s+", " ", sql).strip()
    columns = connection.exec_driver_sql("SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid", (name,)).all()
    return ", ".join(f"{column} {kind} {key}" for column, kind, key in columns)


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("rampgate_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _explain(error: Exception, path: Path) -> LedgerError:
    origin = error.orig if isinstance(error, DBAPIError) else error
    # The low byte is the kind of error, the others say more. Errors of the driver itself have none.
    code = getattr(origin, "sqlite_errorcode", 0) & 0xFF
    what, remedy = _FAULTS.get(code, ("the ledger cannot be used", "see the message in brackets"))
    return LedgerError(f"{what} ({origin})", where=str(path), remedy=remedy)
