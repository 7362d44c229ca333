"""What the public functions of this room take: plain numbers and arrays, checked before anything is computed.

A count that is negative, or more successes than units, is a mistake upstream; its estimate would look like any other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rampgate.aggregate.moments import Floats
from rampgate.errors import UsageError


def numbers(value: ArrayLike, name: str) -> Floats:
    """Finite numbers as an array of floats; true and false are 1 and 0.

    Raises
    ------
    UsageError
        When something is no number, NaN or infinite.
    """
    try:
        out = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise UsageError(
            "these are not all numbers", where=name, remedy="pass a number or an array of numbers"
        ) from None
    wrong = ~np.isfinite(out)
    if wrong.any():
        raise UsageError(
            f"{int(wrong.sum())} of {out.size} values are NaN or infinite",
            where=name,
            remedy="leave unknown values out, in both arms alike, and say how many there were",
        )
    return out


def counts(value: ArrayLike, name: str) -> Floats:
    """Numbers of units or events: finite and not negative. Fractions are allowed, as weighted counts have them."""
    out = numbers(value, name)
    if (out < 0).any():
        raise UsageError(f"a count is negative: {out.min():g}", where=name, remedy="pass counts, not differences")
    return out


def together(**arrays: Floats) -> list[Floats]:
    """The arrays broadcast to one shape.

    Raises
    ------
    UsageError
        When the shapes do not fit.
    """
    try:
        return [np.asarray(a) for a in np.broadcast_arrays(*arrays.values())]
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise UsageError("the arrays are not of the same length", where=shapes) from None


def within(part: Floats, whole: Floats, names: tuple[str, str]) -> None:
    """Refuse more of a part than of the whole."""
    if (part > whole).any():
        at = np.unravel_index(int(np.argmax(part - whole)), part.shape)
        raise UsageError(
            f"{part[at]:g} {names[0]} of {whole[at]:g} {names[1]}",
            where=names[0],
            remedy="the order is events, then units",
        )


def arm_counts(events: ArrayLike, units: ArrayLike, arm: str) -> tuple[Floats, Floats]:
    """Events and units of one arm, checked, of one shape."""
    y, n = counts(events, f"events_{arm}"), counts(units, f"units_{arm}")
    y, n = together(**{f"events_{arm}": y, f"units_{arm}": n})
    within(y, n, (f"events_{arm}", f"units_{arm}"))
    return y, n


def share(value: float, name: str) -> float:
    """A number strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise UsageError(f"{value!r} is not between 0 and 1", where=name, remedy="write 0.95 for 95 %")
    return float(value)
