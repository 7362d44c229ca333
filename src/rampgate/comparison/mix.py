"""Whether two arms are made of the same kinds of units: a test of association within each day.

Only a random split makes arms alike. Days are strata, so neither a ramp nor a change of the mix over time is taken for
a difference between the arms.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, lgamma, log, sqrt

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import divide

#: Units of a kind that either arm should have for the chi-square law to hold; rarer kinds are taken together.
EXPECTED = 5.0


@dataclass(frozen=True)
class Association:
    """The generalised Cochran-Mantel-Haenszel test of arm against kind, and how far the arms lie apart.

    Attributes
    ----------
    baseline, candidate : share of each kind, (kind,); weighted over days as metrics are
    distance : share of the units that would have to be of another kind to make the arms alike
    """

    statistic: float
    freedom: int
    p: float
    baseline: Floats
    candidate: Floats

    @property
    def distance(self) -> float:
        return float(0.5 * np.abs(self.candidate - self.baseline).sum())


def association(baseline: Floats, candidate: Floats) -> Association:
    """Compare the kinds of units of two arms within days (Mantel 1963; Agresti 2013, section 8.4.3).

    Parameters
    ----------
    baseline, candidate : units, (kind, day)
    """
    n_b, n_c = baseline.sum(0), candidate.sum(0)
    both = (n_b > 0) & (n_c > 0)
    b, c, n_b, n_c = baseline[:, both], candidate[:, both], n_b[both], n_c[both]
    weight = divide(n_c * n_b, n_c + n_b)
    total = weight.sum()
    shares = [(weight * divide(x, n)).sum(-1) / (total if total > 0 else 1.0) for x, n in ((b, n_b), (c, n_c))]
    statistic, freedom = _statistic(*_frequent(b, c))
    return Association(statistic, freedom, survival(statistic, freedom), shares[0], shares[1])


def _frequent(b: Floats, c: Floats) -> tuple[Floats, Floats]:
    """The same counts with all kinds that are too rare for the chi-square law as one."""
    kinds, n_b, n_c = b + c, b.sum(0), c.sum(0)
    n = n_b + n_c
    least = np.minimum((kinds * divide(n_b, n)).sum(-1), (kinds * divide(n_c, n)).sum(-1))
    rare = least < EXPECTED
    if not rare.any():
        return b, c
    b, c = (np.concatenate([x[~rare], x[rare].sum(0, keepdims=True)]) for x in (b, c))
    return b, c


def _statistic(b: Floats, c: Floats) -> tuple[float, int]:
    """Observed minus expected units of the candidate, measured by their covariance given each day's margins."""
    kinds, n_b, n_c = b + c, b.sum(0), c.sum(0)
    n = n_b + n_c
    excess = (c - kinds * divide(n_c, n)).sum(-1)
    factor = divide(n_c * n_b, n * n * (n - 1.0))
    covariance = np.diag((factor * n * kinds).sum(-1)) - (factor * kinds) @ kinds.T
    values, vectors = np.linalg.eigh(covariance)
    # Kinds sum to the day's units, so at least one direction has no variance.
    real = values > 1e-9 * max(float(values.max(initial=0.0)), 1e-300)
    along = (vectors.T @ excess)[real]
    return float((along**2 / values[real]).sum()), int(real.sum())


def survival(statistic: float, freedom: int) -> float:
    """Chance that a chi-square variable of whole degrees of freedom exceeds the statistic (its closed form)."""
    half = 0.5 * statistic
    if freedom <= 0 or half <= 0:
        return 1.0
    head = erfc(sqrt(half)) if freedom % 2 else 0.0
    steps = [0.5 * (freedom % 2) + i for i in range(freedom // 2)]
    tail = sum(exp(k * log(half) - half - lgamma(k + 1.0)) for k in steps)
    return min(1.0, head + tail)
