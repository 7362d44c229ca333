"""Contradictions and impossible values, each with its place and remedy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.support import load, refusal

from rampgate.errors import PolicyError
from rampgate.policy import load_policy, warnings

METRICS: dict[str, Any] = {
    "accuracy": {"kind": "proportion", "column": "correct"},
    "override": {"kind": "proportion", "column": "overridden", "better": "lower"},
    "csat": {"kind": "mean", "column": "csat"},
    "escalation": {"kind": "ratio", "numerator": "a", "denominator": "b"},
    "minutes": {
        "kind": "ratio",
        "numerator": "m",
        "denominator": "n",
        "better": "lower",
        "best": 0,
        "worst": 60,
    },
    "missed": {"kind": "rare_event", "column": "missed"},
    "p95": {"kind": "quantile", "column": "hours", "q": 0.95, "better": "lower"},
}


def _metric(**changes: Any) -> dict[str, Any]:
    return {"metrics": {**METRICS, "accuracy": {**METRICS["accuracy"], **changes}}}


def _phases(**last: Any) -> dict[str, Any]:
    return {"metrics": METRICS, "phases": [{"traffic": "10%"}, {"traffic": "50%", **last}]}


def _with(**sections: Any) -> dict[str, Any]:
    return {"metrics": METRICS, **sections}


@pytest.mark.parametrize(
    ("sections", "text"),
    [
        # names, source, time
        (
            {"baseline": "v1", "candidate": "v1"},
            'candidate: baseline and candidate are both "v1"\n'
            "  remedy: give the two values of the variant column that are compared",
        ),
        (
            {"source": {"unit": "id", "variant": "id"}},
            'source.variant: column "id" is already the unit\n  remedy: name the column of the variant',
        ),
        (
            {"source": {"look": "week", "window": "30d"}},
            "source.window: windows of 30d cannot be put together from weeks\n"
            "  remedy: write window: week, or look: day",
        ),
        (
            {"timezone": "europe/olso"},
            'timezone: there is no time zone "europe/olso"\n  remedy: did you mean "Europe/Oslo"?',
        ),
        (
            {"timezone": "../../etc/passwd"},
            'timezone: there is no time zone "../../etc/passwd"\n  remedy: write an IANA name, as Europe/Oslo',
        ),
        # metrics
        (
            {"metrics": {**METRICS, "kpi": METRICS["csat"]}},
            'metrics.kpi: the name "kpi" is reserved for the weighted KPI\n  remedy: give the metric another name',
        ),
        (
            _metric(best=1),
            "metrics.accuracy.best: best is given and worst is not\n  remedy: add worst, or remove best",
        ),
        (
            _metric(worst=1),
            "metrics.accuracy.worst: worst is given and best is not\n  remedy: add best, or remove worst",
        ),
        (
            _metric(best=1, worst=1),
            "metrics.accuracy.best: best and worst are both 1\n  remedy: give the two ends of the scale",
        ),
        (
            _metric(best=0, worst=1),
            "metrics.accuracy.better: best 0 and worst 1 contradict better: higher\n"
            "  remedy: write better: lower, or exchange best and worst",
        ),
        (
            {"metrics": {**METRICS, "t": {"kind": "time_to_event", "from": "a", "to": "b"}}},
            "metrics.t: time_to_event needs one of within and mean_up_to\n"
            "  remedy: write within: 72h (share) or mean_up_to: 72h (mean time)",
        ),
        # the KPI
        (
            _with(kpi={"weights": {"kpi": 1}}),
            "kpi.weights.kpi: the KPI is no metric of its own\n  remedy: name metrics here",
        ),
        (
            _with(kpi={"weights": {}}),
            "kpi.weights: there are no weights\n  remedy: give each metric of the KPI a weight; they sum to 1",
        ),
        (
            _with(kpi={"weights": {"accuracy": 0.5, "csat": 0.5}}),
            "metrics.csat: the KPI takes values from 0 to 1, and csat is a mean\n"
            "  remedy: add best and worst to the metric, as best: 5, worst: 1",
        ),
        (
            _with(kpi={"weights": {"accuracy": 0.5, "p95": 0.5}}),
            "kpi.weights.p95: p95 is a quantile, and the KPI is made of means of units\n"
            "  remedy: weigh the share of units above a bound instead: {kind: share_above, column: hours, above: 72}; "
            "a quantile can be a guardrail or a rollback criterion",
        ),
        (
            _with(kpi={"weights": {"accuracy": 1}, "margin": "3pp"}, guardrails={"kpi": {"margin": "2pp"}}),
            "guardrails.kpi: the KPI's margin is 2pp here and 3pp in kpi.margin\n  remedy: give it once",
        ),
        # criteria
        (
            {"guardrails": {"accurracy": {"margin": "1pp"}}},
            'guardrails.accurracy: there is no metric "accurracy"\n  remedy: did you mean "accuracy"?',
        ),
        (
            {"rollback": {"zzz": {"worse_by": "1pp"}}},
            'rollback.zzz: there is no metric "zzz"\n  remedy: the metrics are: accuracy, kpi',
        ),
        (
            {"segments": {"by": ["q"], "guardrails": {"zzz": {"margin": "1pp"}}}},
            'segments.guardrails.zzz: there is no metric "zzz"\n  remedy: the metrics are: accuracy, kpi',
        ),
        (
            {"segments": {"by": ["q"], "rollback": {"zzz": {"worse_by": "1pp"}}}},
            'segments.rollback.zzz: there is no metric "zzz"\n  remedy: the metrics are: accuracy, kpi',
        ),
        (
            {"rollback": {}},
            "rollback: there is no rollback criterion, and a gate that never rolls back is no gate\n"
            "  remedy: name one, as kpi: {worse_by: 1pp}, or leave rollback out (then kpi: {worse_by: 0})",
        ),
        (
            _with(guardrails={"csat": {"margin": "2pp"}}),
            "guardrails.csat.margin: 2pp are points of a rate, and csat is a mean\n"
            "  remedy: write a bare number in the metric's unit, or 10% of the baseline",
        ),
        (
            _with(rollback={"minutes": {"worse_by": "2pp"}}),
            "rollback.minutes.worse_by: 2pp are points of a rate, and minutes is a ratio\n"
            "  remedy: write a bare number in the metric's unit, or 10% of the baseline",
        ),
        (
            _with(guardrails={"accuracy": {"margin": 3}}),
            "guardrails.accuracy.margin: 3.0 is 300 points, and no rate can be worse by that much\n  remedy: write 3pp",
        ),
        (
            _with(kpi={"weights": {"accuracy": 1}, "margin": "120pp"}),
            "kpi.margin: 120pp is 120 points, and no rate can be worse by that much\n"
            "  remedy: write a margin below 100pp",
        ),
        (
            _with(guardrails={"accuracy": {"margin": "100%"}}),
            "guardrails.accuracy.margin: accuracy cannot be worse than the baseline by 100% of it\n"
            "  remedy: write a margin below 100%",
        ),
        (
            _with(guardrails={"missed": {"margin": "1pp"}}),
            "guardrails.missed.margin: 1pp is absolute, and missed is a rare event\n"
            "  remedy: write a margin relative to the baseline, as 10%, or 0",
        ),
        (
            _with(rollback={"missed": {"worse_by": 0.001}}),
            "rollback.missed.worse_by: 0.001 is absolute, and missed is a rare event\n"
            "  remedy: write a margin relative to the baseline, as 10%, or 0",
        ),
        (
            {"rollback": {"kpi": {"worse_by": "1pp", "expect": 0}}},
            "rollback.kpi.expect: a harm of 0 is none\n"
            "  remedy: write the harm beyond worse_by that must be caught, as 4pp",
        ),
        (
            {"rollback": {"kpi": {"worse_by": "1pp", "expect": "10%"}}},
            "rollback.kpi.expect: expect is 10% and worse_by is 1pp: one is relative to the baseline\n"
            "  remedy: write both as points, as bare numbers, or both as % of the baseline",
        ),
        # segments
        (
            {"segments": {"by": ["queue", "queue"]}},
            'segments.by: "queue" is there twice\n  remedy: name each once',
        ),
        (
            {"segments": {"by": ["variant"]}},
            'segments.by: "variant" is the column of the variant\n  remedy: name columns such as queue or urgency',
        ),
        ({"segments": {"by": []}}, "segments.by: is empty\n  remedy: give it at least one entry"),
        # phases
        (
            {"phases": [{"traffic": 0}, {"traffic": 0.5}]},
            "phases[0].traffic: a phase without traffic shows nothing\n  remedy: write a share above 0%",
        ),
        (
            {"phases": [{"traffic": 0.5}, {"traffic": "50%"}]},
            "phases[1].traffic: 50% after 50%: traffic must rise from phase to phase\n"
            "  remedy: put the phases in the order of their traffic",
        ),
        (
            _phases(holdout="2%"),
            "phases[1].holdout: 50% of traffic leaves a baseline already\n"
            "  remedy: keep the holdout for a phase at 100%",
        ),
        (
            {"phases": [{"traffic": "90%"}, {"traffic": 1, "holdout": "20%"}]},
            "phases[1].holdout: 20% held out of 100% after a phase of 90%\n"
            "  remedy: write a share above 0% and below 10%",
        ),
        (
            {"phases": [{"traffic": 1, "go": "non_inferior"}]},
            "phases[0].go: at 100% of traffic nothing is left to compare with\n"
            "  remedy: add a holdout, as 2%, or ask for non_inferior in the phase before",
        ),
        (
            _phases(require=["kpi"]),
            "phases[1].require: require says what non_inferior must show, and go is no_harm\n"
            "  remedy: write go: non_inferior, or remove require",
        ),
        (
            _phases(go="within_budget"),
            "phases[1].go: within_budget needs a harm_budget\n  remedy: add harm_budget: {metric: number}",
        ),
        (
            _phases(go="non_inferior", require=[]),
            "phases[1].require: non_inferior that requires nothing is always shown\n"
            "  remedy: name kpi or guardrails, or leave require out",
        ),
        (
            _phases(go="non_inferior", require=["overide"]),
            'phases[1].require: there is no metric "overide"\n  remedy: did you mean "override"?',
        ),
        (
            _phases(go="non_inferior", require=["override"]),
            "phases[1].require: override has no margin to be shown non-inferior at\n"
            "  remedy: add it to guardrails, as override: {margin: 3pp}",
        ),
        (
            _phases(go="non_inferior", require=["missed"]) | {"guardrails": {"missed": {"margin": "10%"}}},
            "phases[1].require: missed is a rare_event, which would take years to be shown\n"
            "  remedy: require kpi and guardrails of kind proportion, ratio, mean, quantile",
        ),
        (
            _phases(go="non_inferior", require=["kpi", "kpi"]),
            'phases[1].require: "kpi" is there twice\n  remedy: name each once',
        ),
        (
            _phases(go="non_inferior") | {"guardrails": {"override": {"margin": 0}}},
            "guardrails.override.margin: no amount of data shows override non-inferior at a margin of 0, "
            "which phases[1] asks for\n  remedy: give a margin above 0, as 3pp",
        ),
        (
            _phases(go="non_inferior") | {"kpi": {"weights": {"accuracy": 1}, "margin": 0}},
            "kpi.margin: no amount of data shows kpi non-inferior at a margin of 0, "
            "which phases[1] asks for\n  remedy: give a margin above 0, as 3pp",
        ),
        # exposure, harm budget, drift, approval
        (
            {"exposure": [{"from": "2026-01-05", "traffic": 0.1}, {"from": "2026-01-05", "traffic": 0.2}]},
            "exposure[1].from: 2026-01-05 is not after 2026-01-05\n  remedy: put the entries in the order of time",
        ),
        (
            {"harm_budget": {"accuracy": 0}},
            "harm_budget.accuracy: a budget of 0 cannot be met\n  remedy: write how many bad outcomes are accepted",
        ),
        (
            {"harm_budget": {"zzz": 5}},
            'harm_budget.zzz: there is no metric "zzz"\n  remedy: the metrics are: accuracy',
        ),
        (
            {"error_budget": {"horizon": "72h"}},
            "error_budget.horizon: harm can begin on any day, and 72h leaves too few\n"
            "  remedy: write 14d or more, as 12w",
        ),
        (
            {"evidence": "point", "error_budget": {"horizon": "12w"}},
            "error_budget.horizon: plain thresholds expect no beginning of harm\n"
            "  remedy: leave it out, or write evidence: sequential",
        ),
        (
            {"drift": {"reference": {"from": "2026-01-05"}, "columns": {"score": {}}}},
            "drift.reference: the reference is two days or one file\n"
            "  remedy: write {from: 2026-01-01, to: 2026-02-01}, a file, or baseline",
        ),
        (
            {"drift": {"reference": {"from": "2026-01-05", "to": "2026-01-05"}, "columns": {"score": {}}}},
            "drift.reference.to: 2026-01-05 is not after 2026-01-05\n"
            "  remedy: write {from: 2026-01-01, to: 2026-02-01}, a file, or baseline",
        ),
        (
            {"drift": {"columns": {"score": {"psi": 0.2, "js": 0.1, "warn": 0.1}}}},
            "drift.columns.score: warn could be a distance of psi or js\n  remedy: write warn: {psi: 0.1, js: 0.1}",
        ),
        (
            {"drift": {"columns": {"score": {"warn": {"hue": 1}}}}},
            'drift.columns.score.warn: "hue" is not a distance\n'
            "  remedy: name some of these: psi, js, ks, wasserstein, wasserstein_scaled, missing",
        ),
        (
            {"drift": {"columns": {"score": {"warn": {"js": 0.1}}}}},
            "drift.columns.score.warn: js has no threshold\n  remedy: add js, or leave it out of warn",
        ),
        (
            {"drift": {"columns": {"score": {"psi": 0.2, "warn": 0.3}}}},
            "drift.columns.score.warn: psi warns from 0.3, where it acts from 0.2\n"
            "  remedy: warn below the threshold, or leave warn out",
        ),
        (
            {"drift": {"columns": {"score": {"kind": "categorical", "ks": 0.1}}}},
            "drift.columns.score.ks: categories have no order to measure it by\n  remedy: write psi or js",
        ),
        (
            {"drift": {"columns": {"score": {"missing": 0}}}},
            "drift.columns.score.missing: a share of 0 is passed by every window\n"
            "  remedy: write a share above 0, as 10%",
        ),
        (
            {"drift": {"columns": {"unit": {}}}},
            'drift.columns.unit: "unit" says which unit, when or which version\n'
            "  remedy: name inputs, scores or outcomes",
        ),
        (
            {"drift": {"columns": {"score": {"psi": 0.2}}, "false_alerts": "1 per year"}},
            "drift.false_alerts: every column has a threshold of its own, and none is left to be found in the "
            "reference\n  remedy: leave it out, or take the thresholds of some columns out",
        ),
        (
            {"drift": {"columns": {"score": {}}, "false_alerts": "often"}},
            'drift.false_alerts: "often" is not a rate of false alarms\n'
            "  remedy: write how many false alarms are accepted, as 1 per year, 1 per quarter or 2 per month",
        ),
        (
            {"approval": {"author": "dana", "approvers": ["dana", "lee"]}},
            "approval.approvers: dana wrote the policy and cannot approve it\n  remedy: name someone else",
        ),
        (
            {"approval": {"author": "dana", "approvers": ["lee"], "required": 2}},
            "approval.required: 2 must approve and 1 can\n  remedy: name more approvers, or require fewer",
        ),
        (
            {"approval": {"author": "dana", "approvers": ["lee", "sam"], "required": 2, "past_rollback": 1}},
            "approval.past_rollback: 1 must agree to go on past a rollback, where 2 must approve and 2 can\n"
            "  remedy: write a number from 2 to 2, or leave it out",
        ),
        (
            {"approval": {"author": "dana", "approvers": ["lee", "lee"]}},
            'approval.approvers: "lee" is there twice\n  remedy: name each once',
        ),
    ],
)
def test_contradictions(sections, text):
    assert refusal(**sections) == text


@pytest.mark.parametrize(
    "sections",
    [
        _with(kpi={"weights": {"accuracy": 0.5, "minutes": 0.5}}),
        _with(kpi={"weights": {"accuracy": 1}, "margin": "10%"}),
        _with(kpi={"weights": {"accuracy": 1}}, guardrails={"kpi": {"margin": "2pp"}}),
        _with(kpi={"weights": {"accuracy": 1}, "margin": "2pp"}, guardrails={"kpi": {"margin": "2pp"}}),
        _with(guardrails={"csat": {"margin": 3}, "minutes": {"margin": 10}, "escalation": {"margin": "2pp"}}),
        _with(guardrails={"override": {"margin": "150%"}, "missed": {"margin": "10%"}, "p95": {"margin": 4}}),
        _with(rollback={"missed": {"worse_by": 0}, "kpi": {"worse_by": 0, "expect": "10%"}}),
        _phases(go="non_inferior", require=["kpi"]) | {"guardrails": {"override": {"margin": 0}}},
        {"phases": [{"traffic": "10%"}, {"traffic": 1, "go": "non_inferior", "holdout": "2%"}]},
        {"phases": [{"traffic": "80%"}]},
        {"drift": {"reference": "baseline", "columns": {"score": {}}}},
        {"drift": {"reference": "past.parquet", "columns": {"score": {"ks": 0.1}}}},
        {"drift": {"columns": {"score": {}, "accuracy": {"psi": 0.1}}, "false_alerts": "2 per month"}},
        {"source": {"look": "week"}},
        {"source": {"window": "30d"}},
        {"timezone": "America/Argentina/Buenos_Aires"},
    ],
)
def test_what_is_no_contradiction(sections):
    policy = load(**sections)
    assert load_policy(policy.canonical()) == policy


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=12))
def test_weights_load_exactly_when_they_sum_to_1(parts):
    names = [f"m{i}" for i in range(len(parts))]
    metrics = {name: {"kind": "proportion", "column": name} for name in names}
    total = sum(parts)
    scaled = [part / total for part in parts]
    load(metrics=metrics, kpi={"weights": dict(zip(names, scaled, strict=True))})
    off = {**dict(zip(names, scaled, strict=True)), "m0": scaled[0] + 2e-9}
    with pytest.raises(PolicyError, match=r"the weights sum to 1\.000000002, not to 1"):
        load(metrics=metrics, kpi={"weights": off})


@given(st.lists(st.integers(1, 100), min_size=1, max_size=5))
def test_traffic_loads_exactly_when_it_rises(percents):
    rises = percents == sorted(set(percents))
    phases = [{"traffic": f"{percent}%"} for percent in percents]
    if rises:
        assert [phase.traffic for phase in load(phases=phases).phases] == [n / 100 for n in percents]
    else:
        assert "traffic must rise from phase to phase" in refusal(phases=phases)


def test_a_folder_of_time_zones_is_none():
    # Which zone is closest depends on the machine's list of zones.
    assert refusal(timezone="Europe").startswith('timezone: there is no time zone "Europe"\n  remedy: ')


def test_warnings():
    policy = load(
        metrics=METRICS,
        guardrails={"override": {"margin": "1pp"}, "accuracy": {"margin": "2pp"}},
        rollback={
            "override": {"worse_by": "4pp"},
            "accuracy": {"worse_by": "2pp"},
            "kpi": {"worse_by": "10%"},
        },
        harm_budget={"missed": 3},
    )
    assert warnings(policy) == [
        "metric csat is in no criterion: it is shown and never judged",
        "metric escalation is in no criterion: it is shown and never judged",
        "metric minutes is in no criterion: it is shown and never judged",
        "metric p95 is in no criterion: it is shown and never judged",
        "override: a harm between 1pp and 4pp holds the rollout and does not roll it back",
        "harm_budget: no phase goes by within_budget, so the budget is counted and holds nothing",
    ]
    assert warnings(load()) == []


def test_proof_of_a_metric_without_a_range_is_said_to_be_asymptotic() -> None:
    mean = {"kind": "mean", "column": "hours", "better": "lower"}
    content = {
        "metrics": {"ok": {"kind": "proportion", "column": "ok"}, "hours": mean},
        "kpi": {"weights": {"ok": 1.0}},
        "guardrails": {"hours": {"margin": 2}},
        "phases": [{"traffic": "50%", "go": "non_inferior"}, {"traffic": "100%"}],
    }
    assert any(line.startswith("hours: ") and "asymptotic" in line for line in warnings(load_policy(content)))
    ranged = {**content, "metrics": {**content["metrics"], "hours": {**mean, "best": 0, "worst": 100}}}  # type: ignore[dict-item]
    assert not any("asymptotic" in line for line in warnings(load_policy(ranged)))


def test_bounds_from_the_reference_are_bounds_and_a_covariate_undoes_them() -> None:
    def said(**more: Any) -> list[str]:
        mean = {"kind": "mean", "column": "hours", "better": "lower", **more}
        content = {
            "metrics": {"ok": {"kind": "proportion", "column": "ok"}, "hours": mean},
            "kpi": {"weights": {"ok": 1.0}},
            "guardrails": {"hours": {"margin": 2}},
            "phases": [{"traffic": "50%", "go": "non_inferior"}, {"traffic": "100%"}],
        }
        return [line for line in warnings(load_policy(content)) if line.startswith("hours: ")]

    assert said(bounds="reference") == []
    assert len(said()) == 1
    assert any("in spite of bounds" in line for line in said(bounds="reference", covariate="before"))
    assert any("an outcome of ok" in line for line in said(covariate="ok"))


@pytest.mark.parametrize("column", ["hours", "unit", "time", "variant", "seen_at"])
def test_a_covariate_must_be_known_before(column: str) -> None:
    metric = {"kind": "mean", "column": "hours", "known_at": "seen_at", "covariate": column}
    text = refusal(metrics={"accuracy": {"kind": "proportion", "column": "ok"}, "h": metric})
    assert text.startswith("metrics.h.covariate: ")
    assert "known before exposure" in text


def test_bounds_are_two_numbers_or_one_word() -> None:
    text = refusal(metrics={"accuracy": METRICS["accuracy"], "h": {"kind": "mean", "column": "x", "bounds": "p99"}})
    assert "write [0, 480], or reference" in text


def test_a_version_cannot_be_compared_and_left_out():
    assert "the candidate is among the versions left out" in refusal(candidate="v2", source={"ignore": ["v2"]})


def test_a_horizon_that_ends_before_the_phases_do_is_told() -> None:
    phases = [{"traffic": "10%", "at_least": "3w"}, {"traffic": "50%", "at_least": "14d"}, {"traffic": "100%"}]
    told = warnings(load(phases=phases, error_budget={"horizon": "4w"}))
    assert told == [
        "error_budget.horizon: the phases take 35 days at least, and harm that begins after 4w is found late; "
        "write 35d or more, or leave it out"
    ]
    assert warnings(load(phases=phases, error_budget={"horizon": "5w"})) == []
