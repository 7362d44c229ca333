"""Which column identifies a row, and which says the version that handled it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from sqlglot import exp

from rampgate.aggregate.rows import relation
from rampgate.aggregate.times import moment
from rampgate.aggregate.typed import column, named, part, text_of
from rampgate.errors import Unclear, UsageError
from rampgate.guess.profile import TIMES, Profile, exact_distinct
from rampgate.guess.values import Given, Note
from rampgate.guess.words import (
    INDEX,
    PERHAPS_VARIANT,
    UNIT,
    VARIANT,
    arms,
    next_version,
    say_arms,
    tells,
    written_like,
)
from rampgate.policy import Source
from rampgate.source import Column, Engine

#: Different values a row that a column must have to be taken for the unit.
_UNIQUE = 0.99
#: Sketches of distinct counts are off by some per cent.
_SKETCHED = 0.85
#: A column of more values is no column of versions.
_MOST_VERSIONS = 12
#: Text longer than this on average is prose.
PROSE = 60


def some(names: Iterable[str], most: int = 6) -> str:
    """Names for a message, cut short."""
    every = [repr(name) for name in names]
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")


def rows_of(counts: Iterable[tuple[str | None, int]], most: int = 5) -> str:
    """Values with their rows for a message."""
    every = [f"{value!r} ({n} rows)" for value, n in counts if value is not None]
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")


# --- unit -------------------------------------------------------------------------------


def find_unit(engine: Engine, columns: Mapping[str, Profile], given: Given, taken: Collection[str]) -> Note:
    """The column that identifies a row."""
    if given.unit is not None:
        return Note("unit", given.unit, "as given", "--unit", False)
    perhaps = [
        one
        for one in columns.values()
        if one.name not in taken
        and one.type in ("text", "integer", "decimal", "number")
        and one.distinct >= _SKETCHED * one.rows
        and one.length <= PROSE
        and one.known >= _UNIQUE * one.rows
        and (one.type in ("text", "integer") or one.whole == one.known)
    ]
    exact = exact_distinct(engine, [Column(one.name, one.type) for one in perhaps])
    unique = [one for one in perhaps if exact[one.name] >= _UNIQUE * one.rows and not _measured(one)]
    if not unique:
        raise _no_unit(engine, columns, taken)
    named_so = [one for one in unique if tells(one.name, UNIT) and not tells(one.name, INDEX)]
    best = named_so or [one for one in unique if not tells(one.name, INDEX)] or unique
    whole = [one for one in best if exact[one.name] == one.rows] or best
    if len(whole) > 1:
        whole = [one for one in whole if _own_id(one.name, whole)] or whole
    if len(whole) > 1:
        raise Unclear(
            "unit",
            f"{len(whole)} columns may identify a row: {some(one.name for one in whole)}",
            where=engine.name,
            remedy="name the one that is assigned to a version as a whole, such as the ticket, with --unit",
            choices=tuple(one.name for one in whole),
        )
    [chosen] = whole
    return Note("unit", chosen.name, _why_unit(chosen, exact[chosen.name], len(unique)), "--unit", True)


def _measured(one: Profile) -> bool:
    """Whether unique numbers look like measurements: not whole."""
    return one.numeric and one.whole < one.known and not tells(one.name, UNIT)


def _own_id(name: str, rivals: Iterable[Profile]) -> bool:
    """Whether a name is the plainest among several ids: ``id`` or ``ticket_id`` beside ``request_uuid``."""
    words = ("id", "ids", "key", "number")
    plain = [one.name for one in rivals if one.name.lower().replace("_", "").endswith(words)]
    return plain == [name]


def _why_unit(one: Profile, distinct: int, unique: int) -> str:
    if distinct < one.rows:
        return f"{distinct} different values in {one.rows} rows; of rows that repeat one, only the first counts"
    if unique == 1:
        return "the only column whose values are all different"
    return "all its values are different, and its name is that of an id"


def _no_unit(engine: Engine, columns: Mapping[str, Profile], taken: Collection[str]) -> Unclear:
    most = sorted(
        (one for one in columns.values() if one.name not in taken and one.type in ("text", "integer")),
        key=lambda one: -min(one.distinct, one.known),
    )[:3]
    nearest = "; the nearest are " + ", ".join(f"{one.name!r} ({min(one.distinct, one.known)} values)" for one in most)
    return Unclear(
        "unit",
        f"no column identifies a row: none has a different value in each of the {next(iter(columns.values())).rows} "
        f"rows{nearest if most else ''}",
        where=engine.name,
        remedy="name the unit with --unit (of rows that repeat one only the first is used), or give each row an id",
        choices=tuple(one.name for one in most),
    )


# --- variant ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Arms:
    """The column of the version, its two values, and the rows of each (candidate 0 before the launch)."""

    column: str
    baseline: str
    candidate: str
    rows: tuple[int, int]
    notes: tuple[Note, ...]
    others: tuple[tuple[str, int], ...]


def find_arms(engine: Engine, columns: Mapping[str, Profile], given: Given, source: Source) -> Arms:
    """The column of the version and the two versions that are compared."""
    taken = {source.unit, source.time}
    if given.variant is not None:
        one, why = columns[given.variant], "as given"
    else:
        one, why = _variant(engine, columns, given, taken)
    counts = {value: n for value, n in one.values if value is not None}
    if not counts:
        what = "has no value" if not one.known else f"has about {one.distinct} different values"
        raise Unclear(
            "variant",
            f"column {one.name!r} {what}",
            where=engine.name,
            remedy="name the column of the version with --variant",
        )
    baseline, candidate = _both(engine, one, counts, given, source)
    notes = (
        Note("variant", one.name, why, "--variant", given.variant is None),
        *(note for note in (baseline, candidate)),
    )
    pair = (baseline.value, candidate.value)
    strange = {value: n for value, n in counts.items() if value not in pair}
    meant = {value: near for value in strange if (near := written_like(value, pair)) is not None}
    for value, near in meant.items():  # not ignored: the rows of a version must not vanish by a slip of writing
        said = f"{strange[value]} rows; written almost like {near!r}: correct the rows, else every look holds"
        notes = (*notes, Note("misspelt", repr(value), said, "", True))
    others = tuple((value, n) for value, n in strange.items() if value not in meant)
    if others:
        said = f"other versions in the column: {rows_of(others)}"
        notes = (*notes, Note("ignore", ", ".join(name for name, _ in others), said, "", True))
    return Arms(one.name, *pair, (counts.get(pair[0], 0), counts.get(pair[1], 0)), notes, others)


def _variant(
    engine: Engine, columns: Mapping[str, Profile], given: Given, taken: Collection[str]
) -> tuple[Profile, str]:
    said = [value for value in (given.baseline, given.candidate) if value is not None]
    few = [one for one in columns.values() if one.words and one.name not in taken and one.type not in TIMES]
    if said:
        holding = [one for one in few if set(said) <= set(one.words)]
        if not holding and given.candidate is not None:  # before the launch, the candidate has no row yet
            holding = [one for one in few if len(one.words) == 1 and _score(one) > 0]
            holding = [one for one in holding if given.baseline in (None, *one.words)]
        if len(holding) == 1:
            return holding[0], f"the only column that holds {' and '.join(map(repr, _held(holding[0], said)))}"
        if not holding:
            raise UsageError(
                f"no column of few values holds {' and '.join(map(repr, said))}{_near(few, said)}",
                where=engine.name,
                remedy="correct --baseline and --candidate, or name the column with --variant; columns of few values: "
                + "; ".join(f"{one.name} ({', '.join(one.words[:8])})" for one in few[:5]),
            )
        few = holding
    scored = sorted(((_score(one), one) for one in few), key=lambda pair: -pair[0])
    best = [one for score, one in scored if score == scored[0][0] and score > 0]
    if len(best) == 1:
        return best[0], _why_variant(best[0])
    what = f"{len(best)} columns may say the version that handled a row: {some(one.name for one in best)}"
    if not best:
        what = "no column says by its name or its values which version handled a row"
        two = [one.name for one in few if len(one.words) == 2]
        what += f"; columns of two values: {some(two)}" if two else ""
    choices = tuple(one.name for one in best or few if len(one.words) <= _MOST_VERSIONS)
    remedy = "name the column of the version with --variant"
    if not best and not said:
        remedy += ", or two values of it with --baseline and --candidate"
    raise Unclear("variant", what, where=engine.name, remedy=remedy, choices=choices)


def _near(few: Sequence[Profile], said: Sequence[str]) -> str:
    """The values that were probably meant."""
    words = {word.casefold(): word for one in few for word in one.words}
    missed = [value for value in said if value not in words.values()]
    close = [get_close_matches(value.casefold(), words, n=1, cutoff=0.7) for value in missed]
    meant = [repr(words[found[0]]) for found in close if found]
    return f"; did you mean {' and '.join(meant)}?" if meant else ""


def _held(one: Profile, said: list[str]) -> list[str]:
    return [value for value in said if value in one.words] or list(one.words)


def _score(one: Profile) -> int:
    """How much a column's name and values say that it is the version."""
    values, name = one.words, one.name
    if not 1 <= len(values) <= _MOST_VERSIONS or one.filled < 0.5:
        return 0
    strong, weak = tells(name, VARIANT), tells(name, PERHAPS_VARIANT)
    return 4 * say_arms(values) + 3 * strong + 2 * (weak and not strong)


