"""Thresholds without statistics.

Point threshold: the usual rule of a dashboard, judged on each complete week.

Argo Rollouts (docs/features/analysis.md, "Background Analysis"): a measurement of the candidate alone is compared with
a condition; with ``failureLimit: 3`` the analysis fails, and the rollout aborts, at the fourth failure. Flagger
(docs/gitbook/usage/how-it-works.md): ``threshold`` is the number of failed checks that rolls back, 10 in its example;
the metric is the candidate's, held against a fixed range. Both are given the history's level plus all the harm that
must be caught as their limit, which is kinder than any limit below it.
"""

from __future__ import annotations

import numpy as np
from benchmarks.gate_contest.cases import CANDIDATE, Case, weekly
from benchmarks.gate_contest.designs import track

ARGO_FAILURE_LIMIT, FLAGGER_THRESHOLD = 3, 10


def point(case: Case, design: str) -> np.ndarray:
    """The last complete week is worse by what is tolerated and half of what must be caught."""
    estimate = track(case, design, last=7).estimate
    return np.asarray((estimate > case.facts.expect / 2).any(1) & weekly(case.days))


def failed_checks(case: Case, most: int) -> np.ndarray:
    """More than ``most`` days so far on which the candidate alone was beyond its limit."""
    n, total = case.seen.n[:, CANDIDATE], case.seen.total[:, CANDIDATE]
    limit = case.facts.level + case.facts.tolerated + case.facts.expect
    bad = total > limit * n
    return np.asarray((np.cumsum(bad, axis=-1) > most).any(1))
