"""How soon `test: hazard` sees slower events, how often it errs, and what its two bounds cost: docs/decisions/0011.

Run: python benchmarks/hazard.py [rollouts]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

import numpy as np

from rampgate.aggregate.histogram import AGES
from rampgate.aggregate.moments import Floats, Period
from rampgate.estimate.contrast import Means, Proportions, divide
from rampgate.estimate.evidence import log_evidence, onset_prior
from rampgate.estimate.hazard import hazard_bets, log_rank_score
from rampgate.estimate.increments import bennett_cost
from rampgate.estimate.interval import log_increments
from rampgate.estimate.reference import Scale
from rampgate.judge.lives import Lives, booked
from rampgate.judge.weigh import bets
from rampgate.policy import Margin

ROLLOUTS = 2000
DAYS, LIMIT, CHUNK = 56, 72.0, 250
START = date(2026, 1, 5)
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
PERIODS = [
    Period(START + timedelta(days=t), 0, BEGIN + timedelta(days=t), BEGIN + timedelta(days=t + 1)) for t in range(DAYS)
]
PRIOR = onset_prior([p.day for p in PERIODS], START)
RAMP = np.repeat([0.1, 0.25, 0.5], [14, 14, 28])
EDGES = np.linspace(0.0, LIMIT, AGES + 1)
BOOKED = booked(PERIODS, [timedelta(hours=float(edge)) for edge in EDGES[1:]])
#: The share and the mean are booked three days after a day of exposure.
WAIT = 3

#: Chance to have had the event by each edge, (bin + 1,).
Curve = Callable[[Floats], Floats]


def exponential(slower: float = 1.0) -> Curve:
    """Durations of which 90 % are over within the limit, times a factor."""
    return lambda hours: 1.0 - np.exp(-hours * np.log(10) / LIMIT / slower)


def slow_early(hours: Floats) -> Floats:
    """Nothing in the first day, and the same 90 % by the limit."""
    return np.where(hours < 24, 0.0, 0.9 * (hours - 24) / 48)


def drawn(
    rng: np.random.Generator, rollouts: int, per_day: int, curves: tuple[Curve, Curve], traffic: Floats, swing: float
) -> Floats:
    """Units by the bin of their event, (variant, rollout, period, bin + 1); baseline first."""
    n = rng.poisson(per_day, (rollouts, DAYS))
    n_c = rng.binomial(n, traffic)
    # A pace that goes up and down by the day, in both arms alike.
    pace = np.exp(swing * np.sin(np.arange(DAYS) * 2 * np.pi / 7 + 1.0))
    out = []
    for count, curve in ((n - n_c, curves[0]), (n_c, curves[1])):
        by = np.stack([curve(EDGES * p) for p in pace])
        chances = np.concatenate([np.diff(by, axis=-1), 1.0 - by[:, -1:]], axis=-1)
        out.append(rng.multinomial(count, np.broadcast_to(chances, (rollouts, *chances.shape))).astype(float))
    return np.stack(out)


def hazard(counts: Floats) -> Floats:
    """Log-evidence after each day of `test: hazard`, (rollout, day)."""
    return log_evidence(Lives(EDGES, counts, BOOKED, -1).increments(None), PRIOR)


#: Whether events are drawn with replacement, and by how much one may move the score; None is the larger arm's share.
COSTS: dict[str, tuple[bool, float | None]] = {
    "drawn with replacement, c = share": (True, None),
    "hypergeometric, c = 1": (False, 1.0),
    "hypergeometric, c = share (no proof)": (False, None),
    "Gaussian (asymptotic)": (False, 0.0),
}


def costed(counts: Floats, replaced: bool, bound: float | None) -> Floats:
    """The same where another cost is paid for a stratum."""
    lives, lam = Lives(EDGES, counts, BOOKED, -1), hazard_bets(None)
    (n_b, n_c), (d_b, d_c) = lives.at_risk, lives.events
    score, urn = log_rank_score(n_c, n_b, d_c, d_b)
    part = divide(n_c, n_c + n_b)
    c = np.maximum(part, 1 - part) if bound is None else np.full_like(part, bound)
    variance = (d_b + d_c) * part * (1 - part) if replaced else urn
    each = -lam * score[..., None] - variance[..., None] * bennett_cost(lam, c[..., None])
    each = np.where((n_c * n_b > 0)[..., None], each, 0.0)
    return log_evidence(np.stack([each[:, t == BOOKED].sum(1) for t in range(DAYS)], axis=1), PRIOR)


def share(counts: Floats) -> Floats:
    """The same of the share with the event within the limit."""
    b, c = counts
    made = Proportions(c.sum(-1), c[..., :-1].sum(-1), b.sum(-1), b[..., :-1].sum(-1), sign=-1)
    return _at_maturity(made, 0.09, 0.05, 1.0)


def mean(counts: Floats) -> Floats:
    """The same of the mean time up to the limit, from the middles of the bins."""
    hours = np.append(0.5 * (EDGES[1:] + EDGES[:-1]), LIMIT)
    (n_b, m_b, ss_b), (n_c, m_c, ss_c) = (_moments(x, hours) for x in counts)
    pooled = (n_c * m_c + n_b * m_b) / np.maximum(n_c + n_b, 1)
    made = Means(n_c, n_b, m_c, m_b, ss_c, ss_b, np.maximum(LIMIT - pooled, pooled), ranged=True, exact=True)
    return _at_maturity(made, 23.0**2, 5.0, LIMIT)


def _moments(x: Floats, hours: Floats) -> tuple[Floats, Floats, Floats]:
    n = x.sum(-1)
    m = x @ hours / np.maximum(n, 1)
    return n, m, x @ hours**2 - n * m**2


def _at_maturity(made: Proportions | Means, variance: float, expect: float, reach: float) -> Floats:
    scale = Scale(np.full((1, DAYS), variance), np.full((1, DAYS), 0.5))
    log_e = log_evidence(log_increments(made, 0.0, bets(scale, Margin(expect), reach)), PRIOR)
    waiting = np.zeros((*log_e.shape[:-1], WAIT))
    return np.concatenate([waiting, log_e[..., :-WAIT]], axis=-1)


TESTS: dict[str, Callable[[Floats], Floats]] = {"hazard": hazard, "share": share, "mean": mean}
TESTS |= {name: partial(costed, replaced=back, bound=c) for name, (back, c) in COSTS.items()}
MAIN = ("hazard", "share", "mean")


def fired(
    per_day: int,
    curves: tuple[Curve, Curve],
    tests: tuple[str, ...] = ("hazard",),
    traffic: Floats = RAMP,
    swing: float = 0.0,
    rollouts: int = ROLLOUTS,
    seed: int = 1,
) -> dict[str, np.ndarray]:
    """Whether the evidence is at 20 to 1 after each day, (rollout, day), per test."""
    rng = np.random.default_rng(seed)
    out: dict[str, list[np.ndarray]] = {name: [] for name in tests}
    for first in range(0, rollouts, CHUNK):
        counts = drawn(rng, min(CHUNK, rollouts - first), per_day, curves, traffic, swing)
        for name in tests:
            out[name].append(TESTS[name](counts) >= np.log(20))
    return {name: np.concatenate(hits) for name, hits in out.items()}


def told(hits: np.ndarray) -> str:
    """How many were rolled back, and the median day, both with their Monte-Carlo error."""
    ever = np.asarray(hits.any(-1))
    rate = float(ever.mean())
    text = f"{rate:6.1%} +/- {np.sqrt(rate * (1 - rate) / len(ever)):.1%}"
    if ever.any():
        days = np.argmax(hits[ever], -1) + 1
        chance = np.random.default_rng(1)
        medians = [np.median(chance.choice(days, len(days))) for _ in range(200)]
        low, high = np.quantile(medians, [0.025, 0.975])
        text += f"   median day {np.median(days):.0f} ({low:.0f} to {high:.0f})"
    return text


def main() -> None:
    """Print the table."""
    rollouts = int(sys.argv[1]) if len(sys.argv) > 1 else ROLLOUTS
    hits_of = partial(fired, rollouts=rollouts)
    same = (exponential(), exponential())
    step_back = np.repeat([0.1, 0.5, 0.1], [14, 14, 28])
    print(f"{rollouts} rollouts, {DAYS} days, ramp 10/25/50 %, 90 % of events within 72 h; +/- is one standard error\n")
    print("Nothing differs: rolled back at all (budget 5 %)")
    for per_day in (10, 50, 300, 3000):
        print(f"  {per_day:5} a day                       {told(hits_of(per_day, same)['hazard'])}")
    print(f"    300 a day, the pace swings by the day {told(hits_of(300, same, swing=0.7)['hazard'])}")
    print(f"    300 a day, 50 % and back to 10 %   {told(hits_of(300, same, traffic=step_back)['hazard'])}")
    print(f"    300 a day, 1 % of traffic          {told(hits_of(300, same, traffic=np.full(DAYS, 0.01))['hazard'])}")
    print("\nDurations 20 % longer, day of the look that rolls back")
    for per_day in (50, 300):
        for name, hits in hits_of(per_day, (exponential(), exponential(1.2)), MAIN).items():
            print(f"  {per_day:5} a day, {name:7}              {told(hits)}")
    print("\nThe same 90 % by 72 h, but none in the first day")
    for name, hits in hits_of(300, (exponential(), slow_early), MAIN).items():
        print(f"    300 a day, {name:7}              {told(hits)}")
    print("\nWhat a stratum pays, 300 a day: 20 % longer, and nothing different")
    for curves in ((exponential(), exponential(1.2)), same):
        for name, hits in hits_of(300, curves, ("hazard", *COSTS)).items():
            print(f"  {name:37}{told(hits)}")
    print("\nDurations 20 % shorter: rolled back at all")
    print(
        f"    300 a day                          {told(hits_of(300, (exponential(), exponential(1 / 1.2)))['hazard'])}"
    )


if __name__ == "__main__":
    main()
