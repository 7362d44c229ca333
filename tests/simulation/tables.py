"""A table of a baseline before any launch, and policies for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rampgate.policy import Policy, load_policy
from rampgate.simulation.table import Figure


def table(days: int = 28, per_day: int = 120, seed: int = 1, unknown: float = 0.0) -> pd.DataFrame:
    """Tickets whose override goes with being wrong, busier on weekdays; a queue of each."""
    rng = np.random.default_rng(seed)
    weekday = np.arange(days) % 7
    count = rng.poisson(np.where(weekday < 5, per_day, per_day / 3))
    day = np.repeat(np.arange(days), count)
    n = len(day)
    opened = pd.Timestamp("2026-01-05") + pd.to_timedelta(day * 86400 + rng.integers(0, 86400, n), unit="s")
    right = rng.random(n) < 0.9
    hours = rng.gamma(2.0, 12.0, n)
    made = pd.DataFrame(
        {
            "unit": np.arange(n).astype(str),
            "time": opened,
            "variant": "v1",
            "right": right.astype(float),
            "override": rng.random(n) < np.where(right, 0.1, 0.4),
            "missed": rng.random(n) < 0.02,
            "score": np.clip(rng.normal(4.0, 1.0, n), 1, 5),
            "asked": rng.random(n) < 0.5,
            "resolved": opened + pd.to_timedelta(hours * 3600, unit="s"),
            "queue": rng.choice(np.array(["network", "mail", "other"]), n, p=[0.5, 0.3, 0.2]),
        }
    )
    made["answered"] = made["asked"] & (rng.random(n) < 0.7)
    if unknown:
        made.loc[rng.random(n) < unknown, "right"] = np.nan
    made["minutes"], made["before"] = rng.gamma(2.0, 12.0, n), made["score"] + rng.normal(0.0, 0.7, n)
    return made


def policy(**changes: Any) -> Policy:
    """Two proportions and a KPI by queue; every key can be replaced."""
    content: dict[str, Any] = {
        "baseline": "v1",
        "candidate": "v2",
        "metrics": {
            "right": {"kind": "proportion", "column": "right"},
            "override": {"kind": "proportion", "column": "override", "better": "lower"},
        },
        "kpi": {"weights": {"right": 0.6, "override": 0.4}, "margin": "6pp", "floor": 0.7},
        "guardrails": {"override": {"margin": "8pp"}},
        "rollback": {"override": {"worse_by": "2pp", "expect": "6pp"}, "kpi": {"worse_by": "2pp"}},
        "segments": {
            "by": ["queue"],
            "guardrails": {"override": {"margin": "8pp"}},
            "rollback": {"right": {"worse_by": "5pp"}},
            "minimum_units": 30,
        },
        "phases": [
            {"traffic": "20%", "at_least": "4d", "minimum_units": 60},
            {"traffic": "50%", "at_least": "6d", "go": "non_inferior"},
            {"traffic": "100%", "holdout": "10%"},
        ],
    }
    return load_policy({key: value for key, value in {**content, **changes}.items() if value is not None})


def value(figure: Figure) -> float:
    """An estimate that must be there."""
    assert figure.estimate is not None
    return figure.estimate


def error(figure: Figure) -> float:
    """The error of an estimate that must be there."""
    assert figure.error is not None
    return figure.error
