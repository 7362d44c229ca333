from __future__ import annotations

import copy
import hashlib
import json
import pickle
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.policy.support import EXAMPLE, SMALL, edited, load, small

from rampgate.errors import PolicyError
from rampgate.policy import Duration, Margin, Policy, load_policy

# --- laws of the canonical form ---------------------------------------------------------

POINTS = st.integers(1, 30).map(lambda n: f"{n}pp")
RATES = ("accuracy", "sla_hit", "override")
CRITERIA = st.sampled_from((*RATES, "kpi"))


@st.composite
def policies(draw: Any) -> dict[str, Any]:
    """Policies that load, as mappings."""
    metrics: dict[str, dict[str, Any]]
    metrics = {name: {"kind": "proportion", "column": f"c_{name}"} for name in RATES}
    metrics["override"]["better"] = "lower"
    metrics["csat"] = {"kind": "mean", "column": "csat", "best": 5, "worst": draw(st.integers(-3, 4))}
    parts = draw(st.lists(st.integers(1, 20), min_size=1, max_size=3))
    weights = {name: part / sum(parts) for name, part in zip(RATES, parts, strict=False)}
    shares = sorted(draw(st.sets(st.integers(1, 99), max_size=3)))
    phase = st.fixed_dictionaries(
        {},
        optional={
            "at_least": st.integers(0, 60).map(lambda n: f"{n}d"),
            "minimum_units": st.integers(0, 10_000),
            "go": st.sampled_from(["no_harm", "non_inferior"]),
        },
    )
    phases = [{"traffic": f"{share}%", **draw(phase)} for share in shares]
    phases.append({"traffic": "100%", "holdout": "0.5%", **draw(phase)})
    optional = {
        "rollout": st.text("abc é", min_size=1).filter(lambda name: name == name.strip()),
        "candidate": st.integers(0, 99),
        "source": st.fixed_dictionaries({}, optional={"look": st.just("day"), "unit": st.sampled_from(["id", "unit"])}),
        "start": st.dates().map(str),
        "timezone": st.sampled_from(["UTC", "Europe/Oslo"]),
        "evidence": st.sampled_from(["point", "sequential"]),
        "guardrails": st.dictionaries(CRITERIA, POINTS.map(lambda margin: {"margin": margin})),
        "rollback": st.dictionaries(CRITERIA, POINTS.map(lambda harm: {"worse_by": harm, "expect": harm}), min_size=1),
        "segments": st.fixed_dictionaries({"by": st.just(["queue"])}, optional={"minimum_units": st.integers(0, 500)}),
        "error_budget": st.fixed_dictionaries({}, optional={"false_go": st.sampled_from([0.05, "5%", 0.1])}),
        "exposure": st.just([{"from": "2026-01-05", "traffic": "10%"}, {"from": "2026-02-05T12:00", "traffic": 0.2}]),
    }
    rest = draw(st.fixed_dictionaries({}, optional=optional))
    return {"metrics": metrics, "kpi": {"weights": weights}, "phases": phases, **rest}


@given(policies())
def test_the_canonical_form_gives_the_policy_back(content):
    policy = load_policy(content)
    again = Policy.from_canonical(json.loads(policy.canonical_json()))
    assert again == policy
    assert (again.sha256(), hash(again)) == (policy.sha256(), hash(policy))
    assert again.canonical() == policy.canonical()
    # Equality is by the canonical form, so what that form leaves out is compared here.
    assert again.model_dump() == policy.model_dump()


@given(policies(), st.randoms())
def test_order_does_not_change_the_policy(content, chance):
    policy, shuffled = load_policy(content), load_policy(_shuffled(content, chance))
    assert shuffled.sha256() == policy.sha256()
    # Not only equal: sums over the metrics are made in the same order, to the last bit.
    assert list(shuffled.metrics) == list(policy.metrics)
    assert list(shuffled.kpi.weights) == list(policy.kpi.weights)
    assert shuffled.judged_metrics() == policy.judged_metrics()


@given(policies())
def test_defaults_that_are_spelled_out_do_not_change_the_policy(content):
    policy = load_policy(content)
    spelled = policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    if "kpi" in policy.guardrails:
        del spelled["kpi"]["margin"]  # written in both places it would be a contradiction
    assert "minimum_units" in spelled["phases"][-1]
    assert spelled["error_budget"].keys() == set(type(policy.error_budget).model_fields) - {"horizon"}  # it has none
    assert load_policy(spelled).sha256() == policy.sha256()


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return {key: _shuffled(item, chance) for key, item in items}
    return [_shuffled(item, chance) for item in value] if isinstance(value, list) else value


