"""What is judged by its histogram, in simulation: quantiles by units beyond thresholds, paces by the ages of events.

A unit that is drawn has the bin that it had in the history. A quantile that is worse by an amount has every value moved
by it, which is what its criterion tolerates or not; a pace that is worse by a ratio has the chance of an event at each
age multiplied by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from rampgate.aggregate.binned import Binned
from rampgate.aggregate.histogram import AGES, NOWHERE, Magnitudes
from rampgate.aggregate.marginals import Group
from rampgate.aggregate.moments import BASELINE, Cells, Floats, Ints
from rampgate.errors import DataError
from rampgate.estimate.quantiles import Quantiles, units_needed
from rampgate.judge.ripe import is_ripe
from rampgate.policy import Policy, Quantile, TimeToEvent

#: A chance of an event that no pace makes larger.
SURE = 0.999


def thresholds(
    policy: Policy, own: Cells, groups: Sequence[Group], keep: Sequence[int], launch: datetime
) -> dict[str, Quantiles]:
    """The quantiles that something is judged by, with their thresholds fixed by the history.

    Parameters
    ----------
    own : the baseline's cells
    keep : periods that are history
    launch : when the run begins

    Raises
    ------
    DataError : too few units to fix a threshold before the run
    """
    out = {}
    for name in policy.judged_metrics():
        metric = policy.metrics[name]
        if not isinstance(metric, Quantile):
            continue
        final = is_ripe(policy, name, [own.periods[t] for t in keep], launch)
        past = Binned.of(own, groups, keep, name).only(final, BASELINE)
        known, least = float(past.at_most()[..., 0].sum()), units_needed(metric.q)
        if known < least:
            text = f"{known:,.0f} units of the history have a known {name}, and {least:,.0f} fix its threshold"
            remedy = f"pass more rows from before the launch, or leave {name} out of a copy of the policy"
            raise DataError(text, where="source", remedy=remedy)
        out[name] = Quantiles.of(name, metric, past, past.only(np.zeros(len(keep), dtype=bool)))
    return out


@dataclass(frozen=True)
class Beyond:
    """Units beyond the thresholds of quantiles, as columns that the judge's contrasts are made of.

    Attributes
    ----------
    names : of the columns
    parts : of each column its metric, and for each group the bin beyond which a unit counts; None: every known unit
    """

    names: tuple[str, ...]
    parts: tuple[tuple[str, bool, Ints | None], ...]

    @classmethod
    def of(cls, policy: Policy, found: dict[str, Quantiles]) -> Beyond:
        names: list[str] = []
        parts: list[tuple[str, bool, Ints | None]] = []
        for name, quantiles in found.items():
            names.append(f"{name}:tested")
            parts.append((name, quantiles.above, None))
            for part, ends in quantiles.ends(policy.margins_of(name)).items():
                names.append(f"{name}:{part}")
                parts.append((name, quantiles.above, np.array(ends, dtype=np.int64)))
        return cls(tuple(names), tuple(parts))

    def columns(self, bins: dict[str, Floats], groups: int) -> Floats:
        """1 where a unit counts, (..., sort, group, column), from each metric's bins (..., sort)."""
        shape = (*next(iter(bins.values())).shape, groups)
        out = np.zeros((*shape, len(self.names)))
        for i, (name, above, ends) in enumerate(self.parts):
            bin_ = bins[name][..., None]
            counts = np.ones(shape, dtype=bool) if ends is None else (bin_ > ends) if above else (bin_ <= ends)
            out[..., i] = counts & (bin_ != NOWHERE)
        return out


def usual_shift(found: Quantiles, group: int, size: float) -> float:
    """The shift of values by which so many standard deviations of a bad unit more are bad.

    Parameters
    ----------
    size : in standard deviations of an outcome that is bad or not
    """
    bins, counts = found.reference
    share = np.cumsum(counts[group]) / max(float(counts[group].sum()), 1.0)
    at = float(np.sum(counts[group] * (bins <= found.threshold[group])) / max(float(counts[group].sum()), 1.0))
    step = size * float(np.sqrt(at * (1.0 - at)))
    there = max(at - step, 0.0) if found.above else min(at + step, 1.0)
    value = found.bins.upper(bins[[min(int(np.searchsorted(share, there)), len(bins) - 1)]])[0]
    return float(abs(found.values()[group] - value))


