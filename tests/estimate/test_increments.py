"""Bets and increments against SciPy and against the definition of a supermartingale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rampgate.estimate.increments import bennett_cost, effect_grid, gaussian_cost


def test_grid_is_the_deciles_of_a_truncated_normal() -> None:
    # SciPy's truncnorm is an independent way to the same quantiles.
    levels = (np.arange(10) + 0.5) / 10
    expected = stats.truncnorm(a=-2.0, b=np.inf, loc=1.0, scale=0.5).ppf(levels)
    assert effect_grid() == pytest.approx(expected, abs=1e-12)
    assert (effect_grid() > 0).all()


@given(st.floats(1e-6, 50), st.floats(1e-6, 1))
def test_bennett_costs_at_least_a_gaussian_and_tends_to_it(bet: float, bound: float) -> None:
    cost = float(bennett_cost(np.array(bet), np.array(bound)))
    assert cost >= float(gaussian_cost(np.array(bet))) * (1 - 1e-12)
    small = float(bennett_cost(np.array(bet), np.array(1e-9)))
    assert small == pytest.approx(bet**2 / 2, rel=1e-6)


@pytest.mark.parametrize("x", [1e-7, 1e-5, 0.9e-4, 1.1e-4, 1e-3, 0.1, 3.0])
def test_bennett_cost_keeps_its_digits(x: float) -> None:
    from fractions import Fraction

    # The Taylor series in exact rational arithmetic.
    exact, term, value = Fraction(0), Fraction(1), Fraction(x)
    for k in range(1, 60):
        term = term * value / k
        if k >= 2:
            exact += term
    assert float(bennett_cost(np.array(x), np.array(1.0))) == pytest.approx(float(exact), rel=1e-11)


@given(st.floats(0.001, 0.999), st.floats(0.01, 0.99), st.floats(0.05, 20))
def test_bounded_increment_of_a_coin_has_mean_at_most_one(q: float, share: float, bet: float) -> None:
    """One unit drawn from an arm with probability q: E exp(bet x - cost v) <= 1, the law behind the guarantee."""
    weight = 1 - share
    values = np.array([weight * (1 - q), -weight * q])
    variance = weight**2 * q * (1 - q)
    cost = float(bennett_cost(np.array(bet), np.array(max(share, 1 - share))))
    mean = q * np.exp(bet * values[0] - cost * variance) + (1 - q) * np.exp(bet * values[1] - cost * variance)
    assert mean <= 1 + 1e-12


def test_hopeless_bets_stay_finite() -> None:
    assert np.isfinite(bennett_cost(np.array(1e9), np.array(1.0)))
