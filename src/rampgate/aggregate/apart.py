"""Segment columns of very many values: which values are told apart, fixed when they are first seen.

What is chosen rests on how many rows there are and when, never on an outcome: of the values seen by the first period
of the run those with the most rows until then; then the others in the order in which they appear, as long as there is
room. A value that was chosen stays, and one that found no room never gets any. All others are one value, ``OTHERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np
from sqlglot import exp

from rampgate.aggregate.calendar import periods_between
from rampgate.aggregate.moments import CANDIDATE
from rampgate.aggregate.rows import Question, coded, part_of, relation
from rampgate.aggregate.steps import moment_of
from rampgate.aggregate.survey import gathered
from rampgate.aggregate.typed import case, column, literals, named, part, segment_of

Apart = Mapping[str, tuple[str, ...]]
"""The values that are told apart, of columns that have more; none of a column that is left out."""


def told_apart(ask: Question, fixed: Apart | None) -> tuple[Question, Apart, tuple[tuple[str, int], ...]]:
    """Bound the segments of a question.

    Parameters
    ----------
    ask : what is asked
    fixed : what an earlier look of the attempt chose; None at the first, which alone may leave columns out

    Returns
    -------
    The question within its bounds, what was chosen, and (column, how many of its values are not told apart).
    """
    segments = ask.policy.segments
    if segments is None:
        return ask, dict(fixed or {}), ()
    counts = at_most(ask)
    apart, merged = dict(fixed or {}), dict[str, int]()
    for i, name in enumerate(ask.needs.segments):
        if name not in apart and counts[name] <= segments.values:
            continue
        counts[name] = _distinct(ask, i)
        chosen = apart.get(name)
        if chosen is None and counts[name] <= segments.values:
            continue
        if chosen is None or 0 < len(chosen) < segments.values:
            chosen = (*(chosen or ()), *_next(ask, i, chosen or (), segments.values - len(chosen or ())))
        apart[name] = chosen
        merged[name] = counts[name] - len(chosen)
    if fixed is None:
        for name in _too_many(ask, {c: min(counts[c], segments.values + 1) for c in ask.needs.segments}):
            apart[name], merged[name] = (), _distinct(ask, ask.needs.segments.index(name))
    kept = tuple(name for name in ask.needs.segments if apart.get(name) != ())
    bounded = replace(ask, needs=replace(ask.needs, segments=kept), apart=apart)
    return bounded, apart, tuple((name, merged[name]) for name in ask.needs.segments if merged.get(name))


def at_most(ask: Question) -> dict[str, int]:
    """No fewer than the values that each column has; exactly these where they are few or a source is one piece."""
    columns = ask.needs.segments

    def distinct(ask: Question) -> exp.Select:
        values = [named(segment_of(column(name), ask.types[name]), f"seg_{i}") for i, name in enumerate(columns)]
        rows = exp.Select().select(*values, *part_of(ask)).from_(relation(ask.engine))
        keys = [part(item.alias) for item in part_of(ask)]
        counts = [
            named(_count_distinct(part(f"seg_{i}")), f"{word}_{i}")
            for word in ("n", "high")
            for i in range(len(columns))
        ]
        return exp.Select().select(*keys, *counts).from_(rows.subquery("rows")).group_by(*keys)

    assert ask.policy.segments is not None
    most, found = ask.policy.segments.values, gathered(ask, distinct, ())
    counts = {name: int(found[f"n_{i}"].sum()) for i, name in enumerate(columns)}
    for i, name in enumerate(columns):
        # Many pieces that have the same few values.
        if counts[name] > most and found[f"high_{i}"].max() <= most:
            counts[name] = len(gathered(ask, _listed(name), ("value",))["value"])
    return counts


def _listed(name: str) -> Callable[[Question], exp.Select]:
    """The question for the values of a column."""

    def listed(ask: Question) -> exp.Select:
        value = named(segment_of(column(name), ask.types[name]), "value")
        rows = exp.Select().select(value, *part_of(ask)).from_(relation(ask.engine))
        return (
            exp.Select()
            .distinct()
            .select(part("value"), *(part(item.alias) for item in part_of(ask)))
            .from_(rows.subquery("rows"))
        )

    return listed


def _count_distinct(value: exp.Expr) -> exp.Expr:
    return exp.Count(this=exp.Distinct(expressions=[value]))


def _rows(ask: Question, *further: exp.Expr) -> exp.Select:
    """The rows of both arms before the look."""
    arms = exp.LTE(this=part("role"), expression=exp.Literal.number(CANDIDATE))
    return exp.Select().select(*further).from_(coded(ask).subquery("coded", copy=False), copy=False).where(arms)


def _distinct(ask: Question, i: int) -> int:
    """How many values a column has in the rows of both arms before the look."""
    return int(ask.engine.query(_rows(ask, named(_count_distinct(part(f"seg_{i}")), "n")))["n"][0])


def _early(ask: Question) -> exp.Expr | None:
    """Whether a row lies before the end of the run's first period; None where every row does."""
    end = _first_end(ask)
    return None if end is None else exp.LT(this=part("at"), expression=moment_of(end, ask))


