"""Sufficient statistics that leave the engine: counts, means, co-moments, extremes.

They merge by addition (Chan, Golub and LeVeque 1979), so any marginal and any window
is a merge of the finest cells, done in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

BASELINE, CANDIDATE = 0, 1
UNKNOWN, OTHERS = "(unknown)", "(others)"

T = TypeVar("T")
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, order=True)
class Period:
    """A time step at which the gate may look: ``[start, end)``, aware datetimes in UTC.

    ``day`` is the local date (for ``look: week`` the local Monday) and ``stage`` the number of
    changes of traffic before it: a day on which traffic changes is two periods.
    """

    day: date
    stage: int
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Tally:
    """Counts of one metric's bins, in long form, sorted by row and bin; only bins that hold something.

    Attributes
    ----------
    metric : str
    row : int array (Q,)
        Row of the cells.
    bin : int array (Q,)
    count : float array (Q,)
        Units.
    """

    metric: str
    row: Ints
    bin: Ints
    count: Floats

    def of(self, keep: Ints, rows: int) -> Tally:
        """The tally of some rows of the cells, in the order of ``keep``; ``rows`` is how many there were."""
        place = np.full(rows, -1, dtype=np.int64)
        place[keep] = np.arange(len(keep))
        row = place[self.row]
        used = np.flatnonzero(row >= 0)
        used = used[np.lexsort((self.bin[used], row[used]))]
        return Tally(self.metric, row[used], self.bin[used], self.count[used])


@dataclass(frozen=True)
class Cells:
    """The finest cells, in long form: one row per (period, arm, combination of segment values, cluster).

    Attributes
    ----------
    components : tuple of str, length k
        Names of the columns aggregated, as made by ``needs``.
    pairs : tuple of (int, int), length p
        Indices ``i <= j`` of the components whose co-moment is kept.
    periods : tuple of Period, sorted
    segments : tuple of str, length S
        Names of the segment columns.
    period, arm : int arrays (R,)
        Index into ``periods``; 0 baseline, 1 candidate.
    values : tuple of tuples of str, length R, each of length S
        Segment values of the row; NULL is ``"(unknown)"``.
    n : float array (R,)
        Units.
    mean : float array (R, k)
    comoment : float array (R, p)
        ``sum (x_i - mean_i)(x_j - mean_j)`` within the row.
    low, high : float arrays (R, k)
        Smallest and largest value of each component.
    malformed : int array (R, number of metrics)
        Values that were present but not of the metric's type, counted as unknown.
    digest : tuple of str, length R
        Order-independent digest of the rows in the cell (two integers, as text).
    tallies : tuple of Tally
        Histograms of the metrics that moments do not say all of.
    clusters : tuple of str, length R
        What was assigned as a whole; empty where the policy names none.
    """

    components: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    periods: tuple[Period, ...]
    segments: tuple[str, ...]
    period: Ints
    arm: Ints
    values: tuple[tuple[str, ...], ...]
    n: Floats
    mean: Floats
    comoment: Floats
    low: Floats
    high: Floats
    malformed: Ints
    digest: tuple[str, ...]
    tallies: tuple[Tally, ...] = ()

    def tally(self, metric: str) -> Tally | None:
        """The histogram of a metric, None where there is none."""
        return next((tally for tally in self.tallies if tally.metric == metric), None)

    @cached_property
    def coded(self) -> tuple[tuple[tuple[str, ...], Ints], ...]:
        """Of each segment column its values, in the order of their first rows, and which of them each row has."""
        columns = zip(*self.values, strict=True) if self.values else ((),) * len(self.segments)
        coded = []
        for column in columns:
            place = {value: i for i, value in enumerate(dict.fromkeys(column))}
            codes = np.fromiter(map(place.__getitem__, column), dtype=np.int64, count=len(column))
            coded.append((tuple(place), codes))
        return tuple(coded)

    clusters: tuple[str, ...] = ()

    def rows(self, keep: Ints, periods: tuple[Period, ...] | None = None) -> Cells:
        """Some of the rows; ``periods`` cuts the list of periods to a prefix that still holds them."""
        return Cells(
            self.components,
            self.pairs,
            self.periods if periods is None else periods,
            self.segments,
            self.period[keep],
            self.arm[keep],
            _picked(self.values, keep),
            self.n[keep],
            self.mean[keep],
            self.comoment[keep],
            self.low[keep],
            self.high[keep],
            self.malformed[keep],
            _picked(self.digest, keep),
            tuple(tally.of(keep, len(self.n)) for tally in self.tallies),
            _picked(self.clusters, keep) if self.clusters else (),
        )


def _picked(values: tuple[T, ...], keep: Ints) -> tuple[T, ...]:
    """Some of the values; the first so many, which a replay takes at every look, in one go."""
    if len(keep) and keep[0] == 0 and keep[-1] == len(keep) - 1 and (np.diff(keep) == 1).all():
        return values[: len(keep)]
    return tuple(values[r] for r in keep)


@dataclass(frozen=True)
class Intake:
    """What happened to the rows on their way in. Nothing is dropped without being here.

    ``rows`` counts every row with a time before ``as_of``'s last complete period, or with no time. ``crossed`` says of
    a source in which units repeat (start of the period, units first seen in this phase, units first seen in both arms
    of it). ``missing_candidate`` are the candidate's among those without a unit, a time or a cluster. ``malformed`` is
    (metric, how many values are not of its kind, one of them), and ``wrong`` (metric, what is wrong with that one)
    where its kind does not say it. ``merged`` is (segment column, how many of its values are not told apart).
    """

    rows: int
    used: int
    history: int
    after_as_of: int
    null_unit: int
    null_time: int
    null_variant: int
    other_variants: tuple[tuple[str, int], ...]
    duplicate_units: int
    duplicate_example: str | None
    malformed: tuple[tuple[str, int, str], ...]
    newest: datetime | None
    null_cluster: int = 0
    crossed: tuple[tuple[datetime, int, int], ...] = ()
    missing_candidate: int = 0
    wrong: tuple[tuple[str, str], ...] = ()
    merged: tuple[tuple[str, int], ...] = ()
