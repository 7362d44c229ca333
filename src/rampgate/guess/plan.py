"""Weights, margins and phases for the volume that the table has, each by a stated rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from sqlglot import exp

from rampgate.aggregate.rows import relation
from rampgate.aggregate.times import moment
from rampgate.aggregate.typed import column, named, part, text_of
from rampgate.guess.outcomes import Outcome
from rampgate.policy import Source
from rampgate.source import Column, Engine

#: Margins that are proposed, in points; shares of the baseline's value for a magnitude.
STEPS = (1, 2, 3, 5, 10, 20)
RELATIVE_STEPS = (5, 10, 20, 50)
#: How many standard errors a margin must be to be shown, as looks at any time cost more than one test.
_ERRORS = 4.0
PROOF_DAYS = 14
#: Candidate units that the first week should bring.
FIRST_WEEK = 300
_LADDERS = {1: (1, 10, 50, 100), 5: (5, 25, 50, 100), 10: (10, 25, 50, 100), 25: (25, 50, 100), 50: (50, 100)}


@dataclass(frozen=True)
class Volume:
    """Rows of both arms, and the days over which they came."""

    rows: int
    first: date | None
    last: date | None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1 if self.first and self.last else 1

    @property
    def per_day(self) -> float:
        return self.rows / self.days

    def words(self) -> str:
        """``288 units a day (5,760 rows in 20 days)``."""
        days = "1 day" if self.days == 1 else f"{self.days} days"
        units = f"{self.per_day:,.0f}" if self.per_day >= 100 else f"{self.per_day:.3g}"
        return f"{units} units a day ({self.rows:,} rows in {days})"


def volume(engine: Engine, source: Source, arms: Sequence[str], columns: Sequence[Column]) -> Volume:
    """What the table shows of the arms."""
    kinds = {c.name: c.type for c in columns}
    variant = text_of(column(source.variant), kinds[source.variant])
    rows = exp.Select().select(
        named(variant, "variant"), named(moment(source, kinds[source.time], engine, False), "at")
    )
    mine = exp.In(this=part("variant"), expressions=[exp.Literal.string(arm) for arm in arms])
    ends = [named(exp.Cast(this=end, to=exp.DataType.build("timestampntz")), name)
            for name, end in (("first", exp.Min(this=part("at"))), ("last", exp.Max(this=part("at"))))]  # fmt: skip
    select = exp.Select().select(named(exp.Count(this=part("at")), "n"), *ends)
    found = engine.query(select.from_(rows.from_(relation(engine)).subquery("timed")).where(mine))
    first, last = (_day(found[name][0]) for name in ("first", "last"))
    return Volume(int(found["n"][0]), first, last)


def _day(at: np.datetime64) -> date | None:
    day = at.astype("datetime64[D]").item()
    return day if isinstance(day, date) else None


def weights(names: Sequence[str]) -> dict[str, float]:
    """Equal weights in hundredths that sum to 1."""
    share, more = divmod(100, len(names))
    return {name: (share + (i < more)) / 100 for i, name in enumerate(names)}


def _step(reach: float, steps: Sequence[int]) -> int:
    """The smallest step that is at least as large, else the largest."""
    return next((step for step in steps if step >= 100 * reach), steps[-1])


def reach(spread: float, per_day: float) -> float:
    """The smallest difference that two weeks at half the traffic can be expected to show."""
    return _ERRORS * 2 * spread / math.sqrt(max(per_day * PROOF_DAYS, 1.0))


def kpi_points(parts: Sequence[Outcome], shares: Sequence[float], per_day: float) -> int:
    """The KPI's margin in points, its metrics taken as independent."""
    variance = sum((w * _unit_spread(one)) ** 2 / max(one.known, 0.01) for w, one in zip(shares, parts, strict=True))
    return _step(reach(math.sqrt(variance), per_day), STEPS)


def _range(one: Outcome) -> float:
    best, worst = one.content.get("best"), one.content.get("worst")
    return abs(float(str(best)) - float(str(worst))) if best is not None else 1.0


def _unit_spread(one: Outcome) -> float:
    return one.spread / _range(one)


def guardrail(one: Outcome, per_day: float, least: int) -> str | float | None:
    """The margin of one metric, at least the KPI's; None where no rule gives one."""
    units = per_day * max(one.known, 0.01)
    if one.content["kind"] == "proportion" or (one.content["kind"] == "ratio" and "best" not in one.content):
        return f"{max(_step(reach(one.spread, units), STEPS), least)}pp"
    if "best" in one.content:
        points = max(_step(reach(_unit_spread(one), units), STEPS), least)
        return float(f"{points / 100 * _range(one):.3g}")
    if one.least >= 0 and one.mean > 0:
        return f"{_step(reach(one.spread / one.mean, units), RELATIVE_STEPS)}%"
    return None


def phases(per_day: float) -> tuple[list[dict[str, Any]], str]:
    """Phases that give each step enough candidate units, and how they were chosen."""
    first = next((share for share in _LADDERS if per_day * 7 * share / 100 >= FIRST_WEEK), 50)
    out: list[dict[str, Any]] = []
    for share in _LADDERS[first]:
        if share == 100:
            out.append({"traffic": "100%"})
        elif share == 50:
            out.append({"traffic": "50%", "at_least": f"{PROOF_DAYS}d", "go": "non_inferior", "require": ["kpi"]})
        else:
            out.append({"traffic": f"{share}%", "at_least": "7d", "minimum_units": 100, "go": "no_harm"})
    week = per_day * 7 * first / 100
    why = f"{first} % of traffic gives about {week:,.0f} candidate units in its first week"
    if week < FIRST_WEEK:
        why += f", fewer than the {FIRST_WEEK} that are wanted: expect the phases to take longer"
    return out, why
