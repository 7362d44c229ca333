"""A policy in English: one sentence per criterion, and the defaults that the file does not spell out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rampgate.policy.metric import (
    Mean,
    Metric,
    Proportion,
    Quantile,
    RareEvent,
    Ratio,
    Section,
    ShareAbove,
    TimeToEvent,
)
from rampgate.policy.model import KPI, MINIMUM_CLUSTERS, Guardrail, Phase, Policy, Rollback
from rampgate.policy.sentence_drift import drift_defaults, drift_sentences
from rampgate.policy.time_format import example
from rampgate.policy.values import Margin, percent

_NOT_WRITTEN: dict[str, str] = {
    "time_format": "ISO 8601",
    "start": "the day of the first candidate row",
    "guardrails": "none besides the KPI's",
    "segments": "none",
}
_BUDGETS_IN_USE = ("false_rollback", "false_go", "guardrail", "segment")


def sentences(policy: Policy) -> list[str]:
    """Every criterion as a sentence, in the order in which the gate decides."""
    return [
        *_reading(policy),
        *metric_sentences(policy),
        *_rollbacks(policy, policy.rollback, ""),
        *_guardrails(policy),
        *_segments(policy),
        *drift_sentences(policy),
        *(_phase(policy, index) for index in range(len(policy.phases))),
        "After the last phase every look is still judged, and can still roll back.",
        *_after(policy),
        *_budgets(policy),
        *_approval(policy),
    ]


def metric_sentences(policy: Policy) -> list[str]:
    """What each metric is, in the policy's order, and then the KPI."""
    metrics = [f"{name} is {_meaning(metric)}; {_better(metric)}." for name, metric in policy.metrics.items()]
    return [*metrics, _formula(policy)]


def defaults(policy: Policy) -> list[str]:
    """What holds because the file does not say otherwise, as ``kpi.margin: 3pp (default)``."""
    return [f"{key}: {value} (default)" for key, value in _defaults(policy)]


# --- sentences --------------------------------------------------------------------------


def _reading(policy: Policy) -> Iterator[str]:
    source = policy.source
    if source.time_format is not None:
        forms = [f"{form} ({example(form)} is 3 February 2026)" for form in source.time_format]
        yield f"Times in {source.time} are written {_either(forms)}; a column of times needs no form."
    if source.cluster is not None:
        whole = f"Each {source.cluster} was given a version as a whole"
        if policy.evidence == "point":
            yield f"{whole}; plain thresholds do not ask for it."
        else:
            yield f"{whole}, and is what is counted: differences are held against how much one differs from another."
            yield f"Each version needs {MINIMUM_CLUSTERS} of {source.cluster}; with fewer the rollout holds, unjudged."
    if source.ignore:
        yield f"Rows of {_and(source.ignore)} are left out, and counted."
    if source.decimal == ",":
        yield "Numbers in columns of text have a decimal comma: 1.234,5 is a thousand and more; 1.234 alone is refused."


def _meaning(metric: Metric) -> str:
    if isinstance(metric, Proportion):
        what = "true" if metric.equals is None else f'"{metric.equals}"'
        return f"the share of {what} in {metric.column}"
    if isinstance(metric, Mean):
        return f"the mean of {metric.column}{_cut(metric)}{_adjusted(metric)}"
    if isinstance(metric, Ratio):
        return f"the sum of {metric.numerator} over the sum of {metric.denominator}"
    if isinstance(metric, Quantile):
        return (
            f"the {percent(metric.q)} quantile of {metric.column}, judged by the share beyond a threshold fixed "
            "beforehand"
        )
    if isinstance(metric, ShareAbove):
        return f"the share of {metric.column} above {metric.above:g}"
    if isinstance(metric, RareEvent):
        what = f"any {metric.column}" if metric.equals is None else f'"{metric.equals}" in {metric.column}'
        return f"the share of units with {what}"
    if metric.within is not None:
        return f"the share with {metric.to} within {metric.within.words()} of {metric.from_}"
    return f"the mean time from {metric.from_} to {metric.to}, cut at {metric.mean_up_to}"


def _better(metric: Metric) -> str:
    if not metric.by_hazard:
        return f"{metric.better} is better"
    tested = "Its rollback criteria test the pace of events at every age (test: hazard)"
    return f"{metric.better} is better. {tested}; this value itself is not tested"


def _cut(metric: Mean) -> str:
    if isinstance(metric.bounds, tuple):
        return f", cut to {metric.bounds[0]:g} to {metric.bounds[1]:g}"
    if metric.bounds is not None:
        return ", cut to the range of all but 0.5% of the baseline's values before the start at an end"
    return ""


