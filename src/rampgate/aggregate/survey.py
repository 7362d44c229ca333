"""Small questions beside the one query: asked only when something needs to be named or decided first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from sqlglot import exp

from rampgate.aggregate.first import units_since_start
from rampgate.aggregate.merge import merged
from rampgate.aggregate.moments import BASELINE, CANDIDATE
from rampgate.aggregate.roles import OTHER_VARIANT
from rampgate.aggregate.rows import (
    Question,
    after_start,
    at_of,
    coded,
    faults,
    part_of,
    relation,
    since_start,
    typed_rows,
    value_of,
)
from rampgate.aggregate.times import forms_of_time, time_value
from rampgate.aggregate.typed import case, cast, column, known, named, part, text_of
from rampgate.errors import DataError
from rampgate.source import Array, Engine

#: Values of a column that are named with their rows.
MOST_TALLIED = 20
_NUMBER = re.compile(r"[0-9]{8,20}([.][0-9]*)?")
_PARTED = re.compile(r"[0-9]{1,4}[-/. ]+([0-9]{1,2}|[^\W\d]{3,9})[-/., ]+[0-9]{2,4}")


def is_dated(ask: Question) -> bool:
    """Whether a time column that is read as text holds local days without a time of day.

    Raises
    ------
    DataError
        When some values are no times, or only some say their offset from UTC.
    """
    source, name = ask.policy.source, ask.policy.source.time
    found = gathered(ask, _forms, ("form",))
    days, zoned, naive, bad = (_counted(found, form) for form in range(4))
    if bad[0]:
        raise DataError(
            f"{bad[0]} values of the time column are no times{_as_said(source.time_format)}, such as {bad[1]!r}",
            where=f"{ask.engine.name}, column {name!r}",
            remedy=_time_remedy(bad[1], source.time_format),
        )
    local = naive[0] + days[0]
    if zoned[0] and local:
        example = naive[1] if naive[0] else days[1]
        raise DataError(
            f"mixed time zones: {zoned[0]} times say their offset from UTC, such as {zoned[1]!r}, "
            f"and {local} do not, such as {example!r}",
            where=f"{ask.engine.name}, column {name!r}",
            remedy="write all times with an offset, or all in UTC",
        )
    return bool(days[0]) and not naive[0]


def _forms(ask: Question) -> exp.Select:
    """Rows by the form of their time, with one of each."""
    source, keys = ask.policy.source, [part(item.alias) for item in part_of(ask)]
    kind = ask.types[source.time]
    forms = forms_of_time(exp.column("text"), source, kind, ask.engine)
    form = case(
        (forms.day, exp.Literal.number(0)),
        (forms.zoned, exp.Literal.number(1)),
        (forms.naive, exp.Literal.number(2)),
        otherwise=exp.Literal.number(3),
    )
    rows = exp.Select().select(named(time_value(source, kind), "text"), *part_of(ask)).from_(relation(ask.engine))
    inner = exp.Select().select(part("text"), named(form, "form"), *keys).from_(rows.subquery("times"))
    return (
        exp.Select()
        .select(
            part("form"),
            *keys,
            named(exp.Count(this=exp.Star()), "n"),
            named(exp.Min(this=cast(part("text"), "text")), "example"),
        )
        .from_(inner.where(known(part("text"))).subquery("forms"))
        .group_by(part("form"), *keys)
    )


def gathered(ask: Question, build: Callable[[Question], exp.Select], keys: Sequence[str]) -> dict[str, Array]:
    """The answer to a question that no look changes, put together of parts where the source is kept in parts."""
    found = None if ask.kept is None else ask.kept.answers(ask, build)
    return ask.engine.query(build(ask)) if found is None else merged(found, keys)


def _as_said(forms: Sequence[str] | None) -> str:
    return "" if forms is None else f" of the form {' or '.join(forms)}"


def _time_remedy(text: str, forms: Sequence[str] | None) -> str:
    """What to write in the policy, by what stands in the column."""
    if forms is not None:
        return (
            "correct source.time_format, or list every form that the column has, as "
            'time_format: ["%d/%m/%Y", "%d/%m/%Y %H:%M"]'
        )
    plain = "write times as 2026-01-05T14:30:00+01:00, in UTC as 2026-01-05T14:30:00, or as 2026-01-05"
    if _NUMBER.fullmatch(text):
        return f"if it counts since 1970, write time_format: epoch_s (or epoch_ms, epoch_us) under source; else {plain}"
    if _PARTED.match(text):
        clock = {0: "", 1: " %H:%M"}.get(text.count(":"), " %H:%M:%S")
        return (
            f'say under source how times are written: time_format: "%d/%m/%Y{clock}" where the day comes first, '
            f'"%m/%d/%Y{clock}" where the month does; or {plain}'
        )
    return f"{plain}; for another form write it as time_format under source"


def _counted(found: dict[str, Array], form: int) -> tuple[int, str]:
    at = np.flatnonzero(found["form"] == form)
    return (int(found["n"][at[0]]), str(found["example"][at[0]])) if len(at) else (0, "")


@dataclass(frozen=True)
class FirstRow:
    """The first row of a variant; ``at`` is None when no row of it has a time."""

    rows: int
    at: datetime | None


def first_row(ask: Question, variant: str) -> FirstRow:
    """When a variant was first seen, at any time, also after the look."""

    def first(ask: Question) -> exp.Select:
        rows = exp.Select().select(named(at_of(ask), "at"), *part_of(ask)).from_(relation(ask.engine))
        name, keys = ask.policy.source.variant, [part(item.alias) for item in part_of(ask)]
        mine = exp.EQ(this=text_of(column(name), ask.types[name]), expression=exp.Literal.string(variant))
        first = named(exp.Min(this=cast(part("at"), "timestampntz")), "first")
        select = exp.Select().select(*keys, named(exp.Count(this=exp.Star()), "n"), first)
        return select.from_(rows.where(mine).subquery("mine")).group_by(*keys)

    found = gathered(ask, first, ())
    if not len(found["n"]):
        return FirstRow(0, None)
    return FirstRow(int(found["n"][0]), instant_of(found["first"][0], ask))


def instant_of(value: np.datetime64, ask: Question) -> datetime | None:
    """What the engine answered for ``at``, as an aware datetime."""
    if np.isnat(value):
        return None
    plain = value.astype("datetime64[us]").item()
    if not isinstance(plain, datetime):
        raise DataError(
            f"a time lies outside the years 1 to 9999 ({value})",
            where=f"{ask.engine.name}, column {ask.policy.source.time!r}",
            remedy="correct the row",
        )
    zone = ask.policy.zone if ask.dated else UTC
    return plain.replace(tzinfo=zone).astimezone(UTC)


def variants(ask: Question) -> tuple[tuple[str, int], ...]:
    """All variants with their rows, most frequent first."""
    name = ask.policy.source.variant
    rows = exp.Select().select(named(text_of(column(name), ask.types[name]), "variant")).from_(relation(ask.engine))
    return _tally(ask.engine, rows, "variant")


def other_variants(ask: Question) -> tuple[tuple[str, int], ...]:
    """Variants since the start that are neither baseline nor candidate, most frequent first."""
    rows = exp.Select().select(part("variant")).from_(coded(ask).subquery("coded", copy=False))
    other = exp.EQ(this=part("role"), expression=exp.Literal.number(OTHER_VARIANT))
    # Those that the policy names must not crowd out one that it does not.
    most = MOST_TALLIED + len(ask.policy.source.ignore)
    return _tally(ask.engine, rows.where(exp.and_(other, after_start(ask))), "variant", most)


def bad_examples(ask: Question, metrics: Sequence[int]) -> dict[int, tuple[str, str]]:
    """One of the values, of rows since the start, that are not of the metric's kind, and what is wrong, per metric."""
    if not metrics:
        return {}
    least = [named(exp.Min(this=part(f"text{m}")), f"text{m}") for m in metrics]
    select = (
        exp.Select().select(*least).from_(coded(ask, metrics).subquery("coded", copy=False)).where(since_start(ask))
    )
    found = ask.engine.query(select)
    out = {}
    for m in metrics:
        number, _, text = str(found[f"text{m}"][0]).partition(" ")
        out[m] = (text, faults(ask, m)[int(number)].why)
    return out


