"""The DuckDB engine: every kind of file and frame, nothing else within reach, every foreign error mapped."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp, parse_one

from rampgate.errors import SourceError, UsageError
from rampgate.source import Column, Engine, MemoryEngine, open_engine
from rampgate.source import duckdb as duckdb_engine
from rampgate.source.duckdb import DuckDBEngine


def rows(engine: Engine) -> dict[str, Any]:
    return engine.query(exp.Select().select(exp.Star()).from_(engine.relation()))


def types(engine: Engine) -> dict[str, str]:
    return {column.name: column.type for column in engine.columns()}


TABLE = pa.table(
    {
        "b": pa.array([True, None]),
        "i": pa.array([1, None], pa.int16()),
        "u": pa.array([1, None], pa.uint64()),
        "f": pa.array([1.5, None], pa.float32()),
        "d": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
        "s": pa.array(["ä", None]),
        "c": pa.array(["ä", None]).dictionary_encode(),
        "day": pa.array([date(2026, 1, 5), None]),
        "t": pa.array([datetime(2026, 1, 5, 12)] + [None], pa.timestamp("ns")),  # noqa: DTZ001, RUF005
        "z": pa.array([datetime(2026, 1, 5, 12, tzinfo=UTC), None], pa.timestamp("us", "Europe/Berlin")),
        "n": pa.nulls(2),
        "l": pa.array([[1], None]),
    }
)
TYPES = {
    "b": "boolean", "i": "integer", "u": "integer", "f": "number", "d": "decimal", "s": "text", "c": "text",
    "day": "date", "t": "timestamp", "z": "timestamptz", "n": "text", "l": "other",
}  # fmt: skip


def as_parquet(folder: Path) -> Any:
    pq.write_table(TABLE.drop_columns(["n"]), folder / "t.parquet")
    return folder / "t.parquet"


def as_duckdb(folder: Path) -> Any:
    with duckdb.connect(folder / "t.duckdb") as connection:
        connection.register("source", TABLE)
        connection.execute("CREATE TABLE tickets AS SELECT * FROM source")
    return folder / "t.duckdb"


@pytest.mark.parametrize(
    "made",
    [as_parquet, as_duckdb, lambda _: TABLE, lambda _: TABLE.to_batches()[0], lambda _: TABLE.to_reader(),
     lambda _: pl.from_arrow(TABLE), lambda _: pl.DataFrame(pl.from_arrow(TABLE)).lazy()],
    ids=["parquet", "duckdb", "table", "batch", "reader", "polars", "lazy"],
)  # fmt: skip
def test_types_in_common_terms(tmp_path: Path, made: Callable[[Path], Any]) -> None:
    with DuckDBEngine.open(made(tmp_path)) as engine:
        found = types(engine)
        assert found == {name: kind for name, kind in TYPES.items() if name in found}
        assert len(found) >= len(TYPES) - 1
        for _ in range(2):  # a reader that can be read once is kept
            assert len(rows(engine)["b"]) == 2


def test_types_of_a_pandas_frame() -> None:
    frame = pd.DataFrame(
        {
            "b": pd.array([True, None], dtype="boolean"),
            "i": pd.array([1, None], dtype="Int64"),
            "f": [1.5, np.nan],
            "s": ["ä", None],
            "c": pd.Categorical(["ä", None]),
            "t": pd.to_datetime(["2026-01-05 12:00", None]),
            "z": pd.to_datetime(["2026-01-05 12:00", None]).tz_localize("Europe/Berlin"),
            "objects": pd.Series([date(2026, 1, 5), "no day"], dtype=object),
            "truth": pd.Series([True, None], dtype=object),
            7: [1, 2],
        }
    )
    with DuckDBEngine.open(frame) as engine:
        assert types(engine) == {
            "b": "boolean", "i": "integer", "f": "number", "s": "text", "c": "text", "t": "timestamp",
            "z": "timestamptz", "objects": "text", "truth": "boolean", "7": "integer",
        }  # fmt: skip
        found = engine.query(parse_one('SELECT objects, truth, s FROM "events"', read="duckdb"))
        assert list(found["objects"]) == ["2026-01-05", "no day"]
        assert found["truth"][0] == 1
        assert list(found["s"]) == ["ä", None]


def test_query_gives_plain_arrays() -> None:
    with DuckDBEngine.open(TABLE) as engine:
        found = engine.query(
            parse_one(
                "SELECT i, COUNT(*) OVER () AS n, f, s, day, t, b FROM events ORDER BY i NULLS LAST", read="duckdb"
            )
        )
    assert not any(isinstance(values, np.ma.MaskedArray) for values in found.values())
    assert found["n"].dtype == np.int64
    assert found["f"].dtype == np.float64
    assert found["f"][0] == 1.5
    assert np.isnan(found["f"][1])
    assert list(found["s"]) == ["ä", None]
    assert found["day"][0].astype("datetime64[D]").item() == date(2026, 1, 5)
    assert np.isnat(found["day"][1])
    assert found["t"].dtype == np.dtype("datetime64[us]")
    assert np.isnan(found["i"][1])


CSV = 'unit;"größe ""x""";note\n1;1,5;"a;b"\n2;;""\n'


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "it's [1] ä.csv", "t*.csv"])
def test_csv_is_text_as_it_stands(tmp_path: Path, name: str) -> None:
    data = ("\ufeff" + CSV).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    # What the name would match as a pattern must not be read.
    (tmp_path / "it's 1 ä.csv").write_text("unit\n9\n")
    with DuckDBEngine.open(name, tmp_path) as engine:
        assert engine.name == name
        assert types(engine) == dict.fromkeys(["unit", 'größe "x"', "note"], "text")
        found = rows(engine)
        assert list(found["unit"]) == ["1", "2"]
        assert list(found['größe "x"']) == ["1,5", None]
        assert list(found["note"]) == ["a;b", None]