def _why_variant(one: Profile) -> str:
    values = " and ".join(map(repr, one.words[:2])) + (f" and {len(one.words) - 2} more" if len(one.words) > 2 else "")
    if tells(one.name, VARIANT) or tells(one.name, PERHAPS_VARIANT):
        return f"its name says so, and it holds {values}"
    return f"it holds {values}"


def _both(engine: Engine, one: Profile, counts: Mapping[str, int], given: Given, source: Source) -> tuple[Note, Note]:
    """Baseline and candidate."""
    said = (given.baseline, given.candidate)
    for role, value in zip(("baseline", "candidate"), said, strict=True):
        if value is not None and value not in counts and (role == "baseline" or not _before_launch(counts, given)):
            raise UsageError(
                f"column {one.name!r} has no row of the {role} {value!r}",
                where=engine.name,
                remedy=f"correct --{role}; the column holds {rows_of(counts.items())}",
            )
    notes = [
        Note(role, value, "as given", f"--{role}", False) if value is not None else None
        for role, value in zip(("baseline", "candidate"), said, strict=True)
    ]
    left = [value for value in counts if value not in said]
    if notes[0] is not None and notes[1] is not None:
        return notes[0], notes[1]
    if notes[0] is not None or notes[1] is not None:
        return _other(engine, one, counts, notes, left)
    if len(counts) > 2:
        raise Unclear(
            "baseline",
            f"column {one.name!r} holds {len(counts)} versions: {rows_of(counts.items())}",
            where=engine.name,
            remedy="name the two that are compared with --baseline and --candidate, or another column with --variant",
            choices=tuple(counts),
        )
    if len(counts) == 1:
        return _launch(left[0], counts[left[0]])
    return _ordered(engine, one, counts, source)


