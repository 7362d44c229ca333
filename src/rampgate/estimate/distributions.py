"""Normal, t, chi-square and binomial probabilities from the standard library, so that an estimate needs no SciPy.

References
----------
Hill 1970, CACM 13, algorithm 395 (t). Press et al. 2007, section 6.4 (incomplete beta). Abramowitz and Stegun 1964,
26.4 (chi-square with whole degrees of freedom). Clopper and Pearson 1934 (the interval of a share).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from rampgate.aggregate.moments import Floats

#: From here on Hill's expansion has more digits than the continued fraction.
_MANY = 5e3
#: From here on what Hill's expansion says is near enough to begin with.
_SOME = 50.0
_TINY = 1e-300


def normal_quantile(level: float) -> float:
    """Z with ``P(|Z| <= z) = level``, level in (0, 1)."""
    return -NormalDist().inv_cdf((1.0 - level) / 2.0)


def normal_p(z: ArrayLike) -> Floats:
    """``P(|Z| >= |z|)``, two-sided, of any shape; 1 at 0 and 0 at infinity."""
    return np.asarray(_each_normal(np.abs(np.asarray(z, dtype=float))))


def t_p(t: ArrayLike, df: ArrayLike) -> Floats:
    """``P(|T| >= |t|)``, two-sided, df > 0, broadcast."""
    return np.asarray(_each_t(np.abs(np.asarray(t, dtype=float)), np.asarray(df, dtype=float)))


def t_quantile(level: float, df: ArrayLike) -> Floats:
    """T with ``P(|T| <= t) = level``, of the shape of df."""
    degrees = np.asarray(df, dtype=float)
    out, many = np.empty(degrees.shape), degrees >= _MANY
    out[many] = _quantile_of_many(normal_quantile(level), degrees[many])
    out[~many] = _each_quantile(1.0 - level, degrees[~many])
    return out


def chi_square_p(statistic: float, df: int) -> float:
    """``P(X >= statistic)`` for a whole number of degrees of freedom: a finite sum of positive terms."""
    half = statistic / 2.0
    if half <= 0:
        return 1.0
    a = 0.5 if df % 2 else 1.0
    total = math.erfc(math.sqrt(half)) if df % 2 else math.exp(-half)
    while a < df / 2.0:
        total += math.exp(a * math.log(half) - half - math.lgamma(a + 1.0))
        a += 1.0
    return min(1.0, total)


def share_interval(count: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson): it covers at the level or above, whatever the share.

    Parameters
    ----------
    count : how many, of ``of`` units that are independent
    of : 0 gives 0 and 1
    level : of the interval
    """
    tail = (1.0 - level) / 2.0
    low = 0.0 if count == 0 else _beta_quantile(tail, count, of - count + 1)
    high = 1.0 if count == of else _beta_quantile(1.0 - tail, count + 1, of - count)
    return low, high


def _beta_quantile(p: float, a: int, b: int) -> float:
    """Where the beta distribution has the probability p below, by halving."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if _incomplete_beta(a, b, middle, 1.0 - middle) < p else (low, middle)
    return 0.5 * (low + high)


def _normal_p(z: float) -> float:
    return math.erfc(z / math.sqrt(2.0))


def _t_p(t: float, df: float) -> float:
    if t == 0.0 or math.isinf(t):
        return float(t == 0.0)
    if df >= _MANY:
        return _normal_p(_normal_of_t(t, df))
    x = df / (df + t * t)
    return _incomplete_beta(0.5 * df, 0.5, x, t * t / (df + t * t))


def _normal_of_t(t: float, df: float) -> float:
    """The normal deviate with the same tail, by Hill's expansion."""
    a = df - 0.5
    b = 48.0 * a * a
    y = a * math.log1p(t * t / df)
    inner = (((-0.4 * y - 3.3) * y - 24.0) * y - 85.5) / (0.8 * y * y + 100.0 + b)
    return ((inner + y + 3.0) / b + 1.0) * math.sqrt(y)


def _incomplete_beta(a: float, b: float, x: float, y: float) -> float:
    """The regularised incomplete beta function I_x(a, b), ``y = 1 - x`` given without cancellation."""
    if x <= 0.0 or y <= 0.0:
        return 0.0 if x <= 0.0 else 1.0
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(scale + a * math.log(x) + b * math.log(y))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, y) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0)),
        ):
            d = 1.0 / _away(1.0 + step * d)
            c = _away(1.0 + step / c)
            value *= d * c
        if abs(d * c - 1.0) < 3e-16:
            break
    return value


def _away(value: float) -> float:
    """The value, or a tiny one in the place of 0."""
    return value if abs(value) > _TINY else _TINY


def _quantile_of_many(z: float, df: Floats) -> Floats:
    """The inverse of `_normal_of_t` at z, which t over its deviate takes hardly any steps to."""
    t = np.full(df.shape, z)
    a = df - 0.5
    b = 48.0 * a * a
    for _ in range(200):
        y = a * np.log1p(t * t / df)
        inner = (((-0.4 * y - 3.3) * y - 24.0) * y - 85.5) / (0.8 * y * y + 100.0 + b)
        after = t * (z / (((inner + y + 3.0) / b + 1.0) * np.sqrt(y)))
        if np.all(np.abs(after - t) <= 2e-16 * t):
            break
        t = after
    return np.asarray(t)


def _t_quantile(tail: float, df: float) -> float:
    """Where the two-sided tail is as given: Newton's steps, and halves where they lead out of the bracket."""
    low, high, at = 0.0, 2.0, math.inf
    if df > _SOME:
        at = float(_quantile_of_many(normal_quantile(1.0 - tail), np.array([df]))[0])
    if math.isfinite(at):
        high = math.inf
    else:
        while _t_p(high, df) > tail and high < 1e300:
            low, high = high, 2.0 * high
        at = 0.5 * (low + high)
    scale = 2.0 * math.exp(math.lgamma(0.5 * (df + 1.0)) - math.lgamma(0.5 * df)) / math.sqrt(df * math.pi)
    for _ in range(200):
        above = _t_p(at, df) - tail
        low, high = (at, high) if above > 0 else (low, at)
        slope = scale * math.exp(-0.5 * (df + 1.0) * math.log1p(at * at / df))
        step = at + above / slope if slope > 0 else high
        # Each step doubles the digits: after one so short there are as many as the tail itself has.
        if abs(step - at) <= 1e-9 * at:
            return step
        middle = step if low < step < high else 0.5 * (low + min(high, 4.0 * at))
        if middle in (low, high):
            break
        at = middle
    return at


_each_normal = np.vectorize(_normal_p, otypes=[float])
_each_t = np.vectorize(_t_p, otypes=[float])
_each_quantile = np.vectorize(_t_quantile, otypes=[float])
