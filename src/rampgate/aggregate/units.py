"""Whether any unit has two rows, told without counting units.

Units that are equal have equal hashes, so that no two equal hashes mean no two equal units; two equal ones prove
nothing, and then the units themselves are counted. Parts of a source whose units lie in ranges that do not meet share
none, so that of most sources not even the hashes of parts that are known are needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sqlglot import exp

from rampgate.aggregate.first import units_since_start
from rampgate.aggregate.kept import Kept, Rows
from rampgate.aggregate.rows import Question, part_of, relation
from rampgate.aggregate.typed import cast, column, known, named, part, text_of
from rampgate.source import Array

#: Hashes that are held at once.
_MOST = 1 << 26


def differ(ask: Question, kept: Kept) -> bool:
    """Whether no two rows of the arms are of one unit; False where that is not sure."""
    found = kept.answers(ask, _ranges, Rows(_hashes, _alone))
    if found is None:
        return False
    filled = [(i, answer) for i, answer in enumerate(found) if len(answer["n"])]
    if not all(answer["alone"][0] for _, answer in filled):
        return False
    end: Callable[[str], Any] = int if ask.types[ask.policy.source.unit] == "integer" else str
    ranges = [(end(answer["low"][0]), end(answer["high"][0]), i) for i, answer in filled]
    groups = _meeting(ranges)
    return groups is not None and all(
        _no_two_equal(np.concatenate([kept.of_part(ask, _hashes, i)["hash"] for i in places])) for places in groups
    )


def counted_once(ask: Question) -> int | None:
    """Rows of the arms since the start, if the units of all their rows differ; None where that is not sure.

    For engines of this machine: eight bytes of each row leave the engine, and no more than `_MOST` of them at once.
    """
    every = exp.Select().select(named(exp.Count(this=exp.Star()), "n")).from_(relation(ask.engine))
    shares = 1 + int(ask.engine.query(every)["n"][0]) // _MOST
    if not all(_no_two_equal(ask.engine.query(_share(ask, share, shares))["hash"]) for share in range(shares)):
        return None
    rows = units_since_start(ask).subquery("used", copy=False)
    count = exp.Select().select(named(exp.Count(this=part("unit")), "n")).from_(rows, copy=False)
    return int(ask.engine.query(count)["n"][0])


def _share(ask: Question, share: int, shares: int) -> exp.Select:
    """The hashes that leave one rest by the number of shares."""
    if shares == 1:
        return _hashes(ask)
    rest = exp.Mod(this=part("hash"), expression=exp.Literal.number(shares))
    mine = exp.EQ(this=rest, expression=exp.Literal.number(share))
    return exp.Select().select(part("hash")).from_(_hashes(ask).subquery("hashed")).where(mine)


def _arms(ask: Question) -> exp.Select:
    """Units of the arms' rows, at any time: whole numbers as they are, others as text."""
    source, types = ask.policy.source, ask.types
    raw, variant = column(source.unit), text_of(column(source.variant), types[source.variant])
    text = text_of(raw, types[source.unit])
    value = raw if types[source.unit] == "integer" else text
    arms = [exp.Literal.string(name) for name in (ask.policy.baseline, ask.policy.candidate)]
    rows = exp.Select().select(named(value, "value"), *part_of(ask))
    mine = exp.and_(exp.In(this=variant, expressions=arms), known(value.copy()))
    return rows.from_(relation(ask.engine)).where(mine)


def _ranges(ask: Question) -> exp.Select:
    """The ends of the units of each part, as text: whole numbers of 128 bits do not fit any array."""
    return (
        exp.Select()
        .select(
            part("part"),
            named(exp.Count(this=exp.Star()), "n"),
            named(cast(exp.Min(this=part("value")), "text"), "low"),
            named(cast(exp.Max(this=part("value")), "text"), "high"),
        )
        .from_(_arms(ask).subquery("arms"))
        .group_by(part("part"))
    )


def _hashes(ask: Question) -> exp.Select:
    units = _arms(ask).subquery("arms")
    return exp.Select().select(named(ask.engine.row_hash([part("value")]), "hash")).from_(units)


def _alone(rows: dict[str, Array]) -> dict[str, Array]:
    """Whether the units of one part differ; nothing where it has none."""
    hashes = rows["hash"]
    return {"alone": np.full(min(1, len(hashes)), _no_two_equal(hashes))}


def _no_two_equal(values: Array) -> bool:
    ordered = np.sort(values)
    return not bool((ordered[1:] == ordered[:-1]).any())


def _meeting(ranges: list[tuple[Any, Any, int]]) -> list[list[int]] | None:
    """Places of ranges that meet, in groups that share nothing; those that meet no other are left out.

    None where a range is none, since then nothing is sure.
    """
    if not all(low <= high for low, high, _ in ranges):
        return None
    groups: list[list[int]] = []
    end: Any = None
    for low, high, place in sorted(ranges):
        if groups and low <= end:
            groups[-1].append(place)
            end = max(end, high)
        else:
            groups.append([place])
            end = high
    return [group for group in groups if len(group) > 1]
