"""What a fixed-sample comparison of two arms gives, absolute and relative, and how it is worked out.

These intervals hold for one look that was planned in advance. Whoever looks again and again takes
`rampgate.estimate.confidence_sequence`, as the gate does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.errors import UsageError
from rampgate.shown import Shown


@dataclass(frozen=True, repr=False)
class Difference(Shown):
    """Candidate against baseline, at one planned look.

    Every number is a float, or an array of the shape of the input.

    Attributes
    ----------
    candidate, baseline
        The value of each arm.
    difference
        ``candidate - baseline``.
    standard_error
        Of the difference; infinite where the data say nothing of it.
    lower, upper
        Interval for the difference.
    statistic
        What the p-value is taken from: z or t, positive where the candidate has more.
    p_value
        Two-sided, against no difference.
    relative, relative_lower, relative_upper
        ``candidate / baseline - 1`` and its interval: every r for which ``candidate - (1 + r) baseline`` is not told
        from 0. So it excludes 0 exactly when the interval for the difference does (an interval on another scale, as
        Katz's, need not), and it is without an end where the baseline itself is not told from 0. Both arms' noise
        counts: dividing the interval for the difference by the baseline's value would leave the baseline's out.
    level
        Of both intervals.
    method
        How they are made.
    """

    candidate: Floats
    baseline: Floats
    difference: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    statistic: Floats
    p_value: Floats
    relative: Floats
    relative_lower: Floats
    relative_upper: Floats
    level: float
    method: str

    def __repr__(self) -> str:
        if np.size(self.difference) != 1:
            return f"{type(self).__name__} of shape {np.shape(self.difference)} ({self.method})"
        difference, lower, upper, p = (
            float(np.squeeze(x)) for x in (self.difference, self.lower, self.upper, self.p_value)
        )
        ratio, low, high = (float(np.squeeze(x)) for x in (self.relative, self.relative_lower, self.relative_upper))
        return (
            f"{type(self).__name__}: {difference:+.4g} ({lower:.4g} to {upper:.4g} at {self.level:.4g}), p = {p:.2g}; "
            f"relative {ratio:+.2%} ({low:.2%} to {high:.2%}); {self.method}"
        )


def relative(part: Floats, whole: Floats) -> Floats:
    """``part / whole - 1``; where ``whole`` is 0: 0 if ``part`` is too, else infinite with the sign of ``part``."""
    zero = whole == 0
    safe = np.where(zero, 1.0, whole)
    # The difference first: 1e9 + 1 over 1e9 keeps its digits.
    return np.where(zero, np.where(part == 0, 0.0, np.copysign(np.inf, part)), (part - whole) / safe)


def standardised(difference: Floats, error: Floats) -> Floats:
    """``difference / error``; 0 where both are 0, infinite where only the error is."""
    safe = np.where(error > 0, error, 1.0)
    return np.where(error > 0, difference / safe, np.where(difference == 0, 0.0, np.copysign(np.inf, difference)))


def around(centre: Floats, error: Floats, critical: Floats) -> tuple[Floats, Floats]:
    """``centre -+ critical error``; where the error is infinite, the whole line."""
    return centre - critical * error, centre + critical * error


def fieller(c: Floats, b: Floats, var_c: Floats, var_b: Floats, critical: Floats) -> tuple[Floats, Floats]:
    """Fieller's interval (1954) for ``c / b - 1``: every r with ``(c - (1 + r) b)^2 <= k^2 (var_c + (1 + r)^2 var_b)``.

    The whole line where ``b`` is not told from 0, as the set is then no interval.
    """
    known = np.isfinite(var_c) & np.isfinite(var_b)
    var_c, var_b = np.where(known, var_c, 0.0), np.where(known, var_b, 0.0)
    k2 = critical**2
    a = b * b - k2 * var_b
    bounded = known & (a > 0)
    safe = np.where(bounded, a, 1.0)
    centre = (c - b) * b + k2 * var_b
    half = critical * np.sqrt(np.maximum(var_c * a + c * c * var_b, 0.0))
    return (
        np.where(bounded, (centre - half) / safe, -np.inf),
        np.where(bounded, (centre + half) / safe, np.inf),
    )


def spreads(s2_c: Floats, n_c: Floats, s2_b: Floats, n_b: Floats) -> tuple[Floats, Floats, Floats]:
    """Variance of each arm's mean, and Welch's degrees of freedom (Satterthwaite 1946).

    An arm of one unit says nothing of its variance and is given the other's; of two such arms it is not known, and
    infinite.

    Raises
    ------
    UsageError
        When an arm has no unit.
    """
    for n, arm in ((n_c, "candidate"), (n_b, "baseline")):
        if (n < 1).any():
            raise UsageError("the arm has no unit", where=arm, remedy="leave out what only one arm has")
    none = (n_c <= 1) & (n_b <= 1)
    s2_c, s2_b = np.where(n_c > 1, s2_c, s2_b), np.where(n_b > 1, s2_b, s2_c)
    var_c, var_b = np.where(none, np.inf, s2_c / n_c), np.where(none, np.inf, s2_b / n_b)
    free_c, free_b = np.maximum(n_c - 1.0, 0.0), np.maximum(n_b - 1.0, 0.0)
    borrowed = (n_c <= 1) | (n_b <= 1)
    total = np.where(none | (var_c + var_b <= 0), 1.0, var_c + var_b)
    part = np.where(none, 0.5, var_c / total)
    slack = part**2 / np.maximum(free_c, 1.0) + (1.0 - part) ** 2 / np.maximum(free_b, 1.0)
    df = np.where(
        borrowed | (var_c + var_b <= 0), np.maximum(free_c + free_b, 1.0), 1.0 / np.where(slack > 0, slack, 1.0)
    )
    return var_c, var_b, df