#: A mean of so many standard deviations costs a one-pass variance digits.
_FAR = 1000.0


def origins(ask: Question, most: int = 1000) -> dict[int, float]:
    """About where values lie that are far from 0 for their spread, per component, judged by some rows."""
    parts = [(i, component) for i, component in enumerate(ask.needs.components) if not component.binary]
    if not parts:
        return {}
    some = exp.Select().select(*(named(value_of(ask, c), f"x{i}") for i, c in parts))
    rows = some.from_(typed_rows(ask).subquery("typed", copy=False)).limit(most)
    means = [named(exp.Avg(this=part(f"x{i}")), f"mean{i}") for i, _ in parts]
    spreads = [named(exp.StddevPop(this=part(f"x{i}")), f"spread{i}") for i, _ in parts]
    found = ask.engine.query(exp.Select().select(*means, *spreads).from_(rows.subquery("some", copy=False)))
    return {
        i: float(found[f"mean{i}"][0]) for i, _ in parts if abs(found[f"mean{i}"][0]) > _FAR * found[f"spread{i}"][0]
    }


@dataclass(frozen=True)
class Repeats:
    """Rows since the start, how many of them repeat a unit, and one such unit."""

    rows: int
    repeated: int
    example: str | None


def repeats(ask: Question) -> Repeats:
    """Count the rows that repeat a unit."""
    rows = units_since_start(ask)
    units = exp.Count(this=exp.Distinct(expressions=[part("unit")]))
    select = exp.Select().select(named(exp.Count(this=part("unit")), "n"), named(units, "units"))
    found = ask.engine.query(select.from_(rows.subquery("used")))
    n, distinct = int(found["n"][0]), int(found["units"][0])
    if n == distinct:
        return Repeats(n, 0, None)
    counted = exp.Select().select(part("unit"), named(exp.Count(this=part("unit")), "n"))
    grouped = counted.from_(rows.subquery("used")).group_by(part("unit")).subquery("units")
    more = exp.GT(this=part("n"), expression=exp.Literal.number(1))
    example = exp.Select().select(named(exp.Min(this=part("unit")), "unit")).from_(grouped).where(more)
    return Repeats(n, n - distinct, str(ask.engine.query(example)["unit"][0]))


