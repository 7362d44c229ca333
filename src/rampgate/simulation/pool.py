"""What the units of a scenario are drawn from: those of the history as they are, and as each change makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rampgate.aggregate.histogram import AGES
from rampgate.aggregate.moments import Floats, Ints
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
    columns : which feature is each component's sum, each pair's product, each age's units, (component + pair + age,)
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
        ages = [of[name] == age for name in aged(baseline) for age in range(AGES + 1)]
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
    return any(
        name == KPI or not (policy.metrics[name].binary or policy.metrics[name].kind == "quantile") for name in rules
    )


def aged(baseline: Baseline) -> list[str]:
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
        moved[:, place] = np.where((chance * within(baseline, change, member) > 0)[:, None], new, moved)[:, place]
    versions, chances = [], []
    for change in scenario.changes:
        if change not in moves:
            new, chance = _new(baseline, change, moved)
            versions.append(new)
            chances.append(chance * within(baseline, change, member))
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


def within(baseline: Baseline, change: Change, member: Floats) -> Floats:
    """Whether a change is about each sort, (sort,)."""
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
    for i, place in enumerate(knowing(baseline)):
        out[..., i] = values[..., place]
    return out


def knowing(baseline: Baseline) -> list[int]:
    """Of each component the one that says in which units it is known."""
    out = []
    for name in baseline.components:
        metric, _, role = name.rpartition(":")
        out.append(baseline.components.index(f"{metric}:{'covered' if role == 'covariate' else 'known'}"))
    return out


def _features(values: Floats, pairs: Sequence[tuple[int, int]], more: Sequence[np.ndarray] = ()) -> tuple[Floats, Ints]:
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
