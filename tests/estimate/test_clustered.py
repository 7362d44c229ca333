"""Sums by cluster against the same formulas computed cluster by cluster, and the laws that they obey."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rampgate.estimate.clustered import Clustered, by_cluster
from rampgate.estimate.contrast import Proportions, Ratios, take
from rampgate.estimate.increments import effect_grid
from rampgate.estimate.interval import KEPT, confidence_sequence, process
from rampgate.estimate.process import ByCluster

DAYS = 9


def sums(seed: int = 1, clusters: int = 14, quiet: float = 0.2) -> list[np.ndarray]:
    """y and x of the candidate's clusters, then of the baseline's; some move, some are away for days."""
    rng = np.random.default_rng(seed)
    has = rng.random((clusters, 1)) < np.linspace(0.4, 0.7, DAYS)
    x = rng.integers(1, 9, (clusters, DAYS)) * (rng.random((clusters, DAYS)) > quiet)
    y = rng.binomial(x, rng.uniform(0.1, 0.6, (clusters, 1)))
    return [np.asarray(v, dtype=float) for v in (y * has, x * has, y * ~has, x * ~has)]


def made(parts: list[np.ndarray], ratio: float = 1.0) -> Clustered:
    y_c, x_c, y_b, x_b = parts
    base = Proportions(x_c.sum(0), y_c.sum(0), x_b.sum(0), y_b.sum(0), ratio)
    return by_cluster(base, y_c, x_c, y_b, x_b, ratio)


def influence(parts: list[np.ndarray], ratio: float) -> np.ndarray:
    """What each cluster adds to S in each period, in a loop."""
    y_c, x_c, y_b, x_b = parts
    out = np.zeros_like(y_c)
    for t in range(out.shape[1]):
        n_c, n_b = x_c[:, t].sum(), x_b[:, t].sum()
        h = n_c * n_b / (n_c + n_b)
        for k in range(len(out)):
            for y, x, n, sign in ((y_c, x_c, n_c, 1.0), (y_b, x_b, n_b, -ratio)):
                if x[k, t]:
                    left = max(0.05, 1 - x[k, t] / n)
                    out[k, t] += sign * h / n * (y[k, t] - y[:, t].sum() / n * x[k, t]) / np.sqrt(left)
    return out


@pytest.mark.parametrize("ratio", [1.0, 1.3])
def test_cluster_by_cluster(ratio: float) -> None:
    parts = sums()
    got, u = made(parts, ratio), influence(parts, ratio)
    _, x_c, _, x_b = parts
    pull = np.zeros_like(u)
    for t in range(DAYS):
        n_c, n_b = x_c[:, t].sum(), x_b[:, t].sum()
        pull[:, t] = n_c * n_b / (n_c + n_b) * (x_c[:, t] / n_c - ratio * x_b[:, t] / n_b)
    for first in range(DAYS):
        for last in range(first, DAYS):
            at = slice(first, last + 1)
            assert got.gram[at, at].sum() == pytest.approx((u[:, at].sum(1) ** 2).sum(), rel=1e-9)
            w = pull[:, at].sum(1)
            assert got.effective[first, last] == pytest.approx((w**2).sum() ** 2 / (w**4).sum(), rel=1e-9)
            seen = [(x[:, at].sum(1) > 0).sum() for x in (x_c, x_b)]
            assert got.least[first, last] == min(seen)


def test_squares_add_up_over_a_week() -> None:
    y_c, x_c, y_b, x_b = parts = sums()
    got = made(parts)
    y, x = y_c + y_b, x_c + x_b
    error = y - y.sum(0) / x.sum(0) * x
    assert got.squares[:7].sum() == pytest.approx((error[:, :7].sum(1) ** 2).sum(), rel=1e-12)
    assert got.squares[7:].sum() == pytest.approx((error[:, 7:].sum(1) ** 2).sum(), rel=1e-12)


def test_a_ratio_is_of_sums_over_clusters() -> None:
    """Dividing both parts by the period's mean denominator changes neither rates nor weights."""
    y_c, x_c, y_b, x_b = sums()
    n = [np.ceil(x / 2).sum(0) for x in (x_c, x_b)]
    zero = np.zeros(DAYS)
    base = Ratios(n[0], n[1], x_c.sum(0), x_b.sum(0), y_c.sum(0), y_b.sum(0), zero, zero, zero, zero, zero, zero, zero)
    scale = (x_c + x_b).sum(0) / (n[0] + n[1])
    got = by_cluster(base, y_c / scale, x_c / scale, y_b / scale, x_b / scale)
    u = influence([y_c, x_c, y_b, x_b], 1.0) / scale
    assert got.gram.sum() == pytest.approx((u.sum(1) ** 2).sum(), rel=1e-9)


BETS = 0.3 * np.ones((DAYS, 1)) * effect_grid()