def _before_launch(counts: Mapping[str, int], given: Given) -> bool:
    """Whether the table holds the baseline and nothing else."""
    return len(counts) == 1 and given.baseline in (None, *counts)


def _other(
    engine: Engine, one: Profile, counts: Mapping[str, int], notes: list[Note | None], left: list[str]
) -> tuple[Note, Note]:
    """One arm is given; the other is what is left."""
    missing = "baseline" if notes[0] is None else "candidate"
    if len(left) > 1:
        raise Unclear(
            missing,
            f"beside it column {one.name!r} holds {rows_of((value, counts[value]) for value in left)}",
            where=engine.name,
            remedy=f"name the other version that is compared with --{missing}",
            choices=tuple(left),
        )
    if left:
        other = Note(missing, left[0], f"the other value ({counts[left[0]]} rows)", f"--{missing}", True)
    elif missing == "candidate" and notes[0] is not None:
        other = _launch(notes[0].value, 0)[1]
    else:
        raise UsageError(
            f"column {one.name!r} holds no other value to be the baseline", where=engine.name, remedy="name --baseline"
        )
    return (notes[0] or other), (notes[1] or other)


def _launch(value: str, rows: int) -> tuple[Note, Note]:
    """Before the launch the table has one version: the baseline."""
    candidate = next_version(value)
    why = "a placeholder, as the table has no row of a second version yet: put in the name that its rows will have"
    return (
        Note("baseline", value, f"the only version in the table ({rows} rows)", "--baseline", True),
        Note("candidate", candidate, why, "--candidate", True),
    )


def _ordered(engine: Engine, one: Profile, counts: Mapping[str, int], source: Source) -> tuple[Note, Note]:
    """Two versions: by what they are called, else the earlier, else the one with more rows."""
    pair = arms(counts)
    why = "by what the two are called"
    if pair is None:
        first = _first_seen(engine, one, source)
        days = abs((first[0][1] - first[1][1]) / np.timedelta64(1, "D")) if len(first) == 2 else 0.0
        if days >= 1:
            pair, why = (first[0][0], first[1][0]), "it was there first"
        else:
            bigger, smaller = sorted(counts, key=lambda value: (-counts[value], value))
            pair, why = (bigger, smaller), "it has more rows"
    baseline, candidate = pair
    return (
        Note("baseline", baseline, f"{why} ({counts[baseline]} rows)", "--baseline", True),
        Note("candidate", candidate, f"the other value ({counts[candidate]} rows)", "--candidate", True),
    )


def _first_seen(engine: Engine, one: Profile, source: Source) -> list[tuple[str, np.datetime64]]:
    """The values with their first time, the earlier first."""
    kind = {column_.name: column_.type for column_ in engine.columns()}[source.time]
    rows = exp.Select().select(
        named(text_of(column(one.name), one.type), "variant"), named(moment(source, kind, engine, False), "at")
    )
    first = named(exp.Cast(this=exp.Min(this=part("at")), to=exp.DataType.build("timestampntz")), "first")
    select = exp.Select().select(part("variant"), first).from_(rows.from_(relation(engine)).subquery("seen"))
    found = engine.query(select.group_by(part("variant")))
    pairs = [
        (str(value), at)
        for value, at in zip(found["variant"], found["first"], strict=True)
        if value is not None and not np.isnat(at)
    ]
    return sorted(pairs, key=lambda pair: (pair[1], pair[0]))
