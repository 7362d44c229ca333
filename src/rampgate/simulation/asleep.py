"""Harm that must be caught and is missed too often: what of the policy to change, and how much of it is missed then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from rampgate.policy import Guardrail, Phase, Policy, Rollback
from rampgate.policy.values import Duration, Margin, percent
from rampgate.simulation.baseline import Baseline, days_of, only_by
from rampgate.simulation.scenario import Scenario, scenarios
from rampgate.simulation.table import Figure, Outcome, outcome
from rampgate.simulation.work import work

#: Share of rollouts in which a harm may be missed before that is said.
MISSED = 0.2
#: Rollouts that a remedy is tried on at most, and how many remedies are tried at most.
TRIED, MOST = 100, 16
#: Monte-Carlo errors by which fewer must be missed before a remedy is said to help.
SURE = 3.0
#: A share of units that stays on the baseline, where none does.
HOLDOUT = 0.05
#: A larger one; and the share of traffic at which both versions are compared best.
MORE, HALF = 0.2, 0.5

Rewrite = Callable[[Policy], Policy]


@dataclass(frozen=True)
class Remedy:
    """A change of the policy, in words that follow "to catch more of it,"."""

    words: str
    apply: Callable[[Baseline], Baseline]

    @classmethod
    def of(cls, words: str, rewrite: Rewrite) -> Remedy:
        return cls(words, lambda baseline: replace(baseline, policy=rewrite(baseline.policy)))

    @classmethod
    def together(cls, several: Sequence[Remedy]) -> Remedy:
        """One after the other."""
        words = ", and ".join(remedy.words for remedy in several)
        return cls(words, lambda baseline: reduce(lambda b, remedy: remedy.apply(b), several, baseline))


@dataclass(frozen=True)
class Try:
    """A remedy and what is missed with it."""

    remedy: Remedy
    missed: Figure

    @property
    def share(self) -> float:
        return 1.0 if self.missed.estimate is None else self.missed.estimate

    def helps(self, before: Figure) -> bool:
        """Whether surely less is missed than before."""
        was, sd, own = before.estimate or 0.0, before.error or 0.0, self.missed.error or 0.0
        return was - self.share > SURE * float((sd**2 + own**2) ** 0.5)


def asleep(baseline: Baseline, found: Sequence[Outcome], run: tuple[int, int, int]) -> Iterator[str]:
    """One sentence for each criterion whose harm is missed too often, overall or in one segment.

    Parameters
    ----------
    run : periods, seed and rollouts of each scenario; a remedy is tried on no more
    """
    # Where rollouts are dear, a few remedies are all that there is time for.
    left = MOST if run[2] >= TRIED else MOST // 4
    for names, worst in _sleepers(found):
        scenario = next(one for one in scenarios(baseline)[0] if one.name == worst.name)
        tried = _tried(baseline, scenario, worst.missed, run, left)
        left -= len(tried)
        yield f"{', '.join(names)}: {_told(baseline, worst, run[0])}. {_what_helps(worst.missed, tried)}"


def _sleepers(found: Sequence[Outcome]) -> Iterator[tuple[list[str], Outcome]]:
    """What is missed too often, by criterion: its names, and the one that the sentence is about."""
    late: dict[str, list[Outcome]] = {}
    for one in found:
        missed = one.missed.estimate
        must = any(f"-{word}-" in one.name for word in ("expect", "twice")) or one.name.endswith("-in-one-segment")
        if must and not one.harmless and missed is not None and missed > MISSED and one.criterion is not None:
            late.setdefault(one.criterion, []).append(one)
    for several in late.values():
        # What begins on the first day has the most time to be seen; if that is missed, it is what has to be mended.
        yield [one.name for one in several], min(several, key=lambda one: (one.name.endswith("-day"), one.name))


def _tried(
    baseline: Baseline, scenario: Scenario, before: Figure, run: tuple[int, int, int], most: int
) -> list[Try]:  # fmt: skip
    """Remedies one by one, as far as there are tries left; where none is enough, those that help together."""
    tries: list[Try] = []
    for remedy in list(remedies(baseline, scenario))[: max(most, 0)]:
        tries.append(Try(remedy, _missed(remedy.apply(baseline), scenario, *run)))
        if tries[-1].share <= MISSED and tries[-1].helps(before):
            return tries
    helping = [one.remedy for one in tries if one.helps(before)]
    if len(helping) > 1:
        every = Remedy.together(helping)
        tries.append(Try(every, _missed(every.apply(baseline), scenario, *run)))
    return tries


def _missed(baseline: Baseline, scenario: Scenario, periods: int, seed: int, rollouts: int) -> Figure:
    """What is missed of the same harm by another policy."""
    (counted,) = work(baseline, [(0, scenario)], min(TRIED, rollouts), periods, seed, workers=1)
    return outcome(baseline.policy, scenario, counted, periods, days_of(baseline.policy)).missed


def _told(baseline: Baseline, one: Outcome, periods: int) -> str:
    """What is missed, and of harm that begins on any day why some of it must be."""
    days, policy = periods * days_of(baseline.policy), baseline.policy
    done = "rolled back" if one.criterion is not None and one.criterion.startswith("rollback") else "stopped"
    text = f"{one.says}: in {days} days {one.missed.percent} of such rollouts are not {done}"
    half = one.days_to_rollback[0].estimate
    if not one.name.endswith("-day"):
        return text
    if policy.phases[-1].alone:
        return f"{text}; at 100 % of traffic nothing is left to compare with"
    if half is not None:
        return (
            f"{text}; half of them are within {half:.0f} days, and what begins in the last ones has no such time left"
        )
    return text


def _what_helps(before: Figure, tried: Sequence[Try]) -> str:
    if not tried:
        return "What helps above may help here too (not tried)"
    helping = [one for one in tried if one.helps(before)]
    if not helping:
        names = "; ".join(one.remedy.words for one in tried)
        return f"Nothing that was tried surely catches more of it at this volume ({names})"
    best = min(helping, key=lambda one: one.share)
    return f"To catch more of it, {best.remedy.words}: then {best.missed.percent} are missed"


def remedies(baseline: Baseline, scenario: Scenario) -> Iterator[Remedy]:
    """Changes of the policy that may make it catch a scenario's harm, those that cost least first."""
    policy, column = baseline.policy, scenario.changes[0].group.column
    kind, _, rest = str(scenario.criterion).partition(":")
    metric, last = rest.partition("@")[0], policy.phases[-1]
    if last.alone:
        held = _with(last, holdout=HOLDOUT)
        words = f"keep a holdout in the last phase, as holdout: {HOLDOUT:.0%}"
        yield Remedy.of(words, lambda p: _last(p, held))
    if scenario.onset == "day" and policy.horizon_days is None and policy.evidence == "sequential":
        yield Remedy.of("say when the rollout ends, as error_budget: {horizon: 12w}", _ending)
    if column is not None:
        yield from _in_segments(policy, kind, metric)
    elif kind == "rollback":
        yield from _lower(policy, metric)
    else:
        yield from _tighter(policy, metric)
    if last.holdout is not None and last.holdout < MORE:
        more = _with(last, holdout=MORE)
        yield Remedy.of(f"hold out more in the last phase (holdout: {MORE:.0%})", lambda p: _last(p, more))
    shares = [min(2 * phase.traffic, HALF) if phase.traffic < HALF else phase.traffic for phase in policy.phases[:-1]]
    if any(phase.traffic < HALF for phase in policy.phases[:-1]):
        words = ", ".join(percent(share).replace(" ", "") for share in shares)
        yield Remedy.of(f"give its phases more traffic ({words})", lambda p: _at(p, shares))
    if len(policy.phases) > 1:
        stays = ", ".join(str(_twice(phase.at_least)) for phase in policy.phases[:-1])
        yield Remedy.of(f"stay twice as long in each phase (at_least: {stays})", _longer)
    if column is not None and policy.segments is not None and len(policy.segments.by) > 1:
        words = f"judge fewer values, as segments: {{by: [{column}]}}, since all of them share one error budget"
        yield Remedy(words, lambda b: only_by(b, str(column)))


