"""Evidence that may be looked at any time, from plain counts per period: the gate's own, without a policy.

Nothing is computed here a second time: contrasts, bets, increments, recursion and intervals are those that decide a
rollout.

References
----------
Howard, Ramdas, McAuliffe and Sekhon 2021. Ramdas, Grünwald, Vovk and Shafer 2023. Lindon and Malek 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from rampgate.aggregate.moments import Floats
from rampgate.errors import UsageError
from rampgate.estimate import interval as sequences
from rampgate.estimate.contrast import Proportions
from rampgate.estimate.counts import RARE, SPLIT, count_increments, rare_share
from rampgate.estimate.distributions import chi_square_p
from rampgate.estimate.evidence import log_evidence, onset_prior
from rampgate.estimate.inputs import Days, arm_counts, counts, local_days, numbers, one_of, real, share, together
from rampgate.estimate.interval import log_increments
from rampgate.estimate.reference import effect_bets, scale, usual_effect
from rampgate.shown import Shown


@dataclass(frozen=True, repr=False)
class Evidence(Shown):
    """An e-process: how many times the stake of 1 a fixed bet against "no harm" has grown to.

    Under the null it reaches ``1 / alpha`` at any period with a chance of at most alpha (Ville), so one may look after
    every period and stop at will.

    Attributes
    ----------
    log_e : float array (..., period)
        Natural logarithm of the e-value after each period.
    null : what the evidence is against
    """

    log_e: Floats
    null: str

    @property
    def e_value(self) -> Floats:
        """The e-value after each period, (..., period); infinite beyond 1e308, where ``log_e`` still tells."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.log_e))

    @property
    def p_value(self) -> Floats:
        """The p-value that holds at any time, (..., period): ``min(1, 1 / largest e-value so far)``."""
        return np.asarray(np.exp(-np.maximum(np.maximum.accumulate(self.log_e, axis=-1), 0.0)))

    def __repr__(self) -> str:
        if self.log_e.ndim != 1 or not self.log_e.size:
            return f"{type(self).__name__} of shape {self.log_e.shape} against {self.null!r}"
        return (
            f"{type(self).__name__} against {self.null!r} after {self.log_e.size} periods: "
            f"e = {float(self.e_value[-1]):.4g}, p = {float(self.p_value[-1]):.2g} at any time"
        )


@dataclass(frozen=True, repr=False)
class ConfidenceSequence(Shown):
    """Intervals that hold together at every period.

    Attributes
    ----------
    difference, lower, upper : float arrays (..., period)
        Candidate minus baseline from all periods so far, each compared within its period. NaN until both arms have
        had units in one period; -1 and 1 where nothing is excluded.
    level : the chance that all intervals hold the truth
    """

    difference: Floats
    lower: Floats
    upper: Floats
    level: float

    def __repr__(self) -> str:
        if self.difference.ndim != 1 or not self.difference.size:
            return f"{type(self).__name__} of shape {self.difference.shape} at {self.level:.4g}"
        last = (float(x[-1]) for x in (self.difference, self.lower, self.upper))
        text = "{:+.4g} ({:.4g} to {:.4g} at {level:.4g})".format(*last, level=self.level)
        return f"{type(self).__name__} after {self.difference.size} periods: {text}"


def _periods(events_c: ArrayLike, units_c: ArrayLike, events_b: ArrayLike, units_b: ArrayLike) -> Proportions:
    """Counts per period as the contrast that the gate makes of them."""
    (y_c, n_c), (y_b, n_b) = arm_counts(events_c, units_c, "c"), arm_counts(events_b, units_b, "b")
    y_c, n_c, y_b, n_b = together(events_c=y_c, units_c=n_c, events_b=y_b, units_b=n_b)
    if y_c.ndim == 0:
        raise UsageError("there is no axis of periods", where="events_c", remedy="pass one count per period")
    return Proportions(n_c, y_c, n_b, y_b)


