"""The increments of the log-rank score: mean at most 1 under the same pace, whatever the numbers."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rampgate.estimate.hazard import hazard_bets, hazard_increments, log_rank_score


def urn(n_c: int, n_b: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Every number of the candidate's events there can be, and its chance."""
    k = np.arange(max(0, d - n_b), min(d, n_c) + 1)
    return k.astype(float), np.array([comb(n_c, i) * comb(n_b, d - i) / comb(n_c + n_b, d) for i in k.tolist()])


SIZES = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda n: st.tuples(st.just(n[0]), st.just(n[1]), st.integers(0, n[0] + n[1]))
)


@given(SIZES)
def test_score_and_variance_are_those_of_the_urn(size: tuple[int, int, int]) -> None:
    n_c, n_b, d = size
    k, chance = urn(n_c, n_b, d)
    scores, variances = log_rank_score(np.full_like(k, n_c), np.full_like(k, n_b), k, d - k)
    assert float(chance @ scores) == pytest.approx(0.0, abs=1e-9)
    assert float(chance @ scores**2) == pytest.approx(float(variances[0]), abs=1e-9)


@given(SIZES, st.floats(0.01, 4.0), st.sampled_from([-1, 1]))
def test_a_bet_on_a_fair_urn_is_never_favourable(size: tuple[int, int, int], expect: float, sign: int) -> None:
    n_c, n_b, d = size
    k, chance = urn(n_c, n_b, d)
    each = hazard_increments(np.full_like(k, n_c), np.full_like(k, n_b), k, d - k, hazard_bets(expect), sign)
    assert (chance @ np.exp(each) <= 1 + 1e-12).all()


def test_an_arm_alone_says_nothing() -> None:
    nobody = np.zeros(1)
    alone = hazard_increments(nobody, nobody + 9, nobody, nobody + 4, hazard_bets(None), 1)
    assert (alone == 0).all()
    last = hazard_increments(nobody, nobody, nobody, nobody, hazard_bets(None), -1)
    assert (last == 0).all()


def test_the_bets_are_on_the_log_of_the_ratio() -> None:
    assert hazard_bets(0.2).tolist() == hazard_bets(None).tolist()
    middle = hazard_bets(1.0)
    assert middle.min() < np.log(2) < middle.max()
    assert (middle > 0).all()


def test_slower_events_are_harm_where_an_event_is_good() -> None:
    n = np.full(24, 100.0)
    good = hazard_increments(n, n, np.full(24, 5.0), np.full(24, 10.0), hazard_bets(None), -1).sum(0)
    bad = hazard_increments(n, n, np.full(24, 5.0), np.full(24, 10.0), hazard_bets(None), 1).sum(0)
    assert (good > 0).all()
    assert (bad < 0).all()
