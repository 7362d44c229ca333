"""Units that met both versions within one phase, of a source in which units repeat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
from sqlglot import exp

from rampgate.aggregate.rows import Question, coded, since_start
from rampgate.aggregate.typed import named, part

#: Start of a period, units first seen in their phase then, and units first seen in both arms of it then.
Crossed = tuple[datetime, int, int]


def first_meetings(ask: Question) -> Iterator[tuple[np.datetime64, np.datetime64, int, int, int]]:
    """Units by the first days on which they met a version, and both, within a slot between two cuts.

    Yields
    ------
    First day of the period in which they were first seen, that in which they were first seen in their last arm, the
    slot, the number of arms, and how many units.
    """
    since = coded(ask).subquery("coded", copy=False)
    kept = exp.Select().select(*(part(name) for name in ("unit", "slot", "role", "period"))).from_(since)
    first = named(exp.Min(this=part("period")), "first")
    by_arm = _grouped(kept.where(since_start(ask)), "kept", ("unit", "slot", "role"), first)
    by_unit = _grouped(
        by_arm,
        "by_arm",
        ("unit", "slot"),
        named(exp.Min(this=part("first")), "seen"),
        named(exp.Max(this=part("first")), "last"),
        named(exp.Count(this=exp.Star()), "arms"),
    )
    keys = ("seen", "last", "slot", "arms")
    found = ask.engine.query(_grouped(by_unit, "by_unit", keys, named(exp.Count(this=exp.Star()), "n")))
    for seen, last, slot, arms, n in zip(*(found[name] for name in (*keys, "n")), strict=True):
        yield seen, last, int(slot), int(arms), int(n)


def _grouped(rows: exp.Select, name: str, keys: tuple[str, ...], *values: exp.Expr) -> exp.Select:
    select = exp.Select().select(*(part(key) for key in keys), *values)
    return select.from_(rows.subquery(name, copy=False), copy=False).group_by(*(part(key) for key in keys), copy=False)
