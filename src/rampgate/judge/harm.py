"""Harm in counts: what the candidate has cost so far, and what the next phase may cost at most (`within_budget`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from rampgate.aggregate.marginals import OVERALL
from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Contrast, divide, take
from rampgate.estimate.interval import confidence_sequence
from rampgate.judge.case import Case, Data
from rampgate.judge.decision import FAIL, INCONCLUSIVE, PASS, Budget, Reason
from rampgate.judge.gate import recent_days
from rampgate.judge.show import overall_of
from rampgate.policy import Phase, Policy
from rampgate.policy.values import percent

#: The bound on the harm per unit holds at all looks with this confidence.
LEVEL = 0.95


def budgets(case: Case) -> tuple[Budget, ...]:
    """Each metric of the harm budget, in the policy's order; none with ``evidence: point``, which has no bounds."""
    if case.policy.evidence == "point" or not case.data.periods or case.state.start is None:
        return ()
    return tuple(_budget(case, name) for name in case.policy.harm_budget)


def _budget(case: Case, name: str) -> Budget:
    budget, spent = case.policy.harm_budget[name], so_far(case.data, name)
    most, units, pending = (
        upper_per_unit(case, name),
        units_ahead(case, name, next_phase(case)),
        pending_units(case, name),
    )
    projected = None if most is None or units is None or spent is None else spent + most * (pending + units)
    if spent is not None and spent > budget:
        verdict = FAIL
    else:
        verdict = PASS if projected is not None and projected <= budget else INCONCLUSIVE
    return Budget(name, budget, spent, most, pending, units, projected, verdict)


def next_phase(case: Case) -> Phase | None:
    """The phase after the one in force; None in the last."""
    phases, index = case.policy.phases, case.state.phase
    return phases[index] if index < len(phases) else None


def so_far(data: Data, name: str) -> float | None:
    """Extra bad outcomes since the start, estimated, at least 0; None before both arms were seen.

    Each period's candidate units times its difference; periods without a baseline at the difference of the others.
    """
    spent = spent_by(take(data.contrast(name), slice(None), 0))
    return float(spent[-1]) if len(spent) and np.isfinite(spent[-1]) else None


def spent_by(contrast: Contrast) -> Floats:
    """The same after each period, (..., period); NaN before both arms were seen."""
    both = contrast.weight > 0
    seen = np.where(both, contrast.n_c * contrast.effect, 0.0).cumsum(-1)
    weight = contrast.weight.cumsum(-1)
    average = divide((contrast.weight * contrast.effect).cumsum(-1), weight)
    total = seen + np.where(both, 0.0, contrast.n_c).cumsum(-1) * average
    return np.where(weight > 0, np.maximum(0.0, total), np.nan)


def upper_per_unit(case: Case, name: str, data: Data | None = None) -> float | None:
    """The largest harm per unit that the current phase does not exclude, at least 0; None where nothing bounds it.

    One-sided, by the same process that the intervals shown are made of, started with the phase.
    """
    shown = overall_of(case, name, data)
    begin = case.data.phase_begin if data is None else data.phase_begin
    within = (np.arange(shown.contrast.n_c.shape[-1]) >= begin).astype(float)
    _, upper = confidence_sequence(shown.contrast, shown.bets, 2.0 * (1.0 - LEVEL), shown.limit, within)
    most = float(upper)
    return max(0.0, most) if np.isfinite(most) else None


def units_ahead(case: Case, name: str, phase: Phase | None) -> float | None:
    """Candidate units with a known metric in a phase to come, at today's volume; 0 without one, None without volume."""
    if phase is None:
        return 0.0
    if case.state.since is None:
        return None
    recent, days = recent_days(case, case.state.since)
    units = sum(float(arm.n[0, recent].sum()) for arm in case.data.run)
    if days <= 0 or units <= 0:
        return None
    return units / days * _known_share(case, name) * candidate_days(case.policy, phase)


def candidate_days(policy: Policy, phase: Phase | None) -> float:
    """A phase's shortest stay in days of full traffic of the candidate; 0 without a phase."""
    if phase is None:
        return 0.0
    look = 7.0 if policy.source.look == "week" else 1.0
    return max(phase.at_least.timedelta / timedelta(days=1), look) * phase.share


def pending_units(case: Case, name: str) -> float:
    """Candidate units that were exposed and are too young to count: what they may have cost is not in the sum yet."""
    young = ~case.data.ripe[name][0]
    return float(case.data.run[0].n[0, young].sum()) * _known_share(case, name)


def _known_share(case: Case, name: str) -> float:
    """Share of the units old enough whose outcome is known."""
    ripe = case.data.ripe[name][0]
    booked = sum(float(arm.n[0, ripe].sum()) for arm in case.data.run)
    known = sum(float(n[0].sum()) for n in case.data.known_by_period(name))
    return known / booked if booked else 1.0


def budget_reasons(case: Case, found: tuple[Budget, ...]) -> Iterator[Reason]:
    """What of the budget keeps the phase, where the phase goes by it."""
    if case.phase.go != "within_budget":
        return
    for budget in found:
        if budget.verdict != PASS:
            yield Reason("budget", budget.verdict, _spent(budget) + _ahead(case, budget), budget.metric, OVERALL)
    if not found:
        yield Reason("budget", INCONCLUSIVE, "the harm cannot be counted yet: no complete period of both versions")


def overspent(case: Case, found: tuple[Budget, ...]) -> Iterator[Reason]:
    """While a rollout holds, harm goes on: where more than the budget is spent, what to do about it."""
    phases, index = case.policy.phases, case.state.phase
    # The policy may have been cut since; then nothing is left to go back to.
    before = phases[index - 2].traffic if 1 < index <= len(phases) + 1 else None
    less = "take the candidate back" if before is None else f"go back to {percent(before)} of traffic, or roll back"
    for budget in found:
        if budget.verdict == FAIL:
            text = f"{_spent(budget)}, and harm goes on while this rollout holds: {less}"
            yield Reason("budget", FAIL, text, budget.metric, OVERALL)


def within_words(found: tuple[Budget, ...]) -> str:
    """Why a phase that goes by the budget may be left."""
    each = [f"{_spent(b)} and at most {b.projected - b.so_far:,.0f} more by the end of the next phase"
            for b in found if b.projected is not None and b.so_far is not None]  # fmt: skip
    return "; ".join(each)


def _spent(budget: Budget) -> str:
    spent = "an unknown number" if budget.so_far is None else f"about {budget.so_far:,.0f}"
    return f"{budget.metric}: {spent} of the {budget.budget:,.6g} extra bad outcomes accepted so far"


def _ahead(case: Case, budget: Budget) -> str:
    following = next_phase(case)
    if budget.projected is None or following is None or budget.so_far is None:
        return "; what the next phase may cost is not bounded yet"
    more = budget.projected - budget.so_far
    return (
        f"; the next phase, {percent(following.traffic)} of traffic for {following.at_least}, and what is too young to "
        f"count may cost up to {more:,.0f} more"
    )
