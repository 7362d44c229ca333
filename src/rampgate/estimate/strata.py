"""Proportions and hazards compared within strata and added up: days of a ramp, queues, whatever moves both arms.

References
----------
Mantel and Haenszel 1959. Sato, Greenland and Robins 1989 (variance of the risk difference). Greenland and Robins 1985
(of the risk ratio). Cochran 1954. Mantel 1966 and Peto and Peto 1972 (log-rank).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from rampgate.aggregate.moments import Floats
from rampgate.errors import UsageError
from rampgate.estimate.contrast import Proportions, divide
from rampgate.estimate.difference import Difference, relative, standardised
from rampgate.estimate.distributions import normal_p, normal_quantile
from rampgate.estimate.hazard import log_rank_score, ratio_parts
from rampgate.estimate.inputs import arm_counts, counts, share, together, within
from rampgate.estimate.survival import individual
from rampgate.shown import Shown


def mantel_haenszel(
    events_c: ArrayLike, units_c: ArrayLike, events_b: ArrayLike, units_b: ArrayLike, *, level: float = 0.95
) -> Difference:
    """Difference and ratio of two proportions within strata.

    Parameters
    ----------
    events_c, units_c, events_b, units_b : arrays (..., stratum)
        A stratum that lacks one arm weighs nothing.
    level : of the intervals

    Returns
    -------
    Difference : shaped (...), ``sum h (p_c - p_b) / sum h`` with ``h = n_c n_b / (n_c + n_b)``. ``candidate`` and
        ``baseline`` are weighted with the same h, so they subtract. The standard error is Sato's, which holds for few
        large strata and for many small ones. The interval is every margin m that the score
        ``sum h (p_c - p_b - m)``, with its variance under m, does not reject; it has a width also without events. The
        p-value is Cochran, Mantel and Haenszel's without correction. The relative difference is the Mantel-Haenszel
        risk ratio less 1, and its interval Greenland and Robins' on the scale of the logarithm, without an end where
        an arm has no events.

    Raises
    ------
    UsageError
        When no stratum has both arms, there are more events than units, or a count is negative or not finite.

    Examples
    --------
    Two days of a ramp; pooled, the candidate seems better (18 % against 30 %), and it is worse on each:

    >>> from rampgate.estimate import mantel_haenszel
    >>> mantel_haenszel([4, 50], [10, 290], [90, 2], [290, 20])
    Difference: +0.07829 (-0.07812 to 0.1894 at 0.95), p = 0.31; relative +45.61% (-29.03% to 198.74%); Mantel-Haenszel
    """
    (y_c, n_c), (y_b, n_b) = arm_counts(events_c, units_c, "c"), arm_counts(events_b, units_b, "b")
    y_c, n_c, y_b, n_b = (np.atleast_1d(x) for x in together(events_c=y_c, units_c=n_c, events_b=y_b, units_b=n_b))
    z = normal_quantile(share(level, "level"))
    contrast = Proportions(n_c, y_c, n_b, y_b)
    h = contrast.weight
    total = h.sum(-1)
    if not (total > 0).all():
        raise UsageError("no stratum has units of both arms", where="units_c, units_b")
    c, b = ((h * level_).sum(-1) / total for level_ in contrast.levels())
    difference = (h * contrast.effect).sum(-1) / total
    error = np.sqrt(np.maximum(_sato(y_c, n_c, y_b, n_b, difference), 0.0)) / total
    statistic = standardised(difference * total, np.sqrt(log_rank_score(n_c, n_b, y_c, y_b)[1].sum(-1)))
    lower, upper = _score_interval(contrast, difference, z)
    ratio, low, high = _risk_ratio(y_c, n_c, y_b, n_b, z)
    return Difference(
        c[()], b[()], difference[()], error[()], lower[()], upper[()], statistic[()], normal_p(statistic)[()],
        ratio[()], low[()], high[()], level, "Mantel-Haenszel",
    )  # fmt: skip


def _sato(y_c: Floats, n_c: Floats, y_b: Floats, n_b: Floats, difference: Floats) -> Floats:
    """Variance of ``sum h (p_c - p_b)``: ``difference sum P + sum Q`` (Sato, Greenland and Robins 1989)."""
    n = n_c + n_b
    w_c, w_b = divide(n_c, n), divide(n_b, n)
    both = (n_c > 0) & (n_b > 0)
    p = np.where(both, w_c * w_c * y_b - w_b * w_b * y_c + w_c * w_b * (n_b - n_c) / 2.0, 0.0)
    q = np.where(both, divide(y_c * (n_b - y_b) + y_b * (n_c - y_c), 2.0 * n), 0.0)
    return np.asarray(difference * p.sum(-1) + q.sum(-1))


def _score_interval(contrast: Proportions, centre: Floats, z: float) -> tuple[Floats, Floats]:
    """Both ends of ``{m: |sum h (D - m)| <= z sqrt(sum v(m))}``, by halving."""
    h = contrast.weight
    total = h.sum(-1)

    def outside(m: Floats) -> np.ndarray:
        variance = contrast.variance(m[..., None]).sum(-1)
        return np.asarray(np.abs(total * (centre - m)) > z * np.sqrt(variance))

    ends = []
    for limit in (-1.0, 1.0):
        inner, outer = centre, np.full_like(centre, limit)
        for _ in range(60):
            middle = 0.5 * (inner + outer)
            out = outside(middle)
            inner, outer = np.where(out, inner, middle), np.where(out, middle, outer)
        ends.append(outer)
    return ends[0], ends[1]


def _risk_ratio(y_c: Floats, n_c: Floats, y_b: Floats, n_b: Floats, z: float) -> tuple[Floats, Floats, Floats]:
    """The Mantel-Haenszel risk ratio less 1, with Greenland and Robins' interval."""
    n = n_c + n_b
    top, bottom = (part.sum(-1) for part in ratio_parts(n_c, n_b, y_c, y_b))
    spread = divide(n_c * n_b * (y_c + y_b) - y_c * y_b * n, n * n).sum(-1)
    some = (top > 0) & (bottom > 0)
    error = np.sqrt(np.maximum(divide(spread, top * bottom), 0.0))
    centre = np.log(np.where(some, top, 1.0)) - np.log(np.where(some, bottom, 1.0))
    with np.errstate(over="ignore"):
        low, high = np.expm1(centre - z * error), np.expm1(centre + z * error)
    return relative(top, bottom), np.where(some, low, -1.0), np.where(some, high, np.inf)


