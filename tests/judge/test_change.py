"""The watch once the candidate has all of the traffic: when it holds, what it says, and when it says nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.judge.build import START, cells, intake, midnight, policy, state, units

from rampgate.judge.case import Case
from rampgate.judge.change import changes
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision
from rampgate.judge.moved import moved
from rampgate.rollout.archive import inputs, restore

PAST, RAMP = 42, 14
#: The day on which the candidate takes over.
SWITCH = PAST + RAMP


def rollout(
    days: int,
    after: dict[str, Any] | None,
    change: Callable[[np.ndarray], np.ndarray] | None = None,
    past: int = PAST,
    **changes: Any,
) -> Case:
    """A baseline's history, a ramp at 50 % and the candidate alone; ``change`` adds to everybody's overrides by day."""
    rng = np.random.default_rng(1)
    made = units(days, 300, 0.5, seed=5)
    made = made.where((made.arm == np.where(made.day < PAST, 0, 1)) | ((made.day >= PAST) & (made.day < SWITCH)))
    made = made.where(made.day >= PAST - past)
    weekday = np.array([0.0, 0, 0, 0, 0, 0.1, 0.1])[made.day % 7]
    level = 0.15 + weekday + (0.0 if change is None else change(made.day))
    override = (rng.random(len(made.day)) < level).astype(float)
    made = replace(made, metrics={"right": made.metrics["right"], "override": override})
    begun = state(3, SWITCH, start=START.fromordinal(START.toordinal() + PAST))
    begun = replace(begun, phases=((1, midnight(PAST)), (2, midnight(PAST + 7)), (3, midnight(SWITCH))))
    drift = {} if after is None else {"drift": {"after": after}}
    given = policy(**drift, **changes)
    return Case(given, cells(made, days), intake(made, days), begun, midnight(days), midnight(days))


def moved_by(points: float, day: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda days: np.where(days >= day, points, 0.0)


def of(decision: Decision) -> dict[str, Any]:
    [found] = decision.after
    return dict(found)


WATCH = {"metrics": ["override"]}


def test_days_like_those_before_go_on() -> None:
    decision = judge(rollout(SWITCH + 28, WATCH))
    found = of(decision)
    assert decision.decision == "complete"
    assert (found["verdict"], found["alarm"], found["onset"], found["step_days"]) == ("PASS", None, None, 1)
    assert found["watched_from"] == "2026-03-02"
    assert found["threshold"] == 365.25
    assert found["reference_steps"] == SWITCH - 8


@pytest.mark.parametrize("points", [0.08, -0.08])
def test_a_change_holds_and_never_rolls_back(points: float) -> None:
    decision = judge(rollout(SWITCH + 28, WATCH, moved_by(points, SWITCH + 14)))
    found = of(decision)
    assert decision.decision == "hold"
    [reason] = [reason for reason in decision.reasons if reason.code == "drift"]
    assert (reason.verdict, reason.metric) == ("FAIL", "override")
    assert found["onset"]["from"] <= "2026-03-16" <= found["onset"]["to"]
    assert found["shift"] == pytest.approx(points, abs=0.03)
    assert f"{100 * found['shift']:+.1f} points since 2026-03-1" in reason.message
    assert "at most 1 false alarm a year" in reason.message
    assert decision.waiting_for


def test_a_change_rolls_back_where_the_policy_says_so() -> None:
    decision = judge(rollout(SWITCH + 28, {**WATCH, "then": "rollback"}, moved_by(0.08, SWITCH + 14)))
    assert decision.decision == "rollback"
    assert decision.reasons[0].code == "drift"


def test_before_the_last_phase_nothing_is_watched() -> None:
    case = rollout(SWITCH + 28, WATCH, moved_by(0.08, SWITCH + 14))
    ramp = replace(case.state, phases=case.state.phases[:2])
    assert judge(replace(case, state=ramp)).after == ()


def test_a_policy_without_it_decides_as_before() -> None:
    case = rollout(SWITCH + 28, None, moved_by(0.08, SWITCH + 14))
    decision = judge(case)
    assert decision.decision == "complete"
    assert decision.to_dict()["drift"] == []


def test_a_short_reference_holds_until_it_is_long_enough() -> None:
    decision = judge(rollout(SWITCH + 3, WATCH, past=7))
    found = of(decision)
    # 7 + 14 days of both, and 3 of the candidate alone, less 7 weekdays and the difference of the versions.
    assert (found["verdict"], found["reference_steps"]) == ("NO_DATA", 16)
    assert decision.decision == "hold"
    assert "once its reference has 4 more days" in found["message"]
    [waiting] = [w for w in decision.waiting_for if "days to watch" in w.what]
    assert waiting.expected_at == midnight(SWITCH + 7)


def test_days_that_make_up_a_short_reference_are_not_watched() -> None:
    later = rollout(SWITCH + 30, WATCH, moved_by(0.1, SWITCH + 12), past=7)
    found = of(judge(later))
    assert found["watched_from"] == "2026-03-09"
    assert found["verdict"] == "FAIL"
    assert found["onset"]["from"] <= "2026-03-14" <= found["onset"]["to"]


def test_a_stated_reference_is_taken_and_a_short_one_refused() -> None:
    accepted = {**WATCH, "reference": {"from": "2026-03-16", "to": "2026-04-20"}}
    case = rollout(SWITCH + 60, accepted, moved_by(0.08, SWITCH + 14))
    found = of(judge(case))
    assert (found["verdict"], found["watched_from"]) == ("PASS", "2026-04-20")
    short = {**WATCH, "reference": {"from": "2026-03-16", "to": "2026-03-30"}}
    decision = judge(rollout(SWITCH + 60, short))
    assert of(decision)["verdict"] == "NO_DATA"
    assert "give an earlier day as drift.after.reference.from" in of(decision)["message"]
    assert decision.decision == "hold"


def test_a_reference_that_has_changed_itself_is_none() -> None:
    """The world moves in the baseline's history: neither level is the law of the days after it."""
    decision = judge(rollout(SWITCH + 28, WATCH, moved_by(0.1, 35)))
    assert of(decision)["verdict"] == "NO_DATA"
    assert "its reference has itself changed, told on 2026-02-25" in of(decision)["message"]
    assert decision.decision == "hold"


