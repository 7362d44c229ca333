"""The engine on a PostgreSQL server: a table or view is aggregated where it is, in one read-only transaction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import numpy as np
from sqlglot import exp

from rampgate.errors import SourceError, UsageError
from rampgate.policy.place import joined, without_password
from rampgate.policy.time_format import EPOCHS
from rampgate.source.dialect import Dialect, call, cast, epoch, table
from rampgate.source.engine import Array, Column, ColumnType
from rampgate.source.written import ISO, in_form, where_it_is

if TYPE_CHECKING:
    import psycopg

#: The keys of a URL that are not the driver's.
_TABLE, _TIMEOUT = "table", "statement_timeout"
_FORM = "postgresql://HOST/DATABASE?table=SCHEMA.TABLE"
#: What the driver is told where the URL says nothing else: a server that is gone is noticed within a minute.
_DRIVER = {
    "application_name": "rampgate", "connect_timeout": "10", "client_encoding": "UTF8",
    "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
}  # fmt: skip
#: Held to the end of the transaction, so also behind a pool of connections.
_SESSION = (
    "SET LOCAL timezone = 'UTC'", "SET LOCAL datestyle = 'ISO, YMD'", "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL extra_float_digits = 1", "SET LOCAL standard_conforming_strings = on",
)  # fmt: skip
_TYPES: dict[str, ColumnType] = {
    "bool": "boolean", "int2": "integer", "int4": "integer", "int8": "integer", "oid": "integer",
    "float4": "number", "float8": "number", "numeric": "decimal",
    "text": "text", "varchar": "text", "bpchar": "text", "name": "text", "citext": "text", "uuid": "text",
    "json": "text", "jsonb": "text", "inet": "text",
    "date": "date", "timestamp": "timestamp", "timestamptz": "timestamptz",
}  # fmt: skip
_COLUMNS = """
SELECT a.attname, COALESCE(b.typname, t.typname) AS kind, COALESCE(b.typtype, t.typtype) = 'e' AS named
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type b ON b.oid = NULLIF(t.typbasetype, 0)
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_RELATION = """
SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND c.relname = %(table)s
AND CASE WHEN %(schema)s::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = %(schema)s END
"""
_OTHERS = """
SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
AND n.nspname NOT LIKE 'pg_toast%%' ORDER BY lower(c.relname) <> lower(%s), 1 LIMIT 10
"""
_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')
_EPOCH = "1970-01-01"
#: Days from 1970 to 2000, where PostgreSQL counts from.
_SINCE = 10_957
_REMEDIES = {
    "42P01": "correct table= in the URL; a name with capitals or dots stands in double quotes",
    "42501": "GRANT SELECT on the table, and USAGE on its schema, to this role",
    "57014": "give it longer, as &statement_timeout=10min in the URL, or ask in a quieter hour",
    "42883": "PostgreSQL 15 or newer is needed",
}
#: While a connection is made the driver hands on the server's words alone.
_AT_THE_DOOR = {
    "password": "give the password in PGPASSWORD or in ~/.pgpass, not in the policy",
    "role": "correct the user in the URL, or make the role",
    "database": "correct the database in the URL",
    "pg_hba.conf": "let this user in from here by a rule in the server's pg_hba.conf",
    "too many": "wait until fewer sessions are open, or allow the role more",
}
_THERE = "see that the server runs and can be reached, then look again"


