"""Rows that do not fit: refused with what, where and the remedy, or excluded and counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.aggregate.support import KINDS, LATE, csv_text, look, only, policy, rows, tickets

from rampgate.aggregate.columns import check_columns
from rampgate.errors import ColumnError, DataError, RampgateError, SourceError
from rampgate.policy import load_policy
from rampgate.source import Array, Column, MemoryEngine
from rampgate.source.duckdb import DuckDBEngine


def refused(source: Any, chosen: Any = None, base: Path | None = None) -> RampgateError:
    with pytest.raises(RampgateError) as caught:
        look(source, chosen or policy(), base=base)
    return caught.value


# --- columns -------------------------------------------------------------------------------------


def test_a_missing_column_names_the_closest() -> None:
    table = tickets(20).rename_columns({"correct": "corect"})
    error = refused(table)
    assert isinstance(error, ColumnError)
    assert error.exit_code == 2
    assert error.what == "there is no column 'correct' (metrics.right)"
    assert error.where == "the pyarrow frame"
    assert error.remedy == "did you mean 'corect'?"


def test_every_missing_column_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "source: {unit: Ticket, time: when, variant: version}\n"
        "metrics:\n"
        "  right: {kind: proportion, column: correct}\n"
        "  speed: {kind: ratio, numerator: hourz, denominator: zzz}\n"
        "kpi: {weights: {right: 1}}\n"
        "phases: [{traffic: 10%}, {traffic: 100%}]\n"
    )
    error = refused(tickets(20), load_policy(path))
    for part in ("'Ticket' (source.unit, line 1)", "'when' (source.time", "'hourz' (metrics.speed, line 4)", "'zzz'"):
        assert part in error.what
    assert "'version'" not in error.what
    assert error.remedy is not None
    for part in ("did you mean 'ticket'?", "did you mean 'hours'?", "the columns are: ticket, opened, version"):
        assert part in error.remedy


@pytest.mark.parametrize(
    ("kind", "metric", "what"),
    [
        (pa.date32(), {"kind": "mean", "best": 1, "worst": 0}, "column 'x' holds dates, not numbers (metrics.m)"),
        (pa.timestamp("us"), {"kind": "proportion"}, "column 'x' holds times, not numbers (metrics.m)"),
        (pa.list_(pa.int64()), {"kind": "proportion"}, "values of a type that cannot be used, not numbers"),
        (pa.list_(pa.int64()), {"kind": "proportion", "equals": "a"}, "a type that cannot be used, not plain values"),
    ],
)
def test_a_column_of_a_wrong_type(kind: Any, metric: dict[str, Any], what: str) -> None:
    chosen = policy(metrics={"m": {"column": "x", **metric}}, kpi={"weights": {"m": 1}}, segments=None)
    error = refused(rows([{"x": None}, {"x": None}], {"x": kind}), chosen)
    assert isinstance(error, ColumnError)
    assert what in error.what


def test_a_time_column_of_numbers() -> None:
    error = refused(rows([{"opened": 1767614400, "x": True}] * 2), only())
    assert isinstance(error, ColumnError)
    assert error.what == "column 'opened' holds whole numbers, not times (source.time)"
    assert str(error.remedy).startswith(
        "give it as a timestamp or as a date; if it counts since 1970, write time_format"
    )


def test_what_fits_gives_the_types() -> None:
    columns = [Column("ticket", "text"), Column("opened", "date"), Column("version", "text"), Column("x", "boolean")]
    assert check_columns(only(), columns, "t") == {
        "ticket": "text", "opened": "date", "version": "text", "x": "boolean",
    }  # fmt: skip


# --- variants ------------------------------------------------------------------------------------


def test_a_third_variant_is_excluded_and_named() -> None:
    versions = ["v1", "v2", "v3", "v3", "canary", "v1", ""]
    intake = look(rows([{"x": True, "version": v} for v in versions]), only()).intake
    assert intake.other_variants == (("v3", 2), ("canary", 1))
    assert (intake.null_variant, intake.used, intake.rows) == (1, 3, 7)


def test_a_third_variant_of_history_is_history() -> None:
    old, new = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC)
    records = [
        {"version": v, "opened": t} for v, t in (("v0", old), (None, old), ("v1", old), ("v1", new), ("v2", new))
    ]
    intake = look(rows([{**record, "x": True} for record in records]), only()).intake
    assert (intake.other_variants, intake.null_variant, intake.history, intake.used) == ((), 0, 3, 2)


@pytest.mark.parametrize(("missing", "there"), [("candidate", "v1"), ("baseline", "v2")])
def test_no_rows_of_one_variant(missing: str, there: str) -> None:
    name = {"candidate": "v2", "baseline": "v1"}[missing]
    table = rows([{"x": True, "version": there}] * 3 + [{"x": True, "version": "V9"}])
    for start in (None, "2026-01-01"):
        error = refused(table, only(start=start))
        assert isinstance(error, DataError)
        assert error.exit_code == 1
        assert error.what == f"no row of the {missing} '{name}'"
        assert error.where == "the pyarrow frame, column 'version'"
        assert error.remedy is not None
        assert f"the column holds '{there}' (3 rows), 'V9' (1 rows)" in error.remedy


def test_a_variant_whose_rows_have_no_time() -> None:
    table = rows([{"x": True, "version": "v1"}, {"x": True, "version": "v2", "opened": None}])
    error = refused(table, only())
    assert error.what == "none of the 1 rows of the candidate 'v2' has a time"
    assert error.remedy == "fill column 'opened'"


def test_a_candidate_that_comes_after_the_look_is_no_error() -> None:
    records = [
        {"x": True, "opened": datetime(2026, 1, day, tzinfo=UTC), "version": v} for day, v in ((5, "v1"), (9, "v2"))
    ]
    reading = look(rows(records), only(), datetime(2026, 1, 7, tzinfo=UTC))
    assert reading.start is None
    assert (reading.intake.history, reading.intake.used, reading.intake.after_as_of) == (1, 0, 1)
    assert reading.cells.arm.tolist() == [0]


# --- units ---------------------------------------------------------------------------------------


def test_duplicate_units_the_first_row_stays() -> None:
    day = datetime(2026, 1, 5, tzinfo=UTC)
    records = [
        {"ticket": "b", "version": "v1", "x": False, "opened": day + timedelta(days=2)},
        {"ticket": "b", "version": "v2", "x": True, "opened": day + timedelta(days=1)},
        {"ticket": "a", "version": "v1", "x": True, "opened": day + timedelta(days=1)},
        {"ticket": "a", "version": "v1", "x": False, "opened": day + timedelta(days=3)},
        {"ticket": "a", "version": "v1", "x": False, "opened": day - timedelta(days=9)},
        {"ticket": "c", "version": "v2", "x": True, "opened": day},
    ]
    reading = look(rows(records), only())
    assert (reading.intake.duplicate_units, reading.intake.duplicate_example) == (2, "a")
    assert (reading.intake.rows, reading.intake.used, reading.intake.history) == (6, 3, 1)
    cells = reading.cells
    found = [
        (cells.periods[t].day.day, int(arm), n, m)
        for t, arm, n, m in zip(cells.period, cells.arm, cells.n, cells.mean[:, 0], strict=True)
    ]
    assert found == [(27, 0, 1, 0.0), (5, 1, 1, 1.0), (6, 0, 1, 1.0), (6, 1, 1, 1.0)]


def test_duplicates_of_one_moment_do_not_depend_on_the_order_of_rows() -> None:
    chance = np.random.default_rng(3)
    table = tickets(300, 4)
    same_time = table.set_column(
        1, "opened", pa.array([datetime(2026, 3, 25, tzinfo=UTC)] * 300, pa.timestamp("us", "UTC"))
    )
    repeated = same_time.set_column(0, "ticket", pa.array([f"u{i}" for i in chance.integers(0, 60, 300)]))
    first = look(repeated, policy())
    assert first.intake.duplicate_units == 300 - len(set(repeated["ticket"].to_pylist()))
    for _ in range(3):
        again = look(repeated.take(chance.permutation(300)), policy())
        assert again.cells.digest == first.cells.digest
        assert again.intake == first.intake


def test_a_row_written_twice_changes_nothing_but_the_count() -> None:
    table = tickets(200)
    once, twice = look(table, policy()), look(pa.concat_tables([table, table.slice(0, 50)]), policy())
    assert twice.cells.digest == once.cells.digest
    first = min(table["ticket"].to_pylist()[:50])
    crossed = twice.intake.crossed
    assert (sum(seen for _, seen, _ in crossed), sum(both for _, _, both in crossed)) == (200, 0)
    assert twice.intake == replace(once.intake, rows=250, duplicate_units=50, duplicate_example=first, crossed=crossed)


def test_missing_units_are_excluded_and_counted() -> None:
    intake = look(rows([{"x": True, "ticket": t} for t in ("a", "b", None, "", "c")]), only()).intake
    assert (intake.null_unit, intake.used, intake.duplicate_units) == (2, 3, 0)


# --- the look ------------------------------------------------------------------------------------


def test_rows_after_the_look_are_counted_and_change_nothing() -> None:
    table = tickets(400)
    as_of = datetime(2026, 3, 31, 17, 45, tzinfo=UTC)
    kept = [t < datetime(2026, 3, 31, tzinfo=UTC) for t in table["opened"].to_pylist()]
    early = table.filter(pa.array(kept))
    future = table.filter(pa.array([not k for k in kept]))
    spoilt = future.set_column(2, "version", pa.array(["v9"] * len(future)))
    spoilt = spoilt.set_column(0, "ticket", early["ticket"].take(list(range(len(future)))))
    whole, part = look(pa.concat_tables([early, spoilt]), policy(), as_of), look(early, policy(), as_of)
    assert whole.intake.after_as_of == len(future) > 50
    assert replace(whole.intake, after_as_of=0) == part.intake
    assert whole.cells.digest == part.cells.digest
    assert whole.look == datetime(2026, 3, 31, tzinfo=UTC)


def test_an_earlier_look_sees_a_part_of_a_later_one() -> None:
    table, chosen = tickets(400), policy()
    late = look(table, chosen)
    early = look(table, chosen, datetime(2026, 3, 29, tzinfo=UTC))
    n = len(early.cells.n)
    assert early.cells.periods == late.cells.periods[: len(early.cells.periods)]
    assert early.cells.digest == late.cells.digest[:n]
    np.testing.assert_array_equal(early.cells.n, late.cells.n[:n])


@given(st.integers(0, 10_000))
def test_every_row_is_accounted_for(seed: int) -> None:
    """Rows of all sorts: the parts of the intake add up to the rows before the look, and those to all rows."""
    chance = np.random.default_rng(seed)
    n = 60
    begin = datetime(2026, 1, 1, tzinfo=UTC)

    def pick(options: list[Any]) -> list[Any]:
        return [options[i] for i in chance.integers(0, len(options), n)]

    records = [
        {"ticket": u, "version": v, "x": x, "opened": None if d is None else begin + timedelta(days=d)}
        for u, v, x, d in zip(
            pick([None, "", *"abcdefghijkl"]),
            pick(["v1", "v2", "v3", None]),
            pick(["1", "0", "?", None]),
            pick([None, 0, 1, 2, 3, 4, 5]),
            strict=True,
        )
    ]
    i = look(rows(records), only(start="2026-01-03"), begin + timedelta(days=4)).intake
    others = sum(count for _, count in i.other_variants)
    assert i.rows + i.after_as_of == n
    assert i.rows == i.used + i.history + i.null_unit + i.null_time + i.null_variant + others + i.duplicate_units


def test_rows_of_the_candidate_that_are_lost_are_counted_as_its_own() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    records = [
        {"ticket": ticket, "version": version, "x": "1", "opened": None if day is None else begin + timedelta(days=day)}
        for ticket, version, day in [
            ("a", "v1", 3), ("b", "v2", 3), (None, "v1", 3), (None, "v2", 3), ("", "v2", 4), ("c", "v2", None),
            ("d", "v1", None), (None, None, 4), (None, "v2", 9), ("e", None, 4),
        ]
    ]  # fmt: skip
    i = look(rows(records), only(start="2026-01-03"), begin + timedelta(days=6)).intake
    assert (i.null_unit, i.null_time, i.null_variant, i.after_as_of) == (4, 2, 1, 1)
    assert i.missing_candidate == 3


# --- files ---------------------------------------------------------------------------------------


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"")
    error = refused("t.csv", base=tmp_path)
    assert isinstance(error, SourceError)
    assert error.what == "the file is empty (0 bytes)"
    assert error.where == str(tmp_path / "t.csv")


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet", "duckdb", "pandas", "polars", "arrow"])
@pytest.mark.parametrize("start", [None, "2026-01-01"])
def test_a_header_without_rows(tmp_path: Path, kind: str, start: str | None) -> None:
    error = refused(KINDS[kind](tickets(600).slice(0, 0), tmp_path), policy(start=start))
    assert isinstance(error, DataError)
    assert error.exit_code == 1
    assert error.what == "the source has columns and no rows"


def test_a_file_without_header(tmp_path: Path) -> None:
    lines = csv_text(tickets(20)).splitlines(keepends=True)[1:]
    (tmp_path / "t.csv").write_text("".join(lines))
    assert isinstance(refused("t.csv", base=tmp_path), (ColumnError, SourceError))


def test_a_truncated_parquet_file(tmp_path: Path) -> None:
    pq.write_table(tickets(600), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    for share in (0.01, 0.5, 0.99):
        (tmp_path / "t.parquet").write_bytes(whole[: int(len(whole) * share)])
        error = refused("t.parquet", base=tmp_path)
        assert isinstance(error, SourceError)
        assert error.where == str(tmp_path / "t.parquet")
        assert "no complete Parquet file" in error.what
        assert error.remedy is not None
        assert "cut short" in error.remedy


def test_a_missing_file(tmp_path: Path) -> None:
    error = refused("tickets/*.parquet", base=tmp_path)
    assert (error.what, error.where) == ("no file matches the pattern", str(tmp_path / "tickets/*.parquet"))


def test_a_line_cut_short(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(csv_text(tickets(200))[:-30])
    error = refused("t.csv", base=tmp_path)
    assert isinstance(error, SourceError)
    assert error.where == f"{tmp_path / 't.csv'}:201"


def test_a_source_that_changes_while_it_is_read() -> None:
    """An engine that loses rows between two questions, as a file that is being written does."""
    real = DuckDBEngine.open(tickets(100))

    def answer(select: Any) -> dict[str, Array]:
        found = real.query(select)
        return {**found, "n": found["n"] + 1} if "role" in found else found

    fake = MemoryEngine(real.columns(), answer, name="events")
    fake.row_hash, fake.utc, fake.total = real.row_hash, real.utc, real.total  # type: ignore[method-assign]
    error = refused(fake)
    assert isinstance(error, DataError)
    assert error.what.startswith("the source changed while it was read: 100 rows, then")
    assert len(fake.queries) == 5
    real.close()


def test_the_start_that_is_declared_or_seen() -> None:
    table = tickets(200)
    assert look(table, policy()).start == date(2026, 3, 23)
    assert look(table, policy(start="2026-03-27")).start == date(2026, 3, 27)
    assert look(table, policy(), LATE).intake.history == 0


def test_versions_that_are_left_out_crowd_out_none_that_is_not() -> None:
    names = [f"v{i}" for i in range(3, 40)]
    table = tickets(800)
    rows = table.to_pandas()
    rows.loc[rows.index[: 20 * len(names)], "version"] = names * 20
    rows.loc[rows.index[-1], "version"] = "stray"
    reading = look(rows, policy(source={"unit": "ticket", "time": "opened", "variant": "version", "ignore": names}))
    found = dict(reading.intake.other_variants)
    assert found["stray"] == 1
    assert found.keys() == {*names, "stray"}
