"""The contest of gates: every scenario simulated, and docs/contest.md written from the results.

    python -m benchmarks.gate_contest [--only WORDS] [--rollouts N] [--page]

Finished scenarios are kept in benchmarks/gate_contest/results.jsonl, so an interrupted run goes on where it was; a
change of the code makes nothing stale by itself: delete the file to measure anew.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.gate_contest.page import write
from benchmarks.gate_contest.scenarios import Scenario, scenarios

RESULTS = Path(__file__).with_name("results.jsonl")


def run(scenario: Scenario, rollouts: int | None = None) -> dict[str, Any]:
    """Simulate one scenario; the same one draws the same numbers, whatever ran before it."""
    count = min(rollouts, scenario.rollouts) if rollouts is not None else scenario.rollouts
    rng = np.random.default_rng([20261125, zlib.crc32(scenario.key.encode())])
    begun = time.perf_counter()
    rules = scenario.run(rng, count)
    return {"key": scenario.key, "rollouts": count, "seconds": round(time.perf_counter() - begun, 1), "rules": rules}


def kept() -> dict[str, dict[str, Any]]:
    """Results of earlier runs by key."""
    if not RESULTS.exists():
        return {}
    lines = (json.loads(line) for line in RESULTS.read_text("utf-8").splitlines())
    return {line["key"]: line for line in lines}


def main() -> None:
    """Run what is missing, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="words that a scenario's name must hold")
    parser.add_argument("--rollouts", type=int, help="at most so many of each")
    parser.add_argument("--page", action="store_true", help="write the page from what there is, and simulate nothing")
    asked = parser.parse_args()
    every, done = scenarios(), kept()
    missing = [s for s in every if asked.only in s.key and s.key not in done]
    if not asked.page and missing:
        with RESULTS.open("a", encoding="utf-8") as file:
            for number, scenario in enumerate(missing, start=1):
                found = run(scenario, asked.rollouts)
                file.write(json.dumps(found) + "\n")
                file.flush()
                print(f"{number}/{len(missing)}  {found['seconds']:5.1f} s  {found['key']}", flush=True)
    write(every, kept())


if __name__ == "__main__":
    main()
