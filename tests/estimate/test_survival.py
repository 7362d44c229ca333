"""Kaplan-Meier against its definition unit by unit; outside numbers are in tests/reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rampgate.errors import UsageError
from rampgate.estimate import KaplanMeier, kaplan_meier

UNITS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)


def by_hand(units: list[tuple[int, bool]], age: float) -> float:
    """Product over the ages of events of the share that went through, counted anew at each."""
    share = 1.0
    for when in sorted({t for t, seen in units if seen and t <= age}):
        at_risk = sum(t >= when for t, _ in units)
        share *= 1 - sum(t == when and seen for t, seen in units) / at_risk
    return share


@given(UNITS, st.integers(0, 12))
def test_the_curve_is_the_product_of_shares(units: list[tuple[int, bool]], age: int) -> None:
    curve = KaplanMeier.of([t for t, _ in units], [seen for _, seen in units])
    found = float(curve.at(age)[0])
    known = age <= max(t for t, _ in units) or by_hand(units, age) == 0
    assert np.isnan(found) == (not known)
    if known:
        assert found == pytest.approx(by_hand(units, age), abs=1e-12)


@given(UNITS, st.integers(1, 12))
def test_the_restricted_mean_is_the_area_under_the_curve(units: list[tuple[int, bool]], limit: int) -> None:
    curve = KaplanMeier.of([t for t, _ in units], [seen for _, seen in units])
    # Ages are whole, so the curve is flat between them.
    area = sum(by_hand(units, age) for age in range(limit))
    found = float(curve.restricted_mean(limit))
    if not np.isnan(found):
        assert found == pytest.approx(area, abs=1e-9)
    else:
        assert limit > max(t for t, _ in units)


@given(UNITS, st.integers(1, 12))
def test_without_censoring_all_is_that_of_a_plain_sample(units: list[tuple[int, bool]], limit: int) -> None:
    times = np.array([float(t) for t, _ in units])
    curve = KaplanMeier.of(times, np.ones(len(times)))
    cut = np.minimum(times, limit)
    assert float(curve.restricted_mean(limit)) == pytest.approx(cut.mean(), abs=1e-9)
    # Greenwood's variance is then the binomial one, and that of the mean the sample's over n.
    assert float(curve.restricted_mean_error(limit)) == pytest.approx(np.sqrt(cut.var() / len(cut)), abs=1e-7)
    open_ = (times > limit).mean()
    assert float(curve.error_at(limit)[0]) == pytest.approx(np.sqrt(open_ * (1 - open_) / len(times)), abs=1e-9)


def test_groups_are_judged_as_single_curves() -> None:
    rng = np.random.default_rng(1)
    events, censored = rng.integers(0, 5, (2, 3, 6)), rng.integers(0, 5, (2, 3, 6))
    edges = np.arange(7.0)
    whole = kaplan_meier(events, censored, edges)
    for i in range(2):
        for j in range(3):
            one = kaplan_meier(events[i, j], censored[i, j], edges)
            assert whole.survival[i, j] == pytest.approx(one.survival)
            assert whole.variance[i, j] == pytest.approx(one.variance)
            assert whole.restricted_mean(4)[i, j] == pytest.approx(one.restricted_mean(4))
            assert whole.restricted_mean_error(4)[i, j] == pytest.approx(one.restricted_mean_error(4))


def test_wider_bins_make_the_mean_too_large_by_less_than_a_bin() -> None:
    times = np.random.default_rng(2).exponential(20.0, 500)
    exact = KaplanMeier.of(times, np.ones(500)).restricted_mean(48.0)
    edges = np.arange(0.0, 241.0, 4.0)
    binned = kaplan_meier(np.histogram(times, edges)[0], np.zeros(60), edges).restricted_mean(48.0)
    assert 0 < binned - exact < 4.0


def test_what_is_not_known_is_said() -> None:
    open_ = kaplan_meier([[1, 0], [0, 0]], [[3, 0], [0, 0]], [0, 1, 2])
    assert open_.survival.tolist() == [[1.0, 0.75, 0.75], [1.0, 1.0, 1.0]]
    # Nobody was seen beyond age 1, and of the second group nobody at all.
    assert np.isnan(open_.restricted_mean(2)).all()
    assert open_.restricted_mean(1)[0] == 1.0
    assert np.isnan(open_.at([0.5, 1.5])).tolist() == [[False, True], [True, True]]


def test_an_event_at_once_counts() -> None:
    curve = KaplanMeier.of([0, 0, 5, 5], [1, 1, 1, 1])
    assert curve.at([0, 4, 5]).tolist() == [0.5, 0.5, 0.0]
    assert curve.restricted_mean(5) == 2.5


def test_the_interval_stays_between_0_and_1() -> None:
    curve = KaplanMeier.of([1, 2, 3, 4], [1, 0, 1, 1])
    low, high = curve.interval()
    assert ((low >= 0) & (low <= curve.survival) & (curve.survival <= high) & (high <= 1)).all()
    assert low[0] == high[0] == 1.0


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: kaplan_meier([1, -1], [0, 0], [0, 1, 2]), "negative"),
        (lambda: kaplan_meier([1, float("nan")], [0, 0], [0, 1, 2]), "NaN"),
        (lambda: kaplan_meier([1, 1], [0, 0], [0, 1]), "2 edges do not enclose"),
        (lambda: kaplan_meier([1, 1], [0, 0, 0], [0, 1, 2]), "not of the same length"),
        (lambda: kaplan_meier([1, 1], [0, 0], [0, 2, 1]), "do not ascend"),
        (lambda: KaplanMeier.of([1, 2], [1]), "2 times and 1 marks"),
        (lambda: KaplanMeier.of([1, 2], [1, 2]), "beside 0 and 1"),
        (lambda: KaplanMeier.of([1, -2], [1, 1]), "negative"),
        (lambda: KaplanMeier.of([], []), "no unit"),
        (lambda: KaplanMeier.of(["a"], [1]), "not all numbers"),
        (lambda: KaplanMeier.of([1], [1]).restricted_mean(0), "no positive age"),
    ],
)
def test_bad_input_is_refused(call, what) -> None:
    with pytest.raises(UsageError, match=what):
        call()
