"""Weights, margins and phases follow their stated rules, and lead somewhere."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.rollout.tables import tickets

from rampgate.guess import guess
from rampgate.guess.plan import Volume, phases, reach, weights
from rampgate.rollout.replay import replay


@pytest.mark.parametrize("n", range(1, 8))
def test_weights_are_hundredths_that_sum_to_one(n: int) -> None:
    found = weights([f"m{i}" for i in range(n)])
    assert sum(round(100 * w) for w in found.values()) == 100
    assert max(found.values()) - min(found.values()) <= 0.011


@pytest.mark.parametrize(
    ("per_day", "shares"),
    [
        # 300 candidate units in the first week: 1 % of 4,286 a day, 5 % of 858, 10 % of 429, 25 % of 172.
        (10_000, ["1%", "10%", "50%", "100%"]),
        (4_286, ["1%", "10%", "50%", "100%"]),
        (4_285, ["5%", "25%", "50%", "100%"]),
        (858, ["5%", "25%", "50%", "100%"]),
        (857, ["10%", "25%", "50%", "100%"]),
        (429, ["10%", "25%", "50%", "100%"]),
        (428, ["25%", "50%", "100%"]),
        (172, ["25%", "50%", "100%"]),
        (171, ["50%", "100%"]),
        (3, ["50%", "100%"]),
    ],
)
def test_the_first_phase_brings_enough_units_in_a_week(per_day: float, shares: list[str]) -> None:
    steps, why = phases(per_day)
    assert [step["traffic"] for step in steps] == shares
    assert ("fewer than the 300" in why) == (per_day == 3)


def test_the_margin_by_hand() -> None:
    """A rate of 80 %, 280 units a day: 1,960 units an arm in 14 days, a standard error of 0.4 sqrt(2/1960) = 0.01278.

    Four of them are 5.1 points: the next step is 10.
    """
    assert reach(0.4, 280) == pytest.approx(4 * 0.4 * np.sqrt(2 / 1960))
    n = 280 * 30
    chance = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "id": range(n),
            "opened": pd.Timestamp("2026-01-05") + pd.to_timedelta(np.arange(n) // 280, unit="D"),
            "variant": chance.choice(["a", "b"], n),
            "solved": np.arange(n) % 5 > 0,
        }
    )
    policy = guess(frame).policy
    assert (str(policy.kpi.margin), str(policy.guardrails["solved"].margin)) == ("10pp", "10pp")


def test_volume() -> None:
    seen = Volume(5760, date(2026, 1, 5), date(2026, 1, 24))
    assert (seen.days, seen.per_day) == (20, 288)
    assert seen.words() == "288 units a day (5,760 rows in 20 days)"
    assert Volume(12, date(2026, 1, 5), date(2026, 1, 5)).words() == "12 units a day (12 rows in 1 day)"
    assert Volume(1_234_567, date(2026, 1, 1), date(2026, 1, 10)).words().startswith("123,457 units a day")
    assert Volume(0, None, None).per_day == 0


@pytest.mark.parametrize(("harm", "last"), [(0.0, "complete"), (0.25, "rollback")])
def test_the_proposal_leads_somewhere(harm: float, last: str) -> None:
    """300 tickets a day, half of them handled by the candidate: a harmless one gets through, a bad one does not."""
    frame: Any = tickets(days=60, per_day=300, traffic=0.5, harm=harm)
    policy = guess(frame).policy
    assert [f"{100 * phase.traffic:g}" for phase in policy.phases] == ["25", "50", "100"]
    decisions = replay(policy, frame)
    assert decisions[-1].decision == last
