"""The evidence recursion against brute force over onsets, and its laws."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rampgate.estimate.evidence import likely_onset, log_evidence, log_evidence_from, log_sum_exp, onset_prior

DAY = date(2026, 1, 5)


def days(count: int) -> list[date]:
    return [DAY + timedelta(days=i) for i in range(count)]


def test_prior_has_half_at_launch_and_sums_to_one_in_the_end() -> None:
    prior = onset_prior(days(7 * 4000), DAY)
    assert prior[0] == 0.5
    assert prior[7] == pytest.approx(4 / (8 * 9))
    assert prior[14] == pytest.approx(4 / (9 * 10))
    assert prior.sum() < 1
    # sum over k >= 1 of 4 / ((k + 7)(k + 8)) telescopes to 1/2 - 4 / (K + 8).
    assert prior.sum() == pytest.approx(1 - 4 / (3999 + 8), abs=1e-12)


def test_prior_of_a_week_without_rows_falls_on_the_next_period() -> None:
    sparse = [DAY, DAY + timedelta(days=1), DAY + timedelta(days=22)]
    prior = onset_prior(sparse, DAY)
    assert prior.tolist() == pytest.approx([0.5, 0.0, sum(4 / ((k + 7) * (k + 8)) for k in (1, 2, 3))])


@given(st.integers(2, 400), st.lists(st.integers(0, 500), max_size=30, unique=True))
def test_prior_with_a_horizon_is_daily_and_ends(horizon: int, later: list[int]) -> None:
    since = [0, *sorted(day for day in later if day)]
    prior = onset_prior([DAY + timedelta(days=day) for day in since], DAY, horizon)
    assert prior[0] == 0.5
    # What lies on or before a period is what an even prior gives those days, and 1 from the horizon on.
    told = [0.5 + 0.5 * min(day, horizon - 1) / (horizon - 1) for day in since]
    assert prior.cumsum().tolist() == pytest.approx(told)


@given(hnp.arrays(np.float64, (12, 3), elements=st.floats(-3, 3)))
def test_recursion_equals_the_sum_over_all_onsets(increments: np.ndarray) -> None:
    prior = onset_prior(days(12), DAY)
    got = log_evidence(increments, prior)
    for t in range(12):
        brute = sum(prior[begin] * np.mean(np.exp(increments[begin : t + 1].sum(0))) for begin in range(t + 1))
        assert np.exp(got[t]) == pytest.approx(brute + 1 - prior[: t + 1].sum(), rel=1e-9)


@given(hnp.arrays(np.float64, (6, 4), elements=st.floats(-3, 3)), st.integers(0, 6))
def test_evidence_from_a_period_counts_only_what_follows(increments: np.ndarray, begin: int) -> None:
    expected = np.log(np.mean(np.exp(increments[begin:].sum(0))))
    assert float(log_evidence_from(increments, begin)) == pytest.approx(expected, abs=1e-9)


def test_batches_are_judged_as_single_rollouts() -> None:
    rng = np.random.default_rng(3)
    increments = rng.normal(size=(4, 5, 9, 10))
    prior = onset_prior(days(9), DAY)
    whole = log_evidence(increments, prior)
    for i in range(4):
        for j in range(5):
            assert whole[i, j] == pytest.approx(log_evidence(increments[i, j], prior), abs=1e-12)


def test_onset_is_where_the_evidence_begins_to_grow() -> None:
    increments = np.full((20, 10), -0.2)
    increments[13:] = 0.5
    assert likely_onset(increments) == 13


def test_log_sum_exp_survives_extremes() -> None:
    assert float(log_sum_exp(np.array([-np.inf, -np.inf]))) == -np.inf
    assert float(log_sum_exp(np.array([1000.0, 1000.0]))) == pytest.approx(1000 + np.log(2))
