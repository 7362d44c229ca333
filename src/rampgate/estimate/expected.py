"""What a share should be by the model's own scores, while its outcomes are not known: an estimate, never evidence.

A score says how likely a unit's outcome is; how far it can be believed is learnt from units whose outcome is known, by
the best rising step function (isotonic regression, pool adjacent violators). What is expected of other units is the
mean over their scores. It follows units that become harder or easier, as far as the scores tell (covariate shift). It
does not see that the same score has come to mean something else (concept drift): then it stays where it was, whatever
the outcomes do.

References
----------
Ayer, Brunk, Ewing, Reid and Silverman 1955 (pool adjacent violators). Zadrozny and Elkan 2002 (isotonic calibration).
Guillory et al. 2021; NannyML's documentation (confidence-based performance estimation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rampgate.aggregate.moments import Floats
from rampgate.errors import UsageError
from rampgate.estimate.distributions import normal_quantile
from rampgate.estimate.inputs import numbers, share
from rampgate.shown import Shown

#: Labelled units that a calibration needs.
ENOUGH = 100


def rising(true: Floats, known: Floats) -> tuple[Floats, Floats]:
    """The shares that rise with the score and lie nearest to the counts, by weighted least squares.

    Parameters
    ----------
    true, known : outcomes that are true, of how many known, by score ascending, (level,); ``known`` above 0

    Returns
    -------
    The share of each level, and the known units of the block of levels that has this share, (level,) each.
    """
    tops: list[float] = []
    bottoms: list[float] = []
    sizes: list[int] = []
    for top, bottom in zip(true.tolist(), known.tolist(), strict=True):
        tops.append(top)
        bottoms.append(bottom)
        sizes.append(1)
        while len(tops) > 1 and tops[-2] * bottoms[-1] >= tops[-1] * bottoms[-2]:
            top, bottom, size = tops.pop(), bottoms.pop(), sizes.pop()
            tops[-1] += top
            bottoms[-1] += bottom
            sizes[-1] += size
    shares = np.repeat(np.array(tops) / np.array(bottoms), sizes)
    return shares, np.repeat(np.array(bottoms), sizes)


@dataclass(frozen=True, repr=False)
class Expected(Shown):
    """A share that is expected by scores; the outcomes themselves were not seen.

    Attributes
    ----------
    value, lower, upper : the share, and the interval of the one that the outcomes should show, if scores mean what
        they meant in the reference
    level : of the interval
    units : with a score
    beyond : share of them whose score lies outside those of the reference
    """

    value: float
    lower: float
    upper: float
    level: float
    units: int
    beyond: float

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__} by scores of {self.units} units, not observed: {self.value:.4g} "
            f"({self.lower:.4g} to {self.upper:.4g} at {self.level:.4g})"
        )


@dataclass(frozen=True)
class Calibration:
    """What scores mean: by level of the score, ascending, (level,) each.

    Attributes
    ----------
    score : the levels, those with known outcomes
    share : how likely the outcome is
    known : the units which that rests on
    """

    score: Floats
    share: Floats
    known: Floats

    @classmethod
    def of(cls, score: Floats, true: Floats, known: Floats) -> Calibration:
        """From counts by level of the score; levels without known outcomes say nothing."""
        seen = known > 0
        shares, units = rising(true[seen], known[seen])
        return cls(score[seen], shares, units)

    def expected(self, score: Floats, units: Floats, level: float) -> Expected:
        """What is expected of units, by level of their score.

        The interval holds the scatter of the outcomes to come and that of the calibration: a block of m known units
        has a share with the variance ``p (1 - p) / m``, p with half a unit of either outcome added.
        """
        total = float(units.sum())
        # A score between two levels means what lies between them; beyond all, what the nearest does.
        share_ = np.interp(score, self.score, self.share)
        at = np.clip(np.searchsorted(self.score, score), 0, len(self.score) - 1)
        value = float((units * share_).sum() / total)
        blocks, of = np.unique(self.share[at], return_inverse=True)
        weight = np.bincount(of, units, len(blocks)) / total
        known = np.zeros(len(blocks))
        known[of] = self.known[at]
        careful = (blocks * known + 0.5) / (known + 1.0)
        scatter = careful * (1.0 - careful)
        variance = (weight**2 * scatter / known).sum() + (weight * scatter).sum() / total
        reach = normal_quantile(level) * float(np.sqrt(variance))
        outside = float(units[(score < self.score[0]) | (score > self.score[-1])].sum() / total)
        return Expected(value, max(0.0, value - reach), min(1.0, value + reach), level, round(total), outside)


def expected_share(
    reference_scores: ArrayLike, reference_outcomes: ArrayLike, scores: ArrayLike, *, level: float = 0.95
) -> Expected:
    """What share of outcomes should be true by the model's own scores, before they are known.

    Parameters
    ----------
    reference_scores : of units whose outcome is known, (unit,); the higher, the likelier
    reference_outcomes : true or false, or 1 and 0, (unit,)
    scores : of the units whose outcomes are not known, (unit,)
    level : of the interval

    Returns
    -------
    Expected : an estimate. It is right as long as a score means what it meant in the reference, and nothing in the
        scores can tell when it no longer does

    Raises
    ------
    UsageError
        When fewer than 100 outcomes are known, an outcome is neither 0 nor 1, or there is no score.

    Examples
    --------
    >>> import numpy as np
    >>> from rampgate.estimate import expected_share
    >>> rng = np.random.default_rng(1)
    >>> past, now = rng.beta(5, 1.5, 4000), rng.beta(4, 1.5, 1000)
    >>> expected_share(past, rng.random(4000) < 0.9 * past, now)
    Expected by scores of 1000 units, not observed: 0.6604 (0.6292 to 0.6917 at 0.95)
    """
    past, outcomes, now = (
        numbers(values, name)
        for values, name in (
            (reference_scores, "reference_scores"),
            (reference_outcomes, "reference_outcomes"),
            (scores, "scores"),
        )
    )
    if past.shape != outcomes.shape or past.ndim != 1:
        raise UsageError(f"{past.size} scores and {outcomes.size} outcomes", where="reference_outcomes")
    if not np.isin(outcomes, (0.0, 1.0)).all():
        raise UsageError("an outcome is neither 0 nor 1", where="reference_outcomes", remedy="pass true and false")
    if past.size < ENOUGH:
        raise UsageError(
            f"{past.size} known outcomes do not say what scores mean",
            where="reference_scores",
            remedy=f"pass {ENOUGH} or more",
        )
    if now.ndim != 1 or not now.size:
        raise UsageError("there is no score to go by", where="scores", remedy="pass one score per unit")
    levels, at = np.unique(past, return_inverse=True)
    found = Calibration.of(levels, np.bincount(at, outcomes).astype(float), np.bincount(at).astype(float))
    ask, count = np.unique(now, return_counts=True)
    return found.expected(ask, count.astype(float), share(level, "level"))
