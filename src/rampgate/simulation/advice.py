"""Where a policy cannot work on its baseline, and what would: a remedy in figures was simulated too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rampgate.judge.gate import counted_metrics
from rampgate.judge.labels import TOLERATED
from rampgate.policy import Policy
from rampgate.policy.values import percent
from rampgate.simulation.asleep import asleep
from rampgate.simulation.baseline import Baseline, days_of
from rampgate.simulation.opening import ENOUGH, enough_looks, needs_weeks, opening, with_budgets, with_margins
from rampgate.simulation.table import TIMES, Outcome

#: Times as wide that margins and budgets are tried.
FACTORS = (1.25, 1.5, 2.0, 2.5, 3.0, 5.0)
#: Times as wide that margins are told to be where none of these opens the phase in time.
SUGGESTED = 2.5
#: Rollouts that a remedy is tried on.
TRIED = 200


def advice(
    baseline: Baseline, found: Sequence[Outcome], periods: int, seed: int, rollouts: int
) -> tuple[str, ...]:  # fmt: skip
    """Sentences, the gravest first; none where nothing has to be said.

    Parameters
    ----------
    rollouts : of each scenario in ``found``; a remedy is tried on no more
    """
    return (
        *_late(baseline),
        *(said for _, said in not_opening(baseline, found, seed)),
        *_wolf(baseline.policy, found),
        *asleep(baseline, found, (periods, seed, rollouts)),
    )


def not_opening(baseline: Baseline, found: Sequence[Outcome], seed: int) -> Iterator[tuple[int, str]]:
    """Phases, by their place, that fewer than `ENOUGH` of harmless rollouts leave in time, with what would mend it."""
    policy = baseline.policy
    harmless = next((one for one in found if one.name == "harmless"), None)
    if harmless is None:
        return
    for index, figure in enumerate(harmless.opened):
        phase, last = policy.phases[index], index == len(policy.phases) - 1
        if figure.estimate is None and not last:
            longer = enough_looks(policy) * days_of(policy)
            yield (
                index,
                f"phase {index + 1} ({percent(phase.traffic)} of traffic, {phase.go}): no rollout came into it early "
                f"enough to say whether it opens in time; simulate with --days {longer}",
            )
        if figure.estimate is None or figure.estimate >= ENOUGH or last:
            continue
        stay = f"{TIMES} times its shortest stay of {phase.at_least}"
        wait = needs_weeks(baseline, index, seed) or "more than a year"
        text = (
            f"phase {index + 1} ({percent(phase.traffic)} of traffic, {phase.go}) opens for {figure.percent} of "
            f"harmless candidates within {stay}; half of them need {wait}, at {baseline.per_day:,.0f} units a day"
        )
        remedies = list(_remedies(baseline, index, seed))
        yield index, f"{text}: {'; or '.join(remedies)}" if remedies else text


def _remedies(baseline: Baseline, index: int, seed: int) -> Iterator[str]:
    policy, phase = baseline.policy, baseline.policy.phases[index]
    known = min(_known_share(baseline, name) for name in counted_metrics(policy))
    each = baseline.per_day * phase.share * known
    if not each:
        yield f"no candidate unit with a known outcome comes in it, and minimum_units is {phase.minimum_units}"
        return
    days = phase.minimum_units / each
    if days > TIMES * max(phase.at_least.timedelta.days, days_of(policy)):
        yield f"minimum_units of {phase.minimum_units} alone take about {days:.0f} days: ask for fewer, or stay longer"
        return
    if phase.go == "non_inferior":
        required = policy.required(phase)
        for factor in FACTORS:
            tried = with_margins(policy, required, factor)
            if _opens(tried, baseline, index, seed):
                yield f"widen its margins {factor:g} times ({_margins(tried, required)}), with which it does"
                break
        else:
            tried = with_margins(policy, required, SUGGESTED)
            half = needs_weeks(replace(baseline, policy=tried), index, seed)
            wait = f"with which half of them need {half or 'more than a year'}"
            yield f"widen its margins {SUGGESTED:g} times ({_margins(tried, required)}), {wait}"
        yield "leave the phase by within_budget or no_harm, and ask for non_inferior at a larger share of traffic"
    elif phase.go == "within_budget":
        for factor in FACTORS:
            tried = with_budgets(policy, factor)
            if _opens(tried, baseline, index, seed):
                budgets = ", ".join(f"{name} of {budget:,.0f}" for name, budget in tried.harm_budget.items())
                yield f"accept a harm_budget {factor:g} times as large ({budgets}), with which it does"
                break
        yield "begin the next phase with less traffic, or a shorter at_least (not tried here)"


def _margins(policy: Policy, names: Sequence[str]) -> str:
    return ", ".join(f"{name} to {policy.margins()[name]}" for name in names)


def _opens(policy: Policy, baseline: Baseline, index: int, seed: int) -> bool:
    chance = opening(policy, baseline, TRIED, seed)[index].estimate
    return chance is not None and chance >= ENOUGH


def _known_share(baseline: Baseline, name: str) -> float:
    known = baseline.sorts.values[:, baseline.components.index(f"{name}:known")]
    return float(baseline.sorts.count @ known / baseline.sorts.count.sum())


def _late(baseline: Baseline) -> Iterator[str]:
    """Labels that come after their unit's period, where no age is declared: the gate would hold at every look."""
    for name in baseline.policy.judged_metrics():
        late = f"{name}:late"
        if late not in baseline.components or baseline.policy.metrics[name].maturity is not None:
            continue
        count, values = baseline.sorts.count, baseline.sorts.values
        come, known = (float(count @ values[:, baseline.components.index(part)]) for part in (late, f"{name}:known"))
        if come > TOLERATED * (come + known):
            yield (
                f"{come / (come + known):.0%} of the labels of {name} come after the {baseline.policy.source.look} of "
                f"their unit, and every look would hold for that: write matures_after under metrics.{name}"
            )


def _wolf(policy: Policy, found: Sequence[Outcome]) -> Iterator[str]:
    """Harmless rollouts that are rolled back more often than the budget says, beyond what chance explains."""
    budget = policy.error_budget.false_rollback
    for one in found:
        figure = one.false_rollback
        if not one.harmless or figure.estimate is None or figure.error is None:
            continue
        if figure.estimate - 3.0 * figure.error > budget:
            text = f"{one.name}: {figure.estimate:.1%} (+/- {figure.error:.1%}) are rolled back"
            if policy.evidence == "point":
                yield f"{text}: plain thresholds keep no error budget; leave evidence: point out of the policy"
                continue
            remedy = "give means and ratios bounds, so that the proof is exact"
            yield f"{text}, more than the {percent(budget)} of the budget: {remedy}"
