"""Quantiles: false rollback at low traffic while the baseline moves, and the interval that is shown.

No quantile of a day is used: it is biased, and days do not average that away.
"""

from __future__ import annotations

import numpy as np
import pytest
from tests.guarantees.quantiles import DAYS, PRIOR, Kind, draw, level, log_e

from rampgate.estimate.contrast import Proportions
from rampgate.estimate.evidence import log_evidence, log_sum_exp
from rampgate.estimate.interval import log_increments
from rampgate.judge.weigh import bets
from rampgate.policy import Margin

ROLLOUTS = 200
BAR = np.log(20.0)


@pytest.mark.parametrize("history", [True, False])
@pytest.mark.parametrize("per_day", [50, 300])
@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_nothing_different_is_rarely_rolled_back(sigma: float, per_day: int, history: bool, record_property) -> None:
    rng = np.random.default_rng(int(10 * sigma) + per_day)
    kind = Kind(sigma=sigma, per_day=per_day, history=history)
    found = float(np.mean([(log_e(draw(kind, rng)[0]) >= BAR).any() for _ in range(ROLLOUTS)]))
    error = np.sqrt(0.05 * 0.95 / ROLLOUTS)
    record_property(
        "figure",
        f"p95 of lognormal values, sigma {sigma:g}, {per_day} a day, 10 % traffic, baseline moving, "
        f"{'history' if history else 'no history'}: rolled back {found:.1%} (budget 5 %, error {error:.1%})",
    )
    assert found <= 0.05 + 2 * error


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_exactly_at_the_margin_it_is_rarely_rolled_back_and_rarely_passes(sigma: float, record_property) -> None:
    """A candidate 20 % higher against a margin of 20 %: the border of both tests, with the edges on either side."""
    rng, margin, rolled, passed = np.random.default_rng(7), Margin(0.2, "relative"), 0, 0
    for _ in range(ROLLOUTS):
        found = draw(Kind(sigma=sigma, traffic=0.5, per_day=100, slower=1.2), rng)[0]
        made, grid = found.columns([margin]), bets(found.scale(), found.expected(margin), 1.0)
        known, base = made["tested"], made["at"]
        harm, proof = (
            Proportions(known[:, 1].T, made[f"{side}:{margin}"][:, 1].T, known[:, 0].T, base[:, 0].T)
            for side in ("far", "near")
        )
        rolled += bool((log_evidence(log_increments(harm, 0.0, grid), PRIOR) >= BAR).any())
        path = log_sum_exp(log_increments(proof, 0.0, grid, -1)[0].cumsum(0)) - np.log(grid.shape[-1])
        passed += bool((path >= BAR).any())
    error = np.sqrt(0.05 * 0.95 / ROLLOUTS)
    record_property(
        "figure",
        f"p95 exactly 20 % higher, sigma {sigma:g}, 100 a day at 50 %: rolled back {rolled / ROLLOUTS:.1%}, passed at "
        f"some day {passed / ROLLOUTS:.1%} (5 % each, error {error:.1%})",
    )
    assert max(rolled, passed) / ROLLOUTS <= 0.05 + 2 * error


@pytest.mark.parametrize("slower", [0.5, 2.0])
def test_the_interval_covers_a_change_of_scale(slower: float, record_property) -> None:
    """Half and twice as high: the densities at the two quantiles differ by a factor of two."""
    rng, rounds, misses = np.random.default_rng(12), 100, 0
    ends = range(7, DAYS + 1, 7)
    looks = np.array([np.arange(DAYS) < end for end in ends], dtype=float)
    days = np.arange(DAYS)
    # A large sample of the baseline over the days of each look; the traffic is constant, so all weigh alike.
    sample = rng.lognormal(1.0, 1.0, (20_000, DAYS)) * level(days)
    truth = np.array([(slower - 1.0) * np.quantile(sample[:, :end], 0.95) for end in ends])
    for _ in range(rounds):
        found = draw(Kind(slower=slower, traffic=0.5), rng)[0]
        between = found.heights(0).between(looks, np.ones((DAYS, 1)) * bets(found.scale(), None, 1.0)[0])
        misses += bool(((between.lower > truth) | (between.upper < truth)).any())
    error = np.sqrt(0.05 * 0.95 / rounds)
    record_property(
        "figure", f"interval of a p95's difference, candidate {slower:g} times as high, 300 a day at 50 %: misses the "
        f"truth at some weekly look in {misses / rounds:.1%} (5 %, error {error:.1%})"
    )  # fmt: skip
    assert misses / rounds <= 0.05 + 2 * error


def test_a_daily_quantile_is_biased(record_property) -> None:
    """Why there is a threshold: a candidate at 10 % of 50 units a day has five of them, the baseline 45."""
    rng = np.random.default_rng(1)
    few, many = (float(np.quantile(rng.lognormal(1, 1, (50_000, n)), 0.95, axis=1).mean()) for n in (5, 45))
    truth = float(np.exp(1 + 1.6449))
    record_property("figure", f"mean of daily p95s: {few:.1f} of 5 units, {many:.1f} of 45, truth {truth:.1f}")
    assert few < 0.75 * truth < many < truth


def test_half_as_slow_again_is_seen(record_property) -> None:
    rng = np.random.default_rng(3)
    hits = np.array([log_e(draw(Kind(slower=1.5, traffic=0.25), rng)[0]) >= BAR for _ in range(50)])
    day = float(np.median(np.argmax(hits, -1))) + 1
    record_property("figure", f"p95 half as high again, 300 a day, 25 % traffic: seen {hits.any(-1).mean():.0%}, "
                              f"median day {day:.0f}")  # fmt: skip
    assert hits.any(-1).mean() > 0.9


@pytest.mark.parametrize("per_day", [50, 300])
def test_the_interval_covers_at_every_weekly_look(per_day: int, record_property) -> None:
    rng = np.random.default_rng(11)
    looks = np.array([np.arange(DAYS) < end for end in range(7, DAYS + 1, 7)], dtype=float)
    misses, rounds = 0, 100
    for _ in range(rounds):
        found = draw(Kind(per_day=per_day), rng)[0]
        bets_ = 0.05 / (0.05 + 0.0475) * np.ones((DAYS, 1)) * np.linspace(0.4, 1.8, 10)
        between = found.heights(0).between(looks, bets_)
        misses += bool(((between.lower > 0) | (between.upper < 0)).any())
    error = np.sqrt(0.05 * 0.95 / rounds)
    record_property(
        "figure", f"interval of a p95's difference, {per_day} a day: misses 0 at some weekly look in "
        f"{misses / rounds:.1%} (5 %, error {error:.1%})"
    )  # fmt: skip
    assert misses / rounds <= 0.05 + 2 * error
