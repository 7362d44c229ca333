"""What a decision found, metric by metric, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.aggregate.marginals import OVERALL
from rampgate.judge.decision import Decision, Estimate, Judged
from rampgate.policy import KPI, Margin, Policy, metric_sentences
from rampgate.report.explained import told


def found(decision: Decision, policy: Policy) -> Iterator[str]:
    """Each metric that a limit is about, and the KPI with its parts: what it is, its values, its limits."""
    rows = {m.name: m for m in decision.metrics if m.group == OVERALL}
    meanings = dict(zip((*policy.metrics, KPI), metric_sentences(policy), strict=True))
    limits = [c for c in decision.criteria if c.group == OVERALL]
    for name in (KPI, *policy.judged_metrics()):
        row = rows.get(name)
        if row is None:
            continue
        gloss = meanings[name]
        if name == KPI:
            called = "The weighted KPI, several metrics in one number, is"
            if len(policy.kpi.weights) == 1:
                called = "The weighted KPI, here of one metric alone, is"
            gloss = f"{gloss.replace('The KPI is', called)} "
            gloss += "It is told in points: 100 is the best there is, 0 the worst."
        yield f"{gloss} {_values(row, policy)} {_limits(name, limits, policy)}".strip()
    if not rows:
        yield "No metric could be computed."


def _values(row: Estimate, policy: Policy) -> str:
    name = row.name
    missing = [word for word, value in (("baseline", row.baseline), ("candidate", row.candidate)) if value is None]
    if missing:
        return f"Nothing can be said of it yet: nothing is known of the {' and the '.join(missing)}."
    if row.baseline is None or row.candidate is None or row.difference is None:
        return "The versions cannot be compared in it: they have no day in common."
    of = told.out_of(row.baseline, row.candidate)
    values = [told.level(policy, name, value, of) for value in (row.candidate, row.baseline)]
    difference = told.signed_size(policy, name, row.difference, of)
    text = f"The candidate has {values[0]}, the baseline {values[1]}: {difference}, "
    text += f"{told.verdict_on(policy, name, row.difference, of)}."
    return f"{text} {_range(row, policy, of)}"


def _range(row: Estimate, policy: Policy, of: int) -> str:
    """The interval in words."""
    if row.lower is None and row.upper is None:
        return "By chance alone the true difference may be anything: there are too few units to narrow it down."
    ends = [
        "any amount" if end is None else told.signed_size(policy, row.name, end, of) for end in (row.lower, row.upper)
    ]
    some = (row.lower or 0.0) > 0 or (row.upper or 0.0) < 0
    so = "chance alone does not make such a difference" if some else "there may as well be none"
    return f"Allowing for chance, the true difference lies between {ends[0]} and {ends[1]}: {so}."


def _limits(name: str, limits: list[Judged], policy: Policy) -> str:
    """What the policy tolerates of a metric."""
    said = []
    floor = policy.kpi.floor
    if name == KPI and floor is not None:
        said.append(f"it may not go on when its own value is below {floor:g}")
    verbs = {"rollback": "it must go back", "guardrail": "it may not go on"}
    for limit in limits:
        if limit.metric != name or limit.kind not in verbs:
            continue
        margin = tolerated(limit, policy)
        if policy.tests_hazard(name):
            said.append(f"{verbs[limit.kind]} when its events, at the same age, come at a worse pace at all")
            continue
        more = f"by more than {told.bound(policy, name, margin)}" if margin.value else "at all"
        said.append(f"{verbs[limit.kind]} when it is worse {more}")
    return f"The policy's limits for the candidate: {' and '.join(said)}." if said else ""


def tolerated(c: Judged, policy: Policy) -> Margin:
    """The bound of a criterion, as the policy states it."""
    segments = policy.segments if c.group != OVERALL else None
    if c.kind == "rollback":
        return (segments.rollback if segments is not None else policy.rollback)[c.metric].worse_by
    return segments.guardrails[c.metric].margin if segments is not None else policy.margins()[c.metric]


def sure(decision: Decision, policy: Policy) -> Iterator[str]:
    """What the evidence and the ranges mean, and which harm they leave open."""
    rows = [m for m in decision.metrics if m.group == OVERALL and m.name in (KPI, *policy.judged_metrics())]
    if policy.evidence == "point":
        yield (
            "Not at all, by design: plain thresholds ask only whether a number is above or below a line. Chance alone "
            "can push it to either side, and nothing limits how often."
        )
    else:
        yield from _bets(decision, policy)
    if any(row.lower is not None or row.upper is not None for row in rows):
        yield (
            "The ranges given above are wide enough that in at least 95 of 100 rollouts such a range holds the true "
            "difference at every look, however often one looks."
        )
    yield from _unseen(rows, policy)


def _bets(decision: Decision, policy: Policy) -> Iterator[str]:
    """Evidence as betting odds."""
    known = [c for c in decision.criteria if c.e_value is not None]
    if not known:
        yield "No evidence could be counted at this look."
        return
    yield (
        "Evidence is counted like a bet: somebody stakes 1, at odds that are fair while the harm is within a limit, on "
        "the harm being greater. What the stake has become says how much speaks for harm: 1 is nothing, and less than "
        "1 speaks against it."
    )
    bars = {
        "rollback": ("go back", policy.error_budget.false_rollback),
        "guardrail": ("be held", policy.error_budget.guardrail),
    }
    for kind, (what, budget) in bars.items():
        here = [c for c in known if c.kind == kind and c.group == OVERALL]
        if not here:
            continue
        stakes = told.listed([f"{told.bet(c.e_value or 0.0)} for {told.named(c.metric)}" for c in here])
        yield (
            f"On harm beyond the limits at which the candidate must {what}, a stake of 1 is now {stakes}. It must "
            f"{what} when all bets of this kind, each with its share of one stake, together reach {1 / budget:.4g}; "
            f"for a good candidate they ever do in at most {100 * budget:.4g} of 100 rollouts."
        )


def _unseen(rows: list[Estimate], policy: Policy) -> Iterator[str]:
    """The harm that could be there and not have been seen."""
    left, open_ = [], []
    for row in rows:
        harm = told.harm_left(policy, row)
        if harm is None:
            open_.append(told.named(row.name))
        else:
            left.append(f"{told.size(policy, row.name, harm)} in {told.named(row.name)}")
    if left:
        yield f"What cannot be ruled out yet is harm of up to {told.listed(left)}."
    if open_:
        yield f"In {told.listed(open_)} harm of any size could still be hidden."
