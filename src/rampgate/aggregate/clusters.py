"""Sums by cluster: the finest cells of what was assigned as a whole, ready to be added up per group and period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.marginals import Group, rows_of
from rampgate.aggregate.moments import Cells, Floats, Ints


@dataclass(frozen=True)
class Clusters:
    """Cells of some periods, each of one cluster.

    Attributes
    ----------
    count : number of clusters, in all periods
    periods : number of periods
    period, arm, cluster : int arrays (row,)
    n : float array (row,)
    mean : float array (row, component)
    members : rows of each group
    """

    components: tuple[str, ...]
    count: int
    periods: int
    period: Ints
    arm: Ints
    cluster: Ints
    n: Floats
    mean: Floats
    members: tuple[Ints, ...]

    def total(self, component: str) -> Floats:
        """Sum of a component in each row, (row,)."""
        return np.asarray(self.n * self.mean[:, self.components.index(component)])

    def by_period(self, values: Floats, group: int, arm: int) -> Floats:
        """Sums of the rows' values over a group's rows in an arm, (cluster, period)."""
        rows = self.members[group]
        rows = rows[self.arm[rows] == arm]
        at = self.cluster[rows] * self.periods + self.period[rows]
        sums = np.bincount(at, weights=values[rows], minlength=self.count * self.periods)
        return np.asarray(sums, dtype=float).reshape(self.count, self.periods)


def clusters_of(cells: Cells, groups: Sequence[Group], keep: Sequence[int]) -> Clusters | None:
    """The cells of the periods ``keep`` by cluster; None where the policy names no cluster."""
    if not cells.clusters:
        return None
    slot = np.full(len(cells.periods), -1, dtype=np.int64)
    slot[list(keep)] = np.arange(len(keep))
    used = np.flatnonzero(slot[cells.period] >= 0)
    names, cluster = np.unique(np.array(cells.clusters, dtype=str), return_inverse=True)
    members = tuple(np.flatnonzero(mine[used]) for mine in rows_of(cells, groups))
    return Clusters(
        cells.components,
        len(names),
        len(keep),
        slot[cells.period[used]],
        cells.arm[used],
        cluster[used],
        cells.n[used],
        cells.mean[used],
        members,
    )
