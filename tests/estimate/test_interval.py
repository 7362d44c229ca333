"""Confidence sequences: their ends are where the evidence reaches the bar; coverage by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rampgate.estimate import interval
from rampgate.estimate.contrast import Proportions
from rampgate.estimate.evidence import log_evidence_from
from rampgate.estimate.increments import effect_grid
from rampgate.estimate.interval import confidence_sequence, effect, lies_below, log_increments


def run(rng: np.random.Generator, shape: tuple[int, int], rate: float, harm: float, traffic: float) -> Proportions:
    n_c = rng.binomial(300, traffic, shape).astype(float)
    n_b = 300 - n_c
    y_c = rng.binomial(n_c.astype(int), rate + harm).astype(float)
    y_b = rng.binomial(n_b.astype(int), rate).astype(float)
    return Proportions(n_c, y_c, n_b, y_b)


def bets(rate: float, periods: int) -> np.ndarray:
    return np.asarray(np.ones((periods, 1)) * effect_grid() * 0.04 / (rate * (1 - rate)))


def test_ends_are_where_the_evidence_reaches_the_bar() -> None:
    made = run(np.random.default_rng(5), (3, 20), 0.15, 0.02, 0.25)
    lower, upper = confidence_sequence(made, bets(0.15, 20)[None], 0.05, 1.0)
    for row in range(3):
        single = Proportions(made.n_c[row], made.y_c[row], made.n_b[row], made.y_b[row])
        for end, direction in ((lower[row], 1), (upper[row], -1)):
            at = float(log_evidence_from(log_increments(single, float(end), bets(0.15, 20), direction)))
            assert at == pytest.approx(np.log(40), abs=1e-6)


def test_swapping_the_arms_mirrors_the_interval() -> None:
    made = run(np.random.default_rng(6), (1, 20), 0.15, 0.03, 0.25)
    swapped = Proportions(made.n_b, made.y_b, made.n_c, made.y_c)
    lower, upper = confidence_sequence(made, bets(0.15, 20)[None], 0.05, 1.0)
    other_lower, other_upper = confidence_sequence(swapped, bets(0.15, 20)[None], 0.05, 1.0)
    assert lower == pytest.approx(-other_upper, abs=1e-9)
    assert upper == pytest.approx(-other_lower, abs=1e-9)


@pytest.mark.parametrize(("rate", "traffic"), [(0.15, 0.1), (0.02, 0.5), (0.001, 0.1), (0.15, 0.01)])
def test_coverage_over_daily_looks(rate: float, traffic: float) -> None:
    """The 95 % sequence misses the truth at any of 12 weekly looks in at most 5 %, plus 3 Monte-Carlo errors."""
    rollouts, periods = 400, 84
    made = run(np.random.default_rng(7), (rollouts, periods), rate, 0.0, traffic)
    missed = np.zeros(rollouts, dtype=bool)
    for last in range(7, periods + 1, 7):
        cut = Proportions(made.n_c[:, :last], made.y_c[:, :last], made.n_b[:, :last], made.y_b[:, :last])
        lower, upper = confidence_sequence(cut, bets(rate, last)[None], 0.05, 1.0)
        missed |= (lower > 0) | (upper < 0)
    assert missed.mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / rollouts)


def test_no_data_is_nan_and_nothing_excluded_is_open() -> None:
    zero = np.zeros((1, 3))
    nothing = Proportions(zero, zero, zero, zero)
    assert np.isnan(effect(nothing)).all()
    lower, upper = confidence_sequence(nothing, bets(0.1, 3)[None], 0.05, 1.0)
    assert np.isnan(lower).all()
    assert np.isnan(upper).all()
    yes, no = np.array([[1.0]]), np.array([[0.0]])
    one = Proportions(yes, no, yes, yes)
    lower, upper = confidence_sequence(one, bets(0.1, 1)[None], 0.05, 1.0)
    assert (lower[0], upper[0]) == (-1.0, 1.0)


def test_windows_without_data_are_searched_once_and_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    made = run(np.random.default_rng(8), (1, 60), 0.15, 0.02, 0.25)
    # A table that ends after twenty days of sixty, looked at week by week.
    some = np.arange(60) < 20
    n_c, y_c, n_b, y_b = (np.where(some, units[0], 0.0) for units in (made.n_c, made.y_c, made.n_b, made.y_b))
    cut = Proportions(n_c, y_c, n_b, y_b)
    within = (np.arange(60) // 7 == np.arange(9)[:, None]).astype(float)
    searched: list[int] = []
    asked = interval.confidence_sequence

    def counted(*said: Any) -> Any:
        searched.append(len(said[-1]))
        return asked(*said)

    monkeypatch.setattr(interval, "confidence_sequence", counted)
    ends = asked(cut, bets(0.15, 60), 0.05, 1.0, within)
    assert searched == [4]
    monkeypatch.setattr(interval, "_told", lambda *_: None)
    plain = asked(cut, bets(0.15, 60), 0.05, 1.0, within)
    assert np.array_equal(ends, plain, equal_nan=True)
    assert np.isnan(ends[0]).tolist() == [False] * 3 + [True] * 6


@given(seed=st.integers(0, 10_000), harm=st.floats(-0.2, 0.4))
def test_lying_below_a_harm_is_what_the_upper_end_says(seed, harm):
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 60, (4, 12)).astype(float)
    y_c, y_b = (rng.binomial(units.astype(int), 0.2).astype(float) for units in (n, n[::-1]))
    run = Proportions(n, y_c, n[::-1], y_b)
    bets = np.broadcast_to(effect_grid() * 0.3, (4, 12, 10))
    within = (np.arange(12) >= rng.integers(0, 12, 4)[:, None]).astype(float)
    _, upper = confidence_sequence(run, bets, 0.1, 1.0, within)
    clear = np.abs(upper - harm) > 1e-6
    found = lies_below(run, bets, np.full(4, harm), 0.1, 1.0, within)
    assert (found == (upper <= harm))[clear & np.isfinite(upper)].all()
    assert not found[np.isnan(upper)].any()
