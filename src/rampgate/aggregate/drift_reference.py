"""What drift is measured from: bins and counts of the reference, read once when a rollout begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from math import ceil
from typing import NamedTuple

import numpy as np
from sqlglot import exp

from rampgate.aggregate.calendar import local_day, midnight
from rampgate.aggregate.drift_bins import (
    CATEGORIES,
    DISTINCT,
    SHARES,
    TENTHS,
    Categories,
    Drawn,
    Edges,
    Kind,
    ReferenceCounts,
    Watched,
    edges_of,
)
from rampgate.aggregate.moments import BASELINE
from rampgate.aggregate.needs import needs
from rampgate.aggregate.rows import Question, at_of, coded, relation
from rampgate.aggregate.steps import moment_of, period_of
from rampgate.aggregate.survey import is_dated
from rampgate.aggregate.times import TYPED_TIMES
from rampgate.aggregate.typed import (
    column,
    known,
    named,
    number_in,
    number_of,
    parsed_number,
    parsed_word,
    part,
    segment_of,
    text_of,
    told_of,
    word_of,
)
from rampgate.errors import ColumnError
from rampgate.policy import Policy, Problem
from rampgate.policy.drift import NUMERIC_ONLY
from rampgate.source import Array, ColumnType, Engine, open_engine

#: Share of a text column's known values that must be numbers, for it to be taken for one of numbers.
NUMBERS = 0.99
#: Rows that are looked at for it.
FIRST = 100_000
#: Segment values whose part in the reference is kept, of each column.
VALUES = 200


def watched(ask: Question, kept: Mapping[str, ReferenceCounts]) -> tuple[Question, dict[str, ReferenceCounts]]:
    """The question with the bins of what is watched for drift, and their references; those that are kept stay.

    Parameters
    ----------
    ask : of a rollout that has begun
    kept : references that an earlier look found; one without a known value fixes nothing

    Raises
    ------
    PolicyError
        When thresholds are to be found in a reference that is too short, or are of no use for what a column holds.
    ColumnError, SourceError
        When a column, or the reference's file, is not there.
    """
    policy = ask.policy
    assert policy.drift is not None
    fixed = {name: kept[name] for name in policy.drift.columns if name in kept and _stays(policy, name, kept[name])}
    # What is only split in another way is read again in the same bins: rows that came later move no bin and no count.
    new = [name for name in policy.drift.columns if name not in fixed or not _is_split(policy, name, fixed[name])]
    if new:
        file = policy.drift.reference.file if policy.drift.reference is not None else None
        if file is None:
            read = _own(ask, new, fixed)
        else:
            engine = open_engine(file, base=policy.path.parent if policy.path is not None else None)
            try:
                read = _from_file(ask, engine, new, fixed)
            finally:
                engine.close()
        fixed |= {name: fixed[name].grown(found) if name in fixed else found for name, found in read.items()}
    columns = [Watched(name, policy.watched_column(name), r.bins.kind, r.bins) for name, r in sorted(fixed.items())]
    return _watching(ask, columns), fixed


def _watching(ask: Question, columns: Sequence[Watched]) -> Question:
    """The question with what is watched; its segments stay those that are told apart."""
    return replace(ask, needs=replace(needs(ask.policy, columns), segments=ask.needs.segments))


def windows_needed(policy: Policy) -> int:
    """Windows of the reference without which a rate of false alarms cannot be kept.

    Of W windows that are alike the next one is the farthest in 1 of W + 1.
    """
    assert policy.drift is not None
    assert policy.drift.false_alerts is not None
    return max(1, ceil(365.25 / window_days(policy) / policy.drift.false_alerts) - 1)


def window_days(policy: Policy) -> int:
    """Days in a window."""
    window = policy.source.window
    return 7 if isinstance(window, str) else window.count


def _of(policy: Policy, name: str) -> str:
    """Which column a reference is of, of what kind, and from where."""
    drift = policy.drift
    assert drift is not None
    reference = drift.reference
    days = "before the start" if reference is None else f"{reference.from_} to {reference.to}"
    told = days if reference is None else reference.file or days
    return f"{policy.watched_column(name)} ({drift.columns[name].kind or 'by type'}); {told}"


def _split(policy: Policy) -> tuple[str, ...]:
    """Segment columns that a reference is split by."""
    return tuple(policy.segments.by) if policy.segments is not None else ()


def _cut(policy: Policy, name: str) -> str:
    """The windows that a reference is cut into; those of all columns together, as their thresholds are."""
    drift = policy.drift
    assert drift is not None
    together = ", ".join(one for one in drift.columns if drift.calibrated(one))
    return f"{policy.source.window} of {together}" if drift.calibrated(name) else ""


def _is_split(policy: Policy, name: str, found: ReferenceCounts) -> bool:
    return (found.split, found.cut) == (_split(policy), _cut(policy, name))


def _stays(policy: Policy, name: str, kept: ReferenceCounts) -> bool:
    """Whether a reference is the one that is asked for, and has a known value: history may be loaded after a look."""
    return kept.of == _of(policy, name) and kept.known > 0


class _Rows(NamedTuple):
    """Reference rows, as a select of ``x``, ``period`` where times are known, and ``seg_<i>`` for each column."""

    engine: Engine
    select: Mapping[str, exp.Select]
    kinds: Mapping[str, Kind]
    segments: tuple[str, ...]
    dated: bool
    end: date | None


def _own(ask: Question, names: Sequence[str], kept: Mapping[str, ReferenceCounts]) -> dict[str, ReferenceCounts]:
    """From the baseline's rows in the same source; nothing while the reference's days are not over."""
    policy, zone = ask.policy, ask.policy.zone
    assert policy.drift is not None
    assert ask.start is not None
    first, end = None, ask.start
    if policy.drift.reference is not None:
        assert policy.drift.reference.from_ is not None
        assert policy.drift.reference.to is not None
        first, end = midnight(policy.drift.reference.from_, zone), midnight(policy.drift.reference.to, zone)
    if end > ask.before:
        return {}
    kinds = _kinds(ask, names, kept)
    asked = _watching(ask, [Watched(n, policy.watched_column(n), kinds[n]) for n in names])
    within: list[exp.Expr] = [exp.LT(this=part("at"), expression=moment_of(end, ask))]
    within += [exp.GTE(this=part("at"), expression=moment_of(first, ask))] if first is not None else []
    within += [exp.EQ(this=part("role"), expression=exp.Literal.number(BASELINE))]
    segments = [part(f"seg_{i}") for i in range(len(ask.needs.segments))]
    select = {
        name: exp.Select()
        .select(named(part(f"x{w}"), "x"), part("period"), *segments)
        .from_(coded(asked).subquery("coded", copy=False), copy=False)
        .where(exp.and_(*within), copy=False)
        for w, name in enumerate(names)
    }
    return _counted(policy, _Rows(ask.engine, select, kinds, ask.needs.segments, True, local_day(end, zone)), kept)


def _from_file(
    ask: Question, engine: Engine, names: Sequence[str], kept: Mapping[str, ReferenceCounts]
) -> dict[str, ReferenceCounts]:
    """From every row of a file; its time and segment columns are used where it has them."""
    policy, types = ask.policy, {one.name: one.type for one in engine.columns()}
    time = policy.source.time
    for name in names:
        if policy.watched_column(name) not in types:
            what = f"there is no column {policy.watched_column(name)!r} (drift.columns.{name})"
            remedy = "name a reference that has it: its columns are " + ", ".join(types)
            raise ColumnError(what, where=engine.name, remedy=remedy)
    kinds = _kinds(ask, names, kept)
    segments = tuple(s for s in ask.needs.segments if s in types)
    timed = time in types and types[time] in (*TYPED_TIMES, "text")
    own = Question(policy, ask.needs, engine, types, timed and types[time] == "date", ask.before)
    own = replace(own, dated=is_dated(own)) if timed and types[time] == "text" else own
    names_of = _segment_names(segments)
    inner = [
        named(told_of(segment_of(column(s), types[s]), ask.apart.get(s, ())), key)
        for s, key in zip(segments, names_of, strict=True)
    ]
    inner += [named(at_of(own), "at")] if timed else []
    outer = [*([named(period_of(own), "period")] if timed else []), *(part(key) for key in names_of)]
    select = {}
    for name in names:
        value = named(_value(policy, policy.watched_column(name), types, kinds[name]), "x")
        rows = exp.Select().select(value, *(one.copy() for one in inner)).from_(relation(engine))
        select[name] = (
            exp.Select()
            .select(part("x"), *(one.copy() for one in outer))
            .from_(rows.subquery("typed", copy=False), copy=False)
        )
    return _counted(policy, _Rows(engine, select, kinds, segments, timed, None), kept)


def _segment_names(segments: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"seg_{i}" for i in range(len(segments)))


def _value(policy: Policy, name: str, types: Mapping[str, ColumnType], kind: Kind) -> exp.Expr:
    """A column as a number or as text."""
    if kind == "categorical":
        return text_of(column(name), types[name])
    if types[name] == "text":
        word = word_of(column(name))
        return number_in(word, parsed_word(word, policy.source.decimal)).value
    return number_of(column(name), types[name]).value


def _kinds(ask: Question, names: Sequence[str], kept: Mapping[str, ReferenceCounts]) -> dict[str, Kind]:
    """What columns hold; where bins are fixed, what they are for."""
    return {n: kept[n].bins.kind if n in kept else _kind(ask.policy, n, ask.engine, ask.types) for n in names}


def _kind(policy: Policy, name: str, engine: Engine, types: Mapping[str, ColumnType]) -> Kind:
    """What a column holds: as the policy says, else by its type, and of text by whether it says numbers."""
    assert policy.drift is not None
    alert, held = policy.drift.columns[name], types[policy.watched_column(name)]
    kind: Kind = alert.kind or ("categorical" if held in ("boolean", "text") else "numeric")
    if (
        alert.kind is None
        and held == "text"
        and says_numbers(engine, policy.watched_column(name), policy.source.decimal)
    ):
        kind = "numeric"
    if kind == "categorical":
        for measure in NUMERIC_ONLY:
            if measure in alert.given():
                text = f"column {policy.watched_column(name)!r} holds categories, which have no order to measure it by"
                remedy = "write psi or js, or kind: numeric where its values are numbers"
                raise policy.origin.error(Problem(("drift", "columns", name, measure), text, remedy))
    return kind


def says_numbers(engine: Engine, name: str, decimal: str = ".") -> bool:
    """Whether what the first rows of a column of text say is numbers, but for a hundredth."""
    word = part("word")
    number = number_in(word, parsed_number(word, decimal))
    something = exp.or_(known(number.value), number.bad)
    first = exp.Select().select(column(name)).from_(relation(engine)).where(known(column(name))).limit(FIRST)
    rows = exp.Select().select(named(word_of(column(name)), "word")).from_(first.subquery("events")).subquery("words")
    found = engine.query(
        exp.Select()
        .select(
            named(exp.Count(this=number.value), "numbers"),
            named(exp.Count(this=exp.Case(ifs=[exp.If(this=something, true=exp.Literal.number(1))])), "words"),
        )
        .from_(rows)
    )
    numbers, words = int(found["numbers"][0]), int(found["words"][0])
    return words > 0 and numbers >= NUMBERS * words


def _counted(policy: Policy, rows: _Rows, kept: Mapping[str, ReferenceCounts]) -> dict[str, ReferenceCounts]:
    out = {name: _of_column(policy, rows, name, kept.get(name)) for name in rows.select}
    _refuse_short(policy, rows, out)
    return out


def _of_column(policy: Policy, rows: _Rows, name: str, kept: ReferenceCounts | None) -> ReferenceCounts:
    """What a column's rows say, in bins that are kept where there are some."""
    assert policy.drift is not None
    bins = drawn(rows.engine, rows.select[name], name, rows.kinds[name]) if kept is None else kept.bins
    keys = [*(["period"] if rows.dated else []), *_segment_names(rows.segments)]
    found = by_bin(rows.engine, rows.select[name], bins, keys)
    bins = centered(bins, found) if kept is None else bins
    place, n = found["bin"], found["n"]
    counts = np.bincount(place + 1, n, minlength=bins.size + 1)
    segments = {
        column_: _by_value(found[key], place, n, bins)
        for column_, key in zip(rows.segments, _segment_names(rows.segments), strict=True)
    }
    windows: tuple[tuple[int, ...], ...] = ()
    if policy.drift.calibrated(name) and rows.dated:
        windows = _by_window(policy, found["period"], place, n, bins, rows.end)
    whole = tuple(int(c) for c in counts[1:])
    told = _split(policy), _cut(policy, name)
    return ReferenceCounts(_of(policy, name), bins, whole, int(counts[0]), segments, windows, *told)


