"""Drawing days: a simulated day is a day of the history of the same weekday, its units drawn again from that day's own.

So level, volume, weekday pattern, mix of segments, what metrics have to do with each other, and how many outcomes are
unknown, are those of the source, and both versions share what was particular to a day. Units arrive independently: of
each sort as many as a Poisson distribution about its count says, split by the traffic in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from rampgate.aggregate.histogram import AGES
from rampgate.aggregate.marginals import Arm
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Floats, Ints, Period
from rampgate.aggregate.sorts import Sorts
from rampgate.estimate.metric import KPI
from rampgate.policy import Policy
from rampgate.simulation.baseline import Baseline, member_of
from rampgate.simulation.binned import Beyond
from rampgate.simulation.levels import changed, slowed, turns
from rampgate.simulation.scenario import Change, Scenario

#: Sorts of a day that are kept; of a day with more, each pattern of outcomes keeps its share, and segments are sampled.
SORTS = 500
#: Sorts of a pattern that are kept at least.
FEW = 4
#: Units of a day up to which each is written out to be drawn from.
DECK = 5000


@dataclass(frozen=True)
class Pool:
    """What units are drawn from, with a scenario's changes.

    Attributes
    ----------
    weight : units of each sort in its day, (sort,)
    day : of each sort, ascending, (sort,)
    member : (sort, group)
    features : of each sort as it is, then as each change makes it, (1 + change, sort, feature)
    chance : of each change to happen to a unit where it is fully there, (change, sort)
    columns : which feature is each component's sum, each pair's product, and each age's units, (component + pair + age,)
    beyond : what is counted of quantiles, whose thresholds are a group's own
    bins : of what is judged by its histogram, (1 + change, sort) each
    caused : by how much each change moves the mean of its metric, harm positive, (change,)
    centre : what was subtracted of each component, (component,)
    extremes : (1 + change, sort, magnitude), of the components whose smallest and largest value matter
    magnitudes : which components these are
    paired : whether segment values have co-moments too, which only some criteria need
    """

    baseline: Baseline
    weight: Floats
    day: Ints
    member: Floats
    features: Floats
    chance: Floats
    columns: Ints
    beyond: Beyond
    bins: Mapping[str, Floats]
    caused: Mapping[Change, float]
    centre: Floats
    extremes: Floats
    magnitudes: tuple[int, ...]
    paired: bool

    @classmethod
    def of(cls, baseline: Baseline, scenario: Scenario, whole: bool = False, paired: bool = False) -> Pool:
        """The pool of a scenario.

        Parameters
        ----------
        whole : whether every sort of a day is kept, however many there are
        paired : whether segment values have co-moments whoever needs them
        """
        every = np.argsort(baseline.sorts.period, kind="stable")
        kept = chosen(baseline.sorts, every) if whole else thinned(baseline.sorts, len(baseline.days))
        columns = () if baseline.policy.segments is None else baseline.policy.segments.by
        member = member_of(baseline.groups, columns, kept.segments)
        raw = np.column_stack([kept.values, kept.bins])
        versions, chances = _versions(baseline, scenario, raw, member)
        chance = np.stack(chances) if chances else np.zeros((0, len(kept.count)))
        every_column = np.stack(versions)
        values, bins = np.split(every_column, [len(baseline.components)], axis=-1)
        of = {name: bins[..., kept.binned.index(name)] for name in kept.binned}
        magnitudes = _magnitudes(baseline)
        centre = np.zeros(values.shape[-1])
        centre[list(magnitudes)] = (kept.count @ kept.values)[list(magnitudes)] / kept.count.sum()
        ages = [of[name] == age for name in _aged(baseline) for age in range(AGES + 1)]
        features, place = _features(values - centre * _known(baseline, values), baseline.pairs, ages)
        extremes = values[..., list(magnitudes)]
        return cls(
            baseline,
            kept.count,
            kept.period,
            member,
            features,
            chance,
            place,
            Beyond.of(baseline.policy, dict(baseline.quantiles)),
            of,
            {change: _caused(baseline, change, kept.count, raw) for change in scenario.changes},
            centre,
            extremes,
            magnitudes,
            paired or _paired(baseline.policy),
        )

    @cached_property
    def begin(self) -> Ints:
        """Where each day's sorts begin, and where the last ones end, (day + 1,)."""
        return np.searchsorted(self.day, np.arange(len(self.baseline.days) + 1))

    @cached_property
    def decks(self) -> tuple[Ints, ...]:
        """The sort of each unit of a day, for drawing units evenly; empty where sorts do not stand for whole units."""
        out = []
        for day in range(len(self.baseline.days)):
            weight = self.weight[self.begin[day] : self.begin[day + 1]]
            plain = weight.sum() <= DECK and bool(np.all(weight == np.rint(weight)))
            out.append(np.repeat(np.arange(len(weight)), weight.astype(np.int64) if plain else 0))
        return tuple(out)

    def table(self, day: int) -> Floats:
        """What a unit of each sort and change of a day adds to each group, (1 + change times sort, group x feature)."""
        rows = slice(self.begin[day], self.begin[day + 1])
        features, member = self.features[:, rows], self.member[rows]
        each = member[None, :, :, None] * features[:, :, None, :]
        if self.beyond.names:
            bins = {name: of[:, rows] for name, of in self.bins.items()}
            own = self.beyond.columns(bins, member.shape[1])
            each = np.concatenate([each, member[None, :, :, None] * own], axis=-1)
        return np.ascontiguousarray(each.reshape(-1, each.shape[-1] * each.shape[-2]))

    @property
    def width(self) -> int:
        """Features of a unit, those of quantiles among them."""
        return int(self.features.shape[-1]) + len(self.beyond.names)


