"""Rules about phases and what they wait for."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.policy.model import KPI, REQUIRABLE, Phase, Policy
from rampgate.policy.problem import KeyPath, Problem, dotted, repeated, unknown_metric
from rampgate.policy.values import percent, zone_exists


def phase_problems(policy: Policy) -> Iterator[Problem]:
    """Everything that is wrong with the phases, the exposure and the harm budget."""
    for rule in (_traffic, _proof, _exposure, _harm_budget):
        yield from rule(policy)


def _traffic(policy: Policy) -> Iterator[Problem]:
    before = 0.0
    for index, phase in enumerate(policy.phases):
        path: KeyPath = ("phases", index)
        if phase.traffic == 0:
            yield Problem((*path, "traffic"), "a phase without traffic shows nothing", "write a share above 0%")
        elif phase.traffic <= before:
            yield Problem(
                (*path, "traffic"),
                f"{percent(phase.traffic)} after {percent(before)}: traffic must rise from phase to phase",
                "put the phases in the order of their traffic",
            )
        yield from _holdout((*path, "holdout"), phase, before)
        before = max(before, phase.traffic)


def _holdout(path: KeyPath, phase: Phase, before: float) -> Iterator[Problem]:
    if phase.holdout is None:
        return
    if phase.traffic < 1:
        yield Problem(
            path,
            f"{percent(phase.traffic)} of traffic leaves a baseline already",
            "keep the holdout for a phase at 100%",
        )
    elif not 0 < phase.holdout < 1 - before:
        yield Problem(
            path,
            f"{percent(phase.holdout)} held out of 100% after a phase of {percent(before)}",
            f"write a share above 0% and below {percent(round(1 - before, 9))}",
        )


def _proof(policy: Policy) -> Iterator[Problem]:
    """What a phase asks for must be something that data can show."""
    for index, phase in enumerate(policy.phases):
        path: KeyPath = ("phases", index)
        if phase.go == "within_budget" and not policy.harm_budget:
            yield Problem((*path, "go"), "within_budget needs a harm_budget", "add harm_budget: {metric: number}")
        if phase.go == "within_budget" and policy.evidence == "point":
            yield Problem(
                (*path, "go"),
                "within_budget needs a bound on the harm, and evidence: point has none",
                "write go: no_harm, or evidence: sequential",
            )
        if phase.go == "within_budget" and phase.traffic == 1 and phase.holdout is None:
            yield Problem(
                (*path, "go"),
                "at 100% of traffic nothing is left to compare with, and the harm has no bound",
                "add a holdout, as 2%, or write go: no_harm",
            )
        if phase.go != "non_inferior":
            if phase.require is not None:
                yield Problem(
                    (*path, "require"),
                    f"require says what non_inferior must show, and go is {phase.go}",
                    "write go: non_inferior, or remove require",
                )
            continue
        if phase.traffic == 1 and phase.holdout is None:
            yield Problem(
                (*path, "go"),
                "at 100% of traffic nothing is left to compare with",
                "add a holdout, as 2%, or ask for non_inferior in the phase before",
            )
        yield from _required(policy, path, phase)


def _required(policy: Policy, path: KeyPath, phase: Phase) -> Iterator[Problem]:
    where: KeyPath = (*path, "go") if phase.require is None else (*path, "require")
    margins = policy.margins()
    if phase.require == ():
        yield Problem(
            where,
            "non_inferior that requires nothing is always shown",
            "name kpi or guardrails, or leave require out",
        )
    for name in phase.require or ():
        if name not in policy.metrics and name != KPI:
            yield unknown_metric(where, name, [*policy.metrics, KPI])
        elif policy.tests_hazard(name):
            continue  # said by `hazard_problems`
        elif name not in margins:
            yield Problem(
                where,
                f"{name} has no margin to be shown non-inferior at",
                f"add it to guardrails, as {name}: {{margin: 3pp}}",
            )
        elif name != KPI and policy.metrics[name].kind not in REQUIRABLE:
            yield Problem(
                where,
                f"{name} is a {policy.metrics[name].kind}, which would take years to be shown",
                f"require kpi and guardrails of kind {', '.join(REQUIRABLE)}",
            )
    yield from repeated(where, phase.require or ())
    for name in dict.fromkeys(policy.required(phase)):
        if name in margins and margins[name].value == 0:
            margin: KeyPath = ("guardrails", name, "margin") if name in policy.guardrails else ("kpi", "margin")
            yield Problem(
                margin,
                f"no amount of data shows {name} non-inferior at a margin of 0, which {dotted(path)} asks for",
                "give a margin above 0, as 3pp",
            )


def _exposure(policy: Policy) -> Iterator[Problem]:
    if not zone_exists(policy.timezone):
        return  # said elsewhere
    starts = [exposure.start(policy.zone) for exposure in policy.exposure]
    for index in range(1, len(starts)):
        if starts[index] <= starts[index - 1]:
            later, earlier = (policy.exposure[i].from_.isoformat() for i in (index, index - 1))
            what = f"{later} is not after {earlier}"
            yield Problem(("exposure", index, "from"), what, "put the entries in the order of time")


def _harm_budget(policy: Policy) -> Iterator[Problem]:
    for name, budget in policy.harm_budget.items():
        path: KeyPath = ("harm_budget", name)
        if name not in policy.metrics:
            yield unknown_metric(path, name, policy.metrics)
        elif not policy.metrics[name].binary:
            yield Problem(
                path,
                f"{name} is a {policy.metrics[name].kind}, which has no bad outcomes to count",
                "name a metric of units that are good or bad, as a proportion, share_above, rare_event or within",
            )
        if budget <= 0:
            yield Problem(path, f"a budget of {budget:g} cannot be met", "write how many bad outcomes are accepted")