def drawn(engine: Engine, rows: exp.Select, name: str, kind: Kind) -> Drawn:
    """The bins of a column, from the rows of its reference.

    Parameters
    ----------
    rows : a select with the column ``x``
    """
    if kind == "categorical":
        return _categories(engine, rows, name)
    x, table = part("x"), rows.subquery("reference")
    asked = (0.0, *SHARES, 1.0)
    found = engine.query(
        exp.Select()
        .select(
            named(exp.Count(this=x), "n"),
            named(exp.StddevPop(this=x), "deviation"),
            named(exp.ApproxDistinct(this=x), "distinct"),
            named(engine.quantiles(x, (*asked, *TENTHS)), "ends"),
        )
        .from_(table)
    )
    if not int(found["n"][0]):
        return Edges(name, (0.0,), (), (0.0, 0.0))
    ends = [float(value) for value in found["ends"][0]]
    few: list[float] = []
    if int(found["distinct"][0]) <= 2 * DISTINCT:
        each = exp.Select().select(x).distinct().from_(rows.subquery("reference")).where(known(x))
        few = [float(value) for value in engine.query(each.limit(DISTINCT + 1))["x"]]
    few = few if len(few) <= DISTINCT else []
    bins = edges_of(name, ends[: len(asked)], ends[len(asked) :], few)
    return replace(bins, deviation=float(found["deviation"][0]))