def _paired(policy: Policy) -> bool:
    """Whether a segment's criterion needs co-moments: of the KPI, or of what is not only good or bad."""
    rules = () if policy.segments is None else (*policy.segments.guardrails, *policy.segments.rollback)
    return any(name == KPI or not (policy.metrics[name].binary or policy.metrics[name].kind == "quantile") for name in rules)


def _aged(baseline: Baseline) -> list[str]:
    """The metrics whose units are counted by age."""
    return [name for name in baseline.sorts.binned if name not in baseline.quantiles]


def _versions(
    baseline: Baseline, scenario: Scenario, values: Floats, member: Floats
) -> tuple[list[Floats], list[Floats]]:
    """Units as they are and as the scenario makes them, and the chance of each but the first where it is all there.

    Magnitudes of all units move together; of good and bad outcomes one at most is turned in a unit.
    """
    moved, moves = values, [c for c in scenario.changes if c.pace or not turns(baseline, c.metric)]
    for change in moves:
        new, chance = _new(baseline, change, values)
        place = [i for i, name in enumerate(baseline.columns) if name.startswith(f"{change.metric}:")]
        moved = moved.copy()
        moved[:, place] = np.where((chance * _inside(baseline, change, member) > 0)[:, None], new, moved)[:, place]
    versions, chances = [], []
    for change in scenario.changes:
        if change not in moves:
            new, chance = _new(baseline, change, moved)
            versions.append(new)
            chances.append(chance * _inside(baseline, change, member))
    turned = np.sum(chances, axis=0) if chances else np.zeros(len(values))
    if turned.max(initial=0.0) > 1.0:
        raise ValueError(f"{scenario.name}: more is to be changed than there are units")
    if moves:
        versions, chances = [moved, *versions], [1.0 - turned, *chances]
    return [values, *versions], chances


def _new(baseline: Baseline, change: Change, values: Floats) -> tuple[Floats, Floats]:
    """Units as a change makes them, and the chance that it does."""
    make = slowed if change.pace else changed
    return make(baseline, change.metric, change.harm, change.group, values)


def _caused(baseline: Baseline, change: Change, count: Floats, values: Floats) -> float:
    """Of a changed pace by how much it makes the metric itself worse; of all others what they say."""
    if not change.pace:
        return change.harm
    new, _ = slowed(baseline, change.metric, change.harm, change.group, values)
    top, known = (baseline.columns.index(f"{change.metric}:{role}") for role in ("value", "known"))
    worse = float(count @ (new[:, top] - values[:, top])) / float(count @ values[:, known])
    return worse if baseline.policy.metrics[change.metric].better == "lower" else -worse


def _inside(baseline: Baseline, change: Change, member: Floats) -> Floats:
    return member[:, baseline.groups.index(change.group)]


def _magnitudes(baseline: Baseline) -> tuple[int, ...]:
    """The components whose extremes bound what a unit may do: values without a stated range."""
    out = []
    for i, name in enumerate(baseline.components):
        metric, _, role = name.rpartition(":")
        rule = baseline.policy.metrics[metric]
        if not rule.binary and role in ("value", "numerator", "denominator", "covariate"):
            out.append(i)
    return tuple(out)


