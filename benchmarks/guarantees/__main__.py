"""The table of guarantees: every cell simulated, and docs/guarantees.md written from the results.

    python -m benchmarks.guarantees [--only WORDS] [--rollouts N] [--workers 2] [--page]

Finished cells are kept in benchmarks/guarantees/results.jsonl, so an interrupted run goes on where it was; a change of
the code makes nothing stale by itself: delete the file to measure anew.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.guarantees.cells import Cell, cells
from benchmarks.guarantees.page import write

RESULTS = Path(__file__).with_name("results.jsonl")


def run(cell: Cell, rollouts: int | None = None) -> dict[str, Any]:
    """Simulate one cell; the same cell draws the same numbers, whatever ran before it."""
    count = min(rollouts, cell.rollouts) if rollouts is not None else cell.rollouts
    rng = np.random.default_rng([20261125, zlib.crc32(cell.key.encode())])
    begun = time.perf_counter()
    figures = cell.measure(rng, count)
    return {"key": cell.key, "rollouts": count, "seconds": round(time.perf_counter() - begun, 1), **figures}


def _numbered(asked: tuple[int, int | None]) -> dict[str, Any]:
    return run(cells()[asked[0]], asked[1])


def kept(results: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Results of earlier runs by key."""
    if not results.exists():
        return {}
    lines = (json.loads(line) for line in results.read_text().splitlines())
    return {line["key"]: line for line in lines}


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
        with Pool(asked.workers) as pool, asked.results.open("a") as file:
            for number, found in enumerate(pool.imap_unordered(_numbered, missing), start=1):
                file.write(json.dumps(found) + "\n")
                file.flush()
                print(
                    f"{number}/{len(missing)}  {found['share']:7.2%}  {found['seconds']:5.1f} s  {found['key']}",
                    flush=True,
                )
    write(every, kept(asked.results))


if __name__ == "__main__":
    main()
