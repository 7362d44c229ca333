"""docs/guarantees.md from the results."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.guarantees.cells import Cell

PAGE = Path(__file__).parents[2] / "docs" / "guarantees.md"


def error(share: float, count: int) -> float:
    """Monte-Carlo standard error; of a share of 0, that of the share which would show none in a third of the runs."""
    return float(np.sqrt(max(share * (1 - share), 1.0 / count) / count))


def above(cell: Cell, found: Mapping[str, Any]) -> bool:
    """Whether a figure is beyond its budget by more than chance, at two errors."""
    if cell.budget is None:
        return False
    return bool(found["share"] > cell.budget + 2 * np.sqrt(cell.budget * (1 - cell.budget) / found["rollouts"]))


def write(cells: Sequence[Cell], results: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the page."""
    there = [(cell, results[cell.key]) for cell in cells if cell.key in results]
    PAGE.write_text("\n".join(_lines(cells, there)) + "\n")


def _lines(cells: Sequence[Cell], there: Sequence[tuple[Cell, Mapping[str, Any]]]) -> Iterator[str]:
    held = [(cell, found) for cell, found in there if cell.budget is not None]
    beyond = [cell for cell, found in held if above(cell, found)]
    total = sum(found["rollouts"] for _, found in there)
    hours = sum(found["seconds"] for _, found in there) / 3600
    yield "# What is guaranteed, and what it costs"
    yield ""
    yield INTRODUCTION
    yield ""
    yield (
        f"{len(there)} cells of {len(cells)}, {len(held)} of them with a budget; {total:,} rollouts; "
        f"{_count(len(beyond))} above its budget by more than two errors. Written by `make guarantees` in {hours:.1f} "
        f"hours of one core ({platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__})."
    )
    yield ""
    yield NOTES
    yield ""
    for section, members in groupby(there, key=lambda pair: pair[0].section):
        yield from _section(section, list(members))


def _count(n: int) -> str:
    return "none is" if n == 0 else "one is" if n == 1 else f"{n} are"


INTRODUCTION = """\
A stated error budget is worth what simulation shows of it. Every line below is one kind of rollout, drawn many times
and judged by the functions that judge yours, at daily looks over twelve weeks unless it says otherwise. A share that
has a budget must not be above it beyond its own Monte-Carlo error, which stands behind it."""

NOTES = """\
- **share**: rollouts in which it ever happened. **found**: rollouts with the harm named that were rolled back.
  **day**: the median day of that over all such rollouts, a dash where fewer than half got there. **late**: found when
  the harm begins on a day drawn from 14 to 63. **knowing**: the median day of a test that knows the day and the size of
  the harm, which nobody does.
- `share_above`, and `within` of a time to an event, are proportions; a floor is judged as a KPI is.
- Shown, not proven: means and ratios without bounds, clusters, covariates, the KPI and the interval of a quantile.
  Proportions, rare events, bounded means, the split, and `non_inferior` wherever a unit is bounded rest on a proof
  ([how evidence is weighed](explanation/evidence.md)), but for very small days: on one of two units a bet on a
  share can win up to 0.7 % too much ([decision 15](decisions/0015-the-contest.md)); their lines show how much it
  leaves."""


def _section(section: str, members: list[tuple[Cell, Mapping[str, Any]]]) -> Iterator[str]:
    yield f"## {section}"
    yield ""
    columns = [
        name for name in ("caught", "day", "caught late", "knowing") if any(name in found for _, found in members)
    ]
    names = {"caught": "found", "day": "day", "caught late": "late", "knowing": "knowing"}
    held = any(cell.budget is not None for cell, _ in members)
    head = ["what", "", "", "", "share", *(["budget"] if held else []), *(names[c] for c in columns)]
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * 4 + "--:|" * (len(head) - 4)
    for cell, found in members:
        words = [*cell.what, "", "", "", ""][:4]
        share = f"{100 * found['share']:.1f} % ± {100 * error(found['share'], found['rollouts']):.1f}"
        budget = [] if not held else ["" if cell.budget is None else f"{100 * cell.budget:g} %"]
        mark = " **above**" if above(cell, found) else ""
        yield "| " + " | ".join([*words, share + mark, *budget, *(_told(found.get(c), c) for c in columns)]) + " |"
    yield ""


def _told(value: float | None, column: str) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.0f} %" if column.startswith("caught") else f"{value:.0f}"
