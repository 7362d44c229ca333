"""What changed in meaning, and what got looser."""

from __future__ import annotations

from typing import Any

import pytest
from tests.docs.reference_policy import EVERY_KEY
from tests.policy.support import SMALL, load

from rampgate.policy import load_policy
from rampgate.policy.diff import criteria_changed, diff

BASE: dict[str, Any] = {
    "guardrails": {"accuracy": {"margin": "4pp"}},
    "rollback": {"accuracy": {"worse_by": "1pp", "expect": "4pp"}},
    "segments": {"by": ["queue", "urgency"], "guardrails": {"accuracy": {"margin": "5pp"}}, "minimum_units": 100},
    "kpi": {"weights": {"accuracy": 1}, "margin": "3pp", "floor": 0.75},
    "harm_budget": {"accuracy": 100},
    "phases": [
        {"traffic": "10%", "at_least": "7d", "minimum_units": 500},
        {"traffic": "50%", "go": "non_inferior", "require": ["kpi", "accuracy"]},
        {"traffic": "100%", "holdout": "2%"},
    ],
    "approval": {"author": "dana", "approvers": ["lee", "sam"], "required": 2, "expires": "90d"},
}


def changed(**sections: Any) -> list[str]:
    return [str(change) for change in diff(load(**BASE), load(**{**BASE, **sections}))]


def test_spelling_makes_no_difference() -> None:
    assert diff(load_policy(SMALL), load_policy(SMALL)) == ()
    assert diff(load(), load(timezone="UTC", error_budget={"false_go": "5%"})) == ()
    first = load_policy(EVERY_KEY.read_text("utf-8").split("---\n")[0])
    assert diff(first, first) == ()


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"guardrails": {"accuracy": {"margin": "5pp"}}}, "guardrails.accuracy.margin: 4pp to 5pp (looser)"),
        ({"guardrails": {"accuracy": {"margin": "3pp"}}}, "guardrails.accuracy.margin: 4pp to 3pp (stricter)"),
        ({"guardrails": {"accuracy": {"margin": "4%"}}}, "guardrails.accuracy.margin: 4pp to 4% (looser)"),
        (
            {"rollback": {**BASE["rollback"], "kpi": {"worse_by": "2pp"}}},
            "rollback.kpi: worse_by: 2pp, which was not there (stricter)",
        ),
        (
            {"rollback": {"accuracy": {"worse_by": "2pp", "expect": "4pp"}}},
            "rollback.accuracy.worse_by: 1pp to 2pp (looser)",
        ),
        (
            {"rollback": {"accuracy": {"worse_by": "1pp", "expect": "5pp"}}},
            "rollback.accuracy.expect: 4pp to 5pp",
        ),
        ({"kpi": {**BASE["kpi"], "margin": "4pp"}}, "kpi.margin: 3pp to 4pp (looser)"),
        ({"kpi": {**BASE["kpi"], "floor": 0.7}}, "kpi.floor: 75% to 70% (looser)"),
        ({"kpi": {"weights": {"accuracy": 1}, "margin": "3pp"}}, "kpi.floor: taken out, was 75% (looser)"),
        ({"segments": {**BASE["segments"], "by": ["queue"]}}, "segments.by: [queue, urgency] to [queue] (looser)"),
        ({"segments": {**BASE["segments"], "minimum_units": 200}}, "segments.minimum_units: 100 to 200 (looser)"),
        ({"harm_budget": {"accuracy": 150}}, "harm_budget.accuracy: 100.0 to 150.0 (looser)"),
        ({"error_budget": {"false_rollback": "1%"}}, "error_budget.false_rollback: 5% to 1% (looser)"),
        ({"error_budget": {"false_go": "1%"}}, "error_budget.false_go: 5% to 1% (stricter)"),
        ({"approval": {**BASE["approval"], "required": 1}}, "approval.required: 2 to 1 (looser)"),
        (
            {"approval": {**BASE["approval"], "approvers": ["lee", "sam", "kim"]}},
            "approval.approvers: [lee, sam] to [lee, sam, kim] (looser)",
        ),
        ({"approval": {**BASE["approval"], "author": "kim"}}, "approval.author: dana to kim (looser)"),
        ({"approval": {**BASE["approval"], "expires": "99d"}}, "approval.expires: 90d to 99d (looser)"),
        ({"source": {"ignore": ["v0"]}}, "source.ignore: [] to [v0] (looser)"),
        ({"source": {"unit": "id"}}, "source.unit: unit to id"),
        ({"start": "2026-01-05"}, "start: 2026-01-05, which was not there (looser)"),
        ({"candidate": "v9"}, "candidate: candidate to v9"),
    ],
)
def test_one_change(sections: dict[str, Any], says: str) -> None:
    assert changed(**sections) == [says]


