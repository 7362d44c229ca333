"""Two arms at one planned look: proportions, means, ratios of sums, and means adjusted by what was known before.

References
----------
Newcombe 1998 (difference of proportions). Donner and Zou 2012 (their ratio, from the same limits). Katz et al. 1978.
Welch 1947. Fieller 1954. Deng, Knoblich and Lu 2018 (delta method). Deng, Xu, Kohavi and Walker 2013 (CUPED).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from rampgate.aggregate.moments import Floats
from rampgate.errors import UsageError
from rampgate.estimate.contrast import divide
from rampgate.estimate.difference import Difference, around, fieller, relative, spreads, standardised
from rampgate.estimate.distributions import normal_p, normal_quantile, t_p, t_quantile
from rampgate.estimate.inputs import arm_counts, counts, numbers, one_of, share, squarable, together


def two_proportions(
    events_c: ArrayLike,
    units_c: ArrayLike,
    events_b: ArrayLike,
    units_b: ArrayLike,
    *,
    level: float = 0.95,
    interval: Literal["score", "wald"] = "score",
) -> Difference:
    """Difference and ratio of two proportions.

    Parameters
    ----------
    events_c, units_c, events_b, units_b : arrays (...)
        Events and units of candidate and baseline, broadcast.
    level : of the intervals
    interval : what the intervals are made of:
        ``score``: each arm's Wilson limits, combined for the difference (Newcombe 1998, method 10) and for the ratio
        (Donner and Zou 2012). Never empty of width, also without events.
        ``wald``: the textbook's ``z`` standard errors, and for the ratio Katz's on the scale of its logarithm. They
        shrink to nothing where an arm has no events or nothing else.

    Returns
    -------
    Difference : the standard error is ``sqrt(p_c q_c / n_c + p_b q_b / n_b)``; the p-value is that of the pooled z,
        which is Pearson's chi-square without correction.

    Raises
    ------
    UsageError
        When there are more events than units, no units, a negative count, a value that is not finite, or an interval of
        another name.

    Examples
    --------
    >>> from rampgate.estimate import two_proportions
    >>> override = two_proportions(30, 120, 57, 380)
    >>> override
    Difference: +0.1 (0.02063 to 0.1904 at 0.95), p = 0.012; relative +66.67% (12.11% to 143.71%); score
    """
    one_of(interval, ("score", "wald"), "interval")
    (y_c, n_c), (y_b, n_b) = arm_counts(events_c, units_c, "c"), arm_counts(events_b, units_b, "b")
    y_c, n_c, y_b, n_b = together(events_c=y_c, units_c=n_c, events_b=y_b, units_b=n_b)
    for n, arm in ((n_c, "units_c"), (n_b, "units_b")):
        if (n == 0).any():
            raise UsageError("an arm has no units", where=arm, remedy="leave out what only one arm has")
    z = normal_quantile(share(level, "level"))
    c, b = y_c / n_c, y_b / n_b
    q_c, q_b = (n_c - y_c) / n_c, (n_b - y_b) / n_b
    error = np.sqrt(c * q_c / n_c + b * q_b / n_b)
    pooled = (y_c + y_b) / (n_c + n_b)
    none = ((n_c - y_c) + (n_b - y_b)) / (n_c + n_b)
    statistic = standardised(c - b, np.sqrt(pooled * none * (1.0 / n_c + 1.0 / n_b)))
    if interval == "wald":
        ends, relative_ends = around(c - b, error, np.asarray(z)), _katz(y_c, n_c, y_b, n_b, z)
    else:
        limits_c, limits_b = wilson(y_c, n_c, z), wilson(y_b, n_b, z)
        ends, relative_ends = _newcombe(c, limits_c, b, limits_b), _donner_zou(c, limits_c, b, limits_b)
    return Difference(
        c[()], b[()], (c - b)[()], error[()], ends[0][()], ends[1][()], statistic[()], normal_p(statistic)[()],
        relative(c, b)[()], relative_ends[0][()], relative_ends[1][()], level, interval,
    )  # fmt: skip


def wilson(events: Floats, units: Floats, z: float) -> tuple[Floats, Floats]:
    """Wilson's score limits (1927) for a proportion."""
    middle = events + 0.5 * z * z
    half = z * np.sqrt(0.25 * z * z + events * ((units - events) / units))
    low, high = (middle - half) / (units + z * z), (middle + half) / (units + z * z)
    return np.where(events > 0, np.maximum(low, 0.0), 0.0), np.where(events < units, np.minimum(high, 1.0), 1.0)


