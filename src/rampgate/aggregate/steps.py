"""SQL that puts rows into steps of time: the period they lie in, and how many cuts came before them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlglot import exp

from rampgate.aggregate.calendar import local_day, offsets
from rampgate.aggregate.typed import case, cast, part, seconds_of

if TYPE_CHECKING:
    from rampgate.aggregate.rows import Question

UTC_NAMES = ("UTC", "Etc/UTC", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal")
#: How far before the look the zone's changes of clock are written out; the engine knows those before.
WRITTEN_OUT = timedelta(days=1500)


def slot_of(ask: Question) -> exp.Expr:
    """How many cuts came before the row."""
    slot: exp.Expr = exp.Literal.number(0)
    for cut in ask.cuts:
        passed = exp.GTE(this=part("at"), expression=moment_of(cut, ask))
        one = case((passed, exp.Literal.number(1)), otherwise=exp.Literal.number(0))
        slot = exp.Add(this=slot, expression=one)
    return slot


def period_of(ask: Question, time: exp.Expr | None = None) -> exp.Expr:
    """The first local day of the row's period, or of that of another timestamp."""
    day = part("at") if ask.dated and time is None else _local_day(ask, part("at") if time is None else time)
    if ask.look == "day":
        return day
    return cast(exp.TimestampTrunc(this=day, unit=exp.Literal.string("WEEK")), "date")


def _local_day(ask: Question, at: exp.Expr) -> exp.Expr:
    """The local date of a timestamp in UTC.

    The zone's recent offsets are written out: that costs a twentieth of the engine's own conversion, and
    agrees with the bounds of the periods whatever time zone data the engine has.
    """
    zone = ask.policy.zone
    if ask.policy.timezone in UTC_NAMES:
        return cast(at, "date")
    first = min(ask.before, ask.start or ask.before) - WRITTEN_OUT
    branches = [
        (
            exp.GTE(this=at.copy(), expression=moment_of(begin, ask)),
            cast(exp.Add(this=at.copy(), expression=seconds_of(seconds)), "date"),
        )
        for begin, seconds in reversed(offsets(zone, first, ask.before))
    ]
    engine = exp.AtTimeZone(this=cast(at, "timestamptz"), zone=exp.Literal.string(ask.policy.timezone))
    return case(*branches, otherwise=cast(engine, "date"))


def moment_of(instant: datetime, ask: Question) -> exp.Expr:
    """An instant as a literal that compares with ``at``."""
    if ask.dated:
        return cast(exp.Literal.string(local_day(instant, ask.policy.zone).isoformat()), "date")
    return cast(exp.Literal.string(f"{instant:%Y-%m-%d %H:%M:%S.%f}"), "timestampntz")
