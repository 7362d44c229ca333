"""From the engine's answer to histograms of the cells."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rampgate.aggregate.histogram import NOWHERE
from rampgate.aggregate.moments import Tally
from rampgate.aggregate.rows import Question, cell_keys
from rampgate.errors import DataError
from rampgate.source import Array


def tallies(ask: Question, cells: Mapping[str, Array], answer: Mapping[str, Array]) -> tuple[Tally, ...]:
    """The histograms of the cells.

    Parameters
    ----------
    ask : what was asked
    cells : columns of `aggregate_query`, one row per cell, in the cells' order
    answer : columns of `histogram_query`; empty where nothing is binned

    Raises
    ------
    DataError
        When the two do not speak of the same rows: the source changed between them.
    """
    if not ask.needs.histograms:
        return ()
    place = {key: r for r, key in enumerate(_keys(ask, cells))}
    row = np.array([place.get(key, -1) for key in _keys(ask, answer)], dtype=np.int64)
    n, of = answer["n"].astype(np.float64), answer["of"].astype(np.int64)
    every = np.bincount(row[row >= 0], weights=n[row >= 0], minlength=len(place))
    if (row < 0).any() or (every != cells["n"].astype(float) * len(ask.needs.histograms)).any():
        raise DataError(
            "the source changed while it was read: its histograms count other rows than its cells",
            where=ask.engine.name,
            remedy="run again once it is not being written, or write a new file and rename it into place",
        )
    at = answer["bin"].astype(np.int64)
    out = []
    for h, bins in enumerate(ask.needs.histograms):
        mine = np.flatnonzero((of == h) & (at != NOWHERE))
        mine = mine[np.lexsort((at[mine], row[mine]))]
        out.append(Tally(bins.metric, row[mine], at[mine], n[mine]))
    return tuple(out)


def _keys(ask: Question, answer: Mapping[str, Array]) -> list[tuple[object, ...]]:
    """What names the cell of each row of an answer."""
    return list(zip(*(answer[name].tolist() for name in cell_keys(ask)), strict=True))
