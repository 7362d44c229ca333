"""The engine on a cluster: Apache Spark over tables of a catalog, Parquet files and data frames."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from sqlglot import exp

from rampgate.errors import SourceError, UsageError
from rampgate.policy.time_format import EPOCHS
from rampgate.source.dialect import Dialect, call, cast, data_type, double, epoch, table
from rampgate.source.engine import Array, Column, ColumnType
from rampgate.source.files import refuse_repeated
from rampgate.source.written import ISO, in_form, where_it_is

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_T = TypeVar("_T")
_FORM = "spark://HOST:PORT?table=NAME, or ?parquet=PATH; spark:///?table=NAME asks the session that is open"
#: What the answers must not depend on, whatever the user's session says.
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
}
_NO_SECONDS = "((T| )[0-9]{1,2}:[0-9]{1,2})(Z|[+-].*)?$"
_TYPES: dict[str, ColumnType] = {
    "boolean": "boolean", "tinyint": "integer", "smallint": "integer", "int": "integer", "bigint": "integer",
    "float": "number", "double": "number", "string": "text", "date": "date",
    "timestamp": "timestamptz", "timestamp_ntz": "timestamp",
}  # fmt: skip


class SparkSQL(Dialect):
    """How Spark says it, in a session whose time zone is UTC."""

    dialect = "spark"

    def said(self, node: exp.Expr) -> exp.Expr:
        """A zone's clock is told of an instant, or an instant of a zone's clock, by two functions."""
        node = super().said(node)
        if isinstance(node, exp.AtTimeZone):
            naive = isinstance(node.this, exp.Cast) and node.this.to.is_type("timestampntz")
            at = cast(node.this, "timestamptz")
            return call("TO_UTC_TIMESTAMP" if naive else "FROM_UTC_TIMESTAMP", at, node.args["zone"])
        return node

    def row_hash(self, values: Sequence[exp.Expr]) -> exp.Expr:
        """XXH64, which passes over what is NULL: so it is told of each value whether it is."""
        return call("XXHASH64", *(each for value in values for each in (value, call("ISNULL", value))))

    def utc(self, value: exp.Expr, kind: ColumnType, form: str | None = None) -> exp.Expr:
        """See `Engine.utc`."""
        if form is not None and form in EPOCHS:
            inside, micros = epoch(value, kind, EPOCHS[form])
            made = cast(call("TIMESTAMP_MICROS", micros), "timestampntz")
            return exp.Case(ifs=[exp.If(this=inside, true=made)])
        if form is not None:
            return in_form(value, form, self._read, "$")
        return self._read(value) if kind == "text" else cast(value, "timestampntz")

    def _read(self, text: exp.Expr) -> exp.Expr:
        """ISO 8601 text as a timestamp in UTC; Spark wants dashes, one space, and seconds before an offset."""
        plain: exp.Expr = text.copy()
        for pattern, written in (("/", "-"), (" +", " "), (_NO_SECONDS, "$1:00$3")):
            plain = exp.RegexpReplace(
                this=plain, expression=exp.Literal.string(pattern), replacement=exp.Literal.string(written)
            )
        read = exp.TryCast(this=plain, to=data_type("timestamptz"), safe=True)
        return where_it_is(text, ISO, cast(read, "timestampntz"))

    def tried(self, node: exp.TryCast) -> exp.Expr:
        """A cast of text that gives NULL; a time is guarded by its pattern already."""
        return node if node.to.is_type("timestamptz") else super().tried(node)

    def elapsed(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """See `Engine.elapsed`."""
        first, last = (call("UNIX_MICROS", cast(at, "timestamptz")) for at in (start, end))
        between = exp.Paren(this=exp.Sub(this=last, expression=first))
        return exp.Div(this=cast(between, "double"), expression=double("1e6"))


class SparkEngine(SparkSQL):
    """An `Engine` on a Spark session of its own settings, beside that of the user.

    Make one with `open`; close it, or use it in a ``with`` statement.

    Parameters
    ----------
    session : a session whose settings and temporary views may be changed
    view : the temporary view that holds the rows
    name : what to call the rows in messages
    started : the session to stop at the end, if it was started for this engine
    """

    def __init__(self, session: SparkSession, view: str, name: str, started: SparkSession | None = None) -> None:
        self.name = name
        self._session = session
        self._view = view
        self._started = started
        self._columns = tuple(
            Column(field.name, _type(field.dataType.simpleString())) for field in session.table(view).schema.fields
        )

    @classmethod
    def open(cls, events: str | DataFrame) -> SparkEngine:
        """Open a table or Parquet files of a cluster, or a data frame.

        Parameters
        ----------
        events : str or DataFrame
            A URL, ``spark://HOST:PORT?table=NAME`` or ``?parquet=PATH``; without host and port the session that is
            open is asked, or the one that Spark's own configuration says. A data frame is read in its own session.
        """
        try:
            import pyarrow  # noqa: F401
            import pyspark  # noqa: F401
        except ImportError as error:
            raise SourceError(
                f"{error.name} is not installed", where=_where(events), remedy="pip install 'rampgate[spark]'"
            ) from error
        if not isinstance(events, str):
            if not hasattr(type(events), "createOrReplaceTempView"):
                raise SourceError(
                    f"cannot read rows from a {type(events).__name__} of Spark",
                    remedy="pass a data frame, as session.table('db.tickets')",
                )
            return cls._over(events, "the Spark data frame")
        master, key, what = _parts(events)
        session, mine = _guarded(events, lambda: _session(master, events))
        try:
            frame = _guarded(events, lambda: session.table(what) if key == "table" else session.read.parquet(what))
            return cls._over(frame, f"{what} of {master or 'spark'}", session if mine else None)
        except BaseException:
            if mine:
                session.stop()
            raise

    @classmethod
    def _over(cls, frame: DataFrame, name: str, started: SparkSession | None = None) -> SparkEngine:
        refuse_repeated(frame.columns, name)
        return _guarded(name, lambda: cls(*_viewed(frame), name, started))

    def relation(self) -> exp.Expr:
        """The view."""
        return table([self._view])

    def columns(self) -> tuple[Column, ...]:
        """The columns in their order."""
        return self._columns

    def query(self, select: exp.Expr) -> dict[str, Array]:
        """Run one query; see `Engine.query`."""
        answer = _guarded(self.name, lambda: self._session.sql(self.sql(select)).toArrow())
        return {name: _array(answer.column(place)) for place, name in enumerate(answer.column_names)}

    def close(self) -> None:
        """Drop the view; stop the session if it was started here."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            if self._started is not None:
                self._started.stop()
            else:
                self._session.catalog.dropTempView(self._view)
        except (PySparkException, Py4JError, OSError):
            return  # the cluster is gone, and the view with it

    def __enter__(self) -> SparkEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _where(events: Any) -> str:
    return events if isinstance(events, str) else "the Spark data frame"


