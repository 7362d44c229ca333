"""The decision table of the gate: what each verdict does, and what never turns into GO."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.judge.build import Units, case, cells, intake, midnight, policy, state, units

from rampgate.judge.case import Case, Data
from rampgate.judge.decide import judge
from rampgate.judge.health import seen
from rampgate.judge.state import Seen, after

HARM = {"right": (0.85, 0.85), "override": (0.15, 0.40)}


def codes(made: Case) -> set[str]:
    return {reason.code for reason in judge(made).reasons}


def test_harmless_and_long_enough_goes_on() -> None:
    decision = judge(case(units()))
    assert decision.decision == "go"
    assert [r.code for r in decision.reasons] == ["all_clear"]
    assert "no evidence of harm" in decision.reasons[0].message
    assert "safe" not in decision.reasons[0].message
    assert decision.waiting_for == ()


def test_minimum_duration_holds_and_says_until_when() -> None:
    decision = judge(case(units(days=3), days=3))
    assert decision.decision == "hold"
    assert decision.waiting_for[0].expected_at == midnight(7)
    assert decision.reasons[0].code == "minimum_duration"


def test_minimum_units_holds_and_forecasts() -> None:
    rules = policy(phases=[{"traffic": "10%", "minimum_units": 600}, {"traffic": "100%"}])
    decision = judge(case(units(), rules=rules))
    assert decision.decision == "hold"
    [wait] = decision.waiting_for
    # About 30 candidate units a day, 300 seen, 300 missing: about ten days.
    assert wait.expected_at is not None
    assert midnight(18) <= wait.expected_at <= midnight(23)


def test_harm_rolls_back_before_the_minimum_duration() -> None:
    decision = judge(case(units(days=5, traffic=0.5, rates=HARM), days=5))
    assert decision.decision == "rollback"
    assert decision.reasons[0].code == "rollback"
    assert decision.reasons[0].metric == "override"
    failed = {c.id for c in decision.criteria if c.verdict == "FAIL"}
    assert "rollback:override" in failed
    assert "minimum_duration" in {r.code for r in decision.reasons}


def test_rollback_names_onset_and_segment() -> None:
    def late(day: np.ndarray, queue: np.ndarray) -> np.ndarray:
        return np.where((day >= 14) & (queue == "network"), 0.6, 0.0)

    made = units(days=35, traffic=0.5, queues=("network", "mail", "desk"), harm=late, seed=4)
    rules = policy(segments={"by": ["queue"], "guardrails": {"override": {"margin": "10pp"}}, "minimum_units": 50})
    decision = judge(case(made, 35, rules))
    assert decision.decision == "rollback"
    message = decision.reasons[0].message
    assert "queue=network" in message
    onset = next(c.onset for c in decision.criteria if c.id == "rollback:override")
    assert onset is not None
    assert "2026-01-17" <= onset <= "2026-01-22"


def test_guardrail_failure_holds_and_does_not_roll_back() -> None:
    rules = policy(rollback={"right": {"worse_by": "30pp"}}, guardrails={"override": {"margin": "2pp"}})
    decision = judge(case(units(traffic=0.5, rates=HARM), rules=rules))
    assert decision.decision == "hold"
    assert "guardrail" in {r.code for r in decision.reasons}


def test_segment_guardrail_holds_and_names_the_segment() -> None:
    def harm(day: np.ndarray, queue: np.ndarray) -> np.ndarray:
        return np.where(queue == "network", 0.4, -0.05)

    rules = policy(
        rollback={"right": {"worse_by": "30pp"}},
        guardrails=None,
        segments={"by": ["queue"], "guardrails": {"override": {"margin": "5pp"}}, "minimum_units": 50},
    )
    made = units(days=20, traffic=0.5, queues=("network", "mail", "desk"), harm=harm)
    decision = judge(case(made, 20, rules))
    assert decision.decision == "hold"
    held = [r for r in decision.reasons if r.code == "segment"]
    assert [r.group.segment for r in held] == [{"queue": "network"}]


def test_small_segments_say_so_and_do_not_block() -> None:
    rules = policy(segments={"by": ["queue"], "guardrails": {"override": {"margin": "5pp"}}, "minimum_units": 5000})
    decision = judge(case(units(queues=("network", "mail")), rules=rules))
    assert decision.decision == "go"
    assert "too little data in 2 of 2 values of queue" in decision.reasons[-1].message


def test_non_inferior_waits_and_then_passes() -> None:
    early = judge(case(units(days=10, traffic=0.1), at=state(2, 3)))
    assert early.decision == "hold"
    assert "inconclusive" in {r.code for r in early.reasons}
    assert any("if the candidate equals the baseline" in w.what for w in early.waiting_for)
    late = judge(case(units(days=40, traffic=0.5), 40, at=state(2, 3)))
    assert late.decision == "go"
    assert {c.verdict for c in late.criteria if c.kind == "guardrail"} == {"PASS"}


def test_non_inferior_forgets_what_was_good_before_the_phase() -> None:
    """Good for 30 days, worse than the margin for the 10 of this phase: nothing of the past may let it pass."""

    def late(day: np.ndarray, queue: np.ndarray) -> np.ndarray:
        return np.where(day >= 30, 0.06, 0.0)

    rules = policy(rollback={"right": {"worse_by": "30pp"}})
    made = units(days=40, traffic=0.5, harm=late)
    decision = judge(case(made, 40, rules, state(2, 30)))
    assert decision.decision == "hold"
    [override] = [c for c in decision.criteria if c.id == "guardrail:override"]
    assert override.verdict != "PASS"


def test_last_phase_is_complete_and_can_still_roll_back() -> None:
    good = judge(case(units(traffic=1.0), at=state(3, 5, status="complete")))
    assert good.decision == "complete"
    bad = judge(case(units(traffic=0.5, rates=HARM), at=state(3, 5, status="complete")))
    assert bad.decision == "rollback"


@pytest.mark.parametrize("many", [5, 6, 12])
def test_the_sentence_of_a_go_stays_readable_with_many_metrics(many: int) -> None:
    names = [f"m{i:02}" for i in range(many)]
    rules = policy(
        metrics={name: {"kind": "proportion", "column": name} for name in names},
        kpi={"weights": dict.fromkeys(names, 1 / many), "margin": "5pp"},
        guardrails={name: {"margin": "30pp"} for name in names},
        rollback={names[-1]: {"worse_by": "10pp"}},
    )
    decision = judge(case(units(rates=dict.fromkeys(names, (0.8, 0.8))), rules=rules))
    said = decision.reasons[0].message
    named = [name for name in ("kpi", *names) if f"{name} " in said.partition("seen: ")[2]]
    assert decision.decision == "go"
    if many == 5:
        assert named == ["kpi", *names]
        assert "more metrics" not in said
    else:
        assert named == ["kpi", *names[:3], names[-1]]
        assert f" and of {many + 1 - 5} more metrics what their intervals leave open" in said
        assert f"kpi {said.partition('seen: kpi ')[2].partition(',')[0]}, {names[-1]} " in said


def test_rolled_back_stays_rolled_back() -> None:
    gone = state(status="rolled_back", rolled_back_at=midnight(9))
    decision = judge(case(units(), at=gone))
    assert decision.decision == "rollback"
    assert "under candidate" in decision.reasons[0].message


def test_go_moves_one_phase_and_nothing_else_does() -> None:
    before = state()
    decision = judge(case(units()))
    moved = after(before, decision, None)
    assert [index for index, _ in moved.phases] == [1, 2]
    assert moved.since == decision.as_of
    assert after(before, replace(decision, decision="hold"), None).phases == before.phases


@pytest.mark.parametrize("name", ["right", "override"])
def test_a_metric_without_labels_holds(name: str) -> None:
    made = units()
    blank = Units(made.day, made.arm, {**made.metrics, name: np.full(len(made.day), np.nan)}, made.segments)
    decision = judge(case(blank))
    assert decision.decision == "hold"
    assert "too_little_data" in {r.code for r in decision.reasons}
    assert "NO_DATA" in {c.verdict for c in decision.criteria}


@pytest.mark.parametrize("arm", [0, 1])
def test_a_missing_arm_holds(arm: int) -> None:
    made = units()
    assert judge(case(made.where(made.arm != arm))).decision == "hold"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"duplicate_units": 3, "duplicate_example": "T1"}, "duplicate_units"),
        ({"other_variants": (("v3", 7),)}, "error"),
        ({"malformed": (("right", 2, "maybe"),)}, "error"),
        ({"null_unit": 100}, "too_little_data"),
        ({"null_variant": 100}, "too_little_data"),
        ({"newest": midnight(2)}, "stale"),
    ],
)
def test_sick_data_hold_and_never_hide_harm(change: dict[str, Any], code: str) -> None:
    good = judge(case(units(), **change))
    assert good.decision == "hold"
    assert code in {r.code for r in good.reasons}
    assert judge(case(units(traffic=0.5, rates=HARM), **change)).decision == "rollback"


def test_few_exclusions_are_told_and_do_not_hold() -> None:
    decision = judge(case(units(), null_time=5))
    assert decision.decision == "go"
    assert any("5 without time" in h.message for h in decision.health)


def broken_metric(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make everything about one metric raise."""
    whole = Data.contrast

    def contrast(self: Data, metric: str, *margin: object) -> object:
        if metric == name:
            raise RuntimeError("the engine room is on fire")
        return whole(self, metric, *margin)  # type: ignore[arg-type]

    monkeypatch.setattr(Data, "contrast", contrast)


