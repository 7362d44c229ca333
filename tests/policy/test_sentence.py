from __future__ import annotations

from tests.policy.support import EXAMPLE, load

from rampgate.policy import defaults, load_policy, sentences


def test_the_example_of_the_design_in_sentences():
    assert sentences(load_policy(EXAMPLE)) == [
        "accuracy is the share of true in correct; higher is better.",
        "escalation_ok is the sum of escalation_correct over the sum of escalated; higher is better.",
        "hours is the mean time from opened_at to resolved_at, cut at 72h; lower is better.",
        "missed is the share of units with any missed_incident; lower is better.",
        "override is the share of true in overridden; lower is better.",
        "p95_hours is the 95% quantile of handling_hours, judged by the share beyond a threshold fixed beforehand; "
        "lower is better.",
        "resolved_72h is the share with resolved_at within 72 hours of opened_at; higher is better.",
        "satisfaction is the mean of csat; higher is better.",
        "sla_hit is the share of true in sla_met; higher is better.",
        "The KPI is 0.4 x accuracy + 0.25 x (1 - override) + 0.35 x sla_hit.",
        "Roll back when the evidence says that the KPI is more than 1 point worse than the baseline.",
        "Roll back when the evidence says that missed is worse than the baseline.",
        "Roll back when the evidence says that override is more than 1 point worse than the baseline; "
        "a harm of 4 points beyond that is to be caught.",
        "Hold when the evidence says that the KPI is more than 3 points worse than the baseline.",
        "Hold when the evidence says that missed is more than 10% (of the baseline's value) worse than the baseline.",
        "Hold when the evidence says that override is more than 4 points worse than the baseline.",
        "Hold when the evidence says that the candidate's own KPI is below 0.75.",
        "Hold when the evidence says that the KPI is more than 5 points worse than the baseline "
        "in any one queue, urgency or geography.",
        "Hold when the evidence says that override is more than 5 points worse than the baseline "
        "in any one queue, urgency or geography.",
        "A value of queue, urgency or geography with fewer than 200 units in either version is reported as "
        "too little data; it neither passes nor blocks.",
        "Hold when model_score in the latest complete week, of either version, is away from the baseline's days from "
        "2026-01-01 until 2026-02-01: population stability index 0.2 or more (said from 0.1), and beyond chance; or "
        "when 10% more or fewer of its values are missing.",
        "Drift holds and never rolls back by itself.",
        "Phase 1, 10% of traffic: go on to 25% after 7 days and 500 candidate units with known outcomes, "
        "when nothing fails (no evidence of harm, which is no proof of safety).",
        "Phase 2, 25% of traffic: go on to 50% after 7 days and 100 candidate units with known outcomes, "
        "when nothing fails and the harm to be expected stays within the budget of override.",
        "Phase 3, 50% of traffic: go on to 100% after 14 days and 100 candidate units with known outcomes, "
        "when nothing fails and the evidence says that the KPI is less than 3 points worse than the baseline "
        "and override is less than 4 points worse than the baseline.",
        "Phase 4, 100% of traffic with 2% held out: complete, when nothing fails "
        "(no evidence of harm, which is no proof of safety).",
        "After the last phase every look is still judged, and can still roll back.",
        "A candidate that is within every worse_by in every period is ever rolled back in at most 5% of "
        "rollouts, over all looks and criteria.",
        "A candidate worse by a required margin throughout a non_inferior phase passes it in at most 5%.",
        "It goes on only while 2 of lee and sam approve this policy, which dana wrote. Rollback criteria wait for no "
        "approval.",
        "To go on past a rollback 2 of them must agree.",
    ]


