"""Two tables compared column by column."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

import rampgate
from rampgate.errors import ColumnError, UsageError

EMPLOYMENT = Path(__file__).parents[1] / "data" / "employment_ma_model" / "employment_ma_2015_2018.csv.gz"


def tables(n: int = 4000) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    one, other = (
        pd.DataFrame(
            {
                "score": rng.normal(shift, 1, n),
                "kind": rng.choice(["a", "b", "c", *extra], n),
                "right": rng.random(n) < 0.8,
                "at": pd.Timestamp("2026-01-05"),
                own: 1,
            }
        )
        for shift, extra, own in ((0.0, [], "old"), (0.8, ["d"], "new"))
    )
    return one, other


def test_every_column_that_both_have_and_what_is_said_of_the_others() -> None:
    found = rampgate.drift(*tables())
    assert {row.column: (row.kind, row.verdict) for row in found.rows} == {
        "score": ("numeric", "FAIL"), "kind": ("categorical", "FAIL"), "right": ("categorical", "PASS"),
    }  # fmt: skip
    assert found.acts
    assert found["kind"].message == "new: d"
    assert found.notes == (
        "at is not compared: it holds times or nested values",
        "old is only in the pandas frame",
        "new is only in the pandas frame",
    )
    assert repr(found) == "<DriftTable the pandas frame against the pandas frame: kind, score>"
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("form", ["polars", "lazy", "arrow", "csv", "parquet", "mixed"])
def test_every_form_of_table_gives_the_same_distances(form: str, tmp_path: Path) -> None:
    one, other = (frame.drop(columns=["at"]) for frame in tables(1500))
    given: list[object] = []
    for name, frame in (("one", one), ("other", other)):
        path = tmp_path / f"{name}.{'csv' if form == 'mixed' else form}"
        if form == "csv" or (form == "mixed" and name == "one"):
            frame.to_csv(path, index=False)
            given.append(path)
        elif form == "parquet":
            frame.to_parquet(path)
            given.append(str(path))
        elif form == "arrow":
            given.append(pa.Table.from_pandas(frame))
        else:
            given.append(pl.from_pandas(frame).lazy() if form == "lazy" else pl.from_pandas(frame))
    expected, found = (
        rampgate.drift(one, other, ["score", "kind"]),
        rampgate.drift(given[0], given[1], ["score", "kind"]),
    )
    for row in expected.rows:
        assert found[row.column].psi == pytest.approx(row.psi, rel=1e-9)
        if row.wasserstein is not None:
            assert found[row.column].wasserstein == pytest.approx(row.wasserstein, rel=1e-9)


def test_bad_tables_are_refused_with_a_remedy() -> None:
    one, other = tables(50)
    with pytest.raises(ColumnError, match="no column 'speed'"):
        rampgate.drift(one, other, ["speed"])
    with pytest.raises(ColumnError, match="'at' holds neither numbers nor categories"):
        rampgate.drift(one, other, ["at"])
    with pytest.raises(UsageError, match="no column in common"):
        rampgate.drift(one[["old"]], other[["new"]])


@pytest.mark.parametrize("values", [[], [None, None], [np.inf, -np.inf], [5.0, 5.0, 5.0]])
def test_odd_columns_have_defined_results(values: list[float]) -> None:
    frame = pd.DataFrame({"x": pd.array(values, dtype="Float64")})
    usual = pd.DataFrame({"x": np.arange(500.0)})
    for one, other in ((frame, usual), (usual, frame), (frame, frame)):
        [row] = rampgate.drift(one, other).rows
        assert row.verdict in ("NO_DATA", "FAIL", "PASS", "INCONCLUSIVE")
        json.dumps(row.to_dict(), allow_nan=False)


def test_a_key_of_its_own_in_every_row_is_no_drift() -> None:
    one, other = (pd.DataFrame({"x": [f"{name}{k}" for k in range(3000)]}) for name in ("a", "a"))
    assert rampgate.drift(one, other)["x"].verdict == "PASS"


def test_numbers_may_be_named_categories() -> None:
    one, other = tables()
    one["code"], other["code"] = 1, np.where(np.arange(len(other)) % 2, 1, 2)
    assert rampgate.drift(one, other, ["code"], kinds={"code": "categorical"})["code"].kind == "categorical"


def test_a_notebook_shows_the_table() -> None:
    shown = rampgate.drift(*tables())._repr_mimebundle_()
    assert "DRIFT" in shown["text/html"]
    assert "<td" in shown["text/html"]


def test_a_real_model_that_is_significantly_and_negligibly_away() -> None:
    """A model in production, 2015 against 2018 (tests/data/employment_ma_model): rejected, and as good as the same."""
    frame = pd.read_csv(EMPLOYMENT)
    before, after = frame[frame.year == 2015], frame[frame.year == 2018]
    numbers = ["AGEP", "SCHL", "predicted_probability"]
    found = rampgate.drift(before, after, [*numbers, "MAR"], kinds={"MAR": "categorical"})
    for name in numbers:
        row, test = found[name], ks_2samp(before[name], after[name])
        deviation = before[name].std(ddof=0)
        # Values of these columns, the last one apart, have a bin each or nearly so.
        assert row.ks == pytest.approx(test.statistic, abs=0.002)
        assert row.wasserstein_scaled == pytest.approx(
            wasserstein_distance(before[name] / deviation, after[name] / deviation), abs=0.005
        )
    assert ks_2samp(before.SCHL, after.SCHL).pvalue < 0.001
    row = found["SCHL"]
    assert row.p_value is not None
    assert row.p_value < 0.001
    assert row.psi is not None
    assert row.psi < 0.01
    assert row.upper is not None
    assert row.upper < 0.01
    assert not found.acts
    counts = [frame.MAR.value_counts().reindex(range(1, 6)).to_numpy() for frame in (before, after)]
    expected = chi2_contingency(counts, correction=False).pvalue
    assert found["MAR"].p_value == pytest.approx(expected, rel=1e-6)
