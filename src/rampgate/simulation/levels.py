"""A metric's level among the units that are drawn from, and units of it made worse or better by a given amount."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.histogram import AGES
from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.aggregate.moments import Floats
from rampgate.estimate.reference import DEFAULT_EXPECT
from rampgate.policy import Quantile, RareEvent, Ratio, TimeToEvent
from rampgate.simulation.baseline import Baseline, member_of
from rampgate.simulation.binned import ages_of, paced, shifted, usual_shift, values_of

#: Halvings by which a shift of values is found that moves their mean, cut at the metric's range, by an amount.
HALVINGS = 60


@dataclass(frozen=True)
class Level:
    """A metric among known units.

    Attributes
    ----------
    mean, sd : of its value; of a quantile its threshold, and no deviation
    usual : the harm that must be caught where nobody states it
    sign : 1 when more of it is harm
    ends : the smallest and largest value of a unit; infinite where nothing holds it
    scale : how much of it is worth all of the KPI's scale
    weight, utility : in the KPI
    """

    mean: float
    sd: float
    usual: float
    sign: int
    binary: bool
    rare: bool
    ends: tuple[float, float]
    scale: float
    weight: float
    utility: float

    @property
    def good(self) -> float:
        """Of a metric of good and bad units, the share of good ones."""
        return 1.0 - self.mean if self.sign == 1 else self.mean

    def most(self, harm: float) -> float:
        """By how much it could be worse (harm above 0) or better at most."""
        up = self.sign * harm > 0
        return self.ends[1] - self.mean if up else self.mean - self.ends[0]

    def room(self, harm: float) -> bool:
        """Whether it can be worse (or better) by an amount at all."""
        return abs(harm) < self.most(harm)


def levels(baseline: Baseline, name: str, group: Group = OVERALL) -> Level:
    """The level of a metric among the units of a group."""
    policy, metric = baseline.policy, baseline.policy.metrics[name]
    if isinstance(metric, Quantile):
        return _of_quantile(baseline, name, group)
    values, count = _inside(baseline, group)
    top, bottom = _parts(baseline, name)
    y, x = values[:, top], values[:, bottom]
    total = float(count @ x)
    mean = float(count @ y) / total if total else 0.0
    sd = float(np.sqrt(count @ (y - mean * x) ** 2 / total)) if total else 0.0
    sign = 1 if metric.better == "lower" else -1
    ends = metric.range or _ends(baseline, name, y, x)
    if metric.best is not None and metric.worst is not None:
        scale, utility = abs(metric.best - metric.worst), (mean - metric.worst) / (metric.best - metric.worst)
    else:
        scale, utility = 1.0, 1.0 - mean if sign == 1 else mean
    weight, rare = policy.kpi.weights.get(name, 0.0), isinstance(metric, RareEvent)
    usual = mean if rare else DEFAULT_EXPECT * sd
    return Level(mean, sd, usual, sign, metric.binary, rare, ends, scale, weight, utility)


def _of_quantile(baseline: Baseline, name: str, group: Group) -> Level:
    """The threshold of a group, and the shift that is to be caught; a quantile is no part of the KPI."""
    found, at = baseline.quantiles[name], baseline.groups.index(group)
    usual = usual_shift(found, at, DEFAULT_EXPECT)
    # Values of which none is below 0, as times, do not become so.
    ends = (0.0 if int(found.reference[0].min()) >= 0 else -np.inf, np.inf)
    return Level(float(found.values()[at]), np.nan, usual, 1 if found.above else -1, False, False, ends, 1.0, 0.0, 0.0)


def _ends(baseline: Baseline, name: str, y: Floats, x: Floats) -> tuple[float, float]:
    if isinstance(baseline.policy.metrics[name], Ratio):
        return (0.0, 1.0) if _of_shares(y, x) else (0.0, np.inf)
    return (-np.inf, np.inf)


def _of_shares(y: Floats, x: Floats) -> bool:
    """Whether a ratio's numerator is nothing or all of its denominator in each unit."""
    return bool(np.all((y == 0) | (y == x)))


def _inside(baseline: Baseline, group: Group) -> tuple[Floats, Floats]:
    values, count = baseline.sorts.values, baseline.sorts.count
    if group == OVERALL:
        return values, count
    inside = member_of([group], _segments(baseline), baseline.sorts.segments)[:, 0] > 0
    return values[inside], count[inside]


def _segments(baseline: Baseline) -> tuple[str, ...]:
    return () if baseline.policy.segments is None else tuple(baseline.policy.segments.by)


def _parts(baseline: Baseline, name: str) -> tuple[int, int]:
    ratio = isinstance(baseline.policy.metrics[name], Ratio)
    roles = ("numerator", "denominator") if ratio else ("value", "known")
    top, bottom = (baseline.components.index(f"{name}:{role}") for role in roles)
    return top, bottom


