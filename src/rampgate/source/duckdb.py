"""The engine on one machine: DuckDB over Parquet, CSV and DuckDB files and over frames."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from sqlglot import exp

from rampgate.errors import SourceError
from rampgate.policy.time_format import EPOCHS
from rampgate.source.dialect import Dialect, call, data_type, epoch
from rampgate.source.engine import Array, Column, ColumnType
from rampgate.source.files import AS_UTF8, Located, locate, refuse_repeated
from rampgate.source.parts import Part, parts_of

_EVENTS = "events"
_FILE = "source_file"
_INTEGERS = {f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")}
_TYPES: dict[str, ColumnType] = {
    "BOOLEAN": "boolean", "FLOAT": "number", "DOUBLE": "number", "DATE": "date",
    "VARCHAR": "text", "UUID": "text", "JSON": "text", '"NULL"': "text", "NULL": "text",
    **dict.fromkeys(_INTEGERS, "integer"),
}  # fmt: skip
#: CSV files up to this size, compressed ones taken for eight times theirs, are read once and kept: a look asks several
#: questions, a guess a dozen. Larger ones are read for each, in the memory of what is counted.
_KEPT, _PACKED = 256 * 2**20, 8
_CSV_FAULT = re.compile(r"CSV Error on Line: (\d+)")
_CSV_FIELDS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_CSV_FILE = re.compile(r"^\s*file = (.*)$", re.MULTILINE)


class DuckDBSQL(Dialect):
    """How DuckDB says it: sqlglot writes it as the aggregation builds it."""

    dialect = "duckdb"

    def sql(self, select: exp.Expr, *, pretty: bool = False) -> str:
        """As sqlglot writes it."""
        return select.sql(self.dialect, pretty=pretty)

    def row_hash(self, values: Sequence[exp.Expr]) -> exp.Expr:
        """DuckDB's own hash; it may change with DuckDB's version."""
        return exp.Anonymous(this="HASH", expressions=[value.copy() for value in values])

    def utc(self, value: exp.Expr, kind: ColumnType, form: str | None = None) -> exp.Expr:
        """See `Engine.utc`. Through microseconds, as a cast from ``timestamptz`` costs ten times as much."""
        if form is not None:
            return _since_1970(value, kind, EPOCHS[form]) if form in EPOCHS else _in_form(value, form)
        if kind == "timestamp":
            return exp.Cast(this=value.copy(), to=data_type("timestampntz"))
        zoned = value.copy()
        if kind == "timestamptz":
            zoned = exp.Cast(this=zoned, to=data_type("timestamptz"))  # from nanoseconds; else it costs nothing
        if kind == "text":
            zoned = exp.TryCast(this=zoned, to=data_type("timestamptz"))
        micros = exp.Anonymous(this="EPOCH_US", expressions=[zoned])
        return exp.Anonymous(this="MAKE_TIMESTAMP", expressions=[micros])

    def elapsed(self, start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """Through microseconds: DATE_DIFF counts the seconds that begin between the two."""
        first, last = (exp.Anonymous(this="EPOCH_US", expressions=[at.copy()]) for at in (start, end))
        micros = exp.Paren(this=exp.Sub(this=last, expression=first))
        return exp.Div(this=exp.Cast(this=micros, to=data_type("double")), expression=exp.Literal.number("1e6"))

    def total(self, value: exp.Expr) -> exp.Expr:
        """Kahan's sum."""
        return exp.Anonymous(this="FSUM", expressions=[value.copy()])

    def quantiles(self, value: exp.Expr, shares: Sequence[float]) -> exp.Expr:
        """In one pass for all shares."""
        asked = exp.Array(expressions=[exp.Literal.number(repr(share)) for share in shares])
        return exp.Anonymous(this="QUANTILE_DISC", expressions=[value.copy(), asked])


