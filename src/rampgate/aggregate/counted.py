"""What a look is made of: the counts of the cells, and how many rows repeat a unit. Read whole, or of parts."""

from __future__ import annotations

import numpy as np

from rampgate.aggregate.kept import Kept
from rampgate.aggregate.merge import merged
from rampgate.aggregate.moments import CANDIDATE
from rampgate.aggregate.query import aggregate_query, histogram_query
from rampgate.aggregate.roles import AFTER
from rampgate.aggregate.rows import Question, cell_keys
from rampgate.aggregate.survey import Repeats, origins, repeats
from rampgate.aggregate.units import counted_once, differ
from rampgate.source import Array, Parted

Answer = dict[str, Array]
_NONE = Repeats(0, 0, None)


def counted(ask: Question) -> tuple[Repeats, Answer, Answer]:
    """Repeated units, and the answers to `aggregate_query` and, where anything is binned, to `histogram_query`.

    Parts of a source are read one by one where no unit repeats: which of its rows counts depends on all of them.
    """
    if ask.kept is not None and (of_parts := _of_parts(ask, ask.kept)) is not None:
        return of_parts
    found = _repeats(ask) if ask.start is not None else _NONE
    arrays = ask.engine.query(aggregate_query(ask, found.repeated > 0, origins(ask)))
    bins = ask.engine.query(histogram_query(ask, found.repeated > 0)) if ask.needs.histograms else {}
    return found, arrays, bins


def _repeats(ask: Question) -> Repeats:
    """Repeated units. Of an engine on this machine hashes say sooner that there are none."""
    if isinstance(ask.engine, Parted) and (rows := counted_once(ask)) is not None:
        return Repeats(rows, 0, None)
    return repeats(ask)


def _of_parts(ask: Question, kept: Kept) -> tuple[Repeats, Answer, Answer] | None:
    """The same put together of parts; None where the rows have to be read whole."""
    found = _NONE
    apart = ask.start is None or differ(ask, kept)
    if not apart and (found := _repeats(ask)).repeated:
        return None
    tables = kept.cells(ask)
    if tables is None:
        return None
    keys = cell_keys(ask)
    cells = merged([table["cells"] for table in tables], keys)
    bins = merged([table["bins"] for table in tables], [*keys, "of", "bin"]) if ask.needs.histograms else {}
    if apart and ask.start is not None:
        found = Repeats(_since_start(ask, cells), 0, None)
    return found, cells, bins


def _since_start(ask: Question, cells: Answer) -> int:
    """Rows of the arms since the start."""
    assert ask.start is not None
    used = (cells["role"] <= CANDIDATE) & (cells["role"] != AFTER)
    return int(cells["n"][used & (cells["slot"] > ask.cuts.index(ask.start))].astype(np.int64).sum())
