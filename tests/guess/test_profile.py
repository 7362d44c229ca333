"""The profile of a table, against pandas; a large one is looked at twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.guess.tables import support

from rampgate.guess.profile import Profile, profile
from rampgate.source import open_engine


def profiles(frame: pd.DataFrame, decimal: str = ".") -> dict[str, Profile]:
    with open_engine(frame) as engine:  # type: ignore[attr-defined]
        return profile(engine, decimal)


def texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Every column as text, as a CSV file has it."""
    return pd.DataFrame({name: frame[name].astype("string").fillna("") for name in frame})


@pytest.mark.parametrize("as_text", [False, True])
def test_counts_and_moments_are_those_of_pandas(as_text: bool) -> None:
    frame = support(days=10)
    found = profiles(texts(frame) if as_text else frame)
    for name in ("handling_hours", "csat", "confidence", "row"):
        one, column = found[name], frame[name]
        assert (one.known, one.numbers, one.rows) == (len(frame),) * 3
        assert (one.least, one.most) == (column.min(), column.max())
        assert one.mean == pytest.approx(column.mean(), rel=1e-12)
        assert one.spread == pytest.approx(column.std(ddof=0), rel=1e-9)
        assert one.whole == int((column % 1 == 0).sum())
    for name in ("queue", "sla", "overridden", "priority"):
        assert dict(found[name].values) == frame[name].value_counts().to_dict()
        assert found[name].distinct == frame[name].nunique()
    assert found["overridden"].mean == pytest.approx((frame["overridden"] == "yes").mean())
    assert found["correct"].mean == pytest.approx(frame["correct"].mean())
    assert found["correct"].binary == len(frame)
    assert found["nothing"].known == 0
    assert abs(found["ticket_id"].distinct / len(frame) - 1) < 0.15


def test_words_for_nothing_are_no_values() -> None:
    empty = ["3", "", "NaN", "n/a", None, "null", " 4 "]
    found = profiles(pd.DataFrame({"x": empty, "y": [*"abcabc", None]}))
    assert (found["x"].known, found["x"].numbers, found["x"].filled) == (2, 2, 2 / 7)
    assert (found["x"].low, found["x"].high) == ("3", "4")
    assert found["y"].words == ("a", "b", "c")
    assert found["y"].values[-1] == (None, 1)


@pytest.mark.parametrize("extra", [[], ["x"], ["inf"]])
def test_what_is_no_number_is_counted(extra: list[str]) -> None:
    found = profiles(pd.DataFrame({"x": ["1.5", "2", "yes", "-3e2", *extra] * 20}))["x"]
    # Words count as 1 and 0 where all values are words; beside numbers they are left to whoever asks.
    assert found.numeric is False
    assert found.numbers == 60


def test_a_large_table_is_looked_at_twice_and_counted_whole() -> None:
    """What begins after the first 20,000 rows is not missed."""
    n = 25_000
    late = [None] * 21_000 + [f"{i / 4}" for i in range(4_000)]
    spoilt = [str(i) for i in range(n - 3)] + ["?", "?", "x"]
    days = [f"{1 + i % 28:02d}/02/2026" for i in range(n)]
    found = profiles(pd.DataFrame({"late": late, "spoilt": spoilt, "day": days, "word": ["alpha", "beta"] * (n // 2)}))
    assert (found["late"].known, found["late"].numbers, found["late"].most) == (4_000, 4_000, 999.75)
    assert (found["spoilt"].known, found["spoilt"].numbers) == (n, n - 3)
    assert (found["day"].dates, found["day"].iso, found["day"].low) == (n, 0, "01/02/2026")
    assert found["word"].length == 4.5
    assert np.isnan(found["word"].mean)


def test_decimal_commas() -> None:
    frame = pd.DataFrame({"x": ["3,5", "1.234,25", "12"] * 10, "us": ["1,234", "2,500", "1"] * 10})
    plain, comma = profiles(frame), profiles(frame, ",")
    assert (plain["x"].numbers, plain["x"].commas, plain["x"].proof) == (10, 20, 20)
    assert (plain["us"].commas, plain["us"].proof) == (20, 0)
    assert (comma["x"].numbers, comma["x"].most) == (30, 1234.25)
