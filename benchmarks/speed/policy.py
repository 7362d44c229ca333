"""The policies that are looked at: six metrics by queue, urgency and geo."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

METRICS = {
    "accuracy": {"kind": "proportion", "column": "correct"},
    "override": {"kind": "proportion", "column": "overridden", "better": "lower"},
    "sla": {"kind": "proportion", "column": "sla_met"},
    "escalation": {"kind": "proportion", "column": "escalation_correct"},
    "hours": {"kind": "mean", "column": "resolution_hours", "better": "lower"},
    "csat": {"kind": "mean", "column": "csat", "best": 5, "worst": 1},
}
SEGMENTS = ("queue", "urgency", "geo")


def write(path: Path, events: str, start: date, cluster: str | None = None) -> Path:
    """A policy file (JSON is YAML)."""
    source = {"events": events, "unit": "unit_id", "time": "ts", "variant": "variant", "look": "week", "window": "week"}
    content = {
        "rollout": "bench",
        "baseline": "baseline",
        "candidate": "candidate",
        "source": source | ({} if cluster is None else {"cluster": cluster}),
        "start": start.isoformat(),
        "metrics": METRICS,
        "kpi": {"weights": {"accuracy": 0.4, "sla": 0.35, "override": 0.25}, "margin": "3pp"},
        "rollback": {"override": {"worse_by": "1pp"}},
        "segments": {"by": list(SEGMENTS), "guardrails": {"override": {"margin": "5pp"}}},
        "phases": [{"traffic": "50%", "at_least": "7d", "go": "no_harm"}, {"traffic": "100%"}],
    }
    path.write_text(json.dumps(content), "utf-8")
    return path
