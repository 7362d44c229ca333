"""Confidence sequences: all margins that the evidence does not reject, at any look.

Both one-sided processes run without an onset mixture; the sequence is what neither rejects at ``2 / alpha``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.clustered import Clustered
from rampgate.estimate.contrast import Contrast, divide, recent
from rampgate.estimate.evidence import log_sum_exp
from rampgate.estimate.increments import bennett_cost, gaussian_cost
from rampgate.estimate.process import ByCluster, Process, Steps
from rampgate.policy import MINIMUM_CLUSTERS

#: Part of its wealth that a bet keeps in every period, whatever happens in it. Harm beyond all measure costs the bets
#: that were made before anybody knew of it more than they could ever win back (docs/decisions/0014).
KEPT = 1e-4
STEPS = 40
DOUBLINGS = 12
#: Log-evidence above or below the bar is not told from this beyond it: infinities have no line between them.
LARGEST_EXCESS = 1e6


def costs(contrast: Contrast, bets: Floats, direction: int = 1) -> Floats:
    """Cost per variance of each period and bet, (..., period, grid).

    What lets a rollout go on is held to bounded increments wherever there is a bound: rare failures that have not
    shown yet make the normal approximation pass far too easily (docs/decisions/0006).
    """
    bounded = (contrast.bounded | (direction < 0 and contrast.ranged))[..., None]
    if bounded.all():
        return bennett_cost(bets, contrast.bound[..., None])
    # Costs of a kind that is not used in a period would overflow for nothing.
    bound = np.where(bounded, contrast.bound[..., None], 0.0)
    return np.where(bounded, bennett_cost(bets, bound), gaussian_cost(bets))


def no_larger(contrast: Contrast, margin: float, bets: Floats) -> Floats:
    """The bets, no larger than ``2 / D`` with D how far from the margin the effect was seen before each period.

    Under the null that is tested, an arm that is D away adds ``D^2`` to the variance, so a bet made for a small effect
    costs more than it wins where the effect is a hundred times as large. What was seen before the period may be used
    (docs/decisions/0014): the average of all periods, of the last `RECENT`, and of the last one, whichever is largest.
    """
    weight = contrast.weight
    if not weight.shape[-1]:
        return bets
    away = weight * (contrast.effect - np.where(weight > 0, margin, 0.0))
    far = np.abs(divide(np.cumsum(away, axis=-1), np.cumsum(weight, axis=-1)))
    for total, units in ((recent(away), recent(weight)), (away, weight)):
        far = np.maximum(far, np.abs(divide(total, units)))
    before = np.concatenate([np.zeros_like(far[..., :1]), far[..., :-1]], axis=-1)
    size = np.broadcast_to(bets.mean(-1), before.shape)
    most = np.where(before * size > 2.0, divide(np.full_like(before, 2.0), before * size), 1.0)
    return np.asarray(bets * most[..., None])


def log_increments(contrast: Contrast, margin: float, bets: Floats, direction: int = 1) -> Floats:
    """Log-increments of the process against ``harm <= margin`` (direction 1) or ``harm >= margin`` (-1).

    Returns
    -------
    (..., period, grid); 0 in periods that lack one arm, and never below the logarithm of `KEPT`.
    """
    bets = no_larger(contrast, margin, bets)
    gain, cost = _gain_and_cost(contrast, margin, bets, direction)
    # exp(max(x, log k)) is at most exp(x) + k, so what is left of it has mean at most 1.
    kept = np.maximum(gain - cost, np.log(KEPT)) - np.log1p(KEPT)
    return np.where(contrast.weight[..., None] > 0, kept, 0.0)


def _gain_and_cost(contrast: Contrast, margin: float, bets: Floats, direction: int) -> tuple[Floats, Floats]:
    """``lambda s`` and what the bet costs with independent units, (..., period, grid); 0 in periods without an arm."""
    weight = contrast.weight
    s = direction * weight * (contrast.effect - np.where(weight > 0, margin, 0.0))
    cost = contrast.variance(margin)[..., None] * costs(contrast, bets, direction)
    both = weight[..., None] > 0
    if both.all():
        return bets * s[..., None], cost
    return np.where(both, bets * s[..., None], 0.0), np.where(both, cost, 0.0)


def process(contrast: Contrast, margin: float, bets: Floats, direction: int = 1) -> Process:
    """The process against ``harm <= margin`` (direction 1) or ``harm >= margin`` (-1), by unit or by cluster.

    Parameters
    ----------
    bets : lambda, (..., period, grid); every period's are the same multiples of its first
    """
    if not isinstance(contrast, Clustered):
        return Steps(log_increments(contrast, margin, bets, direction))
    bets = no_larger(contrast, margin, bets)
    gain, cost = _gain_and_cost(contrast, margin, bets, direction)
    first = bets[..., 0]
    gram = contrast.gram * (first[..., :, None] * first[..., None, :])
    return ByCluster(gain, cost, gram, contrast.factor(direction), contrast.least >= MINIMUM_CLUSTERS, multiples(bets))


def multiples(bets: Floats) -> Floats:
    """The bets of a period as multiples of its first, (grid,)."""
    flat = bets.reshape(-1, bets.shape[-1])
    some = flat[flat[:, 0] > 0]
    return np.asarray(some[0] / some[0, 0]) if len(some) else np.ones(bets.shape[-1])


def effect(contrast: Contrast, within: Floats | None = None) -> Floats:
    """Weighted effect over periods, harm positive, (...); NaN without both arms.

    Parameters
    ----------
    within : 1 for the periods that count and 0 for the others, broadcastable to (..., period); all when left out
    """
    weight = contrast.weight if within is None else contrast.weight * within
    total = weight.sum(-1)
    return np.where(total > 0, (weight * contrast.effect).sum(-1) / np.where(total > 0, total, 1.0), np.nan)


def confidence_sequence(
    contrast: Contrast, bets: Floats, alpha: float = 0.05, limit: float = np.inf, within: Floats | None = None
) -> tuple[Floats, Floats]:
    """Two-sided confidence sequence for the harm, from the periods given.

    Parameters
    ----------
    contrast : (..., period)
    bets : lambda, (..., period, grid)
    alpha : 1 - coverage
    limit : the largest effect possible (1 for proportions)
    within : 1 for the periods that count and 0 for the others, broadcastable to (..., period); all when left out

    Returns
    -------
    lower, upper : (...), NaN where there are no data, infinite where nothing is excluded.
    """
    if within is not None and (told := _told(contrast, within)) is not None:
        ends = np.full((2, len(within)), np.nan)
        ends[:, told] = confidence_sequence(contrast, bets, alpha, limit, within[told])
        return ends[0], ends[1]
    weight = contrast.weight if within is None else contrast.weight * within
    counts = np.where(weight > 0, 1.0, 0.0)
    # Both ends are sought at once, along axis 0: the lower by the process against less harm, then the upper.
    side = np.array([1.0, -1.0]).reshape(2, *[1] * (weight.ndim - 1))
    excess = _excess(contrast, bets, alpha, weight, side)
    centre = effect(contrast, within)
    missing = np.isnan(centre)
    middle = np.where(missing, 0.0, centre)
    spread = np.sqrt(_variance(contrast, middle, counts))
    total = weight.sum(-1)
    step = np.where(total > 0, 4 * spread / np.where(total > 0, total, 1.0), 1.0)
    step = np.where(step > 0, step, np.maximum(np.abs(middle), 1.0) * 1e-3)
    lower, upper = _edges(excess, np.stack([middle, middle]), np.stack([step, step]), side, limit)
    return np.where(missing, np.nan, lower), np.where(missing, np.nan, upper)


def _told(contrast: Contrast, within: Floats) -> np.ndarray | None:
    """The windows that are worth a search: those with data, and one of the others; None where that is all of them.

    A table that ended years ago has hundreds of empty weeks. One of them stays, as the search for all ends goes on for
    as long as there is an end that cannot be found: without it the others would be found to other last bits.
    """
    if within.ndim != 2 or contrast.weight.ndim != 1:
        return None
    empty = np.isnan(effect(contrast, within))
    told = np.flatnonzero(~empty | (np.cumsum(empty) == 1))
    return told if len(told) < len(within) else None


def lies_below(
    contrast: Contrast, bets: Floats, harm: Floats, alpha: float, limit: float = np.inf, within: Floats | None = None
) -> np.ndarray:
    """Whether the upper end of the `confidence_sequence` is at most a harm, (...), without looking for that end."""
    weight = contrast.weight if within is None else contrast.weight * within
    side = np.full([1] * (weight.ndim - 1), -1.0)
    excluded = _excess(contrast, bets, alpha, weight, side)(harm) >= 0
    centre = effect(contrast, within)
    possible = (harm >= limit) & np.isfinite(limit)
    return np.asarray(np.isfinite(centre) & (possible | ((harm > centre) & excluded)))


def _excess(contrast: Contrast, bets: Floats, alpha: float, weight: Floats, side: Floats) -> Callable[[Floats], Floats]:
    """Log-evidence against a margin above the bar, negative inside the sequence; ``side`` as for ``direction``."""
    counts = np.where(weight > 0, 1.0, 0.0)
    usable = bets * counts[..., None]
    spent = _spending(contrast, bets, counts)
    gain = (usable * (weight * contrast.effect)[..., None]).sum(-2)
    pull = (usable * weight[..., None]).sum(-2)
    # With what every period keeps back of the wealth.
    size = np.log(bets.shape[-1]) + np.broadcast_to(counts, weight.shape).sum(-1) * np.log1p(KEPT)

    def excess(margin: Floats) -> Floats:
        log_e = log_sum_exp(side[..., None] * (gain - margin[..., None] * pull) - spent(margin)) - size
        return np.asarray(log_e - np.log(2.0 / alpha))

    return excess


def _spending(contrast: Contrast, bets: Floats, counts: Floats) -> Callable[[Floats], Floats]:
    """What the bets have cost over the periods that count, as a function of the margin, (..., grid)."""
    cost = np.where(counts[..., None] > 0, costs(contrast, bets), 0.0)

    def by_unit(margin: Floats) -> Floats:
        return np.asarray((contrast.variance(margin[..., None])[..., None, :] @ cost)[..., 0, :])

    if not isinstance(contrast, Clustered):
        return by_unit
    by_cluster = 0.5 * contrast.total(counts * bets[..., 0])[..., None] * multiples(bets) ** 2
    return lambda margin: np.maximum(by_unit(margin), by_cluster)


def _variance(contrast: Contrast, margin: Floats, counts: Floats) -> Floats:
    """Variance of S over the periods that count, to begin the search for its ends with."""
    by_unit = np.asarray((counts * contrast.variance(margin[..., None])).sum(-1))
    if not isinstance(contrast, Clustered):
        return by_unit
    by_cluster = contrast.total(counts)
    return np.where(np.isfinite(by_cluster), np.maximum(by_unit, by_cluster), by_unit)


def _edges(excess: Callable[[Floats], Floats], middle: Floats, step: Floats, side: Floats, limit: float) -> Floats:
    """Both ends of the sequence, (2, ...): bracket each by doubling, then find the root."""
    inside, below = middle, excess(middle)
    outside, above = np.full_like(middle, np.nan), np.full_like(middle, np.nan)
    for _ in range(DOUBLINGS):
        probe = np.clip(middle - side * step, -limit, limit)
        value = excess(probe)
        open_, out = np.isnan(outside), value >= 0
        outside, above = np.where(open_ & out, probe, outside), np.where(open_ & out, value, above)
        inside, below = np.where(open_ & ~out, probe, inside), np.where(open_ & ~out, value, below)
        if not (np.isnan(outside) & (np.abs(probe) < limit)).any():
            break
        step = step * 2.0
    never = np.isnan(outside)
    inside, below = np.where(never, 0.0, inside), np.where(never, -1.0, below)
    root = _root(excess, (inside, below), (np.where(never, 0.0, outside), above))
    return np.where(never, -side * limit, root)


def _root(f: Callable[[Floats], Floats], low: tuple[Floats, Floats], high: tuple[Floats, Floats]) -> Floats:
    """Where f crosses 0 between points with f < 0 and f >= 0, by the Illinois variant of false position.

    The point returned is on the inside of the bracket to within 1e-10 of its width, or 1e-8 in log-evidence.
    """
    (a, fa), (b, fb) = low, high
    fb = np.where(np.isnan(fb), 1.0, np.minimum(fb, LARGEST_EXCESS))
    width = np.abs(b - a)
    side = np.zeros_like(a)
    for i in range(STEPS):
        # Every fourth step halves the bracket, which bounds the worst case of false position.
        x = 0.5 * (a + b) if i % 4 == 3 else (a * fb - b * fa) / (fb - fa)
        x = np.where(a == b, a, x)
        # With too few clusters the cost is infinite, and so is what evidence lacks.
        value = np.maximum(f(x), -LARGEST_EXCESS)
        out = value >= 0
        fa = np.where(out & (side == 1), 0.5 * fa, fa)
        fb = np.where(~out & (side == -1), 0.5 * fb, fb)
        b, fb = np.where(out, x, b), np.where(out, value, fb)
        a, fa = np.where(out, a, x), np.where(out, fa, value)
        side = np.where(out, 1.0, -1.0)
        if (np.abs(b - a) <= 1e-10 * width).all() or (np.abs(fa) < 1e-8).all():
            break
    return a
