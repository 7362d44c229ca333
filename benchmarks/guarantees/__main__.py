"""The table of guarantees: every cell simulated, and docs/guarantees.md written from the results.

    python -m benchmarks.guarantees [--only WORDS] [--rollouts N] [--workers 2] [--page]

Finished cells are kept in benchmarks/guarantees/results.jsonl, so an interrupted run goes on where it was; a change of
the code makes nothing stale by itself: delete the file to measure anew.
"""

from __future__ import annotations

import argparse
from multiprocessing import Pool
from pathlib import Path

from benchmarks.guarantees.cells import Cell, cells
from benchmarks.guarantees.page import write
from benchmarks.resumed import Result, keep, kept, measured

RESULTS = Path(__file__).with_name("results.jsonl")


def run(cell: Cell, rollouts: int | None = None) -> Result:
    """Simulate one cell; the same cell draws the same numbers, whatever ran before it."""
    return measured(cell.key, min(rollouts, cell.rollouts) if rollouts is not None else cell.rollouts, cell.measure)


def _numbered(asked: tuple[int, int | None]) -> Result:
    return run(cells()[asked[0]], asked[1])


def main() -> None:
    """Run what is missing, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="words that a cell's name must hold")
    parser.add_argument("--rollouts", type=int, help="at most so many in each cell")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where finished cells are kept")
    parser.add_argument("--page", action="store_true", help="write the page from what there is, and simulate nothing")
    asked = parser.parse_args()
    every, done = cells(), kept(asked.results)
    missing = [(i, asked.rollouts) for i, c in enumerate(every) if asked.only in c.key and c.key not in done]
    if not asked.page and missing:
        with Pool(asked.workers) as pool:
            found = pool.imap_unordered(_numbered, missing)
            keep(asked.results, found, len(missing), lambda one: f"{one['share']:7.2%}  ")
    write(every, kept(asked.results))


if __name__ == "__main__":
    main()
