"""Looks and acts for derived incidents, without a ledger."""

from __future__ import annotations

from typing import Any

from rampgate.incident.derive import Incidents, Look
from rampgate.incident.values import Act, Failed
from rampgate.ledger import digest

#: Of the policies in these tests: the KPI is made of `right` and `override`, and not of `missed`.
PARTS = ("right", "override")


def known() -> Incidents:
    return Incidents(lambda _: PARTS)


def criterion(name: str) -> Failed:
    """``rollback:override`` or ``guardrail:override@queue=mail``."""
    rule, _, where = name.partition("@")
    kind, metric = rule.split(":")
    return Failed(name, kind, metric, dict([where.split("=")]) if where else None)


def look(day: int, *failed: str, before: tuple[str, ...] = (), **changes: Any) -> Look:
    """A look at which criteria failed; it rolls back where one of them does."""
    rolls = any(name.startswith("rollback") for name in failed)
    told: dict[str, Any] = {
        "record": digest(f"look {day}".encode()),
        "rollout": "triage",
        "attempt": 1,
        "candidate": "v2",
        "policy": "p",
        "look": f"2026-01-{day:02}T00:00:00+00:00",
        "decision": "rollback" if rolls else "hold",
        "failed": tuple(map(criterion, failed)),
        "before": frozenset(before),
        "stood": "running",
    }
    return Look(**{**told, **changes})


def act(what: str, person: str, **says: Any) -> Act:
    at = "2026-02-01T09:00:00+00:00"
    return Act(digest(f"{what} {person} {says}".encode()), at, person, what, says)


def review(owner: str = "lee", causes: int = 1, actions: int = 1, due: str = "2026-03-01") -> dict[str, Any]:
    """What a submitted review says."""
    one = {"what": "mend it", "owner": "kim", "kind": "prevent", "due": due}
    return {"owner": owner, "causes": ["a cause"] * causes, "actions": [one] * actions}
