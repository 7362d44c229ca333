"""Text in a form of time, read by the engine, against Python's own strptime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from rampgate.source import ColumnType, Engine, MemoryEngine
from rampgate.source.duckdb import DuckDBEngine

FORMS = (
    "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y", "%d.%m.%y", "%Y%m%d", "%d-%b-%Y", "%d %B %Y",
    "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %H:%M:%S.%f", "%Y-%m-%dT%H:%MZ",
)  # fmt: skip


def read(values: list[Any], form: str, kind: ColumnType = "text") -> list[datetime | None]:
    """What the engine makes of some values."""
    with DuckDBEngine.open(pa.table({"t": values})) as engine:
        at = engine.utc(exp.column("t"), kind, form)
        select = exp.Select().select(exp.alias_(at, "at")).from_(engine.relation())
        found = engine.query(select)["at"]
    return [None if np.isnat(value) else value.item() for value in found]


def by_python(text: str, form: str) -> datetime | None:
    try:
        at = datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return None
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


@pytest.mark.parametrize("form", FORMS)
def test_it_reads_what_python_reads(form: str) -> None:
    step = timedelta(days=11, hours=7, minutes=13, seconds=29, microseconds=250_000)
    texts = [(datetime(1999, 12, 31) + i * step).strftime(form) for i in range(1500)]  # noqa: DTZ001
    assert read(texts, form) == [by_python(text, form) for text in texts]
    assert None not in read(texts, form)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("3/2/2026 9:05", "%d/%m/%Y %H:%M"),
        ("03/02/26", "%d/%m/%y"), ("03/02/68", "%d/%m/%y"), ("03/02/69", "%d/%m/%y"), ("03/02/2026", "%d/%m/%y"),
        ("03/02/26", "%d/%m/%Y"), ("03/02/226", "%d/%m/%Y"), ("03/02/20260", "%d/%m/%Y"),
        ("31/02/2026", "%d/%m/%Y"), ("13/13/2026", "%d/%m/%Y"), ("29/02/2024", "%d/%m/%Y"), ("29/02/2026", "%d/%m/%Y"),
        ("03/02/2026 14:05", "%d/%m/%Y"), ("03/02/2026", "%d/%m/%Y %H:%M"), ("03-02-2026", "%d/%m/%Y"),
        ("2026-02-03", "%d/%m/%Y"), ("+3/02/2026", "%d/%m/%Y"), ("003/02/2026", "%d/%m/%Y"),
        ("03/02/2026 24:00", "%d/%m/%Y %H:%M"), ("03/02/2026 23:60", "%d/%m/%Y %H:%M"),
        ("3/2/2026 12:05 am", "%m/%d/%Y %I:%M %p"), ("3/2/2026 13:05 PM", "%m/%d/%Y %I:%M %p"),
        ("03-FEB-2026", "%d-%b-%Y"), ("03-Fev-2026", "%d-%b-%Y"),
        ("03/02/2026 14:05 +0100", "%d/%m/%Y %H:%M %z"), ("03/02/2026 14:05+05:30", "%d/%m/%Y %H:%M%z"),
        ("infinity", "%d/%m/%Y"), ("-infinity", "%d/%m/%Y"), ("epoch", "%d/%m/%Y"), ("yesterday", "%d/%m/%Y"),
        ("", "%d/%m/%Y"), ("?", "%d/%m/%Y"),
    ],
)  # fmt: skip
def test_it_is_as_strict_as_python(text: str, form: str) -> None:
    assert read([text], form) == [by_python(text, form)]


@given(at=st.datetimes(datetime(1969, 1, 1), datetime(2068, 12, 31)), form=st.sampled_from(FORMS))  # noqa: DTZ001
def test_what_is_written_in_a_form_is_read_back(at: datetime, form: str) -> None:
    text = at.strftime(form)
    assert read([text], form) == [by_python(text, form)]


@given(st.text(alphabet="0123456789/:. -APMapm", max_size=20), st.sampled_from(FORMS))
def test_junk_is_no_time(text: str, form: str) -> None:
    """Whatever the engine reads, Python reads to the same; it may refuse more (years of less than four digits)."""
    [found] = read([text], form)
    assert found is None or found == by_python(text.strip(), form)


@pytest.mark.parametrize(
    ("form", "value", "wanted"),
    [
        ("epoch_s", 1_770_127_509, datetime(2026, 2, 3, 14, 5, 9)),  # noqa: DTZ001
        ("epoch_ms", 1_770_127_509_250, datetime(2026, 2, 3, 14, 5, 9, 250_000)),  # noqa: DTZ001
        ("epoch_us", 1_770_127_509_000_001, datetime(2026, 2, 3, 14, 5, 9, 1)),  # noqa: DTZ001
        ("epoch_s", 1_770_127_509_000, None),  # milliseconds
        ("epoch_ms", 1_770_127_509, None),  # seconds
        ("epoch_us", 1_770_127_509_250, None),
        ("epoch_s", 0, None), ("epoch_s", -5, None), ("epoch_s", 20260203, None),
    ],
)  # fmt: skip
def test_epochs(form: str, value: int, wanted: datetime | None) -> None:
    """2026-02-03 14:05:09 UTC by GNU date is 1770127509."""
    assert read([value], form, "integer") == [wanted]
    assert read([float(value)], form, "number") == [wanted]
    assert read([str(value)], form) == [wanted]


def test_what_is_no_epoch() -> None:
    texts = ["", "x", "nan", "inf", "1e99", "03/02/2026", None, "1770127509.5"]
    assert read(texts, "epoch_s") == [None] * 7 + [datetime(2026, 2, 3, 14, 5, 9, 500_000)]  # noqa: DTZ001
    assert read([float("nan"), float("inf"), None], "epoch_s", "number") == [None] * 3


def test_the_fake_does_it_too() -> None:
    engine: Engine = MemoryEngine([], lambda _: {})
    sql = engine.utc(exp.column("a"), "text", "%d/%m/%Y").sql("duckdb")
    assert sql == "STRPTIME(a, '%d/%m/%Y')"