def test_plain_thresholds_promise_nothing():
    metrics = {
        "accuracy": {"kind": "proportion", "column": "status", "equals": "ok"},
        "csat": {"kind": "mean", "column": "csat", "best": 5, "worst": 1},
        "slow": {"kind": "share_above", "column": "hours", "above": 8, "better": "lower"},
    }
    policy = load(
        evidence="point",
        metrics=metrics,
        kpi={"weights": {"accuracy": 0.5, "csat": 0.5}, "margin": 0.005},
        guardrails={"csat": {"margin": 0.2}},
        rollback={"slow": {"worse_by": "10%"}, "accuracy": {"worse_by": 0.01}},
        segments={"by": ["queue"], "rollback": {"csat": {"worse_by": 1}}, "minimum_units": 50},
        phases=[{"traffic": "50%", "at_least": "1d", "minimum_units": 0}],
    )
    assert sentences(policy) == [
        'accuracy is the share of "ok" in status; higher is better.',
        "csat is the mean of csat; higher is better.",
        "slow is the share of hours above 8; lower is better.",
        "The KPI is 0.5 x accuracy + 0.5 x (csat on a scale from 1 = 0 to 5 = 1).",
        "Roll back when in the latest complete week accuracy is more than 1 point worse than the baseline.",
        "Roll back when in the latest complete week slow is more than 10% (of the baseline's value) "
        "worse than the baseline.",
        "Hold when in the latest complete week the KPI is more than 0.5 points worse than the baseline.",
        "Hold when in the latest complete week csat is more than 0.2 worse than the baseline.",
        "Roll back when in the latest complete week csat is more than 1 worse than the baseline in any one queue.",
        "A value of queue with fewer than 50 units in either version is reported as too little data; "
        "it neither passes nor blocks.",
        "Phase 1, 50% of traffic: complete after 1 day, when nothing fails "
        "(no evidence of harm, which is no proof of safety).",
        "After the last phase every look is still judged, and can still roll back.",
        "These are plain thresholds: noise alone can trip or pass them, and nothing limits how often.",
    ]
    assert "in the latest complete window of 30 days" in sentences(load(evidence="point", source={"window": "30d"}))[2]


def test_false_go_is_promised_only_where_a_phase_keeps_it():
    assert sentences(load())[-1].startswith("A candidate that is within every worse_by")
    short = load(phases=[{"traffic": "50%", "go": "non_inferior"}])
    assert sentences(short)[-1].startswith("A candidate worse by a required margin")


def test_every_default_of_a_short_policy_is_stated():
    assert defaults(load(phases=[{"traffic": "50%", "go": "non_inferior"}, {"traffic": 1}])) == [
        f"{line} (default)"
        for line in (
            "rollout: rollout",
            "baseline: baseline",
            "candidate: candidate",
            "source.unit: unit",
            "source.time: time",
            "source.variant: variant",
            "source.time_format: ISO 8601",
            "source.decimal: .",
            "source.look: day",
            "source.window: week",
            "start: the day of the first candidate row",
            "timezone: UTC",
            "evidence: sequential",
            "metrics.accuracy.better: higher",
            "kpi.margin: 3pp",
            "guardrails: none besides the KPI's",
            "rollback: kpi: {worse_by: 0}",
            "segments: none",
            "phases[0].at_least: 7d",
            "phases[0].minimum_units: 100",
            "phases[0].require: [kpi]",
            "phases[1].at_least: 0d",
            "phases[1].minimum_units: 0",
            "phases[1].go: no_harm",
            "error_budget.false_rollback: 5%",
            "error_budget.false_go: 5%",
            "error_budget.guardrail: 5%",
            "error_budget.segment: 5%",
        )
    ]


def test_what_is_written_is_no_default():
    assert defaults(load_policy(EXAMPLE)) == [
        f"{line} (default)"
        for line in (
            "source.time_format: ISO 8601",
            "source.decimal: .",
            "evidence: sequential",
            "metrics.accuracy.better: higher",
            "metrics.escalation_ok.better: higher",
            "metrics.resolved_72h.better: higher",
            "metrics.satisfaction.better: higher",
            "metrics.sla_hit.better: higher",
            "segments.values: 200",
            "segments.combinations: 10000",
            "drift.columns.model_score.missing: 10%",
            "phases[1].minimum_units: 100",
            "phases[2].minimum_units: 100",
            "phases[3].at_least: 0d",
            "phases[3].minimum_units: 0",
            "phases[3].go: no_harm",
            "error_budget.guardrail: 5%",
            "error_budget.segment: 5%",
            "error_budget.floor: 5%",
        )
    ]
    # The KPI's margin may also stand among the guardrails.
    assert not [line for line in defaults(load(guardrails={"kpi": {"margin": "2pp"}})) if "kpi.margin" in line]


def test_a_declared_horizon_is_told():
    told = [s for s in sentences(load(error_budget={"horizon": "12w"})) if "begin" in s]
    assert told == [
        "Harm is expected to begin within 12 weeks of the start: what does is found sooner, and what begins later is "
        "found later."
    ]
    assert not any("begin within" in s for s in sentences(load()))
