"""From the finest cells to the marginals that are judged: overall, and each value of each segment column.

Moments merge by addition around a common origin (Chan, Golub and LeVeque 1979).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.moments import Cells, Floats, Ints

#: Relative error that sums over many rows may have: 16 spacings of doubles.
ROUNDING = 2.0**-48


@dataclass(frozen=True, order=True)
class Group:
    """A set of units that is judged: everybody (``column`` is None) or one value of a segment column."""

    column: str | None = None
    value: str | None = None

    @property
    def segment(self) -> dict[str, str] | None:
        """The group as in the JSON contract: null, or ``{"queue": "network"}``."""
        return None if self.column is None else {self.column: str(self.value)}

    def __str__(self) -> str:
        return "overall" if self.column is None else f"{self.column}={self.value}"


OVERALL = Group()


@dataclass(frozen=True)
class Moments:
    """Dense moments with leading batch axes.

    Attributes
    ----------
    n : float array (..., period, variant, group)
        Units.
    mean : float array (..., period, variant, group, component)
    comoment : float array (..., period, variant, group, pair)
        Sums of products of deviations from the cell's own mean; ``pairs`` names them.
    low, high : float arrays like ``mean``
        Extremes; 0 where there are no units.
    """

    components: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    n: Floats
    mean: Floats
    comoment: Floats
    low: Floats
    high: Floats

    def arm(self, variant: int) -> Arm:
        """One variant with the axes turned to (..., group, period, component)."""

        def turned(values: Floats) -> Floats:
            return np.moveaxis(values[..., variant, :, :], -2, -3)

        return Arm(
            self.components,
            self.pairs,
            np.swapaxes(self.n[..., variant, :], -1, -2),
            turned(self.mean),
            turned(self.comoment),
            turned(self.low),
            turned(self.high),
        )


@dataclass(frozen=True)
class Arm:
    """Moments of one variant, shaped (..., group, period[, component or pair])."""

    components: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    n: Floats
    mean: Floats
    comoment: Floats
    low: Floats
    high: Floats

    def total(self, component: str) -> Floats:
        """Sum of a component over units, (..., group, period)."""
        return self.n * self.mean[..., self.components.index(component)]

    def products(self, first: str, second: str) -> Floats:
        """Co-moment of two components about the cell's own means, (..., group, period)."""
        i, j = sorted((self.components.index(first), self.components.index(second)))
        return self.comoment[..., self.pairs.index((i, j))]

    def quadratic(self, gradient: Floats) -> Floats:
        """Sum over units of ``(gradient . (x - mean))^2``, gradient (..., group, period, component)."""
        first = np.array([i for i, _ in self.pairs], dtype=int)
        second = np.array([j for _, j in self.pairs], dtype=int)
        twice = np.where(first == second, 1.0, 2.0)
        terms = twice * gradient[..., first] * gradient[..., second] * self.comoment
        return not_less_than_rounding(terms.sum(-1), np.abs(terms).sum(-1))


def not_less_than_rounding(squares: Floats, size: Floats) -> Floats:
    """A sum of squares that was taken as a difference, but no less than what rounding leaves of its terms.

    Of a metric whose mean is a million of its standard deviations, and unknown in some units, little is left: digits
    that are lost then count as variance, so that the evidence is weaker and never stronger than it should be.

    Parameters
    ----------
    squares, size : the difference, and the sum of the sizes of its terms
    """
    return np.asarray(np.maximum(squares, ROUNDING * size))


def groups_of(cells: Cells) -> tuple[Group, ...]:
    """Overall, then every segment value in the order of its first appearance (ties by name)."""
    first: dict[Group, int] = {}
    for column, (values, codes) in zip(cells.segments, cells.coded, strict=True):
        # Rows are sorted by period, so the first place of a value is in its first period.
        _, place = np.unique(codes, return_index=True)
        first |= {Group(column, v): int(cells.period[r]) for v, r in zip(values, place, strict=True)}
    order = {name: place for place, name in enumerate(cells.segments)}
    rest = sorted(first, key=lambda g: (order[str(g.column)], first[g], str(g.value)))
    return (OVERALL, *rest)


def rows_of(cells: Cells, groups: Sequence[Group]) -> list[np.ndarray]:
    """Whether each row of the cells belongs to a group, (row,) booleans per group."""
    coded = dict(zip(cells.segments, cells.coded, strict=True))
    every = np.ones(len(cells.n), dtype=bool)
    out = []
    for group in groups:
        if group.column is None:
            out.append(every)
            continue
        values, codes = coded[group.column]
        out.append(codes == (values.index(group.value) if group.value in values else -1))
    return out


