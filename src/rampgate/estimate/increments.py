"""Log-increments whose exponential has mean at most 1 under the null.

Every kind is linear in the period's statistics, ``inc = gain * s - cost * v``, so that an interval,
which asks for the same process at many margins, computes the coefficients once.

References
----------
Bennett 1962; Howard, Ramdas, McAuliffe and Sekhon 2020 (exponential supermartingales).
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from rampgate.aggregate.moments import Floats

GRID_SIZE = 10
#: exp(500) is finite; beyond it a bet is hopeless anyway and only its sign matters.
LARGEST_EXPONENT = 500.0


def effect_grid(size: int = GRID_SIZE) -> Floats:
    """Quantiles of a normal N(1, 1/4) truncated to positive values, shape (size,).

    Multiplied by ``mu = expect / sigma^2`` they are the bets lambda. The truncation makes the test one-sided:
    with a negative lambda a candidate *better* than tolerated would be evidence of harm.
    """
    normal = NormalDist()
    below = normal.cdf(-2.0)
    levels = (np.arange(size) + 0.5) / size
    return np.array([1.0 + 0.5 * normal.inv_cdf(below + u * (1.0 - below)) for u in levels])


def bennett_cost(bets: Floats, bound: Floats) -> Floats:
    """Cost per unit of variance of a bounded increment: ``(exp(lambda c) - 1 - lambda c) / c^2``.

    Parameters
    ----------
    bets : lambda, (..., grid)
    bound : c, the largest single deviation that enters s, broadcastable to ``bets``
    """
    x = np.asarray(np.minimum(bets * bound, LARGEST_EXPONENT))
    small = x < 1e-4
    ratio = np.array(np.expm1(x))
    ratio -= x
    np.divide(ratio, x * x, out=ratio, where=~small)
    # expm1(x) - x loses all digits for small x; its series does not.
    least = x[small]
    ratio[small] = 0.5 + least / 6.0 + least * least / 24.0
    return np.asarray(bets * bets * ratio)


def gaussian_cost(bets: Floats) -> Floats:
    """Cost per unit of variance of a Gaussian increment: ``lambda^2 / 2``."""
    return 0.5 * bets * bets
