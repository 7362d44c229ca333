"""Rules that need more than one key to be seen: contradictions and impossible values."""

from __future__ import annotations

from collections.abc import Iterator
from math import fsum
from zoneinfo import available_timezones

from rampgate.policy.lint_change import change_problems
from rampgate.policy.lint_drift import drift_problems
from rampgate.policy.lint_hazard import hazard_problems, untested
from rampgate.policy.lint_phases import phase_problems
from rampgate.policy.metric import Mean, Metric, Quantile, RareEvent, TimeToEvent
from rampgate.policy.model import KPI, Guardrail, Policy, Rollback
from rampgate.policy.problem import KeyPath, Problem, did_you_mean, repeated, unknown_metric
from rampgate.policy.values import Margin, zone_exists

_ROUNDING = 1e-9


def lint(policy: Policy) -> list[Problem]:
    """Everything that is wrong with a policy whose values are legal one by one."""
    criteria = (_kpi, _known, _margins, hazard_problems)
    rules = (
        _names,
        _source,
        _metrics,
        *criteria,
        phase_problems,
        _segments,
        drift_problems,
        change_problems,
        _horizon,
        _approval,
    )
    return [problem for rule in rules for problem in rule(policy)]


def warnings(policy: Policy) -> list[str]:
    """What is legal and may surprise: unused metrics, harm that never rolls back, proof that is only asymptotic."""
    used = policy.judged_metrics()
    found = [
        f"metric {name} is in no criterion: it is shown and never judged" for name in policy.metrics if name not in used
    ]
    found += untested(policy)
    for name, margin in policy.margins().items():
        rollback = policy.rollback.get(name)
        if rollback and rollback.worse_by.relative == margin.relative and rollback.worse_by.value > margin.value:
            found.append(
                f"{name}: a harm between {margin} and {rollback.worse_by} holds the rollout and does not roll it back"
            )
    if policy.harm_budget and all(phase.go != "within_budget" for phase in policy.phases):
        found.append("harm_budget: no phase goes by within_budget, so the budget is counted and holds nothing")
    horizon, planned = policy.horizon_days, sum(phase.at_least.days or 0 for phase in policy.phases)
    if horizon is not None and horizon < planned:
        found.append(
            f"error_budget.horizon: the phases take {planned} days at least, and harm that begins after "
            f"{policy.error_budget.horizon} is found late; write {planned}d or more, or leave it out"
        )
    proof = dict.fromkeys(name for phase in policy.phases for name in policy.required(phase) if name != KPI)
    for name in proof:
        metric = policy.metrics[name]
        # A quantile is judged by a share of units, which is bounded.
        bounded = metric.range is not None or name in policy.unfixed()
        if not bounded and not metric.scaled and not isinstance(metric, Quantile):
            found.append(
                f"{name}: nothing bounds a unit, and the proof that non_inferior asks for is asymptotic: harm in one "
                "unit of hundreds can pass; a mean with bounds: [0, 480] is exact"
            )
    return [*found, *_covariate_warnings(policy)]


def _covariate_warnings(policy: Policy) -> Iterator[str]:
    """Covariates that may not be known before exposure, or cost more than they seem to."""
    for name, metric in policy.metrics.items():
        if not isinstance(metric, Mean) or metric.covariate is None:
            continue
        others = [n for n, other in policy.metrics.items() if n != name and metric.covariate in _outcomes(other)]
        if others:
            yield (
                f"{name}: its covariate {metric.covariate} is an outcome of {others[0]}; what the candidate can change "
                "must not explain its effect away: name a number that was known before exposure"
            )
        if metric.bounds is not None:
            yield f"{name}: with a covariate nothing bounds a unit, and its evidence is asymptotic in spite of bounds"


def _outcomes(metric: Metric) -> tuple[str, ...]:
    """The columns that say what became of a unit."""
    own = set(metric.columns())
    return tuple(own - {metric.covariate} if isinstance(metric, Mean) else own)


