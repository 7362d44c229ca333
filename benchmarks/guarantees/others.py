"""Cells that draw something of their own: clusters, quantiles, the pace of events, data health, steps within a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import product

import numpy as np
from benchmarks.guarantees.draws import proportion
from benchmarks.guarantees.measure import Hits, first, passed
from benchmarks.guarantees.world import DAYS, HISTORY, RAMPS, START, Harm, World
from benchmarks.hazard import exponential
from benchmarks.hazard import fired as paced
from tests.guarantees import cluster_rollouts, means, quantiles

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Proportions
from rampgate.estimate.counts import SPLIT, count_increments
from rampgate.estimate.covariate import adjusted_mean, slopes
from rampgate.estimate.evidence import log_evidence, log_sum_exp, onset_prior
from rampgate.estimate.interval import confidence_sequence, log_increments
from rampgate.estimate.process import Steps
from rampgate.estimate.reference import Scale
from rampgate.judge.crossed import Crossings
from rampgate.judge.labels import EXPECT
from rampgate.judge.weigh import bets
from rampgate.policy import Margin

Find = Callable[[np.random.Generator, int], Hits]
BAR = float(np.log(20.0))
HEALTH = float(np.log(100.0))
PRIOR = onset_prior([START + timedelta(days=t) for t in range(DAYS)], START)


def _draw(rng: np.random.Generator, n: Floats, rate: float | Floats) -> Floats:
    return rng.binomial(n.astype(int), rate).astype(float)


def _arms(rng: np.random.Generator, per_day: int, traffic: Floats, count: int) -> tuple[Floats, Floats]:
    """Units of candidate and baseline, (rollout, period)."""
    n = rng.poisson(per_day, (count, len(traffic)))
    n_c = rng.binomial(n, traffic)
    return n_c.astype(float), (n - n_c).astype(float)


def _scale(rate: float, periods: int) -> Scale:
    return Scale(np.full(periods, rate * (1 - rate)), np.full(periods, rate))


def intraday(rng: np.random.Generator, count: int, split: bool) -> Hits:
    """Traffic goes up at noon on Mondays, and afternoons are twice as bad; the day is one period, or two."""
    steps = np.round(np.linspace(0.05, 0.9, DAYS // 7), 3)
    share = np.repeat(np.repeat(steps, 7), 2).reshape(DAYS, 2)
    share[::7, 0] = np.concatenate([steps[:1], steps[:-1]])
    rate = np.tile([0.1, 0.2], (DAYS, 1))
    n = rng.poisson(150, (count, DAYS, 2))
    n_c = rng.binomial(n, share)
    n_b = n - n_c
    parts = [x.astype(float) for x in (n_c, rng.binomial(n_c, rate), n_b, rng.binomial(n_b, rate))]
    days = [START + timedelta(days=t) for t in range(DAYS)]
    if split:
        parts = [_joined(np.reshape(x, (count, 2 * DAYS))) for x in parts]
        prior = onset_prior([day for t, day in enumerate(days) for _ in range(2 if t % 7 == 0 else 1)], START)
    else:
        parts, prior = [x.sum(-1) for x in parts], PRIOR
    made = Proportions(parts[0], parts[1], parts[2], parts[3])
    grid = bets(_scale(0.15, len(prior)), Margin(0.04, "points"), 1.0)
    return Hits(first(log_evidence(log_increments(made, 0.0, grid), prior) >= BAR))


def _joined(halves: Floats) -> Floats:
    """Half days made into periods: Mondays stay in two, other days become one."""
    out = []
    for t in range(DAYS):
        pair = halves[:, 2 * t : 2 * t + 2]
        out += [pair[:, :1], pair[:, 1:]] if t % 7 == 0 else [pair.sum(-1, keepdims=True)]
    return np.concatenate(out, axis=-1)


def late_pass(rng: np.random.Generator, count: int, margin: str, onset: int) -> Hits:
    """A candidate as good as the baseline for some days, then 5 points beyond the margin: passes from then on.

    Passing while it is still good is no error; what is counted is the first pass on a day when the whole phase so far,
    weighed by units, is worse by the margin.
    """
    setting = proportion(World(300, "50 %"), 0.15)
    size = Margin.parse(margin).value + 0.05
    bad_from = int(np.ceil(onset * size / 0.05))
    hits = passed(setting, rng, count, Harm(size, onset), margin)
    # Those that went on before are out of the phase.
    return Hits(np.where(hits.day > bad_from, hits.day, 0))


def within_budget(
    rate: float, per_day: int, ramp: str, rng: np.random.Generator, count: int, harm: float = 0.03
) -> Hits:
    """The upper bound on harm per unit below 3 points, at some weekly look of six weeks."""
    n_c, n_b = _arms(rng, per_day, RAMPS[ramp][:42], count)
    run = Proportions(n_c, _draw(rng, n_c, rate + harm), n_b, _draw(rng, n_b, rate))
    grid = bets(_scale(rate, 42), Margin(0.05, "points"), 1.0)
    told = np.zeros((count, 42), dtype=bool)
    for days in range(7, 43, 7):
        _, upper = confidence_sequence(run, grid, 0.10, 1.0, (np.arange(42) < days).astype(float))
        told[:, days - 1] = upper < 0.03
    return Hits(first(told))


def clusters(
    steps: tuple[int, ...], icc: float, sizes: str, afresh: bool, rng: np.random.Generator, count: int
) -> Hits:
    """Forty clusters, of which some have the candidate."""
    design = cluster_rollouts.Design(list(steps), icc=icc, sizes=sizes, afresh=afresh)
    made = cluster_rollouts.rollouts(rng, design, count)[1]
    return Hits(first(cluster_rollouts.bet(made, 0.0, 0.04).evidence(PRIOR) >= BAR))


def clusters_pass(steps: tuple[int, ...], icc: float, rng: np.random.Generator, count: int) -> Hits:
    """The same, exactly 5 points worse, shown within 5 points."""
    made = cluster_rollouts.rollouts(rng, cluster_rollouts.Design(list(steps), icc=icc), count, harm=0.05)[1]
    return Hits(first(cluster_rollouts.bet(made, 0.05, 0.05, -1).path(0) >= BAR))


def quantile(sigma: float, per_day: int, history: bool, rng: np.random.Generator, count: int) -> Hits:
    """The 95th percentile of lognormal values whose level moves."""
    kind = quantiles.Kind(sigma=sigma, per_day=per_day, history=history)
    paths = [quantiles.log_e(quantiles.draw(kind, rng)[0]) for _ in range(count)]
    return Hits(first(np.stack(paths) >= BAR))


def pace(per_day: int, ramp: str, rng: np.random.Generator, count: int) -> Hits:
    """``test: hazard`` with nothing different, over eight weeks."""
    traffic = np.repeat([0.1, 0.25, 0.5], [14, 14, 28]) if ramp == "10/25/50 %" else RAMPS[ramp][:56]
    seed = int(rng.integers(2**31))
    hits = paced(per_day, (exponential(), exponential()), traffic=traffic, rollouts=count, seed=seed)["hazard"]
    return Hits(first(hits))


def sample_ratio(per_day: int, ramp: str, kept: float, rng: np.random.Generator, count: int) -> Hits:
    """The split against the traffic in force, when the candidate gets ``kept`` of its share."""
    traffic = RAMPS[ramp]
    n = rng.poisson(per_day, (count, DAYS)).astype(float)
    n_c = _draw(rng, n, traffic * kept)
    steps = count_increments(n_c, n, np.broadcast_to(traffic, n.shape), np.array(SPLIT))
    return Hits(first(log_evidence(steps, PRIOR) >= HEALTH))


def missing(rate: float, more: float, per_day: int, ramp: str, rng: np.random.Generator, count: int) -> Hits:
    """Unknown outcomes by arm, tested on both sides at 1 %."""
    n_c, n_b = _arms(rng, per_day, RAMPS[ramp], count)
    y_c, y_b = _draw(rng, n_c, rate + more), _draw(rng, n_b, rate)
    grid = bets(_scale(rate, DAYS), EXPECT, 1.0)
    sides = [
        Steps(log_increments(made, 0.0, grid)).evidence(PRIOR)
        for made in (Proportions(n_c, y_c, n_b, y_b), Proportions(n_b, y_b, n_c, y_c))
    ]
    return Hits(first(log_sum_exp(np.stack(sides, axis=-1)) - np.log(2.0) >= HEALTH))


def crossing(units: int, share: float, rng: np.random.Generator, count: int) -> Hits:
    """Units that meet both versions within a phase, some days after they were first seen."""
    seen = rng.multinomial(units, np.full(DAYS, 1 / DAYS), count).astype(float)
    both = np.zeros_like(seen)
    crosses = rng.binomial(seen.astype(int), share)
    for day in range(DAYS):
        at = np.minimum(day + rng.integers(0, 20, count), DAYS - 1)
        both[np.arange(count), at] += crosses[:, day]
    paths = [Crossings(n[None], k[None], "units").evidence() for n, k in zip(seen, both, strict=True)]
    return Hits(first(np.stack(paths) >= HEALTH))


Line = tuple[str, tuple[str, ...], float | None, Find, int]


def cells() -> Iterator[Line]:
    """Section, words, budget, what finds it, and how many rollouts."""
    yield from _clusters()
    yield from _skewed_times()
    yield from _covariates()
    yield from _split()
    yield from _labels()


def _clusters() -> Iterator[Line]:
    section = "Forty clusters assigned, nothing different"
    ramps = (((20,), False), ((5,), False), ((5, 10, 20), False), ((5, 10, 20), True))
    for (steps, afresh), icc, sizes in product(ramps, (0.05, 0.2), ("equal", "more if worse")):
        ramp = "-".join(map(str, steps)) + " with the candidate" + (", drawn afresh" if afresh else "")
        told = (ramp, f"ICC {icc:g}", f"sizes {sizes}", "300 a day")
        yield section, told, 0.05, partial(clusters, steps, icc, sizes, afresh), 500
    section = "Forty clusters assigned, exactly 5 points worse, shown within 5 points"
    for steps, icc in product(((20,), (5,)), (0.05, 0.2)):
        told = (f"{steps[0]} with the candidate", f"ICC {icc:g}", "sizes equal", "300 a day")
        yield section, told, 0.05, partial(clusters_pass, steps, icc), 500


def _skewed_times() -> Iterator[Line]:
    section = "The 95th percentile of lognormal values, level moving, 10 % of traffic, nothing different"
    for sigma, per_day, history in product((1.0, 2.0), (50, 300), (True, False)):
        told = (f"sigma {sigma:g}", "history" if history else "no history", f"{per_day} a day", "10 %")
        yield section, told, 0.05, partial(quantile, sigma, per_day, history), 250
    section = "The pace of events, `test: hazard`, nothing different, eight weeks"
    for per_day, ramp in product((50, 300), ("10/25/50 %", "1 %")):
        yield section, ("90 % within 72 h", "", f"{per_day} a day", ramp), 0.05, partial(pace, per_day, ramp), 1000


def _covariates() -> Iterator[Line]:
    section = "Means less what a covariate explains, six weeks"
    for rho, per_day, traffic in product((0.3, 0.8), (50, 300), (0.1, 0.5)):
        told = (f"correlation {rho:g}", "nothing different", f"{per_day} a day", f"{traffic:.0%}")
        yield section, told, 0.05, partial(covariate, rho, per_day, traffic, 0.0), 500
    for rho in (0.0, 0.3, 0.8):
        told = (f"correlation {rho:g}", "0.15 standard deviations worse", "50 a day", "50%")
        yield section, told, None, partial(covariate, rho, 50, 0.5, 0.15), 300


def _split() -> Iterator[Line]:
    section = "The split against the traffic"
    for per_day, ramp in product((50, 300, 3000), ("10/25/50 %", "10 %", "1 %")):
        told = ("as it should be", "", f"{per_day} a day", ramp)
        yield section, told, 0.01, partial(sample_ratio, per_day, ramp, 1.0), 4000
    for kept, per_day, ramp in product((0.9, 0.8, 0.5), (300, 3000), ("10 %", "1 %")):
        told = (f"the candidate gets {kept:.0%} of its share", "", f"{per_day} a day", ramp)
        yield section, told, None, partial(sample_ratio, per_day, ramp, kept), 500


def covariate(rho: float, per_day: int, traffic: float, harm: float, rng: np.random.Generator, count: int) -> Hits:
    """A mean of normal values less what a covariate explains, over six weeks; a tenth of the covariates unknown."""
    days = []
    for begin in range(0, count, 100):
        shape = (min(100, count - begin), HISTORY + means.DAYS, per_day)
        x = rng.normal(0.0, 3.0, shape) + 10.0
        y = rho * (x - 10.0) / 3.0 + np.sqrt(1 - rho**2) * rng.normal(size=shape)
        candidate = rng.random(shape) < traffic
        candidate[:, :HISTORY] = False
        y += harm * candidate
        x[rng.random(shape) < 0.1] = np.nan
        run, past = slice(HISTORY, None), slice(0, HISTORY)
        c, b = (means.arm(who[:, run], y[:, run], x[:, run]) for who in (candidate, ~candidate))
        before = means.arm(~candidate[:, past], y[:, past], x[:, past])
        empty = means.nothing(before)
        was, now = slopes("m", (empty, before), (c, b))
        then = adjusted_mean("m", empty, before, was, (1.0, 1), None)
        path = means.log_e(then, adjusted_mean("m", c, b, now, (1.0, 1), None), 0.2)
        days.append(first(path >= BAR))
    return Hits(np.concatenate(days))


def _labels() -> Iterator[Line]:
    section = "Missing labels by arm"
    for rate, per_day, ramp in product((0.05, 0.3), (50, 300), ("10/25/50 %", "1 %")):
        told = (f"{rate:.0%} unknown", "alike in both arms", f"{per_day} a day", ramp)
        yield section, told, 0.01, partial(missing, rate, 0.0, per_day, ramp), 2000
    for more in (0.01, 0.02, 0.05):
        told = ("5% unknown", f"{100 * more:g} points more in the candidate's", "300 a day", "10/25/50 %")
        yield section, told, None, partial(missing, 0.05, more, 300, "10/25/50 %"), 500
    section = "Units that meet both versions within a phase"
    for units, share in product((40, 3000), (0.01, 0.02, 0.05, 0.2)):
        told = (f"{share:.0%} cross", "1 % may", f"{units} units", "")
        yield section, told, 0.01 if share == 0.01 else None, partial(crossing, units, share), 2000