class DuckDBEngine(DuckDBSQL):
    """An `Engine` on an in-memory DuckDB that can reach the given rows and nothing else.

    Make one with `open`; close it, or use it in a ``with`` statement.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        relation: exp.Expr,
        where: str,
        files: Located | None = None,
        view: str = _EVENTS,
        opened: tuple[Part, ...] = (),
    ) -> None:
        self.name = name
        self.opened = opened
        self._connection = connection
        self._relation = relation
        self._where = where
        self._files = files
        self._view = view
        self._views = 0
        small = files is not None and files.kind == "csv" and _unpacked(files) <= _KEPT
        self._to_keep = files.paths if files is not None and small else ()
        self._kept: list[tuple[int, int]] | None = None
        self._types = self._described()
        self._columns = tuple(Column(name, _type(kind)) for name, kind in self._types.items())
        # In their order: it is by their place that the columns of a CSV file have their names.
        delimiter = "" if files is None else files.delimiter
        self.made_by = f"duckdb {duckdb.__version__} {list(self._types.items())} {delimiter}"

    @classmethod
    def open(cls, events: Any, base: Path | None = None, *, threads: int | None = None) -> DuckDBEngine:
        """Open files or a frame.

        Parameters
        ----------
        events : str, Path, or a pandas, Polars or Arrow frame
            A path, a glob pattern, or ``file.duckdb#table``. Frames are read in place.
        base : Path, optional
            Folder that a relative path starts from; the working directory if left out.
        threads : int, optional
            How many threads to use; all if left out. Counts do not depend on it.
        """
        connection = _connect(threads)
        try:
            if isinstance(events, (str, Path)):
                return cls._over_files(connection, locate(events, base))
            return cls._over_frame(connection, events)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def _over_files(cls, connection: duckdb.DuckDBPyConnection, files: Located) -> DuckDBEngine:
        where = str(files.paths[0]) if len(files.paths) == 1 else files.name
        opened = parts_of(files)
        try:
            relation = _attach(connection, files) if files.kind == "duckdb" else _view(connection, files)
            opened = () if files.kind == "duckdb" and _computed(connection, relation) else opened
            names = [name for path in files.paths for name in dict.fromkeys((str(path), _literal(path)))]
            allowed = exp.Array(expressions=[_text(name) for name in names]).sql("duckdb")
            connection.execute(f"SET allowed_paths = {allowed}")
            _lock(connection)
        except (duckdb.Error, UnicodeDecodeError) as error:
            raise _unreadable(error, where, files.kind) from error
        return cls(connection, files.name, relation, where, files, opened=opened)

    @classmethod
    def _over_frame(cls, connection: duckdb.DuckDBPyConnection, frame: Any) -> DuckDBEngine:
        library = type(frame).__module__.partition(".")[0]
        name = f"the {library} frame"
        if library not in {"pandas", "polars", "pyarrow"}:
            raise SourceError(
                f"cannot read rows from a {type(frame).__name__}",
                remedy="pass a path, or a pandas, Polars or Arrow frame",
            )
        refuse_repeated([str(column) for column in _names(frame)], name)
        try:
            connection.register(_EVENTS, _settled(frame))
            _lock(connection)
        except (duckdb.Error, ImportError) as error:
            raise _unreadable(error, name, "frame") from error
        return cls(connection, name, _table(_EVENTS), name)

    def _described(self, relation: exp.Expr | None = None) -> dict[str, str]:
        """The columns with DuckDB's names of their types."""
        select = exp.Select().select(exp.Star()).from_((relation or self._relation).copy())
        arrays = self._run(f"DESCRIBE {select.sql(self.dialect)}")
        return {str(name): str(kind) for name, kind in zip(arrays["column_name"], arrays["column_type"], strict=True)}

    def relation(self) -> exp.Expr:
        """The view, frame or table."""
        return self._relation.copy()

    def columns(self) -> tuple[Column, ...]:
        """The columns in their order."""
        return self._columns

    def query(self, select: exp.Expr) -> dict[str, Array]:
        """Run one query; see `Engine.query`."""
        if self._to_keep and ((found := _state_of(self._to_keep)) is None or found != self._kept):
            self._keep()
            self._kept = found
        return {name: _plain(values) for name, values in self._run(self.sql(select)).items()}

    def _keep(self) -> None:
        """Put a table with the rows before the view that reads them: of one name, the temporary one is meant."""
        table, view = _table(self._view), _table(self._view, "main", "memory")
        rows = exp.Select().select(exp.Star()).from_(view)
        kept = exp.Create(
            this=table,
            kind="TABLE",
            replace=True,
            expression=rows,
            properties=exp.Properties(expressions=[exp.TemporaryProperty()]),
        )
        self._run(kept.sql(self.dialect))

    def parts(self) -> tuple[Part, ...]:
        """The files; see `Parted.parts`. Frames have none, nor has what a DuckDB file computes when it is asked."""
        return () if self._files is None or not self.opened else parts_of(self._files)

    def only(self, places: Sequence[int], label: str) -> DuckDBEngine | None:
        """The rows of some files; see `Parted.only`."""
        files = self._files
        assert files is not None
        named = exp.Alias(this=_text(str(files.paths[0])), alias=exp.to_identifier(label, quoted=True))
        select = exp.Select().select(exp.Star(), named).from_(self._relation.copy())
        if files.kind != "duckdb":
            if files.kind == "parquet" and len(files.paths) > 1 and not self._alike(places):
                return None
            files = replace(files, paths=tuple(files.paths[place] for place in places))
            # Not the file's number: DuckDB counts those that a condition leaves.
            select = exp.Select().select(exp.Star()).from_(_reading(files, label))
        # A name of its own each time: a table that was kept of other files would stand before the view.
        self._views += 1
        view = f"{_EVENTS}_of_parts_{self._views}"
        create = exp.Create(this=_table(view), kind="VIEW", replace=True, expression=select)
        self._run(create.sql(self.dialect))
        return DuckDBEngine(self._connection, self.name, _table(view), self._where, files, view)

    def _alike(self, places: Sequence[int]) -> bool:
        """Whether each of some files has, alone, the columns that all have together."""
        assert self._files is not None
        each = (replace(self._files, paths=(self._files.paths[place],)) for place in places)
        return all(self._described(_reading(files)) == self._types for files in each)

    def _run(self, sql: str) -> dict[str, Array]:
        try:
            return dict(self._connection.execute(sql).fetchnumpy())
        except duckdb.Error as error:
            raise _unreadable(error, self._where, "rows") from error

    def close(self) -> None:
        """Close the connection; the rows stay where they are."""
        self._connection.close()

    def __enter__(self) -> DuckDBEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _since_1970(value: exp.Expr, kind: ColumnType, units: int) -> exp.Expr:
    """A number of units a second as a timestamp, if it lies in the years 1973 to 5138."""
    inside, micros = epoch(value, kind, units)
    return exp.Case(ifs=[exp.If(this=inside, true=call("MAKE_TIMESTAMP", micros))])


