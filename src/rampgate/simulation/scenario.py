"""What the candidate is like in simulation: nothing different, worse by a criterion's bound and more, better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.aggregate.moments import Floats
from rampgate.errors import UsageError
from rampgate.estimate.hazard import DEFAULT_EXPECT as SLOWER
from rampgate.estimate.metric import KPI
from rampgate.estimate.reference import DEFAULT_EXPECT
from rampgate.judge.criteria import Criterion, criteria, positive
from rampgate.judge.findings import amount, called, pace
from rampgate.policy import Margin, Policy
from rampgate.simulation.baseline import Baseline, member_of
from rampgate.simulation.levels import Level, levels, turns

Onset = Literal["start", "day"]
#: By how much the baseline's bad outcomes rise over the run where it moves.
DRIFT = 0.08
#: Part of the units of which an outcome may be turned.
MOST = 0.95
#: Sizes of harm; guardrails alone up to which each has all of them.
WORDS, MANY = ("bound", "expect", "twice"), 4
#: How the sentence of a harm ends that is there all the time.
FROM_THE_START = " from the first day on"


@dataclass(frozen=True)
class Change:
    """A metric that is worse by ``harm``, in its own unit (negative: better), for the units of a group.

    With ``pace`` its events come at another pace, and ``harm`` is the ratio of paces less 1.
    """

    metric: str
    harm: float
    group: Group = OVERALL
    pace: bool = False


@dataclass(frozen=True)
class Scenario:
    """One way the candidate may be.

    Attributes
    ----------
    name : short, for ``--scenario``
    says : the same as a sentence
    changes : what is different; nothing where it is empty
    onset : from the first day on, or from a day drawn uniformly for each rollout
    both : whether it happens to both versions alike, slowly over the whole run
    harmless : whether a rollback would be a false one
    criterion : which it is made for
    """

    name: str
    says: str
    changes: tuple[Change, ...] = ()
    onset: Onset = "start"
    both: bool = False
    harmless: bool = True
    criterion: str | None = None


def scenarios(baseline: Baseline) -> tuple[tuple[Scenario, ...], tuple[str, ...]]:
    """Every scenario of a policy, the harmless one first; and a sentence for each that there is no room for."""
    full: list[str] = []
    found = {name: levels(baseline, name) for name in baseline.policy.judged_metrics()}
    out = [Scenario("harmless", "the candidate is like the baseline")]
    rules = _rules(baseline.policy)
    held = [rule for rule in rules if rule.kind == "guardrail" and rule.metric != KPI]
    for rule in rules:
        out += _harms(baseline, rule, found, full, WORDS if len(held) <= MANY or rule not in held else WORDS[1:2])
    if len(held) > MANY:
        names = f"{len(held)} metrics that have a guardrail alone"
        full.append(f"of {names} only the harm that must be caught is simulated, neither the bound nor twice the harm")
    out += _in_one_segment(baseline, found, full)
    benefit = _spread(baseline, -_expected(baseline.policy, KPI, found), found, OVERALL, cut=True)
    # What there is no room for was made smaller: the sentence says what is drawn.
    gain = -sum(found[change.metric].weight * change.harm / found[change.metric].scale for change in benefit)
    if benefit:
        out.append(Scenario("benefit", f"the candidate's weighted KPI is better by {100 * gain:.2g} points", benefit))
    else:
        full.append("benefit is left out: the baseline's weighted KPI has no room to be better")
    moving = _moving(baseline, found)
    if moving:
        sizes = sorted({f"{100 * change.harm:.2g}" for change in moving}, key=float)
        text = (
            "the candidate is like the baseline, whose metrics all grow worse, by "
            f"{' to '.join(dict.fromkeys((sizes[0], sizes[-1])))} points in the end"
        )
        out.append(Scenario("baseline-moving", text, moving, both=True))
    return tuple(out), tuple(full)


def _moving(baseline: Baseline, found: dict[str, Level]) -> tuple[Change, ...]:
    """The KPI's metrics of good and bad outcomes, each worse by as much as there is room for up to `DRIFT`."""
    names = [name for name in baseline.policy.kpi.weights if found[name].binary and found[name].good > 0]
    each = {name: min(DRIFT, MOST * found[name].good / max(len(names), 1)) for name in names}
    return tuple(Change(name, size) for name, size in each.items())