def test_comments_and_spelling_do_not_change_the_hash():
    same = edited(
        ("traffic: 10%, at_least: 7d", "traffic: 0.10,   at_least: '7d'"),
        ("baseline: v1\n", "# the version in use\nbaseline: 'v1'   # since May\n"),
        ("0.40", "40%"),
        (
            "better: lower}",
            "better: lower}\nguardrails: {}\nrollback: {kpi: {worse_by: 0pp}}\nerror_budget: {false_go: 5%}",
        ),
        ("kpi:\n", "kpi:\n  margin: 3pp\n"),
    )
    assert load_policy(same).sha256() == load_policy(SMALL).sha256()


@pytest.mark.parametrize(
    "edit",
    [
        ("v2", "v3"),
        ("0.40, sla_hit: 0.35", "0.41, sla_hit: 0.34"),
        ("column: correct", "column: corrected"),
        (", better: lower", ""),
        ("traffic: 10%, at_least: 7d", "traffic: 10%, at_least: 8d"),
        ("traffic: 100%", "traffic: 99%"),
        ("traffic: 100%", "traffic: 100%, minimum_units: 100"),
        ("traffic: 100%", "traffic: 100%, at_least: 7d"),
        ("kpi:\n", "rollback: {kpi: {worse_by: 1pp}}\nkpi:\n"),
        ("kpi:\n", "error_budget: {false_rollback: 1%}\nkpi:\n"),
    ],
)
def test_every_change_of_meaning_changes_the_hash(edit):
    changed = load_policy(edited(edit))
    assert changed != load_policy(SMALL)
    assert Policy.from_canonical(changed.canonical()) == changed


def test_the_hash_is_that_of_the_canonical_json():
    policy = load()
    assert policy.canonical_json() == (
        b'{"kpi":{"weights":{"accuracy":1.0}},'
        b'"metrics":{"accuracy":{"column":"correct","kind":"proportion"}},'
        b'"phases":[{"at_least":"7d","minimum_units":100,"traffic":0.1},'
        b'{"at_least":"7d","minimum_units":100,"traffic":0.5},'
        b'{"at_least":"0d","minimum_units":0,"traffic":1.0}]}'
    )
    assert policy.sha256() == hashlib.sha256(policy.canonical_json()).hexdigest()
    # Letters stay as they are written.
    assert "é".encode() in load(rollout="é").canonical_json()


def test_defaults_never_change():
    # The hash of a policy leaves its defaults out, so approvals and records hold only while these values do.
    # A new key may be added here; a value that stands here may not be changed.
    assert load().model_dump(mode="json", by_alias=True) == {
        "rollout": "rollout",
        "baseline": "baseline",
        "candidate": "candidate",
        "source": {
            "events": None,
            "unit": "unit",
            "time": "time",
            "variant": "variant",
            "cluster": None,
            "time_format": None,
            "decimal": ".",
            "ignore": [],
            "look": "day",
            "window": "week",
        },
        "start": None,
        "timezone": "UTC",
        "evidence": "sequential",
        "metrics": {
            "accuracy": {
                "better": "higher",
                "best": None,
                "worst": None,
                "matures_after": None,
                "known_at": None,
                "kind": "proportion",
                "column": "correct",
                "equals": None,
                "score": None,
            }
        },
        "kpi": {"weights": {"accuracy": 1.0}, "margin": "3pp", "floor": None},
        "guardrails": {},
        "rollback": {"kpi": {"worse_by": 0.0, "expect": None}},
        "segments": None,
        "drift": None,
        "harm_budget": {},
        "phases": [
            {
                "traffic": traffic,
                "at_least": at_least,
                "minimum_units": units,
                "go": "no_harm",
                "require": None,
                "holdout": None,
            }
            for traffic, at_least, units in ((0.1, "7d", 100), (0.5, "7d", 100), (1.0, "0d", 0))
        ],
        "exposure": [],
        "error_budget": {
            "false_rollback": 0.05,
            "false_go": 0.05,
            "guardrail": 0.05,
            "floor": 0.05,
            "segment": 0.05,
            "sample_ratio": 0.01,
            "missing_labels": 0.01,
            "crossed_units": 0.01,
            "horizon": None,
        },
        "approval": None,
    }
    assert load(segments={"by": ["queue"]}).segments.minimum_units == 200  # type: ignore[union-attr]
    rare = load(
        metrics={
            "accuracy": {"kind": "proportion", "column": "c"},
            "m": {"kind": "rare_event", "column": "m"},
        }
    )
    assert rare.metrics["m"].better == "lower"


# --- what later stages ask for ----------------------------------------------------------


def test_judged_metrics():
    assert load_policy(EXAMPLE).judged_metrics() == ("accuracy", "missed", "override", "sla_hit")
    policy = load_policy(
        edited(
            ("{accuracy: 0.40, sla_hit: 0.35, override: 0.25}", "{accuracy: 1}"),
            ("phases:", "segments: {by: [queue], guardrails: {override: {margin: 5pp}}}\nphases:"),
        )
    )
    assert policy.judged_metrics() == ("accuracy", "override")