def _with(section: Any, **changes: Any) -> Any:
    return section.model_copy(update=changes)


def _last(policy: Policy, phase: Phase) -> Policy:
    other: Policy = _with(policy, phases=(*policy.phases[:-1], phase))
    return other


def _at(policy: Policy, shares: Sequence[float]) -> Policy:
    """Other shares of traffic in all phases but the last."""
    *before, last = policy.phases
    other = (_with(phase, traffic=share) for phase, share in zip(before, shares, strict=True))
    changed: Policy = _with(policy, phases=(*other, last))
    return changed


def _twice(stay: Duration) -> Duration:
    return replace(stay, count=2 * stay.count)


def _longer(policy: Policy) -> Policy:
    *before, last = policy.phases
    longer: Policy = _with(policy, phases=(*(_with(p, at_least=_twice(p.at_least)) for p in before), last))
    return longer


def _ending(policy: Policy) -> Policy:
    ending: Policy = _with(policy, error_budget=_with(policy.error_budget, horizon=Duration(12, "w")))
    return ending


def _half(margin: Margin) -> Margin:
    return replace(margin, value=float(f"{margin.value / 2:.2g}"))


def _put(rules: Any, name: str, rule: Any) -> Any:
    """Criteria with one of them in the place of the old one, or beside the others."""
    return type(rules)({**rules, name: rule})


