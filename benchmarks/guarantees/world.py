"""Batches of simulated rollouts as the judge's own inputs: how units come, what they are like, and where harm begins.

Everything is drawn exactly (binomial counts, or every unit of a skewed amount), so nothing rests on a normal
approximation that the gate itself might be wrong about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from rampgate.aggregate.marginals import OVERALL, Group, Moments
from rampgate.aggregate.moments import Floats, Ints, Period
from rampgate.estimate.evidence import onset_prior
from rampgate.judge.case import Data
from rampgate.policy import Policy, load_policy

DAYS, HISTORY = 84, 28
START = date(2026, 1, 5)
RAMPS: dict[str, Floats] = {
    "10/25/50 %": np.repeat([0.1, 0.25, 0.5], 28),
    "10 %": np.full(DAYS, 0.1),
    "1 %": np.full(DAYS, 0.01),
    "50 %": np.full(DAYS, 0.5),
    "50, back to 10 %": np.repeat([0.5, 0.1], 42),
}
#: Monday to Sunday, on average 1.
WEEK = np.array([1.3, 1.25, 1.2, 1.2, 1.15, 0.5, 0.4])
#: Drawn at once; results do not depend on it beyond the order of the draws.
CHUNK = 250


@dataclass(frozen=True)
class World:
    """How units come.

    Attributes
    ----------
    per_day : units a day over both arms, Poisson
    ramp : one of RAMPS
    history : whether there are four weeks of the baseline before
    weekday : whether volume and rate have a weekly pattern
    move : by how much the baseline's rate of a bad outcome rises over the twelve weeks
    """

    per_day: int
    ramp: str = "10/25/50 %"
    history: bool = True
    weekday: bool = False
    move: float = 0.0

    @property
    def traffic(self) -> Floats:
        """The candidate's share of each day, the history's first, (day,)."""
        return np.concatenate([np.zeros(HISTORY if self.history else 0), RAMPS[self.ramp]])

    @property
    def day(self) -> Ints:
        """Days since the start, negative in the history."""
        return np.arange(-HISTORY if self.history else 0, DAYS)

    def units(self, rng: np.random.Generator, count: int) -> Ints:
        """Units by arm, (rollout, day, arm)."""
        expected = self.per_day * (WEEK[self.day % 7] if self.weekday else np.ones(len(self.day)))
        n = rng.poisson(expected, (count, len(self.day)))
        n_c = rng.binomial(n, self.traffic)
        return np.stack([n - n_c, n_c], axis=-1)

    def shift(self) -> Floats:
        """What the day adds to the rate of a bad outcome, (day,)."""
        weekly = 0.03 * np.cos(2 * np.pi * self.day / 7) if self.weekday else 0.0
        return np.asarray(self.move * np.clip(self.day / DAYS, 0, 1) + weekly)


@dataclass(frozen=True)
class Harm:
    """How much worse the candidate is, in the metric's unit or as a factor, from a day on; None: drawn uniformly."""

    size: float = 0.0
    onset: int | None = 0

    def by_day(self, rng: np.random.Generator, world: World, count: int) -> Floats:
        """(rollout, day); uniform onsets fall on days 14 to 63."""
        begin = np.full(count, self.onset) if self.onset is not None else rng.integers(14, 64, count)
        return np.asarray(self.size * (world.day[None] >= begin[:, None]))


Draw = Callable[[np.random.Generator, int, Harm], Moments]


def binary(n: Ints, metrics: Mapping[str, tuple[Floats, Floats]]) -> Moments:
    """Moments of proportions from counts.

    Parameters
    ----------
    n : units, (rollout, day, arm)
    metrics : name -> known units and outcomes among them, like ``n``
    """
    names = tuple(f"{name}:{role}" for name in metrics for role in ("value", "known"))
    units = n.astype(float)
    safe = np.where(units > 0, units, 1.0)
    mean = np.stack([part / safe for k, y in metrics.values() for part in (y, k)], axis=-1)
    pairs, columns = [], []
    for m, (k, y) in enumerate(metrics.values()):
        pairs += [(2 * m, 2 * m), (2 * m, 2 * m + 1), (2 * m + 1, 2 * m + 1)]
        columns += [y - y * y / safe, y - y * k / safe, k - k * k / safe]
    some = (units > 0)[..., None]
    return Moments(
        names,
        tuple(pairs),
        units[..., None],
        mean[..., None, :],
        np.stack(columns, axis=-1)[..., None, :],
        np.zeros_like(mean)[..., None, :],
        np.broadcast_to(some, mean.shape).astype(float)[..., None, :],
    )


