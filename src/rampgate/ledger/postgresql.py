"""PostgreSQL as the ledger needs it: one writer at a time, durable commits, errors that tell no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rampgate.errors import LedgerError
from rampgate.ledger.conninfo import Address, driver
from rampgate.ledger.database import Pick
from rampgate.ledger.migrations import VERSION_TABLE, guards

PATIENCE_SECONDS = 30
"""How long a process waits for another one that is writing."""
IDLE_SECONDS = 60
"""After which the server ends a transaction whose process has fallen silent, and lets the others write."""

#: Above the oid of the schema in the number of its lock: "RAMP", so that it is nobody else's.
_LOCK = 0x52414D50 << 32

_GRANT = "let its owner GRANT USAGE on the schema, SELECT and, to those who record, INSERT on its tables to this role"
_AGAIN = "check again: a record is there whole or not at all, and the same question gives the same record"
_FAULTS: dict[str, tuple[str, str]] = {
    "42501": ("this role may not do this in the ledger", _GRANT),
    "25006": (
        "the ledger is read-only",
        "name the server that is written to, or a role whose transactions may write (default_transaction_read_only)",
    ),
    "57014": (
        "the server ended the statement: it took longer than statement_timeout, or somebody cancelled it",
        f"raise statement_timeout for this role where it is too short, and {_AGAIN}",
    ),
    "55P03": (
        f"another process has kept the ledger locked for {PATIENCE_SECONDS} seconds",
        "check again when it has ended",
    ),
    "25P03": ("the server ended a transaction that had fallen silent", _AGAIN),
    "42P01": ("the ledger's tables are not there any more", "restore the ledger from a backup"),
    "53100": ("the disk of the ledger's server is full", "free some space and check again"),
}
#: By the first two characters of SQLSTATE.
_CLASSES: dict[str, tuple[str, str]] = {
    "08": ("the connection to the ledger's server was lost", _AGAIN),
    "57": ("the ledger's server ended the connection", _AGAIN),
    "53": ("the ledger's server is short of something", "see the message in brackets, and check again"),
    "40": ("another transaction stood in the way", _AGAIN),
    "23": (
        "the ledger refused what was to be written",
        "this is a defect of the program that wrote; the ledger is unchanged",
    ),
    "XX": ("the ledger is damaged", "restore it from a backup"),
}


@dataclass(frozen=True)
class PostgreSQL:
    """A ledger in a schema of a PostgreSQL database.

    Attributes
    ----------
    schema : where its tables are, or will be; every transaction looks there and nowhere else
    lock : number of the advisory lock that who writes holds; an INSERT needs no other right than its own for it
    """

    address: Address
    engine: Engine
    schema: str
    lock: int

    empty = "the schema is empty"
    elsewhere = "give the ledger a schema of its own: CREATE SCHEMA, and ?schema=NAME at the end of the URL"

    @property
    def name(self) -> str:
        return self.address.name

    @property
    def folder(self) -> Path:
        """The present folder: a server is in no project's."""
        return Path()

    @classmethod
    def open(cls, url: str) -> PostgreSQL:
        """Connect to a database and find the ledger's schema: that of the URL, else where the search path leads.

        Raises
        ------
        UsageError
            The URL cannot be read.
        LedgerError
            psycopg is not installed, the server cannot be reached, or there is no such schema.
        """
        address = Address.of(url)
        engine = _engine_for(address)
        with _explained(address), engine.connect() as connection:
            encoding = connection.scalar(sa.text("SELECT current_setting('server_encoding')"))
            found = connection.execute(_SCHEMA, {"schema": address.schema, "table": VERSION_TABLE}).one_or_none()
        if encoding != "UTF8":
            raise LedgerError(
                f"the database keeps its texts in {encoding}, which cannot hold every name",
                where=address.name,
                remedy="make a database for the ledger with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
            )
        if found is None:
            named = f"there is no schema {address.schema!r}" if address.schema else "the search path names no schema"
            raise LedgerError(
                f"{named} in this database",
                where=address.name,
                remedy="CREATE SCHEMA for the ledger, and name it with ?schema=NAME at the end of the URL",
            )
        return cls(address, engine, found.nspname, _LOCK | found.oid)

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        if write:
            # Each statement sees what was committed before it, so those after the lock see all earlier writers.
            options = {"isolation_level": "READ COMMITTED"}
        with _explained(self.address), self.engine.connect() as connection:
            connection = connection.execution_options(**options, rampgate_write=write)
            with connection.begin():
                connection.execute(_PLACE, {"schema": self.schema})
                if write:
                    times = {"patience": f"{PATIENCE_SECONDS}s", "idle": f"{IDLE_SECONDS}s"}
                    connection.execute(_DURABLY, times)
                    connection.execute(_ALONE, {"lock": self.lock})
                yield connection

    def tables(self, connection: Connection) -> list[str]:
        return sa.inspect(connection).get_table_names(schema=self.schema)

    def unguarded(self, connection: Connection) -> list[str]:
        found = {row.tgname: row for row in connection.execute(_TRIGGERS, {"schema": self.schema})}
        return [
            name
            for name, (_, function, made) in guards.POSTGRESQL.items()
            if (row := found.get(name)) is None
            or row.tgenabled != "A"
            or row.made != made
            or guards.same(row.prosrc) != guards.same(guards.POSTGRESQL_FUNCTIONS[function])
        ]

    def picking(self, body: sa.ColumnElement[Any], paths: Sequence[str]) -> Pick:  # noqa: ARG002
        # The server would read a body again for every path; it comes here anyway, for its hash.
        steps = [re.findall(r"[^.\[\]$]+", path) for path in paths]

        def pick(row: sa.Row[Any]) -> list[Any]:
            content = json.loads(row.body)
            return [_at(content, path) for path in steps]

        return [], pick


