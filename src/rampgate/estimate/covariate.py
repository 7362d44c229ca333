"""A mean less what a covariate explains, that was known before exposure (CUPED).

Within a period ``z = y - theta (x - mean of x over both arms)``: the arms' means of x differ by chance alone, so what
is taken away is noise. ``theta`` comes from the baseline's history or from earlier periods, never from the period
itself. A unit whose covariate is unknown counts as if it had the mean. Asymptotic: nothing bounds z.

References
----------
Deng, Xu, Kohavi and Walker 2013.
"""

from __future__ import annotations

import numpy as np

from rampgate.aggregate.marginals import Arm
from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Means, Proportions, divide
from rampgate.estimate.evidence import log_sum_exp
from rampgate.estimate.interval import process
from rampgate.estimate.reference import ENOUGH, TINY, effect_bets, scale, usual_effect

#: The difference in unknown covariates that is to be caught.
UNKNOWN = 0.02


def reach_of(low: Floats, high: Floats, centre: Floats) -> Floats:
    """The largest distance of a value between low and high from a centre."""
    return np.maximum(np.abs(high - centre), np.abs(low - centre))


def adjusted_mean(
    name: str, c: Arm, b: Arm, slope: Floats, oriented: tuple[float, int], ends: tuple[float, float] | None
) -> Means:
    """The contrast of a mean less what its covariate explains.

    Parameters
    ----------
    slope : theta, broadcastable to (..., group, period)
    oriented : r, and 1 when more is harm
    ends : bounds of the values, where there are some
    """
    ratio, sign = oriented
    covariate, covered = f"{name}:covariate", f"{name}:covered"
    centre = divide(c.total(covariate) + b.total(covariate), c.total(covered) + b.total(covered))
    n, mean, squares = [], [], []
    for arm in (c, b):
        known = arm.total(f"{name}:known")
        explained = slope * (arm.total(covariate) - centre * arm.total(covered))
        n.append(known)
        mean.append(divide(arm.total(f"{name}:value") - explained, known))
        squares.append(_squares(name, arm, mean[-1], slope, centre))
    pooled = divide(n[0] * mean[0] + n[1] * mean[1], n[0] + n[1])
    values = [_ends(arm, f"{name}:value") if ends is None else ends for arm in (c, b)]
    own = np.maximum(*(reach_of(np.asarray(low), np.asarray(high), pooled) for low, high in values))
    beside = np.maximum(*(reach_of(*_ends(arm, covariate), centre) for arm in (c, b)))
    spread = own + np.abs(slope) * beside
    return Means(n[0], n[1], sign * mean[0], sign * mean[1], squares[0], squares[1], spread, ratio, sign)


def _ends(arm: Arm, component: str) -> tuple[Floats, Floats]:
    i = arm.components.index(component)
    return arm.low[..., i], arm.high[..., i]


def _squares(name: str, arm: Arm, mean: Floats, slope: Floats, centre: Floats) -> Floats:
    """Sum over known units of (z - mean)^2."""
    gradient = np.zeros(arm.mean.shape)
    for role, value in (("value", 1.0), ("known", -mean), ("covariate", -slope), ("covered", slope * centre)):
        gradient[..., arm.components.index(f"{name}:{role}")] = value
    return arm.quadratic(gradient)


def slopes(name: str, history: tuple[Arm, Arm], run: tuple[Arm, Arm]) -> tuple[Floats, Floats]:
    """What a unit of the covariate changes, for the history, (group, 1), and in each period of the run.

    From the baseline's history within periods, a segment's own where it is long enough, else everybody's; without
    history from the periods strictly before each one, all units together. 0 until there are enough units.
    """
    past = [sum(parts).sum(-1, keepdims=True) for parts in zip(*(_sums(name, arm) for arm in history), strict=True)]
    now = [sum(parts)[..., :1, :] for parts in zip(*(_sums(name, arm) for arm in run), strict=True)]
    known, overall = past[2] >= ENOUGH, past[2][..., :1, :] >= ENOUGH
    own = divide(past[0], past[1])
    before = [np.cumsum(x, axis=-1) - x for x in now]
    learnt = np.where(before[2] >= ENOUGH, divide(before[0], before[1]), 0.0)
    everybody = np.where(overall, own[..., :1, :], learnt)
    return np.where(known, own, np.where(overall, own[..., :1, :], 0.0)), np.where(known, own, everybody)