def amounts(n: Ints, columns: Mapping[str, Floats]) -> Moments:
    """Moments of anything, from every unit.

    Parameters
    ----------
    n : units, (rollout, day, arm)
    columns : component -> its value in each unit, in the order of the cells of ``n``; 0 where it is unknown
    """
    names = tuple(columns)
    pairs = tuple((i, j) for i in range(len(names)) for j in range(i, len(names)))
    flat = n.ravel()
    some = np.flatnonzero(flat)
    begin = np.concatenate([[0], np.cumsum(flat[some])[:-1]]).astype(np.int64)

    def reduced(by: Any, values: Floats) -> Floats:
        out = np.zeros(len(flat))
        if len(some):
            out[some] = by.reduceat(values, begin)
        return out

    safe = np.where(flat > 0, flat, 1).astype(float)
    mean = np.stack([reduced(np.add, x) / safe for x in columns.values()], axis=-1)
    centred = [x - np.repeat(mean[:, i], flat) for i, x in enumerate(columns.values())]
    comoment = np.stack([reduced(np.add, centred[i] * centred[j]) for i, j in pairs], axis=-1)
    low, high = (np.stack([reduced(by, x) for x in columns.values()], axis=-1) for by in (np.minimum, np.maximum))
    shape = (*n.shape, 1)
    each = (values.reshape(*shape, values.shape[-1]) for values in (mean, comoment, low, high))
    return Moments(names, pairs, n.astype(float)[..., None], *each)


@dataclass(frozen=True)
class Setting:
    """A policy, how units come, and how they are drawn."""

    policy: Policy
    world: World
    draw: Draw
    groups: tuple[Group, ...] = field(default=(OVERALL,))

    def data(self, rng: np.random.Generator, count: int, harm: Harm) -> Data:
        """A batch of rollouts as the judge sees one of them."""
        moments = self.draw(rng, count, harm)
        days = [START + timedelta(days=int(t)) for t in self.world.day]
        past = sum(day < START for day in days)
        periods = tuple(Period(day, 0, _midnight(day), _midnight(day) + timedelta(days=1)) for day in days[past:])
        arms = [moments.arm(a) for a in (1, 0)]
        return Data(
            self.policy,
            self.groups,
            dict.fromkeys(self.groups[1:], -1),
            periods,
            0,
            onset_prior(days[past:], START, self.policy.horizon_days),
            tuple(_days(arm, slice(past, None)) for arm in arms),
            tuple(_days(arm, slice(0, past)) for arm in arms),
            {
                name: (np.ones(len(periods), dtype=bool), np.ones(past, dtype=bool))
                for name in ("kpi", *self.policy.metrics)
            },
        )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _days(arm: Any, days: slice) -> Any:
    """Some days of an arm."""
    parts = (values[..., days, :] for values in (arm.mean, arm.comoment, arm.low, arm.high))
    return type(arm)(arm.components, arm.pairs, arm.n[..., days], *parts)


def rules(metric: Mapping[str, Any], **sections: Any) -> Policy:
    """A policy of one metric ``m`` besides the KPI, which is made of it or of an outcome that says nothing."""
    metrics = {"m": dict(metric) if metric.get("kind") in ("ratio", "time_to_event") else {"column": "m", **metric}}
    content = {"metrics": metrics, "kpi": {"weights": {"m": 1.0}}, "phases": [{"traffic": "100%"}], **sections}
    return load_policy(content)


def chunks(count: int) -> Sequence[int]:
    """How a batch is divided."""
    whole, rest = divmod(count, CHUNK)
    return [CHUNK] * whole + ([rest] if rest else [])
