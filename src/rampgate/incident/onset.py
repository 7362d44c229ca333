"""Since when: the weight that the evidence gives to each day on which the harm may have begun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.judge.case import Case
from rampgate.judge.sequential import weighed_criteria
from rampgate.judge.weigh import Weighed, onset

#: Weight of the days between the ends that are told.
LEVEL = 0.9


@dataclass(frozen=True)
class Since:
    """When the harm began, by the evidence of one criterion.

    Attributes
    ----------
    day : the day that a decision names as well: from it on the evidence is greatest
    lower, upper : the days between which the harm began, with weight `LEVEL`
    period : place of ``day`` among the periods of the run
    """

    criterion: str
    day: str
    lower: str
    upper: str
    level: float
    period: int

    def to_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "period"}


def since(case: Case, criterion: str) -> Since | None:
    """The onset of a criterion that failed, with its uncertainty; None where no evidence is weighed, as by points."""
    if case.policy.evidence == "point":
        return None
    found = next((w for w in weighed_criteria(case) if w.criterion.id == criterion and w.error is None), None)
    if found is None or not len(found.log_e):
        return None
    at = onset(case.data, found)
    weights = weights_of(case, found, at.end)
    days = [period.day.isoformat() for period in case.data.periods]
    below = np.cumsum(weights)
    tail = (1.0 - LEVEL) / 2.0
    lower, upper = (int(np.searchsorted(below, level)) for level in (tail, 1.0 - tail))
    last = len(weights) - 1
    return Since(criterion, days[at.period], days[min(lower, last)], days[min(upper, last)], LEVEL, at.period)


def weights_of(case: Case, weighed: Weighed, end: int) -> Floats:
    """Weight of each period before ``end`` as the beginning, (period,); they sum to 1.

    A day's evidence is that of the bets which begin with it, a mixture over sizes of harm of what speaks for harm from
    there on against none. Every day is as likely before anything was seen. Days before both versions had units have
    the weight 0.
    """
    group = case.data.index([weighed.criterion.group])[0]
    both = np.flatnonzero(case.data.contrast(weighed.criterion.measure).weight[..., group, :end] > 0)
    first = int(both[0]) if len(both) else 0
    log_w = np.array([float(weighed.process.final(begin, end)) if begin >= first else -np.inf for begin in range(end)])
    scaled = np.exp(log_w - log_w.max())
    return np.asarray(scaled / scaled.sum())
