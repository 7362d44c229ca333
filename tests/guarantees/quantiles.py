"""Rollouts of lognormal magnitudes whose level moves, as the judge's quantiles; used by tests and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from rampgate.aggregate.binned import Binned, Counts
from rampgate.aggregate.histogram import RELATIVE_ERROR, Magnitudes
from rampgate.aggregate.moments import BASELINE, Floats, Ints
from rampgate.estimate.evidence import log_evidence, onset_prior
from rampgate.estimate.interval import log_increments
from rampgate.estimate.quantiles import Quantiles
from rampgate.judge.weigh import bets
from rampgate.policy import Margin, Quantile

DAYS, HISTORY = 56, 28
START = date(2026, 1, 5)
PRIOR = onset_prior([START + timedelta(days=t) for t in range(DAYS)], START)
P95 = Quantile(kind="quantile", column="x", q=0.95, better="lower")


@dataclass(frozen=True)
class Kind:
    """What is drawn: ``slower`` multiplies the candidate's values, ``history`` says whether there is any."""

    sigma: float = 1.0
    per_day: int = 300
    traffic: float = 0.1
    slower: float = 1.0
    history: bool = True


def bin_of(x: Floats) -> Ints:
    """Bins of positive numbers, as the engine's SQL has them."""
    step = np.log((1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR))
    return np.asarray(np.ceil(np.log(x) / step) + (Magnitudes("m").place(1.0, True)), dtype=np.int64)


def level(day: Ints) -> Floats:
    """A baseline that moves by half up and down, and drifts upwards."""
    return np.exp(0.4 * np.sin(day / 7.0) + 0.01 * day)


def draw(kind: Kind, rng: np.random.Generator) -> tuple[Quantiles, Floats, Ints, np.ndarray]:
    """One rollout: its quantiles, and the values, days and arms behind them."""
    day = np.repeat(np.arange(-HISTORY, DAYS), rng.poisson(kind.per_day, HISTORY + DAYS))
    candidate = (day >= 0) & (rng.random(len(day)) < kind.traffic)
    x = rng.lognormal(1.0, kind.sigma, len(day)) * level(day) * np.where(candidate, kind.slower, 1.0)
    past, run = (_binned(x[on], day[on] - day[on].min(), candidate[on]) for on in (day < 0, day >= 0))
    if not kind.history:
        past = past.only(np.zeros(HISTORY, dtype=bool))
    return Quantiles.of("m", P95, past.only(np.ones(past.periods, dtype=bool), BASELINE), run), x, day, candidate


def _binned(x: Floats, day: Ints, candidate: np.ndarray) -> Binned:
    place, bins = 2 * day + candidate, bin_of(x)
    order = np.lexsort((bins, place))
    return Binned(int(day.max()) + 1, (Counts(place[order], bins[order], np.ones(len(x))),))


def log_e(found: Quantiles, worse_by: float = 0.0, expect: float | None = None) -> Floats:
    """Log-evidence after each day that the candidate's quantile is worse by more than a bound, (period,)."""
    size = None if expect is None else found.expected(Margin(expect))
    every = log_evidence(log_increments(found.beyond(worse_by), 0.0, bets(found.scale(), size, 1.0)), PRIOR)
    return np.asarray(every[0])
