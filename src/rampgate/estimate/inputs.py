"""What the public functions of this room take: plain numbers and arrays, checked before anything is computed.

A count that is negative, or more successes than units, is a mistake upstream; its estimate would look like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rampgate.aggregate.moments import Floats
from rampgate.errors import UsageError

#: Squares of larger values, and of differences smaller than one by this, are not told from infinity and from 0.
FARTHEST = 1e145


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


def squarable(x: Floats, name: str) -> Floats:
    """The same values, refused where the squares of their differences would be lost or endless: p would be 0.

    Raises
    ------
    UsageError
        When values that differ do so by less than 1e-145, or one is beyond 1e145.
    """
    low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 0.0)
    if max(-low, high) > FARTHEST or (low < high and high - low < 1.0 / FARTHEST):
        raise UsageError(
            f"values from {low:g} to {high:g} have squares beyond the range of numbers",
            where=name,
            remedy="multiply the values of both arms by the same power of ten",
        )
    return x


def real(value: object, name: str, remedy: str = "") -> float:
    """One finite number; text, true and false, and arrays are none.

    Raises
    ------
    UsageError
        When it is something else.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise UsageError(f"{value!r} is not a number", where=name, remedy=remedy or "pass one number")
    if not np.isfinite(value):
        raise UsageError(f"{value!r} is not finite", where=name, remedy=remedy or "pass one number")
    return float(value)


def share(value: object, name: str) -> float:
    """A number strictly between 0 and 1."""
    remedy = "write 0.95 for 95 %"
    number = real(value, name, remedy)
    if not 0.0 < number < 1.0:
        raise UsageError(f"{value!r} is not between 0 and 1", where=name, remedy=remedy)
    return number


def one_of(value: object, names: tuple[str, str], what: str) -> None:
    """Refuse a name that is neither of two."""
    if value not in names:
        raise UsageError(f"{value!r} is neither {names[0]!r} nor {names[1]!r}", where=what)


#: Local dates, one per period.
Days = Sequence[date] | NDArray[np.datetime64]


def local_days(values: Days, name: str) -> list[date]:
    """Days as dates: also numpy's datetime64, a pandas column of them, and datetimes, whose time of day is dropped.

    Raises
    ------
    UsageError
        When something is no day, such as text.
    """
    remedy = "pass dates, such as datetime.date(2026, 1, 5), or numpy's datetime64"
    try:
        return [_local_day(value) for value in values]
    except (TypeError, ValueError) as error:
        raise UsageError(str(error), where=name, remedy=remedy) from None


def _local_day(value: object) -> date:
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[D]").item()
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        raise TypeError(f"{value!r} is no day")
    return value