def marginals(cells: Cells, groups: Sequence[Group], keep: Sequence[int]) -> Moments:
    """Dense moments of the given groups over the periods ``keep`` (indices into ``cells.periods``).

    Returns
    -------
    Moments without batch axes: n is (len(keep), 2, len(groups)).
    """
    k, p = len(cells.components), len(cells.pairs)
    slots = len(keep) * 2 * len(groups)
    flat = [np.zeros(shape) for shape in ((slots,), (slots, k), (slots, p), (slots, k), (slots, k))]
    place = {period: t for t, period in enumerate(keep)}
    slot = np.array([place.get(int(t), -1) for t in range(len(cells.periods))], dtype=int)
    used = np.flatnonzero(slot[cells.period] >= 0) if len(cells.period) else np.zeros(0, dtype=int)
    for member in _members(cells, groups):
        rows = used[member[used] >= 0]
        at = (slot[cells.period[rows]] * 2 + cells.arm[rows]) * len(groups) + member[rows]
        filled, into = np.unique(at, return_inverse=True)
        for out, merged in zip(flat, _merged(cells, rows, into, len(filled)), strict=True):
            out[filled] = merged
    n, mean, comoment, low, high = (out.reshape(len(keep), 2, len(groups), *out.shape[1:]) for out in flat)
    return Moments(cells.components, cells.pairs, n, mean, comoment, low, high)


def tallied(cells: Cells, groups: Sequence[Group], keep: Sequence[int], metric: str, ends: Ints) -> Floats:
    """Units of the given groups by class of a metric's bins.

    Parameters
    ----------
    cells, groups, keep : as for `marginals`
    metric : one that has a histogram
    ends : last bin of each class but the last, ascending, (class - 1,)

    Returns
    -------
    (len(keep), 2, len(groups), class), all 0 where the metric was not binned.
    """
    out = np.zeros((len(keep), 2, len(groups), len(ends) + 1))
    tally = cells.tally(metric)
    if tally is None or not len(tally.row):
        return out
    slot = np.full(len(cells.periods), -1, dtype=int)
    slot[list(keep)] = np.arange(len(keep))
    kind = np.searchsorted(ends, tally.bin, side="left")
    used = np.flatnonzero(slot[cells.period[tally.row]] >= 0)
    for member in _members(cells, groups):
        group = member[tally.row[used]]
        mine, group = used[group >= 0], group[group >= 0]
        row = tally.row[mine]
        np.add.at(out, (slot[cells.period[row]], cells.arm[row], group, kind[mine]), tally.count[mine])
    return out


def _members(cells: Cells, groups: Sequence[Group]) -> Iterator[np.ndarray]:
    """Which group each row belongs to, -1 for none: among all units, then by each segment column."""
    if OVERALL in groups:
        yield np.full(len(cells.n), groups.index(OVERALL))
    place = {group: g for g, group in enumerate(groups)}
    for column, (values, codes) in zip(cells.segments, cells.coded, strict=True):
        yield np.array([place.get(Group(column, value), -1) for value in values], dtype=int)[codes]


def _merged(cells: Cells, rows: np.ndarray, at: np.ndarray, slots: int) -> tuple[Floats, ...]:
    """Merge the given rows of cells into their slots, in the order of the rows.

    Returns
    -------
    n (slot,), mean, comoment, low and high (slot, component or pair).
    """
    weight, means = cells.n[rows], cells.mean[rows]
    n = np.bincount(at, weights=weight, minlength=slots).astype(float)
    # Any value of the slot serves as origin; the last one written is as good as the first.
    origin = np.zeros((slots, means.shape[1]))
    origin[at] = means
    mean = _sums(at, weight[:, None] * (means - origin[at]), slots)
    mean /= np.where(n > 0, n, 1.0)[..., None]
    mean += origin
    delta = means - mean[at]
    first = np.array([i for i, _ in cells.pairs], dtype=int)
    second = np.array([j for _, j in cells.pairs], dtype=int)
    comoment = _sums(at, cells.comoment[rows] + weight[:, None] * delta[:, first] * delta[:, second], slots)
    order = np.argsort(at, kind="stable")
    begin = np.searchsorted(at[order], np.arange(slots))
    some = (n > 0)[:, None]
    low, high = (
        np.where(some, extreme.reduceat(ends[rows[order]], begin), 0.0) if slots else np.zeros_like(mean)
        for extreme, ends in ((np.minimum, cells.low), (np.maximum, cells.high))
    )
    return np.asarray(n, dtype=float), mean, comoment, np.asarray(low), np.asarray(high)


def _sums(at: np.ndarray, values: Floats, slots: int) -> Floats:
    """Sums of the values (row, column) by slot; row after row, so that they are the same bits everywhere."""
    sums = np.empty((slots, values.shape[1]))
    for column in range(values.shape[1]):
        sums[:, column] = np.bincount(at, weights=values[:, column], minlength=slots)
    return sums
