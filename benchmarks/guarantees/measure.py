"""What the judge makes of a batch of rollouts, in figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from benchmarks.guarantees.world import DAYS, Harm, Setting, chunks

from rampgate.aggregate.moments import Floats
from rampgate.estimate.interval import confidence_sequence
from rampgate.judge.case import Data
from rampgate.judge.criteria import criteria, group_weights
from rampgate.judge.sequential import alphas
from rampgate.judge.weigh import bets_of, family_log_e, process_of, weigh
from rampgate.policy import Margin

KNOWING = float(np.log(20.0))


@dataclass(frozen=True)
class Hits:
    """How many rollouts something happened in, and the day it first did, 0 where it never did, (rollout,)."""

    day: np.ndarray

    @property
    def share(self) -> float:
        return float((self.day > 0).mean())

    @property
    def median(self) -> float | None:
        """The median day over all rollouts; None when fewer than half got there."""
        days = np.where(self.day > 0, self.day, np.inf)
        found = float(np.median(days))
        return found if np.isfinite(found) else None


def first(reached: np.ndarray) -> np.ndarray:
    """Day from 1 on at which each rollout first got there, 0 for never, (rollout,)."""
    return np.where(reached.any(-1), np.argmax(reached, axis=-1) + 1, 0)


def batches(setting: Setting, rng: np.random.Generator, count: int, harm: Harm) -> Iterator[Data]:
    """The rollouts, a chunk at a time."""
    for size in chunks(count):
        yield setting.data(rng, size, harm)


def fired(setting: Setting, rng: np.random.Generator, count: int, harm: Harm, family: str = "rollback") -> Hits:
    """When a family of criteria spends its budget, as the judge reckons it."""
    bar = np.log(1.0 / alphas(setting.policy)[family])
    return Hits(np.concatenate([
        first(family_path(data, family) >= bar) for data in batches(setting, rng, count, harm)
    ]))  # fmt: skip


def family_path(data: Data, family: str) -> Floats:
    """The weighted log-evidence of a family, (rollout, day)."""
    weights = group_weights(data.segments, data.first)
    weighed = weigh(data, [c for c in criteria(data.policy, weights) if c.family == family])
    errors = [w.error for w in weighed if w.error is not None]
    if errors:
        raise ValueError(errors[0])
    return np.asarray(family_log_e(weighed))


def passed(setting: Setting, rng: np.random.Generator, count: int, harm: Harm, margin: str, metric: str = "m") -> Hits:
    """When ``non_inferior`` is shown at a margin, from the first day on."""
    bound = Margin.parse(margin)

    def days(data: Data) -> np.ndarray:
        path = process_of(data, metric, bound, bound, -1).path(0)[..., 0, :]
        return first(path >= np.log(1.0 / data.policy.error_budget.false_go))

    return Hits(np.concatenate([days(data) for data in batches(setting, rng, count, harm)]))


def missed(setting: Setting, rng: np.random.Generator, count: int, harm: Harm, truth: float, step: int = 1) -> Hits:
    """When the 95 % confidence sequence first leaves out the truth, at daily looks."""

    def days(data: Data) -> np.ndarray:
        contrast, bets = data.contrast("m"), bets_of(data, "m", Margin(0.05, "points"))
        out = np.zeros((len(contrast.n_c), DAYS), dtype=bool)
        for t in range(step - 1, DAYS, step):
            within = (np.arange(DAYS) <= t).astype(float)
            lower, upper = confidence_sequence(contrast, bets, 0.05, data.reach("m") or np.inf, within)
            out[:, t] = ((lower > truth) | (upper < truth))[:, 0]
        return first(out)

    return Hits(np.concatenate([days(data) for data in batches(setting, rng, count, harm)]))


def knowing(setting: Setting, rng: np.random.Generator, count: int, harm: float, rate: float) -> Hits:
    """Wald's test that knows the onset and the size of the harm of a proportion: what nobody could beat by much."""

    def days(data: Data) -> np.ndarray:
        made = data.contrast("m")
        n_c, n_b = made.n_c[:, 0], made.n_b[:, 0]
        both = (n_c > 0) & (n_b > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = np.where(both, (rate + harm) * (1 - rate - harm) / n_c + rate * (1 - rate) / n_b, np.inf)
        each = np.where(both, harm * (made.effect[:, 0] - harm / 2) / variance, 0.0)
        return first(np.cumsum(each, axis=-1) >= KNOWING)

    return Hits(np.concatenate([days(data) for data in batches(setting, rng, count, Harm(harm))]))
