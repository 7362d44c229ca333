"""Moments of rows given as arrays: the engine's job done again in numpy, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rampgate.aggregate.marginals import Moments

Columns = Mapping[str, np.ndarray]


def moments(days: Sequence[tuple[Columns, Columns]]) -> Moments:
    """One group; each day holds the components of the baseline's and the candidate's units."""
    names = tuple(days[0][0])
    pairs = tuple((i, j) for i in range(len(names)) for j in range(i, len(names)))
    shape = (len(days), 2, 1)
    n, mean = np.zeros(shape), np.zeros((*shape, len(names)))
    comoment = np.zeros((*shape, len(pairs)))
    low, high = np.zeros_like(mean), np.zeros_like(mean)
    for t, arms in enumerate(days):
        for a, columns in enumerate(arms):
            x = np.array([columns[name] for name in names], dtype=float)
            n[t, a, 0] = x.shape[1]
            if not x.shape[1]:
                continue
            mean[t, a, 0] = x.mean(1)
            centred = x - x.mean(1, keepdims=True)
            comoment[t, a, 0] = [float(centred[i] @ centred[j]) for i, j in pairs]
            low[t, a, 0], high[t, a, 0] = zip(*(_extremes(name, columns) for name in names), strict=True)
    return Moments(names, pairs, n, mean, comoment, low, high)


def _extremes(name: str, columns: Columns) -> tuple[float, float]:
    """Of the units that have a value, as the engine gives them."""
    metric, role = name.split(":")
    kept = columns[name] if role == "known" else columns[name][columns[f"{metric}:known"] == 1]
    return (float(kept.min()), float(kept.max())) if len(kept) else (0.0, 0.0)