@pytest.mark.parametrize(
    ("index", "change", "says"),
    [
        (0, {"traffic": "20%"}, "phases[0].traffic: 10% to 20% (looser)"),
        (0, {"at_least": "5d"}, "phases[0].at_least: 7d to 5d (looser)"),
        (0, {"minimum_units": 400}, "phases[0].minimum_units: 500 to 400 (looser)"),
        (0, {"go": "non_inferior"}, "phases[0].go: no_harm to non_inferior (stricter)"),
        (1, {"require": ["kpi"]}, "phases[1].require: [kpi, accuracy] to [kpi] (looser)"),
        (2, {"holdout": "1%"}, "phases[2].holdout: 2% to 1% (looser)"),
    ],
)
def test_a_change_of_a_phase(index: int, change: dict[str, Any], says: str) -> None:
    phases = [{**phase, **(change if i == index else {})} for i, phase in enumerate(BASE["phases"])]
    assert says in changed(phases=phases)


def test_plain_thresholds_and_fewer_phases_are_looser() -> None:
    without = {key: value for key, value in BASE.items() if key not in ("phases", "approval")}
    old, new = load(**without), load(**without, evidence="point")
    assert "evidence: sequential to point (looser)" in [str(change) for change in diff(old, new)]
    taken = "rollback.accuracy: taken out, was worse_by: 1pp, expect: 4pp (looser)"
    assert taken in changed(rollback={"kpi": {"worse_by": "2pp"}})
    gone = changed(phases=[BASE["phases"][0], BASE["phases"][2]])
    assert any(line.startswith("phases[2]: taken out") and line.endswith("(looser)") for line in gone)


def test_the_criteria_that_changed() -> None:
    base = load(**BASE)
    wider = load(**{**BASE, "guardrails": {"accuracy": {"margin": "5pp"}}})
    assert criteria_changed(base, wider) == ("guardrail:accuracy",)
    phases = load(**{**BASE, "phases": [*BASE["phases"][:1], {"traffic": "100%"}], "harm_budget": {}})
    assert criteria_changed(base, phases) == ()
    assert len(criteria_changed(base, load(**BASE, source={"unit": "id"}))) == 5
    metric = {"metrics": {"accuracy": {"kind": "proportion", "column": "other"}}}
    assert len(criteria_changed(base, load(**BASE, **metric))) == 5


def test_another_horizon_is_another_beginning_for_every_criterion() -> None:
    old, new = load(**BASE), load(**{**BASE, "error_budget": {"horizon": "12w"}})
    assert [str(change) for change in diff(old, new)] == ["error_budget.horizon: 12w, which was not there"]
    assert criteria_changed(old, new) == criteria_changed(old, load(**{**BASE, "timezone": "Europe/Oslo"}))
    assert old.sha256() != new.sha256()


@pytest.mark.parametrize(
    ("key", "loose", "strict"),
    [
        ("false_alerts", "1 per year", "1 per month"),
        ("then", "hold", "rollback"),
        ("metrics", ["kpi"], ["kpi", "accuracy"]),
    ],
)
def test_what_is_watched_after_the_last_phase(key: str, loose: Any, strict: Any) -> None:
    last = {"phases": [*BASE["phases"][:2], {"traffic": "100%"}]}
    before, after = (load(**{**BASE, **last}, drift={"after": {key: value}}) for value in (strict, loose))
    assert [(change.key, change.effect) for change in diff(before, after)] == [(f"drift.after.{key}", "looser")]
    assert [(change.key, change.effect) for change in diff(after, before)] == [(f"drift.after.{key}", "stricter")]


def test_a_column_that_is_called_reference_is_no_reference() -> None:
    wide, near = ({"columns": {"reference": {"psi": psi}}} for psi in (0.2, 0.1))
    [change] = diff(load(**BASE, drift=wide), load(**BASE, drift=near))
    assert (change.key, change.effect) == ("drift.columns.reference.psi", "stricter")


def test_another_reference_of_drift_may_take_in_what_has_drifted() -> None:
    drift = {"columns": {"score": {"psi": 0.2}}}
    days = {"reference": {"from": "2026-01-05", "to": "2026-02-02"}}
    before, after = load(**BASE, drift=drift), load(**BASE, drift={**drift, **days})
    assert [(change.key, change.effect) for change in diff(before, after)] == [("drift.reference", "looser")]
    assert {change.effect for change in diff(after, before)} == {"looser"}
    assert criteria_changed(before, after) == ("drift",)
