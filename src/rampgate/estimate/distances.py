"""How far a distribution is from a reference, from counts in fixed bins; bins stand on the last axis.

A distance grows with noise as samples shrink, so each comes with what noise alone would make of it: `psi_noise`,
`jensen_shannon_noise`, `kolmogorov_smirnov_noise` and `wasserstein_noise` say what it passes once in so many windows in
which nothing moved.

References
----------
Kullback and Leibler 1951; Siddiqi 2006 (population stability index). Yurdakul and Naranjo 2020 (its distribution).
Lin 1991, Endres and Schindelin 2003 (Jensen-Shannon). Massart 1990 (Kolmogorov-Smirnov). del Barrio, Gine and Matran
1999 (Wasserstein-1). Pearson 1900.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.distributions import chi_square_p, normal_quantile

#: A bin that is empty in one of the samples counts as this many units there, so that a distance stays finite.
EMPTY = 0.5


class Interval(NamedTuple):
    """Both ends, of the shape of the distance."""

    lower: Floats
    upper: Floats


class Test(NamedTuple):
    """A statistic with its p-value; NaN where there is nothing to test."""

    statistic: float
    p_value: float


def shares(counts: Floats) -> Floats:
    """Counts as shares of their sum, NaN where there are none."""
    total = counts.sum(-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > 0, counts / total, np.nan))


def _filled(reference: Floats, current: Floats) -> tuple[Floats, Floats]:
    """Shares in which no bin is empty on one side alone."""
    reference, current = np.broadcast_arrays(np.asarray(reference, dtype=float), np.asarray(current, dtype=float))
    some = (reference > 0) | (current > 0)
    known = (reference.sum(-1, keepdims=True) > 0) & (current.sum(-1, keepdims=True) > 0)
    p, q = (np.where(some & (counts <= 0) & known, EMPTY, counts) for counts in (reference, current))
    return np.where(known, shares(p), np.nan), np.where(known, shares(q), np.nan)


def _log_ratio(p: Floats, q: Floats) -> Floats:
    """``log(q / p)``, 0 where both are 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where((p == 0) & (q == 0), 0.0, np.log(q / p)))


def psi(reference: Floats, current: Floats) -> Floats:
    """Population stability index: ``sum (q - p) log(q / p)`` of the shares p of the reference and q of the window.

    Parameters
    ----------
    reference, current : arrays (..., bin)
        Counts, broadcast. A bin that is empty on one side counts as half a unit there.

    Returns
    -------
    (...), 0 for equal shares, without an upper end; NaN where one of the two has no unit.
    """
    return np.asarray(psi_parts(reference, current).sum(-1))


def psi_parts(reference: Floats, current: Floats) -> Floats:
    """What each bin adds to `psi`, (..., bin)."""
    p, q = _filled(reference, current)
    return np.asarray((q - p) * _log_ratio(p, q))


def psi_expected(reference: Floats, current: Floats) -> Floats:
    """What `psi` comes to on average where nothing moved: ``(k - 1)(1/n + 1/m)``, k the bins that hold something.

    Where the smaller sample has few units in a bin it is a little more.
    """
    freedom = _freedom(reference, current)
    return np.asarray(freedom * _thinness(reference, current) * (1.0 + 0.5 * _sparse(reference, current)))


def psi_interval(reference: Floats, current: Floats, level: float = 0.95) -> Interval:
    """An interval for the distance between what the samples were drawn from.

    Noise adds to the distance about as much as `psi_expected`, which is taken off first. Its variance is that of the
    delta method for two multinomial samples, which vanishes where nothing moved, and with it that of the noise itself,
    ``2 (k - 1)(1/n + 1/m)^2``.

    Parameters
    ----------
    reference, current : arrays (..., bin)
    level : of the interval; both ends are cut at 0
    """
    p, q = _filled(reference, current)
    n, m = (np.asarray(counts, dtype=float).sum(-1) for counts in (reference, current))
    ratio = _log_ratio(p, q)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_p, by_q = (
            np.where(p > 0, 1.0 - q / p, 0.0) - ratio,
            np.where(q > 0, 1.0 - p / q, 0.0) + ratio,
        )
        variance = _spread(p, by_p) / n + _spread(q, by_q) / m
    noise, freedom = psi_expected(reference, current), _freedom(reference, current)
    error = np.sqrt(variance + 2.0 * freedom * _thinness(reference, current) ** 2)
    middle = psi(reference, current) - noise
    reach = normal_quantile(level) * error
    return Interval(np.maximum(middle - reach, 0.0), np.maximum(middle + reach, 0.0))


def _spread(weights: Floats, values: Floats) -> Floats:
    """Variance of values that come with these shares."""
    mean = (weights * values).sum(-1, keepdims=True)
    return np.asarray((weights * (values - mean) ** 2).sum(-1))


