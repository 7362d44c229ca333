"""A comparison of arms that do not differ, on a real log: how often it says that they do, and what it finds.

The level of the log moves by 70 points within six weeks, the split ramps, and the verdict is drawn once, at the end.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tests.comparison.splits import Log, case_of, policy, ramp

from rampgate.comparison.assess import BUDGET, assess
from rampgate.comparison.values import BETTER, NOT_SHOWN, WORSE

DRAWS = 300
HARMED = 60
RAMP = [0.10, 0.25, 0.50]


@pytest.fixture(scope="module")
def log() -> Log:
    return Log.read()


def test_random_splits_are_seldom_called_different(log: Log, record_property) -> None:
    rng, share = np.random.default_rng(20160410), ramp(log, RAMP)
    verdicts: Counter[str] = Counter()
    segments, said = 0, Counter[str]()
    for _ in range(DRAWS):
        found = assess(case_of(log, rng.random(len(share)) < share), "log")
        verdicts[found.verdict] += 1
        segments += any(row.verdict == WORSE for row in found.segments.rows)
        said.update({warning.code for warning in found.warnings})
    error = float(np.sqrt(BUDGET * (1 - BUDGET) / DRAWS))
    wrong = (verdicts[WORSE] + verdicts[BETTER]) / DRAWS
    record_property(
        "figure",
        f"compare, {DRAWS} random splits of {len(share)} real tickets over a ramp: worse "
        f"{verdicts[WORSE] / DRAWS:.1%}, better {verdicts[BETTER] / DRAWS:.1%}, some segment worse "
        f"{segments / DRAWS:.1%} (budget {BUDGET:.0%} each, Monte-Carlo error {error:.1%}); arms called unlike "
        f"{said['uneven_mix'] / DRAWS:.1%}, the pooled difference called misleading "
        f"{said['pooled_misleads'] / DRAWS:.0%}",
    )
    assert verdicts.total() == DRAWS
    assert set(verdicts) <= {WORSE, BETTER, NOT_SHOWN}
    assert wrong <= BUDGET + 3 * error
    assert segments / DRAWS <= BUDGET + 3 * error
    assert said["uneven_mix"] <= 2
    # The ramp moves the pooled difference by more than 20 points.
    assert said["pooled_misleads"] == DRAWS


def found_in(log: Log, points: float, shares: list[float], rng: np.random.Generator) -> float:
    """Share of the draws that are called worse, when the candidate misses the SLA in so many points more."""

    def harm(values: np.ndarray) -> np.ndarray:
        level = values[:, 0].mean()
        missed = rng.random(len(values)) < points / level
        return np.column_stack([np.where(missed, 0.0, values[:, 0]), values[:, 1:]])

    share, rules = ramp(log, shares), policy(segments=())
    cases = (case_of(log, rng.random(len(share)) < share, harm, rules) for _ in range(HARMED))
    return sum(assess(case, "log").verdict == WORSE for case in cases) / HARMED


def test_a_stated_harm_is_found(log: Log, record_property) -> None:
    rng = np.random.default_rng(20160411)
    rates = {points: found_in(log, points, [0.5], rng) for points in (0.03, 0.05)}
    small = found_in(log, 0.05, [0.1], rng)
    text = ", ".join(f"{100 * points:.0f} points in {rate:.0%}" for points, rate in rates.items())
    record_property(
        "figure",
        f"compare, {HARMED} splits each of {len(log.day)} real tickets, 3 metrics and the KPI: an SLA worse by {text} "
        f"at 50 % of traffic, 5 points at 10 % in {small:.0%} (Monte-Carlo error at most 6 %)",
    )
    assert rates[0.05] >= 0.9
    assert rates[0.03] <= rates[0.05]
    assert small < rates[0.05]