def chosen(every: tuple[Scenario, ...], names: tuple[str, ...]) -> tuple[Scenario, ...]:
    """The scenarios of these names; all where none is named.

    Raises
    ------
    UsageError : a name that no scenario has
    """
    if not names:
        return every
    known = {scenario.name: scenario for scenario in every}
    for name in names:
        if name not in known:
            raise UsageError(f"no scenario is called {name!r}", where="scenario", remedy=f"one of {', '.join(known)}")
    return tuple(scenario for scenario in every if scenario.name in names)


def _rules(policy: Policy) -> list[Criterion]:
    """The criteria about all units that a harm is tried on: rollback first, then guardrails of other metrics."""
    every = [c for c in criteria(policy, {}) if c.kind in ("rollback", "guardrail")]
    tried = {c.metric for c in every if c.kind == "rollback"}
    return [c for c in every if c.kind == "rollback" or c.metric not in tried]


def _harms(
    baseline: Baseline, rule: Criterion, found: dict[str, Level], full: list[str], words: tuple[str, ...]
) -> Iterator[Scenario]:
    """Harm at the criterion's bound, beyond it by what must be caught, and by twice that: those of some words."""
    policy = baseline.policy
    bound = 0.0 if policy.tests_hazard(rule.metric) else _absolute(rule.margin, rule.metric, found)
    expect = _size(policy, rule, found)
    sizes = [("bound", bound), ("expect", bound + expect), ("twice", bound + 2 * expect)]
    onsets: list[tuple[Onset, str]] = [("start", FROM_THE_START), ("day", " from a day drawn at random")]
    for word, harm in sizes:
        if harm <= 0 or word not in words:
            continue
        changes = _of(baseline, rule, harm, found, OVERALL)
        told = _worse(policy, rule, harm, OVERALL, found)
        if not changes:
            full.append(f"{rule.metric}-{word} is left out: {told} is more than there is room for")
            continue
        tolerated = word == "bound" and _tolerated(policy, changes, found)
        for onset, when in onsets:
            name = f"{rule.metric}-{word}-{onset}"
            yield Scenario(name, f"{told}{when}", changes, onset, False, tolerated, rule.id)


def _tolerated(policy: Policy, changes: tuple[Change, ...], found: dict[str, Level]) -> bool:
    """Whether changes for all units stay within what every rollback criterion tolerates, also those of others."""
    harm = {change.metric: change.harm for change in changes}
    harm[KPI] = sum(found[name].weight * size / found[name].scale for name, size in harm.items())
    rules = [*policy.rollback.items(), *(() if policy.segments is None else policy.segments.rollback.items())]
    return all(harm.get(name, 0.0) <= _absolute(rule.worse_by, name, found) + 1e-12 for name, rule in rules)


def _of(baseline: Baseline, rule: Criterion, harm: float, found: dict[str, Level], group: Group) -> tuple[Change, ...]:
    """What a criterion's harm changes; nothing where there is no room for it."""
    if rule.metric == KPI:
        return _spread(baseline, harm, found, group)
    if baseline.policy.tests_hazard(rule.metric):
        return (Change(rule.metric, harm, group, pace=True),)
    return (Change(rule.metric, harm, group),) if found[rule.metric].room(harm) else ()


def _in_one_segment(baseline: Baseline, found: dict[str, Level], full: list[str]) -> Iterator[Scenario]:
    """Each segment criterion's harm beyond its bound, in the largest value of the first column alone."""
    policy = baseline.policy
    if policy.segments is None or len(baseline.groups) < 2:
        return
    column = policy.segments.by[0]
    inside = member_of(baseline.groups, policy.segments.by, baseline.sorts.segments)
    size = {g: float(inside[:, i] @ baseline.sorts.count) for i, g in enumerate(baseline.groups) if g.column == column}
    if not size:
        return
    largest = max(size, key=lambda g: (size[g], str(g)))
    here = {name: levels(baseline, name, largest) for name in found}
    seen: set[str] = set()
    for rule in criteria(policy, {largest: 1.0}):
        if rule.group != largest or rule.metric in seen:
            continue
        seen.add(rule.metric)
        bound = 0.0 if policy.tests_hazard(rule.metric) else _absolute(rule.margin, rule.metric, here)
        harm = bound + _size(policy, rule, here)
        changes = _of(baseline, rule, harm, here, largest)
        told = _worse(policy, rule, harm, largest, here)
        name = f"{rule.metric}-in-one-segment"
        if changes:
            yield Scenario(name, f"{told}{FROM_THE_START}", changes, "start", False, False, rule.id)
        else:
            full.append(f"{name} is left out: {told} is more than there is room for")


