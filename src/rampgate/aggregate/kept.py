"""Answers about a source in parts: of parts that have not changed as they were kept, of the others as they are read.

What an answer depends on is its query. So an entry of the store is named for the part, the text of the query as it
would be for any look, the engine's version and the columns; and it says itself on which looks it holds (`frame`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from sqlglot import exp

from rampgate.aggregate.frame import conditions, times, with_cuts, without_cuts
from rampgate.aggregate.query import aggregate_query, histogram_query
from rampgate.aggregate.rows import Question
from rampgate.aggregate.store import Entry, Store, name_of
from rampgate.aggregate.survey import origins
from rampgate.aggregate.typed import part
from rampgate.errors import DataError
from rampgate.source import Array, Engine, Part, Parted

#: A query of a question; of one about periods also by the origins of its moments.
Build = Callable[[Question], exp.Select]


class Rows(NamedTuple):
    """A query of rows, and what is kept of its answer for one part."""

    build: Build
    made: Callable[[dict[str, Array]], dict[str, Array]]


_ANY_LOOK = datetime(2000, 1, 3, tzinfo=UTC)


@dataclass
class Kept:
    """A source in parts, and the store for what was read of them.

    Attributes
    ----------
    parts : as they were when the look began
    label : a column for the name of a row's part, unlike any column of the source
    """

    engine: Parted
    store: Store
    parts: tuple[Part, ...]
    label: str
    _engines: dict[tuple[int, ...], Engine | None] = field(default_factory=dict)

    @classmethod
    def of(cls, engine: Engine, store: Store | None) -> Kept | None:
        """None where nothing is to be kept, or nothing tells whether the source has changed."""
        if store is None or not isinstance(engine, Parted):
            return None
        parts = engine.opened
        if [one.digest for one in engine.parts()] != [one.digest for one in parts]:
            return None  # a file was replaced since: it is not sure which one the engine has
        names = {column.name.lower() for column in engine.columns()}
        label = next(name for i in range(len(names) + 1) if (name := f"part{i or ''}") not in names)
        return cls(engine, store, parts, label) if parts else None

    def cells(self, ask: Question) -> list[dict[str, dict[str, Array]]] | None:
        """Tables ``cells`` and ``bins`` of each part; None where the parts cannot be read one by one."""
        builds: dict[str, Build] = {"cells": aggregate_query}
        if ask.needs.histograms:
            builds["bins"] = histogram_query
        anytime = replace(ask, before=_ANY_LOOK, cuts=(), start=None)
        names = self._names(anytime, builds)
        found = [self.store.get(name) for name in names]
        missing = [i for i, entry in enumerate(found) if entry is None or not _holds(ask, entry)]

        def shifted(asked: Question) -> exp.Select:
            return aggregate_query(asked, origins=origins(replace(asked, label=None)))

        for i, tables in self._read(ask, {**builds, "cells": shifted}, missing):
            terms = conditions(ask, *times(tables))
            entry = Entry(terms, {name: without_cuts(ask, terms, table) for name, table in tables.items()})
            found[i] = self._keep(i, names[i], entry)
        if None in found:
            return None
        entries = [entry for entry in found if entry is not None]
        return [{name: with_cuts(ask, entry.meta, t) for name, t in entry.tables.items()} for entry in entries]

    def answers(self, ask: Question, build: Build, rows: Rows | None = None) -> list[dict[str, Array]] | None:
        """The answer about each part to a question that no look changes; None as for `cells`.

        Parameters
        ----------
        build : the query of the question, grouped by part
        rows : a query of rows whose answer is too large for all parts at once, and what to add of it to each answer
        """
        builds = {"answer": build} | ({} if rows is None else {"rows": rows.build})
        names = self._names(ask, builds)
        found = [self.store.get(name) for name in names]
        missing = [i for i, entry in enumerate(found) if entry is None]
        for i, tables in self._read(ask, {"answer": build}, missing):
            answer = tables["answer"] | ({} if rows is None else rows.made(self._rows(ask, rows.build, i, missing)))
            found[i] = self._keep(i, names[i], Entry({}, {"answer": answer}))
        return None if None in found else [entry.tables["answer"] for entry in found if entry is not None]

    def of_part(self, ask: Question, build: Build, place: int) -> dict[str, Array]:
        """The answer about one part, whose columns are those of the others, to a question that no look changes."""
        (name,) = self._names(ask, {"rows": build}, (place,))
        entry = self.store.get(name)
        if entry is None:
            entry = self._keep(place, name, Entry({}, {"answer": self._rows(ask, build, place, (place,))}))
        return entry.tables["answer"]

    def _rows(self, ask: Question, build: Build, place: int, places: Sequence[int]) -> dict[str, Array]:
        """The rows of one part, from the engine that has some."""
        engine = self._only(tuple(places))
        assert engine is not None
        mine = exp.EQ(this=part("part"), expression=exp.Literal.string(self.parts[place].name))
        found = engine.query(build(replace(ask, engine=engine, label=self.label, kept=None)).where(mine))
        self._refuse_change()
        return found

    def close(self) -> None:
        """Make room in the store where it is needed."""
        self.store.close()

    def _names(self, ask: Question, builds: Mapping[str, Build], places: Sequence[int] | None = None) -> list[str]:
        """The name of the entry of each part, or of some."""
        asked = replace(ask, label=self.label, kept=None)
        queries = {name: build(asked).sql(self.engine.dialect) for name, build in builds.items()}
        base = name_of({"queries": queries, "made_by": self.engine.made_by})
        parts = self.parts if places is None else [self.parts[place] for place in places]
        return [name_of({"question": base, "part": one.digest}) for one in parts]

    def _keep(self, place: int, name: str, entry: Entry) -> Entry:
        if self.parts[place].settled:
            self.store.put(name, entry)
        return entry

    def _read(
        self, ask: Question, builds: Mapping[str, Build], places: Sequence[int]
    ) -> list[tuple[int, dict[str, dict[str, Array]]]]:
        """Tables of answers about some parts, read from them; none if they cannot be read one by one."""
        if not places or (engine := self._only(tuple(places))) is None:
            return []
        asked = replace(ask, engine=engine, label=self.label, kept=None)
        found = {name: _split(engine.query(build(asked))) for name, build in builds.items()}
        self._refuse_change()
        return [(i, {name: of(self.parts[i].name) for name, of in found.items()}) for i in places]

    def _only(self, places: tuple[int, ...]) -> Engine | None:
        if places not in self._engines:
            self._engines[places] = self.engine.only(places, self.label)
        return self._engines[places]

    def _refuse_change(self) -> None:
        """What was read must be what the digests say."""
        now = [one.digest for one in self.engine.parts()]
        if now != [one.digest for one in self.parts]:
            raise DataError(
                "the source changed while it was read: a file is not the one that it was",
                where=self.engine.name,
                remedy="run again once it is not being written, or write a new file and rename it into place",
            )


def _holds(ask: Question, entry: Entry) -> bool:
    terms: dict[str, Any] = entry.meta
    return conditions(ask, terms["low"], terms["high"]) == terms


def _split(answer: dict[str, Array]) -> Callable[[str], dict[str, Array]]:
    """The answer about each part, by its name; the column that names it is gone."""
    names = answer["part"].tolist()
    place = {name: i for i, name in enumerate(dict.fromkeys(names))}
    codes = np.fromiter(map(place.__getitem__, names), dtype=np.int64, count=len(names))
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(place) + 1))

    def of(name: str) -> dict[str, Array]:
        i = place.get(name)
        rows = order[:0] if i is None else order[ends[i] : ends[i + 1]]
        return {key: values[rows] for key, values in answer.items() if key != "part"}

    return of