_SCHEMA = sa.text("""
    SELECT oid, nspname FROM pg_namespace WHERE nspname = coalesce(
      CAST(:schema AS text),
      (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.oid = to_regclass(:table)),
      current_schema()
    )
""")
# For this transaction alone: whoever gets the connection next, as behind a pooler, is not affected.
_PLACE = sa.text("SELECT set_config('search_path', quote_ident(:schema), true)")
_DURABLY = sa.text("""
    SELECT set_config('lock_timeout', :patience, true),
           set_config('idle_in_transaction_session_timeout', :idle, true),
           CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END
""")
_ALONE = sa.text("SELECT pg_advisory_xact_lock(:lock)")
_TRIGGERS = sa.text("""
    SELECT t.tgname, t.tgenabled, pg_get_triggerdef(t.oid, true) AS made, p.prosrc
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE n.nspname = :schema AND c.relname IN ('records', 'documents') AND NOT t.tgisinternal
""")


def _engine_for(address: Address) -> Engine:
    psycopg = driver()

    def connect() -> Any:
        # Raised here, it is no error of a statement to SQLAlchemy and comes out as it is.
        try:
            return psycopg.connect(**address.parameters)
        except psycopg.Error as error:
            raise LedgerError(
                f"the ledger's server cannot be reached, or refused the connection ({address.without_secrets(error)})",
                where=address.name,
                remedy="see that it runs and that host, port, database, role and password are right; a password that "
                "is not in the URL is read from PGPASSWORD or ~/.pgpass",
            ) from None

    # No pool: a connection is never shared by threads or carried into a forked process, and a server that
    # was restarted meanwhile is no matter.
    return create_engine(
        "postgresql+psycopg://", creator=connect, poolclass=NullPool, hide_parameters=True, use_native_hstore=False
    )


@contextmanager
def _explained(address: Address) -> Iterator[None]:
    """Turn errors of the driver and of SQLAlchemy into LedgerError."""
    try:
        yield
    except (SQLAlchemyError, driver().Error) as error:
        raise _explain(error, address) from None


def _explain(error: Exception, address: Address) -> LedgerError:
    origin = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(origin, "sqlstate", None)
    if state is None and isinstance(origin, driver().OperationalError):
        state = "08000"  # the client's own: nobody is there to give a number
    state = state or ""
    what, remedy = (
        _FAULTS.get(state) or _CLASSES.get(state[:2]) or ("the ledger cannot be used", "see the message in brackets")
    )
    return LedgerError(f"{what} ({address.without_secrets(origin)})", where=address.name, remedy=remedy)


def _at(content: Any, path: Sequence[str]) -> Any:
    """The value at a path of keys and numbers; None where there is none."""
    for step in path:
        if isinstance(content, dict):
            content = content.get(step)
        elif isinstance(content, list) and step.isdecimal() and int(step) < len(content):
            content = content[int(step)]
        else:
            return None
    return content
