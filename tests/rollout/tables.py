"""Tables of tickets for end-to-end tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

POLICY: dict[str, Any] = {
    "rollout": "triage",
    "baseline": "v1",
    "candidate": "v2",
    "source": {"unit": "ticket", "time": "opened_at", "variant": "version"},
    "metrics": {
        "right": {"kind": "proportion", "column": "right"},
        "override": {"kind": "proportion", "column": "override", "better": "lower"},
    },
    "kpi": {"weights": {"right": 0.6, "override": 0.4}, "margin": "5pp"},
    "guardrails": {"override": {"margin": "5pp"}},
    "rollback": {"override": {"worse_by": "1pp", "expect": "4pp"}, "kpi": {"worse_by": "1pp"}},
    "segments": {"by": ["queue"], "guardrails": {"override": {"margin": "10pp"}}, "minimum_units": 50},
    "phases": [
        {"traffic": "30%", "at_least": "7d", "minimum_units": 100},
        {"traffic": "50%", "at_least": "7d", "go": "non_inferior", "require": ["kpi"]},
        {"traffic": "100%"},
    ],
}


def ramp(day: np.ndarray) -> np.ndarray:
    """Traffic of the first two phases of POLICY, when the first is left after seven days."""
    return np.where(day < 7, 0.3, 0.5)


def tickets(
    days: int = 30,
    per_day: int = 200,
    traffic: Callable[[np.ndarray], np.ndarray] | float = 0.3,
    harm: float = 0.0,
    from_day: int = 0,
    seed: int = 1,
    start: str = "2026-01-05",
) -> pd.DataFrame:
    """Random tickets; from ``from_day`` on the candidate's override rate is higher by ``harm``."""
    rng = np.random.default_rng(seed)
    n = days * per_day
    day = np.repeat(np.arange(days), per_day)
    share = traffic(day) if callable(traffic) else traffic
    version = np.where(rng.random(n) < share, "v2", "v1")
    chance = 0.15 + np.where((version == "v2") & (day >= from_day), harm, 0.0)
    minutes = rng.integers(0, 24 * 60, n)
    at = pd.Timestamp(start) + pd.to_timedelta(day, unit="D") + pd.to_timedelta(minutes, unit="min")
    return pd.DataFrame(
        {
            "ticket": [f"T{i:06d}" for i in range(n)],
            "opened_at": at,
            "version": version,
            "right": rng.random(n) < 0.85,
            "override": rng.random(n) < chance,
            "queue": rng.choice(["network", "mail", "desk"], n),
        }
    )


def write_policy(folder: Path, **changes: Any) -> Path:
    """POLICY as a YAML file (JSON is YAML), reading ``tickets.csv`` beside it."""
    import json

    content = {**POLICY, "source": {**POLICY["source"], "events": "tickets.csv"}, **changes}
    path = folder / "policy.yaml"
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not None}, indent=1))
    return path
