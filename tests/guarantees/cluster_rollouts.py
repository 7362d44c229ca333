"""Rollouts in which clusters are assigned, in batches: what each cluster did in each period, and the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.clustered import Clustered, by_cluster
from rampgate.estimate.contrast import Proportions
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


def bet(made: Proportions | Clustered, margin: float, expect: float, direction: int = 1) -> Process:
    """The process that the judge would run, without a history."""
    base = made.base if isinstance(made, Clustered) else made
    assert isinstance(base, Proportions)
    nothing = np.zeros_like(base.n_c[..., :0])
    past: Proportions | Clustered = Proportions(nothing, nothing, nothing, nothing, sign=base.sign)
    if isinstance(made, Clustered):
        empty = np.zeros((*nothing.shape[:-1], 0, 0))
        past = Clustered(past, empty, empty, empty, nothing)
    return process(made, margin, bets(scale(past, made, 1.0), Margin(expect), 1.0), direction)


def rolled_back(made: Proportions | Clustered, margin: float = 0.0) -> tuple[float, float]:
    """Share of rollouts in which harm beyond the margin is ever found at 5 %, and the median day of these."""
    path = bet(made, margin, 0.04).evidence(PRIOR)
    reached = (path >= BAR).any(-1)
    days = np.argmax(path >= BAR, axis=-1)[reached] + 1
    return float(reached.mean()), float(np.median(days)) if len(days) else np.nan


def passed(made: Proportions | Clustered, margin: float) -> float:
    """Share of rollouts that are shown at some look not to be worse by the margin."""
    return float((bet(made, margin, margin, -1).path(0) >= BAR).any(-1).mean())