def _newcombe(
    c: Floats, c_ends: tuple[Floats, Floats], b: Floats, b_ends: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    low = c - b - np.sqrt((c - c_ends[0]) ** 2 + (b_ends[1] - b) ** 2)
    high = c - b + np.sqrt((c_ends[1] - c) ** 2 + (b - b_ends[0]) ** 2)
    return low, high


def _donner_zou(
    c: Floats, c_ends: tuple[Floats, Floats], b: Floats, b_ends: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Limits of ``c / b - 1``: every r - 1 at which Newcombe's interval for ``c - r b`` holds 0."""

    def parts(c_end: Floats, b_end: Floats) -> tuple[Floats, Floats, Floats]:
        a, d = b_end * (2 * b - b_end), c_end * (2 * c - c_end)
        return a, d, c * b + np.sqrt(np.maximum((c * b) ** 2 - a * d, 0.0))

    _, top, bottom = parts(c_ends[0], b_ends[1])
    low = divide(top, bottom)
    bottom, _, top = parts(c_ends[1], b_ends[0])
    high = np.where(b_ends[0] > 0, divide(top, bottom), np.inf)
    return low - 1.0, high - 1.0


def _katz(y_c: Floats, n_c: Floats, y_b: Floats, n_b: Floats, z: float) -> tuple[Floats, Floats]:
    """Katz's interval for ``c / b - 1``; without an end where an arm has no events."""
    some = (y_c > 0) & (y_b > 0)
    safe_c, safe_b = np.where(some, y_c, 1.0), np.where(some, y_b, 1.0)
    error = np.sqrt((n_c - y_c) / n_c / safe_c + (n_b - y_b) / n_b / safe_b)
    centre = np.log(safe_c / n_c) - np.log(safe_b / n_b)
    with np.errstate(over="ignore"):
        low, high = np.expm1(centre - z * error), np.expm1(centre + z * error)
    return np.where(some, low, -1.0), np.where(some, high, np.inf)


@dataclass(frozen=True)
class Sample:
    """One arm of a mean, as it can be kept without its rows.

    Attributes
    ----------
    n : units
    mean : of the values
    variance : ``sum (x - mean)^2 / (n - 1)``; of one unit any number, as it is not used
    """

    n: ArrayLike
    mean: ArrayLike
    variance: ArrayLike

    @classmethod
    def of(cls, values: ArrayLike, name: str = "values") -> Sample:
        """The sample of an array of values, (unit,)."""
        x = numbers(values, name)
        if x.ndim != 1 or x.size == 0:
            raise UsageError(f"values of shape {x.shape} are not one per unit", where=name)
        squarable(x, name)
        return cls(float(x.size), _mean(x), _variance(x))


def _mean(x: Floats) -> float:
    """Mean about the first value, which loses no digits to a large common part."""
    return float(x[0] + (x - x[0]).mean())


def _variance(x: Floats) -> float:
    """``sum (x - mean)^2 / (n - 1)``; 0 of one unit."""
    return float(((squarable(x, "values") - _mean(x)) ** 2).sum()) / max(x.size - 1.0, 1.0)


def _sample(values: Sample | ArrayLike, name: str) -> tuple[Floats, Floats, Floats]:
    """Units, mean and variance, checked."""
    made = values if isinstance(values, Sample) else Sample.of(values, name)
    n, variance = counts(made.n, f"{name}.n"), counts(made.variance, f"{name}.variance")
    return n, numbers(made.mean, f"{name}.mean"), variance


def two_means(candidate: Sample | ArrayLike, baseline: Sample | ArrayLike, *, level: float = 0.95) -> Difference:
    """Difference of two means, with unequal variances (Welch 1947).

    Parameters
    ----------
    candidate, baseline : array (unit,) of values, or a `Sample` with fields of shape (...)
        A winsorised or otherwise bounded value makes the normal approximation good earlier.
    level : of the intervals

    Returns
    -------
    Difference : standard error ``sqrt(s_c^2 / n_c + s_b^2 / n_b)``, t with Satterthwaite's degrees of freedom, for the
        relative difference Fieller's interval with the same t

    Raises
    ------
    UsageError
        When an arm has no unit, or a value is not finite.

    Examples
    --------
    >>> from rampgate.estimate import Sample, two_means
    >>> two_means([3.1, 2.8, 3.9, 3.3], [2.9, 2.5, 3.0, 2.7, 2.6])
    Difference: +0.535 (-0.1624 to 1.232 at 0.95), p = 0.1; relative +19.53% (-5.73% to 46.93%); Welch
    >>> two_means(Sample(n=4, mean=3.275, variance=0.2158333), Sample(5, 2.74, 0.043)).p_value.round(4).item()
    0.0999
    """
    names = ("n_c", "mean_c", "variance_c", "n_b", "mean_b", "variance_b")
    given = (*_sample(candidate, "candidate"), *_sample(baseline, "baseline"))
    n_c, m_c, s_c, n_b, m_b, s_b = together(**dict(zip(names, given, strict=True)))
    var_c, var_b, df = spreads(s_c, n_c, s_b, n_b)
    critical = t_quantile(share(level, "level"), df)
    error = np.sqrt(var_c + var_b)
    statistic = standardised(m_c - m_b, error)
    return _linear((m_c, m_b), (var_c, var_b), critical, (statistic, t_p(statistic, df)), level, "Welch")


def _linear(
    levels: tuple[Floats, Floats],
    variances: tuple[Floats, Floats],
    critical: Floats,
    test: tuple[Floats, Floats],
    level: float,
    method: str,
) -> Difference:
    """A difference of two independent levels whose variances are known or estimated."""
    (c, b), (var_c, var_b) = levels, variances
    error = np.sqrt(var_c + var_b)
    low, high = around(c - b, error, critical)
    ends = fieller(c, b, var_c, var_b, critical)
    return Difference(
        c[()], b[()], (c - b)[()], error[()], low[()], high[()], test[0][()], test[1][()],
        relative(c, b)[()], ends[0][()], ends[1][()], level, method,
    )  # fmt: skip


def ratio(
    numerator_c: ArrayLike,
    denominator_c: ArrayLike,
    numerator_b: ArrayLike,
    denominator_b: ArrayLike,
    *,
    level: float = 0.95,
) -> Difference:
    """Difference of two ratios of sums, ``sum(y) / sum(x)``, units being independent and not the parts of a unit.

    Parameters
    ----------
    numerator_c, denominator_c : arrays (unit,) of the candidate's units
    numerator_b, denominator_b : arrays (unit,) of the baseline's
    level : of the intervals

    Returns
    -------
    Difference : the variance of an arm's ratio R by the delta method, ``var(y - R x) / (n mean(x)^2)`` (Deng, Knoblich
        and Lu 2018), normal quantiles, for the relative difference Fieller's interval

    Raises
    ------
    UsageError
        When lengths differ, a value is not finite, or an arm's denominators do not sum to more than 0.

    Examples
    --------
    Correct escalations over escalations, per analyst:

    >>> from rampgate.estimate import ratio
    >>> ratio([3, 5, 2, 4], [4, 5, 4, 6], [8, 9, 7, 9, 6], [9, 10, 9, 9, 8])
    Difference: -0.1298 (-0.3471 to 0.08745 at 0.95), p = 0.24; relative -14.98% (-38.80% to 10.52%); delta
    """
    parts = []
    for top, bottom, arm in ((numerator_c, denominator_c, "c"), (numerator_b, denominator_b, "b")):
        y, x = numbers(top, f"numerator_{arm}"), numbers(bottom, f"denominator_{arm}")
        if y.ndim != 1 or y.shape != x.shape or y.size == 0:
            raise UsageError(f"{y.size} numerators and {x.size} denominators are not one each per unit", where=arm)
        if not x.sum() > 0:
            raise UsageError(f"the denominators sum to {x.sum():g}", where=f"denominator_{arm}")
        level_ = float(y.sum() / x.sum())
        parts.append([np.asarray(v) for v in (level_, _variance((y - level_ * x) / _mean(x)), float(y.size))])
    (r_c, s_c, n_c), (r_b, s_b, n_b) = parts
    var_c, var_b, _ = spreads(s_c, n_c, s_b, n_b)
    statistic = standardised(r_c - r_b, np.sqrt(var_c + var_b))
    z = np.asarray(normal_quantile(share(level, "level")))
    return _linear((r_c, r_b), (var_c, var_b), z, (statistic, normal_p(statistic)), level, "delta")


@dataclass(frozen=True, repr=False)
class Adjusted(Difference):
    """A difference of means after what units were like before is taken out.

    Attributes
    ----------
    slope : theta, the slope of the outcome on the covariate within the arms
    reduction : the share of the variance of the difference that is gone; negative where the covariate only adds noise
    """

    slope: float = 0.0
    reduction: float = 0.0


def cuped(
    outcome_c: ArrayLike, before_c: ArrayLike, outcome_b: ArrayLike, before_b: ArrayLike, *, level: float = 0.95
) -> Adjusted:
    """Difference of two means, adjusted by a covariate known before the arms were (Deng et al. 2013).

    Parameters
    ----------
    outcome_c, before_c : arrays (unit,) of the candidate's units
    outcome_b, before_b : arrays (unit,) of the baseline's
        The covariate must not be touched by the version that handles the unit, or the effect itself is taken out.
    level : of the intervals

    Returns
    -------
    Adjusted : Welch's comparison of ``y - theta (x - mean x)``, the mean over both arms, theta the pooled slope within
        the arms. The difference is the coefficient of the arm in ordinary least squares on arm and covariate.

    Raises
    ------
    UsageError
        When lengths differ, an arm has no unit, or a value is not finite.

    Examples
    --------
    >>> from rampgate.estimate import cuped
    >>> now = cuped([5.2, 7.9, 6.1, 9.4], [5, 8, 6, 9], [4.6, 8.8, 6.7, 5.5], [5, 9, 7, 6])
    >>> now
    Adjusted: +0.49 (0.1765 to 0.8035 at 0.95), p = 0.013; relative +7.50% (2.69% to 12.39%); CUPED
    >>> round(now.slope, 3), round(now.reduction, 3)
    (1.04, 0.993)
    """
    arms = []
    for outcome, before, arm in ((outcome_c, before_c, "c"), (outcome_b, before_b, "b")):
        y, x = numbers(outcome, f"outcome_{arm}"), numbers(before, f"before_{arm}")
        if y.ndim != 1 or y.shape != x.shape or y.size == 0:
            raise UsageError(f"{y.size} outcomes and {x.size} covariates are not one each per unit", where=arm)
        squarable(y, f"outcome_{arm}"), squarable(x, f"before_{arm}")
        arms.append((y, x, y - _mean(y), x - _mean(x)))
    squares = sum(float(x @ x) for *_, x in arms)
    slope = sum(float(y @ x) for _, _, y, x in arms) / squares if squares > 0 else 0.0
    centre = _mean(np.concatenate([x for _, x, _, _ in arms]))
    adjusted = [y - slope * (x - centre) for y, x, _, _ in arms]
    plain, found = two_means(arms[0][0], arms[1][0], level=level), two_means(*adjusted, level=level)
    before_, after = float(plain.standard_error) ** 2, float(found.standard_error) ** 2
    reduction = 1.0 - after / before_ if 0 < before_ < np.inf else 0.0
    values = {name: getattr(found, name) for name in Difference.__dataclass_fields__}
    return Adjusted(**{**values, "method": "CUPED"}, slope=slope, reduction=reduction)