def _adjusted(metric: Mean) -> str:
    return "" if metric.covariate is None else f", less what {metric.covariate} explains (asymptotic)"


def _formula(policy: Policy) -> str:
    terms = [f"{weight:g} x {_utility(name, policy.metrics[name])}" for name, weight in policy.kpi.weights.items()]
    return f"The KPI is {' + '.join(terms)}."


def _utility(name: str, metric: Metric) -> str:
    if metric.best is not None and metric.worst is not None:
        return f"({name} on a scale from {metric.worst:g} = 0 to {metric.best:g} = 1)"
    return name if metric.better == "higher" else f"(1 - {name})"


def _rollbacks(policy: Policy, criteria: dict[str, Rollback], place: str) -> Iterator[str]:
    for name, criterion in criteria.items():
        text = f"Roll back when {_worse(policy, name, criterion.worse_by)}{place}"
        if criterion.expect is not None and policy.tests_hazard(name):
            text += f"; a pace that is worse by a factor of {1 + criterion.expect.value:g} is to be caught"
        elif criterion.expect is not None:
            text += f"; a harm of {_amount(policy, name, criterion.expect)} beyond that is to be caught"
        yield text + "."


def _guardrails(policy: Policy) -> Iterator[str]:
    for name, margin in policy.margins().items():
        yield f"Hold when {_worse(policy, name, margin)}."
    if policy.kpi.floor is not None:
        yield f"Hold when {_says(policy)} the candidate's own KPI is below {policy.kpi.floor:g}."


def _segments(policy: Policy) -> Iterator[str]:
    segments = policy.segments
    if segments is None:
        return
    place = f" in any one {_either(segments.by)}"
    yield from _rollbacks(policy, segments.rollback, place)
    for name, criterion in segments.guardrails.items():
        yield f"Hold when {_worse(policy, name, criterion.margin)}{place}."
    yield (
        f"A value of {_either(segments.by)} with fewer than {segments.minimum_units} units in either version "
        "is reported as too little data; it neither passes nor blocks."
    )


def _phase(policy: Policy, index: int) -> str:
    phase = policy.phases[index]
    held = f" with {percent(phase.holdout)} held out" if phase.holdout is not None else ""
    last = index == len(policy.phases) - 1
    step = "complete" if last else f"go on to {percent(policy.phases[index + 1].traffic)}"
    waits = []
    if phase.at_least.count:
        waits.append(phase.at_least.words())
    if phase.minimum_units:
        waits.append(f"{phase.minimum_units} candidate units with known outcomes")
    after = f" after {' and '.join(waits)}" if waits else ""
    stage = f"Phase {index + 1}, {percent(phase.traffic)} of traffic{held}"
    return f"{stage}: {step}{after}, when {_enough(policy, phase)}."


def _enough(policy: Policy, phase: Phase) -> str:
    if phase.go == "non_inferior":
        margins = policy.margins()
        shown = [_not_worse(policy, name, margins[name]) for name in policy.required(phase)]
        return f"nothing fails and {_says(policy)} {_and(shown)}"
    if phase.go == "within_budget":
        return f"nothing fails and the harm to be expected stays within the budget of {_and(policy.harm_budget)}"
    return "nothing fails (no evidence of harm, which is no proof of safety)"


def _after(policy: Policy) -> Iterator[str]:
    after = None if policy.drift is None else policy.drift.after
    if after is None:
        return
    reference = after.reference
    days = "all days before it" if reference is None else f"those from {reference.from_} to before {reference.to}"
    yield (
        f"In the last phase nothing is left to compare with: the days of {_and(map(_called, after.metrics))} are held "
        f"against the law of {days}, weekday by weekday, with at most {after.false_alerts.words()}."
    )
    does = "rolls back" if after.then == "rollback" else "holds the rollout, and never rolls back"
    yield f"A change in either direction {does}; whether the world has changed or the version, the days cannot tell."


def _budgets(policy: Policy) -> Iterator[str]:
    if policy.evidence == "point":
        yield "These are plain thresholds: noise alone can trip or pass them, and nothing limits how often."
        return
    budget = policy.error_budget
    yield (
        f"A candidate that is within every worse_by in every period is ever rolled back in at most "
        f"{percent(budget.false_rollback)} of rollouts, over all looks and criteria."
    )
    if budget.horizon is not None:
        yield (
            f"Harm is expected to begin within {budget.horizon.words()} of the start: what does is found sooner, and "
            "what begins later is found later."
        )
    if policy.source.cluster is not None:
        yield f"With {policy.source.cluster} assigned as a whole this is shown by simulation, and is not proven."
    if any(phase.go == "non_inferior" for phase in policy.phases):
        yield (
            f"A candidate worse by a required margin throughout a non_inferior phase passes it in at most "
            f"{percent(budget.false_go)}."
        )


