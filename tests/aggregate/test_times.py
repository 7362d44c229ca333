"""What a time means: naive is UTC, dates are local, weeks are ISO weeks, and periods split where traffic changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from tests.aggregate.support import LATE, csv_text, look, only, policy, rows, same, tickets

from rampgate.errors import DataError, UsageError

WEEKLY = {"unit": "ticket", "time": "opened", "variant": "version", "look": "week"}
Y = {"x": True}


def days(reading: Any) -> list[date]:
    """Days of the periods that have rows."""
    return [reading.cells.periods[t].day for t in dict.fromkeys(reading.cells.period.tolist())]


def at(*texts: Any) -> pa.Table:
    return rows([{"opened": text, "x": True} for text in texts])


@pytest.mark.parametrize(
    ("zone", "wanted"),
    [
        ("UTC", [date(2026, 3, 28), date(2026, 3, 29)]),
        ("Europe/Berlin", [date(2026, 3, 29)]),
        ("America/New_York", [date(2026, 3, 28), date(2026, 3, 29)]),
        ("Asia/Kathmandu", [date(2026, 3, 29), date(2026, 3, 30)]),
    ],
)
def test_a_day_is_a_local_day(zone: str, wanted: list[date]) -> None:
    """23:30 and 21:30 UTC around the night in which clocks in Berlin went forward."""
    first, last = datetime(2026, 3, 28, 23, 30, tzinfo=UTC), datetime(2026, 3, 29, 21, 30, tzinfo=UTC)
    assert days(look(at(first, last), only(timezone=zone, start="2026-03-01"))) == wanted


def test_a_day_of_23_and_one_of_25_hours() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    table = rows([{"opened": begin + timedelta(hours=h), "x": True} for h in range(24 * 260)])
    cells = look(table, only(timezone="Europe/Berlin", start="2026-03-01"), datetime(2026, 11, 15, tzinfo=UTC)).cells
    units: dict[date, float] = {}
    for t, n in zip(cells.period, cells.n, strict=True):
        units[cells.periods[t].day] = units.get(cells.periods[t].day, 0.0) + n
    assert units[date(2026, 3, 28)] == 24
    assert units[date(2026, 3, 29)] == 23
    assert units[date(2026, 10, 25)] == 25
    assert set(units.values()) <= {22.0, 23.0, 24.0, 25.0}


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
@pytest.mark.parametrize("how", ["date", "text", "csv", "objects"])
def test_a_date_is_not_shifted(tmp_path: Path, zone: str, how: str) -> None:
    table = rows([{"opened": date(2026, 3, day), "x": True} for day in (7, 8, 9, 10)])
    source: Any = table
    if how == "text":
        source = table.set_column(2, "opened", table["opened"].cast(pa.string()))
    elif how == "csv":
        source = tmp_path / "t.csv"
        source.write_text(csv_text(table))
    elif how == "objects":
        source = pd.DataFrame({name: pd.Series(table[name].to_pylist(), dtype=object) for name in table.column_names})
    reading = look(source, only(timezone=zone))
    assert days(reading) == [date(2026, 3, day) for day in (7, 8, 9, 10)]
    assert reading.start == date(2026, 3, 8)
    same(reading.cells, look(table, only(timezone=zone)).cells)


def test_a_date_counts_only_when_its_day_is_over_and_is_never_split() -> None:
    table = rows([{"opened": date(2026, 3, day), "x": True} for day in (7, 7, 8, 8, 9, 9)])
    noon = datetime(2026, 3, 8, 12, tzinfo=UTC)
    reading = look(table, only(), datetime(2026, 3, 8, 18, tzinfo=UTC), [noon])
    assert reading.look == datetime(2026, 3, 8, tzinfo=UTC)
    assert reading.intake.after_as_of == 4
    cells = look(table, only(), datetime(2026, 3, 10, tzinfo=UTC), [noon]).cells
    assert [(p.day.day, p.stage) for p in cells.periods] == [(7, 0), (8, 0), (9, 1)]


def test_weeks_across_new_year() -> None:
    """29 December 2025 is the Monday of the week that holds 1 January 2026; 2020 had a week 53."""
    moments = [datetime(2025, 12, 28, 12), datetime(2025, 12, 29), datetime(2026, 1, 1), datetime(2026, 1, 5)]  # noqa: DTZ001
    reading = look(at(*moments), only(source=WEEKLY, start="2025-12-01"), datetime(2026, 1, 12, tzinfo=UTC))
    assert days(reading) == [date(2025, 12, 22), date(2025, 12, 29), date(2026, 1, 5)]
    moments = [datetime(2020, 12, 27), datetime(2020, 12, 28), datetime(2021, 1, 3, 23, 59), datetime(2021, 1, 4)]  # noqa: DTZ001
    reading = look(at(*moments), only(source=WEEKLY, start="2020-12-21"), datetime(2021, 1, 11, tzinfo=UTC))
    assert days(reading) == [date(2020, 12, 21), date(2020, 12, 28), date(2021, 1, 4)]
    assert reading.cells.n.sum() == 4


def test_a_week_counts_once_it_is_over() -> None:
    table = at(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC))
    chosen = only(source=WEEKLY, start="2026-01-05")
    early = look(table, chosen, datetime(2026, 1, 11, 23, 59, tzinfo=UTC))
    assert (len(early.cells.n), early.intake.after_as_of, early.look) == (0, 2, datetime(2026, 1, 5, tzinfo=UTC))
    late = look(table, chosen, datetime(2026, 1, 12, tzinfo=UTC))
    assert (late.cells.n.sum(), late.intake.after_as_of) == (2, 0)


def test_a_week_is_split_where_the_rollout_starts() -> None:
    """Rows before the start are history, also those of the week of the start."""
    moments = [datetime(2026, 1, day, 12, tzinfo=UTC) for day in (5, 6, 7, 8, 12, 13)]
    records = [
        {"opened": t, "x": True, "version": v}
        for t, v in zip(moments, ["v1", "v1", "v2", "v1", "v1", "v2"], strict=True)
    ]
    for start in (None, "2026-01-07"):
        reading = look(rows(records), only(source=WEEKLY, start=start), datetime(2026, 1, 19, tzinfo=UTC))
        assert reading.start == date(2026, 1, 7)
        assert [(p.day.day, p.start.day, p.end.day) for p in reading.cells.periods] == [
            (5, 5, 7),
            (7, 7, 12),
            (12, 12, 19),
        ]
        assert (reading.intake.history, reading.intake.used) == (2, 4)
        assert reading.cells.n.tolist() == [2, 1, 1, 1, 1]


def test_a_day_is_split_where_traffic_changes() -> None:
    noon = datetime(2026, 1, 6, 12, tzinfo=UTC)
    offsets = [timedelta(hours=-1), timedelta(microseconds=-1), timedelta(0), timedelta(hours=1), timedelta(days=1)]
    table = rows([{"opened": noon + offset, "x": True} for offset in offsets for _ in "ab"])
    cells = look(table, only(), LATE, [noon]).cells
    found = [(cells.periods[t].day.day, cells.periods[t].stage, n) for t, n in zip(cells.period, cells.n, strict=True)]
    assert found == [(6, 0, 2), (6, 0, 2), (6, 1, 2), (6, 1, 2), (7, 1, 1), (7, 1, 1)]
    first, second = cells.periods[:2]
    assert (first.start, first.end) == (datetime(2026, 1, 6, tzinfo=UTC), noon)
    assert (second.start, second.end) == (noon, datetime(2026, 1, 7, tzinfo=UTC))


def test_a_switch_at_midnight_splits_nothing_and_one_in_the_future_either() -> None:
    table = tickets(200)
    switches = [datetime(2026, 3, 26, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)]
    cells = look(table, policy(start="2026-03-20"), datetime(2026, 4, 10, tzinfo=UTC), switches).cells
    assert len({p.day for p in cells.periods}) == len(cells.periods)
    assert {p.stage for p in cells.periods if p.day < date(2026, 3, 26)} == {0}
    assert {p.stage for p in cells.periods if p.day >= date(2026, 3, 26)} == {1}


def test_from_the_start_every_period_is_there_before_it_those_with_rows() -> None:
    moments = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 3, 6, 9)]
    records = [{"opened": t, "x": True, "version": v} for t, v in zip(moments, ["v1", "v1", "v2", "v1"], strict=True)]
    reading = look(rows(records), only(), datetime(2026, 1, 12, tzinfo=UTC))
    assert [p.day.day for p in reading.cells.periods] == [1, 3, 6, 7, 8, 9, 10, 11]
    assert (reading.start, reading.intake.history) == (date(2026, 1, 6), 2)


@pytest.mark.parametrize("kind", ["timestamp[ns]", "timestamp[ms]", "timestamp[us, tz=Asia/Tokyo]", "date64"])
def test_any_kind_of_time_column(kind: str) -> None:
    moment = pd.Timestamp("2026-01-05", tz="UTC" if "tz" in kind else None)
    types = {"timestamp[us, tz=Asia/Tokyo]": pa.timestamp("us", "Asia/Tokyo"), "date64": pa.date64()}
    column = pa.array([moment.to_pydatetime()] * 2).cast(types.get(kind) or pa.type_for_alias(kind))
    table = rows([Y, Y]).drop_columns(["opened"]).append_column("opened", column)
    assert days(look(table, only())) == [date(2026, 1, 5)]


def test_texts_of_one_kind_are_understood() -> None:
    wanted = datetime(2026, 1, 5, 22, 30, tzinfo=UTC)
    for texts in (
        ("2026-01-05T22:30:00Z", "2026-01-06 00:00:00+01:30"),
        ("2026-01-05T22:30:00", " 2026-01-05 22:30:00.000 "),
        ("2026-01-05 22:30:00+0000", "2026-01-05 20:30:00-02"),
        ("2026-01-05 22:30:00", "2026-01-05 22:30"),
    ):
        assert look(at(*texts), only()).intake.newest == wanted


def test_days_among_times_are_midnights_in_utc() -> None:
    reading = look(at("2026-01-05", "2026-01-05 22:30:00"), only(timezone="Europe/Berlin"))
    assert days(reading) == [date(2026, 1, 5)]
    assert reading.intake.newest == datetime(2026, 1, 5, 22, 30, tzinfo=UTC)


def test_the_written_out_offsets_agree_with_the_engine_and_reach_back() -> None:
    """Rows of 30 years, of which only the last are shifted by offsets written into the query."""
    begin = datetime(1996, 1, 1, 0, 30, tzinfo=UTC)
    moments = [begin + timedelta(days=10 * i, hours=i % 24) for i in range(1100)]
    table = rows([{"opened": t, "x": True} for t in moments])
    chosen = only(timezone="America/New_York", start="2026-01-01")
    found = days(look(table, chosen, datetime(2027, 1, 1, tzinfo=UTC)))
    assert found == sorted({t.astimezone(chosen.zone).date() for t in moments})


# --- bad times -----------------------------------------------------------------------------------


def test_mixed_time_zones() -> None:
    texts = ["2026-01-05T22:30:00+01:00"] * 3 + ["2026-01-05T22:30:00"] * 2
    for table in (at(*texts), at(*reversed(texts)), at(*[*texts[:3], "2026-01-05", "2026-01-06"])):
        with pytest.raises(DataError, match=r"zones: 3 times .* and 2 do not, such as '2026-01-05") as caught:
            look(table, only())
        assert caught.value.where == "the pyarrow frame, column 'opened'"
        assert caught.value.remedy == "write all times with an offset, or all in UTC"


def test_mixed_time_zones_in_a_pandas_column() -> None:
    frame = rows([Y, Y]).to_pandas()
    mixed = [pd.Timestamp("2026-01-05 12:00"), pd.Timestamp("2026-01-05 12:00", tz="Europe/Berlin")]
    with pytest.raises(DataError, match="mixed time zones: 1 times"):
        look(frame.assign(opened=pd.Series(mixed, dtype=object)), only())


@pytest.mark.parametrize("text", ["05/01/2026 12:00", "yesterday", "2026-13-01", "infinity", "1767614400"])
def test_what_is_no_time(text: str) -> None:
    table = at("2026-01-05T22:30:00", text, text)
    with pytest.raises(DataError, match=f"2 values of the time column are no times, such as '{text}'") as caught:
        look(table, only())
    assert caught.value.where == "the pyarrow frame, column 'opened'"
    assert caught.value.remedy is not None
    assert "2026-01-05T14:30:00+01:00" in caught.value.remedy


@pytest.mark.parametrize(
    ("table", "missing"),
    [
        (rows([Y, Y, {"opened": None, "x": True}, Y]), 1),
        (at("2026-01-05T22:30:00", "2026-01-05T22:30:00", "", "NaT"), 2),
        (at("2026-01-05", "2026-01-05", None), 1),
    ],
)
def test_missing_times_are_excluded_and_counted(table: pa.Table, missing: int) -> None:
    intake = look(table, only()).intake
    assert (intake.null_time, intake.rows, intake.used) == (missing, len(table), len(table) - missing)


def test_a_moment_without_time_zone_is_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(UsageError, match="without time zone"):
        look(rows([Y, Y]), only(), naive)
    with pytest.raises(UsageError, match="without time zone"):
        look(rows([Y, Y]), only(), LATE, [naive])
