"""What the rest of the package asks of whatever holds the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from numpy.typing import NDArray
from sqlglot import exp

Array = NDArray[Any]
ColumnType = Literal["boolean", "integer", "number", "decimal", "text", "date", "timestamp", "timestamptz", "other"]


class Column(NamedTuple):
    """A column as the engine sees it; ``timestamp`` has no time zone, ``number`` is floating."""

    name: str
    type: ColumnType


@runtime_checkable
class Engine(Protocol):
    """Holds the rows and aggregates them; only small arrays leave it.

    Attributes
    ----------
    name : str
        What to call the rows in messages, such as ``tickets.csv``.
    dialect : str
        The sqlglot dialect that it understands.
    """

    name: str
    dialect: str

    def relation(self) -> exp.Expr:
        """What to select from."""
        ...

    def columns(self) -> tuple[Column, ...]:
        """The columns in their order."""
        ...

    def sql(self, select: exp.Expr) -> str:
        """A query as it is run, in the engine's own words."""
        ...

    def query(self, select: exp.Expr) -> dict[str, Array]:
        """Run one query; equally long arrays by column name.

        Integers come as int64 or, unsigned ones of 64 bits, as uint64, and with NULL or beyond 64 bits as float64;
        floating numbers as float64 (NULL is NaN), text as objects (NULL is None),
        dates as datetime64[D] and timestamps without time zone as datetime64[us] (NULL is NaT).
        """
        ...

    def row_hash(self, values: Sequence[exp.Expr]) -> exp.Expr:
        """A 64-bit integer that depends on the values of one row and on nothing else."""
        ...

    def utc(self, value: exp.Expr, kind: ColumnType, form: str | None = None) -> exp.Expr:
        """A text, ``timestamp`` (taken as UTC) or ``timestamptz`` as a timestamp without zone, in UTC.

        Text that is no time gives NULL. ``form`` says how times are written that are not ISO 8601: a strptime form, by
        which text is read whole and strictly (a year has four digits where the form says ``%Y``), or ``epoch_s``,
        ``epoch_ms`` or ``epoch_us`` for text and numbers that count since 1970, from the year 1973 on, so that one
        number never fits two of them. What does not fit gives NULL.
        """
        ...

    def elapsed(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """Seconds, as a double, between two timestamps as `utc` gives them; NULL where either is."""
        ...

    def total(self, value: exp.Expr) -> exp.Expr:
        """The sum over rows, compensated for rounding where the engine can."""
        ...

    def quantiles(self, value: exp.Expr, shares: Sequence[float]) -> exp.Expr:
        """The list of values below which, or at which, these shares of the known values lie; NULL without any."""
        ...

    def close(self) -> None:
        """Let go of files and memory."""
        ...
