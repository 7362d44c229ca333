"""Laws of what is estimated: any grouping of cells, swapped arms, segments by other names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.judge.build import Units, cells

from rampgate.aggregate.marginals import OVERALL, Group, groups_of, marginals
from rampgate.aggregate.moments import Cells
from rampgate.estimate import (
    confidence_sequence,
    cuped,
    evidence,
    kaplan_meier,
    log_rank,
    mantel_haenszel,
    quantile,
    rare_evidence,
    ratio,
    sample_ratio,
    two_means,
    two_proportions,
)
from rampgate.estimate.contrast import Contrast, take
from rampgate.estimate.counts import rare_limits
from rampgate.estimate.metric import contrast
from rampgate.policy import Policy, load_policy

DAYS, SEEDS = 4, st.integers(0, 10**6)
POLICY: Policy = load_policy(
    {
        "metrics": {
            "x": {"kind": "proportion", "column": "x"},
            "y": {"kind": "mean", "column": "y", "best": 3, "worst": -3},
        },
        "kpi": {"weights": {"x": 0.4, "y": 0.6}},
        "phases": [{"traffic": "50%"}],
    }
)


def units(seed: int, size: int = 240) -> Units:
    rng = np.random.default_rng(seed)
    queue = rng.choice(np.array(["a", "b", "c"], dtype=object), size)
    x = (rng.random(size) < 0.7).astype(float)
    y = np.where(rng.random(size) < 0.3, np.nan, rng.normal(size=size))
    return Units(rng.integers(0, DAYS, size), rng.integers(0, 2, size), {"x": x, "y": y}, {"queue": queue})


def contrasts(table: Cells, group: Group = OVERALL) -> list[Contrast]:
    m = marginals(table, (group,), range(DAYS))
    return [take(contrast(POLICY, name, m.arm(1), m.arm(0)), slice(None), 0) for name in ("x", "y", "kpi")]


def same(first: Contrast, second: Contrast) -> None:
    for name in ("n_c", "n_b", "weight", "effect", "bound"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), rel=1e-9, abs=1e-11), name
    assert first.variance(0.02) == pytest.approx(second.variance(0.02), rel=1e-9, abs=1e-11)


@given(SEEDS, SEEDS)
def test_any_order_and_grouping_of_rows_gives_the_same_contrasts(seed: int, other: int) -> None:
    """Cells by a segment that nobody asked for, in any order, and one cell per arm and day."""
    plain = units(seed)
    rng = np.random.default_rng(other)
    n = len(plain.day)
    pieces = replace(plain, segments={"piece": rng.integers(0, 6, n).astype(str).astype(object)})
    table = cells(pieces, DAYS)
    table = table.rows(rng.permutation(len(table.n)))
    whole = cells(replace(plain, segments={}), DAYS)
    for first, second in zip(contrasts(table), contrasts(whole), strict=True):
        same(first, second)


@given(SEEDS)
def test_swapping_the_arms_mirrors_the_contrasts(seed: int) -> None:
    plain = units(seed)
    swapped = replace(plain, arm=1 - plain.arm)
    for first, second in zip(contrasts(cells(plain, DAYS)), contrasts(cells(swapped, DAYS)), strict=True):
        assert first.weight == pytest.approx(second.weight)
        assert first.effect == pytest.approx(-second.effect, abs=1e-12)
        # A margin turns its sign as well.
        for margin in (0.0, 0.02, -0.3):
            assert first.variance(margin) == pytest.approx(second.variance(-margin), rel=1e-9, abs=1e-12)


@given(SEEDS, st.permutations(["a", "b", "c"]))
def test_segments_by_other_names_are_the_same_segments(seed: int, names: list[str]) -> None:
    plain = units(seed)
    rename = dict(zip("abc", names, strict=True))
    other = replace(plain, segments={"queue": np.array([rename[q] for q in plain.segments["queue"]], dtype=object)})
    table, renamed = cells(plain, DAYS), cells(other, DAYS)
    assert len(groups_of(table)) == len(groups_of(renamed))
    for value in "abc":
        pairs = zip(
            contrasts(table, Group("queue", value)), contrasts(renamed, Group("queue", rename[value])), strict=True
        )
        for first, second in pairs:
            same(first, second)
    for first, second in zip(contrasts(table), contrasts(renamed), strict=True):
        same(first, second)


# --- the public functions ---------------------------------------------------------------

TABLE = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


def mirrored(first: Any, second: Any) -> None:
    for name in ("difference", "statistic"):
        assert getattr(first, name) == pytest.approx(-getattr(second, name), abs=1e-12)
    for name in ("standard_error", "p_value"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), abs=1e-12)
    assert first.lower == pytest.approx(-second.upper, abs=1e-9)
    assert first.upper == pytest.approx(-second.lower, abs=1e-9)


@given(TABLE, st.sampled_from(["score", "wald"]))
def test_swapping_mirrors_proportions(table: tuple[int, int, int, int], way: Any) -> None:
    y_c, n_c, y_b, n_b = table
    first = two_proportions(y_c, n_c, y_b, n_b, interval=way)
    second = two_proportions(y_b, n_b, y_c, n_c, interval=way)
    mirrored(first, second)
    # A ratio turns into its inverse, and so do the ends of its interval.
    if first.relative_lower > -1 and np.isfinite(second.relative_upper):
        assert (1 + first.relative_lower) * (1 + second.relative_upper) == pytest.approx(1, rel=1e-6)
    if way == "score":
        # Both intervals see a difference, or neither does.
        assert (first.lower > 1e-12) <= (first.relative_lower > -1e-9)
        assert (first.relative_lower > 1e-12) <= (first.lower > -1e-9)


@given(st.lists(TABLE, min_size=1, max_size=5), st.randoms())
def test_strata_in_any_order_and_swapped(tables: list[tuple[int, int, int, int]], random: Any) -> None:
    found = mantel_haenszel(*np.array(tables, float).T)
    y_c, n_c, y_b, n_b = np.array(tables, float).T
    mirrored(found, mantel_haenszel(y_b, n_b, y_c, n_c))
    random.shuffle(tables)
    again = mantel_haenszel(*np.array(tables, float).T)
    assert [again.difference, again.lower, again.upper] == pytest.approx([found.difference, found.lower, found.upper])
    assert again.standard_error == pytest.approx(found.standard_error, abs=1e-9)


@given(TABLE)
def test_one_stratum_is_two_proportions(table: tuple[int, int, int, int]) -> None:
    y_c, n_c, y_b, n_b = table
    one, plain = mantel_haenszel([y_c], [n_c], [y_b], [n_b]), two_proportions(y_c, n_c, y_b, n_b)
    assert one.difference == pytest.approx(plain.difference, abs=1e-12)
    # Of one table the score given its margins has the variance of the pooled z, times n / (n - 1).
    n = n_c + n_b
    assert one.statistic * np.sqrt(n / (n - 1)) == pytest.approx(plain.statistic, abs=1e-9)


@given(SEEDS)
def test_swapping_mirrors_means_ratios_and_times(seed: int) -> None:
    rng = np.random.default_rng(seed)
    c, b, x_c, x_b = rng.normal(1, 1, 12), rng.normal(0, 2, 9), rng.random(12) + 1, rng.random(9) + 1
    mirrored(two_means(c, b), two_means(b, c))
    mirrored(ratio(c, x_c, b, x_b), ratio(b, x_b, c, x_c))
    mirrored(cuped(c, x_c, b, x_b), cuped(b, x_b, c, x_c))
    seen_c, seen_b = rng.integers(0, 2, 12), rng.integers(0, 2, 9)
    t_c, t_b = rng.integers(1, 6, 12), rng.integers(1, 6, 9)
    one, other = log_rank(t_c, seen_c, t_b, seen_b), log_rank(t_b, seen_b, t_c, seen_c)
    assert one.statistic == pytest.approx(-other.statistic, abs=1e-9)
    assert one.hazard_ratio * other.hazard_ratio == pytest.approx(1)


@given(SEEDS)
def test_swapping_mirrors_the_confidence_sequence(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_c, n_b = rng.integers(0, 60, 8), rng.integers(0, 60, 8)
    y_c, y_b = rng.binomial(n_c, 0.2), rng.binomial(n_b, 0.3)
    one, other = confidence_sequence(y_c, n_c, y_b, n_b), confidence_sequence(y_b, n_b, y_c, n_c)
    assert one.lower == pytest.approx(-other.upper, abs=1e-7, nan_ok=True)
    assert one.upper == pytest.approx(-other.lower, abs=1e-7, nan_ok=True)
    # What came later changes nothing of what was said before.
    early = confidence_sequence(y_c[:5], n_c[:5], y_b[:5], n_b[:5])
    assert one.lower[:5] == pytest.approx(early.lower, abs=1e-7, nan_ok=True)


@given(SEEDS, SEEDS)
def test_curves_of_parts_add_up(seed: int, other: int) -> None:
    """Counts by age merge by addition, in any grouping."""
    rng = np.random.default_rng(seed)
    events, censored = rng.integers(0, 5, (6, 7)), rng.integers(0, 5, (6, 7))
    order = np.random.default_rng(other).permutation(6)
    whole = kaplan_meier(events.sum(0), censored.sum(0), np.arange(8))
    parts = [(events[rows].sum(0), censored[rows].sum(0)) for rows in np.split(order, 2)]
    again = kaplan_meier(sum(d for d, _ in parts), sum(c for _, c in parts), np.arange(8))
    assert whole.survival.tolist() == again.survival.tolist()


def inverse(x: Any) -> float:
    return np.inf if x == 0 else 1.0 / float(x)


@given(SEEDS)
def test_swapped_arms_mirror_the_evidence(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_c, n_b = rng.integers(0, 60, 8), rng.integers(0, 60, 8)
    y_c, y_b = rng.binomial(n_c, 0.2), rng.binomial(n_b, 0.3)
    one = evidence(y_c, n_c, y_b, n_b, expect=0.05)
    other = evidence(y_b, n_b, y_c, n_c, expect=0.05, better="higher")
    assert one.log_e == pytest.approx(other.log_e, rel=1e-9, abs=1e-9)
    split, turned = sample_ratio(n_c, n_b + 1, 0.3), sample_ratio(n_b + 1, n_c, 0.7)
    assert split.log_e == pytest.approx(turned.log_e, rel=1e-9, abs=1e-9)
    units = [x.astype(float) for x in (y_c, n_c, y_b, n_b)]
    lower, upper = rare_limits(*units)
    swapped = rare_limits(*units[2:], *units[:2])
    assert [float(lower), float(upper)] == pytest.approx([inverse(swapped[1]), inverse(swapped[0])])


@given(SEEDS)
def test_rare_events_of_a_period_in_pieces_of_the_same_split_are_the_same_evidence(seed: int) -> None:
    """Counts against a known split add up; the day on which they came says nothing beside its split."""
    rng = np.random.default_rng(seed)
    y_c, y_b = rng.poisson(1.0, (2, 6))
    n_c, n_b = np.full(6, 300), np.full(6, 900)
    day = [date(2026, 1, 5)]
    pieces = rare_evidence(y_c, n_c, y_b, n_b, days=day * 6)
    whole = rare_evidence([y_c.sum()], [n_c.sum()], [y_b.sum()], [n_b.sum()], days=day)
    assert pieces.log_e[-1] == pytest.approx(whole.log_e[-1], rel=1e-9, abs=1e-9)


@given(SEEDS, st.sampled_from([0.1, 0.5, 0.9]))
def test_a_quantile_knows_no_unit_of_measure_and_lies_between_those_of_its_parts(seed: int, q: float) -> None:
    rng = np.random.default_rng(seed)
    edges = np.cumsum(rng.random(9) + 0.1)
    a, b = rng.integers(0, 20, (2, 8))
    a[0] += 1
    b[-1] += 1
    whole, larger = quantile(a + b, edges, q), quantile(a + b, 4 * edges, q)
    assert [larger.value, larger.lower, larger.upper] == pytest.approx(
        [4 * whole.value, 4 * whole.lower, 4 * whole.upper]
    )
    parts = sorted(quantile(part, edges, q).value for part in (a, b))
    assert parts[0] - 1e-9 <= whole.value <= parts[1] + 1e-9
    assert whole.lower <= whole.value <= whole.upper