def _approval(policy: Policy) -> Iterator[str]:
    rules = policy.approval
    if rules is None:
        return
    for_long = "" if rules.expires is None else f"; an approval counts for {rules.expires.words()}"
    yield (
        f"It goes on only while {rules.required} of {_and(rules.approvers)} approve this policy, which {rules.author} "
        f"wrote{for_long}. Rollback criteria wait for no approval."
    )
    yield f"To go on past a rollback {rules.needed_past_rollback} of them must agree."


# --- phrases ----------------------------------------------------------------------------


def _says(policy: Policy) -> str:
    if policy.evidence == "sequential":
        return "the evidence says that"
    window = policy.source.window
    return f"in the latest complete {window if isinstance(window, str) else f'window of {window.words()}'}"


def _worse(policy: Policy, name: str, margin: Margin) -> str:
    if policy.tests_hazard(name):
        return f"{_says(policy)} the events of {name} come {_pace(policy.metrics[name])} than the baseline's"
    by = f"more than {_amount(policy, name, margin)} worse" if margin.value else "worse"
    return f"{_says(policy)} {_called(name)} is {by} than the baseline"


def _pace(metric: Metric) -> str:
    slower = isinstance(metric, TimeToEvent) and metric.event_is_good
    return "at a slower pace" if slower else "at a faster pace"


def _not_worse(policy: Policy, name: str, margin: Margin) -> str:
    return f"{_called(name)} is less than {_amount(policy, name, margin)} worse than the baseline"


def _called(name: str) -> str:
    return "the KPI" if name == KPI else name


def _amount(policy: Policy, name: str, margin: Margin) -> str:
    if margin.relative:
        return f"{percent(margin.value)} (of the baseline's value)"
    if name != KPI and not policy.metrics[name].rate:
        return f"{margin.value:g}"
    points = percent(margin.value)[:-1]
    return f"{points} point" if points == "1" else f"{points} points"


def _and(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _either(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


# --- defaults ---------------------------------------------------------------------------


def _defaults(policy: Policy) -> Iterator[tuple[str, str]]:
    for key in ("rollout", "baseline", "candidate"):
        yield from _unwritten(policy, key, key)
    for key in ("unit", "time", "variant", "time_format", "decimal", "look", "window"):
        yield from _unwritten(policy.source, key, f"source.{key}")
    for key in ("start", "timezone", "evidence"):
        yield from _unwritten(policy, key, key)
    for name, metric in policy.metrics.items():
        yield from _unwritten(metric, "better", f"metrics.{name}.better")
    if KPI not in policy.guardrails:
        yield from _unwritten(policy.kpi, "margin", "kpi.margin")
    for key in ("guardrails", "rollback", "segments"):
        yield from _unwritten(policy, key, key)
    yield from _segment_defaults(policy)
    yield from drift_defaults(policy)
    for index, phase in enumerate(policy.phases):
        for key in ("at_least", "minimum_units", "go"):
            yield from _unwritten(phase, key, f"phases[{index}].{key}")
        if phase.go == "non_inferior" and phase.require is None:
            yield f"phases[{index}].require", f"[{', '.join(policy.required(phase))}]"
    for key in (*_BUDGETS_IN_USE, *(("floor",) if policy.kpi.floor is not None else ())):
        yield from _unwritten(policy.error_budget, key, f"error_budget.{key}", percent)


def _segment_defaults(policy: Policy) -> Iterator[tuple[str, str]]:
    if policy.segments is not None:
        for key in ("minimum_units", "values", "combinations"):
            yield from _unwritten(policy.segments, key, f"segments.{key}")


def _unwritten(section: Section, key: str, name: str, write: object = str) -> Iterator[tuple[str, str]]:
    if key in section.model_fields_set:
        return
    value = getattr(section, key)
    if value is None or value == {}:
        yield name, _NOT_WRITTEN[key]
    elif isinstance(value, dict):
        yield name, ", ".join(f"{metric}: {_short(criterion)}" for metric, criterion in value.items())
    else:
        yield name, write(value) if callable(write) else str(value)


def _short(criterion: Rollback | Guardrail) -> str:
    inside = ", ".join(f"{key}: {value}" for key, value in criterion if value is not None)
    return f"{{{inside}}}"
