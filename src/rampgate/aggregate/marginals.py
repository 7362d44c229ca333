"""From the finest cells to the marginals that are judged: overall, and each value of each segment column.

Moments merge by addition around a common origin (Chan, Golub and LeVeque 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.moments import Cells, Floats


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
        form = (twice * gradient[..., first] * gradient[..., second] * self.comoment).sum(-1)
        return np.asarray(np.maximum(form, 0.0))


def groups_of(cells: Cells) -> tuple[Group, ...]:
    """Overall, then every segment value in the order of its first appearance (ties by name)."""
    first: dict[Group, int] = {}
    for column, values in zip(cells.segments, columns_of(cells), strict=True):
        # Rows are sorted by period, so the first place of a value is in its first period.
        found, place = np.unique(values, return_index=True)
        first |= {Group(column, str(v)): int(cells.period[r]) for v, r in zip(found, place, strict=True)}
    order = {name: place for place, name in enumerate(cells.segments)}
    rest = sorted(first, key=lambda g: (order[str(g.column)], first[g], str(g.value)))
    return (OVERALL, *rest)


def columns_of(cells: Cells) -> list[np.ndarray]:
    """The values of each segment column, row by row."""
    if not cells.values:
        return [np.zeros(0, dtype=str) for _ in cells.segments]
    return [np.array(values, dtype=str) for values in zip(*cells.values, strict=True)]


def marginals(cells: Cells, groups: Sequence[Group], keep: Sequence[int]) -> Moments:
    """Dense moments of the given groups over the periods ``keep`` (indices into ``cells.periods``).

    Returns
    -------
    Moments without batch axes: n is (len(keep), 2, len(groups)).
    """
    k, p, width = len(cells.components), len(cells.pairs), len(groups)
    shape = (len(keep), 2, width)
    n, mean, comoment = np.zeros(shape), np.zeros((*shape, k)), np.zeros((*shape, p))
    low, high = np.zeros((*shape, k)), np.zeros((*shape, k))
    place = {period: t for t, period in enumerate(keep)}
    slot = np.array([place.get(int(t), -1) for t in range(len(cells.periods))], dtype=int)
    used = np.flatnonzero(slot[cells.period] >= 0) if len(cells.period) else np.zeros(0, dtype=int)
    columns = dict(zip(cells.segments, (values[used] for values in columns_of(cells)), strict=True))
    for g, group in enumerate(groups):
        rows = used if group.column is None else used[columns[group.column] == group.value]
        _fill(
            cells,
            rows,
            slot,
            (n[..., g], mean[..., g, :], comoment[..., g, :], low[..., g, :], high[..., g, :]),
        )
    return Moments(cells.components, cells.pairs, n, mean, comoment, low, high)


def _fill(cells: Cells, rows: np.ndarray, slot: np.ndarray, out: tuple[Floats, Floats, Floats, Floats, Floats]) -> None:
    """Merge the given rows of cells into (period, variant) slots, in place."""
    n, mean, comoment, low, high = out
    at = (slot[cells.period[rows]], cells.arm[rows])
    weight, means = cells.n[rows], cells.mean[rows]
    np.add.at(n, at, weight)
    # Any value of the slot serves as origin; the last one written is as good as the first.
    origin = np.zeros_like(mean)
    origin[at] = means
    np.add.at(mean, at, weight[:, None] * (means - origin[at]))
    mean /= np.where(n > 0, n, 1.0)[..., None]
    mean += origin
    delta = means - mean[at]
    first = np.array([i for i, _ in cells.pairs], dtype=int)
    second = np.array([j for _, j in cells.pairs], dtype=int)
    np.add.at(comoment, at, cells.comoment[rows] + weight[:, None] * delta[:, first] * delta[:, second])
    low[...], high[...] = np.inf, -np.inf
    np.minimum.at(low, at, cells.low[rows])
    np.maximum.at(high, at, cells.high[rows])
    empty = n == 0
    low[empty], high[empty] = 0.0, 0.0
