"""How one SQL is said to an engine whose words differ: a walk over the query that replaces what it knows otherwise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache

from sqlglot import exp

from rampgate.source.engine import ColumnType
from rampgate.source.written import DAY, NUMBER, where_it_is


class Dialect(ABC):
    """What an engine says itself, as `Engine` describes it; the rest is written by sqlglot.

    Attributes
    ----------
    dialect : str
        The sqlglot dialect that the engine understands.
    """

    dialect: str

    def sql(self, select: exp.Expr, *, pretty: bool = False) -> str:
        """A query as text, every name in quotes: what is a reserved word differs from engine to engine."""
        return _rewritten(select.copy(), self).sql(self.dialect, identify=True, pretty=pretty)

    @abstractmethod
    def row_hash(self, values: Sequence[exp.Expr]) -> exp.Expr:
        """See `Engine.row_hash`."""

    @abstractmethod
    def utc(self, value: exp.Expr, kind: ColumnType, form: str | None = None) -> exp.Expr:
        """See `Engine.utc`."""

    @abstractmethod
    def elapsed(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """See `Engine.elapsed`."""

    def total(self, value: exp.Expr) -> exp.Expr:
        """A plain sum, where there is no compensated one."""
        return exp.Sum(this=value.copy())

    def quantiles(self, value: exp.Expr, shares: Sequence[float]) -> exp.Expr:
        """See `Engine.quantiles`."""
        order = exp.Order(expressions=[exp.Ordered(this=value.copy())])
        ends = [exp.PercentileDisc(this=exp.Literal.number(repr(share))) for share in shares]
        return exp.Array(expressions=[exp.WithinGroup(this=end, expression=order.copy()) for end in ends])

    def said(self, node: exp.Expr) -> exp.Expr:
        """A node of a query, whose parts are said already, as this engine says it."""
        if isinstance(node, exp.Literal) and not node.is_string and not node.name.isdigit():
            return double(node.name)  # a decimal elsewhere
        if isinstance(node, exp.TryCast):
            return self.tried(node)
        return node

    def tried(self, node: exp.TryCast) -> exp.Expr:
        """A cast of text that gives NULL where it cannot be done."""
        pattern = DAY if node.to.is_type("date") else NUMBER
        text = cast(node.this, "text")
        return where_it_is(text, pattern, cast(node.this, node.to))


def _rewritten(root: exp.Expr, dialect: Dialect) -> exp.Expr:
    for node in reversed(list(root.walk(bfs=True))):
        new = dialect.said(node)
        if new is node:
            continue
        if node is root:
            return new
        node.replace(new)
    return root


def cast(value: exp.Expr, to: str | exp.DataType) -> exp.Expr:
    """``CAST(value AS to)``."""
    return exp.Cast(this=value.copy(), to=data_type(to) if isinstance(to, str) else to.copy())


def data_type(name: str) -> exp.DataType:
    """A type by its name, which is parsed once: a query has hundreds of casts."""
    return _parsed(name).copy()


@lru_cache
def _parsed(name: str) -> exp.DataType:
    return exp.DataType.build(name)


def double(number: str) -> exp.Expr:
    """A constant that is floating for sure."""
    return cast(exp.Literal.string(number), "double")


def call(name: str, *values: exp.Expr) -> exp.Expr:
    """A function by its name."""
    return exp.Anonymous(this=name, expressions=[value.copy() for value in values])


def table(parts: Sequence[str]) -> exp.Table:
    """A table by the parts of its name, the catalog first."""
    names = dict(zip(("this", "db", "catalog"), reversed(parts), strict=False))
    return exp.Table(**{key: exp.to_identifier(part, quoted=True) for key, part in names.items()})


def epoch(value: exp.Expr, kind: ColumnType, units: int) -> tuple[exp.Expr, exp.Expr]:
    """Whether a number of units a second lies in the years 1973 to 5138, and its microseconds since 1970."""
    kind_of_cast = exp.TryCast if kind == "text" else exp.Cast
    number = kind_of_cast(this=value.copy(), to=data_type("double"))
    low, high = (double(f"{seconds * units}.0") for seconds in (10**8, 10**11))
    inside = exp.and_(exp.GTE(this=number, expression=low), exp.LT(this=number.copy(), expression=high))
    micros = exp.Mul(this=number.copy(), expression=exp.Literal.number(1_000_000 // units))
    return inside, cast(micros, "bigint")
