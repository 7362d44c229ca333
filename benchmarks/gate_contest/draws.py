"""How the units of a scenario come and what they are like: three parts of each day, drawn exactly.

The control of the ``enrolled`` design is a random part of the baseline, as large as the candidate, so that all designs
see the same candidate and the same days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist

import numpy as np
from benchmarks.gate_contest.cases import CANDIDATE, CONTROL, REST, Case, Facts, Seen
from benchmarks.guarantees.draws import EXPECT
from benchmarks.guarantees.world import Harm, Setting, World, amounts, rules

from rampgate.aggregate.marginals import OVERALL, Group, Moments
from rampgate.aggregate.moments import Floats, Ints
from rampgate.policy import Policy

#: Onset of late harm: evenly on these days, from 0.
FIRST, LAST = 14, 63
SIGMA, TOP = 1.0, 8.0
CROWDED = 0.9


@dataclass(frozen=True)
class Planned(World):
    """A world whose traffic is a list of its own, over as many days."""

    shares: tuple[float, ...] = ()

    @property
    def traffic(self) -> Floats:
        before = np.zeros(28 if self.history else 0)
        return np.concatenate([before, np.array(self.shares)])

    @property
    def day(self) -> Ints:
        return np.arange(-28 if self.history else 0, len(self.shares))


def planned(per_day: int, weeks: tuple[int, int, int] = (4, 4, 4), move: float = 0.0, history: bool = True) -> Planned:
    """10, 25 and 50 % of traffic for so many weeks each."""
    shares = np.repeat([0.1, 0.25, 0.5], [7 * w for w in weeks])
    return Planned(per_day, history=history, move=move, shares=tuple(shares.tolist()))


@dataclass(frozen=True)
class Drawn:
    """Three parts of a batch as moments, (rollout, day, part, group), and the harm behind them."""

    moments: Moments
    begin: np.ndarray
    size: Floats


Draw = Callable[[np.random.Generator, int, float, bool], Drawn]


@dataclass(frozen=True)
class Kind:
    """A kind of rollout: its policy, how units come, and how a batch of three parts is drawn.

    Attributes
    ----------
    draw : (generator, rollouts, harm, whether its onset is drawn) -> batch
    facts : harm -> what is true and stated
    """

    policy: Policy
    world: Planned
    draw: Draw
    facts: Callable[[float], Facts]
    groups: tuple[Group, ...] = (OVERALL,)
    onsets: tuple[int, int] = (FIRST, LAST)

    def case(self, rng: np.random.Generator, count: int, harm: float, late: bool) -> Case:
        """A batch of rollouts."""
        drawn = self.draw(rng, count, harm, late)
        setting = Setting(self.policy, self.world, lambda *_: two_arms(drawn.moments), self.groups)
        data = setting.data(rng, count, Harm(0.0))
        past = int((self.world.day < 0).sum())
        return Case(
            data, seen(drawn.moments, past), self.facts(harm), drawn.begin, drawn.size[:, past:],
            self.world.traffic[past:],
        )  # fmt: skip


def onset(rng: np.random.Generator, count: int, late: bool, days: tuple[int, int]) -> np.ndarray:
    """Day on which harm begins, (rollout,)."""
    return rng.integers(days[0], days[1] + 1, count) if late else np.zeros(count, dtype=np.int64)


def parts_of(rng: np.random.Generator, n: Ints, traffic: Floats) -> Ints:
    """Units of each part, (rollout, day, part), from units of each day."""
    candidate = rng.binomial(n, traffic)
    control = rng.binomial(n - candidate, np.minimum(1.0, traffic / (1.0 - traffic)))
    return np.stack([n - candidate - control, control, candidate], axis=-1)


def outcomes(n: Ints, bad: Floats) -> Moments:
    """Moments of one proportion ``m``, (rollout, day, part, group)."""
    units = n.astype(float)
    safe = np.where(units > 0, units, 1.0)
    share, known = bad / safe, (units > 0).astype(float)
    mean = np.stack([share, known], axis=-1)
    comoment = np.stack([units * share * (1.0 - share), np.zeros_like(units), np.zeros_like(units)], axis=-1)
    names, pairs = ("m:value", "m:known"), ((0, 0), (0, 1), (1, 1))
    return Moments(
        names, pairs, units, mean, comoment, np.zeros_like(mean), np.broadcast_to(known[..., None], mean.shape)
    )


def two_arms(m: Moments) -> Moments:
    """Both parts of the baseline as one arm (Chan, Golub and LeVeque 1979)."""
    n = m.n[:, :, REST] + m.n[:, :, CONTROL]
    safe = np.where(n > 0, n, 1.0)
    weight = (m.n[:, :, CONTROL] / safe)[..., None]
    gap = m.mean[:, :, CONTROL] - m.mean[:, :, REST]
    mean = m.mean[:, :, REST] + weight * gap
    between = (m.n[:, :, REST] * m.n[:, :, CONTROL] / safe)[..., None]
    comoment = m.comoment[:, :, REST] + m.comoment[:, :, CONTROL]
    comoment = comoment + between * np.stack([gap[..., i] * gap[..., j] for i, j in m.pairs], axis=-1)

    def joined(base: Floats, whole: Floats) -> Floats:
        return np.stack([base, whole[:, :, CANDIDATE]], axis=2)

    low = np.minimum(m.low[:, :, REST], m.low[:, :, CONTROL])
    high = np.maximum(m.high[:, :, REST], m.high[:, :, CONTROL])
    every = ((n, m.n), (mean, m.mean), (comoment, m.comoment), (low, m.low), (high, m.high))
    return Moments(m.components, m.pairs, *(joined(base, whole) for base, whole in every))


def seen(m: Moments, past: int) -> Seen:
    """Sums of the run, (rollout, part, group, day), from moments (rollout, day, part, group)."""
    n, mean, ss = m.n[:, past:], m.mean[:, past:, ..., 0], m.comoment[:, past:, ..., 0]
    return Seen(*(np.moveaxis(x, 1, -1) for x in (n, n * mean, ss + n * mean**2)))


def by_day(begin: np.ndarray, day: Ints, harm: float) -> Floats:
    """Harm on each day, (rollout, day)."""
    return np.asarray(harm * (day[None] >= begin[:, None]))


def proportion(
    world: Planned, rate: float = 0.15, worse_by: float = 0.0, kind: str = "proportion", segments: int = 0,
    days: tuple[int, int] = (FIRST, LAST),
) -> Kind:  # fmt: skip
    """Bad outcomes at a rate; ``segments``: of so many values of a segment, the first alone is harmed."""
    expect = EXPECT.get(rate, 2 * rate)
    told = {"worse_by": f"{100 * worse_by:g}pp", "expect": f"{100 * expect:g}pp"}
    rule = {"worse_by": "0%"} if kind == "rare_event" else told
    metric = {"kind": kind, "better": "lower"}
    by = {"segments": {"by": ["queue"], "rollback": {"m": rule}}} if segments else {}
    policy = rules(metric, rollback={"m": rule}, **by)
    groups = (OVERALL, *(Group("queue", f"q{i}") for i in range(segments)))

    def draw(rng: np.random.Generator, count: int, harm: float, late: bool) -> Drawn:
        begin = onset(rng, count, late, days)
        n = parts_of(rng, rng.poisson(world.per_day, (count, len(world.day))), world.traffic)
        cells = rng.multinomial(n, np.ones(segments) / segments) if segments else n[..., None]
        size = by_day(begin, world.day, harm)
        chance = np.broadcast_to((rate + world.shift())[:, None, None], cells.shape).copy()
        chance[:, :, CANDIDATE, 0] += size
        bad = rng.binomial(cells, chance).astype(float)
        if segments:
            cells, bad = (np.concatenate([x.sum(-1, keepdims=True), x], axis=-1) for x in (cells, bad))
        return Drawn(outcomes(cells, bad), begin, size)

    def facts(harm: float) -> Facts:
        knows = harm if harm > worse_by else worse_by + expect
        day = rate + world.shift()[world.day >= 0]
        bad = day + knows
        spread = (bad * (1 - bad), day * (1 - day))
        return Facts(
            worse_by, expect, np.full(len(day), knows), rate, kind, int(segments > 0), spread, 1.0 + knows / rate
        )

    return Kind(policy, world, draw, facts, groups, days)


def durations(world: Planned, bounds: bool = True) -> Kind:
    """Lognormal durations of mean 1, cut at 8 (half a percent lies beyond); harm makes them all longer by a factor.

    The policy says so, or it does not and the gate takes a normal approximation.
    """
    limits = {"bounds": [0, TOP]} if bounds else {}
    metric = {"kind": "mean", "better": "lower", "best": 0, "worst": TOP, **limits}
    policy = rules(metric, rollback={"m": {"worse_by": "0%", "expect": "20%"}})

    def draw(rng: np.random.Generator, count: int, harm: float, late: bool) -> Drawn:
        begin = onset(rng, count, late, (FIRST, LAST))
        n = parts_of(rng, rng.poisson(world.per_day, (count, len(world.day))), world.traffic)
        size = by_day(begin, world.day, harm)
        factor = np.broadcast_to((1.0 + world.shift())[:, None], n.shape).copy()
        factor[:, :, CANDIDATE] *= 1.0 + size
        flat = n.ravel()
        value = np.exp(SIGMA * rng.standard_normal(int(flat.sum())) - SIGMA**2 / 2) * np.repeat(factor.ravel(), flat)
        cut = np.minimum(value, TOP)
        made = amounts(n, {"m:value": cut, "m:known": np.ones(len(cut))})
        return Drawn(made, begin, size / 0.2 * (_cut(1.2)[0] - _cut(1.0)[0]))

    def facts(_: float) -> Facts:
        base, worse = _cut(1.0), _cut(1.2)
        days = int((world.day >= 0).sum())
        return Facts(
            0.0, 0.2 * base[0], np.full(days, worse[0] - base[0]), base[0], "mean", 0,
            (np.full(days, worse[1]), np.full(days, base[1])),
        )  # fmt: skip

    return Kind(policy, world, draw, facts)


@cache
def _cut(factor: float) -> tuple[float, float]:
    """Mean and variance of a duration that is cut, from 200,000 evenly spaced quantiles."""
    z = np.array([NormalDist().inv_cdf((i + 0.5) / 200_000) for i in range(200_000)])
    x = np.minimum(factor * np.exp(SIGMA * z - SIGMA**2 / 2), TOP)
    return float(x.mean()), float(x.var())


def real(log: str) -> Kind:
    """A log of real tickets, each to the candidate by chance; harm turns good outcomes into bad ones by chance.

    By how many points the share of bad outcomes rises is stated. A day with more than 90 % bad outcomes has no room for
    more, and is left as it was.
    """
    n_day, bad_day = _counts(log)
    days = len(n_day)
    weeks = days // 7
    first = 7 * (weeks // 3)
    world = replace(planned(0, (weeks // 3, weeks // 3, weeks - 2 * (weeks // 3)), history=False))
    onsets = (min(FIRST, first), days - 7 * 3)
    rate, share = float(bad_day.sum() / n_day.sum()), bad_day / n_day
    room = share <= CROWDED
    rule = {"worse_by": "0pp", "expect": "4pp"}
    policy = rules({"kind": "proportion", "better": "lower"}, rollback={"m": rule})

    def draw(rng: np.random.Generator, count: int, harm: float, late: bool) -> Drawn:
        begin = onset(rng, count, late, onsets)
        n = parts_of(rng, np.broadcast_to(n_day, (count, days)), world.traffic)
        candidate = rng.hypergeometric(bad_day, n_day - bad_day, n[..., CANDIDATE])
        left = bad_day - candidate
        control = rng.hypergeometric(left, n_day - n[..., CANDIDATE] - left, n[..., CONTROL])
        size = by_day(begin, world.day, harm) * room
        flipped = rng.binomial(n[..., CANDIDATE] - candidate, size / np.maximum(1.0 - share, 0.1))
        bad = np.stack([left - control, control, candidate + flipped], axis=-1).astype(float)
        return Drawn(outcomes(n[..., None], bad[..., None]), begin, size)

    def facts(harm: float) -> Facts:
        worse = share + (harm or 0.04) * room
        spread = (worse * (1 - worse), share * (1 - share))
        return Facts(0.0, 0.04, worse - share, rate, "proportion", 0, spread)

    return Kind(policy, world, draw, facts, onsets=onsets)


def _counts(log: str) -> tuple[Ints, Ints]:
    """Units and bad outcomes of each day of a log of real tickets, whole weeks of it."""
    from benchmarks.guarantees.real import boston, servicenow

    found, name = (servicenow(), "met_sla") if log == "ServiceNow" else (boston(), "on_time")
    known = found.values[f"{name}:known"] > 0
    day, missed = found.day[known], (found.values[f"{name}:value"][known] == 0).astype(int)
    whole = 7 * min(12, int(found.day.max() + 1) // 7)
    n = np.bincount(day, minlength=whole)[:whole]
    return n, np.bincount(day, weights=missed, minlength=whole)[:whole].astype(np.int64)
