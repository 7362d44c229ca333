"""Where all units together point one way and every segment value the other: the arms differ in their mix.

References
----------
Simpson 1951.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rampgate.aggregate.marginals import OVERALL
from rampgate.judge.case import Case
from rampgate.judge.decision import INCONCLUSIVE, Estimate, Reason
from rampgate.judge.findings import called

#: Two estimates of one difference are far apart from this share of the interval's width on.
FAR = 0.25


def disagreeing(rows: Sequence[Estimate], columns: Sequence[str], least: int = 1) -> Iterator[tuple[str, str]]:
    """Metric and segment column, where the whole and all its parts differ in direction by more than their own noise.

    Parameters
    ----------
    rows : estimates, overall and by segment value
    columns : segment columns
    least : known units that a value must have in each arm to be heard
    """
    known = [row for row in rows if row.difference is not None]
    for row in known:
        for column in columns if row.group == OVERALL else ():
            parts = [part for part in known if part.name == row.name and part.group.column == column]
            heard = [part for part in parts if min(part.n_baseline, part.n_candidate) >= least]
            if len(heard) > 1 and _opposite(row, heard, parts):
                yield row.name, column


def _opposite(row: Estimate, heard: Sequence[Estimate], parts: Sequence[Estimate]) -> bool:
    """Whether all that are heard differ from the whole in direction, and so far does the mean of all parts.

    The mean takes in the values that are too small to be heard: a few large ones that point the other way by chance
    say nothing of the mix while the small ones make up the difference.
    """
    assert row.difference is not None
    if any(np.sign(part.difference) != -np.sign(row.difference) for part in heard if part.difference is not None):
        return False
    both = [part for part in parts if min(part.n_baseline, part.n_candidate) > 0]
    differences = np.array([part.difference for part in both], dtype=float)
    n_c, n_b = (np.array(x, dtype=float) for x in zip(*((p.n_candidate, p.n_baseline) for p in both), strict=True))
    mean = float(np.average(differences, weights=n_c * n_b / (n_c + n_b)))
    return mean * row.difference < 0 and abs(mean - row.difference) > FAR * width(row)


def width(row: Estimate) -> float:
    """Width of the interval; infinite where an end is open."""
    return np.inf if row.lower is None or row.upper is None else row.upper - row.lower


def told(name: str, column: str) -> str:
    """The finding in words."""
    return (
        f"{called(name, OVERALL)} differs one way overall and the other way in every value of {column} that is large "
        f"enough: the arms differ in {column}; believe the segments"
    )


def disagreements(case: Case, rows: Sequence[Estimate]) -> Iterator[Reason]:
    """A note on each metric whose overall difference comes from a difference of mix."""
    segments = case.policy.segments
    if segments is None:
        return
    for name, column in disagreeing(rows, segments.by, max(1, segments.minimum_units)):
        yield Reason("segment", INCONCLUSIVE, told(name, column), name, OVERALL)