# --- names, source, time ----------------------------------------------------------------


def _names(policy: Policy) -> Iterator[Problem]:
    if policy.baseline == policy.candidate:
        yield Problem(
            ("candidate",),
            f'baseline and candidate are both "{policy.candidate}"',
            "give the two values of the variant column that are compared",
        )
    if not zone_exists(policy.timezone):
        remedy = did_you_mean(policy.timezone, available_timezones(), "write an IANA name, as Europe/Oslo")
        yield Problem(("timezone",), f'there is no time zone "{policy.timezone}"', remedy)


def _source(policy: Policy) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for key in ("unit", "time", "variant", "cluster"):
        column = getattr(policy.source, key)
        if column is None:
            continue
        if column in seen:
            yield Problem(
                ("source", key),
                f'column "{column}" is already the {seen[column]}',
                f"name the column of the {key}",
            )
        seen.setdefault(column, key)
    for arm in ("baseline", "candidate"):
        if getattr(policy, arm) in policy.source.ignore:
            yield Problem(("source", "ignore"), f"the {arm} is among the versions left out", "take it out of ignore")
    if policy.source.look == "week" and policy.source.window != "week":
        yield Problem(
            ("source", "window"),
            f"windows of {policy.source.window} cannot be put together from weeks",
            "write window: week, or look: day",
        )


# --- metrics and the KPI ----------------------------------------------------------------


def _metrics(policy: Policy) -> Iterator[Problem]:
    for name, metric in policy.metrics.items():
        path: KeyPath = ("metrics", name)
        if name == KPI:
            yield Problem(path, f'the name "{KPI}" is reserved for the weighted KPI', "give the metric another name")
        yield from _scale(path, metric)
        if isinstance(metric, TimeToEvent) and metric.mean_up_to and "better" not in metric.model_fields_set:
            yield Problem(path, "nothing says whether a longer mean time is good", "write better: lower (or higher)")
        if isinstance(metric, Mean) and metric.covariate is not None:
            yield from _covariate(policy, path, metric)
        if metric.kind == "mean" and metric.range is not None and metric.range[0] >= metric.range[1]:
            low, high = metric.range
            yield Problem(
                (*path, "bounds"), f"bounds {low:g} and {high:g} leave nothing between", "write bounds: [0, 480]"
            )
        if isinstance(metric, TimeToEvent) and (metric.within is None) == (metric.mean_up_to is None):
            yield Problem(
                path,
                "time_to_event needs one of within and mean_up_to",
                "write within: 72h (share) or mean_up_to: 72h (mean time)",
            )
        elif isinstance(metric, TimeToEvent):
            yield from _clock(path, metric)


def _covariate(policy: Policy, path: KeyPath, metric: Mean) -> Iterator[Problem]:
    """What explains an outcome must be known before it, and before anybody knows which version comes."""
    source = policy.source
    what = {
        metric.column: "the metric's own column",
        metric.known_at: "the time at which the label came",
        source.unit: "the unit",
        source.time: "the time of exposure",
        source.variant: "the variant",
    }.get(metric.covariate)
    if what is not None:
        yield Problem(
            (*path, "covariate"),
            f'column "{metric.covariate}" is {what}, which says nothing that was known before exposure',
            "name a number known before, as hours_last_month",
        )


def _clock(path: KeyPath, metric: TimeToEvent) -> Iterator[Problem]:
    if not metric.limit.count:
        yield Problem(path, f"a limit of {metric.limit} leaves no time for the event", "write within: 72h")
    elif metric.maturity.timedelta < metric.limit.timedelta:
        yield Problem(
            (*path, "matures_after"),
            f"at an age of {metric.maturity} it is not known what happens within {metric.limit}",
            f"leave matures_after out, or write {metric.limit} or more",
        )


