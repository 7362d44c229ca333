"""The scale of the bets: mu = expect / sigma^2, with sigma^2 known before the period it is used in.

sigma^2 comes from the baseline's history before the start. Where there is too little of it, the first
periods of the run serve as a pilot: a bet may depend on everything before its period (the increment is then still
of conditional mean at most 1), never on the period itself. During the pilot a cautious guess is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.clustered import Clustered
from rampgate.estimate.contrast import RECENT, Contrast, Means, Proportions, Ratios, recent
from rampgate.estimate.increments import effect_grid

#: Effect to be caught where nobody states one, in standard deviations of a unit.
DEFAULT_EXPECT = 0.2
#: Known units that a reference needs.
ENOUGH = 100.0
#: Part of the squares between constant arms that counts as theirs.
_CONSTANT = 1e-6
#: A standard deviation below this part of the level is rounding, not variation.
TINY = 1e-9


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
        case Clustered():
            return scatter(contrast.base)
        case Proportions():
            share = (contrast.y_c + contrast.y_b) / safe
            return n * share * (1 - share), n * share, n
        case Means():
            within = contrast.ss_c + contrast.ss_b
            # Arms that are constant differ by what lies between them, and any bet is small enough that is no larger
            # than what was seen (`interval.no_larger`).
            between = _CONSTANT * contrast.n_c * contrast.n_b / safe * (contrast.a_c - contrast.a_b) ** 2
            return (
                np.where(np.cumsum(within, axis=-1) > 0, within, between),
                np.abs(contrast.n_c * contrast.a_c + contrast.n_b * contrast.a_b),
                n,
            )
        case Ratios():
            x, y = contrast.x_c + contrast.x_b, contrast.y_c + contrast.y_b
            some = x > 0
            scale_ = np.where(some, x / safe, 1.0)
            rate = np.where(some, y / np.where(some, x, 1.0), 0.0)
            return np.where(some, contrast.own_squares() / scale_**2, 0.0), np.abs(n * rate), n
    raise NotImplementedError(type(contrast).__name__)


def scale(history: Contrast, run: Contrast, reach: float) -> Scale:
    """Variance and level to bet with in each period of the run.

    Parameters
    ----------
    history : contrast over the periods before the start, (..., period)
    run : contrast over the periods since the start, (..., period)
    reach : how much one unit can be worse than another, which gives a cautious variance before anything is known and a
        floor after; 0 when unknown, and then there is no bet until units have differed
    """
    past = [values.sum(-1, keepdims=True) for values in scatter(history)]
    squares, values, units = scatter(run)

    # A reference in which nothing varied says nothing of what will vary: the pilot goes on until something has.
    def usable(n: Floats, spread: Floats, total: Floats) -> np.ndarray:
        varied = (spread > 0) & (spread * n >= (TINY * total) ** 2)
        return (n >= ENOUGH) & (varied | (reach > 0))

    def so_far(x: Floats) -> Floats:
        return np.cumsum(x, axis=-1) - x

    enough = usable(so_far(units), so_far(squares), so_far(values))

    def before(x: Floats) -> Floats:
        """Sum of the pilot: all periods before the first at which there is enough, frozen from there on."""
        if not x.shape[-1]:
            return x
        first = np.argmax(enough, axis=-1)[..., None]
        return np.where(enough, np.take_along_axis(so_far(x), first, axis=-1), 0.0)

    has_past = usable(past[2], past[0], past[1])
    n = np.where(has_past, past[2], before(units))
    known = n >= ENOUGH
    safe = np.where(known, n, 1.0)
    # With no difference at all the variance is taken as if a quarter of one unit had been worse.
    variance = (np.where(has_past, past[0], before(squares)) + 0.25 * reach**2) / (safe + 1.0)
    if reach <= 0:
        # Nothing bounds such a metric, so a quiet reference may be far too small; what varied of late is a bound too.
        variance = np.maximum(variance, _of_late(squares, units))
    level = np.where(has_past, past[1], before(values)) / safe
    guess = 0.25 * reach**2 if reach > 0 else np.inf
    variance = np.where(known, variance, guess)
    if isinstance(run, Clustered) and isinstance(history, Clustered):
        variance = variance * _design_effect(history, run, has_past)
    return Scale(variance, np.where(known, level, 0.5))


def _design_effect(history: Clustered, run: Clustered, has_past: np.ndarray) -> Floats:
    """How much more sums over a week vary than with independent units, as known before each period, (..., period).

    From the history where there is enough, else from the first `RECENT` periods of the run.
    """

    def effect(clusters: Floats, units: Floats) -> Floats:
        return np.maximum(1.0, np.where(units > 0, clusters / np.where(units > 0, units, 1.0), 1.0))

    past = effect(history.squares.sum(-1, keepdims=True), scatter(history)[0].sum(-1, keepdims=True))
    clusters, units = (np.cumsum(values, axis=-1) - values for values in (run.squares, scatter(run)[0]))
    last = np.minimum(np.arange(units.shape[-1]), RECENT)
    return np.where(has_past, past, effect(clusters, units)[..., last])


def _of_late(squares: Floats, units: Floats) -> Floats:
    """Variance over the periods shortly before each period, (..., period); 0 before the second."""

    def before(values: Floats) -> Floats:
        return np.concatenate([np.zeros((*values.shape[:-1], 1)), recent(values)[..., :-1]], axis=-1)

    if not units.shape[-1]:
        return units
    n = before(units)
    return np.where(n > 1, before(squares) / np.where(n > 1, n, 1.0), 0.0)


def own_or(own: Scale, fallback: Scale, history_units: Floats) -> Scale:
    """A segment's own scale where its history is long enough, else that of everybody."""
    enough = history_units >= ENOUGH
    return Scale(
        np.where(enough, own.variance, fallback.variance),
        np.where(enough, own.level, fallback.level),
    )


def usual_effect(scale: Scale) -> Floats:
    """The effect to be caught where nobody states one, (..., period)."""
    return np.asarray(DEFAULT_EXPECT * np.sqrt(scale.variance))


def effect_bets(scale: Scale, effect: Floats, reach: float = 0.0) -> Floats:
    """Bets lambda = grid x mu with ``mu = effect / (variance + more)``, (..., period, grid).

    ``more`` is what an arm that is worse by the effect adds to the variance about the null: up to ``effect reach``
    where a unit is bounded, and a quarter of ``effect^2`` from the distance between the arms where it is not.

    Parameters
    ----------
    effect : what must be told from none, in the metric's unit, broadcastable to (..., period)
    reach : how much one unit can be worse than another, 0 where nobody has said. A bet that forgets the variance that
        harm brings loses where the reference is quiet (decision 0006), or where the effect is large (0014)
    """
    variance = scale.variance
    with np.errstate(invalid="ignore", divide="ignore"):
        mu = effect / (variance + (effect * reach if reach > 0 else 0.25 * effect**2))
    mu = np.where((variance > 0) & np.isfinite(variance), mu, 0.0)
    return np.asarray(mu[..., None] * effect_grid(), dtype=float)
