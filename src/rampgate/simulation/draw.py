"""Drawing days: a simulated day is a day of the history of the same weekday, its units drawn again from that day's own.

So level, volume, weekday pattern, mix of segments, what metrics have to do with each other, and how many outcomes are
unknown, are those of the source, and both versions share what was particular to a day. Units arrive independently: of
each sort as many as a Poisson distribution about its count says, split by the traffic in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from rampgate.aggregate.histogram import AGES
from rampgate.aggregate.marginals import Arm
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Floats, Ints, Period
from rampgate.simulation.baseline import Baseline
from rampgate.simulation.pool import Pool, aged, knowing, within
from rampgate.simulation.scenario import Change, Scenario


@dataclass
class Drawn:
    """Sums of both arms of a chunk of rollouts, filled as their traffic is decided.

    Attributes
    ----------
    sums : (variant, rollout, period, group, feature)
    low, high : (variant, rollout, period, group, magnitude)
    days : which day of the history each period is drawn from, (rollout, period)
    """

    pool: Pool
    rng: np.random.Generator
    days: Ints
    intensity: Floats
    both: bool
    sums: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(
        cls, pool: Pool, scenario: Scenario, intensity: Floats, periods: Sequence[Period], rng: np.random.Generator
    ) -> Self:
        rollouts, count = intensity.shape
        shape = (2, rollouts, count, pool.member.shape[1])
        some = (*shape, len(pool.magnitudes))
        days = _days(pool.baseline, periods, rollouts, rng)
        sums = np.zeros((*shape, pool.width))
        return cls(pool, rng, days, intensity, scenario.both, sums, np.zeros(some), np.zeros(some))

    def fill(self, rows: Ints, begin: Ints, end: int, share: tuple[float, float]) -> None:
        """Draw some rollouts from their own periods ``begin`` to before ``end``; ``share`` of both versions."""
        at = np.arange(end)
        row, period = np.nonzero(at >= begin[:, None])
        row = rows[row]
        for day in range(len(self.pool.baseline.days)):
            mine = np.flatnonzero(self.days[row, period] == day)
            if len(mine):
                self._fill_day(day, row[mine], period[mine], share)

    def _fill_day(self, day: int, row: Ints, period: Ints, share: tuple[float, float]) -> None:
        table = self.pool.table(day)
        rows = slice(self.pool.begin[day], self.pool.begin[day + 1])
        weight, chance = self.pool.weight[rows], self.pool.chance[:, rows]
        for arm, part in ((CANDIDATE, share[0]), (BASELINE, share[1])):
            there = self.intensity[row, period] if arm == CANDIDATE or self.both else np.zeros(len(row))
            counts = self._counts(weight * part, chance, there, self.pool.decks[day])
            self._add(arm, row, period, counts, table, rows)

    def _add(self, arm: int, row: Ints, period: Ints, counts: Floats, table: Floats, rows: slice) -> None:
        """Units of a day that came into periods of rollouts, (slot, 1 + change times sort)."""
        shape = (len(row), *self.sums.shape[3:])
        self.sums[arm, row, period] = (counts @ table[: counts.shape[1]]).reshape(shape)
        if self.pool.magnitudes:
            self._extremes(arm, row, period, counts, rows)

    def _counts(self, weight: Floats, chance: Floats, there: Floats, deck: Ints) -> Floats:
        """Units of each sort, as it is and as each change makes it, (slot, 1 + change times sort)."""
        slots, sorts = len(there), len(weight)
        versions = 1 + (len(chance) if there.any() else 0)
        if weight.sum() > 2.0 * sorts:
            happens = there[:, None, None] * chance[: versions - 1]
            kept = 1.0 - happens.sum(1, keepdims=True)
            each = np.concatenate([kept, happens], axis=1) * weight
            return self.rng.poisson(each).reshape(slots, -1).astype(float)
        units = self.rng.poisson(weight.sum(), slots)
        slot = np.repeat(np.arange(slots), units)
        luck = self.rng.random(len(slot))
        if len(deck):
            sort = deck[(luck * len(deck)).astype(np.int64)]
        else:
            cut = np.cumsum(weight)
            sort = np.minimum(np.searchsorted(cut, luck * cut[-1], side="right"), sorts - 1)
        version = np.zeros(len(slot), dtype=np.int64)
        if versions > 1:
            luck, least = self.rng.random(len(slot)), np.zeros(len(slot))
            for k in range(len(chance)):
                most = least + there[slot] * chance[k, sort]
                version[(luck >= least) & (luck < most)] = k + 1
                least = most
        width = versions * sorts
        at = slot * width + version * sorts + sort
        return np.bincount(at, minlength=slots * width).reshape(slots, width).astype(float)

    def _extremes(self, arm: int, row: Ints, period: Ints, counts: Floats, rows: slice) -> None:
        """Smallest and largest value of the magnitudes among the units that were drawn."""
        values = self.pool.extremes[:, rows].reshape(-1, len(self.pool.magnitudes))[: counts.shape[1]]
        member = np.tile(self.pool.member[rows] > 0, (counts.shape[1] // self.pool.member[rows].shape[0], 1))
        for m in range(len(self.pool.magnitudes)):
            order = np.argsort(values[:, m], kind="stable")
            for g in range(member.shape[1]):
                sorts = order[member[order, g]]
                if not len(sorts):
                    continue
                present = counts[:, sorts] > 0
                some = present.any(1)
                low, high = values[sorts[present.argmax(1)], m], values[sorts[::-1][present[:, ::-1].argmax(1)], m]
                self.low[arm, row, period, g, m] = np.where(some, low, 0.0)
                self.high[arm, row, period, g, m] = np.where(some, high, 0.0)

    def arms(self, rows: Ints, end: int) -> tuple[Arm, Arm]:
        """Moments of candidate and baseline of some rollouts over the first periods, (rollout, group, period)."""
        return self._arm(CANDIDATE, rows, end), self._arm(BASELINE, rows, end)

    def _arm(self, arm: int, rows: Ints, end: int) -> Arm:
        pool, baseline = self.pool, self.pool.baseline
        sums = np.ascontiguousarray(np.moveaxis(self.sums[arm][rows, :end], (3, 2), (0, 2)))
        n = sums[0]
        safe = np.where(n > 0, n, 1.0)
        mean = np.empty((len(baseline.components), *n.shape))
        for i in range(len(baseline.components)):
            mean[i] = sums[pool.columns[i]] / safe
        # Where no criterion asks for them they are no numbers, so that nobody can take them for some.
        products = np.full((len(baseline.pairs), *n.shape), np.nan)
        some = slice(None) if pool.paired else slice(1)
        for p, (i, j) in enumerate(baseline.pairs):
            both = sums[pool.columns[len(baseline.components) + p], :, some]
            products[p, :, some] = both - n[:, some] * mean[i, :, some] * mean[j, :, some]
        own = mean.copy() if pool.magnitudes else mean
        low, high = np.broadcast_to(np.zeros(()), mean.shape), np.broadcast_to(np.ones(()), mean.shape)
        if pool.magnitudes:
            low, high, known = low.copy(), high.copy(), knowing(baseline)
            for m, i in enumerate(pool.magnitudes):
                mean[i] = own[i] + pool.centre[i] * own[known[i]]
                low[i], high[i] = (np.moveaxis(x[arm][rows, :end, :, m], 2, 1) for x in (self.low, self.high))
            products = _uncentred(products, baseline, pool.centre)
        components = baseline.components
        if pool.beyond.names:
            beyond = sums[pool.features.shape[-1] :] / safe
            mean, low = np.concatenate([mean, beyond]), np.concatenate([low, np.zeros(beyond.shape)])
            high, components = np.concatenate([high, np.ones(beyond.shape)]), (*components, *pool.beyond.names)
        turned = (np.moveaxis(x, 0, -1) for x in (mean, products, low, high))
        return Arm(components, baseline.pairs, n, *turned)

    def ages(self, rows: Ints, end: int) -> dict[str, Floats]:
        """Units by the age of their event, (variant, rollout, group, period, bin + 1), of what is judged by it."""
        pool, names, out = self.pool, aged(self.pool.baseline), {}
        first = len(pool.columns) - len(names) * (AGES + 1)
        for i, name in enumerate(names):
            columns = pool.columns[first + i * (AGES + 1) : first + (i + 1) * (AGES + 1)]
            out[name] = np.swapaxes(self.sums[:, rows, :end][..., columns], 2, 3)
        return out

    def known(self, change: Change) -> Floats:
        """Units with a known outcome that a change is about, of both versions, (rollout, period)."""
        pool = self.pool
        known = pool.columns[pool.baseline.components.index(f"{change.metric}:known")]
        each = pool.weight * pool.features[0, :, known] * within(pool.baseline, change, pool.member)
        return np.asarray(np.bincount(pool.day, weights=each, minlength=len(pool.baseline.days))[self.days])


def _uncentred(products: Floats, baseline: Baseline, centre: Floats) -> Floats:
    """Co-moments of components whose centre was subtracted in the units whose metric is known.

    ``x = z + a k`` with k known or not: ``cov(x, y) = cov(z, w) + a cov(k, w) + b cov(z, l) + a b cov(k, l)``.
    """
    place = {pair: p for p, pair in enumerate(baseline.pairs)}
    of = knowing(baseline)
    out = products.copy()

    def pair(i: int, j: int) -> Any:
        return products[place[(min(i, j), max(i, j))]]

    for p, (i, j) in enumerate(baseline.pairs):
        a, b = centre[i], centre[j]
        if a:
            out[p] += a * pair(of[i], j)
        if b:
            out[p] += b * pair(i, of[j])
        if a and b:
            out[p] += a * b * pair(of[i], of[j])
    return out


def _days(baseline: Baseline, periods: Sequence[Period], rollouts: int, rng: np.random.Generator) -> Ints:
    """A day of the history of the same weekday for each period of each rollout; any, where there is none of it."""
    weekday = np.array([p.day.weekday() for p in baseline.days])
    out = np.empty((rollouts, len(periods)), dtype=np.int64)
    for t, period in enumerate(periods):
        same = np.flatnonzero(weekday == period.day.weekday())
        choice = same if len(same) else np.arange(len(weekday))
        out[:, t] = choice[rng.integers(0, len(choice), rollouts)]
    return out
