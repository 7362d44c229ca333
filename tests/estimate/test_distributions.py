"""Probabilities of the standard library against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rampgate.estimate.distributions import chi_square_p, normal_p, normal_quantile, t_p, t_quantile

#: lgamma of arguments up to 2,500 has an error of up to 1e-11 relative to its exponential; SciPy's own is like it.
CLOSE = 1e-10


@given(st.floats(0, 37), st.floats(0.5, 0.9999999))
def test_normal(z: float, level: float) -> None:
    assert float(normal_p(z)) == pytest.approx(2 * stats.norm.sf(z), rel=CLOSE)
    assert normal_quantile(level) == pytest.approx(-stats.norm.ppf((1 - level) / 2), rel=1e-9)


@pytest.mark.parametrize("df", [0.7, 1, 1.5, 2, 3, 10.3, 57, 400, 1000, 4999, 5000, 5001, 2e4, 1e6, 1e9])
def test_t(df: float) -> None:
    at = np.array([0.0, 1e-4, 1e-2, 0.2, 1.0, 1.96, 4.0, 9.0, 25.0])
    assert t_p(at, df) == pytest.approx(2 * stats.t.sf(at, df), rel=CLOSE, abs=1e-300)
    for level in (0.5, 0.9, 0.95, 0.999, 1 - 1e-9):
        assert float(t_quantile(level, df)) == pytest.approx(-stats.t.ppf((1 - level) / 2, df), rel=1e-8)


@given(st.floats(0, 600), st.integers(1, 40))
def test_chi_square(x: float, df: int) -> None:
    assert chi_square_p(x, df) == pytest.approx(stats.chi2.sf(x, df), rel=1e-10, abs=1e-300)


def test_ends() -> None:
    assert float(normal_p(np.inf)) == float(t_p(np.inf, 3)) == 0.0
    assert float(normal_p(0.0)) == float(t_p(0.0, 3)) == chi_square_p(0.0, 1) == 1.0
