"""A candidate exactly at the margin passes ``non_inferior`` in at most the stated share of rollouts."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from tests.guarantees.splits import as_data, split, weekly_ramp
from tests.guarantees.test_random_splits import policy, servicenow

from rampgate.estimate.contrast import Proportions
from rampgate.estimate.evidence import log_sum_exp
from rampgate.estimate.increments import effect_grid
from rampgate.estimate.interval import log_increments
from rampgate.judge.weigh import bets
from rampgate.policy import Margin

ROLLOUTS = 2000
DAYS = 84


@pytest.mark.parametrize(
    ("rate", "margin", "units", "traffic"),
    [
        (0.15, 0.02, 300, 0.5),
        (0.15, 0.05, 300, 0.1),
        (0.005, 0.02, 300, 0.5),
        (0.5, 0.05, 50, 0.1),
        (0.02, 0.02, 50, 0.5),
    ],
)
def test_proportion_at_the_margin(rate: float, margin: float, units: int, traffic: float) -> None:
    rng = np.random.default_rng(11)
    n_c = rng.binomial(units, traffic, (ROLLOUTS, DAYS)).astype(float)
    n_b = units - n_c
    made = Proportions(
        n_c, rng.binomial(n_c.astype(int), rate + margin).astype(float),
        n_b, rng.binomial(n_b.astype(int), rate).astype(float),
    )  # fmt: skip
    grid = np.ones((DAYS, 1)) * effect_grid() * margin / (rate * (1 - rate))
    path = log_sum_exp(log_increments(made, margin, grid, -1).cumsum(-2)) - np.log(10)
    passed = float((path >= np.log(20)).any(-1).mean())
    assert passed <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / ROLLOUTS)


def test_kpi_of_real_tickets_at_the_margin(record_property) -> None:
    """The candidate's tickets of the real log are made worse by exactly the margin, in every day."""
    log = servicenow()
    chosen, margin = policy("0"), Margin(0.05, "points")
    draws = split(log, weekly_ramp(log.calendar, [0.5]), 1000, np.random.default_rng(12))
    data = as_data(chosen, draws, log.calendar)
    # Shifting every candidate unit by a constant moves the KPI by the margin and leaves its variance.
    at = draws.components.index("met_sla:value")
    draws.mean[..., 1, :, at] -= 0.05 / 0.5
    made = data.contrast("kpi", margin)
    increments = log_increments(made, margin.value, bets(data.scale("kpi"), margin), -1)[:, 0]
    path = log_sum_exp(increments.cumsum(-2)) - np.log(10)
    passed = float((path >= np.log(20)).any(-1).mean())
    error = float(np.sqrt(0.05 * 0.95 / 1000))
    record_property(
        "figure",
        f"real tickets, KPI exactly 5 points worse: passed non_inferior in {passed:.1%} (error {error:.1%})",
    )
    assert passed <= 0.05 + 3 * error


def test_a_good_candidate_passes_in_time() -> None:
    """Median 6 days for 5 points at 300 units a day and 50 % (statistics of the design); the test has power."""
    rng = np.random.default_rng(13)
    n_c = rng.binomial(300, 0.5, (1000, 40)).astype(float)
    n_b = 300 - n_c
    made = Proportions(
        n_c,
        rng.binomial(n_c.astype(int), 0.15).astype(float),
        n_b,
        rng.binomial(n_b.astype(int), 0.15).astype(float),
    )
    grid = np.ones((40, 1)) * effect_grid() * 0.05 / (0.15 * 0.85)
    path = log_sum_exp(log_increments(made, 0.05, grid, -1).cumsum(-2)) - np.log(10)
    days = np.where((path >= np.log(20)).any(-1), np.argmax(path >= np.log(20), -1) + 1, 99)
    assert 4 <= np.median(days) <= 8
    assert date(2026, 1, 1) + timedelta(days=int(np.median(days))) < date(2026, 1, 10)
