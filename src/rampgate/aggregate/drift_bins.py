"""Bins in which drift is looked for: they are taken from the reference once, and kept with its counts.

Numbers lie in some ninety bins between quantiles of the reference, so that no value is far from an end of its bin; ten
of equal share are merged from them for the distances that noise grows with the number of bins of. Categories are the
most frequent values, and one bin more for all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
from sqlglot import exp

from rampgate.aggregate.moments import Floats
from rampgate.aggregate.typed import case, cast, is_null

Kind = Literal["numeric", "categorical"]

#: Categories that have a bin of their own.
CATEGORIES = 50
#: A column with at most so many values in the reference has a bin for each.
DISTINCT = 60
#: Shares of the reference at which its bins end, besides its ends.
SHARES = (0.001, 0.005, *(k / 50 for k in range(1, 50)), 0.995, 0.999)
#: Those at which the ten bins end.
TENTHS = tuple(k / 10 for k in range(1, 10))
#: Nearer to 0 than any number that is told.
TINY = 1e-300
#: Ends beyond the reference's range, in its widths: what lies there is known to about a third of how far out it is.
_BEYOND = tuple(2.0**k for k in range(-6, 6))


@dataclass(frozen=True)
class Edges:
    """Bins of a number: bin k from the end before it, exclusive, to ``edges[k]``; the last one is open.

    Attributes
    ----------
    edges : ascending
    centers : of each bin the mean of the reference's values in it, its middle where there are none
    deviation : standard deviation of the reference
    tenths : places of the ends at which the ten bins end
    """

    name: str
    edges: tuple[float, ...]
    tenths: tuple[int, ...]
    centers: tuple[float, ...] = ()
    deviation: float = 0.0

    kind: ClassVar[Kind] = "numeric"

    @property
    def metric(self) -> str:
        """What its counts are called among those of metrics."""
        return tally_name(self.name)

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.edges) + 1

    def sql(self, value: exp.Expr) -> exp.Expr:
        """The bin of a number, NULL where it is NULL: halved again and again, as an engine tests one by one."""
        whole = exp.If(this=is_null(value), true=exp.null())
        return exp.Case(ifs=[whole], default=self._half(value, 0, len(self.edges)))

    def _half(self, value: exp.Expr, low: int, high: int) -> exp.Expr:
        # Put together without the copies that `case` makes of its parts, which would be half of the work.
        if low == high:
            return exp.Literal.number(low)
        middle = (low + high) // 2
        end = cast(exp.Literal.string(repr(self.edges[middle])), "double")
        below = exp.If(this=exp.LTE(this=value.copy(), expression=end), true=self._half(value, low, middle))
        return exp.Case(ifs=[below], default=self._half(value, middle + 1, high))

    def few(self, counts: Floats) -> Floats:
        """Counts of the merged bins, (..., bin): of some ten."""
        starts = [0, *(place + 1 for place in self.tenths)]
        return np.asarray(np.add.reduceat(counts, starts, axis=-1), dtype=float)

    def labels(self) -> tuple[str, ...]:
        """What the merged bins hold, in words."""
        ends = [f"{self.edges[place]:.6g}" for place in self.tenths]
        if len(ends) > 1 and abs(self.edges[self.tenths[0]]) < TINY:
            ends[0] = ends[1]  # just below 0
        if not ends:
            return ("all",)
        told = [f"to {ends[0]}", *(f"{low} to {high}" for low, high in pairwise(ends)), f"above {ends[-1]}"]
        if len(ends) > 1 and ends[0] == ends[1]:  # the smallest value has a bin of its own
            told[:2] = [f"below {ends[1]}", ends[1]]
        return tuple(told)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "numeric",
            "edges": list(self.edges),
            "tenths": list(self.tenths),
            "centers": list(self.centers),
            "deviation": self.deviation,
        }

    def centered(self, means: Mapping[int, float]) -> Edges:
        """The same bins, knowing the mean of the reference's values in those that have any."""
        ends = [self.edges[0], *self.edges, self.edges[-1]]
        middle = [0.5 * (low + high) for low, high in pairwise(ends)]
        # A mean may come out beyond its bin for rounding.
        kept = (min(max(means[k], ends[k]), ends[k + 1]) if k in means else middle[k] for k in range(self.size))
        return replace(self, centers=tuple(kept))


