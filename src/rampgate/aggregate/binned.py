"""Histograms of one metric by group, period and arm, in long form: what a share beyond any value is counted from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rampgate.aggregate.marginals import Group, rows_of
from rampgate.aggregate.moments import Cells, Floats, Ints


class Counts(NamedTuple):
    """Units of one group: the place of ``(period, arm)``, the bin, and how many, (Q,) each."""

    place: Ints
    bin: Ints
    units: Floats


@dataclass(frozen=True)
class Binned:
    """The histogram of one metric.

    Attributes
    ----------
    periods : how many
    groups : units of each group
    """

    periods: int
    groups: tuple[Counts, ...]

    @classmethod
    def of(cls, cells: Cells, groups: Sequence[Group], keep: Sequence[int], metric: str) -> Binned:
        """The units of groups over the periods ``keep`` (indices into ``cells.periods``)."""
        tally = cells.tally(metric)
        nothing = np.zeros(0, dtype=np.int64)
        if tally is None:
            return cls(len(keep), tuple(Counts(nothing, nothing, np.zeros(0)) for _ in groups))
        slot = np.full(len(cells.periods), -1, dtype=np.int64)
        slot[list(keep)] = np.arange(len(keep))
        out = []
        for rows in rows_of(cells, groups):
            mine = np.flatnonzero(rows[tally.row] & (slot[cells.period[tally.row]] >= 0))
            row = tally.row[mine]
            out.append(Counts(2 * slot[cells.period[row]] + cells.arm[row], tally.bin[mine], tally.count[mine]))
        return cls(len(keep), tuple(out))

    def only(self, periods: np.ndarray, arm: int | None = None) -> Binned:
        """The units of some periods, (period,) booleans, and of one arm where it is named; the others are empty."""

        def kept(counts: Counts) -> Counts:
            use = periods[counts.place // 2]
            if arm is not None:
                use = use & (counts.place % 2 == arm)
            return Counts(*(values[use] for values in counts))

        return Binned(self.periods, tuple(kept(counts) for counts in self.groups))

    def pick(self, places: Sequence[int]) -> Binned:
        """Some of the groups."""
        return Binned(self.periods, tuple(self.groups[g] for g in places))

    def at_most(self, ends: Sequence[int] | None = None) -> Floats:
        """Units whose bin is at most that of their group in ``ends``, all units without; (period, arm, group)."""
        out = np.zeros((self.periods, 2, len(self.groups)))
        for g, (place, bins, units) in enumerate(self.groups):
            counted = units if ends is None else np.where(bins <= ends[g], units, 0.0)
            out[..., g] = np.bincount(place, counted, minlength=2 * self.periods).reshape(self.periods, 2)
        return out

    def dense(self, group: int) -> tuple[Ints, Floats]:
        """The bins that hold something, ascending, (bin,), and their units, (period, arm, bin)."""
        place, bins, units = self.groups[group]
        every, at = np.unique(bins, return_inverse=True)
        counts = np.bincount(place * len(every) + at, units, minlength=2 * self.periods * len(every))
        return every, counts.reshape(self.periods, 2, len(every)).astype(np.float64)
