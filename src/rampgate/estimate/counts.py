"""Evidence from counts against a known split.

Of ``k`` affected units of both arms, the candidate's share under the null is a known ``p``; each is the candidate's
with chance ``p psi / (1 - p + p psi)`` when its rate is ``psi`` times as high. The likelihood ratio is an e-process at
any volume, at zero events, and over any ramp, since every period has its own ``p``.

References
----------
Lindon and Malek 2022 (sample ratios); Howard et al. 2020; Clopper and Pearson 1934.
"""

from __future__ import annotations

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import divide
from rampgate.estimate.evidence import log_sum_exp

#: How many times as frequent the rare event may be in the candidate.
RARE = (1.25, 1.5, 2.0, 3.0, 5.0, 8.0)
#: Factors on the odds of a unit to be the candidate's.
SPLIT = tuple(float(np.exp(sign * step)) for sign in (-1, 1) for step in (0.05, 0.1, 0.2, 0.4, 0.8))
#: Logarithm of the largest ratio of rates that is looked for, and halvings until an end is known to 1e-9 of itself.
FARTHEST, HALVINGS = float(np.log(1e6)), 36


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


def rare_share(n_c: Floats, n_b: Floats, ratio: float | Floats) -> Floats:
    """The candidate's share of affected units when its rate is ``ratio`` times the baseline's; 0 without units."""
    return divide(ratio * n_c, ratio * n_c + n_b)


def rare_limits(
    y_c: Floats, n_c: Floats, y_b: Floats, n_b: Floats, *, alpha: float = 0.05, psi: tuple[float, ...] = RARE
) -> tuple[Floats, Floats]:
    """Confidence sequence for how many times as frequent the event is in the candidate, from the periods given.

    Every ratio that neither one-sided process against it rejects at ``2 / alpha``: Clopper and Pearson's idea (1934)
    with the counts' own e-process. Each is monotone in the ratio, so its end is found by bisection.

    Parameters
    ----------
    y_c, n_c, y_b, n_b : affected units and units, (..., period)
    alpha : 1 - coverage, at all looks together
    psi : factors on the odds that the bets are made at, above 1

    Returns
    -------
    lower, upper : (...), 0 and infinite where nothing is excluded, as without any event.
    """
    factors, bar = np.log(np.array(psi)), np.log(2.0 / alpha) + np.log(len(psi))

    def rejected(log_ratio: Floats, side: float) -> np.ndarray:
        """Whether a ratio is too small (side 1) or too large (-1) for what was seen."""
        p = rare_share(n_c, n_b, np.exp(log_ratio)[..., None])
        won = count_increments(y_c, y_c + y_b, p, np.exp(side * factors)).sum(-2)
        return np.asarray(log_sum_exp(won) >= bar)

    shape = np.broadcast_shapes(*(x.shape[:-1] for x in (y_c, n_c, y_b, n_b)))
    ends = []
    for side in (1.0, -1.0):
        outside, inside = np.full(shape, -side * FARTHEST), np.full(shape, side * FARTHEST)
        open_ = ~rejected(outside, side)
        for _ in range(HALVINGS):
            middle = 0.5 * (outside + inside)
            out = rejected(middle, side)
            outside, inside = np.where(out, middle, outside), np.where(out, inside, middle)
        ends.append(np.where(open_, 0.0 if side > 0 else np.inf, np.exp(inside)))
    return ends[0], ends[1]


def shifted_share(p: Floats, psi: float) -> Floats:
    """The candidate's share when the odds of each unit to be its are ``psi`` times what they should be."""
    return divide(p * psi, 1.0 - p + p * psi)
