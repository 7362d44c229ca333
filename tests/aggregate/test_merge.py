"""Answers about parts add up to the answer about the whole, in any order and in any cut."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rampgate.aggregate.merge import merged

KEYS = ("role", "period", "seg_0")
Row = tuple[int, str | None, str | None, float, float | None]


def table(rows: list[Row]) -> dict[str, np.ndarray]:
    """What SQL would answer about rows of two components, the second NULL where it is unknown; one row per key."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(row[:3], []).append(row)
    out: dict[str, list[object]] = {
        name: [] for name in ("n", "sum_0", "sum_1", "low_1", "high_1", "cov_0_1", "hash_hi")
    }
    for group in groups.values():
        x, y = np.array([row[3] for row in group]), np.array([row[4] or 0.0 for row in group])
        known = [row[4] for row in group if row[4] is not None]
        out["n"].append(len(group))
        out["sum_0"].append(x.sum())
        out["sum_1"].append(sum(known) if known else np.nan)
        out["low_1"].append(min(known) if known else np.nan)
        out["high_1"].append(max(known) if known else np.nan)
        out["cov_0_1"].append(np.mean((x - x.mean()) * (y - y.mean())))
        out["hash_hi"].append(len(group) * 2**40)
    keys = list(groups)
    return {
        "role": np.array([key[0] for key in keys], dtype=np.int64),
        "period": np.array([key[1] or "NaT" for key in keys], dtype="datetime64[us]"),
        "seg_0": np.array([key[2] for key in keys] + [None], dtype=object)[:-1],
        **{
            name: np.array(values, dtype=np.int64 if name in ("n", "hash_hi") else float)
            for name, values in out.items()
        },
    }


def by_key(answer: dict[str, np.ndarray]) -> dict[tuple[object, ...], list[float]]:
    keys = zip(*(answer[key].tolist() for key in KEYS), strict=True)
    values = zip(
        *(np.nan_to_num(answer[name].astype(float)).tolist() for name in answer if name not in KEYS), strict=True
    )
    return {key: list(value) for key, value in zip(keys, values, strict=True)}


value = st.integers(0, 8).map(lambda i: 1e9 + i / 8)
row = st.tuples(
    st.integers(0, 1),
    st.sampled_from([None, "2026-01-05", "2026-01-06"]),
    st.sampled_from([None, "a", "b"]),
    value,
    st.none() | value,
)


@given(st.lists(st.lists(row, max_size=8), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_parts_add_up(parts: list[list[Row]], chance) -> None:
    whole = by_key(table([row for part in parts for row in part]))
    chance.shuffle(parts)
    found = by_key(merged([table(part) for part in parts], KEYS))
    assert found.keys() == whole.keys()
    mixed = {row[:3] for part in parts for row in part if row[4] is None}
    for key, expected in whole.items():
        # Rounding is relative to what a covariance is made of: of values by 1e9, or of some by 1e9 and some 0.
        made_of = 1e18 if any(_key(row) == key for row in mixed) else 1e6
        assert found[key] == pytest.approx(expected, rel=1e-12, abs=1e-12 * made_of), key


def _key(row: tuple[object, ...]) -> tuple[object, ...]:
    day = None if row[1] is None else datetime.fromisoformat(str(row[1]))
    return (row[0], day, row[2])


def test_without_keys_there_is_one_row() -> None:
    days = [np.array(["2026-01-06"], dtype="datetime64[us]"), np.array(["NaT"], dtype="datetime64[us]")]
    found = merged([{"n": np.array([2]), "first": days[0]}, {"n": np.array([3]), "first": days[1]}], ())
    assert found["n"].tolist() == [5]
    assert found["first"].tolist() == days[0].tolist()


def test_the_least_example_stays() -> None:
    tables = [{"form": np.array([0]), "example": np.array([word], dtype=object)} for word in ("b", None, "a")]
    assert merged(tables, ("form",))["example"].tolist() == ["a"]