#: Beyond it a margin on a rate is a mistake.
MOST_FREQUENT = 1e6
_POINTS = "write 0.02 for 2 points"


def _of_history(history: tuple[float, float]) -> tuple[list[float], list[float]]:
    """Events and units before the first period, each as one stratum."""
    try:
        events, units = history
    except (TypeError, ValueError):
        raise UsageError(
            f"{history!r} is not a pair", where="history", remedy="write history=(events, units) of the baseline"
        ) from None
    return [events], [units]


def _bets(run: Proportions, expect: float | None, history: tuple[float, float] | None) -> Floats:
    """Bets as the gate makes them: from the baseline's history, or from the run's first hundred units."""
    past_y, past_n = arm_counts([], [], "b") if history is None else arm_counts(*_of_history(history), "b")
    none = np.zeros_like(past_n)
    known = scale(Proportions(none, none, past_n, past_y), run, 1.0)
    if expect is not None and not 0.0 < real(expect, "expect", _POINTS) <= 1.0:
        raise UsageError(f"{expect!r} is no difference of proportions", where="expect", remedy=_POINTS)
    return effect_bets(known, usual_effect(known) if expect is None else np.asarray(expect), 1.0)


def _prior(periods: int, days: Days | None) -> Floats:
    """Weights of the onsets; periods without dates are consecutive days."""
    first = date(2001, 1, 1)
    days = [first + timedelta(days=t) for t in range(periods)] if days is None else local_days(days, "days")
    if len(days) != periods or days != sorted(days):
        raise UsageError(f"{len(days)} days of {periods} periods, or days out of order", where="days")
    return onset_prior(days, days[0]) if periods else np.zeros(0)


def evidence(
    events_c: ArrayLike,
    units_c: ArrayLike,
    events_b: ArrayLike,
    units_b: ArrayLike,
    *,
    worse_by: float = 0.0,
    expect: float | None = None,
    better: Literal["lower", "higher"] = "lower",
    history: tuple[float, float] | None = None,
    days: Days | None = None,
) -> Evidence:
    """Evidence that the candidate's proportion is worse than the baseline's by more than a margin.

    Parameters
    ----------
    events_c, units_c, events_b, units_b : arrays (..., period)
        Each period is compared within itself; one that lacks an arm says nothing.
    worse_by : the largest harm tolerated, 0.01 being one point
    expect : the harm beyond it that is to be caught; 0.2 standard deviations of a unit when left out
    better : whether fewer events are better, or more
    history : the baseline's (events, units) before the first period, which set the scale of the bets; without it the
        first 100 units do
    days : local dates of the periods, ascending, also as numpy's datetime64; consecutive days when left out. Harm may
        begin in any week.

    Returns
    -------
    Evidence : bounded (Bennett) increments in the recursion over onsets (the page "Evidence and budgets")

    Raises
    ------
    UsageError
        When there are more events than units, a count is negative or not finite, or lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> from rampgate.estimate import evidence
    >>> units_c, units_b = np.full(28, 60), np.full(28, 240)
    >>> evidence(np.full(28, 12), units_c, np.full(28, 24), units_b, expect=0.04, history=(300, 3000))
    Evidence against 'worse by at most 0' after 28 periods: e = 1.379e+20, p = 7.3e-21 at any time
    """
    run = _periods(events_c, units_c, events_b, units_b)
    if not -1.0 < real(worse_by, "worse_by", _POINTS) < 1.0:
        raise UsageError(f"{worse_by!r} is no difference of proportions", where="worse_by", remedy=_POINTS)
    one_of(better, ("lower", "higher"), "better")
    run = Proportions(run.n_c, run.y_c, run.n_b, run.y_b, sign=1 if better == "lower" else -1)
    increments = log_increments(run, worse_by, _bets(run, expect, history))
    return Evidence(log_evidence(increments, _prior(run.n_c.shape[-1], days)), f"worse by at most {worse_by:g}")