def test_an_exception_in_one_criterion_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    broken_metric(monkeypatch, "override")
    decision = judge(case(units()))
    assert decision.decision == "hold"
    errors = [c for c in decision.criteria if c.verdict == "ERROR"]
    assert {c.metric for c in errors} == {"override"}
    assert "the engine room is on fire" in str(errors[0].message)


def test_an_exception_in_one_criterion_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    broken_metric(monkeypatch, "right")
    rules = policy(rollback={"right": {"worse_by": "1pp"}, "override": {"worse_by": "1pp"}})
    decision = judge(case(units(traffic=0.5, rates=HARM), rules=rules))
    assert decision.decision == "rollback"
    assert decision.reasons[0].metric == "override"


@pytest.mark.parametrize("part", ["health", "demands", "all_estimates", "windows"])
def test_an_exception_beside_the_criteria_holds_and_hides_no_harm(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(f"rampgate.judge.decide.{part}", fail)
    good, bad = judge(case(units())), judge(case(units(traffic=0.5, rates=HARM)))
    assert good.decision == "hold"
    assert "error" in {r.code for r in good.reasons}
    assert bad.decision == "rollback"


def test_a_rollback_that_cannot_be_worded_is_a_rollback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no words")

    monkeypatch.setattr("rampgate.judge.sequential.worst_segment", fail)
    decision = judge(case(units(traffic=0.5, rates=HARM)))
    assert decision.decision == "rollback"
    assert "no words" in decision.reasons[0].message


def test_a_failed_guardrail_is_not_forgotten_with_the_rows_that_failed_it() -> None:
    """Fewer than 1 % of the rows vanish, and exactly the bad ones: the guardrail that failed still holds."""
    rules = policy(rollback={"right": {"worse_by": "30pp"}}, guardrails={"override": {"margin": "0.5pp"}})
    made = units(per_day=2000, traffic=0.5, rates={"right": (0.85, 0.85), "override": (0.001, 0.012)})
    first = judge(case(made, rules=rules))
    assert "guardrail" in {r.code for r in first.reasons}
    bad = (made.arm == 1) & (made.metrics["override"] == 1)
    assert bad.mean() < 0.01
    then = after(state(), first, seen(case(made, rules=rules)))
    later = judge(case(made.where(~bad), rules=rules, at=then))
    assert later.decision == "hold"
    assert any("failed at the look before" in r.message for r in later.reasons)


def test_a_forecast_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("no volume at all")

    monkeypatch.setattr("rampgate.judge.decide.passing_expected", fail)
    decision = judge(case(units(days=10, traffic=0.1), at=state(2, 3)))
    assert decision.decision == "hold"
    assert any("no volume at all" in wait.what for wait in decision.waiting_for)


HELD = [
    case(units(days=3), days=3),
    case(units(per_day=20), rules=policy(phases=[{"traffic": "10%", "minimum_units": 50}, {"traffic": "100%"}])),
    case(
        units(days=10, traffic=0.1, rates=HARM),
        at=state(2, 3),
        rules=policy(rollback={"right": {"worse_by": "40pp"}}),
    ),
]


@pytest.mark.parametrize("held", HELD, ids=["too early", "too few", "harm seen or not shown"])
@given(share=st.floats(0, 1), seed=st.integers(0, 10**6))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_dropping_rows_never_turns_hold_into_go(held: Case, share: float, seed: int) -> None:
    assert judge(held).decision == "hold"
    days = len(held.cells.periods)
    made = {10: units(per_day=20), 3: units(days=3)}.get(days, units())
    if held is HELD[2]:
        made = units(days=10, traffic=0.1, rates=HARM)
    keep = np.random.default_rng(seed).random(len(made.day)) >= share
    thinner = replace(held, cells=cells(made.where(keep), days), intake=intake(made, days))
    assert judge(thinner).decision != "go"


@given(st.sampled_from(["right", "override"]), st.floats(0.02, 1), st.integers(0, 10**6), st.booleans())
@settings(max_examples=25)
def test_labels_that_vanish_after_a_look_hold(name: str, share: float, seed: int, one_arm: bool) -> None:
    """NULLing labels, in both arms or in the candidate's alone, that an earlier look rested on."""
    made = units()
    then = seen(case(made))
    rng = np.random.default_rng(seed)
    gone = (rng.random(len(made.day)) < share + 0.02) & ((made.arm == 1) | (not one_arm))
    values = np.where(gone, np.nan, made.metrics[name])
    now = Units(made.day, made.arm, {**made.metrics, name: values}, made.segments)
    lost = np.isnan(values)[made.arm == 1].mean()
    decision = judge(case(now, at=state(seen=then)))
    if lost > 0.01:
        assert decision.decision == "hold"
        assert "missing_labels" in {r.code for r in decision.reasons} or "minimum_units" in {
            r.code for r in decision.reasons
        }


@given(st.sampled_from(["network", "mail"]), st.booleans())
@settings(max_examples=10)
def test_emptying_a_segment_after_a_look_holds(queue: str, labels_only: bool) -> None:
    rules = policy(segments={"by": ["queue"], "guardrails": {"override": {"margin": "5pp"}}, "minimum_units": 50})

    def harm(day: np.ndarray, where: np.ndarray) -> np.ndarray:
        return np.where(where == queue, 0.35, 0.0)

    made = units(traffic=0.5, queues=("network", "mail", "desk"), harm=harm)
    first = judge(case(made, rules=rules))
    assert first.decision in {"hold", "rollback"}
    then = seen(case(made, rules=rules))
    emptied = made.segments["queue"] == queue
    if labels_only:
        metrics = {name: np.where(emptied, np.nan, x) for name, x in made.metrics.items()}
        now = Units(made.day, made.arm, metrics, made.segments)
    else:
        now = made.where(~emptied)
    assert judge(case(now, rules=rules, at=state(seen=then))).decision != "go"


def test_rows_lost_once_stay_lost() -> None:
    """The loss is carried: the look after it does not forget it."""
    made = units(days=10)
    first = seen(case(made))
    thinner = made.where(~((made.arm == 1) & (made.day < 2)))
    lost = case(thinner, at=state(seen=first))
    assert "error" in codes(lost)
    later = case(thinner, at=state(seen=seen(lost)))
    assert "error" in codes(later)


def test_new_rows_are_no_loss() -> None:
    then = Seen(midnight(5), seen(case(units(days=5), days=5)).units)
    assert judge(case(units(), at=state(seen=then))).decision == "go"


@given(st.integers(0, 200))
@settings(max_examples=30)
def test_evidence_falls_as_the_candidate_gets_better(better: int) -> None:
    """E falls as S falls: one bad outcome fewer never adds evidence of harm."""
    made = units(traffic=0.5, rates={"right": (0.85, 0.85), "override": (0.15, 0.25)})
    bad = np.flatnonzero((made.arm == 1) & (made.metrics["override"] == 1))[:better]
    override = made.metrics["override"].copy()
    override[bad] = 0.0
    now = Units(made.day, made.arm, {**made.metrics, "override": override}, made.segments)

    def evidence(which: Units) -> float:
        found = next(c for c in judge(case(which)).criteria if c.id == "rollback:override")
        assert found.e_value is not None
        return found.e_value

    assert evidence(now) <= evidence(made) * (1 + 1e-9)


def test_a_permutation_of_segments_changes_nothing() -> None:
    rules = policy(segments={"by": ["queue"], "guardrails": {"override": {"margin": "5pp"}}, "minimum_units": 50})
    made = units(queues=("a", "b", "c"), traffic=0.5)
    renamed = {"a": "c", "b": "a", "c": "b"}
    other = Units(
        made.day,
        made.arm,
        made.metrics,
        {"queue": np.array([renamed[q] for q in made.segments["queue"]], dtype=object)},
    )
    one, two = judge(case(made, rules=rules)), judge(case(other, rules=rules))
    assert one.decision == two.decision
    by_queue = {c.group.value: c.e_value for c in one.criteria if c.group.value}
    swapped = {c.group.value: c.e_value for c in two.criteria if c.group.value}
    assert swapped == pytest.approx({renamed[str(q)]: e for q, e in by_queue.items()}, rel=1e-9)


def test_point_mode_compares_the_latest_complete_window() -> None:
    rules = policy(evidence="point", rollback={"override": {"worse_by": "2pp"}}, guardrails=None)
    good = judge(case(units(days=15, rates={"right": (0.85, 0.9), "override": (0.2, 0.1)}), 15, rules))
    assert good.decision == "go"
    assert {c.e_value for c in good.criteria} == {None}
    bad = judge(case(units(days=15, traffic=0.5, rates=HARM), 15, rules))
    assert bad.decision == "rollback"
    early = judge(case(units(days=3), 3, rules))
    assert early.decision == "hold"
    floor = policy(evidence="point", rollback={"override": {"worse_by": "50pp"}}, guardrails=None,
                   kpi={"weights": {"right": 0.6, "override": 0.4}, "margin": "50pp", "floor": 0.99})  # fmt: skip
    assert "floor:kpi" in {c.id for c in judge(case(units(days=15), 15, floor)).criteria if c.verdict == "FAIL"}


def test_estimates_subtract_and_raw_values_are_plain() -> None:
    made = units(traffic=0.25)
    decision = judge(case(made))
    for estimate in (decision.kpi, *decision.metrics):
        assert estimate.candidate is not None
        assert estimate.baseline is not None
        assert estimate.candidate - estimate.baseline == pytest.approx(estimate.difference, abs=1e-12)
    right = next(m for m in decision.metrics if m.name == "right")
    assert right.raw_candidate == pytest.approx(made.metrics["right"][made.arm == 1].mean(), abs=1e-12)
    assert right.n_candidate == int((made.arm == 1).sum())


def test_windows_are_iso_weeks_and_mark_partial_ones() -> None:
    decision = judge(case(units(days=10)))
    assert [(w.start, w.end, w.complete) for w in decision.windows] == [
        (midnight(0), midnight(7), True),
        (midnight(7), midnight(14), False),
    ]


def test_json_round_trip_is_exact() -> None:
    import json

    decision = judge(case(units(days=5, traffic=0.5, rates=HARM), 5))
    text = json.dumps(decision.to_dict(), allow_nan=False)
    assert type(decision).from_dict(json.loads(text)).to_dict() == json.loads(text)


def test_judging_twice_gives_the_same_bytes() -> None:
    made = case(units(traffic=0.5, queues=("a", "b")))
    assert judge(made).to_dict() == judge(replace(made)).to_dict()


def test_versions_that_the_policy_leaves_out_do_not_hold_and_others_do() -> None:
    rules = policy(source={"ignore": ["v3", "v4"]})
    made = case(units(), rules=rules, other_variants=(("v3", 90), ("v4", 7)))
    [found] = [h for h in judge(made).health if "versions left out" in h.message]
    assert (found.verdict, found.count) == ("PASS", 97)
    assert judge(made).decision == "go"
    stray = judge(case(units(), rules=rules, other_variants=(("v3", 90), ("v5", 1))))
    assert stray.decision == "hold"
    assert "ignore: [v5]" in stray.reasons[0].message


def test_a_criterion_that_failed_and_recovered_tells_of_then() -> None:
    """Its onset lies before its highest evidence, and the days without a row after it change nothing."""
    rules = policy(guardrails={"override": {"margin": "5pp"}}, rollback={"kpi": {"worse_by": "50pp"}})
    early = units(days=60, traffic=0.5, harm=lambda day, _: np.where(day < 6, 0.35, 0.0))
    [found] = [c for c in judge(case(early, days=60, rules=rules)).criteria if c.id == "guardrail:override"]
    assert found.verdict == "FAIL"
    assert found.e_value is not None
    assert found.e_value < 1
    assert found.onset is not None
    assert found.onset < "2026-01-11"
    assert found.effect_since_onset is not None
    assert found.effect_since_onset > 0.2
    assert "was worse" in str(found.message)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("guardrail", [None, {"override": {"margin": "20%"}}])
def test_a_relative_harm_is_seen_though_the_first_days_had_no_event(guardrail: Any, seed: int) -> None:
    """A share of a level of 0 is 0, and a bet of nothing would see nothing, ever."""
    rates = {"right": (0.85, 0.85), "override": (0.005, 0.10)}
    made = units(days=30, per_day=400, traffic=0.3, rates=rates, seed=seed)
    quiet = np.where(made.day < 3, 0.0, made.metrics["override"])
    made = replace(made, metrics={**made.metrics, "override": quiet})
    rollback = {"override": {"worse_by": "50%", **({} if guardrail else {"expect": "100%"})}}
    rules = policy(rollback=rollback, guardrails=guardrail or {})
    assert judge(case(made, days=30, rules=rules)).decision == "rollback"
    same = {**made.metrics, "override": np.where(made.arm == 1, made.metrics["override"] * 0.05, quiet)}
    assert judge(case(replace(made, metrics=same), days=30, rules=rules)).decision != "rollback"


def test_due_dates_are_told_in_the_zone_of_the_policy() -> None:
    decision = judge(case(units(days=3), days=3, rules=policy(timezone="Europe/Oslo")))
    [wait] = [w for w in decision.waiting_for if "in this phase" in w.what]
    assert str(getattr(wait.expected_at, "tzinfo", None)) == "Europe/Oslo"
