"""Merging cells gives what one pooled computation gives, in any order and grouping."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.judge.build import Units, cells

from rampgate.aggregate.marginals import OVERALL, Group, groups_of, marginals


def made(seed: int, size: int, centre: float = 0.0) -> Units:
    rng = np.random.default_rng(seed)
    queue = rng.choice(np.array(["a", "b", "c"], dtype=object), size)
    x = centre + rng.normal(size=size)
    y = np.where(rng.random(size) < 0.3, np.nan, rng.normal(size=size))
    return Units(rng.integers(0, 4, size), rng.integers(0, 2, size), {"x": x, "y": y}, {"queue": queue})


def pooled(units: Units, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean vector and co-moment matrix of the rows, in one go."""
    columns = []
    for values in units.metrics.values():
        known = ~np.isnan(values)
        columns += [np.where(known, values, 0.0), known.astype(float)]
    x = np.array(columns).T[rows]
    centred = x - x.mean(0)
    return x.mean(0), centred.T @ centred


@given(st.integers(0, 10**6), st.integers(50, 300))
def test_cells_merge_to_the_pooled_computation(seed: int, size: int) -> None:
    units = made(seed, size)
    table = cells(units, 4)
    groups = groups_of(table)
    got = marginals(table, groups, range(4))
    for g, group in enumerate(groups):
        inside = np.ones(size, bool) if group == OVERALL else units.segments["queue"] == group.value
        for t in range(4):
            for arm in (0, 1):
                rows = inside & (units.day == t) & (units.arm == arm)
                assert got.n[t, arm, g] == rows.sum()
                if rows.any():
                    mean, products = pooled(units, rows)
                    assert got.mean[t, arm, g] == pytest.approx(mean, rel=1e-12, abs=1e-12)
                    expected = [products[i, j] for i, j in table.pairs]
                    assert got.comoment[t, arm, g] == pytest.approx(expected, rel=1e-12, abs=1e-11)


def test_periods_merge_to_the_pooled_computation() -> None:
    """All days as one period: the cells of four days merge to one computation over all rows, to 1e-12."""
    units = made(7, 400)
    table = cells(units, 4)
    one = replace(table, periods=table.periods[:1], period=np.zeros_like(table.period))
    got = marginals(one, (OVERALL,), [0])
    for arm in (0, 1):
        mean, products = pooled(units, units.arm == arm)
        assert got.mean[0, arm, 0] == pytest.approx(mean, rel=1e-12, abs=1e-12)
        assert got.comoment[0, arm, 0] == pytest.approx([products[i, j] for i, j in table.pairs], rel=1e-12)


def test_a_huge_mean_keeps_its_variance() -> None:
    """To 1e-7 when merged from segments: a mean near 1e9 is itself only known to 1.2e-7, the spacing of doubles."""
    units = made(3, 5000, centre=1e9)
    got = marginals(cells(units, 4), (OVERALL,), range(4))
    for t in range(4):
        for arm in (0, 1):
            x = units.metrics["x"][(units.day == t) & (units.arm == arm)] - 1e9
            assert got.comoment[t, arm, 0, 0] / len(x) == pytest.approx(x.var(), rel=1e-7)


@given(st.integers(0, 10**6))
def test_any_order_of_rows_gives_the_same(seed: int) -> None:
    units = made(5, 200)
    table = cells(units, 4)
    order = np.random.default_rng(seed).permutation(len(table.n))
    groups = (OVERALL, Group("queue", "b"))
    one, two = marginals(table, groups, range(4)), marginals(table.rows(order), groups, range(4))
    assert two.n == pytest.approx(one.n)
    assert two.mean == pytest.approx(one.mean, rel=1e-12, abs=1e-13)
    assert two.comoment == pytest.approx(one.comoment, rel=1e-11, abs=1e-12)
