"""Units by the age of their event, period of exposure by period of exposure, as far as every unit has got by a look.

A (period, age bin) counts from the first look at which *all* units of the period have passed the bin, and never
changes after. What a unit does later, and when a table was read, make no difference; so a replay sees what the looks
saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from rampgate.aggregate.histogram import AGES, Ages
from rampgate.aggregate.marginals import Group, tallied
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Cells, Floats, Period
from rampgate.estimate.hazard import hazard_bets, hazard_increments, ratio_parts
from rampgate.policy import Policy, TimeToEvent


@dataclass(frozen=True)
class Lives:
    """Counts of one metric.

    Attributes
    ----------
    edges : float array (bin + 1,)
        Ages between the bins in hours.
    counts : float array (variant, ..., group, period, bin + 1)
        Units by the bin of their event; the last class had none by the limit, or none yet. What lies in bins that are
        not passed may still change and is read by nobody.
    booked : int array (period, bin)
        Index of the period at whose end all units have passed the bin; the number of periods where none is.
    sign : 1 when more events are harm, -1 when fewer are
    """

    edges: Floats
    counts: Floats
    booked: np.ndarray
    sign: int

    @classmethod
    def of(cls, policy: Policy, name: str, cells: Cells, groups: Sequence[Group], run: Sequence[int]) -> Lives | None:
        """The lives of a metric over the periods ``run`` of the cells; None where no times were binned."""
        metric = policy.metrics[name]
        if not isinstance(metric, TimeToEvent) or cells.tally(name) is None:
            return None
        counts = tallied(cells, groups, run, name, np.arange(AGES))
        return cls.counted(policy, metric, np.moveaxis(counts, 0, 2), [cells.periods[t] for t in run])

    @classmethod
    def counted(cls, policy: Policy, metric: TimeToEvent, counts: Floats, periods: Sequence[Period]) -> Lives:
        """The lives of units that are counted already, (variant, ..., group, period, bin + 1)."""
        edges = Ages("", metric.limit.timedelta / timedelta(hours=1)).edges
        when = booked(periods, [_delay(policy, metric, float(edge)) for edge in edges[1:]])
        return cls(edges, counts, when, -1 if metric.event_is_good else 1)

    def pick(self, places: Sequence[int]) -> Lives:
        """The same of some of the groups."""
        return replace(self, counts=self.counts[..., list(places), :, :])

    @property
    def passed(self) -> np.ndarray:
        """Whether all units of a period have passed a bin, (period, bin)."""
        return np.asarray(self.booked < len(self.booked))

    @property
    def units(self) -> Floats:
        """Units whose clock is known, (variant, ..., group, period)."""
        return np.asarray(self.counts.sum(-1))

    @property
    def events(self) -> Floats:
        """Events in the bins that are passed, (variant, ..., group, period, bin)."""
        return np.where(self.passed, self.counts[..., :-1], 0.0)

    @property
    def at_risk(self) -> Floats:
        """Units open at the beginning of each bin that is passed, (variant, ..., group, period, bin)."""
        before = np.cumsum(self.counts[..., :-1], axis=-1) - self.counts[..., :-1]
        return np.where(self.passed, self.units[..., None] - before, 0.0)

    def increments(self, expect: float | None) -> Floats:
        """Log-increments against the same pace of events, by the period that books them, (..., group, period, grid)."""
        bets = hazard_bets(expect)
        n, d = self.at_risk, self.events
        each = hazard_increments(n[CANDIDATE], n[BASELINE], d[CANDIDATE], d[BASELINE], bets, self.sign)
        out: Floats = np.zeros((*each.shape[:-2], len(bets)))
        for by in range(len(self.booked)):
            period, passed = np.nonzero(self.booked == by)
            out[..., by, :] = each[..., period, passed, :].sum(-2)
        return out

    def harm(self, begin: int, end: int) -> Floats:
        """How many times as good the other pace is, less 1, over what was booked in periods ``[begin, end)``, (group,).

        The ratio of Mantel and Haenszel, which the score's own one-step estimate overstates far from 1.
        """
        n, d = self.at_risk, self.events
        inside = (self.booked >= begin) & (self.booked < end)
        c, b = ratio_parts(n[CANDIDATE], n[BASELINE], d[CANDIDATE] * inside, d[BASELINE] * inside)
        worse, better = (c, b) if self.sign == 1 else (b, c)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(worse.sum((-2, -1)) / better.sum((-2, -1)) - 1.0)

    def begun(self, begin: int = 0) -> tuple[Floats, Floats]:
        """Candidate's and baseline's units that have passed the first bin, since period ``begin``, (group,) each."""
        seen = (self.units * self.passed[:, 0])[..., begin:].sum(-1)
        return seen[CANDIDATE], seen[BASELINE]


def _delay(policy: Policy, metric: TimeToEvent, age: float) -> timedelta:
    """How long after its end every unit of a period is known to have passed an age, in hours."""
    passed = timedelta(hours=age)
    if metric.known_at is not None:
        # Whether a unit counts at all is known when its label is final, and not before.
        return max(metric.maturity.timedelta, passed)
    if metric.from_ != policy.source.time:
        # Clocks may begin until the time that ``matures_after`` leaves before the limit.
        return metric.maturity.timedelta - metric.limit.timedelta + passed
    return passed


def booked(periods: Sequence[Period], delays: Sequence[timedelta]) -> np.ndarray:
    """Index of the first period that ends when a bin of a period is passed, (period, bin)."""
    ends = np.array([p.end.timestamp() for p in periods])
    waits = np.array([delay.total_seconds() for delay in delays])
    # Ends are whole seconds, edges of bins may not be: what is due within a microsecond is due.
    return np.asarray(np.searchsorted(ends, ends[:, None] + waits - 1e-5, side="left"))
