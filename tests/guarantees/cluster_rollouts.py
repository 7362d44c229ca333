"""Rollouts in which clusters are assigned, in batches: what each cluster did in each period, and the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.clustered import Clustered, by_cluster
from rampgate.estimate.contrast import Contrast, Means, Proportions, Ratios, divide, take
from rampgate.estimate.evidence import onset_prior
from rampgate.estimate.interval import process
from rampgate.estimate.process import Process
from rampgate.estimate.reference import scale
from rampgate.judge.weigh import bets
from rampgate.policy import Margin

DAYS = 84
BAR = float(np.log(20.0))
START = date(2026, 1, 5)
PRIOR = onset_prior([START + timedelta(days=t) for t in range(DAYS)], START)
#: How many units a cluster handles, beside chance: alike; very differently; and those with a high rate more, or fewer.
SIZES = ("equal", "unequal", "more if worse", "fewer if worse")


@dataclass(frozen=True)
class Design:
    """How a rollout is laid out.

    Attributes
    ----------
    steps : clusters with the candidate in equal parts of the twelve weeks; those that had it keep it
    clusters, units : clusters, and units a day over all of them
    rate, icc : rate of a bad outcome, and the correlation of two units of one cluster
    sizes : one of SIZES
    afresh : whether clusters are drawn anew at each step
    """

    steps: Sequence[int]
    clusters: int = 40
    units: int = 300
    rate: float = 0.15
    icc: float = 0.05
    sizes: str = "equal"
    afresh: bool = False


def _assigned(rng: np.random.Generator, design: Design, count: int) -> Floats:
    """1 where a cluster has the candidate, (rollout, cluster, period)."""
    has = np.repeat(design.steps, -(-DAYS // len(design.steps)))[:DAYS]

    def places() -> Floats:
        return np.asarray(rng.permuted(np.tile(np.arange(design.clusters), (count, 1)), axis=1)[..., None])

    parts = [places() for _ in design.steps] if design.afresh else [places()] * len(design.steps)
    length = -(-DAYS // len(parts))
    at = np.concatenate([np.repeat(part, length, axis=-1) for part in parts], axis=-1)[..., :DAYS]
    return np.asarray(at < has, dtype=float)


def _sizes(rng: np.random.Generator, design: Design, rate: Floats) -> Floats:
    """The share of units of each cluster, (rollout, cluster)."""
    way = {"equal": 0.0, "unequal": 0.0, "more if worse": 8.0, "fewer if worse": -8.0}[design.sizes]
    noise = {"equal": 0.0, "unequal": 1.0}.get(design.sizes, 0.5)
    weight = np.exp(noise * rng.standard_normal(rate.shape) + way * (rate - design.rate))
    return np.asarray(weight / weight.sum(1, keepdims=True))


def rollouts(
    rng: np.random.Generator, design: Design, count: int, harm: float = 0.0, onset: int = 0, better: bool = False
) -> tuple[Proportions, Clustered]:
    """Contrasts of a batch, by unit and by cluster; the candidate is worse by ``harm`` from a day on.

    Parameters
    ----------
    better : harm is fewer of the outcome, and not more
    """
    more = (1.0 / design.icc - 1.0) if design.icc else np.inf
    shape = (count, design.clusters)
    own = rng.beta(design.rate * more, (1 - design.rate) * more, shape) if design.icc else np.full(shape, design.rate)
    has = _assigned(rng, design, count)
    n = rng.poisson(design.units * np.repeat(_sizes(rng, design, own)[..., None], DAYS, axis=-1))
    late = np.arange(DAYS) >= onset
    y = rng.binomial(n, np.clip(own[..., None] + (-1 if better else 1) * harm * has * late, 0, 1)).astype(float)
    parts = [y * has, n * has, y * (1 - has), n * (1 - has)]
    y_c, n_c, y_b, n_b = (part.sum(1) for part in parts)
    sign = -1 if better else 1
    base = Proportions(n_c, y_c, n_b, y_b, sign=sign)
    parts[0], parts[2] = sign * parts[0], sign * parts[2]
    return base, by_cluster(base, *parts)  # type: ignore[arg-type]


def amounts(
    rng: np.random.Generator, design: Design, count: int, harm: float = 0.0, ratio: bool = False
) -> tuple[Means | Ratios, Clustered]:
    """The same of an amount whose level is 1: a mean of lognormal values (sigma 1), or minutes per message.

    Parameters
    ----------
    harm : how much higher the candidate's amounts are
    ratio : amounts go with a denominator of their own, 1 and more, and the ratio of the sums is compared
    """
    within = np.e - 1.0
    shape = (count, design.clusters)
    # Gamma levels, so that two units of a cluster have the correlation asked for.
    spread = design.icc * within / (1.0 - design.icc)
    own = rng.gamma(1.0 / spread, spread, shape) if spread else np.ones(shape)
    has = _assigned(rng, design, count)
    n = rng.poisson(design.units * np.repeat(_sizes(rng, design, design.rate * own)[..., None], DAYS, axis=-1))
    level = (own[..., None] * (1.0 + harm * has)).ravel()
    unit = np.repeat(np.arange(n.size), n.ravel())
    x = rng.geometric(0.3, len(unit)).astype(float) if ratio else np.ones(len(unit))
    y = x * level[unit] * np.exp(rng.standard_normal(len(unit)) - 0.5)

    def sums(*factors: Floats) -> Floats:
        product = np.prod(np.stack(factors), axis=0)
        return np.bincount(unit, product, minlength=n.size).astype(np.float64).reshape(n.shape)

    arms = {}
    for side, inside in (("c", has), ("b", 1.0 - has)):
        cells = [inside * values for values in (n, sums(x), sums(y), sums(x, x), sums(x, y), sums(y, y))]
        k, sx, sy, sxx, sxy, syy = (values.sum(1) for values in cells)
        arms[side] = (cells, k, sx, sy, sxx - divide(sx * sx, k), sxy - divide(sx * sy, k), syy - divide(sy * sy, k))
    (of_c, n_c, x_c, y_c, xx_c, xy_c, yy_c), (of_b, n_b, x_b, y_b, xx_b, xy_b, yy_b) = arms["c"], arms["b"]
    rate = divide(y_c + y_b, x_c + x_b).repeat(design.clusters, axis=0).reshape(n.shape).ravel()
    reach = np.zeros(n.size)
    np.maximum.at(reach, unit, np.abs(y - rate[unit] * x))
    jump = reach.reshape(n.shape).max(1)
    base: Means | Ratios
    mean_x: Floats = np.ones(())
    if ratio:
        base = Ratios(n_c, n_b, x_c, x_b, y_c, y_b, xx_c, xy_c, yy_c, xx_b, xy_b, yy_b, jump)
        mean_x = divide(x_c + x_b, n_c + n_b)[:, None]
    else:
        base = Means(n_c, n_b, divide(y_c, n_c), divide(y_b, n_b), yy_c, yy_b, jump)
    top_c, x_c, top_b, x_b = (part / mean_x for part in (of_c[2], of_c[1], of_b[2], of_b[1]))
    return base, by_cluster(base, top_c, x_c, top_b, x_b)


def bet(made: Contrast, margin: float, expect: float, direction: int = 1) -> Process:
    """The process that the judge would run, without a history."""
    reach = 1.0 if made.ranged else 0.0
    scales = scale(take(made, slice(0, 0)), made, reach)
    return process(made, margin, bets(scales, Margin(expect), reach), direction)


def rolled_back(made: Contrast, margin: float = 0.0, expect: float = 0.04) -> tuple[float, float]:
    """Share of rollouts in which harm beyond the margin is ever found at 5 %, and the median day of these."""
    path = bet(made, margin, expect).evidence(PRIOR)
    reached = (path >= BAR).any(-1)
    days = np.argmax(path >= BAR, axis=-1)[reached] + 1
    return float(reached.mean()), float(np.median(days)) if len(days) else np.nan


def passed(made: Contrast, margin: float) -> float:
    """Share of rollouts that are shown at some look not to be worse by the margin."""
    return float((bet(made, margin, margin, -1).path(0) >= BAR).any(-1).mean())
