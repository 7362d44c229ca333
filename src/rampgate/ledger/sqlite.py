"""SQLite as the ledger needs it: explicit transactions, durable commits, errors that say what to do."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rampgate.errors import LedgerError
from rampgate.ledger.database import Pick, missing
from rampgate.ledger.migrations import guards

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


class SQLite:
    """A ledger in a file of SQLite."""

    empty = "the file is empty"
    elsewhere = "name another file with --ledger"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.folder = path.parent
        self.engine = _engine_for(path)

    @classmethod
    def open(cls, path: Path, *, create: bool) -> SQLite:
        """Return the database in a file; where ``create``, an empty one is made of a file that is not there yet."""
        _ensure_file(path, create=create)
        return cls(path)

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        # The write lock is taken at once, so that what a writing transaction reads cannot change before it writes.
        with explained(self.path), self.engine.connect() as connection:
            connection.execution_options(rampgate_write=write)
            with connection.begin():
                yield connection

    def tables(self, connection: Connection) -> list[str]:
        return sa.inspect(connection).get_table_names()

    def unguarded(self, connection: Connection) -> list[str]:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        found = {name: guards.same(text) for name, text in connection.exec_driver_sql(query)}
        return [name for name, text in guards.SQLITE.items() if found.get(name) != guards.same(text)]

    def picking(self, body: sa.ColumnElement[Any], paths: Sequence[str]) -> Pick:
        text = sa.cast(body, sa.Text)
        chosen = sa.case((sa.func.json_valid(text) == 1, sa.func.json_extract(text, *paths)))
        return [chosen.label("chosen")], _chosen


def _chosen(row: sa.Row[Any]) -> list[Any]:
    found: list[Any] = json.loads(row.chosen)
    return found


def _engine_for(path: Path) -> Engine:
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
def explained(path: Path) -> Iterator[None]:
    """Turn errors of the driver and of SQLAlchemy into LedgerError."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _explain(error, path) from error


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("rampgate_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _explain(error: Exception, path: Path) -> LedgerError:
    origin = error.orig if isinstance(error, DBAPIError) else error
    # The low byte is the kind of error, the others say more. Errors of the driver itself have none.
    code = getattr(origin, "sqlite_errorcode", 0) & 0xFF
    what, remedy = _FAULTS.get(code, ("the ledger cannot be used", "see the message in brackets"))
    return LedgerError(f"{what} ({origin})", where=str(path), remedy=remedy)


def _ensure_file(path: Path, *, create: bool) -> None:
    """Make an empty file of a ledger that does not exist yet where ``create``; refuse what cannot be one."""
    try:
        if path.is_dir():
            raise LedgerError(
                "this is a directory", where=str(path), remedy=f"name a file, as in {path / 'rampgate.db'}"
            )
        if path.exists():
            return
        if not create:
            raise missing(str(path), "there is no such file")
        # An empty file is a new ledger, so a process killed here leaves nothing half-made.
        path.touch()
    except FileNotFoundError as error:
        raise LedgerError(
            "the ledger's directory does not exist", where=str(path.parent), remedy="make the directory first"
        ) from error
    except OSError as error:
        raise LedgerError(
            f"the ledger cannot be opened ({error.strerror})",
            where=str(path),
            remedy="give this user permission to read and write the file and its directory",
        ) from error