def _lower(policy: Policy, metric: str) -> Iterator[Remedy]:
    """A rollback criterion that tolerates less."""
    rule = policy.rollback[metric]
    if rule.worse_by.value > 0:
        less = _half(rule.worse_by)
        words = f"lower worse_by of {metric} from {rule.worse_by} to {less}"
        new = _with(rule, worse_by=less)
        yield Remedy.of(words, lambda p: _with(p, rollback=_put(p.rollback, metric, new)))


def _tighter(policy: Policy, metric: str) -> Iterator[Remedy]:
    """A guardrail with half its margin, and a rollback criterion beside it."""
    margin = policy.margins()[metric]
    if margin.value <= 0:
        return
    less = _half(margin)

    def narrow(p: Policy) -> Policy:
        if metric in p.guardrails:
            narrow: Policy = _with(p, guardrails=_put(p.guardrails, metric, Guardrail(margin=less)))
        else:
            narrow = _with(p, kpi=_with(p.kpi, margin=less))
        return narrow

    yield Remedy.of(f"lower the margin of {metric} from {margin} to {less}", narrow)
    rule = Rollback(worse_by=less, expect=None)
    words = f"give it a rollback criterion, as rollback: {{{metric}: {{worse_by: {less}}}}}"
    yield Remedy.of(words, lambda p: _with(p, rollback=_put(p.rollback, metric, rule)))


def _segment(rules: str, metric: str, rule: Guardrail | Rollback) -> Rewrite:
    """A criterion of each segment value in the place of the old one."""

    def rewrite(policy: Policy) -> Policy:
        segments = policy.segments
        changes = {rules: _put(getattr(segments, rules), metric, rule)}
        changed: Policy = _with(policy, segments=_with(segments, **changes))
        return changed

    return rewrite


def _in_segments(policy: Policy, kind: str, metric: str) -> Iterator[Remedy]:
    """A criterion of segment values that tolerates less, or a larger budget for all of them."""
    segments = policy.segments
    assert segments is not None
    held, back = segments.guardrails.get(metric), segments.rollback.get(metric)
    if kind == "rollback" and back is not None and back.worse_by.value > 0:
        less = _with(back, worse_by=_half(back.worse_by))
        words = f"lower worse_by of {metric} under segments from {back.worse_by} to {less.worse_by}"
        yield Remedy.of(words, _segment("rollback", metric, less))
    if kind != "rollback" and held is not None and held.margin.value > 0:
        small = Guardrail(margin=_half(held.margin))
        words = f"lower the margin of {metric} under segments from {held.margin} to {small.margin}"
        yield Remedy.of(words, _segment("guardrails", metric, small))
    risk = 2 * policy.error_budget.segment
    if kind != "rollback" and risk <= 0.2:
        words = f"accept more false holds of segments, as error_budget: {{segment: {percent(risk).replace(' ', '')}}}"
        yield Remedy.of(words, lambda p: _with(p, error_budget=_with(p.error_budget, segment=risk)))