def turns(baseline: Baseline, name: str) -> bool:
    """Whether a metric grows worse by outcomes that turn from good to bad, and not by values that move."""
    if isinstance(baseline.policy.metrics[name], Quantile):
        return False
    level = levels(baseline, name)
    return level.binary or (isinstance(baseline.policy.metrics[name], Ratio) and level.ends[1] == 1.0)


def changed(baseline: Baseline, name: str, harm: float, group: Group, values: Floats) -> tuple[Floats, Floats]:
    """Values of units as they are when a metric is worse by an amount, and each unit's chance to be so.

    Parameters
    ----------
    harm : in the metric's unit; negative is better
    group : whose mean is to move by that
    values : of the sorts, (sort, column) as of `Baseline.columns`

    Returns
    -------
    (sort, column) and (sort,); the chance leaves out who is of the group.
    """
    level, metric = levels(baseline, name, group), baseline.policy.metrics[name]
    if isinstance(metric, Quantile):
        return _moved(baseline, name, level, harm, values)
    top, bottom = _parts(baseline, name)
    out, up = values.copy(), level.sign * harm > 0
    y, known = values[:, top], values[:, bottom]
    if turns(baseline, name):
        turned, to = (y < known, known) if up else (y > 0, np.zeros_like(y))
        free = (1.0 - level.mean) if up else level.mean
        out[:, top] = np.where(turned, to, y)
        chance = turned * (abs(harm) / free if free > 0 else 0.0)
    elif isinstance(metric, Ratio):
        out[:, top] = y * (1.0 + level.sign * harm / level.mean) if level.mean else y
        chance = (known > 0).astype(float)
    else:
        out[:, top] = np.where(known > 0, np.clip(y + _shift(baseline, name, harm, group), *level.ends), 0.0)
        chance = (known > 0).astype(float)
    if f"{name}:event" in baseline.components:
        event = baseline.components.index(f"{name}:event")
        limit = level.ends[1]
        out[:, event] = (out[:, top] > 0.5) if level.binary else (known > 0) & (out[:, top] < limit)
    if isinstance(metric, TimeToEvent) and f"{name}:bin" in baseline.columns:
        at = baseline.columns.index(f"{name}:bin")
        out[:, at] = ages_of(metric, out[:, top], values[:, at], by_age(baseline, name)[:-1])
    return out, np.asarray(chance, dtype=float)


def _moved(baseline: Baseline, name: str, level: Level, harm: float, values: Floats) -> tuple[Floats, Floats]:
    """Units whose values of a quantile are all worse by an amount."""
    out, at = values.copy(), baseline.columns.index(f"{name}:bin")
    out[:, at] = shifted(values[:, at], level.sign * harm, level.ends)
    return out, (values[:, baseline.columns.index(f"{name}:known")] > 0).astype(float)


def by_age(baseline: Baseline, name: str, group: Group = OVERALL) -> Floats:
    """Units of a group by the bin of their event, the last those without, (bin + 1,)."""
    bins = baseline.sorts.bins[:, baseline.sorts.binned.index(name)]
    inside = member_of([group], _segments(baseline), baseline.sorts.segments)[:, 0] > 0
    use = inside & (bins >= 0)
    return np.bincount(bins[use], weights=baseline.sorts.count[use], minlength=AGES + 1).astype(float)


def slowed(baseline: Baseline, name: str, harm: float, group: Group, values: Floats) -> tuple[Floats, Floats]:
    """Values of units as they are when the pace of a metric's events is worse by a ratio, as `changed` has them.

    Parameters
    ----------
    harm : the ratio less 1
    """
    metric = baseline.policy.metrics[name]
    assert isinstance(metric, TimeToEvent)
    at, known = baseline.columns.index(f"{name}:bin"), values[:, baseline.columns.index(f"{name}:known")]
    out, top = values.copy(), _parts(baseline, name)[0]
    out[:, at] = paced(metric, harm, values[:, at], by_age(baseline, name, group))
    out[:, top] = np.where(known > 0, values_of(metric, out[:, at], values[:, at], values[:, top]), 0.0)
    if f"{name}:event" in baseline.columns:
        out[:, baseline.columns.index(f"{name}:event")] = (known > 0) & (out[:, at] < AGES)
    return out, (known > 0).astype(float)


def _shift(baseline: Baseline, name: str, harm: float, group: Group) -> float:
    """By how much to move each value so that their mean, cut at the metric's range, is worse by an amount."""
    level = levels(baseline, name, group)
    values, count = _inside(baseline, group)
    top, bottom = _parts(baseline, name)
    known = values[:, bottom] > 0
    y, n = values[known, top], count[known]
    wanted = level.sign * harm
    if not np.isfinite(level.ends).all():
        return wanted
    low, high = sorted((0.0, np.sign(wanted) * (level.ends[1] - level.ends[0])))
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        moved = float(n @ np.clip(y + middle, *level.ends)) / float(n.sum()) - level.mean
        low, high = (middle, high) if moved < wanted else (low, middle)
    return float(0.5 * (low + high))
