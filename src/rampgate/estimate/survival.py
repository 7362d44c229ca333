"""Times to an event while some are still open: the survival curve and the mean up to a limit.

A ticket that is open when the table is read is censored: it counts as at risk for as long as it was seen, and is
never dropped. These are estimates to be shown. The gate tests shares and bounded means of periods that are through
(`time_to_event`), never an estimate over its standard error here: the two are correlated.

References
----------
Kaplan and Meier 1958. Greenwood 1926. Klein and Moeschberger 2003, sections 4.2 and 4.5 (restricted mean).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rampgate.aggregate.moments import Floats
from rampgate.errors import UsageError
from rampgate.estimate.contrast import divide
from rampgate.estimate.distributions import normal_quantile
from rampgate.estimate.inputs import counts, numbers, share, together


@dataclass(frozen=True)
class KaplanMeier:
    """A survival curve: the share that is still open at each age.

    The curve is a step function. It is 1 before ``edges[0]`` and drops at the right edge of each bin, where the bin's
    events are counted; what was censored in a bin leaves after that. With individual times the edges are the times
    themselves and nothing is lost; with wider bins events are counted up to one bin too late, and so the restricted
    mean is too large by less than the widest bin.

    Attributes
    ----------
    edges : float array (bin + 1,)
        Ages, ascending.
    at_risk : float array (..., bin)
        Units that are open, and seen, at the beginning of each bin.
    events : float array (..., bin)
    survival : float array (..., bin + 1)
        S at each edge, right-continuous; carried on where nobody is at risk any more.
    variance : float array (..., bin + 1)
        Greenwood's variance of S, ``S^2 sum d / (n (n - d))``; 0 where S is 0.
    """

    edges: Floats
    at_risk: Floats
    events: Floats
    survival: Floats
    variance: Floats

    @classmethod
    def of(cls, times: ArrayLike, observed: ArrayLike) -> KaplanMeier:
        """The curve of individual times.

        Parameters
        ----------
        times : array (unit,)
            Age at the event, or at the last time the unit was seen open; not negative.
        observed : array (unit,)
            Whether the event was seen: 1 or true; 0 or false where the unit was open.

        Raises
        ------
        UsageError
            When lengths differ, a time is negative or not finite, ``observed`` is not 0 or 1, or there is no unit.

        Examples
        --------
        Two tickets are resolved after 1 and 3 hours, one is open after 2, and one after 4:

        >>> from rampgate.estimate import KaplanMeier
        >>> curve = KaplanMeier.of([1, 3, 2, 4], [1, 1, 0, 0])
        >>> curve.at([0.5, 1, 3]).tolist()
        [1.0, 0.75, 0.375]
        """
        when, seen = individual(times, observed, "times", "observed")
        if when.size == 0:
            raise UsageError("there is no unit", where="times", remedy="a curve needs at least one time")
        ages, place = np.unique(when, return_inverse=True)
        events = np.bincount(place, weights=seen, minlength=len(ages))
        censored = np.bincount(place, weights=1.0 - seen, minlength=len(ages))
        # An event at age 0 needs a bin too; its left edge lies where no time is.
        first = 0.0 if ages[0] > 0 else -1.0
        return kaplan_meier(events, censored, np.concatenate([[first], ages]))

    def _area(self, limit: float) -> Floats:
        """Area under the curve in each bin from age 0 to the limit, (..., bin)."""
        return np.asarray(self.survival[..., :-1] * np.diff(np.clip(self.edges, 0.0, limit)))

    def at(self, times: ArrayLike) -> Floats:
        """S at the given ages, (..., time); NaN where it is not known.

        It is known as long as somebody is at risk, and once it is 0.
        """
        when = np.atleast_1d(numbers(times, "times"))
        step = np.searchsorted(self.edges, when, side="right") - 1
        value = np.where(step >= 0, self.survival[..., np.maximum(step, 0)], 1.0)
        return np.where(self._known(when), value, np.nan)

    def error_at(self, times: ArrayLike) -> Floats:
        """Greenwood's standard error of S at the given ages, (..., time); NaN where S is not known."""
        when = np.atleast_1d(numbers(times, "times"))
        step = np.searchsorted(self.edges, when, side="right") - 1
        value = np.where(step >= 0, np.sqrt(self.variance[..., np.maximum(step, 0)]), 0.0)
        return np.where(self._known(when), value, np.nan)

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Pointwise interval for S at each edge, (..., bin + 1) each, on the scale of log(-log S).

        It stays between 0 and 1 (Kalbfleisch and Prentice 1980). Where S is 1 or 0 it has no width.
        """
        s = self.survival
        inside = (s > 0) & (s < 1)
        safe = np.where(inside, s, 0.5)
        spread = np.sqrt(self.variance) / (safe * np.abs(np.log(safe)))
        z = normal_quantile(share(level, "level"))
        low, high = safe ** np.exp(z * spread), safe ** np.exp(-z * spread)
        return np.where(inside, low, s), np.where(inside, high, s)

    def _known(self, when: Floats) -> np.ndarray:
        """Whether S is known at each age, (..., time)."""
        seen = np.where(self.at_risk > 0, self.edges[1:], -np.inf).max(-1, initial=-np.inf)
        return np.asarray((when <= seen[..., None]) | (self.survival[..., -1:] == 0))

    def restricted_mean(self, limit: float) -> Floats:
        """Mean of min(T, limit), the area under the curve up to a limit, (...).

        NaN where nobody is at risk up to the limit and S is not 0 before it: the mean is then not known, and a
        shorter limit is.
        """
        known = self._known(np.array([_positive(limit)]))[..., 0]
        before = np.clip(self.edges[0], 0.0, limit)
        return np.where(known, before + self._area(limit).sum(-1), np.nan)[()]

    def restricted_mean_error(self, limit: float) -> Floats:
        """Standard error of `restricted_mean`, (...): the root of ``sum A_k^2 d_k / (n_k (n_k - d_k))``.

        ``A_k`` is the area under the curve from the event at k to the limit. NaN where the mean is not known.
        """
        known = self._known(np.array([_positive(limit)]))[..., 0]
        area = self._area(limit)
        right = np.cumsum(area[..., ::-1], axis=-1)[..., ::-1] - area  # from the right edge of each bin on
        squares = (right**2 * _hazard_variance(self.events, self.at_risk)).sum(-1)
        return np.where(known, np.sqrt(squares), np.nan)[()]


def kaplan_meier(events: ArrayLike, censored: ArrayLike, edges: ArrayLike) -> KaplanMeier:
    """The survival curve of counts by age.

    Parameters
    ----------
    events : array (..., bin)
        Units whose event came in the bin; counted at its right edge.
    censored : array (..., bin)
        Units last seen open in the bin; they are at risk for the whole of it. Units open beyond the last edge
        belong into the last bin.
    edges : array (bin + 1,)
        Ages between the bins, strictly ascending.

    Returns
    -------
    KaplanMeier : with the leading axes of the counts; ``S = prod (1 - d / n)``

    Raises
    ------
    UsageError
        When a count is negative or not finite, or shapes do not fit.

    Examples
    --------
    Of 100 tickets 40 are resolved on the first day and 10 are open at its end; of the other 50, 25 on the second:

    >>> from rampgate.estimate import kaplan_meier
    >>> curve = kaplan_meier([40, 25], [10, 25], edges=[0, 24, 48])
    >>> curve.survival.tolist()
    [1.0, 0.6, 0.3]
    >>> round(float(curve.restricted_mean(48)), 1)
    38.4
    """
    d, c = together(events=counts(events, "events"), censored=counts(censored, "censored"))
    ages = numbers(edges, "edges")
    if d.ndim == 0 or ages.shape != (d.shape[-1] + 1,):
        raise UsageError(
            f"{ages.size} edges do not enclose bins of shape {d.shape}",
            where="edges",
            remedy="pass one edge more than there are bins",
        )
    if not (np.diff(ages) > 0).all():
        raise UsageError("the edges do not ascend", where="edges", remedy="sort them and leave out what is repeated")
    leaving = d + c
    at_risk = np.cumsum(leaving[..., ::-1], axis=-1)[..., ::-1]
    one = np.ones((*d.shape[:-1], 1))
    survival = np.concatenate([one, np.cumprod(1.0 - divide(d, at_risk), axis=-1)], axis=-1)
    terms = np.concatenate([0.0 * one, np.cumsum(_hazard_variance(d, at_risk), axis=-1)], axis=-1)
    return KaplanMeier(ages, at_risk, d, survival, survival**2 * terms)


def individual(times: ArrayLike, observed: ArrayLike, *names: str) -> tuple[Floats, Floats]:
    """Times and whether the event was seen, checked, (unit,) each."""
    when, seen = counts(times, names[0]), numbers(observed, names[1])
    if when.ndim != 1 or when.shape != seen.shape:
        raise UsageError(
            f"{when.size} times and {seen.size} marks are not one each per unit", where=f"{names[0]}, {names[1]}"
        )
    if not np.isin(seen, (0.0, 1.0)).all():
        raise UsageError("there are values beside 0 and 1", where=names[1], remedy="1 where the event was seen, else 0")
    return when, seen


def _hazard_variance(events: Floats, at_risk: Floats) -> Floats:
    """``d / (n (n - d))``; 0 where the last unit at risk has its event, as S is 0 from there on."""
    return divide(events, at_risk * (at_risk - events))


def _positive(limit: float) -> float:
    if not (np.isfinite(limit) and limit > 0):
        raise UsageError(f"{limit!r} is no positive age", where="limit")
    return float(limit)