def test_line_ends_and_long_fields_of_csv(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b'a,b\r\n1,"two\r\nlines"\r\n\r\n2,' + b"x" * 100_000 + b"\r\n")
    with DuckDBEngine.open("t.csv", tmp_path) as engine:
        assert [len(text) for text in rows(engine)["b"]] == [10, 100_000]


def test_a_csv_file_is_read_once_as_long_as_it_stays_the_same(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,x\n2,y\n")
    with DuckDBEngine.open(file) as engine:
        count = exp.Select().select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(engine.relation())
        assert engine.query(count)["n"].tolist() == [2]
        written = file.stat()
        file.write_text("a,b\n1,x\n2222")
        os.utime(file, ns=(written.st_atime_ns, written.st_mtime_ns))
        assert file.stat().st_size == written.st_size
        assert rows(engine)["a"].tolist() == ["1", "2"]


def test_what_is_written_to_a_csv_file_is_seen_by_the_next_question(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,x\n")
    with DuckDBEngine.open(file) as engine:
        assert rows(engine)["a"].tolist() == ["1"]
        with file.open("a") as more:
            more.write("2,y\n")
        assert rows(engine)["a"].tolist() == ["1", "2"]
        file.unlink()
        with pytest.raises(SourceError):
            rows(engine)


def test_a_large_csv_file_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb_engine, "_KEPT", 10)
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,x\n2,y\n")
    with DuckDBEngine.open(file) as engine:
        count = exp.Select().select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(engine.relation())
        assert engine.query(count)["n"].tolist() == [2]
        file.unlink()
        with pytest.raises(SourceError):
            engine.query(count)


def test_many_files_are_one_table(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"b": ["y"], "a": [2]}), tmp_path / "2.parquet")
    with DuckDBEngine.open("*.parquet", tmp_path) as engine:
        assert sorted(zip(rows(engine)["a"], rows(engine)["b"], strict=True)) == [(1, "x"), (2, "y")]


def test_binary_columns_of_parquet_are_text(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([b"x"], pa.binary())}), tmp_path / "1.parquet")
    with DuckDBEngine.open("1.parquet", tmp_path) as engine:
        assert types(engine) == {"a": "text"}


def with_tables(path: Path, *names: str) -> Path:
    with duckdb.connect(path) as connection:
        for name in names:
            connection.execute(f"CREATE TABLE {name} AS SELECT '{name}' AS name")
    return path


