"""A row of numbers as a line of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = " "


def spark(values: Sequence[float | None], low: float | None = None, high: float | None = None) -> str:
    """One block per value, higher for more; a gap where there is none.

    Parameters
    ----------
    values : numbers; None and NaN are gaps
    low, high : the ends of the scale, so that two lines can share one; those of the values when left out
    """
    known = [value for value in values if value is not None and isfinite(value)]
    if not known:
        return GAP * len(values)
    low = min(known) if low is None else low
    high = max(known) if high is None else high
    return "".join(_block(value, low, high) for value in values)


def _block(value: float | None, low: float, high: float) -> str:
    if value is None or not isfinite(value):
        return GAP
    if high <= low:
        return BLOCKS[len(BLOCKS) // 2]
    share = (value - low) / (high - low)
    return BLOCKS[min(len(BLOCKS) - 1, max(0, int(share * len(BLOCKS))))]