def _size(policy: Policy, rule: Criterion, found: dict[str, Level]) -> float:
    """The harm beyond the bound that must be caught; of a rare event without one, as much again as there is."""
    if policy.tests_hazard(rule.metric):
        return SLOWER if rule.expect is None else rule.expect.value
    if rule.expect is not None and rule.expect.value > 0:
        return _absolute(rule.expect, rule.metric, found)
    if rule.metric == KPI:
        return DEFAULT_EXPECT * 0.5
    return found[rule.metric].usual


def _expected(policy: Policy, metric: str, found: dict[str, Level]) -> float:
    size = positive(policy.margins().get(metric))
    return _absolute(size, metric, found) if size is not None else 0.02


def _absolute(margin: Margin, metric: str, found: dict[str, Level]) -> float:
    """A margin in the metric's own unit."""
    if not margin.relative:
        return margin.value
    return margin.value * (abs(found[metric].mean) if metric != KPI else kpi_level(found))


def kpi_level(found: dict[str, Level]) -> float:
    """The baseline's weighted KPI."""
    return float(sum(level.weight * level.utility for level in found.values()))


def _spread(
    baseline: Baseline, harm: float, found: dict[str, Level], group: Group, cut: bool = False
) -> tuple[Change, ...]:
    """A change of the KPI as one of each of its metrics, by the same part of its scale; none where there is no room.

    Parameters
    ----------
    cut : whether what there is no room for is made smaller instead
    """
    sizes = {name: harm * found[name].scale for name in baseline.policy.kpi.weights}
    if cut:
        sizes = {name: size if found[name].room(size) else float(np.sign(size)) * 0.9 * found[name].most(size)
                 for name, size in sizes.items()}  # fmt: skip
    elif not all(found[name].room(size) for name, size in sizes.items()):
        return ()
    # One outcome of a unit is turned at most, so together they must not take more than all of them.
    part = sum(abs(size) / found[name].most(size) for name, size in sizes.items() if size and turns(baseline, name))
    if part > MOST and not cut:
        return ()
    smaller = min(1.0, MOST / part) if part else 1.0
    return tuple(Change(name, float(size * smaller), group) for name, size in sizes.items() if size)


def _worse(policy: Policy, rule: Criterion, harm: float, group: Group, found: dict[str, Level]) -> str:
    """In words, what is worse and by how much."""
    alone = "" if group == OVERALL else " alone"
    if policy.tests_hazard(rule.metric):
        return f"events of {called(rule.metric, group)}{alone} come {pace(policy, rule.metric, harm)}"
    return f"{called(rule.metric, group)}{alone} is worse by {_told(policy, rule.metric, harm, found)}"


def _told(policy: Policy, metric: str, harm: float, found: dict[str, Level]) -> str:
    if metric != KPI and found[metric].rare:
        return f"{harm / found[metric].mean:.0%} of the baseline's rate" if found[metric].mean else f"{harm:.2g}"
    return amount(policy, metric, harm)


def intensity(scenario: Scenario, rollouts: int, periods: int, rng: np.random.Generator) -> tuple[Floats, np.ndarray]:
    """How much of the scenario's change is there, (rollout, period) from 0 to 1; and the period it begins with."""
    at = np.arange(periods)
    if scenario.both:
        return np.broadcast_to((at + 1) / periods, (rollouts, periods)), np.zeros(rollouts, dtype=np.int64)
    begin = rng.integers(0, periods, rollouts) if scenario.onset == "day" else np.zeros(rollouts, dtype=np.int64)
    there = at >= begin[:, None] if scenario.changes else np.zeros((rollouts, periods))
    return np.asarray(there, dtype=float), begin
