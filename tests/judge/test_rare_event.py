"""Rare events: counts against the known split, from zero events on."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from tests.judge.build import Units, case, policy, units

from rampgate.aggregate.marginals import OVERALL
from rampgate.estimate.evidence import log_evidence, onset_prior
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision
from rampgate.policy import Policy

DAYS = 28


def rules(worse_by: Any = 0, **changes: Any) -> Policy:
    metrics = {
        "right": {"kind": "proportion", "column": "right"},
        "missed": {"kind": "rare_event", "column": "missed"},
    }
    content: dict[str, Any] = {
        "metrics": metrics,
        "kpi": {"weights": {"right": 1}},
        "guardrails": {"missed": {"margin": "10%"}},
        "rollback": {"missed": {"worse_by": worse_by}},
        **changes,
    }
    return policy(**content)


def looked(made: Units, worse_by: Any = 0, **changes: Any) -> Decision:
    return judge(case(made, days=DAYS, rules=rules(worse_by, **changes)))


def events(baseline: float, candidate: float, seed: int = 1, per_day: int = 3000) -> Units:
    rates = {"right": (0.85, 0.85), "missed": (baseline, candidate)}
    return units(days=DAYS, per_day=per_day, traffic=0.1, rates=rates, seed=seed)


def test_a_tripled_rare_event_is_rolled_back_and_said_in_words() -> None:
    decision = looked(events(0.002, 0.008))
    assert decision.decision == "rollback"
    assert decision.reasons[0].metric == "missed"
    assert "missed is worse than the baseline" in decision.reasons[0].message


def test_the_same_rate_is_not() -> None:
    assert looked(events(0.002, 0.002)).decision == "go"


@pytest.mark.parametrize(("baseline", "candidate"), [(0.0, 0.0), (0.002, 0.0), (0.0, 0.004)])
def test_zero_events_in_an_arm_are_defined(baseline: float, candidate: float) -> None:
    decision = looked(events(baseline, candidate))
    [criterion] = [c for c in decision.criteria if c.id == "rollback:missed"]
    assert criterion.verdict != "ERROR"
    assert criterion.e_value is not None
    assert decision.decision == ("rollback" if candidate else "go")
    [row] = [m for m in decision.metrics if m.name == "missed" and m.group == OVERALL]
    assert row.lower is not None
    assert row.upper is not None
    assert row.lower <= row.difference <= row.upper  # type: ignore[operator]


def test_the_evidence_is_the_mixture_of_likelihood_ratios_by_hand() -> None:
    made = events(0.003, 0.006, per_day=500)
    [criterion] = [c for c in looked(made, "50%").criteria if c.id == "rollback:missed"]
    factors, inc = [1.25, 1.5, 2, 3, 5, 8], np.zeros((DAYS, 6))
    for day in range(DAYS):
        n = [np.sum((made.day == day) & (made.arm == arm)) for arm in (0, 1)]
        k = [np.sum(made.metrics["missed"][(made.day == day) & (made.arm == arm)]) for arm in (0, 1)]
        p = 1.5 * n[1] / (1.5 * n[1] + n[0])
        inc[day] = [k[1] * np.log(f) - sum(k) * np.log(1 - p + p * f) for f in factors]
    days = [case(made, days=DAYS).cells.periods[t].day for t in range(DAYS)]
    expected = np.exp(log_evidence(inc, onset_prior(days, days[0]))[-1])
    assert criterion.e_value == pytest.approx(expected, rel=1e-9)


def test_fewer_events_are_harm_where_more_is_better() -> None:
    better = {"missed": {"kind": "rare_event", "column": "missed", "better": "higher"}}
    metrics = {"right": {"kind": "proportion", "column": "right"}, **better}
    assert looked(events(0.008, 0.002), metrics=metrics).decision == "rollback"
    assert looked(events(0.002, 0.008), metrics=metrics).decision == "go"


def test_non_inferior_phases_do_not_wait_for_it() -> None:
    phases = [{"traffic": "10%", "at_least": "7d", "go": "non_inferior"}, {"traffic": "100%"}]
    decision = looked(events(0.002, 0.002), phases=phases)
    assert decision.decision == "go"


def test_enough_good_evidence_passes_its_guardrail() -> None:
    made = events(0.02, 0.01, per_day=6000)
    verdicts = {c.id: c.verdict for c in looked(made).criteria}
    assert verdicts["guardrail:missed"] == "PASS"


def test_the_all_clear_says_what_the_count_test_would_have_seen() -> None:
    """Not the interval of the difference, which is another test's: a rate of 0.2 % four times as high is caught."""
    decision = looked(events(0.002, 0.002))
    [text] = [r.message for r in decision.reasons if r.code == "all_clear"]
    times = float(re.search(r"missed ([0-9.]+) times as often as in the baseline", text)[1])  # type: ignore[index]
    assert 1.0 < times < 4.0
    assert "missed 3" not in text
    # Nobody had one: nothing can be said of a ratio, and that is said.
    [text] = [r.message for r in looked(events(0.0, 0.0)).reasons if r.code == "all_clear"]
    assert text.endswith("; of missed there are too few events to say")


def test_a_good_rare_event_is_told_by_how_much_rarer_it_might_be() -> None:
    metrics = {
        "right": {"kind": "proportion", "column": "right"},
        "missed": {"kind": "rare_event", "column": "missed", "better": "higher"},
    }
    decision = looked(events(0.004, 0.004), metrics=metrics)
    [text] = [r.message for r in decision.reasons if r.code == "all_clear"]
    assert 0.2 < float(re.search(r"missed ([0-9.]+) times as often", text)[1]) < 1.0  # type: ignore[index]
