"""Seconds that GrowthBook's statistics take for as many comparisons as the job has: ``python gb.py COUNT``."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.models.statistics import SampleMeanStatistic


def main() -> None:
    """One test after the other, as their engine runs them."""
    count = int(sys.argv[1])
    chance = np.random.default_rng(1)
    config = FrequentistConfig(difference_type="absolute")
    pairs = []
    for _ in range(count):
        n = chance.integers(1000, 100_000, 2)
        sums = n * chance.uniform(0.2, 0.8, 2)
        pairs.append([SampleMeanStatistic(int(k), float(s), float(s)) for k, s in zip(n, sums, strict=True)])
    began = time.process_time()
    for first, second in pairs:
        TwoSidedTTest(first, second, config).compute_result()
    print(json.dumps({"seconds": time.process_time() - began, "comparisons": count}))


if __name__ == "__main__":
    main()
