"""What GO means: never "safe", always with the harm that would have been seen by now."""

from __future__ import annotations

from collections.abc import Sequence

from rampgate.aggregate.marginals import OVERALL
from rampgate.estimate.contrast import Proportions
from rampgate.estimate.counts import rare_limits
from rampgate.estimate.metric import KPI
from rampgate.judge.case import Case
from rampgate.judge.decision import COMPLETE, Budget, Estimate
from rampgate.judge.findings import amount
from rampgate.judge.harm import within_words
from rampgate.judge.orders import set_aside

#: Metrics of which a GO says in its sentence how much harm would have been seen.
MOST = 6


def all_clear(case: Case, decision: str, shown: Sequence[Estimate], spent: tuple[Budget, ...]) -> str:
    """The sentence of a GO or COMPLETE."""
    policy, phase = case.policy, case.phase
    if phase.go == "non_inferior" and policy.evidence == "sequential":
        claim = "shown non-inferior at the margins that this phase requires"
    elif phase.go == "within_budget" and spent:
        claim = f"the harm to be expected stays within the budget ({within_words(spent)}), and no evidence of harm"
    else:
        claim = "no evidence of harm"
    if aside := set_aside(case.state):
        claim += f" beyond what people went on past ({', '.join(aside)})"
    told = [e for e in shown if e.group == OVERALL and e.name in (KPI, *policy.judged_metrics())]
    if len(told) > MOST:  # what may end the rollout is told first
        told.sort(key=lambda e: (e.name != KPI, e.name not in policy.rollback))
    seen = [text for e in told if (text := _seen(case, e)) is not None]
    text = f"{claim}; harm above these would have been seen: {_listed(seen)}" if seen else claim
    blind = [e.name for e in told if _counts(case, e.name) is not None and _seen(case, e) is None]
    if blind:
        text += f"; of {', '.join(blind)} there are too few events to say"
    if decision == COMPLETE:
        return f"the last phase is reached and its demands are met: {text}"
    return f"phase {case.state.phase} is done: {text}"


def _listed(seen: Sequence[str]) -> str:
    """The harms in a sentence that can be read; the rest stand beside their metrics."""
    if len(seen) <= MOST:
        return ", ".join(seen)
    return f"{', '.join(seen[: MOST - 1])} and of {len(seen) - MOST + 1} more metrics what their intervals leave open"


def _seen(case: Case, estimate: Estimate) -> str | None:
    """The largest harm that the data do not exclude, in words; None where they exclude none."""
    policy, name = case.policy, estimate.name
    lower_is_better = name != KPI and policy.metrics[name].better == "lower"
    counts = _counts(case, name)
    if counts is not None:
        low, high = (float(end) for end in rare_limits(counts.y_c, counts.n_c, counts.y_b, counts.n_b))
        most = high if lower_is_better else low
        return f"{name} {most:.3g} times as often as in the baseline" if 0.0 < most < float("inf") else None
    end = estimate.upper if lower_is_better else estimate.lower
    return None if end is None else f"{name} {amount(policy, name, max(0.0, end if lower_is_better else -end))}"


def _counts(case: Case, name: str) -> Proportions | None:
    """Units with a rare event over the run, where the ratio of their counts is what is tested; else None.

    The interval of their difference is another test's, which sees far less of them.
    """
    if name == KPI or case.policy.metrics[name].kind != "rare_event" or case.policy.evidence != "sequential":
        return None
    found = case.data.contrast(name)
    if not isinstance(found, Proportions):
        return None  # by cluster their sums are compared
    return Proportions(found.n_c[0], found.y_c[0], found.n_b[0], found.y_b[0])
