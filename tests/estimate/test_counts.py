"""Counts against a known split, against SciPy's binomial and by enumeration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from rampgate.estimate.counts import RARE, SPLIT, count_increments, rare_limits, rare_share, shifted_share


def test_the_increment_is_the_log_likelihood_ratio_of_a_binomial() -> None:
    k, p = np.array([0.0, 7.0, 40.0]), np.array([0.1, 0.5, 0.01])
    k_c = np.array([0.0, 5.0, 3.0])
    found = count_increments(k_c, k, p, np.array(SPLIT))
    for g, psi in enumerate(SPLIT):
        shifted = shifted_share(p, psi)
        expected = binom.logpmf(k_c, k, shifted) - binom.logpmf(k_c, k, p)
        assert found[:, g] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("grid", [SPLIT, RARE])
@pytest.mark.parametrize(("k", "p"), [(1, 0.3), (12, 0.01), (30, 0.9)])
def test_its_exponential_has_mean_one_under_the_null(grid: tuple[float, ...], k: int, p: float) -> None:
    every = np.arange(k + 1.0)
    inc = count_increments(every, np.full(k + 1, float(k)), np.full(k + 1, p), np.array(grid))
    assert binom.pmf(every, k, p) @ np.exp(inc) == pytest.approx(np.ones(len(grid)), rel=1e-12)


def test_no_event_is_no_evidence() -> None:
    assert (count_increments(np.zeros(3), np.zeros(3), np.array([0.0, 0.5, 1.0]), np.array(RARE)) == 0).all()


def test_share_of_rare_events() -> None:
    share = rare_share(np.array([10.0, 0.0, 0.0, 5.0]), np.array([90.0, 9.0, 0.0, 0.0]), 1.5)
    assert share == pytest.approx([15 / 105, 0.0, 0.0, 1.0])


def test_limits_are_where_the_process_against_the_ratio_reaches_its_bar() -> None:
    """Against the likelihoods of SciPy's binomial, period by period."""
    n_c, n_b = np.array([500.0, 800.0, 100.0]), np.array([4500.0, 800.0, 0.0])
    y_c, y_b = np.array([4.0, 9.0, 1.0]), np.array([20.0, 6.0, 0.0])
    lower, upper = (float(end) for end in rare_limits(y_c, n_c, y_b, n_b, alpha=0.1))
    assert 0 < lower < 13 / 6 < upper < np.inf
    for ratio, side in ((lower, 1), (upper, -1)):
        p = ratio * n_c / (ratio * n_c + n_b)
        won = [
            sum(binom.logpmf(y_c, y_c + y_b, shifted_share(p, psi**side)) - binom.logpmf(y_c, y_c + y_b, p))
            for psi in RARE
        ]
        assert np.mean(np.exp(won)) == pytest.approx(2 / 0.1, rel=1e-6)


def test_without_an_event_every_ratio_is_possible_and_without_one_in_an_arm_one_end_is_open() -> None:
    n = np.full(20, 1000.0)
    none, some = np.zeros(20), np.full(20, 3.0)
    assert [float(end) for end in rare_limits(none, n, none, n)] == [0.0, np.inf]
    assert float(rare_limits(none, n, some, n)[0]) == 0.0
    assert float(rare_limits(none, n, some, n)[1]) < 0.2
    assert float(rare_limits(some, n, none, n)[1]) == np.inf
    assert float(rare_limits(some, n, none, n)[0]) > 5.0


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_limits_hold_the_truth_at_all_looks(ratio: float, record_property: Any) -> None:
    rng = np.random.default_rng(5)
    rollouts, days = 1000, 20
    n_c, n_b = np.full((rollouts, days), 300.0), np.full((rollouts, days), 700.0)
    y_c, y_b = (rng.binomial(n, p, n_c.shape).astype(float) for n, p in ((300, 0.004 * ratio), (700, 0.004)))
    wrong = np.zeros(rollouts, dtype=bool)
    for t in range(1, days + 1):
        lower, upper = rare_limits(y_c[:, :t], n_c[:, :t], y_b[:, :t], n_b[:, :t], alpha=0.1)
        wrong |= (lower > ratio) | (upper < ratio)
    share, error = wrong.mean(), np.sqrt(0.1 * 0.9 / rollouts)
    told = f"outside its 90 % sequence at some look in {share:.1%} of {rollouts} rollouts (error {error:.1%})"
    record_property("figure", f"rare events {ratio:g} times as frequent: {told}")
    assert share < 0.1 + 3 * error
