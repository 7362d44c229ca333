"""rampgate: what its judge makes of the same rollouts, and how it would with another prior on the onset."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from benchmarks.gate_contest.cases import Case
from benchmarks.guarantees.measure import family_path

from rampgate.aggregate.moments import Floats
from rampgate.judge.weigh import process_of
from rampgate.policy import Margin

BAR = float(np.log(20.0))


def gate(case: Case) -> np.ndarray:
    """Days on which the rollback family has spent its budget, (rollout, day)."""
    return np.asarray(family_path(case.data, "rollback") >= BAR)


def horizon_prior(days: int, weeks: int) -> Floats:
    """Weight 1/2 at the launch, the rest evenly on the later weeks before the horizon, (day,)."""
    prior = np.zeros(days)
    later = np.arange(7, min(days, 7 * weeks), 7)
    prior[0] = 0.5
    prior[later] = 0.5 / (weeks - 1)
    return prior


def gate_with_horizon(case: Case) -> np.ndarray:
    """The same with an onset prior that ends after twelve weeks, or after all weeks of a shorter log."""
    prior = horizon_prior(case.days, max(2, case.days // 7))
    return np.asarray(family_path(replace(case.data, prior=prior), "rollback") >= BAR)


def shown_non_inferior(case: Case, begin: int) -> np.ndarray:
    """Days from ``begin`` on by which a candidate is shown to be worse by less than what must be caught."""
    bound = Margin(case.facts.expect, "points")
    path = process_of(case.data, "m", bound, bound, -1).path(begin)[:, 0]
    return np.concatenate([np.zeros((len(path), begin), dtype=bool), path >= BAR], axis=-1)