def imbalance(name: str, history: tuple[Arm, Arm], run: tuple[Arm, Arm], prior: Floats) -> Floats:
    """Log-evidence that a covariate is not alike in both arms, after each period, (..., period), all units together.

    Two things are tested on both sides: in how many units it is known, and its mean where it is. What was known before
    exposure cannot differ but by chance; what does was filled in later, or lost in one arm, and adjusting by it would
    make a difference where there is none.
    """
    sides = []
    for kind, reach, size in ((_unknown, 1.0, UNKNOWN), (_mean_of, 0.0, None)):
        for there, back in ((0, 1), (1, 0)):
            now, past = (kind(name, arms[there], arms[back]) for arms in (run, history))
            found = scale(past, now, reach)
            effect = usual_effect(found) if size is None else np.asarray(size)
            sides.append(process(now, 0.0, effect_bets(found, effect, reach)).evidence(prior))
    both = np.stack(sides, axis=-1)
    return np.asarray(log_sum_exp(both) - np.log(both.shape[-1]))[..., 0, :]


def _first(values: Floats) -> Floats:
    return values[..., :1, :]


def _unknown(name: str, c: Arm, b: Arm) -> Proportions:
    """Units of a known value whose covariate is unknown."""
    n_c, n_b = (_first(arm.total(f"{name}:known")) for arm in (c, b))
    y_c, y_b = (_first(arm.total(f"{name}:known") - arm.total(f"{name}:covered")) for arm in (c, b))
    return Proportions(n_c, np.rint(np.maximum(y_c, 0.0)), n_b, np.rint(np.maximum(y_b, 0.0)))


def _mean_of(name: str, c: Arm, b: Arm) -> Means:
    """The covariate's own mean."""
    x, j = f"{name}:covariate", f"{name}:covered"
    n, mean, squares, ends = [], [], [], []
    for arm in (c, b):
        covered = arm.total(j)
        centre = divide(arm.total(x), covered)
        own = arm.products(x, x) - 2 * centre * arm.products(x, j) + centre**2 * arm.products(j, j)
        n.append(_first(covered))
        mean.append(_first(centre))
        squares.append(_first(np.maximum(own, 0.0)))
        ends.append(_ends(arm, x))
    pooled = divide(n[0] * mean[0] + n[1] * mean[1], n[0] + n[1])
    spread = np.maximum(*(reach_of(_first(low), _first(high), pooled) for low, high in ends))
    return Means(n[0], n[1], mean[0], mean[1], squares[0], squares[1], spread)


def _sums(name: str, arm: Arm) -> tuple[Floats, Floats, Floats]:
    """Within each cell, sums of products of x and y, of squares of x, and units that have both, (..., period)."""
    y, k, x, j = (f"{name}:{role}" for role in ("value", "known", "covariate", "covered"))
    mean, centre = divide(arm.total(y), arm.total(k)), divide(arm.total(x), arm.total(j))
    p = arm.products
    xy = p(x, y) - mean * p(x, k) - centre * p(j, y) + centre * mean * p(j, k)
    xx = p(x, x) - 2 * centre * p(x, j) + centre**2 * p(j, j)
    # A covariate that is the same in every unit explains nothing; what is left of it is rounding.
    varies = xx > TINY * arm.total(j) * centre**2
    return np.where(varies, xy, 0.0), np.where(varies, xx, 0.0), arm.total(j)
