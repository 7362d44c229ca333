"""How long a scenario of `rampgate simulate` takes, and how much memory.

    python benchmarks/simulate.py [--rollouts 10000] [--workers N]

One scenario of rollouts with 84 daily looks, 5 metrics and 18 segment values, every metric a guardrail in each segment,
none of the looks spared: a holdout stays to be compared with after the last phase, and nothing differs, so nobody stops
early. 300 units a day, from a table of six weeks.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

import rampgate

DAYS, UNITS = 42, 300
RATES = {"accuracy": 0.9, "sla": 0.8, "override": 0.15, "escalated": 0.7, "reopened": 0.1}
SEGMENTS = {"queue": 6, "urgency": 4, "region": 8}


def policy() -> rampgate.Policy:
    """Five metrics, each judged overall and in 18 segment values."""
    lower = ("override", "reopened")
    metrics = {
        name: {"kind": "proportion", "column": name, "better": "lower" if name in lower else "higher"} for name in RATES
    }
    return rampgate.load_policy(
        {
            "metrics": metrics,
            "kpi": {"weights": {"accuracy": 0.4, "sla": 0.35, "override": 0.25}, "margin": "3pp", "floor": 0.7},
            "guardrails": {"override": {"margin": "4pp"}, "escalated": {"margin": "5pp"}},
            "rollback": {"override": {"worse_by": "1pp", "expect": "4pp"}, "kpi": {"worse_by": "1pp"}},
            "segments": {"by": list(SEGMENTS), "guardrails": {name: {"margin": "5pp"} for name in RATES}},
            "phases": [
                {"traffic": "10%"},
                {"traffic": "25%"},
                {"traffic": "50%", "at_least": "14d", "go": "non_inferior", "require": ["kpi", "override"]},
                {"traffic": "100%", "holdout": "5%"},
            ],
        }
    )


def events() -> pd.DataFrame:
    """A table of the baseline alone."""
    rng = np.random.default_rng(1)
    n = DAYS * UNITS
    seconds = np.sort(rng.integers(0, DAYS * 86400, n))
    columns: dict[str, list[object]] = {
        "unit": [str(i) for i in range(n)],
        "time": [datetime(2026, 1, 5) + timedelta(seconds=int(s)) for s in seconds],  # noqa: DTZ001 - taken as UTC
        "variant": ["baseline"] * n,
    }
    for name, rate in RATES.items():
        columns[name] = (rng.random(n) < rate).tolist()
    for name, count in SEGMENTS.items():
        columns[name] = [f"{name}-{value}" for value in rng.integers(0, count, n)]
    return pd.DataFrame(columns)


def main() -> None:
    """Print seconds and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=None)
    given = parser.parse_args()
    rules, table = policy(), events()
    began = time.perf_counter()
    found = rampgate.simulate(rules, table, given.rollouts, scenario=("harmless",), workers=given.workers)
    took = time.perf_counter() - began
    own, beside = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = own.ru_utime + own.ru_stime + beside.ru_utime + beside.ru_stime
    cores = len(os.sched_getaffinity(0))
    print(f"{given.rollouts} rollouts of one scenario, {found.days} looks, 5 metrics, 18 segment values, {cores} cores")
    print(f"{took:.0f} seconds ({cpu:.0f} of processors); at most {own.ru_maxrss / 2**20:.2f} GiB here and "
          f"{beside.ru_maxrss / 2**20:.2f} GiB in each process beside")  # fmt: skip
    share = found.scenarios[0].false_rollback
    print(f"false rollback {share.estimate:.2%} +/- {share.error:.2%}")


if __name__ == "__main__":
    main()
