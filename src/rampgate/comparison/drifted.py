"""Two tables compared column by column: how far the second is from the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlglot import exp

from rampgate.aggregate.drift_bins import CATEGORIES, Categories, Drawn, Kind
from rampgate.aggregate.drift_reference import by_bin, centered, drawn, says_numbers
from rampgate.aggregate.drift_values import HELD, drawn_from, placed
from rampgate.aggregate.moments import Floats
from rampgate.aggregate.rows import relation
from rampgate.aggregate.typed import column, named, number_in, number_of, parsed_word, part, text_of, word_of
from rampgate.errors import ColumnError, UsageError
from rampgate.judge.distance import distances, row_of
from rampgate.judge.drifted import Drifted, DriftTable
from rampgate.policy.drift import MISSING, PSI, WARN
from rampgate.source import Array, ColumnType, Engine, open_engine

#: Names of new categories that are told, and values of a column that are counted one by one.
MOST_NEW, MOST_VALUES = 5, 1000

Engines = tuple[Engine, Engine]


def drift(
    reference: Any,
    current: Any,
    columns: Sequence[str] | None = None,
    *,
    kinds: Mapping[str, Kind] | None = None,
    psi: float = PSI,
    missing: float = MISSING,
) -> DriftTable:
    """How far each column of a table is from the same column of a reference.

    Parameters
    ----------
    reference, current : path, pattern, or a pandas, Polars or Arrow frame
    columns : those to compare; all that both have when left out
    kinds : ``numeric`` or ``categorical`` for columns that are not what their type says
    psi, missing : from where on a column counts as moved: its population stability index, and the difference of its
        share of missing values

    Returns
    -------
    DriftTable : a row per column with PSI and its interval, Jensen-Shannon, Kolmogorov-Smirnov and Wasserstein
        distances, chi-square or Kolmogorov-Smirnov p-value, missing share, new and vanished categories

    Raises
    ------
    ColumnError : a column that is named is in one table only, or holds neither numbers nor categories
    UsageError : the tables have no column in common

    Examples
    --------
    >>> import pandas as pd
    >>> import rampgate
    >>> before = pd.DataFrame({"score": [0.1, 0.2, 0.3, 0.4] * 250})
    >>> after = pd.DataFrame({"score": [0.2, 0.3, 0.4, 0.5] * 250})
    >>> rampgate.drift(before, after)["score"].ks
    0.25
    """
    first, second = open_engine(reference), open_engine(current)
    try:
        names, notes = _common(first, second, columns)
        levels = {"psi": psi, "missing": missing}
        rows = tuple(_compared(first, second, name, (kinds or {}).get(name), levels) for name in names)
    finally:
        for engine, given in ((first, reference), (second, current)):
            if engine is not given:
                engine.close()
    return DriftTable(rows, f"{second.name} against {first.name}", notes)


def _common(first: Engine, second: Engine, wanted: Sequence[str] | None) -> tuple[list[str], tuple[str, ...]]:
    """The columns to compare, and what is said of the others."""
    before, after = ({one.name: one.type for one in engine.columns()} for engine in (first, second))
    both = [name for name in before if name in after]
    if wanted is not None:
        for name in wanted:
            lacking = next((e for e, types in ((first, before), (second, after)) if name not in types), None)
            if lacking is not None:
                raise ColumnError(f"there is no column {name!r}", where=lacking.name, remedy="name one that both have")
            if not (_usable(before[name]) and _usable(after[name])):
                what = f"column {name!r} holds neither numbers nor categories"
                raise ColumnError(what, where=first.name, remedy="leave it out, or convert it")
        return list(dict.fromkeys(wanted)), ()
    names = [name for name in both if _usable(before[name]) and _usable(after[name])]
    if not names:
        raise UsageError(
            "the tables have no column in common that holds numbers or categories",
            where=f"{first.name}, {second.name}",
            remedy="pass two tables with columns of the same names",
        )
    notes = [f"{name} is not compared: it holds times or nested values" for name in both if name not in names]
    notes += [f"{name} is only in {first.name}" for name in before if name not in after]
    notes += [f"{name} is only in {second.name}" for name in after if name not in before]
    return names, tuple(notes)


def _usable(kind: ColumnType) -> bool:
    return kind in ("boolean", "integer", "number", "decimal", "text")


def _compared(first: Engine, second: Engine, name: str, kind: Kind | None, levels: Mapping[str, float]) -> Drifted:
    held = [next(one.type for one in engine.columns() if one.name == name) for engine in (first, second)]
    kind = kind or _kind(first, name, held)
    rows = [_rows(engine, name, of, kind) for engine, of in zip((first, second), held, strict=True)]
    bins, (before, gone_before), (after, gone_after) = (
        _numbers(name, (first, second), rows) if kind == "numeric" else _categories(name, (first, second), rows)
    )
    found = distances(bins, before, after, (gone_before, gone_after))
    units = round(float(after.sum()) + gone_after), round(float(before.sum()) + gone_before)
    row = row_of(name, kind, found, levels, {measure: WARN * level for measure, level in levels.items()})
    row = replace(row, variant="current", units=units[0], reference_units=units[1])
    if isinstance(bins, Categories) and row.new:
        row = replace(row, message=f"new: {', '.join(_new(second, rows[1], bins))}")
    return row


def _kind(engine: Engine, name: str, held: Sequence[ColumnType]) -> Kind:
    """Numbers where both say numbers; text is read by what it says."""
    if "boolean" in held:
        return "categorical"
    text = [of == "text" for of in held]
    if not any(text):
        return "numeric"
    return "numeric" if not all(text) or says_numbers(engine, name) else "categorical"


def _rows(engine: Engine, name: str, held: ColumnType, kind: Kind) -> exp.Select:
    """The column as ``x``."""
    if kind == "categorical":
        value = text_of(column(name), held)
    elif held == "text":
        word = word_of(column(name))
        value = number_in(word, parsed_word(word)).value
    else:
        value = number_of(column(name), held).value
    return exp.Select().select(named(value, "x")).from_(relation(engine))


#: Units by bin, and those without a value.
Counts = tuple[Floats, float]


def _numbers(name: str, engines: Engines, rows: Sequence[exp.Select]) -> tuple[Drawn, Counts, Counts]:
    """In memory where both columns are small enough, else by the engine."""
    if max(_size(engine) for engine in engines) <= HELD:
        (one, gone), (other, lost) = (_sorted(engine, select) for engine, select in zip(engines, rows, strict=True))
        bins = drawn_from(name, one)
        return bins, (placed(bins, one), gone), (placed(bins, other), lost)
    drawn_ = drawn(engines[0], rows[0], name, "numeric")
    found = by_bin(engines[0], rows[0], drawn_)
    bins_ = centered(drawn_, found)
    return bins_, _counts(found, bins_), _counts(by_bin(engines[1], rows[1], bins_), bins_)


def _size(engine: Engine) -> int:
    count = named(exp.Count(this=exp.Star()), "n")
    return int(engine.query(exp.Select().select(count).from_(relation(engine)))["n"][0])


def _sorted(engine: Engine, rows: exp.Select) -> tuple[Floats, float]:
    """The values, sorted, and how many are missing."""
    values = np.sort(engine.query(rows)["x"].astype(np.float64))
    known = int(np.searchsorted(values, np.nan))  # NaN stands last
    return values[:known], float(len(values) - known)


def _categories(name: str, engines: Engines, rows: Sequence[exp.Select]) -> tuple[Drawn, Counts, Counts]:
    """Counted by value where there are few of them, else by the engine in the bins."""
    before, after = (_by_value(engine, select) for engine, select in zip(engines, rows, strict=True))
    if max(len(before), len(after)) > MOST_VALUES:
        bins = drawn(engines[0], rows[0], name, "categorical")
        found = (by_bin(engine, select, bins) for engine, select in zip(engines, rows, strict=True))
        one, other = (_counts(answer, bins) for answer in found)
        return bins, one, other
    values = sorted((value for value in before if value is not None), key=lambda value: (-before[value], value))
    kept = Categories(name, tuple(values[:CATEGORIES]), len(values) > CATEGORIES)
    one, other = (_in_bins(kept, counts) for counts in (before, after))
    return kept, one, other


def _by_value(engine: Engine, rows: exp.Select) -> dict[str | None, int]:
    """Units by value, of more than `MOST_VALUES` not all."""
    select = exp.Select().select(part("x"), named(exp.Count(this=exp.Star()), "n")).from_(rows.subquery("rows"))
    found = engine.query(select.group_by(part("x")).limit(MOST_VALUES + 2))
    values = (None if value is None else str(value) for value in found["x"])
    return dict(zip(values, found["n"].astype(int).tolist(), strict=True))


def _in_bins(bins: Categories, counts: Mapping[str | None, int]) -> Counts:
    own = np.array([counts.get(value, 0) for value in bins.values], dtype=float)
    gone = counts.get(None, 0)
    return np.append(own, sum(counts.values()) - gone - own.sum()), float(gone)


def _counts(found: Mapping[str, Array], bins: Drawn) -> Counts:
    """From the engine's answer."""
    counts = np.bincount(found["bin"] + 1, found["n"], minlength=bins.size + 1).astype(float)
    return counts[1:], float(counts[0])


def _new(engine: Engine, rows: exp.Select, bins: Categories) -> list[str]:
    """The most frequent values that the reference has not."""
    x, n = part("x"), part("n")
    others = exp.EQ(this=bins.sql(x), expression=exp.Literal.number(len(bins.values)))
    select = (
        exp.Select()
        .select(x, named(exp.Count(this=exp.Star()), "n"))
        .from_(rows.subquery("rows"))
        .where(others)
        .group_by(x)
        .order_by(exp.Ordered(this=n, desc=True), exp.Ordered(this=x))
        .limit(MOST_NEW)
    )
    return [str(value) for value in engine.query(select)["x"]]
