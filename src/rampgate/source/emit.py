"""An engine that writes its queries and runs none, for whoever runs them elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlglot import exp

from rampgate.errors import UsageError
from rampgate.source.dialect import Dialect
from rampgate.source.engine import Array, Column, ColumnType

#: What is run by this version, and what is only written.
RUN, WRITTEN = ("duckdb", "postgres", "spark"), ("bigquery", "databricks", "snowflake", "trino")


def dialect(name: str) -> Dialect:
    """How an engine says it, by its name."""
    if name == "duckdb":
        from rampgate.source.duckdb import DuckDBSQL

        return DuckDBSQL()
    if name in ("postgres", "postgresql"):
        from rampgate.source.postgres import PostgresSQL

        return PostgresSQL()
    from rampgate.source.spark import SparkSQL
    from rampgate.source.warehouses import BigQuerySQL, DatabricksSQL, SnowflakeSQL, TrinoSQL

    for made in (SparkSQL, BigQuerySQL, DatabricksSQL, SnowflakeSQL, TrinoSQL):
        if made.dialect == name:
            return made()
    known = ", ".join((*RUN, *WRITTEN))
    raise UsageError(f"{name!r} is no dialect that is written", where="--dialect", remedy=f"name one of {known}")


class Emitter:
    """An `Engine` that answers from what it is given, and says what it would have run.

    Parameters
    ----------
    said : how the queries are written
    relation : what to select from
    columns : of the rows
    name : what to call the rows in messages
    answer : gets the names of a query's columns, and gives the arrays
    """

    def __init__(
        self,
        said: Dialect,
        relation: exp.Expr,
        columns: Iterable[Column],
        name: str,
        answer: Callable[[tuple[str, ...]], Mapping[str, Array]],
    ) -> None:
        self.name = name
        self.dialect = said.dialect
        self.asked: list[exp.Expr] = []
        self._said = said
        self._relation = relation
        self._columns = tuple(columns)
        self._answer = answer

    def relation(self) -> exp.Expr:
        """What it was given."""
        return self._relation.copy()

    def columns(self) -> tuple[Column, ...]:
        """The columns that it was given."""
        return self._columns

    def sql(self, select: exp.Expr) -> str:
        """In the words of the dialect, in lines."""
        return self._said.sql(select, pretty=True)

    def query(self, select: exp.Expr) -> dict[str, Array]:
        """Note the query and answer it without rows."""
        self.asked.append(select.copy())
        return dict(self._answer(tuple(one.alias_or_name for one in select.expressions)))

    def row_hash(self, values: Sequence[exp.Expr]) -> exp.Expr:
        """The dialect's."""
        return self._said.row_hash(values)

    def utc(self, value: exp.Expr, kind: ColumnType, form: str | None = None) -> exp.Expr:
        """The dialect's."""
        return self._said.utc(value, kind, form)

    def elapsed(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """The dialect's."""
        return self._said.elapsed(start, end)

    def total(self, value: exp.Expr) -> exp.Expr:
        """The dialect's."""
        return self._said.total(value)

    def quantiles(self, value: exp.Expr, shares: Sequence[float]) -> exp.Expr:
        """The dialect's."""
        return self._said.quantiles(value, shares)

    def close(self) -> None:
        """There is nothing to let go of."""
