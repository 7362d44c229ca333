"""The policy's criteria as values, with their share of the error budget fixed before any evidence is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.estimate.alone import FLOOR
from rampgate.estimate.metric import KPI
from rampgate.policy import Margin, Policy

#: Part of the segments' budget kept for values that first appear after the first period.
RESERVE = 0.1


@dataclass(frozen=True)
class Criterion:
    """One bound on one metric for one group of units.

    Attributes
    ----------
    kind : ``rollback``, ``guardrail`` or ``floor``
    margin : the largest harm tolerated; of a floor, the smallest value of the candidate's own KPI
    expect : the harm beyond it that must be caught; None for 0.2 standard deviations
    family : the error budget it draws on
    weight : its fixed share a_j of the family
    """

    kind: str
    metric: str
    group: Group
    margin: Margin
    expect: Margin | None
    family: str
    weight: float

    @property
    def measure(self) -> str:
        """What its evidence is about: the metric in both arms, or of a floor the candidate alone."""
        return FLOOR if self.kind == FLOOR else self.metric

    @property
    def id(self) -> str:
        """``kind:metric`` or ``kind:metric@column=value``."""
        return f"{self.kind}:{self.metric}" + ("" if self.group == OVERALL else f"@{self.group}")


def positive(margin: Margin | None) -> Margin | None:
    """The margin as the size of an effect; None where it is none."""
    return margin if margin is not None and margin.value > 0 else None


def group_weights(groups: Sequence[Group], first: Mapping[Group, int]) -> dict[Group, float]:
    """Shares of the segment values, fixed when a value is first seen and so before its evidence.

    Parameters
    ----------
    groups : segment values, without the overall group
    first : index of the period in which each first had units; negative for history

    Returns
    -------
    Weights that sum to at most 1: values known by the first period share ``1 - RESERVE`` evenly, the k-th later
    one has ``RESERVE / (k (k + 1))``.
    """
    known = [g for g in groups if first[g] <= 0]
    later = sorted((g for g in groups if first[g] > 0), key=lambda g: (first[g], str(g)))
    weights = {g: (1.0 - RESERVE) / len(known) for g in known}
    return weights | {g: RESERVE / (k * (k + 1)) for k, g in enumerate(later, start=1)}


def criteria(policy: Policy, weights: Mapping[Group, float]) -> tuple[Criterion, ...]:
    """Every criterion of the policy.

    Parameters
    ----------
    weights : share of each segment value, from ``group_weights``
    """
    margins = policy.margins()
    segments = policy.segments
    by_segment = segments.rollback if segments is not None else {}
    halves = (0.5, 0.5) if by_segment else (1.0, 0.0)
    out: list[Criterion] = []
    for name, rule in policy.rollback.items():
        expect = rule.expect or positive(margins.get(name))
        share = halves[0] / len(policy.rollback)
        out.append(Criterion("rollback", name, OVERALL, rule.worse_by, expect, "rollback", share))
    for name, margin in margins.items():
        out.append(Criterion("guardrail", name, OVERALL, margin, positive(margin), "guardrail", 1 / len(margins)))
    if policy.kpi.floor is not None:
        least = Margin(policy.kpi.floor, "absolute")
        out.append(Criterion(FLOOR, KPI, OVERALL, least, positive(policy.kpi.margin), FLOOR, 1.0))
    if segments is None:
        return tuple(out)
    for name, rule in by_segment.items():
        held = segments.guardrails.get(name)
        expect = rule.expect or positive(held.margin if held else margins.get(name))
        for group, weight in weights.items():
            share = halves[1] * weight / len(by_segment)
            out.append(Criterion("rollback", name, group, rule.worse_by, expect, "rollback", share))
    for name, guardrail in segments.guardrails.items():
        expect = positive(guardrail.margin)
        for group, weight in weights.items():
            share = weight / len(segments.guardrails)
            out.append(Criterion("guardrail", name, group, guardrail.margin, expect, "segment", share))
    return tuple(out)
