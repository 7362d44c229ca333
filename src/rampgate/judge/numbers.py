"""Numbers and moments as they are recorded."""

from __future__ import annotations

import math
from datetime import datetime

#: Significant digits of recorded numbers. The last bits of exp and log differ between processors;
#: a decision recomputed elsewhere must still be the same bytes.
DIGITS = 10


def rounded(value: float | None) -> float | None:
    """A number as recorded: ten significant digits; what is not a finite number is null."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS - 1}e}") + 0.0


def stamp(moment: datetime) -> str:
    """An aware datetime as text, always in the same form."""
    return moment.isoformat(timespec="seconds")