def shifted(bins: Floats, by: float, ends: tuple[float, float]) -> Floats:
    """Bins of values that are moved by an amount, none beyond its ends; what is unknown stays so."""
    scale = Magnitudes("")
    known = bins != NOWHERE
    every, back = np.unique(bins[known].astype(np.int64), return_inverse=True)
    there = [scale.place(float(value), True) for value in np.clip(scale.middle(every) + by, *ends)]
    out = bins.copy()
    out[known] = np.array(there, dtype=float)[back]
    return out


def ages_of(metric: TimeToEvent, values: Floats, bins: Floats, events: Floats) -> Floats:
    """Bins of events to values that were changed.

    Parameters
    ----------
    values, bins : of the units, the values as they are now and the bins as they were, (unit,)
    events : how many events there are in each bin, (bin,)
    """
    out = bins.copy()
    if metric.binary:
        out[(values < 0.5) & (bins != NOWHERE)] = AGES
        new = np.flatnonzero((values > 0.5) & (bins == AGES))
        out[new] = _drawn(events / max(float(events.sum()), 1.0), len(new), np.random.default_rng(0))
        return out
    limit = metric.range[1]
    place = np.clip(np.ceil(values * AGES / limit - 1e-9) - 1, 0, AGES - 1)
    return np.where(bins == NOWHERE, bins, np.where(values < limit, place, AGES))


def _drawn(chance: Floats, count: int, rng: np.random.Generator) -> Ints:
    """So many places, each as often as its chance says, in a random order."""
    even = (np.arange(count) + 0.5) / max(count, 1)
    found = np.minimum(np.searchsorted(np.cumsum(chance), even, side="right"), len(chance) - 1)
    return np.asarray(rng.permutation(found), dtype=np.int64)


def paced(metric: TimeToEvent, harm: float, bins: Floats, units: Floats) -> Floats:
    """Bins of events whose pace is worse by a ratio.

    Parameters
    ----------
    harm : the ratio less 1; events that are good come at ``1 / (1 + harm)`` of the pace at every age, bad ones faster
    bins : of the units, (unit,)
    units : the baseline's by bin, of which the last had no event, (bin + 1,)
    """
    moves = _moves(1.0 / (1.0 + harm) if metric.event_is_good else 1.0 + harm, units)
    out, rng = bins.copy(), np.random.default_rng(0)
    for k in range(AGES + 1):
        mine = np.flatnonzero(bins == k)
        out[mine] = _drawn(moves[k], len(mine), rng)
    return out


def _moves(ratio: float, units: Floats) -> Floats:
    """The chance that a unit whose event was in one bin has it in another, (bin + 1, bin + 1).

    A slower pace takes events away, and units go on at that pace; a faster one adds events before a unit's own.
    """
    at_risk = units[::-1].cumsum()[::-1][:-1]
    pace = np.where(at_risk > 0, units[:-1] / np.maximum(at_risk, 1e-300), 0.0)
    out = np.zeros((AGES + 1, AGES + 1))
    new = np.minimum(pace * ratio, np.maximum(pace, SURE))
    more = np.clip((new - pace) / np.maximum(1.0 - pace, 1e-9), 0.0, 1.0)
    for k in range(AGES + 1):
        if ratio < 1.0:
            kept = ratio if k < AGES else 1.0
            left = np.cumprod(np.concatenate([[1.0], 1.0 - new[k + 1 :]]))
            out[k, k + 1 : AGES] = (1.0 - kept) * left[:-1] * new[k + 1 :]
            out[k, AGES] += (1.0 - kept) * left[-1]
            out[k, k] += kept
        else:
            left = np.cumprod(np.concatenate([[1.0], 1.0 - more[:k]]))
            out[k, :k] = left[:-1] * more[:k]
            out[k, k] = left[-1]
    return out


def values_of(metric: TimeToEvent, bins: Floats, was: Floats, values: Floats) -> Floats:
    """Values of units whose bins changed from ``was``; in the middle of a bin where a time is one."""
    if metric.binary:
        return np.where(bins == NOWHERE, values, (bins < AGES).astype(float))
    step = metric.limit.timedelta / timedelta(hours=1) / AGES
    middle = np.where(bins < AGES, (bins + 0.5) * step, metric.range[1])
    return np.where(bins == was, values, middle)
