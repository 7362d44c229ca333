"""Write a ledger with the code of today, for every later version to verify: ``python -m tests.data.ledgers.make NAME``.

Act two of the demo, and a rollout with a metric of every kind: looks that hold, go and roll back, a policy that is
changed on the way, and a second candidate.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import rampgate
from rampgate.demo.acts import Act, broken, play
from rampgate.demo.tickets import load
from rampgate.ledger import Ledger

FOLDER = Path(__file__).parent
POLICY: dict[str, Any] = {
    "rollout": "kinds",
    "baseline": "v1",
    "candidate": "v2",
    "source": {"unit": "ticket", "time": "opened", "variant": "version"},
    "start": "2026-01-12",
    "timezone": "Europe/Oslo",
    "metrics": {
        "right": {"kind": "proportion", "column": "right"},
        "stars": {"kind": "mean", "column": "stars", "best": 5, "worst": 1},
        "cost": {"kind": "mean", "column": "cost", "better": "lower", "bounds": "reference"},
        "escalated_well": {"kind": "ratio", "numerator": "well", "denominator": "escalated"},
        "slowest": {"kind": "quantile", "column": "cost", "q": 0.9, "better": "lower"},
        "missed": {"kind": "rare_event", "column": "missed"},
        "resolved": {"kind": "time_to_event", "from": "opened", "to": "closed", "within": "24h"},
        "hours": {
            "kind": "time_to_event",
            "from": "opened",
            "to": "closed",
            "mean_up_to": "24h",
            "better": "lower",
            "test": "hazard",
        },
    },
    "kpi": {"weights": {"right": 0.7, "stars": 0.3}, "margin": "5pp", "floor": "50%"},
    "guardrails": {"stars": {"margin": 0.5}, "escalated_well": {"margin": "20pp"}, "resolved": {"margin": "10pp"}},
    "rollback": {
        "right": {"worse_by": "2pp", "expect": "5pp"},
        "cost": {"worse_by": "10%"},
        "slowest": {"worse_by": 20},
        "missed": {"worse_by": 0},
        "hours": {"worse_by": 0, "expect": "30%"},
    },
    "segments": {"by": ["queue"], "guardrails": {"right": {"margin": "10pp"}}, "minimum_units": 50},
    "harm_budget": {"right": 200},
    "phases": [
        {"traffic": "30%", "at_least": "3d", "minimum_units": 100},
        {"traffic": "50%", "at_least": "3d", "go": "within_budget"},
        {"traffic": "100%"},
    ],
}


def table(candidate: str, first: int, last: int, harm: float, seed: int) -> pd.DataFrame:
    """Tickets from one day of January 2026 to another; the baseline alone before the start."""
    chance = np.random.default_rng(seed)
    day = np.repeat(np.arange(first, last), 150)
    count = len(day)
    new = (day >= 12) & (chance.random(count) < 0.3)
    opened = pd.Timestamp("2026-01-01", tz="Europe/Oslo") + pd.to_timedelta(day - 1, "D")
    opened += pd.to_timedelta(chance.integers(0, 24 * 60, count), "min")
    escalated = chance.random(count) < 0.3
    return pd.DataFrame(
        {
            "ticket": [f"{candidate}-{i}" for i in range(count)],
            "opened": opened,
            "closed": opened + pd.to_timedelta(chance.exponential(9, count), "h"),
            "version": np.where(new, candidate, "v1"),
            "right": chance.random(count) < np.where(new, 0.85 - harm, 0.85),
            "stars": np.where(chance.random(count) < 0.2, np.nan, chance.integers(1, 6, count)),
            "cost": chance.lognormal(3, 1, count).round(2),
            "escalated": escalated,
            "well": escalated & (chance.random(count) < 0.7),
            "missed": chance.random(count) < 0.01,
            "queue": chance.choice(["network", "mail", "größe"], count),
        }
    )


def main(name: str) -> None:
    """Play everything into one ledger and pack it."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "rampgate.db"
        book = Ledger.open(path)
        list(play(Act("act-two", Path(place) / "act-two", broken, frozenset({1, 2, 3, 4})), load(), book))
        first = table("v2", 1, 25, 0.0, 1)
        for day in (13, 16, 17):
            rampgate.check(POLICY, events=first, as_of=f"2026-01-{day}", ledger=book)
        changed = {**POLICY, "guardrails": {**POLICY["guardrails"], "stars": {"margin": 0.6}}}
        for day in (20, 24):
            rampgate.check(changed, events=first, as_of=f"2026-01-{day}", ledger=book)
        both = pd.concat([first, table("v3", 25, 32, 0.4, 2)])
        for day in (27, 31):
            rampgate.check({**changed, "candidate": "v3"}, events=both, as_of=f"2026-01-{day}", ledger=book)
        for record in book.records():
            print(record.rollout, record.attempt, record.entry()["decision"]["decision"])
        (FOLDER / f"{name}.db.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