def _categories(engine: Engine, rows: exp.Select, name: str) -> Categories:
    x, n = part("x"), part("n")
    select = (
        exp.Select()
        .select(x, named(exp.Count(this=exp.Star()), "n"))
        .from_(rows.subquery("reference"))
        .where(known(x))
        .group_by(x)
        .order_by(exp.Ordered(this=n, desc=True), exp.Ordered(this=x))
        .limit(CATEGORIES + 1)
    )
    values = [str(value) for value in engine.query(select)["x"]]
    return Categories(name, tuple(values[:CATEGORIES]), len(values) > CATEGORIES)


def by_bin(engine: Engine, rows: exp.Select, bins: Drawn, keys: Sequence[str] = ()) -> dict[str, Array]:
    """Units by bin, -1 where the value is missing, and by the columns that are named; of numbers also their sums.

    Returns
    -------
    ``bin``, ``n``, the keys, and of numbers ``total``
    """
    binned = exp.Select().select(named(bins.sql(part("x")), "bin"), part("x"), *(part(key) for key in keys))
    grouped = [part("bin"), *(part(key) for key in keys)]
    sums = [named(engine.total(part("x")), "total")] if isinstance(bins, Edges) else []
    found = engine.query(
        exp.Select()
        .select(*grouped, named(exp.Count(this=exp.Star()), "n"), *sums)
        .from_(binned.from_(rows.subquery("reference")).subquery("binned"))
        .group_by(*grouped)
    )
    place = np.nan_to_num(found["bin"].astype(np.float64), nan=-1.0).astype(np.int64)
    return {**found, "bin": place, "n": found["n"].astype(np.int64)}


