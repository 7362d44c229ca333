"""From the engine's answer to means and co-moments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.aggregate.needs import Component, Needs
from rampgate.source import Array

#: Up to this many units products of counts fit in 64 bits.
_EXACT = 3.0e9


def moments(needs: Needs, answer: Mapping[str, Array]) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Means, co-moments and extremes of cells.

    Parameters
    ----------
    needs : what was asked
    answer : columns of `aggregate_query`, one row per cell

    Returns
    -------
    n (R,), mean (R, k), comoment (R, p), low (R, k), high (R, k). Extremes are over units that have a
    value, 0 where none has. What binary components give is exact up to the last division.
    """
    n: Floats = answer["n"].astype(np.float64)
    parts = needs.components
    sums = np.stack([_zero(answer[f"sum_{i}"]) for i in range(len(parts))], axis=1)
    low, high = np.zeros_like(sums), np.zeros_like(sums)
    for i, component in enumerate(parts):
        low[:, i], high[:, i] = _extremes(component, i, n, sums, answer)
    comoment = np.zeros((len(n), len(needs.pairs)))
    for p, (i, j) in enumerate(needs.pairs):
        comoment[:, p] = _comoment(needs, (i, j), n, sums, answer)
    return n, sums / n[:, None], comoment, low, high


def _zero(values: Array) -> Floats:
    """Sums over no value are 0."""
    return np.nan_to_num(values.astype(np.float64), nan=0.0)


def _extremes(
    component: Component, i: int, n: Floats, sums: Floats, answer: Mapping[str, Array]
) -> tuple[Floats, Floats]:
    if component.binary:
        return (sums[:, i] == n).astype(np.float64), (sums[:, i] > 0).astype(np.float64)
    return _zero(answer[f"low_{i}"]), _zero(answer[f"high_{i}"])


def _comoment(needs: Needs, pair: tuple[int, int], n: Floats, sums: Floats, answer: Mapping[str, Array]) -> Floats:
    """Sum over units of the product of deviations from the cell's means."""
    i, j = pair
    if f"cov_{i}_{j}" in answer:
        return _zero(answer[f"cov_{i}_{j}"]) * n
    if f"joint_{i}_{j}" in answer:
        return _counted(_zero(answer[f"joint_{i}_{j}"]), n, sums[:, i], sums[:, j])
    first, second = needs.components[i], needs.components[j]
    if first.binary and second.binary:
        # Within a metric a unit with a value is a known unit: the smaller set lies in the larger.
        return _counted(np.minimum(sums[:, i], sums[:, j]), n, sums[:, i], sums[:, j])
    value, known = (i, j) if second.role == "known" else (j, i)
    return sums[:, value] * ((n - sums[:, known]) / n)


def _counted(joint: Floats, n: Floats, first: Floats, second: Floats) -> Floats:
    """``joint - first second / n`` of counts, without cancellation."""
    if len(n) and float(np.max(n)) > _EXACT:
        return joint - first * (second / n)
    whole = [np.rint(values).astype(np.int64) for values in (joint, n, first, second)]
    return np.asarray((whole[0] * whole[1] - whole[2] * whole[3]) / n, dtype=np.float64)
