"""What the evidence, or the thresholds, say of each criterion; and how numbers are worded."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.estimate.metric import KPI
from rampgate.judge.decision import ERROR, FAIL, NO_DATA, Judged, Reason, Waiting
from rampgate.policy import MINIMUM_CLUSTERS, Policy, TimeToEvent

#: How the message of a criterion begins that lacks clusters.
FEW_CLUSTERS = "too few clusters"


@dataclass(frozen=True)
class Findings:
    """Verdicts of all criteria, and what follows from them.

    ``rollback`` reasons roll back whatever else is true; ``holds`` keep the phase; ``notes`` are only said.
    """

    criteria: tuple[Judged, ...]
    rollback: tuple[Reason, ...]
    holds: tuple[Reason, ...]
    notes: tuple[Reason, ...] = ()
    waiting: tuple[Waiting, ...] = ()


def in_points(policy: Policy, metric: str) -> bool:
    """Whether differences of the metric are told in percentage points."""
    return metric == KPI or policy.metrics[metric].rate


def amount(policy: Policy, metric: str, value: float, signed: bool = False) -> str:
    """A difference in the words of its metric: ``+2.3 points`` or ``+1.42``."""
    sign = "+" if signed else ""
    if in_points(policy, metric):
        digits = ".1f" if abs(value) >= 5e-4 or not value else ".2g"  # a rare event has too few points for one digit
        return f"{100 * value:{sign}{digits}} points"
    return f"{value:{sign}.3g}"


def pace(policy: Policy, metric: str, harm: float) -> str:
    """How events come whose pace is worse by a ratio of ``1 + harm``: ``0.82 times as fast as the baseline's``."""
    rule = policy.metrics[metric]
    slower = isinstance(rule, TimeToEvent) and rule.event_is_good
    return f"{1 / (1 + harm) if slower else 1 + harm:.2f} times as fast as the baseline's"


def odds(log_e: float) -> str:
    """Evidence as a bet: ``447 to 1``."""
    if log_e > math.log(1e5):
        return "more than 100,000 to 1"
    value = math.exp(log_e)
    return f"{value:,.0f} to 1" if value >= 10 else f"{value:.2g} to 1"


def called(metric: str, group: Group) -> str:
    """A metric and where: ``override in queue=network``."""
    name = "the weighted KPI" if metric == KPI else metric
    return name if group == OVERALL else f"{name} in {group}"


def hold_for(judged: Judged) -> Reason | None:
    """The reason to hold that a guardrail, or a criterion without data, gives by itself."""
    text = called(judged.metric, judged.group)
    code = "segment" if judged.group != OVERALL else "floor" if judged.kind == "floor" else "guardrail"
    if judged.verdict == ERROR:
        message = f"{judged.id} could not be judged: {judged.message}"
        return Reason("error", ERROR, message, judged.metric, judged.group)
    if judged.verdict == FAIL and judged.kind != "rollback":
        return Reason(code, FAIL, str(judged.message), judged.metric, judged.group)
    if judged.verdict == NO_DATA and judged.group == OVERALL:
        message = f"{text} cannot be compared yet: {judged.message}"
        return Reason("too_little_data", NO_DATA, message, judged.metric, judged.group)
    return None


def too_small(policy: Policy, judged: tuple[Judged, ...]) -> list[Reason]:
    """One note per segment column about the values that are too small to be judged."""
    if policy.segments is None:
        return []
    out = []
    clusters = "" if policy.source.cluster is None else f" or {MINIMUM_CLUSTERS} clusters"
    for column in policy.segments.by:
        here = [j for j in judged if j.group.column == column and j.kind == "guardrail"]
        values = sorted({str(j.group.value) for j in here})
        small = sorted({str(j.group.value) for j in here if j.verdict == NO_DATA})
        if not small:
            continue
        some = ", ".join(small[:3]) + (", ..." if len(small) > 3 else "")
        text = (
            f"too little data in {len(small)} of {len(values)} values of {column} "
            f"(fewer than {policy.segments.minimum_units} known units{clusters} in an arm): {some}"
        )
        out.append(Reason("too_little_data", NO_DATA, text))
    return out
