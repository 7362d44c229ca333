"""Tables as people have them: other forms of time, decimal commas. What does not fit is said, never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from tests.aggregate.support import csv_text, look, only, rows, same, tickets
from tests.aggregate.support import policy as full

from rampgate.errors import ColumnError, DataError
from rampgate.policy import Policy

SOURCE = {"unit": "ticket", "time": "opened", "variant": "version"}


def timed(form: Any, **more: Any) -> Policy:
    return only(source={**SOURCE, "time_format": form}, **more)


def at(*values: Any) -> pa.Table:
    return rows([{"opened": value, "x": True} for value in values])


def rewritten(table: pa.Table, form: str) -> pa.Table:
    """The same table with its times as text in a form."""
    texts = [value.strftime(form) for value in table["opened"].to_pylist()]
    return table.set_column(table.column_names.index("opened"), "opened", pa.array(texts))


@pytest.mark.parametrize(
    "form",
    ["%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d.%m.%y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%Y%m%d%H%M%S",
     "%d/%m/%Y %H:%M:%S %z"],
)  # fmt: skip
def test_cells_are_those_of_a_column_of_times(tmp_path: Path, form: str) -> None:
    """Through a file with semicolons and a byte-order mark, and as a column of text."""
    table, chosen = tickets(), full(source={**SOURCE, "time_format": form}, timezone="Europe/Berlin")
    wanted = look(table, full(timezone="Europe/Berlin")).cells
    changed = rewritten(table, form)
    (tmp_path / "t.csv").write_text(csv_text(changed, ";", "\r\n"), "utf-8-sig")
    same(look(changed, chosen).cells, wanted)
    same(look("t.csv", chosen, base=tmp_path).cells, wanted)


@pytest.mark.parametrize(("form", "units"), [("epoch_s", 1), ("epoch_ms", 1000), ("epoch_us", 1_000_000)])
@pytest.mark.parametrize("kind", ["int64", "double", "string"])
def test_cells_are_those_of_epochs(form: str, units: int, kind: str) -> None:
    table, chosen = tickets(), full(source={**SOURCE, "time_format": form})
    counts = [int(value.timestamp()) * units for value in table["opened"].to_pylist()]
    changed = table.set_column(1, "opened", pa.array(counts).cast(kind))
    same(look(changed, chosen).cells, look(table, full()).cells)


def test_numbers_that_are_days() -> None:
    reading = look(at(20260203, 20260204), timed("%Y%m%d", start="2026-02-01", timezone="Pacific/Auckland"))
    assert [reading.cells.periods[t].day for t in reading.cells.period] == [date(2026, 2, 3), date(2026, 2, 4)]
    assert reading.intake.used == 2


def test_days_and_times_of_one_table() -> None:
    forms = ["%d/%m/%Y", "%d/%m/%Y %H:%M"]
    reading = look(at("03/02/2026", "3/2/2026 22:30", None), timed(forms, start="2026-02-01"))
    assert reading.intake.newest == datetime(2026, 2, 3, 22, 30, tzinfo=UTC)
    assert (reading.intake.used, reading.intake.null_time) == (2, 1)


def test_day_first_and_month_first_are_not_mistaken_for_each_other() -> None:
    text = "03/02/2026 12:00"
    assert look(at(text, text), timed("%d/%m/%Y %H:%M")).start == date(2026, 2, 3)
    assert look(at(text, text), timed("%m/%d/%Y %H:%M")).start == date(2026, 3, 2)
    with pytest.raises(DataError, match=r"1 values of the time column are no times of the form %m/%d/%Y, such as"):
        look(at("03/02/2026", "13/02/2026"), timed("%m/%d/%Y"))


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("03/02/2026 14:05", 'time_format: "%d/%m/%Y %H:%M" where the day comes first, "%m/%d/%Y %H:%M" where'),
        ("3.2.2026", "where the day comes first"),
        ("03-FEB-26", "where the day comes first"),
        ("2026/02/03", "where the day comes first"),
        ("1770127509", "time_format: epoch_s"),
        ("yesterday", "for another form write it as time_format under source"),
    ],
)
def test_without_a_form_it_is_an_error_that_names_the_key(text: str, remedy: str) -> None:
    with pytest.raises(DataError, match=r"1 values of the time column are no times, such as") as caught:
        look(at("2026-02-03", text), only())
    assert caught.value.remedy is not None
    assert remedy in caught.value.remedy


def test_what_does_not_fit_the_form_is_counted_and_named() -> None:
    table = at("03/02/2026", "31/02/2026", "2026-02-03", "", "NaT", None)
    with pytest.raises(DataError) as caught:
        look(table, timed("%d/%m/%Y"))
    assert caught.value.what == "2 values of the time column are no times of the form %d/%m/%Y, such as '2026-02-03'"
    assert "list every form" in str(caught.value.remedy)
    assert look(at("03/02/2026", "04/02/2026", "", "NaT", None), timed("%d/%m/%Y")).intake.null_time == 3


def test_times_with_and_without_an_offset_are_not_mixed() -> None:
    forms = ["%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M %z"]
    with pytest.raises(DataError, match=r"mixed time zones: 1 times .* '03/02/2026 14:05 \+0100', and 2 do not"):
        look(at("03/02/2026 14:05 +0100", "03/02/2026 14:05", "04/02/2026 14:05"), timed(forms))
    with pytest.raises(DataError, match="mixed time zones"):
        look(at("1770127509", "04/02/2026"), timed(["epoch_s", "%d/%m/%Y"]))


def test_a_column_of_times_needs_no_form_and_ignores_one() -> None:
    """The same policy reads the CSV file and the frame that was made of it."""
    table, chosen = tickets(), full(source={**SOURCE, "time_format": "%d/%m/%Y %H:%M:%S"})
    same(look(table, chosen).cells, look(table, full()).cells)
    dated = rows([{"opened": date(2026, 3, day), "x": True} for day in (7, 8)])
    assert look(dated, timed("%d/%m/%Y", timezone="Asia/Tokyo")).start == date(2026, 3, 8)


def test_a_column_of_numbers_without_a_form() -> None:
    with pytest.raises(ColumnError, match="write time_format: epoch_s"):
        look(at(1770127509, 1770127510), only())
    with pytest.raises(ColumnError, match="holds true and false, not times") as caught:
        look(at(True, False), timed("epoch_s"))
    assert caught.value.remedy == "give it as a timestamp or as a date"


# --- decimal commas ------------------------------------------------------------------------------


def means(values: list[Any], decimal: str = ",") -> tuple[list[float | None], int]:
    """What each value counts as, and how many are no numbers."""
    table = rows([{"x": value, "i": i} for i, value in enumerate(values)])
    chosen = full(
        metrics={"m": {"kind": "mean", "column": "x", "best": 1, "worst": 0}},
        kpi={"weights": {"m": 1}},
        source={**SOURCE, "decimal": decimal},
        segments={"by": ["i"]},
        start="2026-01-01",
    )
    reading = look(table, chosen)
    found = {
        int(value[0]): float(mean[0]) if mean[1] == 1 else None
        for value, mean in zip(reading.cells.values, reading.cells.mean, strict=True)
    }
    return [found[i] for i in range(len(values))], sum(count for _, count, _ in reading.intake.malformed)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3,5", 3.5), ("3", 3.0), ("-3,5", -3.5), ("+0,25", 0.25), (",5", 0.5), ("1.234,5", 1234.5),
        ("1.234.567", 1234567.0), ("12.345.678,9", 12345678.9), ("1,5e3", 1500.0), (" 3,5 ", 3.5), ("yes", 1.0),
    ],
)  # fmt: skip
def test_a_decimal_comma(text: str, wanted: float) -> None:
    assert means([text, "1,5"]) == ([wanted, 1.5], 0)


@pytest.mark.parametrize(
    "text",
    ["3.5", "0.873", "1.234", "1,234,567", "1.23,4", "12.34.567", "3,", "1.2345,6", "0.123,4", "inf", "x", "1,5,"],
)
def test_what_a_decimal_comma_makes_doubtful_is_no_number(text: str) -> None:
    assert means([text, "1,5"]) == ([None, 1.5], 1)


def test_a_decimal_comma_without_the_key_is_counted_as_no_number() -> None:
    assert means(["3,5", "1.5", "2"], ".") == ([None, 1.5, 2.0], 1)


def test_the_key_is_for_text_alone() -> None:
    frame = pd.DataFrame({"x": [3.5, 1.25]})
    table = rows([{"x": value} for value in frame["x"]])
    chosen = only("mean", source={**SOURCE, "decimal": ","}, start="2026-01-01")
    assert sorted(look(table, chosen).cells.mean[:, 0]) == [1.25, 3.5]