def _thinness(reference: Floats, current: Floats) -> Floats:
    """``1/n + 1/m``, NaN without units."""
    with np.errstate(divide="ignore"):
        inverse = [1.0 / np.asarray(counts, dtype=float).sum(-1) for counts in (reference, current)]
    total = inverse[0] + inverse[1]
    return np.asarray(np.where(np.isfinite(total), total, np.nan))


def _freedom(reference: Floats, current: Floats) -> Floats:
    """Bins less one; a bin in which less than one unit is expected counts as that part of a bin."""
    r, c = np.broadcast_arrays(np.asarray(reference, dtype=float), np.asarray(current, dtype=float))
    n, m = (counts.sum(-1, keepdims=True) for counts in (r, c))
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = (r + c) / (n + m) * np.minimum(n, m)
    return np.asarray(np.maximum(np.minimum(np.nan_to_num(expected), 1.0).sum(-1) - 1.0, 0.0))


def psi_noise(reference: Floats, current: Floats, once_in: float) -> Floats:
    """What `psi` passes once in ``once_in`` windows in which nothing moved: ``(1/n + 1/m)`` times a chi-square.

    The logarithm makes the tail heavier where a bin holds few units, which the factor allows for.
    """
    tail = _chi_square(_freedom(reference, current), 1.0 / once_in)
    return np.asarray(_thinness(reference, current) * tail * (1.0 + _sparse(reference, current)))


