"""Percentiles of a magnitude from counts in bins, as they leave the engine.

References
----------
Woodruff 1952 (the interval). Masson, Rim and Lee 2019 (DDSketch: bins of a stated relative error).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rampgate.aggregate.moments import Floats
from rampgate.errors import UsageError
from rampgate.estimate.distributions import normal_quantile
from rampgate.estimate.inputs import counts, numbers, share


@dataclass(frozen=True)
class Quantile:
    """A percentile with its interval.

    Attributes
    ----------
    value, lower, upper : in the unit of the edges; each may be off by its bin
    q, level : which percentile; of the interval
    """

    value: float
    lower: float
    upper: float
    q: float
    level: float


def log_edges(low: float, high: float, error: float = 0.01) -> Floats:
    """Edges of bins from ``low`` to at least ``high`` in which every value is known to within a relative error.

    Parameters
    ----------
    low, high : positive
    error : a; neighbouring edges differ by the factor ``(1 + a) / (1 - a)``, as in DDSketch

    Raises
    ------
    UsageError
        When ``low`` is not positive and below ``high``, or the error not between 0 and 1.

    Examples
    --------
    >>> from rampgate.estimate import log_edges
    >>> log_edges(1, 8, error=1 / 3).round(6).tolist()
    [1.0, 2.0, 4.0, 8.0]
    """
    if not 0 < low < high < math.inf:
        raise UsageError(f"{low!r} to {high!r} is no range of positive numbers", where="low, high")
    step = 2.0 * math.atanh(share(error, "error"))
    bins = math.ceil(math.log(high / low) / step - 1e-9)
    return np.asarray(low * np.exp(step * np.arange(bins + 1)))


def quantile(units: ArrayLike, edges: ArrayLike, q: float, *, level: float = 0.95) -> Quantile:
    """A percentile from a histogram, with Woodruff's interval.

    Parameters
    ----------
    units : array (bin,)
        Units in each bin ``(edge, next edge]``.
    edges : array (bin + 1,), ascending
    q : 0.9 for the 90th percentile
    level : of the interval

    Returns
    -------
    Quantile : where the share of units reaches q, and ``q -+ z sqrt(q (1 - q) / n)`` for the interval. Within a bin
        units are spread evenly, on the logarithm's scale where both edges are positive.

    Raises
    ------
    UsageError
        When there is no unit, a count is negative, or the edges do not ascend or not enclose the bins.

    Examples
    --------
    >>> from rampgate.estimate import quantile
    >>> found = quantile([50, 30, 15, 5], [1, 2, 4, 8, 16], 0.9)
    >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3)
    (6.35, 4.839, 9.038)
    """
    n, ends = counts(units, "units"), numbers(edges, "edges")
    if n.ndim != 1 or ends.shape != (n.size + 1,) or not (np.diff(ends) > 0).all():
        raise UsageError(f"{ends.size} edges do not ascend or not enclose {n.size} bins", where="edges")
    total = float(n.sum())
    if not total > 0:
        raise UsageError("there is no unit", where="units")
    half = normal_quantile(share(level, "level")) * math.sqrt(share(q, "q") * (1.0 - q) / total)
    value, lower, upper = (_reached(n, ends, min(max(p, 0.0), 1.0) * total) for p in (q, q - half, q + half))
    return Quantile(value, lower, upper, q, level)


def _reached(n: Floats, edges: Floats, units: float) -> float:
    """Where the count from below reaches a number of units."""
    below = np.concatenate([[0.0], np.cumsum(n)])
    filled = np.flatnonzero(n > 0)
    at = int(filled[min(int(np.searchsorted(below[filled + 1], units)), len(filled) - 1)])
    part = min(max(float((units - below[at]) / n[at]), 0.0), 1.0)
    low, high = float(edges[at]), float(edges[at + 1])
    return low * math.pow(high / low, part) if low > 0 else low + part * (high - low)
