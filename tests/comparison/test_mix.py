"""The test of association within days against SciPy, and its law under random splits that ramp."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rampgate.comparison.mix import EXPECTED, association, survival


def tables(seed: int = 7, days: int = 12, kinds: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Units of both arms, (kind, day), the mix and the split changing from day to day; no kind is rare."""
    rng = np.random.default_rng(seed)
    b = np.column_stack([rng.multinomial(60 + 5 * t, rng.dirichlet(np.full(kinds, 4.0))) for t in range(days)])
    c = np.column_stack([rng.multinomial(10 + 9 * t, rng.dirichlet(np.full(kinds, 4.0))) for t in range(days)])
    return b.astype(float), c.astype(float)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 10, 31, 60])
def test_survival_against_scipy(freedom: int) -> None:
    for x in (0.01, 0.5, 1.0, 3.84, 10.0, 40.0, 150.0, 1200.0):
        # Sums of at most 30 positive terms, each from lgamma and exp: a few units in the last places.
        assert survival(x, freedom) == pytest.approx(stats.chi2.sf(x, freedom), rel=1e-10, abs=1e-300)


def test_one_day_is_pearsons_statistic_with_n_minus_1() -> None:
    """With one stratum the statistic is (n - 1) / n times Pearson's (Agresti 2013, section 8.4.3)."""
    b, c = (x.sum(1, keepdims=True) for x in tables())
    found = association(b, c)
    pearson = stats.chi2_contingency(np.column_stack([b, c]), correction=False)
    n = b.sum() + c.sum()
    assert found.statistic == pytest.approx(pearson.statistic * (n - 1) / n, rel=1e-10)
    assert found.freedom == pearson.dof
    assert found.p == pytest.approx(stats.chi2.sf(found.statistic, pearson.dof), rel=1e-10)


def test_many_days_against_moments_of_the_multivariate_hypergeometric() -> None:
    """Expected units and their covariance given each day's margins, from SciPy's distribution."""
    b, c = tables()
    excess, covariance = np.zeros(len(b)), np.zeros((len(b), len(b)))
    for t in range(b.shape[1]):
        law = stats.multivariate_hypergeom((b + c)[:, t].astype(int), int(c[:, t].sum()))
        excess += c[:, t] - law.mean()
        covariance += law.cov()
    expected = excess[:-1] @ np.linalg.solve(covariance[:-1, :-1], excess[:-1])
    found = association(b, c)
    assert found.statistic == pytest.approx(expected, rel=1e-9)
    assert found.freedom == len(b) - 1


def test_shares_are_weighted_over_days_as_metrics_are() -> None:
    b, c = tables()
    weight = b.sum(0) * c.sum(0) / (b.sum(0) + c.sum(0))
    found = association(b, c)
    np.testing.assert_allclose(found.candidate, np.average(c / c.sum(0), axis=1, weights=weight), rtol=1e-12)
    np.testing.assert_allclose(found.baseline, np.average(b / b.sum(0), axis=1, weights=weight), rtol=1e-12)
    assert found.distance == pytest.approx(0.5 * np.abs(found.candidate - found.baseline).sum())


def test_a_ramp_over_a_changing_mix_is_no_difference_between_the_arms(record_property) -> None:
    """The same mix in both arms on each day, but not over time: pooled, the arms differ in every draw."""
    rng, draws = np.random.default_rng(20160229), 2000
    share = np.linspace(0.05, 0.8, 15)
    mixes = np.array([[0.7 - 0.04 * t, 0.2 + 0.03 * t, 0.1 + 0.01 * t] for t in range(15)])
    alone, pooled = [], []
    for _ in range(draws):
        units = np.column_stack([rng.multinomial(80, mix) for mix in mixes])
        c = rng.binomial(units, share).astype(float)
        alone.append(association(units - c, c).p)
        pooled.append(association((units - c).sum(1, keepdims=True), c.sum(1, keepdims=True)).p)
    error = np.sqrt(0.05 * 0.95 / draws)
    rate = float(np.mean(np.array(alone) < 0.05))
    record_property(
        "figure",
        f"{draws} random splits with a ramp and a changing mix: arms called different at 5 % in {rate:.1%} within days "
        f"(Monte-Carlo error {error:.1%}), in {np.mean(np.array(pooled) < 0.05):.0%} pooled",
    )
    assert abs(rate - 0.05) < 3.5 * error
    assert np.mean(np.array(pooled) < 0.05) > 0.99


def test_rare_kinds_are_taken_together() -> None:
    b, c = tables()
    rare = np.zeros((3, b.shape[1]))
    rare[0, 0] = rare[1, 3] = rare[2, 5] = 1.0
    found = association(np.vstack([b, rare]), np.vstack([c, rare]))
    merged = association(np.vstack([b, rare.sum(0)]), np.vstack([c, rare.sum(0)]))
    assert rare.sum() < EXPECTED
    assert found.statistic == pytest.approx(merged.statistic)
    assert found.freedom == merged.freedom
    assert len(found.candidate) == 7


@pytest.mark.parametrize("kinds", [0, 1, 3])
def test_without_a_common_day_nothing_is_said(kinds: int) -> None:
    b, c = np.zeros((kinds, 4)), np.zeros((kinds, 4))
    b[:, :2], c[:, 2:] = 9.0, 5.0
    found = association(b, c)
    assert (found.statistic, found.freedom, found.p) == (0.0, 0, 1.0)
    assert found.distance == 0.0


def test_a_kind_of_its_own_day_has_no_variance() -> None:
    """A day on which all units are of one kind says nothing of the split of that kind."""
    b, c = np.array([[50.0, 0.0], [0.0, 40.0]]), np.array([[20.0, 0.0], [0.0, 30.0]])
    assert association(b, c).freedom == 0


def test_complete_separation() -> None:
    b, c = np.array([[50.0, 60.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [40.0, 30.0]])
    found = association(b, c)
    assert found.distance == pytest.approx(1.0)
    assert found.p < 1e-30
