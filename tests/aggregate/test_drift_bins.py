"""Bins of what is watched: against NumPy and SciPy, and for columns of every sort."""

from __future__ import annotations

import json

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from rampgate.aggregate.drift_bins import CATEGORIES, Categories, Edges, ReferenceCounts
from rampgate.aggregate.drift_reference import by_bin, centered, drawn, says_numbers
from rampgate.aggregate.drift_values import drawn_from
from rampgate.aggregate.drift_values import placed as in_memory
from rampgate.aggregate.rows import relation
from rampgate.aggregate.typed import column, named, number_of, part, text_of
from rampgate.estimate.distances import kolmogorov_smirnov, wasserstein
from rampgate.source.duckdb import DuckDBEngine

RNG = np.random.default_rng(8)
N = 20_000
COLUMNS = {
    "normal": RNG.normal(0, 1, N),
    "lognormal": RNG.lognormal(0, 1, N),
    "far from 0": 1e9 + RNG.normal(0, 1, N),
    "counts": RNG.poisson(3, N).astype(float),
    "many counts": RNG.poisson(300, N).astype(float),
    "mostly 0": np.where(RNG.random(N) < 0.7, 0.0, RNG.exponential(5, N)),
    "0 or 1": (RNG.random(N) < 0.3).astype(float),
    "constant": np.full(N, 5.0),
    "tiny": RNG.normal(0, 1e-200, N),
    "huge": RNG.normal(0, 1e140, N),
    "negative": -RNG.lognormal(0, 1, N),
}


def rows_of(engine, name="x", kind="numeric"):
    from sqlglot import exp

    value = number_of(column(name), "number").value if kind == "numeric" else text_of(column(name), "text")
    return exp.Select().select(named(value, "x")).from_(relation(engine))


def edges(values):
    with DuckDBEngine.open(pd.DataFrame({"x": values})) as engine:
        found = drawn(engine, rows_of(engine), "x", "numeric")
        found = centered(found, by_bin(engine, rows_of(engine), found))
    assert isinstance(found, Edges)
    return found


def placed(bins, values):
    return np.bincount(np.searchsorted(bins.edges, values, side="left"), minlength=bins.size).astype(float)


@pytest.mark.parametrize("name", COLUMNS)
def test_ten_bins_of_equal_share_as_numpy_has_them(name):
    values = COLUMNS[name]
    bins = edges(values)
    tenths = {float(v) for v in np.quantile(values, [k / 10 for k in range(1, 10)], method="inverted_cdf")}
    ends = {bins.edges[place] for place in bins.tenths}
    assert tenths <= ends
    assert len(ends - tenths) <= 1  # and one below the smallest value where that is a tenth by itself
    few = bins.few(placed(bins, values))
    assert few.sum() == N
    if len(tenths) == 9 and len(set(values)) == N:
        assert few == pytest.approx(np.full(10, N / 10), abs=1)


@pytest.mark.parametrize("name", COLUMNS)
def test_the_engine_places_values_as_numpy_does(name):
    values = COLUMNS[name]
    bins = edges(values)
    later = np.concatenate([values, values * 1.3 + 0.1, [np.nan]])
    sql = bins.sql(part("x")).sql("duckdb")
    frame = pd.DataFrame({"x": later})  # noqa: F841  (the query reads it)
    found = duckdb.execute(
        f"select case when isnan(x) then null else {sql} end as b, count(*) as n from frame group by 1"
    )
    got = {b: n for b, n in found.fetchall() if b is not None}
    assert got == {k: int(n) for k, n in enumerate(placed(bins, later[:-1])) if n}


def moved(name, values, size):
    """The same column a while later: not beyond its range where that is a matter of a few values."""
    rng = np.random.default_rng(9)
    drawn_ = rng.choice(values, size)
    if name == "0 or 1":
        return (rng.random(size) < 0.4).astype(float)
    if name in ("counts", "many counts"):
        return np.minimum(drawn_ + 1.0, values.max())
    return np.where(drawn_ == 0, 0.0, drawn_ + 0.3 * float(values.std()))


@pytest.mark.parametrize("name", [n for n in COLUMNS if n not in ("constant", "huge", "tiny")])
@pytest.mark.parametrize("size", [200, N])
def test_distances_are_scipys_as_near_as_bins_allow(name, size):
    values = COLUMNS[name]
    bins, deviation, current = edges(values), float(values.std()), moved(name, values, size)
    counts = placed(bins, values), placed(bins, current)
    # A bin holds a fiftieth of the reference, unless more of it has one value, which is an end of its bin.
    ks = ks_2samp(values, current).statistic
    assert ks - 0.02 - 1e-9 <= kolmogorov_smirnov(*counts) <= ks + 1e-9
    # Within a bin values count as the reference's mean there: measured, not proven, in standard deviations.
    scaled = wasserstein_distance(values / deviation, current / deviation)
    assert wasserstein(*counts, np.array(bins.centers)) / deviation == pytest.approx(scaled, abs=0.03)


