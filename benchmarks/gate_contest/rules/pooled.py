"""A z-test every week on everything so far, as a notebook does it: 5 % at each look."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from benchmarks.gate_contest.cases import Case, weekly
from benchmarks.gate_contest.designs import track


def pooled_z(case: Case, design: str, alpha: float = 0.05) -> np.ndarray:
    """Looks at which the test says worse, (rollout, day)."""
    z = track(case, design).z
    bar = NormalDist().inv_cdf(1 - alpha / z.shape[1])
    return np.asarray((z > bar).any(1) & weekly(case.days))