def _in_form(value: exp.Expr, form: str) -> exp.Expr:
    """Text in a strptime form as a timestamp.

    DuckDB takes any number of digits for a year, and ``infinity`` for a time in every form.
    """
    at: exp.Expr = exp.Anonymous(this="TRY_STRPTIME", expressions=[value.copy(), _text(form)])
    if "%z" in form:
        at = exp.Anonymous(this="MAKE_TIMESTAMP", expressions=[exp.Anonymous(this="EPOCH_US", expressions=[at])])
    first = exp.Cast(this=_text("1000-01-01"), to=data_type("timestampntz"))
    fits = exp.and_(
        exp.GTE(this=at, expression=first),
        exp.RegexpLike(this=value.copy(), expression=_text("[0-9]")),
    )
    return exp.Case(ifs=[exp.If(this=fits, true=at.copy())])


def _connect(threads: int | None) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        # An extension must never be fetched from somewhere, nor a frame be found by a variable's name.
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        # Objects of a pandas column become text: a sample of them could not tell their type for sure.
        "pandas_analyze_sample": "0",
    }
    if threads is not None:
        config["threads"] = str(threads)
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET TimeZone = 'UTC'")
    # In a Jupyter kernel without ipywidgets it is off, and to set it, even to off, is an error.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
        connection.execute("SET enable_progress_bar = false")
    return connection