def test_several_metrics_share_the_rate() -> None:
    decision = judge(rollout(SWITCH + 28, {"metrics": ["kpi", "override"], "false_alerts": "1 per quarter"}))
    assert [found["metric"] for found in decision.after] == ["kpi", "override"]
    assert [found["false_alerts_a_year"] for found in decision.after] == [2.0, 2.0]


@pytest.mark.parametrize(("first", "end"), [(0, 21), (0, 28), (14, 24)])
def test_a_reference_that_straddles_the_change_of_the_candidates_days_is_none(first: int, end: int) -> None:
    """The change is in the days on which the baseline no longer runs, fewer than it has in the reference."""
    days = [START.fromordinal(START.toordinal() + day).isoformat() for day in (first, SWITCH + end)]
    given = {**WATCH, "reference": {"from": days[0], "to": days[1]}}
    decision = judge(rollout(SWITCH + 56, given, moved_by(0.1, SWITCH + 14)))
    assert "its reference has itself changed, told on 2026-03-2" in of(decision)["message"]
    assert decision.decision == "hold"
    still = judge(rollout(SWITCH + 56, given))
    assert of(still)["verdict"] == "PASS"


@pytest.mark.parametrize("given", [{}, {"reference": {"from": "2026-01-05", "to": "2026-03-02"}}])
def test_before_the_first_watched_day_is_over_it_waits_for_it(given: dict[str, Any]) -> None:
    decision = judge(rollout(SWITCH, {**WATCH, **given}))
    assert of(decision)["verdict"] == "NO_DATA"
    assert "no day since 2026-03-02 is complete and old enough" in of(decision)["message"]
    assert decision.decision == "hold"
    [waiting] = [w for w in decision.waiting_for if "days to watch" in w.what]
    assert waiting.expected_at == midnight(SWITCH + 1)


def test_a_reference_that_is_not_over_is_waited_for() -> None:
    decision = judge(rollout(SWITCH + 28, {**WATCH, "reference": {"from": "2026-01-05", "to": "2026-07-08"}}))
    assert of(decision)["verdict"] == "NO_DATA"
    assert "the reference is not over before 2026-07-08" in of(decision)["message"]
    assert decision.decision == "hold"
    assert not [r for r in decision.reasons if r.code == "error"]


def test_a_rare_outcome_is_watched_by_weeks_and_one_that_never_comes_not_at_all() -> None:
    case = rollout(SWITCH + 28, WATCH)
    made = units(SWITCH + 28, 300, 0.5, {"right": (0.85, 0.85), "override": (0.005, 0.005)}, seed=6)
    made = made.where((made.arm == np.where(made.day < PAST, 0, 1)) | ((made.day >= PAST) & (made.day < SWITCH)))
    rare = replace(case, cells=cells(made, SWITCH + 28))
    [found] = changes(rare)
    assert found.step_days == 7
    none = replace(made, metrics={**made.metrics, "override": np.zeros(len(made.day))})
    decision = judge(replace(case, cells=cells(none, SWITCH + 28)))
    assert "hold too few outcomes" in of(decision)["message"]
    assert decision.decision == "hold"


def test_a_decision_is_recomputed_from_its_record() -> None:
    case = rollout(SWITCH + 28, WATCH, moved_by(0.08, SWITCH + 14))
    body, documents = inputs(case)
    again = judge(restore(body, documents.__getitem__))
    assert again.to_dict() == judge(case).to_dict()
    assert Decision.from_dict(again.to_dict()).to_dict() == again.to_dict()
    assert moved(case, again).failed == ()


def test_the_watch_that_breaks_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise FloatingPointError("no digits left")

    monkeypatch.setattr("rampgate.judge.change.entries", broken)
    decision = judge(rollout(SWITCH + 28, WATCH))
    assert decision.decision == "hold"
    assert any("the watch after the last phase could not be computed" in r.message for r in decision.reasons)
