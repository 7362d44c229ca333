"""Warehouses whose SQL is written here and not run: BigQuery, Databricks, Snowflake and Trino. Untested against them.

What is written parses again in sqlglot's dialect of each; nothing else is known of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from rampgate.policy.time_format import EPOCHS
from rampgate.source.dialect import Dialect, call, cast, data_type, double, epoch
from rampgate.source.engine import ColumnType
from rampgate.source.spark import SparkSQL
from rampgate.source.written import ISO, in_form, where_it_is


class _Warehouse(Dialect):
    """Times as each warehouse makes them, in four ways."""

    mark = "\\"

    def utc(self, value: exp.Expr, kind: ColumnType, form: str | None = None) -> exp.Expr:
        """See `Engine.utc`."""
        if form is not None and form in EPOCHS:
            inside, micros = epoch(value, kind, EPOCHS[form])
            return exp.Case(ifs=[exp.If(this=inside, true=self.naive(self.since_1970(micros)))])
        if form is not None:
            return in_form(value, form, self._read, self.mark)
        if kind == "text":
            return self._read(value)
        return cast(value, "timestampntz") if kind == "timestamp" else self.naive(value)

    def _read(self, text: exp.Expr) -> exp.Expr:
        return where_it_is(text, ISO, self.naive(self.parsed(text)))

    def said(self, node: exp.Expr) -> exp.Expr:
        """A zone's clock is told of an instant, or an instant of a zone's clock."""
        node = super().said(node)
        if isinstance(node, exp.AtTimeZone):
            naive = isinstance(node.this, exp.Cast) and node.this.to.is_type("timestampntz")
            return self.instant(node.this, node.args["zone"]) if naive else self.clock(node.this, node.args["zone"])
        return node

    def naive(self, instant: exp.Expr) -> exp.Expr:
        """A timestamp with time zone as one without, in UTC."""
        return self.clock(instant, exp.Literal.string("UTC"))

    def clock(self, instant: exp.Expr, zone: exp.Expr) -> exp.Expr:
        """What the clocks of a zone show at an instant."""
        raise NotImplementedError

    def instant(self, clock: exp.Expr, zone: exp.Expr) -> exp.Expr:
        """When the clocks of a zone show a time."""
        raise NotImplementedError

    def parsed(self, text: exp.Expr) -> exp.Expr:
        """ISO 8601 text as a timestamp with time zone."""
        return exp.TryCast(this=_dashed(text), to=data_type("timestamptz"))

    def since_1970(self, micros: exp.Expr) -> exp.Expr:
        """Microseconds since 1970 as a timestamp with time zone."""
        raise NotImplementedError

    def tried(self, node: exp.TryCast) -> exp.Expr:
        """A cast of text that gives NULL; a time is guarded by its pattern already."""
        return node if node.to.is_type("timestamptz") else super().tried(node)


class BigQuerySQL(_Warehouse):
    """BigQuery: DATETIME is without time zone, TIMESTAMP an instant."""

    dialect = "bigquery"

    def row_hash(self, values: Sequence[exp.Expr]) -> exp.Expr:
        """Google's fingerprint of the row as JSON."""
        return call("FARM_FINGERPRINT", call("TO_JSON_STRING", call("STRUCT", *values)))

    def elapsed(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """See `Engine.elapsed`."""
        return exp.Div(this=call("DATETIME_DIFF", end, start, exp.var("MICROSECOND")), expression=double("1e6"))

    def said(self, node: exp.Expr) -> exp.Expr:
        """Weeks from Monday, and intervals that count in numbers."""
        node = super().said(node)
        if isinstance(node, exp.TimestampTrunc):
            return call("DATE_TRUNC", node.this, exp.var("ISOWEEK"))
        if isinstance(node, exp.Interval) and node.this.is_string:
            return exp.Interval(this=exp.Literal.number(node.this.name), unit=node.args["unit"])
        return node

    def clock(self, instant: exp.Expr, zone: exp.Expr) -> exp.Expr:
        """See `_Warehouse.clock`."""
        return call("DATETIME", instant, zone)

    def instant(self, clock: exp.Expr, zone: exp.Expr) -> exp.Expr:
        """See `_Warehouse.instant`."""
        return call("TIMESTAMP", clock, zone)

    def since_1970(self, micros: exp.Expr) -> exp.Expr:
        """See `_Warehouse.since_1970`."""
        return call("TIMESTAMP_MICROS", micros)


class DatabricksSQL(SparkSQL):
    """Databricks: as Spark, where the session's time zone is UTC."""

    dialect = "databricks"


class SnowflakeSQL(_Warehouse):
    """Snowflake, where the session's time zone is UTC and weeks begin on Monday."""

    dialect = "snowflake"

    def row_hash(self, values: Sequence[exp.Expr]) -> exp.Expr:
        """Snowflake's own hash of 64 bits."""
        return call("HASH", *values)

    def elapsed(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """See `Engine.elapsed`."""
        return exp.Div(this=call("TIMESTAMPDIFF", exp.var("MICROSECOND"), start, end), expression=double("1e6"))

    def said(self, node: exp.Expr) -> exp.Expr:
        """A pattern may lie anywhere in a text; REGEXP_LIKE wants it to be the whole."""
        node = super().said(node)
        if isinstance(node, exp.RegexpLike):
            found = call("REGEXP_INSTR", node.this, node.expression)
            return exp.GT(this=found, expression=exp.Literal.number(0))
        return node

    def clock(self, instant: exp.Expr, zone: exp.Expr) -> exp.Expr:
        """See `_Warehouse.clock`."""
        return cast(call("CONVERT_TIMEZONE", zone, instant), "timestampntz")

    def instant(self, clock: exp.Expr, zone: exp.Expr) -> exp.Expr:
        """See `_Warehouse.instant`."""
        return cast(call("CONVERT_TIMEZONE", zone, exp.Literal.string("UTC"), clock), "timestamptz")

    def since_1970(self, micros: exp.Expr) -> exp.Expr:
        """See `_Warehouse.since_1970`."""
        return cast(call("TO_TIMESTAMP_NTZ", micros, exp.Literal.number(6)), "timestamptz")


class TrinoSQL(_Warehouse):
    """Trino, and Athena, which is made of it; the session's time zone is UTC."""

    dialect = "trino"
    mark = "$"

    def row_hash(self, values: Sequence[exp.Expr]) -> exp.Expr:
        """XXH64 of the row as JSON."""
        text = call("JSON_FORMAT", exp.Cast(this=call("ROW", *values), to=data_type("json")))
        return call("FROM_BIG_ENDIAN_64", call("XXHASH64", call("TO_UTF8", text)))

    def elapsed(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """See `Engine.elapsed`."""
        between = call("DATE_DIFF", exp.Literal.string("millisecond"), start, end)
        return exp.Div(this=cast(between, "double"), expression=double("1e3"))

    def clock(self, instant: exp.Expr, zone: exp.Expr) -> exp.Expr:
        """See `_Warehouse.clock`."""
        return cast(call("AT_TIMEZONE", instant, zone), "timestampntz")

    def instant(self, clock: exp.Expr, zone: exp.Expr) -> exp.Expr:
        """See `_Warehouse.instant`."""
        return call("WITH_TIMEZONE", clock, zone)

    def since_1970(self, micros: exp.Expr) -> exp.Expr:
        """See `_Warehouse.since_1970`."""
        return call("FROM_UNIXTIME", exp.Div(this=cast(micros, "double"), expression=double("1e6")))


def _dashed(text: exp.Expr) -> exp.Expr:
    return exp.Replace(this=text.copy(), expression=exp.Literal.string("/"), replacement=exp.Literal.string("-"))
