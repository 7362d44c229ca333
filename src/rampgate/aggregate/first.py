"""Units that repeat: which units there are, and the coded rows without those that repeat one."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from rampgate.aggregate.roles import role_of
from rampgate.aggregate.rows import (
    Question,
    aside_of,
    at_of,
    bin_name,
    cell_keys,
    coded,
    counting,
    flagged,
    relation,
    since_start,
)
from rampgate.aggregate.typed import case, column, joined, named, part, text_of


def units_since_start(ask: Question) -> exp.Select:
    """The unit of each row of an arm that is not history, NULL for other rows; no more of the row is read.

    A condition would be pushed below the casts and repeat them, which for text costs three times as much.
    """
    source, types = ask.policy.source, ask.types
    typed = exp.Select().select(
        named(text_of(column(source.unit), types[source.unit]), "unit"),
        named(at_of(ask), "at"),
        named(text_of(column(source.variant), types[source.variant]), "variant"),
        *aside_of(ask),
    )
    rows = typed.from_(relation(ask.engine)).subquery("typed", copy=False)
    roles = exp.Select().select(named(role_of(ask), "role"), part("unit"), part("at")).from_(rows, copy=False)
    unit = case((since_start(ask), part("unit")))
    return exp.Select().select(named(unit, "unit")).from_(roles.subquery("roles", copy=False))


def first_rows(ask: Question) -> exp.Select:
    """The coded rows without those that repeat a unit; the first by time stays.

    Rows of one time are put in an order of what is used of them, not of the file: the same one whatever the engine,
    and as often the one with the smaller values first as the other way round.
    """
    counted = case((since_start(ask), exp.Literal.number(1)), otherwise=exp.Literal.number(0))
    place = exp.Window(
        this=exp.RowNumber(),
        partition_by=[part("unit"), counted],
        order=exp.Order(expressions=[exp.Ordered(this=key) for key in (part("at"), *_ties(ask))]),
    )
    ranked = exp.Select().select(exp.Star(), named(counted, "counted"), named(place, "place"))
    rows = ranked.from_(coded(ask).subquery("every", copy=False))
    first = exp.EQ(this=part("place"), expression=exp.Literal.number(1))
    # By the flag: a condition on a row without a time is neither true nor false.
    kept = exp.or_(exp.EQ(this=part("counted"), expression=exp.Literal.number(0)), first)
    return exp.Select().select(exp.Star()).from_(rows.subquery("ranked", copy=False)).where(kept)


def _ties(ask: Question) -> Iterator[exp.Expr]:
    """What rows of one unit and time are ordered by: texts by a digest, numbers up or down by the unit's."""
    up = exp.LT(this=exp.MD5(this=part("unit")), expression=exp.Literal.string("8"))
    sign = case((up, exp.Literal.number(1)), otherwise=exp.Literal.number(-1))
    # The unit enters, else one segment would come before another in every unit.
    texts = [part(key) for key in cell_keys(ask) if key not in ("role", "period", "slot")]
    yield exp.Mul(this=sign, expression=part("role"))
    for text in texts:
        yield exp.MD5(this=joined(part("unit"), text))
    values = [item.alias_or_name for m in range(len(ask.needs.metrics)) for item in counting(ask, m)]
    for name in (*values, *(bin_name(ask, bins) for bins in ask.needs.histograms)):
        yield exp.Mul(this=sign.copy(), expression=part(name))
    for m in flagged(ask):
        yield case((part(f"bad{m}"), sign), otherwise=exp.Literal.number(0))
    yield part("hash")