def _lock(connection: duckdb.DuckDBPyConnection) -> None:
    """From here on nothing but the allowed files can be reached, whatever a query says."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def _table(name: str, schema: str | None = None, catalog: str | None = None) -> exp.Table:
    parts = {"this": name, "db": schema, "catalog": catalog}
    return exp.Table(**{key: exp.to_identifier(part, quoted=True) for key, part in parts.items() if part})


def _literal(path: Path) -> str:
    """The path as DuckDB must see it: patterns are resolved already, what still looks like one is a name."""
    return glob.escape(str(path))


def _state_of(paths: Sequence[Path]) -> list[tuple[int, int]] | None:
    """What changes when files are written to; None when one is gone, so that reading them says so."""
    try:
        return [(state.st_mtime_ns, state.st_size) for state in map(Path.stat, paths)]
    except OSError:
        return None


def _unpacked(files: Located) -> int:
    """About how many bytes the files hold."""
    return sum(path.stat().st_size * (_PACKED if path.suffix == ".gz" else 1) for path in files.paths)


def _view(connection: duckdb.DuckDBPyConnection, files: Located) -> exp.Expr:
    """A view over Parquet or CSV files."""
    view = _table(_EVENTS)
    create = exp.Create(this=view, kind="VIEW", expression=exp.Select().select(exp.Star()).from_(_reading(files)))
    connection.execute(create.sql("duckdb"))
    return view


def _reading(files: Located, label: str | None = None) -> exp.Expr:
    """What to select from to read Parquet or CSV files; ``label`` is a column for the name of each row's file."""
    paths: exp.Expr = exp.Array(expressions=[_text(_literal(path)) for path in files.paths])
    if files.kind == "parquet":
        options: dict[str, exp.Expr] = {"binary_as_string": exp.true()}
        function = "READ_PARQUET"
    else:
        # Everything is said, so that nothing is guessed from a sample; all columns are text, so that what
        # is a number or a time is decided in one place for all sources.
        kinds = [exp.PropertyEQ(this=_text(name), expression=_text("VARCHAR")) for name in files.header]
        options = {
            "columns": exp.Struct(expressions=kinds), "auto_detect": exp.false(), "header": exp.true(),
            "delim": _text(files.delimiter), "quote": _text('"'), "escape": _text('"'),
        }  # fmt: skip
        function = "READ_CSV"
    if label is not None:
        options["filename"] = _text(label)
    named = [exp.EQ(this=exp.column(key), expression=value) for key, value in options.items()]
    return exp.Anonymous(this=function, expressions=[paths, *named])


def _attach(connection: duckdb.DuckDBPyConnection, files: Located) -> exp.Expr:
    """A table or view of a DuckDB file, opened for reading only."""
    path = files.paths[0]
    connection.execute(f"ATTACH {_text(str(path)).sql('duckdb')} AS {_FILE} (TYPE duckdb, READ_ONLY)")
    query = "SELECT table_schema AS s, table_name AS t FROM information_schema.tables WHERE table_catalog = ?"
    arrays = connection.execute(f"{query} ORDER BY 1, 2", [_FILE]).fetchnumpy()
    found = [(str(s), str(t)) for s, t in zip(arrays["s"], arrays["t"], strict=True)]
    wanted = [(s, t) for s, t in found if files.table in (None, t, f"{s}.{t}")]
    if len(wanted) == 1:
        schema, table = wanted[0]
        return _table(table, schema, _FILE)
    names = ", ".join(t if s == "main" else f"{s}.{t}" for s, t in found) or "none"
    what = f"has no table {files.table!r}" if not wanted and files.table else f"has {len(wanted)} tables"
    raise SourceError(what, where=str(path), remedy=f"write file.duckdb#table; the tables are: {names}")


def _computed(connection: duckdb.DuckDBPyConnection, relation: exp.Expr) -> bool:
    """Whether a DuckDB file has a view or generated columns there: they may depend on the clock, or on chance."""
    query = """
        SELECT 1 FROM information_schema.tables AS t JOIN information_schema.columns AS c
        USING (table_catalog, table_schema, table_name)
        WHERE table_catalog = ? AND table_schema = ? AND table_name = ?
        AND (t.table_type <> 'BASE TABLE' OR c.is_generated <> 'NEVER') LIMIT 1
    """
    where = [relation.text(key) for key in ("catalog", "db", "this")]
    return bool(connection.execute(query, where).fetchall())


