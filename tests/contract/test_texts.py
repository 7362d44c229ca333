"""What is written as text is the same number, day or time on every engine, and what is none is NULL on every one."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sqlglot import exp
from tests.contract.engines import Hold
from tests.source.test_time_forms import FORMS, by_python

from rampgate.source import ColumnType, Engine, open_engine

#: Text that is a number, and the number.
NUMBERS = {
    "0": 0.0, "5": 5.0, "+5": 5.0, "-5": -5.0, "1.": 1.0, ".5": 0.5, "0.1": 0.1, "1e5": 1e5, "1E5": 1e5, "1e+5": 1e5,
    "1.7976931348623157e200": 1.7976931348623157e200, "4.9e-120": 4.9e-120, "123456789012345678": 123456789012345678.0,
    "0.30000000000000004": 0.30000000000000004, "1" * 60: float("1" * 60), "-2.5e-3": -2.5e-3, "00012": 12.0,
}  # fmt: skip
NO_NUMBERS = ("", ".", "e5", "1e", "--5", "5.5.5", "1,5", "0x10", "1.0f", "1d", "1 000", "five", "١", "%", "1e5e5")
#: Text that is an ISO 8601 day or time, and the time in UTC.
TIMES = {
    "2026-01-05": "2026-01-05", "2026-1-5": "2026-01-05", "2024-02-29": "2024-02-29", "0001-01-01": "0001-01-01",
    "2026-01-05T14:30": "2026-01-05T14:30", "2026-01-05 4:30": "2026-01-05T04:30", "2026/01/05 12:00": "2026-01-05T12",
    "2026-01-05T14:30:00Z": "2026-01-05T14:30", "2026-01-05 14:30:00+01": "2026-01-05T13:30",
    "2026-01-05 14:30:00+0100": "2026-01-05T13:30", "2026-01-05 14:30:00-00:30": "2026-01-05T15:00",
    "2026-01-05T23:30:00-05:30": "2026-01-06T05:00", "2026-01-05 14:30:00.1": "2026-01-05T14:30:00.1",
    "2026-01-05 14:30:00.123456": "2026-01-05T14:30:00.123456", "2026-01-05 14:30+01": "2026-01-05T13:30",
    "2026-01-05 14:30:00.123456789": "2026-01-05T14:30:00.123456", "2026-01-05  14:30:00": "2026-01-05T14:30",
    "2026-12-31T23:59:59.999999": "2026-12-31T23:59:59.999999", "2000-02-29 00:00:00": "2000-02-29",
    "2026-1-5 4:3:2": "2026-01-05T04:03:02",
}  # fmt: skip
NO_TIMES = (
    "", "2026-01-05 14", "2026-01-05 14:30:60", "2026-02-30", "2026-02-29", "1900-02-29", "2026-04-31", "20260105",
    "2026", "2026-01", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32", "2026-01-05 25:00", "2026-001-05",
    "2026-01-05Z", "2026-01-05+01", "2026-01-05 14:30:00,5", "2026-01-05 14:30:00 Nowhere/X", "yesterday", "now", "x",
    "2026-01-05 14:30:00+1", "2026-01-05 14:30 PM", "12:30",
)  # fmt: skip


def asked(engine: Engine, *values: exp.Expr) -> list[np.ndarray]:
    """Values of every row, in the rows' order."""
    named = [exp.alias_(value, f"v{i}") for i, value in enumerate(values)]
    select = exp.Select().select(exp.column("i"), *named).from_(exp.alias_(engine.relation(), "events", table=True))
    found = engine.query(select)
    order = np.argsort(found["i"])
    return [found[f"v{i}"][order] for i in range(len(values))]


def held(hold: Hold, **columns: Any) -> Engine:
    """An engine over columns of equal length, with the row's number as ``i``."""
    length = max(len(values) for values in columns.values())
    filled = {name: [*values, *[None] * (length - len(values))] for name, values in columns.items()}
    return open_engine(hold(pa.table({"i": list(range(length)), **filled})))


