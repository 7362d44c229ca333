"""Harm in counts: what was spent, what the next phase may add, and what follows from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.judge.build import case, policy, state, units

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Proportions
from rampgate.estimate.interval import confidence_sequence
from rampgate.estimate.reference import Scale
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision
from rampgate.judge.weigh import bets
from rampgate.policy import Margin

PHASES: list[dict[str, Any]] = [
    {"traffic": "10%", "at_least": "7d", "minimum_units": 100, "go": "within_budget"},
    {"traffic": "50%", "at_least": "10d", "go": "within_budget"},
    {"traffic": "100%"},
]


def rules(budget: float, **changes: Any) -> Any:
    return policy(harm_budget={"override": budget}, phases=PHASES, **changes)


def worse(day: np.ndarray, queue: np.ndarray) -> np.ndarray:
    return np.full(len(day), 0.06)


def test_the_numbers_are_those_counted_by_hand() -> None:
    made = units(days=10, per_day=300, traffic=0.1, harm=worse)
    decision = judge(case(made, 10, rules(1e6)))
    (found,) = decision.budgets
    spent = 0.0
    for day in range(10):
        arms = [made.metrics["override"][(made.day == day) & (made.arm == arm)] for arm in (0, 1)]
        spent += len(arms[1]) * (arms[1].mean() - arms[0].mean())
    assert found.so_far == pytest.approx(spent, rel=1e-9)
    # 300 units a day, half of them for 10 days.
    assert found.units == pytest.approx(1500)
    (row,) = [m for m in decision.metrics if m.name == "override" and not m.group.column]
    assert found.per_unit is not None
    assert found.so_far is not None
    assert found.units is not None
    assert row.difference is not None
    assert row.upper is not None
    assert row.difference < found.per_unit < row.upper  # one-sided, so a little nearer than the two-sided end
    assert found.pending == 0
    assert found.projected == pytest.approx(found.so_far + found.per_unit * found.units)
    assert found.verdict == "PASS"
    assert decision.decision == "go"
    assert "within the budget (override: about" in decision.reasons[0].message


def test_a_budget_that_the_next_phase_could_break_holds_and_says_when_it_may_not() -> None:
    made = units(days=8, per_day=300, traffic=0.1, rates={"right": (0.85, 0.85), "override": (0.15, 0.15)})
    decision = judge(case(made, 8, rules(60)))
    assert (decision.decision, decision.budgets[0].verdict) == ("hold", "INCONCLUSIVE")
    (reason,) = [r for r in decision.reasons if r.code == "budget"]
    assert "the next phase, 50% of traffic for 10d, and what is too young to count may cost up to" in reason.message
    (wait,) = decision.waiting_for
    assert wait.what.startswith("override within its harm budget (if the candidate equals")
    assert wait.expected_at is not None
    assert wait.expected_at > decision.look


def test_a_budget_that_is_spent_holds_and_says_to_go_back() -> None:
    made = units(days=20, per_day=300, traffic=0.5, harm=worse)
    content = {"rollback": {"override": {"worse_by": "30pp"}}, "guardrails": {"override": {"margin": "30pp"}}}
    decision = judge(case(made, 20, rules(100, **content), state(phase=2, since=4)))
    assert (decision.decision, decision.budgets[0].verdict) == ("hold", "FAIL")
    messages = [r.message for r in decision.reasons if r.code == "budget"]
    assert any("go back to 10% of traffic, or roll back" in m for m in messages)
    assert decision.waiting_for == ()  # nothing that time will bring


def test_a_budget_of_a_phase_that_does_not_go_by_it_is_told_only_while_the_rollout_holds() -> None:
    made = units(days=20, per_day=300, traffic=0.5, harm=worse)
    phases = [{**PHASES[0], "go": "no_harm"}, {**PHASES[1], "go": "no_harm"}, PHASES[2]]
    content = {"rollback": {"override": {"worse_by": "30pp"}}, "guardrails": {"override": {"margin": "30pp"}}}
    loose = policy(
        harm_budget={"override": 100},
        phases=phases,
        kpi={"weights": {"right": 1.0}, "margin": "30pp"},
        **content,
    )
    assert [r.code for r in judge(case(made, 20, loose, state(phase=2, since=4))).reasons] == ["all_clear"]
    held = judge(case(made, 20, loose, state(phase=2, since=15)))
    assert (held.decision, [r.code for r in held.reasons]) == ("hold", ["minimum_duration", "budget"])


def test_what_was_exposed_and_is_too_young_counts_as_what_it_may_cost() -> None:
    """Without it a rollout would go on while the units on their way already break the budget."""
    slow = {
        "right": {"kind": "proportion", "column": "right"},
        "override": {"kind": "proportion", "column": "override", "better": "lower", "matures_after": "6d"},
    }
    made = units(days=20, per_day=300, traffic=0.1, harm=worse)
    prompt = judge(case(made, 20, rules(1e6))).budgets[0]
    late = judge(case(made, 20, rules(1e6, metrics=slow))).budgets[0]
    young = int(((made.arm == 1) & (made.day >= 14)).sum())
    assert (prompt.pending, late.pending) == (0, young)
    assert late.per_unit is not None
    assert late.projected == pytest.approx(float(late.so_far or 0) + late.per_unit * (young + float(late.units or 0)))


def test_a_policy_that_lost_phases_holds_and_does_not_break() -> None:
    short = policy(phases=[{"traffic": "10%"}, {"traffic": "50%"}])
    decision = judge(case(units(days=20, traffic=0.5), 20, short, state(phase=4, since=15)))
    assert decision.decision == "hold"
    assert "this rollout has reached phase 4, and the policy has 2" in " ".join(r.message for r in decision.reasons)


def test_records_without_budgets_stay_as_they_were_and_others_are_read_back() -> None:
    assert "budgets" not in judge(case(units())).to_dict()
    decision = judge(case(units(), rules=rules(150)))
    assert Decision.from_dict(decision.to_dict()).to_dict() == decision.to_dict()


@pytest.mark.parametrize(("rate", "per_day"), [(0.15, 300), (0.15, 50), (0.02, 300)])
@pytest.mark.parametrize("traffic", [0.1, 0.5])
def test_harm_at_its_limit_is_said_to_be_within_it_in_at_most_5_percent(
    rate: float, per_day: int, traffic: float, record_property: Any
) -> None:
    """A candidate whose harm per unit is exactly what the budget allows, looked at weekly for six weeks."""
    rng, rollouts, harm = np.random.default_rng(8), 400, 0.03
    n_c = rng.binomial(per_day, traffic, (rollouts, 42)).astype(float)
    n_b = per_day - n_c

    def draw(n: Floats, chance: float) -> Floats:
        return rng.binomial(n.astype(int), chance).astype(float)

    run = Proportions(n_c, draw(n_c, rate + harm), n_b, draw(n_b, rate))
    lambdas = bets(Scale(np.full(42, rate * (1 - rate)), np.full(42, rate)), Margin(0.05, "points"), 1.0)
    passed = np.zeros(rollouts, dtype=bool)
    for days in range(7, 43, 7):
        within = (np.arange(42) < days).astype(float)
        _, upper = confidence_sequence(run, lambdas, 0.10, 1.0, within)
        passed |= upper < harm
    share, error = passed.mean(), float(np.sqrt(0.05 * 0.95 / rollouts))
    record_property(
        "figure",
        f"within_budget, {rate:.0%} bad, {per_day} a day, {traffic:.0%} of traffic, harm at its limit: passed "
        f"{share:.1%} (budget 5 %, error {error:.1%})",
    )
    assert share <= 0.05 + 2 * error
