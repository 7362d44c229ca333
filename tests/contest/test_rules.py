"""The peers' rules against their sources: published tables, a package, SciPy."""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from benchmarks.gate_contest.rules.group_sequential import Walk, bounds, obrien_fleming, pocock
from benchmarks.gate_contest.rules.growthbook import half_width
from benchmarks.gate_contest.rules.kayenta import high, score, shift
from scipy.stats import mannwhitneyu

# Jennison and Turnbull 2000, tables 2.1 and 2.3: C_P(K, alpha) and C_B(K, alpha), two-sided, equally spaced looks.
POCOCK = {(2, 0.05): 2.178, (5, 0.05): 2.413, (10, 0.05): 2.555, (5, 0.1): 2.122, (10, 0.1): 2.270}
OBRIEN_FLEMING = {(2, 0.05): 1.977, (5, 0.05): 2.040, (10, 0.05): 2.087, (5, 0.1): 1.751, (10, 0.1): 1.801}


def crossed(limits: list[float]) -> float:
    """Chance that |z| ever passes its limit at equally spaced looks."""
    walk, stopped = Walk(), 0.0
    for k, limit in enumerate(limits, start=1):
        t = k / len(limits)
        stopped += 2 * walk.beyond(limit * sqrt(t), t)
        walk.go_on(-limit * sqrt(t), limit * sqrt(t), t)
    return stopped


@pytest.mark.parametrize(("looks", "alpha"), POCOCK)
def test_the_recursion_gives_published_constants_their_alpha(looks: int, alpha: float) -> None:
    # The constants have three decimals: half a unit of the last is 0.0002 in alpha at most.
    assert crossed([POCOCK[looks, alpha]] * looks) == pytest.approx(alpha, abs=2e-4)
    wide = [OBRIEN_FLEMING[looks, alpha] * sqrt(looks / k) for k in range(1, looks + 1)]
    assert crossed(wide) == pytest.approx(alpha, abs=2e-4)


def test_spending_gives_published_bounds() -> None:
    # Five equally spaced looks, one-sided 2.5 %: Reboussin, DeMets, Kim and Lan 2000 (the program ld98).
    times = [0.2, 0.4, 0.6, 0.8, 1.0]
    assert bounds(0.025, times, obrien_fleming).tolist() == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=2e-3)
    assert bounds(0.025, times, pocock).tolist() == pytest.approx([2.438, 2.427, 2.410, 2.397, 2.386], abs=2e-3)


def test_half_widths_are_those_of_gbstats() -> None:
    cases = json.loads(Path(__file__).with_name("gbstats.json").read_text("utf-8"))
    assert len(cases) == 300
    for case in cases:
        n, variance = float(sum(case["n"])), np.array(case["variance"])
        assert variance == pytest.approx(
            sum(y / m * (1 - y / m) / m for y, m in zip(case["y"], case["n"], strict=True)), rel=1e-9
        )
        own = half_width(variance, np.array(n), case["alpha"], one_sided=False, tuning=case["tuning"])
        assert float(own) == pytest.approx(case["half"], rel=1e-12)
        assert half_width(variance, np.array(n), case["alpha"], one_sided=True) < half_width(
            variance, np.array(n), case["alpha"], one_sided=False
        )


@pytest.mark.parametrize("size", [7, 21, 84])
def test_the_interval_of_the_shift_is_that_of_the_test(size: int) -> None:
    rng = np.random.default_rng(size)
    x, y = rng.normal(0.3, 1.0, size), rng.normal(0.0, 1.0, size)
    low, middle = (float(v) for v in shift(x, y))

    def p(by: float) -> float:
        return float(mannwhitneyu(x - by, y, alternative="greater", method="asymptotic").pvalue)

    # The lower end of a 98 % interval: just below it 1 % is reached, just above it is not.
    assert p(low - 1e-9) <= 0.01 < p(low + 1e-9)
    assert middle == pytest.approx(float(np.median(x[:, None] - y[None])))


def test_kayenta_classifies_and_scores() -> None:
    flat, worse = np.linspace(0.10, 0.12, 40), np.linspace(0.20, 0.22, 40)
    assert high(worse, flat, 1.0)
    assert not high(flat, worse, 1.0)
    assert not high(worse, flat, 3.0)  # allowedIncrease
    failed = np.zeros((3, 9), dtype=bool)
    failed[1, 0] = failed[2, 5] = True
    assert score(failed).tolist() == [100.0, 50.0, 93.75]
