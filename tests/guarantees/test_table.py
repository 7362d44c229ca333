"""A part of the table of guarantees, with fewer rollouts; all of it is `make guarantees` and docs/guarantees.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.guarantees.__main__ import RESULTS, run
from benchmarks.guarantees.cells import Cell, cells
from benchmarks.guarantees.page import above
from benchmarks.resumed import kept

ROLLOUTS = 120
#: Cells that take seconds even so, by words in their names.
DEAR = ("3000 a day | 10/25/50 %", "nineteen segment values", "Twelve criteria", "Random splits", "percentile")
CHOSEN = [cell for cell in cells() if cell.budget is not None and not any(words in cell.key for words in DEAR)][::7]


@pytest.mark.parametrize("cell", CHOSEN, ids=lambda cell: cell.key)
def test_a_share_keeps_its_budget(cell: Cell) -> None:
    assert cell.budget is not None
    found = run(cell, ROLLOUTS)
    assert found["share"] <= cell.budget + 3 * np.sqrt(cell.budget * (1 - cell.budget) / found["rollouts"])


def test_the_same_cell_gives_the_same_figures() -> None:
    one, other = (run(CHOSEN[3], 40) for _ in range(2))
    assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_harm_is_found_so_that_a_gate_that_never_fires_would_fail() -> None:
    name = "Proportions, nothing different, `worse_by: 0` | 15.0% bad | lower is better | 300 a day | 10/25/50 %"
    [cell] = [c for c in cells() if c.key == name]
    found = run(cell, 200)
    assert found["caught"] >= 0.9
    assert found["day"] <= 40


def test_the_page_tells_every_cell_and_none_is_above_its_budget() -> None:
    every, results = cells(), kept(RESULTS)
    assert len({cell.key for cell in every}) == len(every) >= 200
    assert sorted(results) == sorted(cell.key for cell in every)
    assert [cell.key for cell in every if above(cell, results[cell.key])] == []
    page = (Path(__file__).parents[2] / "docs" / "guarantees.md").read_text(encoding="utf-8")
    assert f"{len(every)} cells of {len(every)}" in page
    assert "none is above its budget" in page
