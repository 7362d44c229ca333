"""A public engine without a database: canned columns, and answers made by a function.

It stands in for an engine in the tests of whatever asks one, in the manner of httpx's ``MockTransport``::

    engine = MemoryEngine([Column("unit", "integer")], lambda select: {"n": np.array([3])})
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlglot import exp

from rampgate.source.engine import Array, Column, ColumnType


class MemoryEngine:
    """An `Engine` that answers what it is told to answer.

    Parameters
    ----------
    columns : iterable of Column
        What `columns` returns.
    answer : callable
        Gets each query as a sqlglot expression and returns the arrays.
    name : str
        What to call the rows in messages.

    Attributes
    ----------
    queries : list of sqlglot expressions
        Every query so far, in order.
    closed : bool
        Whether `close` was called.
    """

    def __init__(
        self,
        columns: Iterable[Column],
        answer: Callable[[exp.Expr], Mapping[str, Array]],
        name: str = "memory",
    ) -> None:
        self.name = name
        self.dialect = "duckdb"
        self.queries: list[exp.Expr] = []
        self.closed = False
        self._columns = tuple(columns)
        self._answer = answer

    def relation(self) -> exp.Expr:
        """A table of the engine's name."""
        return exp.Table(this=exp.to_identifier(self.name, quoted=True))

    def columns(self) -> tuple[Column, ...]:
        """The canned columns."""
        return self._columns

    def sql(self, select: exp.Expr) -> str:
        """As sqlglot writes it."""
        return select.sql(self.dialect)

    def query(self, select: exp.Expr) -> dict[str, Array]:
        """Record the query and answer it."""
        self.queries.append(select.copy())
        return dict(self._answer(select))

    def row_hash(self, values: Sequence[exp.Expr]) -> exp.Expr:
        """A function that no dialect knows."""
        return exp.Anonymous(this="ROW_HASH", expressions=[value.copy() for value in values])

    def utc(self, value: exp.Expr, kind: ColumnType, form: str | None = None) -> exp.Expr:  # noqa: ARG002  (the protocol's)
        """A plain cast, or a plain reading in a form."""
        if form is not None:
            return exp.StrToTime(this=value.copy(), format=exp.Literal.string(form))
        return exp.Cast(this=value.copy(), to=exp.DataType.build("timestampntz"))

    def elapsed(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """A function that no dialect knows."""
        return exp.Anonymous(this="ELAPSED", expressions=[start.copy(), end.copy()])

    def total(self, value: exp.Expr) -> exp.Expr:
        """A plain sum."""
        return exp.Sum(this=value.copy())

    def quantiles(self, value: exp.Expr, shares: Sequence[float]) -> exp.Expr:
        """A function that no dialect knows."""
        asked = [exp.Literal.number(repr(share)) for share in shares]
        return exp.Anonymous(this="QUANTILES", expressions=[value.copy(), *asked])

    def close(self) -> None:
        """Note that it was called."""
        self.closed = True
