"""SQL for outcomes that take time: how long until an event, and whether a label came while it still counted.

A period of exposure enters the evidence once, when it is old enough. So what a unit counts for depends on its own row
alone, never on the moment of the look: an event counts if it came within the limit, a label if it came by the age at
which the policy calls it final.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlglot import exp

from rampgate.aggregate.histogram import Ages
from rampgate.aggregate.times import TYPED_TIMES, instant
from rampgate.aggregate.typed import Number, case, cast, coalesce, column, is_null, joined, known, time_text
from rampgate.policy import Policy, TimeToEvent
from rampgate.source import ColumnType, Engine


class Fault(NamedTuple):
    """Something that is no value: whether it is there, what then stands there as text, and what is wrong in words."""

    bad: exp.Expr
    text: exp.Expr
    why: str


@dataclass(frozen=True)
class Clock:
    """Reads the time columns of metrics."""

    policy: Policy
    engine: Engine
    types: Mapping[str, ColumnType]

    def read(self, name: str) -> exp.Expr:
        """A column as a timestamp in UTC, NULL where it holds no time."""
        return instant(name, self.policy.source, self.types[name], self.engine, self.policy.timezone)

    def bad(self, name: str) -> exp.Expr:
        """Whether something stands there that is no time."""
        if self.types[name] in TYPED_TIMES:
            return exp.false()
        value = time_text(column(name))
        return exp.And(this=known(value), expression=exp.Is(this=self.read(name), expression=exp.null()))

    def faults(self, metric: TimeToEvent) -> list[Fault]:
        """What can be wrong with the two times of a unit: text that is no time, and an event before its clock began."""
        begin, end = metric.from_, metric.to
        both = joined(cast(column(end), "text"), " before ", cast(column(begin), "text"))
        seconds = self.engine.elapsed(self.read(begin), self.read(end))
        early = exp.LT(this=seconds, expression=exp.Literal.number("0"))
        return [
            *(fault for name in (begin, end) for fault in self.unreadable(name)),
            Fault(coalesce(early, exp.false()), both, f"the event {end!r} lies before its clock began, {begin!r}"),
        ]

    def unreadable(self, name: str) -> list[Fault]:
        """What may stand in a column of times that is none."""
        bad = self.bad(name)
        if bad == exp.false():
            return []
        return [Fault(coalesce(bad, exp.false()), cast(column(name), "text"), f"column {name!r} holds what is no time")]

    def event(self, metric: TimeToEvent) -> Number:
        """1 or 0 for an event within the limit, or the hours until it, at most the limit; open units count.

        An event before its clock began is no value.
        """
        start, end = self.read(metric.from_), self.read(metric.to)
        seconds = self.engine.elapsed(start, end)
        limit = metric.limit.timedelta.total_seconds()
        early = exp.LT(this=seconds.copy(), expression=exp.Literal.number("0"))
        within = exp.LTE(this=seconds.copy(), expression=_number(limit))
        hours = exp.Div(this=seconds, expression=_number(3600.0))
        value = case(
            (exp.Is(this=start, expression=exp.null()), cast(exp.null(), "double")),
            (early, cast(exp.null(), "double")),
            (within, _number(1.0) if metric.binary else hours),
            otherwise=_number(0.0 if metric.binary else limit / 3600.0),
        )
        # A date that cannot be read is not an event that has not happened.
        read = exp.Not(this=coalesce(self.bad(metric.to), exp.false()))
        return Number(case((read, value)), exp.or_(*(fault.bad for fault in self.faults(metric))))

    def age(self, metric: TimeToEvent, bins: Ages) -> exp.Expr:
        """The bin of the time until the event; NULL where `event` knows no value."""
        seconds = self.engine.elapsed(self.read(metric.from_), self.read(metric.to))
        return bins.sql(seconds, is_null(self.event(metric).value))


def _number(value: float) -> exp.Expr:
    return cast(exp.Literal.number(repr(float(value))), "double")
