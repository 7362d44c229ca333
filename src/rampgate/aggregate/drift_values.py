"""Bins and counts from the values themselves, where a column is small enough to hold: the same as the engine's.

A sort in memory costs a fourth of what an engine needs for quantiles and for finding the bin of each value.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from rampgate.aggregate.drift_bins import DISTINCT, SHARES, TENTHS, Edges, edges_of
from rampgate.aggregate.moments import Floats

#: Rows up to which a column is held: 32 MB of it.
HELD = 4_000_000


def drawn_from(name: str, values: Floats) -> Edges:
    """The bins of a column, with the reference's mean in each.

    Parameters
    ----------
    values : of the reference, sorted, without those that are missing
    """
    if not len(values):
        return Edges(name, (0.0,), (), (0.0, 0.0))
    # A share of a count that is whole must not come out above it for rounding.
    ends = [values[max(ceil(len(values) * share - 1e-6) - 1, 0)] for share in (0.0, *SHARES, 1.0, *TENTHS)]
    new = np.flatnonzero(values[1:] != values[:-1])
    few = values[np.append(new, len(values) - 1)] if len(new) < DISTINCT else values[:0]
    bins = edges_of(name, ends[: -len(TENTHS)], ends[-len(TENTHS) :], few.tolist())
    counts = placed(bins, values)
    held = np.flatnonzero(counts)
    sums = np.add.reduceat(values, (np.cumsum(counts) - counts)[held].astype(np.int64))
    means = dict(zip(held.tolist(), (sums / counts[held]).tolist(), strict=True))
    return Edges(name, bins.edges, bins.tenths, deviation=float(values.std())).centered(means)


def placed(bins: Edges, values: Floats) -> Floats:
    """Units in each bin, (bin,), of sorted values without those that are missing."""
    below = np.searchsorted(values, np.array(bins.edges), side="right")
    return np.diff(below, prepend=0, append=len(values)).astype(np.float64)