@dataclass(frozen=True)
class Categories:
    """Bins of a category: one for each of ``values``, and the last for all others.

    Attributes
    ----------
    values : most frequent first
    more : whether the reference has values among the others; if not, all of them are new
    """

    name: str
    values: tuple[str, ...]
    more: bool

    kind: ClassVar[Kind] = "categorical"

    @property
    def metric(self) -> str:
        """What its counts are called among those of metrics."""
        return tally_name(self.name)

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.values) + 1

    def sql(self, value: exp.Expr) -> exp.Expr:
        """The bin of a text, NULL where it is NULL."""
        known = [
            (exp.EQ(this=value.copy(), expression=exp.Literal.string(text)), exp.Literal.number(k))
            for k, text in enumerate(self.values)
        ]
        return case((is_null(value), exp.null()), *known, otherwise=exp.Literal.number(len(self.values)))

    def few(self, counts: Floats) -> Floats:
        """The counts as they are."""
        return np.asarray(counts, dtype=float)

    def labels(self) -> tuple[str, ...]:
        """What the bins hold, in words."""
        return (*self.values, "all others" if self.more else "new values")

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "categorical", "values": list(self.values), "more": self.more}


Drawn = Edges | Categories


def tally_name(name: str) -> str:
    """What the counts of a watched column are called; no metric can be."""
    return f"drift:{name}"


@dataclass(frozen=True)
class Watched:
    """A column that is watched, and in what bins once they are known."""

    name: str
    column: str
    kind: Kind
    bins: Drawn | None = None


@dataclass(frozen=True)
class ReferenceCounts:
    """The reference of one column, fixed when the rollout began: rows that come later cannot move it.

    Attributes
    ----------
    of : which column it is, of what kind and from where; where the policy says something else, it is taken anew
    counts : units by bin
    missing : units without a value
    segments : by segment column and value the units in the merged bins
    windows : units in the merged bins of each whole window, where thresholds are found in them
    split, cut : segment columns that were asked for, and which windows of which columns; others are counted in the same
        bins, and move neither these nor the counts
    """

    of: str
    bins: Drawn
    counts: tuple[int, ...]
    missing: int
    segments: Mapping[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    windows: tuple[tuple[int, ...], ...] = ()
    split: tuple[str, ...] = ()
    cut: str = ""

    @property
    def known(self) -> int:
        """Units with a value."""
        return sum(self.counts)

    @property
    def units(self) -> int:
        """With a value or without."""
        return self.known + self.missing

    def to_dict(self) -> dict[str, Any]:
        return {
            "of": self.of,
            **self.bins.to_dict(),
            "counts": list(self.counts),
            "missing": self.missing,
            "segments": {column: {v: list(c) for v, c in by.items()} for column, by in self.segments.items()},
            "windows": [list(counts) for counts in self.windows],
            "split": list(self.split),
            "cut": self.cut,
        }

    def grown(self, now: ReferenceCounts) -> ReferenceCounts:
        """The reference with the splits of another one that it does not have yet; bins and counts stay."""
        of_both = {column: by for column, by in self.segments.items() if column in now.split}
        new = {column: by for column, by in now.segments.items() if column not in self.split}
        windows = self.windows if now.cut == self.cut else now.windows
        return replace(self, segments={**new, **of_both}, windows=windows, split=now.split, cut=now.cut)

    @classmethod
    def from_dict(cls, name: str, data: Mapping[str, Any]) -> ReferenceCounts:
        bins: Drawn
        if data["kind"] == "numeric":
            edges, centers = (tuple(float(value) for value in data[key]) for key in ("edges", "centers"))
            bins = Edges(name, edges, tuple(data["tenths"]), centers, float(data["deviation"]))
        else:
            bins = Categories(name, tuple(data["values"]), data["more"])
        return cls(
            data["of"],
            bins,
            tuple(data["counts"]),
            data["missing"],
            {column: {v: tuple(c) for v, c in by.items()} for column, by in data["segments"].items()},
            tuple(tuple(counts) for counts in data["windows"]),
            tuple(data["split"]),
            data["cut"],
        )


def edges_of(name: str, quantiles: Sequence[float], tenths: Sequence[float], distinct: Sequence[float] = ()) -> Edges:
    """Bins between quantiles of a reference.

    Parameters
    ----------
    quantiles : values of the reference: its smallest, those at `SHARES`, its largest
    tenths : those at `TENTHS`
    distinct : all values, where they are few: each has a bin of its own
    """
    low, high = float(quantiles[0]), float(quantiles[-1])
    width = high - low or max(abs(low), 1.0)
    # The smallest value has a bin of its own, so that what lies below the reference is told from it.
    under = float(np.nextafter(low, -np.inf))
    beyond = [*(low - width * far for far in _BEYOND), *(high + width * far for far in _BEYOND)]
    values = [float(value) for value in quantiles]
    edges = sorted({*values, *(float(value) for value in distinct), under, *filter(np.isfinite, beyond)})
    ends = {float(value) for value in tenths}
    if low in ends:  # a tenth of the reference or more lies at its smallest value
        ends.add(under)
    place = {edge: k for k, edge in enumerate(edges)}
    return Edges(name, tuple(edges), tuple(sorted(place[end] for end in ends)))
