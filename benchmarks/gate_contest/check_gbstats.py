"""Half-widths from GrowthBook's own package, for tests/contest/gbstats.json.

    python -m venv DIR && DIR/bin/pip install -r benchmarks/gate_contest/requirements.txt
    DIR/bin/python benchmarks/gate_contest/check_gbstats.py > tests/contest/gbstats.json

It needs an environment of its own: gbstats asks for older versions of NumPy and pandas than this project. It computes
one result at a time, too slowly for the contest, which therefore uses its formula; the test holds the one against the
other.
"""

from __future__ import annotations

import json
import random
import sys

CASES = 300


def main() -> None:
    """Print the cases as JSON."""
    from gbstats.frequentist.tests import (
        SequentialConfig,
        SequentialTwoSidedTTest,
    )
    from gbstats.models.statistics import ProportionStatistic

    chance = random.Random(20261125)
    cases = []
    for _ in range(CASES):
        n = [chance.randint(20, 20_000) for _ in range(2)]
        y = [max(1, min(size - 1, round(size * chance.uniform(0.01, 0.6)))) for size in n]
        alpha, tuning = chance.choice([0.01, 0.05, 0.1]), chance.choice([500.0, 5000.0])
        arms = [ProportionStatistic(n=size, sum=bad) for size, bad in zip(n, y, strict=True)]
        config = SequentialConfig(alpha=alpha, difference_type="absolute", sequential_tuning_parameter=tuning)
        test = SequentialTwoSidedTTest(*arms, config)
        low, high = test.confidence_interval
        cases.append(
            {"n": n, "y": y, "alpha": alpha, "tuning": tuning, "variance": test.variance, "half": (high - low) / 2}
        )
    lines = ",\n".join(json.dumps(case) for case in cases)
    sys.stdout.write(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
