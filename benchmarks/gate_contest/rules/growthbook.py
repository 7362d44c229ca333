"""GrowthBook's safe rollouts: a one-sided asymptotic confidence sequence, tightest at N* = 5,000 units.

Sources: docs.growthbook.io/statistics/sequential; Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform
central limit theory and asymptotic confidence sequences" (arXiv 2103.06476v7), eq. 9 (two-sided), 134 (one-sided), 161
(rho). The two-sided formula is held against gbstats 0.8.0 by ``tests/contest``; the one-sided one is not in that
release. Differences are absolute here, and it is looked at daily.
"""

from __future__ import annotations

import numpy as np
from benchmarks.gate_contest.cases import Case
from benchmarks.gate_contest.designs import track

from rampgate.aggregate.moments import Floats

TUNING = 5000.0


def rho(alpha: float, tuning: float = TUNING) -> float:
    """Mixing parameter for which the sequence is tightest at so many units (eq. 161)."""
    return float(np.sqrt((-2.0 * np.log(alpha) + np.log(-2.0 * np.log(alpha) + 1.0)) / tuning))


def half_width(variance: Floats, n: Floats, alpha: float, one_sided: bool, tuning: float = TUNING) -> Floats:
    """Half-width of the sequence around an estimate of this variance from n units."""
    r = rho(alpha, tuning)
    grown = n * r**2 + 1.0
    inside = np.log(1.0 + np.sqrt(grown) / (2.0 * alpha)) if one_sided else np.log(np.sqrt(grown) / alpha)
    return np.asarray(np.sqrt(variance * n) * np.sqrt(2.0 * grown * inside) / (n * r))


def safe_rollout(case: Case, design: str) -> np.ndarray:
    """Days on which the lower end of the sequence is above what is tolerated, (rollout, day)."""
    now = track(case, design)
    some = np.isfinite(now.variance) & (now.variance > 0)
    alpha = 0.05 / now.z.shape[1]
    width = half_width(np.where(some, now.variance, 1.0), np.maximum(now.units, 1.0), alpha, one_sided=True)
    return np.asarray((some & (now.estimate > width)).any(1))
