"""Numbers and moments in words, the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from unicodedata import category

from rampgate.judge.decision import INCONCLUSIVE, Health

ABSENT = "-"


def number(value: float | None) -> str:
    """A level: four significant digits."""
    return ABSENT if value is None else f"{value:.4g}"


def signed(value: float | None) -> str:
    """A difference, with its sign."""
    if value is None:
        return ABSENT
    return f"{value:+.4f}" if abs(value) < 10 else f"{value:+.4g}"


def interval(lower: float | None, upper: float | None) -> str:
    """Both ends; an open end is a dash."""
    return ABSENT if lower is None and upper is None else f"{_end(lower)} to {_end(upper)}"


def _end(value: float | None) -> str:
    """One end of an interval, a digit shorter than the estimate."""
    if value is None:
        return ABSENT
    return f"{value:+.3f}" if abs(value) < 10 else f"{value:+.3g}"


def hours(value: float | None) -> str:
    """A time given in hours, in the unit that is read most easily: ``10 min``, ``72 h``, ``30 d``."""
    if value is None:
        return ABSENT
    if 0 < value < 2:
        return f"{60 * value:.3g} min"
    return f"{value:.3g} h" if value <= 96 else f"{value / 24:.3g} d"


def level_range(lower: float | None, upper: float | None) -> str:
    """Both ends of an interval of a share, in percent."""
    return ABSENT if lower is None or upper is None else f"{100 * lower:.1f} to {100 * upper:.1f} %"


def odds(value: float) -> str:
    """An e-value: two digits while it is small, and no more than says something."""
    if value >= 1e5:
        return "> 100,000"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def percent(share: float) -> str:
    """A share of traffic: ``10 %``."""
    return f"{100 * share:.4g} %"


def not_checked(checks: Iterable[Health]) -> str:
    """What no check of the data could say anything of, with the reasons and remedies; empty where each could."""
    said = [check.message for check in checks if check.verdict == INCONCLUSIVE]
    return "; ".join(re.sub(r" not (checked|compared):", ":", message, count=1) for message in said)


def date_of(moment: datetime | None) -> str:
    """The day of a moment in its own zone."""
    return ABSENT if moment is None else f"{moment:%Y-%m-%d}"


def moment_of(moment: datetime) -> str:
    """The day, with the time where it is not midnight."""
    return f"{moment:%Y-%m-%d}" if (moment.hour, moment.minute) == (0, 0) else f"{moment:%Y-%m-%d %H:%M}"


def printable(text: str) -> str:
    """A text from outside, with what would move the cursor or change colours written out as an escape."""
    return "".join(
        c if c.isprintable() or category(c) == "Zs" else c.encode("unicode_escape").decode("ascii") for c in text
    )


def approved_by(approval: Mapping[str, Any] | None) -> str:
    """Who approved the policy and when, as a decision's JSON has it; nothing where no approval is asked for."""
    if approval is None:
        return ""
    by = ", ".join(f"{one['person']} on {one['at'][:10]}" for one in approval["by"])
    takes = f", which is not enough (it takes {approval['required']})" if approval["required"] else ""
    missing = "" if approval["problem"] is None else takes
    bound = "with" if all(one["simulation"] for one in approval["by"]) else "without"
    told = f"approved by {by}{missing}; {bound} a simulation" if by else f"approved by nobody{missing}"
    if approval["approved"] in (None, approval["given"]):
        return told
    return f"judged as it was last approved; the one given is {told}"
