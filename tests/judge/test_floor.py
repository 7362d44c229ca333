"""The floor: the candidate's own KPI against a fixed value, whoever is to blame for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.judge.build import START, case, policy, state, units

from rampgate.estimate.alone import FLOOR, Alone
from rampgate.estimate.evidence import log_evidence, log_evidence_from, onset_prior
from rampgate.estimate.interval import log_increments
from rampgate.estimate.reference import Scale
from rampgate.judge.decide import judge
from rampgate.judge.decision import HOLD, Decision, Judged
from rampgate.judge.weigh import bets
from rampgate.policy import Margin

RATES = {"right": (0.85, 0.85), "override": (0.15, 0.15)}  # a KPI of 0.85


def rules(floor: float, **changes: Any) -> Any:
    return policy(
        kpi={"weights": {"right": 0.6, "override": 0.4}, "margin": "5pp", "floor": floor},
        rollback={"override": {"worse_by": "10pp"}},
        **changes,
    )


def floor_of(decision: Decision) -> Judged:
    (found,) = [c for c in decision.criteria if c.kind == FLOOR]
    return found


def test_both_arms_far_below_the_floor_hold() -> None:
    """Nothing differs between the arms: only the floor sees that both are bad."""
    made = units(days=14, rates={"right": (0.70, 0.70), "override": (0.30, 0.30)})
    decision = judge(case(made, 14, rules(0.8)))
    found = floor_of(decision)
    assert (decision.decision, found.verdict, found.id, found.bound) == (HOLD, "FAIL", "floor:kpi", 0.8)
    assert decision.reasons[0].code == "floor"
    assert "the candidate's own KPI is below the floor of 0.8: 0.6" in str(found.message)
    assert not [c for c in decision.criteria if c.kind != FLOOR and c.verdict == "FAIL"]


def test_a_kpi_above_its_floor_passes_and_goes_on() -> None:
    decision = judge(case(units(days=14, rates=RATES, traffic=0.5), 14, rules(0.75)))
    assert floor_of(decision).verdict == "PASS"
    assert decision.decision == "go"


def test_without_a_floor_there_is_no_such_criterion() -> None:
    assert not [c for c in judge(case(units(), 10)).criteria if c.kind == FLOOR]


def test_a_phase_that_must_show_the_kpi_must_show_the_floor_too() -> None:
    """At 0.85 a floor of 0.845 is neither shown to be kept nor to be broken within days."""
    made = units(days=10, rates=RATES, traffic=0.5)
    found = judge(case(made, 10, rules(0.845), state(phase=2, since=3)))
    assert floor_of(found).verdict == "INCONCLUSIVE"
    assert ("floor", "INCONCLUSIVE") in [(r.code, r.verdict) for r in found.reasons]
    assert "the candidate's own KPI shown to be at least 0.845" in " ".join(w.what for w in found.waiting_for)
    # In a phase that asks for no proof the same evidence does not hold.
    first = judge(case(made, 10, rules(0.845)))
    assert "floor" not in [r.code for r in first.reasons]


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("rate", [0.85, 0.998])
@pytest.mark.parametrize("per_day", [5, 50, 300])
def test_a_kpi_exactly_at_its_floor(direction: int, rate: float, per_day: int, record_property: Any) -> None:
    """84 daily looks of a candidate at its floor: called below it, or shown to keep it, within the budget of 5 %."""
    rng, rollouts = np.random.default_rng(3), 1000
    n = np.full((rollouts, 84), float(per_day))
    bad = rng.binomial(per_day, 1 - rate, n.shape).astype(float)
    mean = bad / n
    spread = np.maximum(mean, 1 - mean)
    alone = Alone(n, mean - 1.0, n * mean * (1 - mean), spread, -1, True)
    variance = np.full((84,), rate * (1 - rate))
    lambdas = bets(Scale(variance, np.full(84, rate)), Margin(0.03, "points"), 1.0)
    increments = log_increments(alone, -rate, lambdas, direction)
    if direction == 1:
        days = [START + timedelta(days=t) for t in range(84)]
        path = log_evidence(increments, onset_prior(days, START))
        share, error = (path.max(-1) >= np.log(20)).mean(), 0.0069
    else:
        # Judged at its current value, at any one look.
        share = max((log_evidence_from(increments[:, :t]) >= np.log(20)).mean() for t in (14, 42, 84))
        error = 0.0069
    word = "called below" if direction == 1 else "shown to keep"
    record_property(
        "figure",
        f"floor, KPI exactly at {rate:g}, {per_day} a day: {word} it {share:.1%} (budget 5 %, error {error:.1%})",
    )
    assert share <= 0.05 + 2 * error
