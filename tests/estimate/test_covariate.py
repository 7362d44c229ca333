"""A mean less what a covariate explains, against ordinary least squares and the formula of Deng et al. 2013."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guarantees.means import arm, nothing

from rampgate.estimate.contrast import Means
from rampgate.estimate.covariate import adjusted_mean, slopes

DAYS = 12


def units(seed: int, per_day: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(5, 2, (1, DAYS, per_day))
    y = 3 + 0.7 * x + rng.normal(0, 1, x.shape) + np.arange(DAYS)[:, None]
    return x, y, rng.random(x.shape) < 0.4


def made(x: np.ndarray, y: np.ndarray, candidate: np.ndarray, slope: float | np.ndarray) -> Means:
    c, b = arm(candidate, y, x), arm(~candidate, y, x)
    return adjusted_mean("m", c, b, np.asarray(slope), (1.0, 1), None)


def test_the_slope_is_that_of_least_squares_with_a_level_per_day() -> None:
    x, y, none = units(1)
    past = arm(~(none & False), y, x)
    found = slopes("m", (nothing(past), past), (nothing(past), nothing(past)))[0][0, 0, 0]
    days = np.kron(np.eye(DAYS), np.ones((x.shape[-1], 1)))
    wanted = np.linalg.lstsq(np.column_stack([x.ravel(), days]), y.ravel(), rcond=None)[0][0]
    assert found == pytest.approx(wanted, rel=1e-10)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(-2, 2))
def test_means_and_squares_are_those_of_the_adjusted_units(seed: int, slope: float) -> None:
    """By hand: z = y - slope (x - mean of x), of each unit; an unknown x counts as the mean."""
    x, y, candidate = units(seed, per_day=15)
    x[np.random.default_rng(seed).random(x.shape) < 0.2] = np.nan
    found = made(x, y, candidate, slope)
    z = y - slope * np.nan_to_num(x - np.nanmean(x, axis=-1, keepdims=True))
    for on, mean, squares in ((candidate, found.a_c, found.ss_c), (~candidate, found.a_b, found.ss_b)):
        for t in range(DAYS):
            mine = z[0, t, on[0, t]]
            if len(mine):
                assert mean[0, 0, t] == pytest.approx(mine.mean(), abs=1e-9)
                assert squares[0, 0, t] == pytest.approx(((mine - mine.mean()) ** 2).sum(), rel=1e-7, abs=1e-8)
                assert found.spread[0, 0, t] >= np.abs(mine - np.mean(z[0, t])).max() - 1e-9


def test_variance_falls_by_the_square_of_the_correlation() -> None:
    """Deng, Xu, Kohavi and Walker 2013: var(z) = var(y) (1 - rho^2) at the best slope."""
    x, y, candidate = units(3, per_day=4000)
    c, b = arm(candidate, y, x), arm(~candidate, y, x)
    slope = slopes("m", (nothing(c), b), (c, b))[0]
    plain, less = made(x, y, candidate, 0.0), made(x, y, candidate, slope)
    kept = (less.ss_c + less.ss_b).sum() / (plain.ss_c + plain.ss_b).sum()
    # In the population rho^2 = 0.7^2 4 / (0.7^2 4 + 1) = 0.662; 48,000 units give it to a percent or so.
    assert kept == pytest.approx(1 - 1.96 / 2.96, abs=0.01)


def test_without_history_the_slope_of_a_period_knows_nothing_of_it() -> None:
    x, y, candidate = units(4)
    empty = nothing(arm(candidate, y, x))
    first = slopes("m", (empty, empty), (arm(candidate, y, x), arm(~candidate, y, x)))[1]
    later = y.copy()
    later[:, 6:] *= 3
    second = slopes("m", (empty, empty), (arm(candidate, later, x), arm(~candidate, later, x)))[1]
    assert first[0, 0, :2].tolist() == [0.0, 0.0]  # 80 units are too few
    assert np.array_equal(first[..., :7], second[..., :7])
    assert not np.array_equal(first[..., 7:], second[..., 7:])


def test_a_constant_covariate_changes_nothing() -> None:
    _, y, candidate = units(5)
    x = np.full(y.shape, 0.1)
    c, b = arm(candidate, y, x), arm(~candidate, y, x)
    slope = slopes("m", (nothing(c), b), (c, b))[1]
    assert not slope.any()
    assert np.allclose(made(x, y, candidate, slope).effect, made(x, y, candidate, 0.0).effect)
