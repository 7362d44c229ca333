"""Batches of rollouts of a mean, with a covariate, as one arm's moments each; used by tests and benchmarks."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from rampgate.aggregate.marginals import Arm
from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Contrast
from rampgate.estimate.evidence import log_evidence, onset_prior
from rampgate.estimate.interval import log_increments
from rampgate.estimate.reference import scale
from rampgate.judge.weigh import bets
from rampgate.policy import Margin

DAYS = 42
START = date(2026, 1, 5)
PRIOR = onset_prior([START + timedelta(days=t) for t in range(DAYS)], START)
PARTS = tuple(f"m:{role}" for role in ("value", "known", "covariate", "covered"))
PAIRS = tuple((i, j) for i in range(4) for j in range(i, 4))


def arm(there: np.ndarray, value: Floats, covariate: Floats | None = None) -> Arm:
    """Moments of the units that are there, (rollout, day, unit); an unknown covariate is NaN."""
    x = np.zeros_like(value) if covariate is None else covariate
    j = there & ~np.isnan(x)
    n = there.sum(-1).astype(float)
    columns = [np.where(there, value, 0.0), there * 1.0, np.where(j, x, 0.0), j * 1.0]
    safe = np.maximum(n, 1.0)
    mean = np.stack([c.sum(-1) / safe for c in columns], axis=-1)
    centred = [np.where(there, c - mean[..., k, None], 0.0) for k, c in enumerate(columns)]
    comoment = np.stack([(centred[a] * centred[b]).sum(-1) for a, b in PAIRS], axis=-1)
    inside = [there, there, j, there]
    low, high = (
        np.stack([np.where(on.any(-1), f(np.where(on, c, fill), axis=-1), 0.0)
                  for c, on in zip(columns, inside, strict=True)], axis=-1)
        for f, fill in ((np.min, np.inf), (np.max, -np.inf))
    )  # fmt: skip
    return Arm(PARTS, PAIRS, n[:, None], mean[:, None], comoment[:, None], low[:, None], high[:, None])


def log_e(past: Contrast, run: Contrast, expect: float | None, reach: float = 0.0) -> Floats:
    """Log-evidence of any harm after each day, (rollout, day)."""
    size = None if expect is None else Margin(expect)
    lambdas = bets(scale(past, run, reach), size, reach)
    return log_evidence(log_increments(run, 0.0, lambdas), PRIOR)[:, 0]


def nothing(like: Arm) -> Arm:
    """An arm without a unit."""
    return Arm(like.components, like.pairs, *(0.0 * x for x in (like.n, like.mean, like.comoment, like.low, like.high)))
