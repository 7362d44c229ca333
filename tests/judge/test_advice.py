"""Rare outcomes are told to be counted as what they are."""

from __future__ import annotations

from tests.judge.build import case, policy, units

from rampgate.judge.advice import advice


def test_a_proportion_below_two_percent_is_told_of_counts() -> None:
    made = units(days=10, rates={"right": (0.995, 0.995), "override": (0.01, 0.01)})
    lines = sorted(advice(case(made)), reverse=True)
    assert [line.split(":")[0] for line in lines] == ["right", "override"]
    bad = int(made.metrics["override"][made.arm == 0].sum())
    assert f"({bad} of {int((made.arm == 0).sum())}); below 2%" in lines[1]
    assert "write kind: rare_event" in lines[1]
    assert "name the bad value under equals" in lines[0]


def test_ordinary_rates_and_few_units_are_told_nothing() -> None:
    assert advice(case(units())) == []
    assert advice(case(units(days=10, per_day=10, rates={"right": (0.999, 0.999), "override": (0.001, 0.001)}))) == []


def test_a_rare_event_needs_no_advice() -> None:
    metrics = {
        "right": {"kind": "proportion", "column": "right"},
        "override": {"kind": "rare_event", "column": "override"},
    }
    rules = policy(
        metrics=metrics,
        kpi={"weights": {"right": 1}},
        guardrails={"override": {"margin": "10%"}},
        rollback={"override": {"worse_by": 0}},
    )
    assert advice(case(units(rates={"right": (0.85, 0.85), "override": (0.01, 0.01)}), rules=rules)) == []
