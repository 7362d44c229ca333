"""Outcomes that are not there yet: a period enters once, at the age that the policy declares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.judge.build import Units, case, policy, state, units

from rampgate.aggregate.marginals import OVERALL
from rampgate.aggregate.moments import Cells
from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision, Health
from rampgate.judge.health import seen
from rampgate.judge.labels import late_labels, missing_labels
from rampgate.judge.state import after

AGED = {"kind": "proportion", "column": "override", "better": "lower", "matures_after": "72h"}
RIGHT = {"kind": "proportion", "column": "right"}


def rules(**changes: Any) -> Any:
    return policy(metrics={"right": RIGHT, "override": AGED}, **changes)


def row(decision: Decision, name: str) -> Any:
    return next(m for m in decision.metrics if (m.name, m.group) == (name, OVERALL))


def scrambled(made: Units, days: np.ndarray) -> Units:
    """The same units with every override of some days turned round."""
    hit = np.isin(made.day, days)
    override = np.where(hit, 1 - made.metrics["override"], made.metrics["override"])
    return replace(made, metrics={**made.metrics, "override": override})


def test_periods_that_are_too_young_count_for_nothing() -> None:
    made = units(days=10)
    whole = judge(case(made, rules=rules()))
    young = judge(case(scrambled(made, np.array([7, 8, 9])), rules=rules()))
    assert [c.to_dict() for c in whole.criteria] == [c.to_dict() for c in young.criteria]
    assert row(whole, "override").to_dict() == row(young, "override").to_dict()
    assert row(whole, "override").n_candidate == int(((made.arm == 1) & (made.day < 7)).sum())
    assert row(whole, "right").n_candidate == int((made.arm == 1).sum())
    old = judge(case(scrambled(made, np.array([6])), rules=rules()))
    assert [c.to_dict() for c in old.criteria] != [c.to_dict() for c in whole.criteria]


def test_the_kpi_waits_for_the_youngest_of_its_metrics() -> None:
    made = units(days=10)
    aged = judge(case(made, rules=rules()))
    # Seven days are booked, and only they: the same as a rollout that ended then.
    then = judge(case(made.where(made.day < 7), days=7, rules=policy()))
    assert row(aged, "kpi").difference == pytest.approx(row(then, "kpi").difference, abs=1e-12)
    assert row(aged, "kpi").n_candidate == row(then, "kpi").n_candidate


def test_what_was_booked_is_never_revised() -> None:
    """The evidence after t booked periods is the same at every later look."""
    made = units(days=14)
    paths = []
    for days in (8, 11, 14):
        looked = case(made.where(made.day < days), days=days, rules=rules())
        data = looked.data
        booked = data.contrast("override").weight[0] > 0
        assert booked.tolist() == [True] * (days - 3) + [False] * 3
        paths.append(data.contrast("override").effect[0][: 8 - 3])
    assert np.array_equal(paths[0], paths[1])
    assert np.array_equal(paths[0], paths[2])


def test_nothing_is_old_enough_yet() -> None:
    decision = judge(case(units(days=2), days=2, rules=rules()))
    assert decision.decision == "hold"
    assert row(decision, "override").difference is None
    assert not any(c.verdict in ("ERROR", "FAIL") for c in decision.criteria)


def test_a_window_is_complete_when_its_outcomes_are() -> None:
    decision = judge(case(units(days=9), days=9, rules=rules()))
    assert [w.complete for w in decision.windows] == [False, False]
    assert [w.complete for w in judge(case(units(days=10), days=10, rules=rules())).windows] == [True, False]


def test_labels_of_young_periods_may_still_come() -> None:
    """Between two looks the labels of young days arrive: nobody calls them late, and nobody calls them gone."""
    made = units(days=10)
    override = made.metrics["override"].copy()
    override[made.day >= 5] = np.nan
    first = case(
        replace(
            made.where(made.day < 8),
            metrics={k: (override if k == "override" else v)[made.day < 8] for k, v in made.metrics.items()},
        ),
        days=8,
        rules=rules(),
    )
    decision = judge(first)
    moved = after(first.state, decision, seen(first))
    second = case(made, days=10, rules=rules(), at=moved)
    codes = {r.code for r in judge(second).reasons}
    assert "missing_labels" not in codes
    assert "error" not in codes


def lost(made: Units, share: tuple[float, float]) -> Units:
    """Outcomes of override that are unknown, by share of baseline's and candidate's units."""
    chance = np.random.default_rng(7).random(len(made.arm))
    gone = chance < np.where(made.arm == 1, share[1], share[0])
    return replace(made, metrics={**made.metrics, "override": np.where(gone, np.nan, made.metrics["override"])})


def verdicts(made: Case) -> dict[str, list[Health]]:
    found: dict[str, list[Health]] = {}
    for h in missing_labels(made):
        found.setdefault(h.verdict, []).append(h)
    return found


@pytest.mark.parametrize("share", [(0.0, 0.0), (0.3, 0.3)])
def test_labels_missing_alike_pass(share: tuple[float, float]) -> None:
    found = verdicts(case(lost(units(days=20), share), days=20))
    assert list(found) == ["PASS"]
    assert "would have been seen" in found["PASS"][0].message


@pytest.mark.parametrize("share", [(0.1, 0.25), (0.25, 0.1)])
def test_labels_missing_in_one_arm_fail_and_hold(share: tuple[float, float]) -> None:
    made = case(lost(units(days=20), share), days=20)
    [failed] = verdicts(made)["FAIL"]
    assert failed.message.startswith("override is unknown in")
    assert judge(made).decision == "hold"


def test_young_periods_are_not_asked_for_labels() -> None:
    made = units(days=10)
    young = replace(
        made,
        metrics={
            **made.metrics,
            "override": np.where((made.day >= 7) & (made.arm == 1), np.nan, made.metrics["override"]),
        },
    )
    assert list(verdicts(case(young, rules=rules()))) == ["PASS"]
    assert list(verdicts(case(young, rules=policy()))) == ["FAIL"]


def with_late(made: Cells, share: float) -> Cells:
    """Cells that count a share of the override labels as late."""
    late = np.full((len(made.n), 1), share)
    nothing = np.zeros((len(made.n), 1))
    return replace(
        made,
        components=(*made.components, "override:late"),
        mean=np.hstack([made.mean, late]),
        low=np.hstack([made.low, nothing]),
        high=np.hstack([made.high, nothing + 1]),
    )


@pytest.mark.parametrize(("age", "verdict"), [(None, "FAIL"), ("72h", "PASS")])
def test_late_labels_without_a_declared_age_hold(age: str | None, verdict: str) -> None:
    metric = {**AGED, "known_at": "came", "matures_after": age}
    chosen = policy(metrics={"right": RIGHT, "override": {k: v for k, v in metric.items() if v}})
    made = case(units(days=20), days=20, rules=chosen)
    made = replace(made, cells=with_late(made.cells, 0.05))
    [found] = late_labels(made)
    assert found.verdict == verdict
    assert "matures_after" in found.message
    none = replace(made, cells=with_late(case(units(days=20), days=20, rules=chosen).cells, 0.001))
    assert late_labels(none) == []


def test_state_of_a_look_names_the_age_of_its_labels() -> None:
    made = case(units(days=10), rules=rules(), at=state())
    names = seen(made).units
    assert "candidate override:known after 72h" in names
    assert "candidate right:known" in names
    assert names["candidate override:known after 72h"] < names["candidate right:known"]
