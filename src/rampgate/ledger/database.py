"""What the ledger asks of a database. Each kind of database is one file that knows its quirks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from rampgate.errors import LedgerError

Pick = tuple[list[sa.ColumnElement[Any]], Callable[[sa.Row[Any]], list[Any]]]
"""Further columns to read, and what makes the values of a row with them."""


class Database(Protocol):
    """Where a ledger is kept.

    Attributes
    ----------
    name : how errors name it; never with a password
    folder : where the project it belongs to is looked for
    engine : of SQLAlchemy
    empty : how it is said that nothing is in it yet
    elsewhere : what to do where it is something else
    """

    @property
    def name(self) -> str: ...

    @property
    def folder(self) -> Path: ...

    @property
    def engine(self) -> sa.Engine: ...

    @property
    def empty(self) -> str: ...

    @property
    def elsewhere(self) -> str: ...

    def transaction(self, *, write: bool) -> AbstractContextManager[sa.Connection]:
        """Run a block in one transaction: committed durably at its end, rolled back by any exception.

        A writing transaction is the only one: what it reads cannot change before it writes. One that reads sees one
        state of the ledger. Every error of the driver and of SQLAlchemy becomes a LedgerError.
        """
        ...

    def tables(self, connection: sa.Connection) -> list[str]:
        """Return the names of all tables where the ledger's are, whosesoever they are."""
        ...

    def unguarded(self, connection: sa.Connection) -> list[str]:
        """Return the names of the triggers that are not there, or not as they were made."""
        ...

    def picking(self, body: sa.ColumnElement[Any], paths: Sequence[str]) -> Pick:
        """Return how the values at SQL/JSON paths of a record's body are read."""
        ...


def missing(name: str, what: str) -> LedgerError:
    """The error of a ledger that is not there."""
    return LedgerError(
        f"there is no ledger here: {what}",
        where=name,
        remedy="run `rampgate check` first, or name the ledger with --ledger",
    )
