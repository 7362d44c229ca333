"""The scale of the bets: mu = expect / sigma^2, with sigma^2 known before the period it is used in.

sigma^2 comes from the baseline's history before the start. Where there is too little of it, the first
periods of the run serve as a pilot: a bet may depend on everything before its period (the increment is then still
of conditional mean at most 1), never on the period itself. During the pilot a cautious guess is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Contrast, Means, Proportions, Ratios

#: Known units that a reference needs.
ENOUGH = 100.0


@dataclass(frozen=True)
class Scale:
    """Variance per unit and level of a metric before each period, (..., period); infinite variance: no bet."""

    variance: Floats
    level: Floats


def scatter(contrast: Contrast) -> tuple[Floats, Floats, Floats]:
    """Squared deviations, sum of values and units of each period over both arms, (..., period) each."""
    n = contrast.n_c + contrast.n_b
    safe = np.where(n > 0, n, 1.0)
    match contrast:
        case Proportions():
            share = (contrast.y_c + contrast.y_b) / safe
            return n * share * (1 - share), n * share, n
        case Means():
            return (
                contrast.ss_c + contrast.ss_b,
                np.abs(contrast.n_c * contrast.a_c + contrast.n_b * contrast.a_b),
                n,
            )
        case Ratios():
            x, y = contrast.x_c + contrast.x_b, contrast.y_c + contrast.y_b
            some = x > 0
            scale_ = np.where(some, x / safe, 1.0)
            rate = np.where(some, y / np.where(some, x, 1.0), 0.0)
            return np.where(some, contrast.residual_squares() / scale_**2, 0.0), np.abs(n * rate), n
    raise NotImplementedError(type(contrast).__name__)


def scale(history: Contrast, run: Contrast, guess: float | None) -> Scale:
    """Variance and level to bet with in each period of the run.

    Parameters
    ----------
    history : contrast over the periods before the start, (..., period)
    run : contrast over the periods since the start, (..., period)
    guess : variance to use before anything is known; None for no bet
    """
    past = [values.sum(-1, keepdims=True) for values in scatter(history)]
    squares, values, units = scatter(run)

    def before(x: Floats) -> Floats:
        """Sum of the pilot: all periods before the first at which there is enough, frozen from there on."""
        if not x.shape[-1]:
            return x
        total = np.cumsum(x, axis=-1) - x
        enough = np.cumsum(units, axis=-1) - units >= ENOUGH
        first = np.argmax(enough, axis=-1)[..., None]
        frozen = np.take_along_axis(total, first, axis=-1)
        return np.where(enough, frozen, 0.0)

    has_past = past[2] >= ENOUGH
    n = np.where(has_past, past[2], before(units))
    known = n >= ENOUGH
    safe = np.where(known, n, 1.0)
    # With no event at all the variance is taken as if a quarter of one had been seen.
    variance = (np.where(has_past, past[0], before(squares)) + 0.25 * _floor(run)) / (safe + 1.0)
    level = np.where(has_past, past[1], before(values)) / safe
    return Scale(np.where(known, variance, np.inf if guess is None else guess), np.where(known, level, 0.5))


def _floor(run: Contrast) -> float:
    return 1.0 if isinstance(run, Proportions) else 0.0


def own_or(own: Scale, fallback: Scale, history_units: Floats) -> Scale:
    """A segment's own scale where its history is long enough, else that of everybody."""
    enough = history_units >= ENOUGH
    return Scale(
        np.where(enough, own.variance, fallback.variance),
        np.where(enough, own.level, fallback.level),
    )