def _sparse(reference: Floats, current: Floats) -> Floats:
    """Bins per unit of the smaller sample."""
    units = np.minimum(*(np.asarray(counts, dtype=float).sum(-1) for counts in (reference, current)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((_freedom(reference, current) + 1.0) / units)


def jensen_shannon(reference: Floats, current: Floats) -> Floats:
    """Jensen-Shannon distance: the root of the divergence in bits, from 0 to 1.

    Parameters
    ----------
    reference, current : arrays (..., bin)

    Returns
    -------
    (...); NaN where one of the two has no unit.
    """
    p, q = shares(np.asarray(reference, dtype=float)), shares(np.asarray(current, dtype=float))
    middle = 0.5 * (p + q)
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = [np.where(part == 0, 0.0, part * np.log2(part / middle)) for part in (p, q)]
    return np.asarray(np.sqrt(np.maximum(0.5 * (terms[0] + terms[1]).sum(-1), 0.0)))


def jensen_shannon_noise(reference: Floats, current: Floats, once_in: float) -> Floats:
    """What `jensen_shannon` passes about once in ``once_in``: its divergence is an eighth of a small `psi`, in nats.

    Too small where many bins hold less than a unit or two.
    """
    held = (np.asarray(reference) + np.asarray(current) > 0).sum(-1)
    worst = _chi_square(np.maximum(held - 1.0, 0.0), 1.0 / once_in)
    return np.asarray(np.sqrt(_thinness(reference, current) * worst / (8.0 * math.log(2.0))))


def hellinger(reference: Floats, current: Floats) -> Floats:
    """Hellinger distance, from 0 to 1, of arrays (..., bin)."""
    p, q = shares(np.asarray(reference, dtype=float)), shares(np.asarray(current, dtype=float))
    return np.asarray(np.sqrt(0.5 * ((np.sqrt(p) - np.sqrt(q)) ** 2).sum(-1)))


def kolmogorov_smirnov(reference: Floats, current: Floats) -> Floats:
    """Largest difference of the two distribution functions at an end of a bin.

    Exact where each value has a bin of its own; else too small by at most the reference's share in one bin.
    """
    return np.asarray(np.abs(_gap(reference, current)).max(-1))


def _gap(reference: Floats, current: Floats) -> Floats:
    """Distribution function of the window less that of the reference at the end of each bin."""
    parts = (np.cumsum(shares(np.asarray(counts, dtype=float)), -1) for counts in (reference, current))
    first, second = parts
    return np.asarray(second - first)


def kolmogorov_smirnov_p(distance: float, n: float, m: float) -> float:
    """Asymptotic two-sided p-value of a Kolmogorov-Smirnov distance between samples of n and m units."""
    if not (n > 0 and m > 0 and math.isfinite(distance)):
        return math.nan
    x = distance * math.sqrt(n * m / (n + m))
    if x < 0.2:
        return 1.0
    terms = ((-1.0) ** (j - 1) * math.exp(-2.0 * (j * x) ** 2) for j in range(1, 101))
    return min(1.0, max(0.0, 2.0 * math.fsum(terms)))


def kolmogorov_smirnov_noise(reference: Floats, current: Floats, once_in: float) -> Floats:
    """What `kolmogorov_smirnov` passes at most once in ``once_in`` (Massart 1990)."""
    return np.asarray(np.sqrt(0.5 * math.log(2.0 * once_in) * _thinness(reference, current)))


def wasserstein(reference: Floats, current: Floats, centers: Floats) -> Floats:
    """Wasserstein-1 distance: the area between the two distribution functions, in the unit of the values.

    Parameters
    ----------
    reference, current : arrays (..., bin)
    centers : array (bin,)
        What the values of each bin count as, ascending: the reference's mean in it. Exact where each value has a bin of
        its own; what moves within a bin is not seen.
    """
    gap = np.abs(_gap(reference, current)[..., :-1])
    return np.asarray((gap * np.diff(centers)).sum(-1))


def wasserstein_noise(reference: Floats, current: Floats, centers: Floats, once_in: float) -> Floats:
    """What `wasserstein` passes less than once in ``once_in``.

    As if the two functions strayed in step at all values, which makes it larger than it is.
    """
    pooled = np.cumsum(shares(np.asarray(reference, dtype=float) + np.asarray(current, dtype=float)), -1)[..., :-1]
    spread = np.sqrt(np.maximum(pooled * (1.0 - pooled), 0.0))
    reach = normal_quantile(1.0 - 1.0 / once_in)
    return np.asarray(np.sqrt(_thinness(reference, current)) * (spread * np.diff(centers)).sum(-1) * reach)


def chi_square(reference: Floats, current: Floats) -> Test:
    """Pearson's test that both samples, (bin,), come with the same shares; bins that are empty in both are left out."""
    table = np.stack([np.asarray(reference, dtype=float), np.asarray(current, dtype=float)])
    table = table[:, table.sum(0) > 0]
    total = table.sum()
    if total == 0 or (table.sum(1) == 0).any():
        return Test(math.nan, math.nan)
    expected = np.outer(table.sum(1), table.sum(0)) / total
    statistic = float(((table - expected) ** 2 / expected).sum())
    freedom = table.shape[1] - 1
    return Test(statistic, chi_square_p(statistic, freedom) if freedom else 1.0)


def _chi_square(freedom: Floats, tail: float) -> Floats:
    """What a chi-square passes with this probability (Wilson and Hilferty 1931), 0 without degrees of freedom."""
    z = normal_quantile(1.0 - 2.0 * tail)
    df = np.asarray(freedom, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        step = 2.0 / (9.0 * df)
        value = df * np.maximum(1.0 - step + z * np.sqrt(step), 0.0) ** 3
    return np.asarray(np.where(df > 0, value, 0.0))


def mix_part(reference: Floats, current: Floats) -> float:
    """How much of `psi` comes from another mix of segments, the rest being change within them.

    The index is linear in the changes of the shares once their log ratios are known, so Kitagawa's split of each change
    splits it: into the change of a segment's weight times its mean shares, and the change of its shares times its mean
    weight. Either part may be negative.

    Parameters
    ----------
    reference, current : arrays (segment, bin)
        Counts of the same segments; one that is not there on one side has the shares of the other, so all of it is mix.

    References
    ----------
    Kitagawa 1955.
    """
    weights = [np.nan_to_num(shares(counts.sum(-1))) for counts in (reference, current)]
    inside = [shares(counts) for counts in (reference, current)]
    first, second = np.where(np.isnan(inside[0]), inside[1], inside[0]), np.where(np.isnan(inside[1]), *inside)
    mix = ((weights[1] - weights[0])[:, None] * np.nan_to_num(0.5 * (first + second))).sum(0)
    p, q = _filled(reference.sum(0), current.sum(0))
    return float((mix * _log_ratio(p, q)).sum())


class Alarm(NamedTuple):
    """When a window is as far from its reference as few of the reference's own windows are.

    Attributes
    ----------
    spread : (column,), what `psi` comes to between windows beyond the noise of counting
    times : how many times its average a distance must be
    """

    spread: Floats
    times: float

    def level(self, column: int, reference: Floats, current: Floats) -> Floats:
        """The distance at which a window of counts (..., bin) alarms; a window of few units has a heavier tail."""
        usual = self.spread[column] + psi_expected(reference, current)
        return np.asarray(self.times * usual * (1.0 + _sparse(reference, current)))


def alarm(windows: list[Floats], rate: float) -> Alarm:
    """Thresholds that the farthest column of a window passes at a stated rate, from windows in which nothing moved.

    Each window is held against all others. A distance is told in multiples of what it comes to on average in a window
    of its size, so that small and large windows are alike, and a window counts with the column in which it is farthest.
    Of W windows that are alike a further one is beyond the k-th farthest with probability k / (W + 1).

    Parameters
    ----------
    windows : arrays (window, bin) of counts, one per column
    rate : share of the windows that may alarm, at least ``1 / (W + 1)``
    """
    farthest, spreads = np.zeros(len(windows[0])), []
    for counts in windows:
        others = counts.sum(0) - counts
        distance, expected = psi(others, counts), psi_expected(others, counts)
        known = np.isfinite(distance)
        spread = max(0.0, float((distance - expected)[known].mean())) if known.any() else 0.0
        spreads.append(spread)
        with np.errstate(invalid="ignore", divide="ignore"):
            times = distance / (spread + expected)
        farthest = np.fmax(farthest, np.nan_to_num(times))
    place = min(len(farthest), max(1, math.floor(rate * (len(farthest) + 1) + 1e-9)))
    return Alarm(np.array(spreads), float(np.sort(farthest)[-place]))