def centered(bins: Drawn, found: Mapping[str, Array]) -> Drawn:
    """The bins of numbers knowing the means of the reference in them, from the answer of `by_bin`."""
    if not isinstance(bins, Edges):
        return bins
    place, known_ = found["bin"], found["bin"] >= 0
    n, total = (np.bincount(place[known_], found[key][known_], minlength=bins.size) for key in ("n", "total"))
    return bins.centered({int(k): float(total[k] / n[k]) for k in np.flatnonzero(n)})


def _by_value(values: Array, place: Array, n: Array, bins: Drawn) -> dict[str, tuple[int, ...]]:
    """Units in the merged bins of each value of a segment column, of the largest ones."""
    names, of = np.unique(values.astype(str), return_inverse=True)
    counts = np.zeros((len(names), bins.size + 1))
    np.add.at(counts, (of, place + 1), n)
    largest = np.argsort(-counts.sum(1), kind="stable")[:VALUES]
    few = bins.few(counts[:, 1:])
    return {str(names[v]): tuple(int(c) for c in few[v]) for v in sorted(largest.tolist())}


def _by_window(
    policy: Policy, days: Array, place: Array, n: Array, bins: Drawn, end: date | None
) -> tuple[tuple[int, ...], ...]:
    """Units in the merged bins of each whole window that has any unit, oldest first."""
    day = days.astype("datetime64[D]").astype(np.int64)
    some = day[~np.isnat(days.astype("datetime64[D]"))]
    if not len(some):
        return ()
    epoch, length = date(1970, 1, 1), window_days(policy)
    first, last = epoch + timedelta(days=int(some.min())), epoch + timedelta(days=int(some.max()))
    if policy.source.window == "week":
        first += timedelta(days=-first.weekday() % 7)
    until = end or last + timedelta(days=7 if policy.source.look == "week" else 1)
    count = (until - first).days // length
    at = (day - (first - epoch).days) // length
    used = (at >= 0) & (at < count) & ~np.isnat(days.astype("datetime64[D]"))
    counts = np.zeros((max(count, 0), bins.size + 1))
    np.add.at(counts, (at[used], place[used] + 1), n[used])
    few = bins.few(counts[:, 1:])
    return tuple(tuple(int(c) for c in few[w]) for w in range(len(few)) if counts[w].sum())


def _refuse_short(policy: Policy, rows: _Rows, found: Mapping[str, ReferenceCounts]) -> None:
    """A rate of false alarms needs as many windows as it says none of them may alarm."""
    assert policy.drift is not None
    names = [name for name in found if policy.drift.calibrated(name)]
    if not names or not any(found[name].units for name in names):
        return  # without any row nothing is fixed, and the judge says so
    have, need = len(found[names[0]].windows), windows_needed(policy)
    if have >= need:
        return
    days = window_days(policy)
    if rows.dated:
        text = (
            f"the reference has {have} whole windows, and {policy.drift.false_alerts:g} false alarms a year need {need}"
        )
        remedy = f"give a reference of {need * days} days or more, accept more false alarms, or write psi: 0.2 instead"
    else:
        text = f"the reference has no column {policy.source.time!r}, and its windows cannot be told apart"
        remedy = f"give a file that has it, with {need * days} days or more, or write psi: 0.2 under each column"
    raise policy.origin.error(Problem(("drift", "false_alerts"), text, remedy))
