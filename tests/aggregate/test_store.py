"""The folder of what was read: what is not whole is not there, and the folder stays as small as was asked."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rampgate.aggregate.store import Entry, Store, _packed, _unpacked, name_of

TABLES = {
    "cells": {
        "n": np.array([1, 2**62, -3]),
        "x": np.array([0.1, np.nan, -np.inf]),
        "day": np.array(["2026-01-05", "NaT", "1500-01-01"], dtype="datetime64[us]"),
        "word": np.array(["a", None, "ü\n"], dtype=object),
        "flag": np.array([True, False, True]),
    },
    "none": {"n": np.zeros(0, dtype=np.int64), "word": np.zeros(0, dtype=object)},
}
ENTRY = Entry({"low": 3, "inner": ["2026-01-05T00:00:00+00:00"], "before": None}, TABLES)


def same(left: Entry | None, right: Entry) -> None:
    assert left is not None
    assert left.meta == right.meta
    assert left.tables.keys() == right.tables.keys()
    for table, columns in right.tables.items():
        assert list(left.tables[table]) == list(columns)
        for name, values in columns.items():
            found = left.tables[table][name]
            assert found.dtype == values.dtype
            np.testing.assert_array_equal(found, values)


def test_an_entry_comes_back_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "kept")
    assert store.get("a") is None
    store.put("a", ENTRY)
    same(Store(tmp_path / "kept").get("a"), ENTRY)
    assert (tmp_path / "kept" / ".gitignore").read_text() == "*\n"


@given(data=st.data())
def test_what_is_not_whole_is_not_there(data: st.DataObject) -> None:
    content = _packed(ENTRY)
    place = data.draw(st.integers(0, len(content) - 1))
    other = data.draw(
        st.sampled_from(
            [
                content[:place],
                content[place:] if place else b"",
                content + b"x",
                content[:place] + bytes([content[place] ^ data.draw(st.integers(1, 255))]) + content[place + 1 :],
                data.draw(st.binary(max_size=100)),
            ]
        )
    )
    with pytest.raises((ValueError, KeyError, TypeError, OverflowError)):
        _unpacked(other)


def test_the_oldest_goes_when_there_is_too_much(tmp_path: Path) -> None:
    size = len(_packed(ENTRY))
    for i, name in enumerate("abcd"):
        store = Store(tmp_path)
        store.put(name, ENTRY)
        os.utime(tmp_path / f"{name}.kept", (i, i))
    assert Store(tmp_path).size() == (4, 4 * size)
    store = Store(tmp_path, limit=3 * size)
    assert store.get("a") is not None
    store.put("e", ENTRY)
    store.close()
    assert {path.stem for path in tmp_path.glob("*.kept")} == {"a", "d", "e"}, "used, youngest, new"
    left = Store(tmp_path, limit=size // 2)
    left.put("f", ENTRY)
    left.close()
    assert Store(tmp_path).size() == (0, 0), "a bound below one entry keeps none"


def test_what_was_left_unfinished_counts_and_goes_first(tmp_path: Path) -> None:
    beside = tmp_path / ".x.begun"
    beside.write_bytes(b"x" * 10_000)
    os.utime(beside, (1, 1))
    store = Store(tmp_path, limit=9_000)
    store.put("a", ENTRY)
    store.close()
    assert not beside.exists()
    assert Store(tmp_path).get("a") is not None


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file in its place")
    for folder in (tmp_path / "kept", tmp_path / "no" / "such"):
        store = Store(folder)
        store.put("a", ENTRY)
        store.close()
        assert store.get("a") is None
        assert store.size() == (0, 0)


def _puts(folder: str, seed: int) -> int:
    store, found = Store(Path(folder), limit=40 * len(_packed(ENTRY))), 0
    chance = np.random.default_rng(seed)
    for _ in range(60):
        name = f"n{chance.integers(0, 50)}"
        entry = store.get(name)
        if entry is not None:
            same(entry, ENTRY)
            found += 1
        store.put(name, ENTRY)
        store.close()
    return found


def test_processes_that_write_at_once_find_whole_entries(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3) as pool:
        assert sum(pool.map(_puts, [str(tmp_path)] * 3, range(3))) > 0
    last = Store(tmp_path, limit=40 * len(_packed(ENTRY)))
    last.put("n0", ENTRY)
    last.close()
    files, size = last.size()
    assert files == 40
    assert size == files * len(_packed(ENTRY))


@settings(max_examples=20)
@given(st.dictionaries(st.text(), st.text(), max_size=3), st.dictionaries(st.text(), st.text(), max_size=3))
def test_names_are_those_of_what_is_asked(left: dict[str, str], right: dict[str, str]) -> None:
    assert (name_of(left) == name_of(right)) == (left == right)
