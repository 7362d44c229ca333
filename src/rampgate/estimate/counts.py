"""Evidence from counts against a known split.

Of ``k`` affected units of both arms, the candidate's share under the null is a known ``p``; each is the candidate's
with chance ``p psi / (1 - p + p psi)`` when its rate is ``psi`` times as high. The likelihood ratio is an e-process at
any volume, at zero events, and over any ramp, since every period has its own ``p``.

References
----------
Lindon and Malek 2022 (sample ratios); Howard et al. 2020.
"""

from __future__ import annotations

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import divide

#: How many times as frequent the rare event may be in the candidate.
RARE = (1.25, 1.5, 2.0, 3.0, 5.0, 8.0)
#: Factors on the odds of a unit to be the candidate's.
SPLIT = tuple(float(np.exp(sign * step)) for sign in (-1, 1) for step in (0.05, 0.1, 0.2, 0.4, 0.8))


def count_increments(k_c: Floats, k: Floats, p: Floats, psi: Floats) -> Floats:
    """``k_c log psi - k log(1 - p + p psi)``, (..., period, grid).

    Parameters
    ----------
    k_c, k : affected units of the candidate and of both arms, (..., period)
    p : the candidate's share of them under the null, (..., period), from 0 to 1
    psi : factors on the odds, positive, (grid,)
    """
    psi = np.asarray(psi, dtype=float)
    return np.asarray(k_c[..., None] * np.log(psi) - k[..., None] * np.log1p(p[..., None] * (psi - 1.0)))


def rare_share(n_c: Floats, n_b: Floats, ratio: float) -> Floats:
    """The candidate's share of affected units when its rate is ``ratio`` times the baseline's; 0 without units."""
    return divide(ratio * n_c, ratio * n_c + n_b)


def shifted_share(p: Floats, psi: float) -> Floats:
    """The candidate's share when the odds of each unit to be its are ``psi`` times what they should be."""
    return divide(p * psi, 1.0 - p + p * psi)
