"""Kayenta's judge: Mann-Whitney with a tolerance, and scores of groups of metrics.

Source: spinnaker/kayenta, kayenta-judge (NetflixACAJudge, MannWhitneyClassifier, WeightedSumScorer) and its canary
best practices: a metric is "High" when the 98 % interval of the shift of its points lies above 25 % of the
Hodges-Lehmann estimate and the ratio of the means above ``allowedIncrease``; a group's score is the share of its
metrics that pass; a run below ``marginal`` (75) fails at once, the last run must reach ``pass`` (95). Points are days,
runs are weekly and look at everything since the launch (the growing window, which is its default). The interval is
that of R's ``wilcox.test`` with the normal approximation and the correction for continuity; ties, which are rare here,
are not corrected for.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from benchmarks.gate_contest.cases import Case

from rampgate.aggregate.moments import Floats

TOLERANCE, CONFIDENCE, MARGINAL, PASS = 0.25, 0.98, 75.0, 95.0


def shift(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Lower end of the interval of the shift of x against y, and its Hodges-Lehmann estimate; (..., point) each."""
    n, m = x.shape[-1], y.shape[-1]
    pairs = (x[..., :, None] - y[..., None, :]).reshape(*x.shape[:-1], n * m)
    sigma = np.sqrt(n * m * (n + m + 1) / 12.0)
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    above = n * m / 2 + 0.5 + z * sigma
    place = int(np.clip(np.floor(n * m - above), 0, n * m - 1))
    middle = [(n * m - 1) // 2, n * m // 2]
    pairs = np.partition(pairs, sorted({place, *middle}), axis=-1)
    low = pairs[..., place] if above <= n * m else np.full(pairs.shape[:-1], -np.inf)
    return low, 0.5 * (pairs[..., middle[0]] + pairs[..., middle[1]])


def high(x: Floats, y: Floats, allowed: float) -> np.ndarray:
    """Whether a metric is classified as High, (...)."""
    low, estimate = shift(x, y)
    level = y.mean(-1)
    return np.asarray((low > TOLERANCE * np.abs(estimate)) & (x.mean(-1) > allowed * level))


def kayenta(case: Case, design: str) -> np.ndarray:
    """Failed canaries, (rollout, day)."""
    c, b = case.seen.arms(design == "ramp")
    x, y = (np.where(n > 0, total / np.where(n > 0, n, 1.0), 0.0) for n, total, _ in (c, b))
    allowed = 1.0 + case.facts.tolerated / case.facts.level
    out = np.zeros((len(case.begin), case.days), dtype=bool)
    for day in range(6, case.days, 7):
        failed = np.stack([high(x[:, g, : day + 1], y[:, g, : day + 1], allowed) for g in range(x.shape[1])], axis=1)
        last = day + 7 >= case.days
        out[:, day] = score(failed) < (PASS if last else MARGINAL)
    return out


def score(failed: np.ndarray) -> Floats:
    """The summary score: the whole, and all segments as a second group of equal weight where there are any."""
    groups = [100.0 * (1.0 - failed[:, :1].mean(1))]
    if failed.shape[1] > 1:
        groups.append(100.0 * (1.0 - failed[:, 1:].mean(1)))
    return np.asarray(np.mean(groups, axis=0))
