"""What every contender computes, in one order: groups and metrics."""

from __future__ import annotations

#: Metrics by name in rampgate's policy, sorted, and their columns.
COLUMNS = {
    "accuracy": "correct",
    "csat": "csat",
    "escalation": "escalation_correct",
    "hours": "resolution_hours",
    "override": "overridden",
    "sla": "sla_met",
}
#: Metrics whose columns have NULLs.
HOLES = ("csat", "escalation", "hours")
GROUPS: list[tuple[str, str] | None] = [
    None,
    *(("queue", f"queue_{i}") for i in range(8)),
    *(("urgency", level) for level in ("critical", "high", "low", "medium")),
    *(("geo", f"geo_{i}") for i in range(6)),
]