def rare_evidence(
    events_c: ArrayLike,
    units_c: ArrayLike,
    events_b: ArrayLike,
    units_b: ArrayLike,
    *,
    worse_by: float = 0.0,
    days: Days | None = None,
) -> Evidence:
    """Evidence that a rare event is more frequent in the candidate by more than a share; the choice below 2 %.

    Parameters
    ----------
    events_c, units_c, events_b, units_b : arrays (..., period)
        *Units with at least one event*, never events: these come in bursts.
    worse_by : the largest relative harm tolerated, 0.1 being a tenth more of the baseline's rate
    days : as of `evidence`

    Returns
    -------
    Evidence : likelihood ratios of the candidate's share of affected units, 1.25 to 8 times its odds

    Raises
    ------
    UsageError
        As `evidence`.

    Examples
    --------
    >>> from rampgate.estimate import rare_evidence
    >>> rare_evidence([2, 3, 2], [500, 500, 500], [0, 1, 1], [500, 500, 500])
    Evidence against 'at most 1 times as frequent' after 3 periods: e = 2.024, p = 0.49 at any time
    """
    run = _periods(events_c, units_c, events_b, units_b)
    remedy = "write 0.1 for a tenth more, or 0 for any harm"
    if not -1.0 < real(worse_by, "worse_by", remedy) <= MOST_FREQUENT:
        raise UsageError(f"{worse_by!r} leaves no rate, or no limit to it", where="worse_by", remedy=remedy)
    p = rare_share(run.n_c, run.n_b, 1.0 + worse_by)
    increments = count_increments(run.y_c, run.y_c + run.y_b, p, np.array(RARE))
    null = f"at most {1.0 + worse_by:g} times as frequent"
    return Evidence(log_evidence(increments, _prior(run.n_c.shape[-1], days)), null)


def confidence_sequence(
    events_c: ArrayLike,
    units_c: ArrayLike,
    events_b: ArrayLike,
    units_b: ArrayLike,
    *,
    level: float = 0.95,
    expect: float | None = None,
    history: tuple[float, float] | None = None,
) -> ConfidenceSequence:
    """Intervals for the difference of two proportions that hold at every period at once.

    Parameters
    ----------
    events_c, units_c, events_b, units_b : arrays (..., period)
    level : the chance that all of the intervals hold the truth
    expect, history : as of `evidence`; they decide when the intervals are narrowest, not whether they hold

    Returns
    -------
    ConfidenceSequence : every margin that neither one-sided process of the gate rejects at ``2 / (1 - level)``

    Raises
    ------
    UsageError
        As `evidence`.

    Examples
    --------
    >>> import numpy as np
    >>> from rampgate.estimate import confidence_sequence
    >>> units_c, units_b = np.full(28, 60), np.full(28, 240)
    >>> confidence_sequence(np.full(28, 12), units_c, np.full(28, 24), units_b, expect=0.04, history=(300, 3000))
    ConfidenceSequence after 28 periods: +0.1 (0.06835 to 0.1346 at 0.95)
    """
    run = _periods(events_c, units_c, events_b, units_b)
    lambdas = _bets(run, expect, history)
    alpha = 1.0 - share(level, "level")
    looks = np.tril(np.ones((run.n_c.shape[-1],) * 2))  # row t holds the periods up to t
    n_c, y_c, n_b, y_b = (x[..., None, :] for x in (run.n_c, run.y_c, run.n_b, run.y_b))
    each = Proportions(n_c, y_c, n_b, y_b)
    lower, upper = sequences.confidence_sequence(each, lambdas[..., None, :, :], alpha, 1.0, looks)
    return ConfidenceSequence(sequences.effect(each, looks), lower, upper, level)


@dataclass(frozen=True, repr=False)
class SampleRatio(Evidence):
    """Whether units are split as they should be.

    Attributes
    ----------
    expected, observed : the candidate's share of all units
    chi_square_p : p-value of Pearson's chi-square at one planned look; ``p_value`` is the one that may be looked at
    """

    expected: float = 0.0
    observed: float = 0.0
    chi_square_p: float = 1.0

    def __repr__(self) -> str:
        return (
            f"SampleRatio: the candidate has {self.observed:.2%} of the units and should have {self.expected:.2%}, "
            f"p = {float(self.p_value[-1]):.2g} at any time, {self.chi_square_p:.2g} at one look"
        )


