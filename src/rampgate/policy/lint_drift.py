"""What can be wrong with the section on drift."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.policy.drift import MEASURES, NUMERIC_ONLY, Drift
from rampgate.policy.metric import Ratio, TimeToEvent
from rampgate.policy.model import Policy
from rampgate.policy.problem import KeyPath, Problem


def drift_problems(policy: Policy) -> Iterator[Problem]:
    """A reference that is none, columns that cannot be watched, and thresholds that contradict each other."""
    if policy.drift is None:
        return
    if not policy.drift.columns and policy.drift.after is None:
        remedy = "name columns, as columns: {model_score: {psi: 0.2}}, or what is watched after the last phase"
        yield Problem(("drift",), "nothing is watched for drift", remedy)
    yield from _reference(policy.drift)
    yield from _rate(policy.drift)
    for name in policy.drift.columns:
        yield from _column(policy, name)


def _reference(drift: Drift) -> Iterator[Problem]:
    reference = drift.reference
    if reference is None:
        return
    path: KeyPath = ("drift", "reference")
    remedy = "write {from: 2026-01-01, to: 2026-02-01}, a file, or baseline"
    days = (reference.from_, reference.to)
    if (reference.file is None) == (days == (None, None)) or days.count(None) == 1:
        yield Problem(path, "the reference is two days or one file", remedy)
    elif reference.from_ and reference.to and reference.to <= reference.from_:
        yield Problem((*path, "to"), f"{reference.to} is not after {reference.from_}", remedy)


def _rate(drift: Drift) -> Iterator[Problem]:
    if drift.false_alerts is not None and not any(drift.calibrated(name) for name in drift.columns):
        text = "every column has a threshold of its own, and none is left to be found in the reference"
        yield Problem(("drift", "false_alerts"), text, "leave it out, or take the thresholds of some columns out")


def _column(policy: Policy, name: str) -> Iterator[Problem]:
    assert policy.drift is not None
    path: KeyPath = ("drift", "columns", name)
    alert, metric = policy.drift.columns[name], policy.metrics.get(name)
    if isinstance(metric, (Ratio, TimeToEvent)):
        text = f"{name} is a {metric.kind.replace('_', ' ')}, which is no value of one column"
        yield Problem(path, text, f"name one of its columns: {', '.join(metric.columns())}")
    if name in (policy.source.unit, policy.source.time, policy.source.variant):
        yield Problem(path, f'"{name}" says which unit, when or which version', "name inputs, scores or outcomes")
    for measure in NUMERIC_ONLY:
        if alert.kind == "categorical" and measure in alert.given():
            yield Problem((*path, measure), "categories have no order to measure it by", "write psi or js")
    if alert.missing <= 0:
        yield Problem((*path, "missing"), "a share of 0 is passed by every window", "write a share above 0, as 10%")
    levels = policy.drift.levels(name)
    for measure in MEASURES:
        warn = (alert.warn or {}).get(measure)
        if warn is None:
            continue
        if measure not in levels:
            yield Problem((*path, "warn"), f"{measure} has no threshold", f"add {measure}, or leave it out of warn")
        elif warn > levels[measure]:
            text = f"{measure} warns from {warn:g}, where it acts from {levels[measure]:g}"
            yield Problem((*path, "warn"), text, "warn below the threshold, or leave warn out")