def _parts(url: str) -> tuple[str | None, str, str]:
    """Master, ``table`` or ``parquet``, and which."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    if len(pairs) != 1 or pairs[0][0] not in ("table", "parquet") or not pairs[0][1] or parts.path not in ("", "/"):
        raise UsageError("the URL does not name one table, nor Parquet files", where=url, remedy=f"write {_FORM}")
    key, what = pairs[0]
    if key == "parquet" and not (what.startswith("/") or "://" in what):
        remedy = "a cluster has no folder of the policy: begin with / or a scheme, as in hdfs://"
        raise UsageError(f"{what!r} is not a whole path", where=url, remedy=remedy)
    return (f"spark://{parts.netloc}" if parts.netloc else None), key, what


def _session(master: str | None, url: str) -> tuple[SparkSession, bool]:
    """The session that is open, or a new one; and whether it is new."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None:
        found = session.sparkContext.master
        if master not in (None, found):
            raise SourceError(
                f"a Spark session of {found} is open in this process",
                where=url,
                remedy="stop it, or pass its data frame in Python",
            )
        return session, False
    builder = SparkSession.builder.appName("rampgate").config("spark.ui.showConsoleProgress", "false")
    return (builder if master is None else builder.master(master)).getOrCreate(), True


def _viewed(frame: DataFrame) -> tuple[SparkSession, str]:
    """A session beside the frame's, with settings of its own, and the view of it that holds the rows.

    A new session would know neither what was set in the frame's nor its temporary views; so it is a copy.
    """
    view, session = f"rampgate_{uuid.uuid4().hex}", frame.sparkSession
    frame.createOrReplaceTempView(view)
    try:
        if hasattr(session, "_jsparkSession"):
            own = type(session)(session.sparkContext, session._jsparkSession.cloneSession())
        else:  # by Spark Connect
            own = session.cloneSession()  # type: ignore[attr-defined]
        for key, value in _SETTINGS.items():
            own.conf.set(key, value)
        own.table(view).schema  # noqa: B018  (only what is asked for is copied)
    finally:
        session.catalog.dropTempView(view)
    return own, view


def _type(kind: str) -> ColumnType:
    """Spark's name of a type in the common terms."""
    if kind in _TYPES:
        return _TYPES[kind]
    if kind.startswith("decimal"):
        return "decimal"
    return "text" if kind.startswith(("varchar", "char", "string")) else "other"


def _array(column: Any) -> Array:
    """One column of an answer, of one of the types that `Engine.query` promises."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind):
        return np.asarray(column.cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]"))
    if pa.types.is_date(kind):
        return np.asarray(column.to_numpy().astype("datetime64[D]"))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        whole = column.null_count == 0
        return np.asarray(column.cast(pa.int64() if whole else pa.float64()).to_numpy())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    out = np.empty(len(column), dtype=object)
    for place, value in enumerate(column.to_pylist()):  # one by one: a value may be a list
        out[place] = value
    return out


def _guarded(where: Any, act: Callable[[], _T]) -> _T:
    """What Spark gives, or its error as one of ours."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        return act()
    except (PySparkException, Py4JError, OSError) as error:
        raise _failed(error, where if isinstance(where, str) else _where(where)) from error


def _failed(error: Exception, where: str) -> SourceError:
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    if "TABLE_OR_VIEW_NOT_FOUND" in text:
        return SourceError(
            "there is no such table", where=where, remedy="correct table= in the URL, as catalog.db.name"
        )
    if "PATH_NOT_FOUND" in text:
        return SourceError("there are no such files", where=where, remedy="correct parquet= in the URL")
    if "TIMESTAMP(NANOS" in text:
        remedy = 'write times in microseconds, in pandas with to_parquet(..., coerce_timestamps="us")'
        return SourceError("has times in nanoseconds, which Spark does not read", where=where, remedy=remedy)
    if "JAVA_GATEWAY_EXITED" in text:
        remedy = "install Java 17 or newer (Debian's package openjdk-17-jre-headless), or set JAVA_HOME"
        return SourceError("Java, which Spark runs on, did not start", where=where, remedy=remedy)
    return SourceError(f"Spark could not answer ({text})", where=where, remedy="see the cluster's log, then look again")