def sample_ratio(
    units_c: ArrayLike, units_b: ArrayLike, share_c: ArrayLike, *, days: Days | None = None
) -> SampleRatio:
    """Whether the split is that of the traffic in force, over any ramp.

    Parameters
    ----------
    units_c, units_b : arrays (period,)
        Units *of assignment* first exposed in each period: where people are assigned, people and not their tickets.
    share_c : array (period,) or a number
        The candidate's share of the traffic in force.
    days : as of `evidence`

    Returns
    -------
    SampleRatio : likelihood ratios at 0.45 to 2.2 times the odds (Lindon and Malek 2022). The chi-square compares all
        candidate units with the sum of what each period should have brought.

    Raises
    ------
    UsageError
        When a count is negative or not finite, a share is not between 0 and 1, there is no unit, or lengths differ.

    Examples
    --------
    >>> from rampgate.estimate import sample_ratio
    >>> sample_ratio([480, 470, 2400], [4520, 4530, 7600], [0.10, 0.10, 0.25])
    SampleRatio: the candidate has 16.75% of the units and should have 17.50%, p = 0.28 at any time, 0.0044 at one look
    """
    given = {"units_c": counts(units_c, "units_c"), "units_b": counts(units_b, "units_b")}
    k_c, k_b, p = (np.atleast_1d(x) for x in together(**given, share_c=numbers(share_c, "share_c")))
    if k_c.ndim != 1 or not (k_c + k_b).sum() > 0:
        raise UsageError(f"no unit in periods of shape {k_c.shape}", where="units_c, units_b")
    if not ((p > 0) & (p < 1)).all():
        raise UsageError("a share is not between 0 and 1", where="share_c", remedy="10 % of traffic is 0.1")
    k = k_c + k_b
    log_e = log_evidence(count_increments(k_c, k, p, np.array(SPLIT)), _prior(len(k), days))
    # Candidate units are a sum of binomials, each with the share of its period.
    z2 = float((k_c - k * p).sum()) ** 2 / float((k * p * (1 - p)).sum())
    expected, observed = float((k * p).sum() / k.sum()), float(k_c.sum() / k.sum())
    return SampleRatio(log_e, "split as it should be", expected, observed, chi_square_p(z2, 1))


@dataclass(frozen=True)
class ChiSquare:
    """Pearson's chi-square: ``sum (observed - expected)^2 / expected``, its degrees of freedom and p-value."""

    statistic: float
    df: int
    p_value: float


def goodness_of_fit(units: ArrayLike, weights: ArrayLike) -> ChiSquare:
    """Whether any number of arms has the shares it should have, at one planned look.

    Parameters
    ----------
    units : array (arm,)
    weights : array (arm,), positive, in any unit

    Returns
    -------
    ChiSquare : on ``arms - 1`` degrees of freedom

    Raises
    ------
    UsageError
        When a weight is not positive, there is no unit or only one arm, or lengths differ.

    Examples
    --------
    >>> from rampgate.estimate import goodness_of_fit
    >>> round(goodness_of_fit([1000, 950, 1050, 1000], [25, 25, 25, 25]).p_value, 6)
    0.171797
    """
    n, w = together(units=counts(units, "units"), weights=counts(weights, "weights"))
    if n.ndim != 1 or n.size < 2 or not n.sum() > 0 or not (w > 0).all():
        raise UsageError("two arms or more, units and positive weights are needed", where="units, weights")
    expected = n.sum() * (w / w.sum())
    statistic = float(((n - expected) ** 2 / expected).sum())
    return ChiSquare(statistic, n.size - 1, chi_square_p(statistic, n.size - 1))