def _scale(path: KeyPath, metric: Metric) -> Iterator[Problem]:
    best, worst = metric.best, metric.worst
    if best is None and worst is None:
        return
    if best is None or worst is None:
        given, absent = ("worst", "best") if best is None else ("best", "worst")
        yield Problem((*path, given), f"{given} is given and {absent} is not", f"add {absent}, or remove {given}")
    elif best == worst:
        yield Problem((*path, "best"), f"best and worst are both {best:g}", "give the two ends of the scale")
    elif (best > worst) != (metric.better == "higher"):
        yield Problem(
            (*path, "better"),
            f"best {best:g} and worst {worst:g} contradict better: {metric.better}",
            f"write better: {'higher' if best > worst else 'lower'}, or exchange best and worst",
        )


def _kpi(policy: Policy) -> Iterator[Problem]:
    weights = policy.kpi.weights
    path: KeyPath = ("kpi", "weights")
    for name in weights:
        metric = policy.metrics.get(name)
        if metric is None:
            yield unknown_metric((*path, name), name, policy.metrics)
        elif isinstance(metric, Quantile):
            yield Problem(
                (*path, name),
                f"{name} is a quantile, and the KPI is made of means of units",
                "weigh the share of units above a bound instead: {kind: share_above, column: hours, above: 72}; a "
                "quantile can be a guardrail or a rollback criterion",
            )
        elif not metric.rate and not metric.scaled:
            yield Problem(
                ("metrics", name),
                f"the KPI takes values from 0 to 1, and {name} is a {metric.kind}",
                "add best and worst to the metric, as best: 5, worst: 1",
            )
    total = fsum(weights.values())
    if not weights:
        yield Problem(path, "there are no weights", "give each metric of the KPI a weight; they sum to 1")
    elif abs(total - 1) > _ROUNDING:
        shares = ", ".join(f"{name}: {weight / total:.6g}" for name, weight in weights.items())
        yield Problem(path, f"the weights sum to {total:.10g}, not to 1", f"in the same proportion: {shares}")
    own = policy.guardrails.get(KPI)
    if own is not None and "margin" in policy.kpi.model_fields_set and own.margin != policy.kpi.margin:
        yield Problem(
            ("guardrails", KPI),
            f"the KPI's margin is {own.margin} here and {policy.kpi.margin} in kpi.margin",
            "give it once",
        )


# --- criteria ---------------------------------------------------------------------------


def _criteria(policy: Policy) -> Iterator[tuple[KeyPath, str, Guardrail | Rollback]]:
    sections: list[tuple[KeyPath, dict[str, Guardrail] | dict[str, Rollback]]] = [
        (("guardrails",), policy.guardrails),
        (("rollback",), policy.rollback),
    ]
    if policy.segments is not None:
        sections += [
            (("segments", "guardrails"), policy.segments.guardrails),
            (("segments", "rollback"), policy.segments.rollback),
        ]
    for path, criteria in sections:
        for name, criterion in criteria.items():
            yield (*path, name), name, criterion


def _known(policy: Policy) -> Iterator[Problem]:
    for path, name, _ in _criteria(policy):
        if name != KPI and name not in policy.metrics:
            yield unknown_metric(path, name, [*policy.metrics, KPI])
    if not policy.rollback:
        yield Problem(
            ("rollback",),
            "there is no rollback criterion, and a gate that never rolls back is no gate",
            "name one, as kpi: {worse_by: 1pp}, or leave rollback out (then kpi: {worse_by: 0})",
        )


def _margins(policy: Policy) -> Iterator[Problem]:
    yield from _unit(policy, ("kpi", "margin"), KPI, policy.kpi.margin)
    for path, name, criterion in _criteria(policy):
        if name != KPI and name not in policy.metrics:
            continue  # said by `_known`
        if policy.tests_hazard(name):
            continue  # judged by `hazard_problems`
        if isinstance(criterion, Guardrail):
            yield from _unit(policy, (*path, "margin"), name, criterion.margin)
        else:
            yield from _unit(policy, (*path, "worse_by"), name, criterion.worse_by)
            yield from _expected(policy, (*path, "expect"), name, criterion)