def equal_values(ask: Question, name: str) -> tuple[tuple[str, int], ...]:
    """All values of a column with their rows, most frequent first."""
    rows = exp.Select().select(named(text_of(column(name), ask.types[name]), "value")).from_(relation(ask.engine))
    return _tally(ask.engine, rows.where(known(text_of(column(name), ask.types[name]))), "value")


def _tally(engine: Engine, rows: exp.Select, name: str, most: int = MOST_TALLIED) -> tuple[tuple[str, int], ...]:
    select = (
        exp.Select()
        .select(part(name), named(exp.Count(this=exp.Star()), "n"))
        .from_(rows.subquery("tallied"))
        .where(known(part(name)))
        .group_by(part(name))
        .order_by(exp.Ordered(this=part("n"), desc=True), exp.Ordered(this=part(name)))
        .limit(most)
    )
    found = engine.query(select)
    return tuple((str(value), int(n)) for value, n in zip(found[name], found["n"], strict=True))


class Ends(NamedTuple):
    """Rows of a variant, and its first and last time; both are None when no row has one."""

    rows: int
    first: datetime | None
    last: datetime | None


def ends(ask: Question) -> tuple[Ends, Ends]:
    """Where the rows of baseline and candidate begin and end, whatever the look."""
    source, name = ask.policy.source, "variant"
    rows = exp.Select().select(
        named(text_of(column(source.variant), ask.types[source.variant]), name), named(at_of(ask), "at")
    )
    arms = [
        (exp.EQ(this=part(name), expression=exp.Literal.string(variant)), exp.Literal.number(arm))
        for arm, variant in ((BASELINE, ask.policy.baseline), (CANDIDATE, ask.policy.candidate))
    ]
    coded_ = exp.Select().select(named(case(*arms), "arm"), part("at"))
    at = cast(part("at"), "timestampntz")
    select = (
        exp.Select()
        .select(
            part("arm"),
            named(exp.Count(this=exp.Star()), "n"),
            named(exp.Min(this=at), "first"),
            named(exp.Max(this=at.copy()), "last"),
        )
        .from_(coded_.from_(rows.from_(relation(ask.engine)).subquery("named")).subquery("arms"))
        .where(known(part("arm")))
        .group_by(part("arm"))
    )
    found = ask.engine.query(select)
    out = {BASELINE: Ends(0, None, None), CANDIDATE: Ends(0, None, None)}
    for arm, n, first, last in zip(found["arm"], found["n"], found["first"], found["last"], strict=True):
        out[int(arm)] = Ends(int(n), instant_of(first, ask), instant_of(last, ask))
    return out[BASELINE], out[CANDIDATE]