@dataclass(frozen=True, repr=False)
class LogRank(Shown):
    """Candidate against baseline by the hazard of an event, at one planned look.

    Attributes
    ----------
    observed, expected : events of the candidate, and how many it would have if nothing differed
    variance : of ``observed - expected``
    statistic : z, positive where the candidate has its events sooner; its square is the chi-square
    p_value : two-sided
    hazard_ratio, lower, upper : Peto's one-step estimate ``exp((O - E) / V)`` and its interval; good near 1
    level : of the interval
    """

    observed: float
    expected: float
    variance: float
    statistic: float
    p_value: float
    hazard_ratio: float
    lower: float
    upper: float
    level: float
    method: str = field(default="log-rank")

    def __repr__(self) -> str:
        return (
            f"LogRank: hazard ratio {self.hazard_ratio:.4g} ({self.lower:.4g} to {self.upper:.4g} at {self.level:.4g}),"
            f" chi-square {self.statistic**2:.4g}, p = {self.p_value:.2g}"
        )


def log_rank(
    times_c: ArrayLike,
    observed_c: ArrayLike,
    times_b: ArrayLike,
    observed_b: ArrayLike,
    *,
    strata_c: ArrayLike | None = None,
    strata_b: ArrayLike | None = None,
    level: float = 0.95,
) -> LogRank:
    """Whether one arm has its event sooner, from individual times.

    It asks for the hazard and not for the share: with equal shares resolved in the end, an arm that is slower early has
    less of it.

    Parameters
    ----------
    times_c, observed_c, times_b, observed_b : arrays (unit,)
        Age at the event or when last seen open; 1 where the event was seen, else 0.
    strata_c, strata_b : arrays (unit,) of numbers or text
        Units are compared within a stratum: the day of exposure, where traffic is moved.
    level : of the interval

    Returns
    -------
    LogRank : the sum over ages and strata of ``O - E`` over its hypergeometric variance (Mantel 1966)

    Raises
    ------
    UsageError
        When lengths differ, a time is negative or not finite, or only one arm has strata.

    Examples
    --------
    >>> from rampgate.estimate import log_rank
    >>> log_rank([2, 5, 8, 9, 12], [1, 1, 0, 1, 0], [1, 2, 3, 5, 6], [1, 1, 1, 1, 1])
    LogRank: hazard ratio 0.2141 (0.04252 to 1.078 at 0.95), chi-square 3.493, p = 0.062
    """
    (t_c, d_c) = individual(times_c, observed_c, "times_c", "observed_c")
    (t_b, d_b) = individual(times_b, observed_b, "times_b", "observed_b")
    if (strata_c is None) != (strata_b is None):
        raise UsageError("only one arm has strata", where="strata_c, strata_b")
    labels = []
    for strata, t, name in ((strata_c, t_c, "strata_c"), (strata_b, t_b, "strata_b")):
        label = np.zeros(len(t)) if strata is None else np.asarray(strata)
        if label.shape != t.shape:
            raise UsageError(f"{label.size} strata of {t.size} units", where=name)
        labels.append(label)
    _, place = np.unique(np.concatenate(labels), return_inverse=True)
    ages, age = np.unique(np.concatenate([t_c, t_b]), return_inverse=True)
    shape = (int(place.max(initial=-1)) + 1, len(ages))
    tables = []
    for rows, seen in ((slice(None, len(t_c)), d_c), (slice(len(t_c), None), d_b)):
        events, leaving = np.zeros(shape), np.zeros(shape)
        np.add.at(events, (place[rows], age[rows]), seen)
        np.add.at(leaving, (place[rows], age[rows]), 1.0)
        tables += [events, np.cumsum(leaving[:, ::-1], axis=-1)[:, ::-1]]
    return log_rank_counts(*tables, level=level)


