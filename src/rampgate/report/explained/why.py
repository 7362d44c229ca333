"""Why a decision is what it is, and not another."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.aggregate.marginals import OVERALL
from rampgate.judge.case import Case
from rampgate.judge.decision import FAIL, LARGEST, ROLLBACK, Decision, Judged
from rampgate.policy import KPI, Policy
from rampgate.report.explained import told
from rampgate.report.explained.compared import notes
from rampgate.report.explained.found import tolerated
from rampgate.report.explained.reasons import meaning, sentence
from rampgate.report.explained.worst import Worst


def why(decision: Decision, case: Case, worst: dict[str, Worst | None]) -> Iterator[str]:
    """What decided, then what else stands."""
    policy, set_aside = case.policy, notes(decision, case)
    rest = [reason for reason in decision.reasons if reason not in set_aside]
    for limit in broken(decision):
        # A criterion is told by its numbers; its recorded reason would say them twice.
        said = [r for r in rest if (r.message, r.group) == (limit.message, limit.group)]
        rest = [r for r in rest if r not in said]
        if said:
            yield f"{meaning(said[0])}: {_breach(limit, case, worst.get(limit.id))}"
    if decision.decision == ROLLBACK:
        yield (
            "Going back comes before everything else: it waits for no minimum duration and for no missing data, and "
            "nothing that is better elsewhere makes up for it."
        )
    elif decision.criteria:
        yield f"It need not go back: {_not_rolled_back(decision, policy)}."
    for reason in rest:
        if reason.code == "all_clear":
            yield from _all_clear(decision, policy, meaning(reason))
        else:
            yield sentence(reason)


def broken(decision: Decision) -> list[Judged]:
    """Criteria that failed: those that end the rollout first, a single metric before the KPI, the clearest first."""
    failed = [c for c in decision.criteria if c.verdict == FAIL and c.kind in ("rollback", "guardrail", "floor")]
    return sorted(failed, key=lambda c: (c.kind != "rollback", c.metric == KPI, -(c.e_value or 0.0)))


def _breach(c: Judged, case: Case, worst: Worst | None) -> str:
    """A broken limit: how much, since when, how strong, and where it is worst."""
    policy = case.policy
    where = "" if c.group == OVERALL else f" in {c.group}"
    if c.effect_since_onset is None or c.onset is None or c.kind == "floor":
        text = told.plain(str(c.message))[:-1]
    else:
        margin = tolerated(c, policy)
        limit = told.bound(policy, c.metric, margin) if margin.value else "nothing"
        text = (
            f"{told.named(c.metric)}{where} is worse by {told.harm(policy, c.metric, c.effect_since_onset)} since "
            f"{c.onset}, and {limit} is tolerated (the day is an estimate, and a size measured from it is rather too "
            "large)"
        )
        if c.e_value is not None:
            strongest = max(c.e_value, 1.0 / c.p_value if c.p_value else LARGEST)
            text += f"; a stake of 1 on such a harm has become {told.bet(strongest)}"
    if worst is not None:
        text += f". It is worst in {worst.group}, by {told.size(policy, c.metric, worst.harm)}"
        text += f" ({told.counted(worst.candidate_units, 'unit')} of the candidate)"
    return f"{text}."


def _not_rolled_back(decision: Decision, policy: Policy) -> str:
    ending = [c for c in decision.criteria if c.kind == "rollback"]
    failed = [c.id for c in ending if c.verdict == FAIL]
    if failed:
        return f"people decided to go on although what would end the rollout is broken ({told.listed(failed)})"
    unjudged = [c for c in ending if c.verdict == "ERROR"]
    if unjudged:
        return (
            f"no limit that could be judged is broken, and {told.counted(len(unjudged), 'limit')} could not be judged"
        )
    if policy.evidence == "point":
        return "no value lies beyond its threshold in the latest complete window"
    known = [c for c in ending if c.e_value is not None]
    if not known:
        return "no limit whose breach would end the rollout is broken"
    top = max(known, key=lambda c: c.e_value or 0.0)
    return (
        "no limit whose breach would end the rollout is broken; what speaks most for going back is "
        f"{told.named(top.metric)}{'' if top.group == OVERALL else f' in {top.group}'}, where a stake of 1 has become "
        f"{told.bet(top.e_value or 0.0)}"
    )


def _all_clear(decision: Decision, policy: Policy, means: str) -> Iterator[str]:
    phase = policy.phases[min(decision.phase.index, len(policy.phases)) - 1]
    asked = [phase.at_least.words()] if phase.at_least.count else []
    asked += [f"{phase.minimum_units:,} units of the candidate"] if phase.minimum_units else []
    yield f"{means}" + (f": the phase asks for {told.listed(asked)}." if asked else ".")
    required = policy.required(phase) if policy.evidence == "sequential" else ()
    if required:
        margins = policy.margins()
        shown = [f"{told.named(name)} less than {_by(policy, name)}" for name in required if name in margins]
        yield (
            f"This phase also asks for proof, and has it: {told.listed(shown)} worse than the baseline, by what was "
            f"seen in this phase alone. A candidate that is worse gets such a proof in at most "
            f"{100 * policy.error_budget.false_go:.4g} of 100 rollouts."
        )
    else:
        yield "That no harm was seen does not mean that there is none; what could be hidden stands above."


def _by(policy: Policy, name: str) -> str:
    return told.bound(policy, name, policy.margins()[name])