def test_a_table_of_a_duckdb_file(tmp_path: Path) -> None:
    path = with_tables(tmp_path / "t.duckdb", "tickets", '"ti""ckets 2"')
    with duckdb.connect(path) as connection:
        connection.execute("CREATE SCHEMA s")
        connection.execute("CREATE TABLE s.third AS SELECT 's.third' AS name")
    for asked, found in (("tickets", "tickets"), ('ti"ckets 2', '"ti""ckets 2"'), ("s.third", "s.third")):
        with DuckDBEngine.open(f"{path}#{asked}") as engine:
            assert list(rows(engine)["name"]) == [found]
    with pytest.raises(SourceError, match=r"has 3 tables[\s\S]*tickets.*s\.third"):
        DuckDBEngine.open(path)
    with pytest.raises(SourceError, match="has no table 'nothing'"):
        DuckDBEngine.open(f"{path}#nothing")


def test_a_duckdb_file_is_opened_for_reading_only(tmp_path: Path) -> None:
    path = with_tables(tmp_path / "t.duckdb", "tickets")
    before = path.read_bytes()
    with DuckDBEngine.open(path) as engine, pytest.raises(SourceError, match="read-only"):
        engine.query(parse_one("DELETE FROM source_file.main.tickets", read="duckdb"))
    assert path.read_bytes() == before


def truncated_gzip(folder: Path) -> None:
    body = b"a,b\n" + b"".join(b"%d,%d\n" % (i * 7919 % 10007, i) for i in range(100_000))
    (folder / "t.csv.gz").write_bytes(gzip.compress(body)[:60_000])


def truncated_parquet(folder: Path) -> None:
    pq.write_table(pa.table({"a": list(range(1000))}), folder / "whole.parquet")
    (folder / "t.parquet").write_bytes((folder / "whole.parquet").read_bytes()[:-100])


def damaged_parquet(folder: Path) -> None:
    """Right at both ends, wrong between."""
    pq.write_table(pa.table({"a": list(range(1000))}), folder / "whole.parquet", compression="zstd")
    whole = bytearray((folder / "whole.parquet").read_bytes())
    whole[30:60] = bytes(30)
    (folder / "t.parquet").write_bytes(bytes(whole))


def other_columns(folder: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": [1]}), folder / "t1.parquet")
    pq.write_table(pa.table({"a": [1]}), folder / "t2.parquet")


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("t.csv", b"a,b\n1,2\n1,2,3\n", r"t\.csv:3: has 3 fields where the header has 2"),
        ("t.csv", b"a,b\n1\n", r"t\.csv:2: has 1 fields where the header has 2"),
        ("t.csv", b'a,b\n1,"2\n', r"t\.csv:2: is no valid CSV \(a quoted field does not end\)"),
        ("t.csv", b"a,b\n" + b"1,2\n" * 9000 + b"1,\xe9\n", "is not UTF-8 text"),
        ("t.csv.gz", truncated_gzip, r"cannot be read[\s\S]*may be cut short"),
        ("t.parquet", truncated_parquet, r"no complete Parquet file[\s\S]*may be cut short"),
        ("t.parquet", b"PAR1", r"no complete Parquet file[\s\S]*may be cut short"),
        ("t.parquet", damaged_parquet, r"t\.parquet: cannot be read"),
        ("t*.parquet", other_columns, r'column "b"[\s\S]*give all files the same columns'),
        ("t.duckdb", b"no database at all, but long enough" * 99, "cannot be opened as a DuckDB file"),
        ("t.db", b"SQLite format 3\0" + bytes(4080), "cannot be opened as a DuckDB file"),
    ],
)
def test_what_cannot_be_read_is_an_error_of_ours(tmp_path: Path, name: str, content: Any, error: str) -> None:
    if callable(content):
        content(tmp_path)
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=error), DuckDBEngine.open(name, tmp_path) as engine:
        rows(engine)


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (pd.DataFrame(), "the pandas frame: cannot be read"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "the pandas frame: column names are repeated: 'a', 'a'"),
        (pa.table({"a": [1], "A": [1]}), "the pyarrow frame: column names are repeated: 'a', 'A'"),
        (pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}), "the polars frame: cannot be read"),
        ({"a": [1]}, "cannot read rows from a dict"),
        (7, "cannot read rows from a int"),
    ],
)
def test_frames_that_cannot_be_read(frame: Any, error: str) -> None:
    with pytest.raises(SourceError, match=error):
        open_engine(frame)


