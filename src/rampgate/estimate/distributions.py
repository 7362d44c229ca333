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
#: From here on it is near enough to begin with.
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
    t, df = np.broadcast_arrays(np.abs(np.asarray(t, dtype=float)), np.asarray(df, dtype=float))
    out = np.where(t == 0.0, 1.0, np.where(np.isnan(t * df), np.nan, 0.0))
    inside = (t > 0.0) & (t < np.inf)
    many = inside & (df >= _MANY)
    few = inside & (df < _MANY)
    out[many] = _each_normal(_normal_of_t(t[many], df[many]))
    out[few] = _tail(t[few], df[few])
    return np.asarray(out)


def t_quantile(level: float, df: ArrayLike) -> Floats:
    """T with ``P(|T| <= t) = level``, of the shape of df."""
    degrees = np.asarray(df, dtype=float)
    out, many = np.empty(degrees.shape), degrees >= _MANY
    out[many] = _quantile_of_many(normal_quantile(level), degrees[many])
    out[~many] = _quantile_of_few(1.0 - level, degrees[~many])
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
    low, high, first = 0.0, 1.0, np.array([float(a)])
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        at = np.array([middle])
        low, high = (middle, high) if _incomplete_beta(first, float(b), at, 1.0 - at)[0] < p else (low, middle)
    return 0.5 * (low + high)


def _normal_p(z: float) -> float:
    return math.erfc(z / math.sqrt(2.0))


def _tail(t: Floats, df: Floats) -> Floats:
    """Two-sided tail of t in (0, infinity), by the incomplete beta function."""
    square = t * t
    return _incomplete_beta(0.5 * df, 0.5, df / (df + square), square / (df + square))


def _normal_of_t(t: Floats, df: Floats) -> Floats:
    """The normal deviate with the same tail, by Hill's expansion."""
    a = df - 0.5
    b = 48.0 * a * a
    y = a * np.log1p(t * t / df)
    inner = (((-0.4 * y - 3.3) * y - 24.0) * y - 85.5) / (0.8 * y * y + 100.0 + b)
    return np.asarray(((inner + y + 3.0) / b + 1.0) * np.sqrt(y))


def _incomplete_beta(a: Floats, b: float, x: Floats, y: Floats) -> Floats:
    """The regularised incomplete beta function I_x(a, b), ``y = 1 - x`` given without cancellation."""
    scale = np.array([math.lgamma(one + b) - math.lgamma(one) - math.lgamma(b) for one in a.tolist()])
    with np.errstate(divide="ignore", under="ignore"):
        front = np.exp(scale + a * np.log(x) + b * np.log(y))
    direct = x < (a + 1.0) / (a + b + 2.0)
    out = np.empty(x.shape)
    first, other = ~direct, direct
    out[other] = front[other] * _fraction(a[other], np.full(other.sum(), b), x[other]) / a[other]
    out[first] = 1.0 - front[first] * _fraction(np.full(first.sum(), b), a[first], y[first]) / b
    return np.where(x <= 0.0, 0.0, np.where(y <= 0.0, 1.0, out))


def _fraction(a: Floats, b: Floats, x: Floats) -> Floats:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = np.ones(x.shape), 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    value, going = d.copy(), np.ones(x.shape, dtype=bool)
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0)),
        ):
            d = 1.0 / _away(1.0 + step * d)
            c = _away(1.0 + step / c)
            value[going] *= (d * c)[going]
        going &= np.abs(d * c - 1.0) > 1e-15
        if not going.any():
            break
    return np.asarray(value)


def _away(value: Floats) -> Floats:
    """The value, or a tiny one in the place of 0."""
    return np.where(np.abs(value) > _TINY, value, _TINY)


def _quantile_of_many(z: float, df: Floats) -> Floats:
    """The inverse of `_normal_of_t` at z, which t over its deviate takes hardly any steps to."""
    t = np.full(df.shape, z)
    for _ in range(200):
        after = t * (z / _normal_of_t(t, df))
        if np.all(np.abs(after - t) <= 2e-16 * t):
            break
        t = after
    return t


def _quantile_of_few(tail: float, df: Floats) -> Floats:
    """Where the two-sided tail is as given: Newton's steps, and halves where they lead out of the bracket."""
    near = df > _SOME
    guess = _quantile_of_many(normal_quantile(1.0 - tail), df[near])
    # Where the expansion says nearly what is sought, a bracket of a millionth about it holds that.
    low, high = np.zeros(df.shape), np.full(df.shape, 2.0)
    high[near] = np.where(np.isfinite(guess), guess * 1.000001, 2.0)
    while np.any(wide := (_tail(high, df) > tail) & (high < 1e150)):
        low, high = np.where(wide, high, low), np.where(wide, 2.0 * high, high)
    gammas = [2.0 * math.exp(math.lgamma(0.5 * (one + 1.0)) - math.lgamma(0.5 * one)) for one in df.tolist()]
    scale = np.array(gammas) / np.sqrt(df * math.pi)
    at = np.where(near, high, 0.5 * (low + high))
    for _ in range(200):
        above = _tail(at, df) - tail
        low, high = np.where(above > 0, at, low), np.where(above > 0, high, at)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            step = at + above / (scale * np.exp(-0.5 * (df + 1.0) * np.log1p(at * at / df)))
        inside = (low < step) & (step < high)
        # Each step doubles the digits: after one so short there are as many as the tail itself has.
        close = np.abs(step - at) <= 1e-9 * at
        middle = 0.5 * (low + high)
        after = np.where(inside | close, step, middle)
        if np.all(close | (after == low) | (after == high)):
            return np.asarray(after)
        at = after
    return np.asarray(at)


_each_normal = np.vectorize(_normal_p, otypes=[float])