def _names(frame: Any) -> Sequence[Any]:
    """Column names of a pandas, Polars or Arrow frame."""
    if hasattr(frame, "collect_schema"):
        return list(frame.collect_schema())
    if hasattr(frame, "schema") and hasattr(frame.schema, "names"):
        return list(frame.schema.names)
    return list(getattr(frame, "columns", ()))


def _settled(frame: Any) -> Any:
    """The frame, computed if it is lazy and kept if it can be read only once."""
    if hasattr(frame, "collect"):
        return frame.collect()
    if hasattr(frame, "read_all"):
        return frame.read_all()
    return _with_truths(frame) if type(frame).__module__.startswith("pandas") else frame


def _with_truths(frame: Any) -> Any:
    """A pandas frame whose columns of True, False and None, which pandas has as objects, are boolean."""
    from pandas.api.types import infer_dtype

    truths = [
        place
        for place, kind in enumerate(frame.dtypes)
        if str(kind) == "object" and infer_dtype(frame.iloc[:, place], skipna=True) == "boolean"
    ]
    if truths:
        frame = frame.copy(deep=False)
        for place in truths:
            frame.isetitem(place, frame.iloc[:, place].astype("boolean"))
    return frame


def _type(kind: str) -> ColumnType:
    """DuckDB's name of a type in the common terms."""
    if kind in _TYPES:
        return _TYPES[kind]
    if kind.startswith(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")):
        return "timestamptz"
    if kind.endswith("]"):
        return "other"
    for start, common in (("TIMESTAMP", "timestamp"), ("DECIMAL", "decimal"), ("ENUM", "text")):
        if kind.startswith(start):
            return common  # type: ignore[return-value]
    return "other"


def _plain(values: Array) -> Array:
    """An array without mask, of one of the types that `Engine.query` promises."""
    masked = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    data = np.ma.getdata(values) if masked is not None else values
    kind = data.dtype.kind
    if kind == "M":
        out = data.astype("datetime64[us]", copy=True)
        if masked is not None:
            out[masked] = np.datetime64("NaT", "us")
        return out
    if kind in "iub" and (masked is None or not masked.any()):
        return data.astype(np.uint64 if data.dtype == np.uint64 else np.int64)  # never wrapped
    if kind in "iubf":
        out = data.astype(np.float64, copy=True)
        if masked is not None:
            out[masked] = np.nan
        return out
    out = data.astype(object, copy=True)
    if masked is not None:
        out[masked] = None
    return out


def _unreadable(error: Exception, where: str, kind: str) -> SourceError:
    """A library's error as one of ours."""
    text = str(error)
    if fault := _CSV_FAULT.search(text):
        return _csv_fault(text, fault[1], where)
    what, remedy = f"cannot be read ({_first_line(text)})", None
    if kind == "parquet":
        what = f"is no complete Parquet file ({_first_line(text)})"
        remedy = "the file may be cut short, or still be written: write it again, then rename it into place"
    elif kind == "duckdb":
        what = f"cannot be opened as a DuckDB file ({_first_line(text)})"
        remedy = "close the program that is writing to it, or point to a copy"
    elif kind == "frame":
        remedy = "convert the column named above to a plain type"
    elif "schema mismatch" in text:
        remedy = "give all files the same columns"
    elif "gzip" in text.lower():
        remedy = "the file may be cut short: write it again"
    elif isinstance(error, duckdb.OutOfMemoryException):
        remedy = "give it more memory, or keep fewer columns and rows in the source"
    return SourceError(what, where=where, remedy=remedy)


def _csv_fault(text: str, line: str, where: str) -> SourceError:
    if found := _CSV_FILE.search(text):
        where = found[1].strip()
    if "not utf-8" in text:
        return SourceError("is not UTF-8 text", where=f"{where}:{line}", remedy=AS_UTF8)
    if fields := _CSV_FIELDS.search(text):
        what = f"has {fields[2]} fields where the header has {fields[1]}"
        remedy = "mend the line; a field that holds the delimiter must stand in double quotes"
        return SourceError(what, where=f"{where}:{line}", remedy=remedy)
    detail = "a quoted field does not end" if "unterminated quote" in text else _first_line(text)
    return SourceError(f"is no valid CSV ({detail})", where=f"{where}:{line}", remedy="mend the line")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
