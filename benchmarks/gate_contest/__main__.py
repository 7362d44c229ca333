"""The contest of gates: every scenario simulated, and docs/contest.md written from the results.

    python -m benchmarks.gate_contest [--only WORDS] [--rollouts N] [--page]

Finished scenarios are kept in benchmarks/gate_contest/results.jsonl, so an interrupted run goes on where it was; a
change of the code makes nothing stale by itself: delete the file to measure anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.gate_contest.page import write
from benchmarks.gate_contest.scenarios import Scenario, scenarios
from benchmarks.resumed import Result, keep, kept, measured

RESULTS = Path(__file__).with_name("results.jsonl")


def run(scenario: Scenario, rollouts: int | None = None) -> Result:
    """Simulate one scenario; the same one draws the same numbers, whatever ran before it."""
    count = min(rollouts, scenario.rollouts) if rollouts is not None else scenario.rollouts
    return measured(scenario.key, count, lambda rng, many: {"rules": scenario.run(rng, many)})


def main() -> None:
    """Run what is missing, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="words that a scenario's name must hold")
    parser.add_argument("--rollouts", type=int, help="at most so many of each")
    parser.add_argument("--page", action="store_true", help="write the page from what there is, and simulate nothing")
    asked = parser.parse_args()
    every, done = scenarios(), kept(RESULTS)
    missing = [s for s in every if asked.only in s.key and s.key not in done]
    if not asked.page:
        keep(RESULTS, (run(scenario, asked.rollouts) for scenario in missing), len(missing))
    write(every, kept(RESULTS))


if __name__ == "__main__":
    main()