@pytest.mark.parametrize("direction", [1, -1])
def test_a_process_since_any_period(direction: int) -> None:
    parts = sums(clusters=40)
    got = made(parts)
    bet = process(got, 0.02, BETS, direction)
    assert isinstance(bet, ByCluster)
    u = influence(parts, 1.0)
    for begin in (0, 3, 7):
        for end in range(begin + 1, DAYS + 1):
            at = slice(begin, end)
            s = direction * (got.weight * (got.effect - 0.02))[at].sum()
            factor = 1 + (3 if direction == 1 else 6) / max(got.effective[begin, end - 1] - 1, 1)
            by_sum = 0.5 * BETS[0] ** 2 * (u[:, at].sum(1) ** 2).sum() * factor
            by_unit = bet.cost[at].sum(0)
            expected = BETS[0] * s - np.maximum(by_sum, by_unit)
            assert bet.since(begin)[end - begin - 1] == pytest.approx(expected, rel=1e-9)
            assert float(bet.final(begin, end)) == pytest.approx(float(np.log(np.exp(expected).mean())), rel=1e-9)
    # Onsets on days 0 and 3, the rest unspent.
    prior = np.zeros(DAYS)
    prior[[0, 3]] = 0.5, 0.2
    e = 0.5 * np.exp(bet.final(0)) + 0.2 * np.exp(bet.final(3)) + 0.3
    assert float(bet.evidence(prior)[-1]) == pytest.approx(float(np.log(e)), rel=1e-9)
    assert bet.onset(DAYS) == int(np.argmax([float(bet.final(begin)) for begin in range(DAYS)]))


def test_four_clusters_win_nothing() -> None:
    rng = np.random.default_rng(3)
    x = np.full((30, DAYS), 50.0)
    has = (np.arange(30) < 4)[:, None]
    y = rng.binomial(50, np.where(has, 0.9, 0.1) * np.ones((1, DAYS))).astype(float)
    got = made([y * has, x * has, y * ~has, x * ~has])
    bet = process(got, 0.0, BETS)
    assert isinstance(bet, ByCluster)
    assert bet.since(0).max() <= 0.0
    lower, upper = confidence_sequence(got, BETS, limit=1.0)
    assert (float(lower), float(upper)) == (-1.0, 1.0)


def test_a_window_with_too_few_clusters_beside_one_with_enough_is_open_without_a_warning() -> None:
    """A ramp: four clusters have the candidate at first and half of them later. Warnings are errors here."""
    rng = np.random.default_rng(3)
    x = np.full((30, DAYS), 50.0)
    has = np.where(np.arange(DAYS) < 4, 4, 15) > np.arange(30)[:, None]
    y = rng.binomial(50, 0.3, (30, DAYS)).astype(float)
    got = made([y * has, x * has, y * ~has, x * ~has])
    within = np.zeros((2, DAYS))
    within[0, :4] = within[1, 4:] = 1.0
    lower, upper = confidence_sequence(got, BETS, limit=1.0, within=within)
    assert [float(lower[0]), float(upper[0])] == [-1.0, 1.0]
    assert -0.5 < lower[1] < upper[1] < 0.5


def test_an_interval_holds_what_neither_process_rejects() -> None:
    got = made(sums(clusters=40, quiet=0.0))
    lower, upper = confidence_sequence(got, BETS, 0.2, 1.0)
    assert -1 < lower < float((got.weight * got.effect).sum() / got.weight.sum()) < upper < 1
    inside = float(process(got, float(lower), BETS).final(0))
    assert inside == pytest.approx(np.log(10.0), abs=1e-3)


def test_a_window_is_what_its_periods_alone_say() -> None:
    got = made(sums(clusters=40, quiet=0.0))
    within = np.zeros((2, DAYS))
    within[0, :4] = within[1, 4:] = 1.0
    both = confidence_sequence(got, BETS, 0.2, 1.0, within)
    for row, periods in enumerate((slice(0, 4), slice(4, DAYS))):
        alone = confidence_sequence(take(got, periods), BETS[periods], 0.2, 1.0)
        assert [float(end[row]) for end in both] == pytest.approx([float(end) for end in alone], abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), order=st.randoms(use_true_random=False))
def test_the_order_of_clusters_changes_nothing(seed: int, order: Any) -> None:
    parts = sums(seed)
    at = list(range(len(parts[0])))
    order.shuffle(at)
    one, other = made(parts), made([part[at] for part in parts])
    for name in ("gram", "effective", "least", "squares"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-7, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_clusters_never_make_evidence_stronger_than_units_do(seed: int) -> None:
    got = made(sums(seed))
    by_unit = process(got.base, 0.0, BETS)
    by_sum = process(got, 0.0, BETS)
    for begin in range(DAYS):
        # By unit a ten-thousandth of the wealth is kept back in every period.
        assert (by_sum.path(begin) <= by_unit.path(begin) + (DAYS - begin) * np.log1p(KEPT) + 1e-9).all()


def test_periods_without_an_arm_or_a_unit() -> None:
    parts = sums()
    parts[0][:, 2] = parts[1][:, 2] = 0.0
    for part in parts:
        part[:, 5] = 0.0
    got = made(parts)
    for name in ("gram", "effective", "least", "squares"):
        assert np.isfinite(getattr(got, name)).all()
    assert np.isfinite(process(got, 0.0, BETS).path(0)).all()