@pytest.mark.parametrize("far", [10.0, 30.0, 100.0])
def test_what_lies_far_out_is_known_to_a_third(far):
    values = COLUMNS["normal"]
    bins = edges(values)
    found = wasserstein(placed(bins, values), placed(bins, values + far), np.array(bins.centers))
    assert found == pytest.approx(far, rel=1 / 3)


@pytest.mark.parametrize("name", COLUMNS)
def test_values_in_memory_give_the_engines_bins(name):
    values = np.sort(COLUMNS[name])
    theirs, ours = edges(values), drawn_from("x", values)
    assert (ours.edges, ours.tenths) == (theirs.edges, theirs.tenths)
    # The engine loses some digits of a deviation of 1 about 1e9.
    assert ours.deviation == pytest.approx(theirs.deviation, rel=1e-5, abs=1e-300)
    assert ours.centers == pytest.approx(theirs.centers, rel=1e-9, abs=1e-12 * theirs.deviation)
    assert in_memory(ours, values) == pytest.approx(placed(theirs, values))


def test_few_values_have_a_bin_each_and_are_exact():
    values = COLUMNS["counts"]
    bins, current = edges(values), np.random.default_rng(1).poisson(3.4, 3000).clip(0, values.max()).astype(float)
    counts = placed(bins, values), placed(bins, current)
    assert kolmogorov_smirnov(*counts) == pytest.approx(ks_2samp(values, current).statistic, abs=1e-12)
    assert wasserstein(*counts, np.array(bins.centers)) == pytest.approx(
        wasserstein_distance(values, current), abs=1e-9
    )


def test_a_constant_tells_below_from_above():
    bins = edges(COLUMNS["constant"])
    below, at, above = (bins.few(placed(bins, np.full(10, v))) for v in (4.0, 5.0, 6.0))
    assert [int(np.argmax(x)) for x in (below, at, above)] == [0, 1, 2]
    assert bins.labels() == ("below 5", "5", "above 5")


def test_infinities_and_nan_are_missing():
    values = np.concatenate([COLUMNS["normal"], [np.inf, -np.inf, np.nan]])
    bins = edges(values)
    assert np.isfinite(bins.edges).all()
    assert np.isfinite(bins.centers).all()


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_a_column_without_a_value_has_bins_and_no_counts(kind):
    frame = pd.DataFrame({"x": pd.array([None] * 5, dtype="Float64" if kind == "numeric" else "string")})
    with DuckDBEngine.open(frame) as engine:
        bins = drawn(engine, rows_of(engine, kind=kind), "x", kind)
    assert bins.few(np.zeros(bins.size)).sum() == 0


def test_many_categories_are_the_most_frequent_ones_and_the_rest():
    values = [f"v{k}" for k in range(200) for _ in range(200 - k)]
    with DuckDBEngine.open(pd.DataFrame({"x": values})) as engine:
        bins = drawn(engine, rows_of(engine, kind="categorical"), "x", "categorical")
    assert isinstance(bins, Categories)
    assert bins.values == tuple(f"v{k}" for k in range(CATEGORIES))
    assert bins.more
    assert bins.size == CATEGORIES + 1


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["1", "2.5", None], True),
        (["1", "n/a", ""], True),
        (["a", "b"], False),
        (["true", "false"], False),
        ([None], False),
    ],
)
def test_text_that_says_numbers(values, numbers):
    with DuckDBEngine.open(pd.DataFrame({"x": pd.array(values, dtype="string")})) as engine:
        assert says_numbers(engine, "x") is numbers


@pytest.mark.parametrize("bins", [edges(COLUMNS["mostly 0"]), Categories("x", ("a", "b"), more=True)])
def test_references_survive_their_json_form(bins):
    kept = ReferenceCounts(
        "of", bins, tuple(range(bins.size)), 3, {"queue": {"a": (1, 2)}}, ((1, 2), (3, 4)), ("queue",), "week of x"
    )
    again = ReferenceCounts.from_dict("x", json.loads(json.dumps(kept.to_dict(), allow_nan=False)))
    assert again == kept
