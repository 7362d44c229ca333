"""What the candidate is like in simulation: nothing different, worse by a criterion's bound and more, better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.aggregate.moments import Floats
from rampgate.errors import UsageError
from rampgate.estimate.metric import KPI
from rampgate.estimate.reference import DEFAULT_EXPECT
from rampgate.judge.criteria import Criterion, criteria, positive
from rampgate.judge.findings import amount, called
from rampgate.policy import Margin, Policy
from rampgate.simulation.baseline import Baseline, member_of
from rampgate.simulation.levels import Level, levels

Onset = Literal["start", "day"]
#: By how much the baseline's bad outcomes rise over the run where it moves.
DRIFT = 0.08


@dataclass(frozen=True)
class Change:
    """A metric that is worse by ``harm``, in its own unit (negative: better), for the units of a group."""

    metric: str
    harm: float
    group: Group = OVERALL


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


def scenarios(baseline: Baseline) -> tuple[Scenario, ...]:
    """Every scenario of a policy, the harmless one first."""
    found = {name: levels(baseline, name) for name in baseline.policy.judged_metrics()}
    out = [Scenario("harmless", "the candidate is like the baseline")]
    for rule in _rules(baseline.policy):
        out += _harms(baseline, rule, found)
    out += _in_one_segment(baseline, found)
    benefit = _spread(baseline.policy, -_expected(baseline.policy, KPI, found), found, OVERALL, cut=True)
    out.append(Scenario("benefit", "the candidate's weighted KPI is better by what its margin is", benefit))
    moving = tuple(
        Change(name, min(DRIFT, 0.9 * level.good))
        for name, level in found.items()
        if level.binary and name in baseline.policy.kpi.weights
    )
    if moving:
        text = (
            f"the candidate is like the baseline, whose metrics all grow worse, by {100 * DRIFT:.0f} points in the end"
        )
        out.append(Scenario("baseline-moving", text, moving, both=True))
    return tuple(out)


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


def _harms(baseline: Baseline, rule: Criterion, found: dict[str, Level]) -> Iterator[Scenario]:
    """Harm at the criterion's bound, beyond it by what must be caught, and by twice that."""
    policy = baseline.policy
    bound, expect = _absolute(rule.margin, rule.metric, found), _size(rule, found)
    sizes = [("bound", bound, True), ("expect", bound + expect, False), ("twice", bound + 2 * expect, False)]
    for word, harm, tolerated in sizes:
        for onset in ("start", "day") if harm > 0 else ():
            changes = _spread(policy, harm, found, OVERALL)
            if not changes:
                continue
            when = "from the first day on" if onset == "start" else "from a day drawn at random"
            text = f"{called(rule.metric, OVERALL)} is worse by {_told(policy, rule.metric, harm, found)} {when}"
            if rule.metric != KPI:
                changes = (Change(rule.metric, harm),)
                if not found[rule.metric].room(harm):
                    continue
            name = f"{rule.metric}-{word}-{onset}"
            yield Scenario(name, text, changes, onset, False, tolerated, rule.id)


def _in_one_segment(baseline: Baseline, found: dict[str, Level]) -> Iterator[Scenario]:
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
    seen: set[str] = set()
    for rule in criteria(policy, {largest: 1.0}):
        if rule.group != largest or rule.metric in seen:
            continue
        seen.add(rule.metric)
        here = {name: levels(baseline, name, largest) for name in found}
        harm = _absolute(rule.margin, rule.metric, here) + _size(rule, here)
        changes = _spread(policy, harm, here, largest) if rule.metric == KPI else (Change(rule.metric, harm, largest),)
        if rule.metric != KPI and not here[rule.metric].room(harm):
            continue
        told = _told(policy, rule.metric, harm, here)
        text = f"{called(rule.metric, largest)} alone is worse by {told} from the first day on"
        yield Scenario(f"{rule.metric}-in-one-segment", text, changes, "start", False, False, rule.id)


def _size(rule: Criterion, found: dict[str, Level]) -> float:
    """The harm beyond the bound that must be caught; of a rare event without one, as much again as there is."""
    if rule.expect is not None and rule.expect.value > 0:
        return _absolute(rule.expect, rule.metric, found)
    if rule.metric == KPI:
        return DEFAULT_EXPECT * 0.5
    level = found[rule.metric]
    return level.mean if level.rare else DEFAULT_EXPECT * level.sd


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
    policy: Policy, harm: float, found: dict[str, Level], group: Group, cut: bool = False
) -> tuple[Change, ...]:
    """A change of the KPI as one of each of its metrics, by the same part of its scale; none where there is no room.

    Parameters
    ----------
    cut : whether a metric without the room takes what it has
    """
    out = []
    for name in policy.kpi.weights:
        level = found[name]
        size = harm * level.scale
        if cut and not level.room(size):
            size = np.sign(size) * 0.9 * level.most(size)
        if not level.room(size):
            return ()
        if size:
            out.append(Change(name, float(size), group))
    return tuple(out)


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
