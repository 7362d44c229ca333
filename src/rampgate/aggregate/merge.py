"""Answers about parts of a source put together into the answer about all of it.

Counts and sums add up, extremes are taken of extremes, and covariances are joined with the distance of the means (Chan,
Golub and LeVeque 1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rampgate.aggregate.moments import Floats, Ints
from rampgate.source import Array

_ADDED = ("n", "sum", "joint", "bad", "hash")
_LEAST, _MOST = ("low", "first", "oldest", "example"), ("high", "newest")


def merged(tables: Sequence[Mapping[str, Array]], keys: Sequence[str]) -> dict[str, Array]:
    """One table of several, with one row for each combination of keys.

    Parameters
    ----------
    tables : of the same columns: keys, and what `aggregate_query` and the questions beside it name, whose first word
        says how it is put together
    keys : names of the columns that tell rows apart
    """
    every = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    count = len(next(iter(every.values())))
    codes = [_codes(every[key]) for key in keys]
    order = np.lexsort(codes[::-1]) if codes else np.arange(count)
    new = np.zeros(count, dtype=bool)
    new[:1] = True
    for code in codes:
        new[1:] |= np.diff(code[order]) != 0
    if new.all():
        return every
    begin = np.flatnonzero(new)
    rows = {name: values[order] for name, values in every.items()}
    out = {name: _reduced(name, values, begin) for name, values in rows.items() if name not in keys}
    out |= {key: rows[key][begin] for key in keys}
    for name in every:
        if name.startswith("cov_"):
            i, j = name.split("_")[1:]
            out[name] = _covariance(rows[name], (rows[f"sum_{i}"], rows[f"sum_{j}"]), rows["n"], begin)
    return {name: out[name] for name in every}


def _codes(values: Array) -> Ints:
    """Numbers that are equal where values are."""
    if values.dtype.kind == "M":
        return np.asarray(values.astype("datetime64[us]").view(np.int64))
    if values.dtype.kind != "O":
        return values.astype(np.int64)
    place = {value: i for i, value in enumerate(dict.fromkeys(values.tolist()))}
    return np.fromiter(map(place.__getitem__, values.tolist()), dtype=np.int64, count=len(values))


def _reduced(name: str, values: Array, begin: Ints) -> Array:
    """What becomes of one column where rows are joined; those that begin at one place and end before the next."""
    word = name.split("_", maxsplit=1)[0]
    if values.dtype.kind == "O":
        parts = np.split(values, begin[1:])
        out = np.empty(len(begin), dtype=object)
        out[:] = [min((value for value in part if value is not None), default=None) for part in parts]
        return out
    if word in _ADDED:
        return np.add.reduceat(_zeros(values), begin)
    if word in _LEAST:
        return np.fmin.reduceat(values, begin)
    return np.fmax.reduceat(values, begin) if word in _MOST else values[begin]


def _zeros(values: Array) -> Array:
    """A sum over no value is 0; what counts stays whole."""
    return np.nan_to_num(values, nan=0.0) if values.dtype.kind == "f" else values


def _covariance(values: Array, sums: tuple[Array, Array], n: Array, begin: Ints) -> Floats:
    """The population covariance of joined rows."""
    units = n.astype(np.float64)
    total = np.add.reduceat(units, begin)
    lengths = np.diff(np.append(begin, len(units)))
    apart = []
    for column in sums:
        mean = _zeros(column.astype(np.float64)) / units
        # From one of the means, so that what is far from 0 keeps its digits.
        near = mean - np.repeat(mean[begin], lengths)
        joint = np.add.reduceat(units * near, begin) / total
        apart.append(near - np.repeat(joint, lengths))
    within = np.add.reduceat(units * _zeros(values), begin)
    return np.asarray((within + np.add.reduceat(units * apart[0] * apart[1], begin)) / total)
