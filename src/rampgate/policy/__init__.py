"""The policy: read from YAML, checked, printed as sentences, hashed."""

from rampgate.policy.change import After, Alerts
from rampgate.policy.drift import Drift, DriftAlert, DriftReference
from rampgate.policy.judged import not_judged, refuse_not_judged
from rampgate.policy.lint import lint, warnings
from rampgate.policy.load import load_policy
from rampgate.policy.metric import (
    Mean,
    Metric,
    Proportion,
    Quantile,
    RareEvent,
    Ratio,
    ShareAbove,
    TimeToEvent,
)
from rampgate.policy.model import (
    KPI,
    MINIMUM_CLUSTERS,
    Approval,
    ErrorBudget,
    Exposure,
    Guardrail,
    Kpi,
    Phase,
    Policy,
    Rollback,
    Segments,
    Source,
)
from rampgate.policy.problem import Origin, Problem
from rampgate.policy.schema import schema
from rampgate.policy.sentence import defaults, metric_sentences, sentences
from rampgate.policy.values import Duration, Margin

__all__ = [
    "KPI",
    "MINIMUM_CLUSTERS",
    "After",
    "Alerts",
    "Approval",
    "Drift",
    "DriftAlert",
    "DriftReference",
    "Duration",
    "ErrorBudget",
    "Exposure",
    "Guardrail",
    "Kpi",
    "Margin",
    "Mean",
    "Metric",
    "Origin",
    "Phase",
    "Policy",
    "Problem",
    "Proportion",
    "Quantile",
    "RareEvent",
    "Ratio",
    "Rollback",
    "Segments",
    "ShareAbove",
    "Source",
    "TimeToEvent",
    "defaults",
    "lint",
    "load_policy",
    "metric_sentences",
    "not_judged",
    "refuse_not_judged",
    "schema",
    "sentences",
    "warnings",
]
