"""Three ways to set a candidate beside a baseline, from which any rule takes its estimate.

``enrolled``: half of the enrolled have the candidate, whatever the traffic, and only they are compared: the design of
experiments. ``ramp``: the candidate against everybody else, pooled over calendar time. ``within days``: the same units,
compared within each day and then added up, as rampgate does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.gate_contest.cases import Case

from rampgate.aggregate.moments import Floats
from rampgate.policy import Margin

DESIGNS = ("enrolled", "ramp", "within days")


@dataclass(frozen=True)
class Track:
    """Harm beyond what is tolerated as estimated, its variance, and units of both arms, each (rollout, group, day)."""

    estimate: Floats
    variance: Floats
    units: Floats

    @property
    def z(self) -> Floats:
        """Estimate over its standard error; 0 where there is none."""
        known = (self.variance > 0) & np.isfinite(self.variance)
        return np.where(known, self.estimate / np.sqrt(np.where(known, self.variance, 1.0)), 0.0)


def track(case: Case, design: str, last: int | None = None) -> Track:
    """The estimate after each day, from all days so far or from the ``last`` ones."""
    if design == "within days":
        return _stratified(case, last)
    (n_c, t_c, q_c), (n_b, t_b, q_b) = (_summed(arm, last) for arm in case.seen.arms(design == "ramp"))
    some = (n_c > 1) & (n_b > 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        a_c, a_b = t_c / n_c, t_b / n_b
        spread = (q_c / n_c - a_c**2) / (n_c - 1) + (q_b / n_b - a_b**2) / (n_b - 1)
        away = a_c - a_b - case.facts.tolerated
    return Track(np.where(some, away, 0.0), np.where(some, spread, np.inf), n_c + n_b)


def _stratified(case: Case, last: int | None) -> Track:
    """The Mantel-Haenszel estimate of the days, with the variance that the gate uses."""
    margin = Margin(case.facts.tolerated, "points")
    contrast = case.data.contrast("m", margin)
    some = contrast.weight > 0
    s = contrast.weight * (contrast.effect - np.where(some, case.facts.tolerated, 0.0))
    v = np.where(some, contrast.variance(case.facts.tolerated), 0.0)
    parts = [s, v, contrast.weight, np.where(some, contrast.n_c + contrast.n_b, 0.0)]
    total, spread, weight, units = (_summed(x, last) for x in parts)
    safe = np.where(weight > 0, weight, 1.0)
    return Track(total / safe, np.where(weight > 0, spread / safe**2, np.inf), units)


def _summed(values: Floats, last: int | None) -> Floats:
    total = np.cumsum(values, axis=-1)
    if last is None:
        return np.asarray(total)
    before = np.concatenate([np.zeros((*total.shape[:-1], last)), total[..., :-last]], axis=-1)
    return np.asarray(total - before)


def information(traffic: Floats, design: str) -> Floats:
    """Part of the information that a plan will have by the end of each day, (day,)."""
    c = np.cumsum(traffic)
    if design == "enrolled":
        done = np.cumsum(np.minimum(traffic, 1 - traffic))
    elif design == "ramp":
        b = np.cumsum(1 - traffic)
        done = c * b / (c + b)
    else:
        done = np.cumsum(traffic * (1 - traffic))
    return np.asarray(done / done[-1])
