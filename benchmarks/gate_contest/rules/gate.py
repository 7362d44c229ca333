"""rampgate: what its judge makes of the same rollouts, and how it would with another prior on the onset."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from benchmarks.gate_contest.cases import Case
from benchmarks.guarantees.measure import family_path
from benchmarks.guarantees.world import START

from rampgate.estimate.evidence import onset_prior
from rampgate.judge.weigh import process_of
from rampgate.policy import Margin

BAR = float(np.log(20.0))


def gate(case: Case) -> np.ndarray:
    """Days on which the rollback family has spent its budget, (rollout, day)."""
    return np.asarray(family_path(case.data, "rollback") >= BAR)


def gate_with_horizon(case: Case) -> np.ndarray:
    """The same with ``error_budget: horizon`` at twelve weeks, or at the end of a shorter log."""
    days = [START + timedelta(days=t) for t in range(case.days)]
    prior = onset_prior(days, START, min(84, case.days))
    return np.asarray(family_path(replace(case.data, prior=prior), "rollback") >= BAR)


def shown_non_inferior(case: Case, begin: int) -> np.ndarray:
    """Days from ``begin`` on by which a candidate is shown to be worse by less than what must be caught."""
    bound = Margin(case.facts.expect, "points")
    path = process_of(case.data, "m", bound, bound, -1).path(begin)[:, 0]
    return np.concatenate([np.zeros((len(path), begin), dtype=bool), path >= BAR], axis=-1)