def test_numbers_days_and_times(hold: Hold) -> None:
    numbers, times = [*NUMBERS, *NO_NUMBERS], [*TIMES, *NO_TIMES]
    engine = held(hold, number=pa.array(numbers), time=pa.array(times))
    double, day = exp.DataType.build("double"), exp.DataType.build("date")
    found_numbers, found_times, found_days = asked(
        engine,
        exp.TryCast(this=exp.column("number"), to=double),
        engine.utc(exp.column("time"), "text"),
        exp.TryCast(this=exp.column("time"), to=day),
    )
    for text, number in zip(numbers, found_numbers, strict=False):
        wanted = NUMBERS.get(text, math.nan)
        assert number == wanted or (math.isnan(number) and math.isnan(wanted)), text
    for text, at in zip(times, found_times, strict=False):
        instant = np.datetime64(TIMES.get(text, "NaT"), "us")
        assert at == instant or (np.isnat(at) and np.isnat(instant)), text
    for text, at in zip(times, found_days.astype("datetime64[D]"), strict=False):
        if text in TIMES and len(text) <= 10:
            assert at == np.datetime64(TIMES[text], "D"), text
    engine.close()


ODD_FORMS = {
    "%d/%m/%Y": ("03/02/26", "31/02/2026", "29/02/2024", "03-02-2026", "2026-02-03", "+3/02/2026", "infinity", "", "?"),
    "%d/%m/%Y %H:%M": ("3/2/2026 9:05", "03/02/2026 24:00", "03/02/2026 23:60", "03/02/2026"),
    "%d.%m.%y": ("03.02.68", "03.02.69", "03.02.2026"),
    "%m/%d/%Y %I:%M %p": ("3/2/2026 12:05 am", "3/2/2026 12:05 PM", "3/2/2026 1:05 pm", "3/2/2026 13:05 PM"),
    "%d-%b-%Y": ("03-FEB-2026", "03-Fev-2026", "3-dec-2025"),
    "%d/%m/%Y %H:%M %z": ("03/02/2026 14:05 +0100", "03/02/2026 14:05 -05:30"),
}


def test_forms_of_time_are_read_as_python_reads_them(hold: Hold) -> None:
    step = [datetime(1999, 12, 31, 23, 45, 7, 250_000), datetime(2024, 2, 29, 0, 5), datetime(2026, 11, 3, 12, 59, 59)]  # noqa: DTZ001
    texts = {form: [at.strftime(form) for at in step] for form in FORMS}
    for form, more in ODD_FORMS.items():
        texts.setdefault(form, []).extend(more)
    forms = list(texts)
    engine = held(hold, **{f"c{i}": pa.array(texts[form], pa.string()) for i, form in enumerate(forms)})
    found = asked(engine, *(engine.utc(exp.column(f"c{i}"), "text", form) for i, form in enumerate(forms)))
    for form, values in zip(forms, found, strict=True):
        read = [None if np.isnat(at) else at.item() for at in values[: len(texts[form])]]
        assert dict(zip(texts[form], read, strict=True)) == {text: by_python(text, form) for text in texts[form]}, form
    engine.close()


@pytest.mark.parametrize("kind", ["integer", "number", "text"])
def test_epochs(hold: Hold, kind: ColumnType) -> None:
    """2026-02-03 14:05:09 UTC by GNU date is 1770127509."""
    counts = [1_770_127_509, 1_770_127_509_250, 1_770_127_509_000_001, 0, -5, 20260203]
    values = {"integer": counts, "number": [float(v) for v in counts], "text": [str(v) for v in counts]}[kind]
    engine = held(hold, t=pa.array(values))
    found = asked(engine, *(engine.utc(exp.column("t"), kind, form) for form in ("epoch_s", "epoch_ms", "epoch_us")))
    wanted = ["2026-02-03T14:05:09", "2026-02-03T14:05:09.25", "2026-02-03T14:05:09.000001"]
    for place, (values, at) in enumerate(zip(found, wanted, strict=True)):
        assert values[place] == np.datetime64(at, "us")
        assert np.isnat(np.delete(values, place)).all()
    engine.close()