def _known(baseline: Baseline, values: Floats) -> Floats:
    """1 where a component is of a unit whose metric is known: only these are centred."""
    out = np.ones_like(values)
    for i, place in enumerate(_knowing(baseline)):
        out[..., i] = values[..., place]
    return out


def _knowing(baseline: Baseline) -> list[int]:
    """Of each component the one that says in which units it is known."""
    out = []
    for name in baseline.components:
        metric, _, role = name.rpartition(":")
        out.append(baseline.components.index(f"{metric}:{'covered' if role == 'covariate' else 'known'}"))
    return out


def _features(
    values: Floats, pairs: Sequence[tuple[int, int]], more: Sequence[np.ndarray] = ()
) -> tuple[Floats, Ints]:
    """The number of units, sums, products and more that differ, and which of them each component and pair is."""
    each = [np.ones(values.shape[:-1]), *np.moveaxis(values, -1, 0)]
    each += [values[..., i] * values[..., j] for i, j in pairs]
    each += [one.astype(float) for one in more]
    kept: list[Floats] = []
    place = []
    for feature in each:
        found = next((k for k, other in enumerate(kept) if np.array_equal(feature, other)), None)
        place.append(len(kept) if found is None else found)
        if found is None:
            kept.append(feature)
    return np.stack(kept, axis=-1), np.array(place[1:], dtype=np.int64)


def thinned(found: Sorts, days: int) -> Sorts:
    """At most `SORTS` sorts of each day, standing for all its units.

    Of each pattern of outcomes some are kept, evenly spread over its units, and stand for as many as it has; so rates,
    and what metrics have to do with each other, stay what they are to the last unit.
    """
    binary = np.all((found.values == 0) | (found.values == 1), axis=0)
    _, pattern = np.unique(found.values[:, binary], axis=0, return_inverse=True)
    rows, counts = [], []
    for day in range(days):
        mine = np.flatnonzero(found.period == day)
        if len(mine) <= SORTS:
            rows.append(mine)
            counts.append(found.count[mine])
            continue
        for one in np.unique(pattern[mine]):
            same = mine[pattern[mine] == one]
            part = found.count[same].sum() / found.count[mine].sum()
            keep = min(len(same), max(FEW, round(SORTS * float(part))))
            # Evenly spaced units of the pattern, in the order of its sorts.
            ends = found.count[same].cumsum()
            at = (np.arange(keep) + 0.5) * ends[-1] / keep
            rows.append(same[np.searchsorted(ends, at, side="left")])
            counts.append(np.full(keep, ends[-1] / keep))
    every, count = np.concatenate(rows), np.concatenate(counts)
    order = np.argsort(found.period[every], kind="stable")
    return replace(chosen(found, every[order]), count=count[order])


def chosen(found: Sorts, rows: Ints) -> Sorts:
    """Some of the sorts, in this order."""
    segments = tuple(found.segments[r] for r in rows)
    return replace(
        found, period=found.period[rows], segments=segments, values=found.values[rows], count=found.count[rows],
        bins=found.bins[rows],
    )  # fmt: skip


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
            low, high, known = low.copy(), high.copy(), _knowing(baseline)
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
        pool, names, out = self.pool, _aged(self.pool.baseline), {}
        first = len(pool.columns) - len(names) * (AGES + 1)
        for i, name in enumerate(names):
            columns = pool.columns[first + i * (AGES + 1) : first + (i + 1) * (AGES + 1)]
            out[name] = np.swapaxes(self.sums[:, rows, :end][..., columns], 2, 3)
        return out

    def known(self, change: Change) -> Floats:
        """Units with a known outcome that a change is about, of both versions, (rollout, period)."""
        pool = self.pool
        known = pool.columns[pool.baseline.components.index(f"{change.metric}:known")]
        each = pool.weight * pool.features[0, :, known] * _inside(pool.baseline, change, pool.member)
        return np.asarray(np.bincount(pool.day, weights=each, minlength=len(pool.baseline.days))[self.days])


def _uncentred(products: Floats, baseline: Baseline, centre: Floats) -> Floats:
    """Co-moments of components whose centre was subtracted in the units whose metric is known.

    ``x = z + a k`` with k known or not: ``cov(x, y) = cov(z, w) + a cov(k, w) + b cov(z, l) + a b cov(k, l)``.
    """
    place = {pair: p for p, pair in enumerate(baseline.pairs)}
    of = _knowing(baseline)
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
