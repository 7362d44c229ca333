"""The sample ratio: what is checked against what, and what is not checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.judge.build import case, midnight, policy, state, units

from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.decision import Health
from rampgate.judge.split import sample_ratio, traffic_in_force

RECORDED: dict[str, Any] = {"policy_sha256": "0" * 64}


def checked(made: Case) -> Health:
    [found] = sample_ratio(made)
    return found


def rollout(traffic: float = 0.1, days: int = 20, **changes: Any) -> Case:
    return case(units(days=days, traffic=traffic), days=days, at=state(**{**RECORDED, **changes}))


def test_the_right_split_passes_and_says_what_it_would_have_seen() -> None:
    found = checked(rollout())
    assert found.verdict == "PASS"
    assert "about 570 should be" in found.message  # 19 whole days of 300 at 10 %
    assert "should have been seen by now" in found.message


@pytest.mark.parametrize("traffic", [0.07, 0.14])
def test_a_split_that_is_off_fails_and_holds(traffic: float) -> None:
    made = rollout(traffic)
    assert checked(made).verdict == "FAIL"
    decision = judge(made)
    assert decision.decision == "hold"
    assert "sample_ratio" in {reason.code for reason in decision.reasons}


def test_a_rollback_is_not_hidden_by_it() -> None:
    bad = units(days=20, traffic=0.3, rates={"right": (0.85, 0.85), "override": (0.15, 0.45)})
    decision = judge(case(bad, days=20, at=state(**RECORDED)))
    assert decision.decision == "rollback"
    assert "sample_ratio" in {reason.code for reason in decision.reasons}


def test_nothing_is_checked_before_a_look_is_recorded_or_in_a_replay() -> None:
    first = case(units(days=20, traffic=0.3), days=20)
    assert checked(first).verdict == "INCONCLUSIVE"
    assert "not checked" in checked(first).message
    assert checked(replace(rollout(0.3), steered=False)).verdict == "INCONCLUSIVE"


def test_exposure_is_what_was_in_force_also_in_a_replay() -> None:
    steps = [{"from": "2026-01-05", "traffic": "30%"}]
    made = case(units(days=20, traffic=0.3), days=20, rules=policy(exposure=steps))
    for steered in (True, False):
        assert checked(replace(made, steered=steered)).verdict == "PASS"
    off = case(units(days=20, traffic=0.2), days=20, rules=policy(exposure=steps))
    assert checked(off).verdict == "FAIL"


def test_each_period_is_held_to_the_traffic_of_its_phase() -> None:
    early, late = units(days=20, traffic=0.1), units(days=20, traffic=0.5, seed=2)
    day = early.day
    mixed = replace(
        early,
        arm=np.where(day < 10, early.arm, late.arm),
        metrics={name: np.where(day < 10, x, late.metrics[name]) for name, x in early.metrics.items()},
    )
    made = case(mixed, days=20, at=state(phase=2, since=10, **RECORDED))
    assert checked(made).verdict == "PASS"
    shares = traffic_in_force(made)
    # The first day of a phase is not held to it: traffic does not change at midnight sharp.
    assert np.isnan(shares[[0, 10]]).all()
    assert shares[[1, 9, 11, 19]].tolist() == [0.1, 0.1, 0.5, 0.5]
    same = replace(made, state=state(phase=1, **RECORDED))
    assert checked(same).verdict == "FAIL"


def test_one_segment_that_loses_its_candidates_is_named() -> None:
    made = units(days=20, traffic=0.1, queues=("desk", "mail", "phone"), per_day=600)
    lost = (made.segments["queue"] == "mail") & (made.arm == 1) & (np.arange(len(made.arm)) % 3 > 0)
    rules = policy(segments={"by": ["queue"], "guardrails": {"override": {"margin": "5pp"}}})
    found = sample_ratio(case(made.where(~lost), days=20, rules=rules, at=state(**RECORDED)))
    assert any(h.verdict == "FAIL" and "queue=mail" in h.message for h in found)
    assert not any("queue=desk" in h.message for h in found)


def test_at_full_traffic_stragglers_are_tolerated_and_a_fifth_is_not() -> None:
    rules = policy(phases=[{"traffic": "100%"}])
    for share, verdict in ((0.998, "PASS"), (0.8, "FAIL"), (1.0, "PASS")):
        made = case(units(days=20, traffic=share), days=20, rules=rules, at=state(**RECORDED))
        assert checked(made).verdict == verdict, share


def test_a_holdout_is_expected_on_the_baseline() -> None:
    rules = policy(phases=[{"traffic": "100%", "holdout": "10%"}])
    for share, verdict in ((0.9, "PASS"), (1.0, "FAIL")):
        made = case(units(days=20, traffic=share), days=20, rules=rules, at=state(**RECORDED))
        assert checked(made).verdict == verdict, share


def test_nothing_is_expected_after_a_rollback() -> None:
    gone: dict[str, Any] = {**RECORDED, "status": "rolled_back", "rolled_back_at": midnight(5)}
    made = case(units(days=20, traffic=0.1), days=20, at=state(**gone))
    assert np.isnan(traffic_in_force(made)[5:]).all()