def _unit(policy: Policy, path: KeyPath, name: str, margin: Margin) -> Iterator[Problem]:
    """A margin must mean something for the metric that it is about."""
    metric = None if name == KPI else policy.metrics[name]
    rate = metric is None or metric.rate
    if isinstance(metric, RareEvent):
        if margin.value and not margin.relative:
            yield Problem(
                path,
                f"{margin} is absolute, and {name} is a rare event",
                "write a margin relative to the baseline, as 10%, or 0",
            )
    elif margin.kind == "points" and not rate:
        yield Problem(
            path,
            f"{margin} are points of a rate, and {name} is a {metric.kind if metric else KPI}",
            "write a bare number in the metric's unit, or 10% of the baseline",
        )
    elif rate and not margin.relative and margin.value >= 1:
        yield Problem(
            path,
            f"{margin} is {margin.value * 100:g} points, and no rate can be worse by that much",
            f"write {margin.value:g}pp" if margin.kind == "absolute" else "write a margin below 100pp",
        )
    elif margin.relative and margin.value >= 1 and (metric is None or metric.better == "higher"):
        yield Problem(path, f"{name} cannot be worse than the baseline by {margin} of it", "write a margin below 100%")


def _expected(policy: Policy, path: KeyPath, name: str, criterion: Rollback) -> Iterator[Problem]:
    expect, worse_by = criterion.expect, criterion.worse_by
    if expect is None:
        return
    if expect.value == 0:
        yield Problem(path, "a harm of 0 is none", "write the harm beyond worse_by that must be caught, as 4pp")
    elif worse_by.value and expect.relative != worse_by.relative:
        yield Problem(
            path,
            f"expect is {expect} and worse_by is {worse_by}: one is relative to the baseline",
            "write both as points, as bare numbers, or both as % of the baseline",
        )
    else:
        yield from _unit(policy, path, name, expect)


# --- the other sections -----------------------------------------------------------------


def _segments(policy: Policy) -> Iterator[Problem]:
    if policy.segments is None:
        return
    path: KeyPath = ("segments", "by")
    yield from repeated(path, policy.segments.by)
    for key in ("unit", "time", "variant"):
        if (column := getattr(policy.source, key)) in policy.segments.by:
            yield Problem(path, f'"{column}" is the column of the {key}', "name columns such as queue or urgency")


def _horizon(policy: Policy) -> Iterator[Problem]:
    horizon = policy.error_budget.horizon
    if horizon is None:
        return
    path: KeyPath = ("error_budget", "horizon")
    if policy.evidence == "point":
        yield Problem(
            path, "plain thresholds expect no beginning of harm", "leave it out, or write evidence: sequential"
        )
    if horizon.days is None or horizon.days < 14:
        yield Problem(path, f"harm can begin on any day, and {horizon} leaves too few", "write 14d or more, as 12w")


def _approval(policy: Policy) -> Iterator[Problem]:
    approval = policy.approval
    if approval is None:
        return
    path: KeyPath = ("approval", "approvers")
    if approval.author in approval.approvers:
        yield Problem(path, f"{approval.author} wrote the policy and cannot approve it", "name someone else")
    yield from repeated(path, approval.approvers)
    able = len(set(approval.approvers) - {approval.author})
    if approval.required > able:
        yield Problem(
            ("approval", "required"),
            f"{approval.required} must approve and {able} can",
            "name more approvers, or require fewer",
        )
    past = approval.past_rollback
    if past is not None and not approval.required <= past <= able:
        yield Problem(
            ("approval", "past_rollback"),
            f"{past} must agree to go on past a rollback, where {approval.required} must approve and {able} can",
            f"write a number from {approval.required} to {able}, or leave it out",
        )
