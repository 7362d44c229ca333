"""How long `verify` takes of a ledger of daily looks: ``python benchmarks/verify.py 365``."""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

import rampgate
from rampgate.ledger import Ledger
from rampgate.rollout.verify import verify_ledger

START = date(2025, 1, 6)
POLICY = {
    "rollout": "year",
    "source": {"unit": "unit", "time": "time", "variant": "variant"},
    "start": START.isoformat(),
    "metrics": {name: {"kind": "proportion", "column": name} for name in ("right", "on_time")},
    "kpi": {"weights": {"right": 0.5, "on_time": 0.5}, "margin": "5pp"},
    "segments": {"by": ["queue"], "guardrails": {"right": {"margin": "10pp"}}},
    "phases": [{"traffic": "30%", "at_least": "900d"}, {"traffic": "100%"}],
}


def table(days: int, per_day: int = 200) -> pd.DataFrame:
    """Tickets of three queues in which nothing differs."""
    chance = np.random.default_rng(1)
    count = days * per_day
    return pd.DataFrame(
        {
            "unit": np.arange(count),
            "time": pd.Timestamp(START) + pd.to_timedelta(np.arange(count) * 86400 // per_day, "s"),
            "variant": np.where(chance.random(count) < 0.3, "candidate", "baseline"),
            "right": chance.random(count) < 0.85,
            "on_time": chance.random(count) < 0.7,
            "queue": chance.choice(["network", "mail", "desk"], count),
        }
    )


def main(looks: int) -> None:
    """Look every day, then verify."""
    frame = table(looks + 1)
    with tempfile.TemporaryDirectory() as folder:
        book = Ledger.open(Path(folder) / "rampgate.db")
        begun = time.perf_counter()
        for day in range(1, looks + 1):
            rampgate.check(POLICY, events=frame, as_of=START + timedelta(days=day), ledger=book)
        looked = time.perf_counter()
        found = verify_ledger(book)
        took = time.perf_counter() - looked
        assert found.ok, found.problem
        size = book.path.stat().st_size / 1e6
        print(f"{looks} looks in {looked - begun:.0f} s, {size:.1f} MB; verified in {took:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]))
