"""What the columns of a table hold: counts, extremes and commonest values, by a few queries. No row is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlglot import exp

from rampgate.aggregate.rows import relation
from rampgate.aggregate.typed import (
    FALSE_WORDS,
    NOTHING_WORDS,
    TRUE_WORDS,
    Number,
    case,
    cast,
    column,
    finite,
    known,
    named,
    number_of,
    parsed_number,
    part,
    truth,
)
from rampgate.aggregate.typed import text_of as typed_text
from rampgate.errors import DataError
from rampgate.source import Array, Column, ColumnType, Engine

#: A column of at most so many values has them counted one by one.
FEW = 60
#: Sketches of distinct counts are off by some per cent; columns up to here are counted exactly.
_PERHAPS_FEW = 80
#: Columns whose values are counted in one query.
_AT_ONCE = 40

_NOTHING = f"^({'|'.join(re.escape(word) for word in NOTHING_WORDS)})$"
#: Rows that tell what is worth asking of all of them.
_FIRST = 20_000

_ISO = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ].*)?$"
_DATE = r"^([A-Za-z]{3,9},? )?[0-9]{1,4}[-/. ]([0-9]{1,2}|[A-Za-z]{3,9})[-/., ]+[0-9]{2,4}([T, ].*)?$"
_COMMA = r"^[+-]?[0-9.]*,[0-9]+$"
_THOUSANDS = r"^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+$"
TIMES: tuple[ColumnType, ...] = ("date", "timestamp", "timestamptz")


@dataclass(frozen=True)
class Profile:
    """One column.

    Attributes
    ----------
    rows, known : rows of the table, and those with a value (of text, one that is not a word for nothing)
    distinct : different values; a sketch, exact where ``values`` is given
    low, high : smallest and largest value as text
    length : mean length of the text
    numbers, binary, whole : values that are numbers (yes and no among them), 0 or 1, whole
    least, most, mean, spread : of the numbers; NaN without any
    iso, dates : text that looks like an ISO 8601 date or time, or like one in another form
    commas, proof : text that is a number if the comma is a decimal mark, and how much of it is none otherwise
    values : value and count, commonest first, None for NULL; empty if there are too many
    """

    name: str
    type: ColumnType
    rows: int
    known: int = 0
    distinct: int = 0
    low: str = ""
    high: str = ""
    length: float = 0.0
    numbers: int = 0
    binary: int = 0
    whole: int = 0
    least: float = float("nan")
    most: float = float("nan")
    mean: float = float("nan")
    spread: float = float("nan")
    iso: int = 0
    dates: int = 0
    commas: int = 0
    proof: int = 0
    values: tuple[tuple[str | None, int], ...] = ()

    @property
    def filled(self) -> float:
        """Share of rows with a value."""
        return self.known / self.rows if self.rows else 0.0

    @property
    def numeric(self) -> bool:
        """Whether every value is a number."""
        return 0 < self.known == self.numbers

    @property
    def words(self) -> tuple[str, ...]:
        """The values without NULL and words for nothing, commonest first."""
        return tuple(value for value, _ in self.values if value is not None and not is_nothing(value))


def is_nothing(value: str) -> bool:
    """Whether a text is a word for nothing, as numbers and times are read."""
    return value.strip().lower() in NOTHING_WORDS


def profile(engine: Engine, decimal: str = ".") -> dict[str, Profile]:
    """Every column by name.

    Parameters
    ----------
    engine : holds the rows
    decimal : how numbers in text are to be read
    """
    columns = engine.columns()
    rows = int(engine.query(exp.Select().select(named(_count(), "n")).from_(relation(engine)))["n"][0])
    if not rows:
        raise DataError(
            "the source has columns and no rows", where=engine.name, remedy="see whether it was written whole"
        )
    found = {column_.name: Profile(column_.name, column_.type, rows) for column_ in columns}
    for some in _chunks([c for c in columns if c.type != "other"]):
        first = list(_summaries(engine, some, rows, decimal, _FIRST if rows > _FIRST else None))
        if rows > _FIRST:
            first = list(_summaries(engine, some, rows, decimal, None, {one.name: one for one in first}))
        found |= {one.name: one for one in first}
    few = [c for c in columns if 0 < found[c.name].distinct <= _PERHAPS_FEW and c.type not in TIMES]
    for name, values in tallies(engine, few).items():
        if len(values) <= FEW + 1:
            distinct = sum(value is not None for value, _ in values)
            found[name] = _with_truths(replace(found[name], values=tuple(values), distinct=distinct))
    return found


def _with_truths(one: Profile) -> Profile:
    """Words for true and false count as 1 and 0, as they will when the policy reads them."""
    truths = {**dict.fromkeys(TRUE_WORDS, 1), **dict.fromkeys(FALSE_WORDS, 0)}
    said = {value: truths.get(value.strip().lower()) for value in one.words}
    if one.type != "text" or one.numeric or not said or None in said.values():
        return one
    counts = dict(one.values)
    share = sum(counts[value] for value, true in said.items() if true) / one.known
    return replace(
        one,
        numbers=one.known,
        binary=one.known,
        whole=one.known,
        least=float(share == 1),
        most=float(share > 0),
        mean=share,
        spread=(share * (1 - share)) ** 0.5,
    )


def _chunks(columns: Sequence[Column]) -> Iterator[Sequence[Column]]:
    for start in range(0, len(columns), _AT_ONCE):
        yield columns[start : start + _AT_ONCE]


def _count(value: exp.Expr | None = None) -> exp.Expr:
    return exp.Count(this=exp.Star() if value is None else value)


def _count_if(test: exp.Expr) -> exp.Expr:
    return _count(case((test, exp.Literal.number(1))))


# --- one pass ---------------------------------------------------------------------------


def _summaries(
    engine: Engine,
    columns: Sequence[Column],
    rows: int,
    decimal: str,
    most: int | None = None,
    seen: Mapping[str, Profile] | None = None,
) -> Iterator[Profile]:
    """The columns as all rows show them, or the first ``most``.

    What the first rows have ``seen`` of a column leaves some questions out: text of which none of thousands is a
    number or a date is not read as one again.
    """
    outer = [item for i, one in enumerate(columns) for item in _summary(one, i, (seen or {}).get(one.name))]
    read = _read(engine, columns, decimal, most)
    answer = engine.query(exp.Select().select(*outer).from_(read, copy=False))
    for i, one in enumerate(columns):
        mine = {key.partition("_")[2]: values[0] for key, values in answer.items() if key.startswith(f"p{i}_")}
        numbers = {key: int(mine[key]) for key in mine if key not in _TEXTS and key not in _FLOATS}
        texts = {key: str(mine[key]) for key in _TEXTS if mine.get(key) is not None}
        floats = {key: float(mine[key]) for key in _FLOATS if key in mine}
        made = Profile(one.name, one.type, rows, **numbers, **texts, **floats)  # type: ignore[arg-type]
        yield replace(made, length=seen[one.name].length) if seen and "length" not in mine else made


_TEXTS = ("low", "high")
_FLOATS = ("length", "least", "most", "mean", "spread")


def _read(engine: Engine, columns: Sequence[Column], decimal: str, most: int | None) -> exp.Expr:
    """Each column as text ``t<i>`` without words for nothing, and as a number ``v<i>``.

    Each step is a select of its own, so that an engine takes it once and not in every place that needs it.
    Words are sought by patterns: of long lists in a condition DuckDB makes joins, one for each column.
    """
    first = [named(exp.Trim(this=column(c.name)) if c.type == "text" else column(c.name), f"r{i}")
             for i, c in enumerate(columns)]  # fmt: skip
    second, third = [], []
    for i, c in enumerate(columns):
        raw = part(f"r{i}")
        if c.type == "text":
            something = exp.Not(this=_like(exp.Lower(this=raw.copy()), _NOTHING))
            second += [named(case((something, raw)), f"t{i}"), named(parsed_number(raw, decimal), f"q{i}")]
            third += [part(f"t{i}"), named(case((known(part(f"t{i}")), finite(part(f"q{i}")))), f"v{i}")]
        elif c.type in TIMES:
            second.append(named(raw, f"t{i}"))
            third.append(part(f"t{i}"))
        else:
            second += [named(typed_text(raw, c.type), f"t{i}"), named(number_of(raw, c.type).value, f"v{i}")]
            third += [part(f"t{i}"), part(f"v{i}")]
    source = exp.Select().select(*first).from_(relation(engine))
    if most is not None:
        source = source.limit(most)
    source = exp.Select().select(*second).from_(_step(source))
    return _step(exp.Select().select(*third).from_(_step(source)))


def _step(select: exp.Expr) -> exp.Expr:
    return exp.Subquery(this=select, alias=exp.TableAlias(this=exp.to_identifier("step")))


def _summary(one: Column, i: int, seen: Profile | None) -> Iterator[exp.Expr]:
    text, number = part(f"t{i}"), part(f"v{i}")
    asked: dict[str, exp.Expr] = {
        "known": _count(text),
        "distinct": exp.ApproxDistinct(this=text.copy()),
        "low": cast(exp.Min(this=text.copy()), "text"),
        "high": cast(exp.Max(this=text.copy()), "text"),
    }
    new = seen is None or not seen.known
    if one.type not in TIMES and (new or one.type != "text" or (seen is not None and seen.numbers)):
        whole = exp.EQ(this=number.copy(), expression=exp.Floor(this=number.copy()))
        asked |= {
            "numbers": _count(number),
            "binary": _count(truth(Number(number, exp.false())).value),
            "whole": _count_if(whole),
            "least": exp.Min(this=number.copy()),
            "most": exp.Max(this=number.copy()),
            "mean": exp.Avg(this=number.copy()),
            "spread": exp.StddevPop(this=number.copy()),
        }
    if one.type == "text":
        asked |= _shapes(text, new, seen)
    for key, value in asked.items():
        yield named(value, f"p{i}_{key}")


def _shapes(text: exp.Expr, new: bool, seen: Profile | None) -> dict[str, exp.Expr]:
    """What text looks like."""
    asked: dict[str, exp.Expr] = {}
    if new:
        asked["length"] = cast(exp.Avg(this=exp.Length(this=text.copy())), "double")
    if new or (seen is not None and seen.dates):
        asked |= {"iso": _count_if(_like(text, _ISO)), "dates": _count_if(_like(text, _DATE))}
    if new or (seen is not None and seen.commas):
        comma, thousands = _like(text, _COMMA), _like(text, _THOUSANDS)
        asked |= {
            "commas": _count_if(comma),
            "proof": _count_if(exp.and_(comma, exp.Not(this=thousands))),
        }
    return asked


def _like(text: exp.Expr, pattern: str) -> exp.Expr:
    return exp.RegexpLike(this=text.copy(), expression=exp.Literal.string(pattern))


# --- values -----------------------------------------------------------------------------


def tallies(
    engine: Engine, columns: Sequence[Column], where: exp.Expr | None = None
) -> dict[str, list[tuple[str | None, int]]]:
    """Each value of some columns as text with its rows, commonest first; NULL is None.

    All columns of a query are grouped in one pass, by grouping sets.
    """
    found: dict[str, list[tuple[str | None, int]]] = {}
    for some in _chunks(columns):
        rows = exp.Select().select(*(named(typed_text(column(c.name), c.type), f"c{i}") for i, c in enumerate(some)))
        rows = rows.from_(relation(engine))
        if where is not None:
            rows = rows.where(where)
        sets = [exp.Tuple(expressions=[part(f"c{i}")]) for i in range(len(some))]
        select = exp.Select().select(
            *(item for i in range(len(some)) for item in (part(f"c{i}"), named(_grouping(f"c{i}"), f"g{i}"))),
            named(_count(), "n"),
        )
        select = select.from_(rows.subquery("valued"))
        select.set("group", exp.Group(grouping_sets=[exp.GroupingSets(expressions=sets)]))
        answer = engine.query(select)
        for i, one in enumerate(some):
            found[one.name] = _sorted(answer[f"c{i}"], answer["n"], np.flatnonzero(answer[f"g{i}"] == 0))
    return found


def _grouping(name: str) -> exp.Expr:
    """0 in the rows of the grouping set of this column."""
    return exp.Anonymous(this="GROUPING", expressions=[part(name)])


def _sorted(values: Array, counts: Array, at: Array) -> list[tuple[str | None, int]]:
    pairs = [(None if values[r] is None else str(values[r]), int(counts[r])) for r in at]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0] is None, pair[0] or ""))


# --- exact answers to single questions ----------------------------------------------------


def exact_distinct(engine: Engine, columns: Sequence[Column]) -> dict[str, int]:
    """Exact counts of different values."""
    if not columns:
        return {}
    asked = [
        named(_count(exp.Distinct(expressions=[typed_text(column(c.name), c.type)])), f"d{i}")
        for i, c in enumerate(columns)
    ]
    answer = engine.query(exp.Select().select(*asked).from_(relation(engine)))
    return {c.name: int(answer[f"d{i}"][0]) for i, c in enumerate(columns)}


def known_where(engine: Engine, columns: Sequence[Column], where: exp.Expr) -> dict[str, int]:
    """How many rows of some have a value in each column."""
    if not columns:
        return {}
    asked = [
        named(_count_if(exp.and_(where.copy(), known(typed_text(column(c.name), c.type)))), f"k{i}")
        for i, c in enumerate(columns)
    ]
    answer = engine.query(exp.Select().select(*asked).from_(relation(engine)))
    return {c.name: int(answer[f"k{i}"][0]) for i, c in enumerate(columns)}