@pytest.mark.parametrize("kind", ["file", "frame"])
def test_nothing_else_is_within_reach(tmp_path: Path, kind: str) -> None:
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    (tmp_path / "t.csv").write_text("a\n1\n")
    frame = pd.DataFrame({"a": [1]})
    with DuckDBEngine.open("t.csv" if kind == "file" else frame, tmp_path) as engine:
        for attempt in (
            f"SELECT * FROM READ_CSV('{tmp_path}/secret.csv')",
            f"SELECT * FROM READ_TEXT('{tmp_path}/*.csv')",
            f"SELECT * FROM '{tmp_path}/secret.csv'",
            "SELECT * FROM frame",
            "SET enable_external_access = true",
        ):
            with pytest.raises(SourceError):
                engine.query(parse_one(attempt, read="duckdb"))
        assert len(rows(engine)["a"]) == 1


def test_utc_of_texts_and_times() -> None:
    table = pa.table(
        {
            "text": ["2026-01-05T12:00:00+02:00", "2026-01-05 12:00", "2026-01-05T12:00:00Z", "nonsense", None],
            "t": pa.array([datetime(2026, 1, 5, 12, 0, 0, 5)] * 5, pa.timestamp("ns")),  # noqa: DTZ001
            "z": pa.array(
                [datetime(2026, 1, 5, 12, tzinfo=timezone(timedelta(hours=2)))] * 5, pa.timestamp("us", "UTC")
            ),
        }
    )
    with DuckDBEngine.open(table) as engine:
        moments = {"text": "text", "t": "timestamp", "z": "timestamptz"}
        select = exp.Select().select(
            *(exp.alias_(engine.utc(exp.column(name), kind), name) for name, kind in moments.items())  # type: ignore[arg-type]
        )
        found = engine.query(select.from_(engine.relation()))
    ten, noon = np.datetime64("2026-01-05T10:00"), np.datetime64("2026-01-05T12:00")
    assert list(found["text"][:3]) == [ten, noon, noon]
    assert np.isnat(found["text"][3:]).all()
    assert found["t"][0] == noon + np.timedelta64(5, "us")
    assert found["z"][0] == ten


def test_whole_numbers_of_64_bits_without_sign_are_exact() -> None:
    values = [0, 2**63, 2**64 - 1]
    with DuckDBEngine.open(pa.table({"u": pa.array(values, pa.uint64())})) as engine:
        assert rows(engine)["u"].tolist() == values


def test_the_hash_depends_on_values_only() -> None:
    def hashes(frame: Any) -> set[int]:
        with DuckDBEngine.open(frame) as engine:
            row = engine.row_hash([exp.column("a"), exp.column("b")])
            half = exp.BitwiseRightShift(this=row, expression=exp.Literal.number(32))
            named = exp.alias_(exp.Cast(this=half, to=exp.DataType.build("bigint")), "h")
            return set(engine.query(exp.Select().select(named).from_(engine.relation()))["h"])

    table = pa.table({"a": ["x", "y", None], "b": [1.0, None, 2.0]})
    assert len(hashes(table)) == 3
    assert (
        hashes(table)
        == hashes(pl.from_arrow(table))
        == hashes(table.take([2, 0, 1]).to_pandas(types_mapper=pd.ArrowDtype))
    )


def test_the_total_is_compensated() -> None:
    values = np.full(200_001, 0.1)
    values[0] = 1e15
    with DuckDBEngine.open(pa.table({"x": values}), threads=1) as engine:
        select = exp.Select().select(exp.alias_(engine.total(exp.column("x")), "x")).from_(engine.relation())
        assert engine.query(select)["x"][0] == pytest.approx(1e15 + 20_000, abs=0.2)


def test_open_engine_picks() -> None:
    memory = MemoryEngine([Column("a", "integer")], lambda _: {})
    assert open_engine(memory) is memory
    assert isinstance(open_engine(pa.table({"a": [1]})), DuckDBEngine)
    with pytest.raises(UsageError, match=r"source\.events"):
        open_engine(None)


def test_a_closed_engine_answers_no_more() -> None:
    engine = DuckDBEngine.open(pa.table({"a": [1]}))
    engine.close()
    with pytest.raises(SourceError):
        rows(engine)