def test_margins_and_what_a_phase_requires():
    policy = load_policy(EXAMPLE)
    assert policy.margins() == {
        "kpi": Margin(0.03, "points"),
        "missed": Margin(0.1, "relative"),
        "override": Margin(0.04, "points"),
    }
    assert [policy.required(phase) for phase in policy.phases] == [(), (), ("kpi", "override"), ()]
    text = edited(
        (", require: [kpi, override]", ""), ("margin: 4pp}", "margin: 4pp}\n  kpi: {margin: 2pp}"),
        ("  margin: 3pp ", "  #"), text=EXAMPLE.read_text(),
    )  # fmt: skip
    every = load_policy(text)
    # A rare event would take years to be shown non-inferior, so nothing waits for it.
    assert every.required(every.phases[2]) == ("kpi", "override")
    assert every.margins()["kpi"] == Margin(0.02, "points")


def test_columns_of_metrics():
    metrics = load_policy(EXAMPLE).metrics
    assert metrics["accuracy"].columns() == ("correct",)
    assert metrics["escalation_ok"].columns() == ("escalation_correct", "escalated")
    assert metrics["hours"].columns() == ("opened_at", "resolved_at")
    assert metrics["satisfaction"].columns() == ("csat", "survey_returned_at")
    assert metrics["p95_hours"].columns() == ("handling_hours",)
    assert metrics["missed"].columns() == ("missed_incident",)
    slow = {"kind": "share_above", "column": "hours", "above": 8, "known_at": "seen"}
    assert load(metrics={"accuracy": slow}).metrics["accuracy"].columns() == ("hours", "seen")


def test_zone_and_exposure():
    policy = load(timezone="Europe/Oslo", exposure=[{"from": "2026-01-05", "traffic": "10%"}])
    assert policy.zone.key == "Europe/Oslo"
    assert policy.exposure[0].start(policy.zone) == datetime(2026, 1, 4, 23, tzinfo=UTC)


def test_versions_and_values_may_be_numbers_and_booleans():
    policy = load(baseline=1, candidate=2, metrics={"accuracy": {"kind": "proportion", "column": 7, "equals": True}})
    assert (policy.baseline, policy.candidate) == ("1", "2")
    assert policy.metrics["accuracy"].model_dump(include={"column", "equals"}) == {
        "column": "7",
        "equals": "true",
    }
    assert load(baseline="1", candidate="2").canonical().items() >= {"baseline": "1", "candidate": "2"}.items()


def test_the_last_phase_waits_for_nothing_unless_it_says_so():
    phases = load(phases=[{"traffic": 0.5}, {"traffic": 1, "at_least": "7d", "minimum_units": 100}]).phases
    assert [(phase.at_least, phase.minimum_units) for phase in phases] == [(Duration(7, "d"), 100)] * 2
    [only] = load(phases=[{"traffic": 0.5}]).phases
    assert (only.at_least, only.minimum_units) == (Duration(0, "d"), 0)


# --- frozen -----------------------------------------------------------------------------


def test_nothing_in_a_policy_can_be_changed():
    policy = load_policy(EXAMPLE)
    with pytest.raises(ValidationError, match="frozen"):
        policy.rollout = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        policy.phases[0].traffic = 1.0  # type: ignore[misc]
    changes: list[Any] = [
        policy.guardrails.clear,
        lambda: policy.guardrails.pop("override"),
        policy.guardrails.popitem,
        lambda: policy.metrics.update({}),
        lambda: policy.kpi.weights.setdefault("x", 1.0),
        lambda: policy.kpi.weights.__setitem__("accuracy", 0.9),
        lambda: policy.rollback.__delitem__("kpi"),
        lambda: policy.rollback.__ior__({}),
    ]
    for change in changes:
        with pytest.raises(TypeError, match="a policy cannot be changed"):
            change()


def test_the_shared_defaults_cannot_be_changed_either():
    with pytest.raises(TypeError, match="a policy cannot be changed"):
        load().rollback.clear()
    assert load().rollback.keys() == {"kpi"}


def test_a_policy_can_be_copied_and_sent_to_another_process():
    policy = load_policy(EXAMPLE)
    for again in (copy.deepcopy(policy), pickle.loads(pickle.dumps(policy)), policy.model_copy(deep=True)):
        assert again == policy
        assert again.path == policy.path
        with pytest.raises(TypeError, match="a policy cannot be changed"):
            again.guardrails.clear()
    assert policy != policy.canonical()


def test_python_names_of_reserved_words_are_no_keys():
    with pytest.raises(PolicyError, match='unknown key "from_"'):
        load_policy(small(exposure=[{"from_": "2026-01-05", "traffic": 0.1}]))
