"""A look that reads only what it does not know finds what a look at every row finds, whatever happens to the files."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.aggregate.kept import EDITS, LATE, MONDAY, POLICIES, SWITCHES, Source, agree, by_day, outcome, table
from tests.aggregate.support import policy

from rampgate.aggregate import units
from rampgate.aggregate.read import Reading, read
from rampgate.aggregate.store import Store
from rampgate.errors import DataError
from rampgate.source import open_engine, parts
from rampgate.source.duckdb import DuckDBEngine


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of tests are as young as the tests."""
    monkeypatch.setattr(parts, "SETTLED_AFTER", -1e9)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names of the files that queries went to, one list for each."""
    found: list[list[str]] = []
    original = DuckDBEngine.query

    def query(self: DuckDBEngine, select: Any) -> Any:
        found.append([path.name for path in self._files.paths] if self._files else [])
        return original(self, select)

    monkeypatch.setattr(DuckDBEngine, "query", query)
    return found


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_every_policy_finds_the_same_in_what_was_kept(tmp_path: Path, name: str, asked: list[list[str]]) -> None:
    source = Source(tmp_path, "parquet")
    for file, rows in by_day(table()).items():
        source.write(file, rows)
    for _ in range(2):
        asked.clear()
        kept = outcome(source, False, (policy(**POLICIES[name]), LATE, SWITCHES, None))
        queries = len(asked)
        fresh = outcome(source, True, (policy(**POLICIES[name]), LATE, SWITCHES, None))
        agree(kept, fresh)
    assert isinstance(kept, Reading) == (name != "another candidate")
    # What a rollout keeps itself once it has begun is asked anew here: the reference of drift, and the values apart.
    assert queries == 0 or name in ("another candidate", "drift", "few segment values")


@settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_looks_agree_whatever_happens_between_them(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(["parquet", "csv"]))
    source = Source(tmp_path_factory.mktemp("files"), kind)
    files = by_day(table())
    for name, rows in files.items():
        source.write(name, rows)
    chosen = policy()
    for _ in range(data.draw(st.integers(2, 6))):
        what = data.draw(st.sampled_from(["policy", "edit", "edit", "remove", "add", "store", "nothing"]))
        if what == "policy":
            chosen = policy(**POLICIES[data.draw(st.sampled_from(sorted(POLICIES)))])
        elif what == "edit":
            name = data.draw(st.sampled_from(sorted(files)))
            if len(files[name]):
                files[name] = EDITS[data.draw(st.sampled_from(sorted(EDITS)))](files[name])
                source.write(name, files[name])
        elif what == "remove" and len(files) > 2:
            name = data.draw(st.sampled_from(sorted(files)))
            del files[name]
            (source.folder / f"{name}.{kind}").unlink()
        elif what == "add":
            name = f"{len(files)}x{data.draw(st.integers(0, 9))}"
            files[name] = table(data.draw(st.integers(0, 5)), 30, first=data.draw(st.sampled_from([300_000, 310_000])))
            source.write(name, files[name])
        elif what == "store":
            spoil(source.store, data)
        as_of = MONDAY + timedelta(days=data.draw(st.integers(3, 18)))
        moment = datetime(as_of.year, as_of.month, as_of.day, data.draw(st.sampled_from([0, 13])), tzinfo=UTC)
        switches = SWITCHES[: data.draw(st.integers(0, 2))]
        start = data.draw(st.sampled_from([None, None, date(2026, 3, 26)]))
        given = (chosen, moment, switches, start)
        agree(outcome(source, False, given), outcome(source, True, given))


def spoil(store: Path, data: st.DataObject) -> None:
    """Do something to one file of the store, or to all of it."""
    which, where, garbage = data.draw(st.tuples(st.integers(0, 999), st.integers(0, 9999), st.binary(max_size=99)))
    how = data.draw(st.sampled_from(["cut", "flip", "garbage", "empty", "another", "gone", "folder", "all gone"]))
    found = sorted(path for path in store.glob("*.kept") if path.is_file())
    if not found:
        return
    path = found[which % len(found)]
    content = path.read_bytes() or b"x"
    place = where % len(content)
    if how == "cut":
        path.write_bytes(content[:place])
    elif how == "flip":
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    elif how in ("garbage", "empty"):
        path.write_bytes(b"" if how == "empty" else garbage)
    elif how == "another":
        path.write_bytes(b"rampgate kept 1\n" + content[16:])
    else:
        path.unlink()
        if how == "folder":
            path.mkdir()
        elif how == "all gone":
            for other in found:
                other.unlink(missing_ok=True)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_only_new_files_are_read(tmp_path: Path, kind: str, asked: list[list[str]]) -> None:
    source, files = Source(tmp_path, kind), by_day(table())
    last = max(files)
    for name in sorted(files)[:-1]:
        source.write(name, files[name])
    source.look(policy())
    asked.clear()
    source.look(policy())
    assert asked == []
    source.write(last, files[last])
    agree(source.look(policy()), source.look(policy(), fresh=True))
    assert {name for query in asked for name in query if len(query) < len(files)} == {f"{last}.{kind}"}
    asked.clear()
    later = source.look(policy(), LATE + timedelta(days=30))
    assert asked == []
    agree(later, source.look(policy(), LATE + timedelta(days=30), fresh=True))


def test_units_that_lie_in_no_order_are_compared_by_hash(tmp_path: Path, asked: list[list[str]]) -> None:
    source, whole = Source(tmp_path, "parquet"), table()
    mixed = np.random.default_rng(3).permutation(len(whole))
    files = by_day(whole.set_column(0, "ticket", whole["ticket"].take(pa.array(mixed))))
    for name, rows in files.items():
        source.write(name, rows)
    source.look(policy())
    asked.clear()
    agree(source.look(policy()), source.look(policy(), fresh=True))
    assert all(len(query) == len(files) for query in asked), "only the fresh look asks"
    first, second = sorted(files)[:2]
    source.write(second, pa.concat_tables([files[second], files[first].slice(0, 1)]))
    kept = source.look(policy())
    assert kept.intake.duplicate_units == 1
    agree(kept, source.look(policy(), fresh=True))


def test_units_of_64_bits_without_sign_that_repeat_across_files_are_found(tmp_path: Path) -> None:
    source = Source(tmp_path, "parquet")
    numbers = np.random.default_rng(3).integers(0, 2**64, 300, dtype=np.uint64)
    assert (numbers[:240] >= 2**63).any()
    assert (numbers[:240] < 2**63).any()
    first, second = table(1, 240), table(2, 60, first=1000)
    source.write("a", first.set_column(0, "ticket", pa.array(numbers[:240])))
    for others, repeated in ((numbers[240:], 0), (numbers[:60], 60)):
        source.write("b", second.set_column(0, "ticket", pa.array(others)))
        kept = source.look(policy())
        assert kept.intake.duplicate_units == repeated
        agree(kept, source.look(policy(), fresh=True))


def test_large_units_in_ranges_that_meet_are_compared(tmp_path: Path, asked: list[list[str]]) -> None:
    source, whole = Source(tmp_path, "parquet"), table()
    large = np.random.default_rng(3).permutation(np.arange(2**64 - len(whole), 2**64, dtype=np.uint64))
    for name, rows in by_day(whole.set_column(0, "ticket", pa.array(large))).items():
        source.write(name, rows)
    source.look(policy())
    asked.clear()
    kept = source.look(policy())
    assert asked == []
    agree(kept, source.look(policy(), fresh=True))


@pytest.mark.parametrize("kind", ["UBIGINT", "UHUGEINT", "HUGEINT"])
def test_large_units_of_a_duckdb_file_are_told_apart(tmp_path: Path, kind: str) -> None:
    bits = 64 if kind == "UBIGINT" else 120
    for rows, more, repeated in ((240, 0, 0), (240, 7, 7)):
        path = tmp_path / f"{kind}{more}.duckdb"
        with duckdb.connect(path) as connection:
            connection.register("given", pa.concat_tables([table(1, rows), table(1, rows).slice(0, more)]))
            unit = f"(({2**bits - 1000}::UHUGEINT) + right(ticket, 6)::UHUGEINT)::{kind}"
            connection.execute(f"CREATE TABLE tickets AS SELECT * REPLACE ({unit} AS ticket) FROM given")
        looks = []
        for store in (Store(tmp_path / "store"), Store(tmp_path / "store"), None):
            with open_engine(path) as engine:  # type: ignore[attr-defined]
                looks.append(read(policy(), engine, (), LATE, store=store))
        assert [look.intake.duplicate_units for look in looks] == [repeated] * 3


def test_a_range_that_is_none_is_not_sure() -> None:
    assert units._meeting([(5, 3, 0), (7, 9, 1)]) is None
    assert units._meeting([(3, 5, 0), (7, 9, 1)]) == []


def test_a_change_of_traffic_within_a_period_reads_the_files_of_that_time_alone(
    tmp_path: Path, asked: list[list[str]]
) -> None:
    source, files = Source(tmp_path, "parquet"), by_day(table())
    for name, rows in files.items():
        source.write(name, rows)
    source.look(policy())
    asked.clear()
    kept = source.look(policy(), switches=SWITCHES)
    # The one at noon lies in a file; the one at midnight splits nothing.
    assert {name for query in asked for name in query} == {"02.parquet"}
    agree(kept, source.look(policy(), switches=SWITCHES, fresh=True))


def test_a_file_whose_size_and_time_were_kept_is_read_again(tmp_path: Path) -> None:
    source = Source(tmp_path, "csv")
    for name, rows in by_day(table()).items():
        source.write(name, rows)
    before = source.look(policy())
    path = tmp_path / "01.csv"
    stat, text = path.stat(), path.read_text("utf-8")
    changed = text.replace(",v1,", ",V1,", 1).replace(",v2,", ",v1,", 1).replace(",V1,", ",v2,", 1)
    assert changed != text
    with path.open("r+", encoding="utf-8") as file:
        file.write(changed)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    after = source.look(policy())
    assert after.cells.digest != before.cells.digest
    agree(after, source.look(policy(), fresh=True))


def test_what_was_written_a_moment_ago_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "SETTLED_AFTER", 3600.0)
    source = Source(tmp_path, "parquet")
    for name, rows in by_day(table()).items():
        source.write(name, rows)
    source.look(policy())
    assert Store(source.store).size() == (0, 0)


def test_a_file_of_other_types_has_all_rows_read(tmp_path: Path, asked: list[list[str]]) -> None:
    source, files = Source(tmp_path, "parquet"), by_day(table())
    for name, rows in files.items():
        source.write(name, rows)
    source.look(policy())
    place = files["03"].column_names.index("hours")
    whole = pa.array([None if x is None else round(x) for x in files["03"]["hours"].to_pylist()], pa.int32())
    source.write("03", files["03"].set_column(place, "hours", whole))
    asked.clear()
    kept = source.look(policy())
    assert max(len(query) for query in asked) == len(files)
    agree(kept, source.look(policy(), fresh=True))


def test_a_duckdb_file_is_one_part(tmp_path: Path, asked: list[list[str]]) -> None:
    path, store = tmp_path / "t.duckdb", tmp_path / "store"

    def look(fresh: bool = False) -> Reading:
        engine = open_engine(path)
        try:
            return read(policy(), engine, (), LATE, store=None if fresh else Store(store))
        finally:
            engine.close()

    with duckdb.connect(path) as connection:
        connection.register("given", table())
        connection.execute("CREATE TABLE tickets AS SELECT * FROM given")
    look()
    asked.clear()
    kept = look()
    assert asked == []
    agree(kept, look(fresh=True))
    with duckdb.connect(path) as connection:
        connection.execute("UPDATE tickets SET overridden = NOT overridden WHERE ticket = 'INC000003'")
    agree(look(), look(fresh=True))


@pytest.mark.parametrize("made", ["view", "generated", "table"])
def test_what_a_duckdb_file_computes_when_asked_is_not_kept(tmp_path: Path, made: str) -> None:
    path, store = tmp_path / "t.duckdb", Store(tmp_path / "store")
    with duckdb.connect(path) as connection:
        connection.register("given", table())
        connection.execute("CREATE SCHEMA other; CREATE TABLE other.tickets AS SELECT * FROM given")
        if made == "view":
            connection.execute("CREATE VIEW tickets AS SELECT * FROM other.tickets WHERE opened < current_timestamp")
        elif made == "table":
            connection.execute("CREATE TABLE tickets AS SELECT * FROM given")
        else:
            types = connection.execute("DESCRIBE given").fetchall()
            columns = ", ".join(f"{name} {kind}" for name, kind, *_ in types)
            connection.execute(f"CREATE TABLE tickets ({columns}, luck DOUBLE GENERATED ALWAYS AS (random()))")
            connection.execute("INSERT INTO tickets SELECT * FROM given")
    with DuckDBEngine.open(f"{path}#main.tickets") as engine:
        assert len(engine.parts()) == (made == "table")
        read(policy(), engine, (), LATE, store=store)
    assert (store.size() == (0, 0)) == (made != "table")


def test_a_column_of_any_name_is_no_part(tmp_path: Path) -> None:
    source = Source(tmp_path, "parquet")
    for name, rows in by_day(table()).items():
        source.write(name, rows.append_column("part", rows["queue"]).append_column("filename", rows["queue"]))
    chosen = policy(segments={"by": ["part", "filename"], "guardrails": {"override": {"margin": "5pp"}}})
    source.look(chosen)
    agree(source.look(chosen), source.look(chosen, fresh=True))


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, files = Source(tmp_path, "parquet"), by_day(table())
    for name, rows in files.items():
        source.write(name, rows)
    original = DuckDBEngine.query

    def query(self: DuckDBEngine, select: Any) -> Any:
        found = original(self, select)
        source.write("02", files["02"].slice(1))
        return found

    monkeypatch.setattr(DuckDBEngine, "query", query)
    with pytest.raises(DataError, match="changed while it was read"):
        source.look(policy())


@pytest.mark.parametrize("kind", ["parquet", "csv", "duckdb"])
def test_a_file_that_was_replaced_after_it_was_opened_is_not_kept(tmp_path: Path, kind: str) -> None:
    def write(rows: pa.Table) -> None:
        if kind != "duckdb":
            Source(tmp_path, kind).write("t", rows)
            return
        with duckdb.connect(tmp_path / "new") as connection:
            connection.register("given", rows)
            connection.execute("CREATE TABLE tickets AS SELECT * FROM given")
        (tmp_path / "new").replace(tmp_path / "t.duckdb")

    def look(engine: Any, fresh: bool = False) -> Reading:
        with engine:
            return read(policy(), engine, (), LATE, store=None if fresh else Store(tmp_path / "store"))

    write(table(1, 240))
    engine = open_engine(f"t.{kind}", tmp_path)
    write(table(2, 200))
    look(engine)
    assert Store(tmp_path / "store").size() == (0, 0)
    kept = look(open_engine(f"t.{kind}", tmp_path))
    assert kept.intake.used == 200
    assert Store(tmp_path / "store").size() != (0, 0)
    agree(kept, look(open_engine(f"t.{kind}", tmp_path), fresh=True))


def test_columns_in_another_order_are_another_question(tmp_path: Path) -> None:
    made_by = []
    for header in ("a,b", "b,a"):
        (tmp_path / "t.csv").write_text(f"{header}\n1,2\n", "utf-8")
        with DuckDBEngine.open(tmp_path / "t.csv") as engine:
            made_by.append(engine.made_by)
    assert len(set(made_by)) == 2


def test_frames_are_read_whole(tmp_path: Path) -> None:
    whole = table()
    engine = open_engine(whole)
    store = Store(tmp_path / "store")
    assert read(policy(), engine, (), LATE, store=store).intake.used == len(whole)
    assert not store.folder.exists()


@pytest.mark.parametrize("whole", [True, False], ids=["numbers", "text"])
def test_hashes_are_compared_in_shares(monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    monkeypatch.setattr(units, "_MOST", 50)
    rows = table()
    if whole:
        rows = rows.set_column(0, "ticket", pa.array(range(len(rows))))
    for more, repeated in ((0, 0), (3, 3)):
        given = pa.concat_tables([rows, rows.slice(0, more)])
        found = read(policy(), open_engine(given), (), LATE).intake
        assert (found.used, found.duplicate_units) == (len(rows), repeated)