def log_rank_counts(
    events_c: ArrayLike, at_risk_c: ArrayLike, events_b: ArrayLike, at_risk_b: ArrayLike, *, level: float = 0.95
) -> LogRank:
    """The log-rank comparison of counts by age.

    Parameters
    ----------
    events_c, at_risk_c, events_b, at_risk_b : arrays of any one shape
        Events in each bin of age (of each stratum), and units at risk at its beginning.
    level : of the interval

    Returns
    -------
    LogRank : of all bins together

    Raises
    ------
    UsageError
        When there are more events than units at risk, or shapes do not fit.

    Examples
    --------
    >>> from rampgate.estimate import log_rank_counts
    >>> log_rank_counts([40, 25], [100, 50], [30, 20], [100, 60]).expected
    55.45454545454545
    """
    names = ("events_c", "at_risk_c", "events_b", "at_risk_b")
    given = zip(names, (events_c, at_risk_c, events_b, at_risk_b), strict=True)
    d_c, n_c, d_b, n_b = together(**{name: counts(value, name) for name, value in given})
    within(d_c, n_c, ("events_c", "at_risk_c"))
    within(d_b, n_b, ("events_b", "at_risk_b"))
    events = d_c + d_b
    observed, expected = float(d_c.sum()), float((events * divide(n_c, n_c + n_b)).sum())
    variance = float(log_rank_score(n_c, n_b, d_c, d_b)[1].sum())
    # O - E in a form that is exactly 0 where a bin says nothing: one arm alone, or everybody has the event.
    score = float(divide(d_c * n_b - d_b * n_c, n_c + n_b).sum())
    statistic = standardised(np.asarray(score), np.asarray(np.sqrt(variance)))
    z = normal_quantile(share(level, "level"))
    centre, half = (score / variance, z / variance**0.5) if variance > 0 else (0.0, np.inf)
    with np.errstate(over="ignore"):
        ratio, low, high = np.exp([centre, centre - half, centre + half])
    return LogRank(
        observed, expected, variance, float(statistic), float(normal_p(statistic)),
        float(ratio), float(low), float(high), level,
    )  # fmt: skip