def _first_end(ask: Question) -> datetime | None:
    if ask.start is None or ask.start >= ask.before:
        return None
    return periods_between(ask.start, ask.before, ask.policy.zone, ask.look, ask.cuts)[0].end


def _next(ask: Question, i: int, chosen: tuple[str, ...], room: int) -> tuple[str, ...]:
    """The values of a column that come next; of two that are alike by chance, but the same ones everywhere."""
    early = _early(ask)
    counted = exp.Star() if early is None else case((early, exp.Literal.number(1)))
    value = part(f"seg_{i}")
    query = _rows(
        ask,
        named(value, "value"),
        named(exp.Min(this=part("period")), "first"),
        named(exp.Count(this=counted), "early"),
    )
    if chosen:
        query = query.where(exp.Not(this=exp.In(this=value.copy(), expressions=literals(chosen))))
    query = query.group_by(value.copy())
    ranked = (
        exp.Select()
        .select(part("value"))
        .from_(query.subquery("seen"))
        .order_by(
            exp.Ordered(this=part("early"), desc=True),
            exp.Ordered(this=part("first")),
            exp.Ordered(this=exp.MD5(this=part("value"))),
        )
        .limit(room)
    )
    return tuple(str(found) for found in ask.engine.query(ranked)["value"])


def _too_many(ask: Question, counts: Mapping[str, int]) -> list[str]:
    """The columns that are left out: those after which there would be more combinations than the policy allows.

    What counts is what there is by the first period of the run. No period has more combinations than rows; where even
    the busiest early one has few, all columns stay.
    """
    assert ask.policy.segments is not None
    most = ask.policy.segments.combinations
    if not _beyond(ask, counts, most):
        return []
    by_day = _early_rows(ask, part("period"), named(exp.Count(this=exp.Star()), "n")).group_by(part("period"))
    busiest = exp.Select().select(named(exp.Max(this=part("n")), "n")).from_(by_day.subquery("days"))
    if int(np.nan_to_num(ask.engine.query(busiest)["n"].astype(float)).max(initial=0)) <= most:
        return []
    distinct = [named(_count_distinct(part(f"seg_{i}")), f"n_{i}") for i in range(len(ask.needs.segments))]
    found = ask.engine.query(_early_rows(ask, *distinct))
    early = {name: int(found[f"n_{i}"][0]) for i, name in enumerate(ask.needs.segments)}
    return _beyond(ask, {name: min(counts[name], early[name]) for name in counts}, most)


def _beyond(ask: Question, counts: Mapping[str, int], most: int) -> list[str]:
    """The columns that the others leave no room for, in the order of the policy."""
    product, out = 1, list[str]()
    for name in ask.needs.segments:
        if product * counts[name] > most:
            out.append(name)
        else:
            product *= max(1, counts[name])
    return out


def _early_rows(ask: Question, *columns: exp.Expr) -> exp.Select:
    early = _early(ask)
    return _rows(ask, *columns) if early is None else _rows(ask, *columns).where(early)
