"""Counts against a known split, against SciPy's binomial and by enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from rampgate.estimate.counts import RARE, SPLIT, count_increments, rare_share, shifted_share


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
