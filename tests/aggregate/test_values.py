"""What a value means: known, unknown, or not of its kind, which is counted and shown."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.aggregate.support import look, only, policy, rows

from rampgate.aggregate.read import Reading
from rampgate.errors import DataError


def counted(reading: Reading, metric: str = "m") -> tuple[float, float]:
    """Sum of the values and number of the known, over all cells."""
    cells = reading.cells
    roles = ("value", "known") if f"{metric}:value" in cells.components else ("numerator", "known")
    sums = [cells.n @ cells.mean[:, cells.components.index(f"{metric}:{role}")] for role in roles]
    return round(float(sums[0]), 9), round(float(sums[1]), 9)


def column(*values: Any, kind: Any = None) -> pa.Table:
    return rows([{"x": value} for value in values], {"x": kind} if kind else None)


TRUTHS: dict[str, pa.Table] = {
    "booleans": column(True, False, True, None),
    "integers": column(1, 0, 1, None),
    "small integers": column(1, 0, 1, None, kind=pa.int8()),
    "numbers": column(1.0, 0.0, 1.0, math.nan),
    "decimals": column(Decimal("1.00"), Decimal("0.00"), Decimal("1.00"), None),
    "0 and 1": column("1", "0", "1", ""),
    "1.0 and 0.0": column("1.0", "0.0", "1.0", "nan"),
    "true and false": column("true", "false", "True", "NULL"),
    "TRUE and FALSE": column("TRUE", " FALSE ", "true", "N/A"),
    "yes and no": column("yes", "No", "Y", "none"),
    "t and f": column("t", "f", "T", None),
    "categories": column("true", "false", "true", None)
    .drop_columns(["x"])
    .append_column("x", pa.array(["true", "false", "true", None]).dictionary_encode()),
}


@pytest.mark.parametrize("how", TRUTHS)
@pytest.mark.parametrize("frame", ["arrow", "pandas"])
def test_spellings_of_true_and_false(how: str, frame: str) -> None:
    table = TRUTHS[how]
    reading = look(table if frame == "arrow" else table.to_pandas(), only())
    assert counted(reading) == (2, 3)
    assert reading.intake.malformed == ()
    assert reading.intake.used == 4


@pytest.mark.parametrize("how", [name for name in TRUTHS if name != "1.0 and 0.0"])
def test_they_are_numbers_too(how: str) -> None:
    assert counted(look(TRUTHS[how], only("mean"))) == (2, 3)


@pytest.mark.parametrize(
    ("values", "count", "example"),
    [
        ((1, 0, 2, None, 2), 2, "2"),
        ((1.0, 0.0, 0.5, math.nan), 1, "0.5"),
        ((1.0, 0.0, -1.0, math.inf), 2, "-1.0"),
        (("1", "0", "1.2", "late"), 2, "1.2"),
        (("true", "false", "maybe", ""), 1, "maybe"),
        ((Decimal("1.0"), Decimal("0.0"), Decimal("0.5"), None), 1, "0.5"),
    ],
)
def test_a_proportion_out_of_range_is_counted_and_shown(values: tuple[Any, ...], count: int, example: str) -> None:
    reading = look(column(*values), only())
    assert reading.intake.malformed == (("m", count, example),)
    assert counted(reading) == (1, 2)
    assert reading.cells.malformed.sum() == count


@pytest.mark.parametrize(
    ("values", "count", "example"),
    [
        (("1.5", "2.5", "fast", None), 1, "fast"),
        (("1.5", "2.5", "1,5", "1 000"), 2, "1 000"),
        ((1.5, 2.5, math.inf, -math.inf), 2, "-inf"),
        (("1.5", "2.5", "inf", "1e999"), 2, "1e999"),
        ((1.5, 2.5, 1e200, math.nan), 1, "1e+200"),
    ],
)
def test_text_in_a_number_is_counted_and_shown(values: tuple[Any, ...], count: int, example: str) -> None:
    reading = look(column(*values), only("mean"))
    assert reading.intake.malformed == (("m", count, example),)
    assert counted(reading) == (4, 2)
    assert np.isfinite(reading.cells.comoment).all()


@pytest.mark.parametrize("nothing", ["", " ", "nan", "NaN", "NA", "n/a", "NULL", "None", "<NA>", "nat"])
def test_words_for_nothing_are_unknown(nothing: str) -> None:
    reading = look(column("1.5", "2.5", nothing, None), only("mean"))
    assert (counted(reading), reading.intake.malformed) == ((4, 2), ())


def test_nothing_known_at_all() -> None:
    for kind in (pa.float64(), pa.bool_(), pa.string(), pa.null()):
        reading = look(column(None, None, kind=kind), only())
        assert counted(reading) == (0, 0)
        assert (reading.intake.used, reading.intake.malformed) == (2, ())


def test_malformed_values_of_history_are_not_shown() -> None:
    """They are in the cells, where history is; the account of the look is about the look."""
    records = [{"x": x, "version": v, "opened": t} for x, v, t in (
        ("late", "v1", "2026-01-01"), ("1", "v1", "2026-01-05"), ("1", "v2", "2026-01-05"))]  # fmt: skip
    reading = look(rows(records), only())
    assert (reading.intake.malformed, reading.intake.history) == ((), 1)
    assert reading.cells.malformed[:, 0].tolist() == [1, 0, 0]


RATIO = {"kind": "ratio", "numerator": "top", "denominator": "bottom"}


def ratio(**more: Any) -> Any:
    kpi = {"kind": "proportion", "column": "x"}
    return policy(metrics={"r": RATIO, "m": kpi}, kpi={"weights": {"m": 1}}, segments=None, **more)


def test_a_ratio_with_either_part_unknown_is_unknown() -> None:
    tops, bottoms = (1.0, None, 3.0, math.nan, 5.0), (2.0, 2.0, None, 2.0, 4.0)
    reading = look(rows([{"top": t, "bottom": b, "x": 1} for t, b in zip(tops, bottoms, strict=True)]), ratio())
    cells = reading.cells
    total = cells.n @ cells.mean
    assert dict(zip(cells.components, total, strict=True)) == {
        "m:value": 5, "m:known": 5, "r:numerator": 6, "r:denominator": 6, "r:known": 2,
    }  # fmt: skip


def test_a_ratio_counts_a_row_once_and_shows_either_part() -> None:
    parts = [("1", "2"), ("one", "two"), ("3", "two"), ("4", "5")]
    reading = look(rows([{"top": t, "bottom": b, "x": 1} for t, b in parts]), ratio())
    assert reading.intake.malformed == (("r", 2, "one"),)
    assert counted(reading, "r")[1] == 2


@pytest.mark.parametrize(
    ("values", "equals", "wanted"),
    [
        (("ONTIME", "OVERDUE", "ONTIME", ""), "ONTIME", (2, 3)),
        ((1, 2, 1, None), "1", (2, 3)),
        ((1.0, 2.5, 1.0, math.nan), "1", (2, 3)),
        ((1.0, 2.5, 1.0, math.nan), "2.5", (1, 3)),
        ((True, False, True, None), "true", (2, 3)),
        ((True, False, True, None), "False", (1, 3)),
        (("it's", 'say "x"', "it's", None), "it's", (2, 3)),
        (("NA", "EU", "NA", None), "NA", (2, 3)),
    ],
)
def test_equals(values: tuple[Any, ...], equals: str, wanted: tuple[int, int]) -> None:
    reading = look(column(*values), only(metric={"equals": equals}))
    assert (counted(reading), reading.intake.malformed) == (wanted, ())


def test_a_misspelt_value_is_refused_and_a_rare_one_is_not() -> None:
    table = column("ONTIME", "OVERDUE", "ONTIME", "")
    with pytest.raises(DataError, match="no row equals 'ontime'") as caught:
        look(table, only(metric={"equals": "ontime"}))
    assert caught.value.where == "the pyarrow frame, column 'x' (metrics.m.equals)"
    assert caught.value.remedy == "did you mean 'ONTIME'?"
    # Nothing to count of a good outcome is a mistake; of a bad one there may be none yet.
    with pytest.raises(DataError, match="no row equals 'CANCELLED'") as caught:
        look(table, only(metric={"equals": "CANCELLED"}))
    assert caught.value.remedy == "name one of its values: 'ONTIME' (2 rows), 'OVERDUE' (1 rows)"
    assert counted(look(table, only(metric={"equals": "CANCELLED", "better": "lower"}))) == (0, 3)


def test_segment_values_as_text() -> None:
    for values, wanted in (
        (["a", None, "", "(unknown)"], ["(unknown)", "(unknown)", "(unknown)", "a"]),
        ([1, 2, None, 1], ["(unknown)", "1", "1", "2"]),
        ([1.0, 2.5, math.nan, None], ["(unknown)", "(unknown)", "1", "2.5"]),
        ([True, False, None, True], ["(unknown)", "false", "true", "true"]),
    ):
        chosen = policy(
            metrics={"m": {"kind": "proportion", "column": "x"}},
            kpi={"weights": {"m": 1}},
            segments={"by": ["s"], "guardrails": {"kpi": {"margin": "5pp"}}},
        )
        for frame in (lambda t: t, lambda t: t.to_pandas()):
            cells = look(frame(rows([{"x": True, "s": value} for value in values])), chosen).cells
            seen = sorted(v for (v,), n in zip(cells.values, cells.n, strict=True) for _ in range(int(n)))
            assert seen == wanted


def test_a_variant_may_be_a_number() -> None:
    chosen = only(baseline=1, candidate=2)
    for versions in ([1, 2, 1, None], [1.0, 2.0, 1.0, math.nan], ["1", "2", "1", None]):
        intake = look(rows([{"x": True, "version": v} for v in versions]), chosen).intake
        assert (intake.used, intake.null_variant) == (3, 1)


@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(-2, 3), st.text(max_size=4)), min_size=2, max_size=12))
def test_every_value_is_known_unknown_or_shown(values: list[Any]) -> None:
    """Objects of any kind in one pandas column: nothing is dropped, nothing breaks."""
    frame = rows([{"x": 0} for _ in values]).to_pandas()
    reading = look(frame.assign(x=pd.Series(values, dtype=object)), only())
    known = counted(reading)[1]
    bad = sum(count for _, count, _ in reading.intake.malformed)
    assert reading.intake.used == len(values)
    assert known + bad <= len(values)
    words = {"true", "false", "1", "0", "t", "f", "y", "n", "yes", "no"}
    spelt = [str(value).strip().lower() in words for value in values]
    # Python reads as numbers all that SQL does, and more.
    could_be = [_as_python_reads(str(value)) in (0.0, 1.0) for value in values]
    assert sum(spelt) <= known <= sum(a or b for a, b in zip(spelt, could_be, strict=True))


def _as_python_reads(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