class PostgresSQL(Dialect):
    """How PostgreSQL says it."""

    dialect = "postgres"

    def said(self, node: exp.Expr) -> exp.Expr:
        """Text in the order of its bytes, whatever the database's language; no sketches; text is read once.

        A subquery without OFFSET is merged into the one around it, and what it works out is worked out again in every
        place that names it: over text with times and numbers in it that takes seven times as long. Over columns that
        have their types it lets the server aggregate in parallel (decision 26).
        """
        node = super().said(node)
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select) and node.find(exp.RegexpLike):
            if "limit" not in node.this.args:
                node.this.set("offset", exp.Offset(expression=exp.Literal.number(0)))
            return node
        if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast) and node.to.is_type("text"):
            return exp.Paren(this=exp.Collate(this=node.copy(), expression=exp.to_identifier("C", quoted=True)))
        if isinstance(node, exp.ApproxDistinct):
            return exp.Count(this=exp.Distinct(expressions=[node.this.copy()]))
        return node

    def row_hash(self, values: Sequence[exp.Expr]) -> exp.Expr:
        """PostgreSQL's own hash of a row; it may change with the server's version."""
        return call("HASH_RECORD_EXTENDED", call("ROW", *values), exp.Literal.number(0))

    def utc(self, value: exp.Expr, kind: ColumnType, form: str | None = None) -> exp.Expr:
        """See `Engine.utc`. A time at infinity is none."""
        if form is not None:
            return _since_1970(value, kind, EPOCHS[form]) if form in EPOCHS else in_form(value, form, _read, "\\")
        if kind == "text":
            return _read(value)
        at = cast(value, "timestampntz") if kind == "timestamp" else _in_utc(value)
        return exp.Case(ifs=[exp.If(this=call("ISFINITE", value), true=at)])

    def elapsed(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """See `Engine.elapsed`."""
        between = exp.Paren(this=exp.Sub(this=end.copy(), expression=start.copy()))
        return cast(exp.Extract(this=exp.var("EPOCH"), expression=between), "double")


class PostgresEngine(PostgresSQL):
    """An `Engine` on a table of a PostgreSQL server; it sees the rows as they were when it was opened.

    Make one with `open`; close it, or use it in a ``with`` statement.
    """

    def __init__(self, connection: psycopg.Connection[Any], name: str, place: tuple[str, str], oid: int) -> None:
        self.name = name
        self._connection = connection
        self._place = place
        self._columns = self._described(oid)

    @classmethod
    def open(cls, url: str) -> PostgresEngine:
        """Connect, and begin a read-only transaction.

        Parameters
        ----------
        url : str
            As the driver takes it, with ``table=schema.table`` among the parameters, and if wanted
            ``statement_timeout=10min``. What the URL leaves out comes from ``PGPASSWORD``, ``~/.pgpass`` and the like.
        """
        target, parameters = split(url)
        where = without_password(url)
        schema, name = _names(parameters.get(_TABLE, ""), where)
        try:
            import psycopg
        except ImportError as error:
            raise SourceError(
                "the driver for PostgreSQL is not installed", where=where, remedy="pip install 'rampgate[postgres]'"
            ) from error
        try:
            connection = psycopg.connect(target, prepare_threshold=None, **_unsaid(target))
        except psycopg.Error as error:
            raise _failed(error, where) from error
        try:
            _begin(connection, parameters.get(_TIMEOUT), where)
            oid, place = _found(connection, schema, name, where)
            return cls(connection, f"{'.'.join(place)} of {_short(where)}", place, oid)
        except psycopg.Error as error:
            connection.close()
            raise _failed(error, where) from error
        except BaseException:
            connection.close()
            raise

    def _described(self, oid: int) -> tuple[Column, ...]:
        found = self._connection.execute(_COLUMNS, [oid]).fetchall()
        return tuple(Column(name, "text" if named else _TYPES.get(kind, "other")) for name, kind, named in found)

    def relation(self) -> exp.Expr:
        """The table or view."""
        return table(self._place)

    def columns(self) -> tuple[Column, ...]:
        """The columns in their order."""
        return self._columns

    def query(self, select: exp.Expr) -> dict[str, Array]:
        """Run one query; see `Engine.query`."""
        import psycopg

        try:
            with self._connection.cursor(binary=True) as cursor:
                cursor.execute(self.sql(select).encode())
                kinds = [(column.name, column.type_code) for column in cursor.description or ()]
                rows = cursor.fetchall()
        except (psycopg.Error, UnicodeError) as error:
            raise _failed(error, self.name) from error
        values = list(zip(*rows, strict=True)) if rows else [()] * len(kinds)
        return {name: _array(part, code) for (name, code), part in zip(kinds, values, strict=True)}

    def close(self) -> None:
        """End the transaction and the connection."""
        self._connection.close()

    def __enter__(self) -> PostgresEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _in_utc(value: exp.Expr) -> exp.Expr:
    return exp.AtTimeZone(this=cast(value, "timestamptz"), zone=exp.Literal.string("UTC"))


def _read(text: exp.Expr) -> exp.Expr:
    """ISO 8601 text as a timestamp in UTC. Digits beyond microseconds are cut off, not rounded."""
    cut = exp.RegexpReplace(
        this=text.copy(),
        expression=exp.Literal.string("([.][0-9]{6})[0-9]+"),
        replacement=exp.Literal.string("\\1"),
    )
    return where_it_is(text, ISO, _in_utc(cut))


def _since_1970(value: exp.Expr, kind: ColumnType, units: int) -> exp.Expr:
    inside, micros = epoch(value, kind, units)
    step = exp.Interval(this=exp.Literal.string("1"), unit=exp.var("MICROSECOND"))
    made = exp.Add(
        this=cast(exp.Literal.string(_EPOCH), "timestampntz"), expression=exp.Mul(this=micros, expression=step)
    )
    return exp.Case(ifs=[exp.If(this=inside, true=made)])


# --- the URL ------------------------------------------------------------------------------


def split(url: str) -> tuple[str, dict[str, str]]:
    """The URL as the driver takes it, and our own parameters."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    ours = {key: value for key, value in pairs if key in (_TABLE, _TIMEOUT)}
    rest = urlencode([(key, value) for key, value in pairs if key not in ours], quote_via=quote)
    return joined(parts, rest), ours


def _short(where: str) -> str:
    return joined(urlsplit(where), "")


def _names(text: str, where: str) -> tuple[str | None, str]:
    """Schema, if there is one, and table."""
    found = [quoted.replace('""', '"') or plain for quoted, plain in _PART.findall(text)]
    if not 1 <= len(found) <= 2 or ".".join(_PART.sub("x", text).split(".")) not in ("x", "x.x"):
        said = f"table={text} names no table" if text else "the URL names no table"
        raise UsageError(said, where=where, remedy=f"write {_FORM}; a name with dots stands in double quotes")
    return (found[0], found[1]) if len(found) == 2 else (None, found[0])


# --- the connection -----------------------------------------------------------------------


def _unsaid(target: str) -> dict[str, Any]:
    """What the driver is told beside the URL."""
    from psycopg.conninfo import conninfo_to_dict

    said = conninfo_to_dict(target)
    return {key: value for key, value in _DRIVER.items() if key not in said}


def _begin(connection: psycopg.Connection[Any], timeout: str | None, where: str) -> None:
    import psycopg
    from psycopg import sql

    _learn(connection)
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    for statement in _SESSION:
        connection.execute(statement.encode())
    if timeout is not None:
        try:
            connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(timeout)))
        except psycopg.errors.InvalidParameterValue as error:
            raise UsageError(
                f"{timeout!r} is no time for a statement", where=where, remedy="write it as &statement_timeout=10min"
            ) from error


def _found(
    connection: psycopg.Connection[Any], schema: str | None, name: str, where: str
) -> tuple[int, tuple[str, str]]:
    row = connection.execute(_RELATION, {"schema": schema, "table": name}).fetchone()
    if row is not None:
        return int(row[0]), (row[1], row[2])
    others = [str(other) for (other,) in connection.execute(_OTHERS, [name]).fetchall()]
    asked = name if schema is None else f"{schema}.{name}"
    held = f"the tables are: {', '.join(others)}" if others else "the database has no tables"
    raise SourceError(f"there is no table {asked!r}", where=where, remedy=f"{_REMEDIES['42P01']}; {held}")


def _learn(connection: psycopg.Connection[Any]) -> None:
    """Teach the connection to hand times over as numbers, which know no last year."""
    from psycopg.adapt import Buffer, Loader
    from psycopg.pq import Format

    class Whole(Loader):
        format = Format.BINARY

        def load(self, data: Buffer) -> int:
            return int.from_bytes(bytes(data), "big", signed=True)

    for kind in ("date", "timestamp"):
        connection.adapters.register_loader(kind, Whole)


_DATE, _TIMESTAMP = 1082, 1114
_INTEGERS, _FLOATS = (16, 20, 21, 23), (700, 701, 1700)


def _array(values: Sequence[Any], code: int) -> Array:
    """One column of an answer, of one of the types that `Engine.query` promises."""
    if code in (_DATE, _TIMESTAMP):
        days = code == _DATE
        # Infinity is the largest number there is.
        most, since = (2**31 - 1, _SINCE) if days else (2**63 - 1, _SINCE * 86_400_000_000)
        nothing = np.iinfo(np.int64).min  # what NumPy takes for no time
        whole = [nothing if v is None or abs(v) >= most else v + since for v in values]
        return np.array(whole, dtype=np.int64).view("datetime64[D]" if days else "datetime64[us]")
    if code in _INTEGERS and None not in values:
        return np.array(values, dtype=np.int64)
    if code in (*_INTEGERS, *_FLOATS):
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    out = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):  # one by one: a value may be a list
        out[place] = value
    return out


def _failed(error: Exception, where: str) -> SourceError:
    """A driver's error as one of ours."""
    state = getattr(error, "sqlstate", None) or ""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    text = text.rpartition("FATAL:")[2].strip()
    if state == "57014":
        what = "the query was cancelled"
    elif state and not state.startswith(("08", "57P", "28", "3D")):
        what = "cannot be read"
    else:
        what = "the connection failed or was lost"
        remedy = next((remedy for word, remedy in _AT_THE_DOOR.items() if word in text), _THERE)
        return SourceError(f"{what} ({text})", where=where, remedy=remedy)
    return SourceError(f"{what} ({text})", where=where, remedy=_REMEDIES.get(state, "see the server's log"))
