"""What the ledger says: where rollouts stand, and what was decided."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rampgate.errors import UsageError
from rampgate.judge.decision import traffic_after
from rampgate.judge.state import State
from rampgate.ledger import Ledger
from rampgate.report.terminal import STYLES, indented
from rampgate.report.words import percent, signed


def _rollouts(ledger: Ledger, only: str | None) -> list[str]:
    names = ledger.rollouts()
    if only is None:
        return names
    if only not in names:
        raise UsageError(
            f"no rollout {only!r} in this ledger",
            where=str(ledger.path),
            remedy=f"it holds: {', '.join(names) or 'none'}",
        )
    return [only]


def status_rows(ledger: Ledger, only: str | None = None) -> list[dict[str, Any]]:
    """One JSON object per rollout: its state, and its last decision."""
    rows = []
    for name in _rollouts(ledger, only):
        record = ledger.last(name)
        if record is None:
            continue
        decision, state = record.entry()["decision"], State.from_dict(record.state())
        traffic = traffic_after(decision["decision"], decision["phase"])
        rows.append(
            {
                "rollout": name,
                "attempt": state.attempt,
                "candidate": state.candidate,
                "status": state.status,
                "phase": {"index": state.phase, "of": decision["phase"]["of"], "traffic": traffic},
                "since": state.since.isoformat() if state.since else None,
                "last_decision": decision["decision"],
                "last_look": decision["look"],
                "decision_id": record.sha256,
                "reasons": decision["reasons"],
                "waiting_for": decision["waiting_for"],
            }
        )
    return rows


def status_view(rows: list[dict[str, Any]]) -> RenderableType:
    """Status for people."""
    parts: list[RenderableType] = []
    for row in rows:
        phase, decision = row["phase"], row["last_decision"]
        head = Text.assemble((row["rollout"], "bold"), "  ", (decision.upper(), STYLES[decision]))
        state, candidate = row["status"].replace("_", " "), row["candidate"]
        share = f"candidate {candidate} should have {percent(phase['traffic'])} of traffic"
        parts += [head, indented(f"{state}, phase {phase['index']} of {phase['of']}: {share}")]
        parts += [indented(f"{reason['code']}: {reason['message']}") for reason in row["reasons"]]
        for item in row["waiting_for"]:
            when = f", expected {item['expected_at'][:10]}" if item["expected_at"] else ""
            parts.append(indented(f"waits for {item['what']}{when}"))
    return Group(*parts) if parts else Text("no rollout in this ledger")


def history_rows(ledger: Ledger, only: str | None = None) -> list[dict[str, Any]]:
    """One JSON object per decision."""
    known = _rollouts(ledger, only)
    rows = []
    for record in ledger.records(only):
        if record.rollout not in known or record.kind != "decision":
            continue
        decision = record.entry()["decision"]
        rows.append(
            {
                "decision_id": record.sha256,
                "previous_sha256": record.previous_sha256,
                "recorded_at": record.recorded_at,
                **{key: decision[key] for key in ("rollout", "attempt", "look", "phase", "decision", "kpi", "reasons")},
            }
        )
    return rows


def history_view(rows: list[dict[str, Any]]) -> RenderableType:
    """History for people: one line per decision."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for name in ("id", "rollout", "try", "look", "traffic", "decision", "KPI diff."):
        table.add_column(name, no_wrap=True)
    table.add_column("first reason", no_wrap=True, overflow="ellipsis", max_width=20)
    for row in rows:
        decision = row["decision"]
        table.add_row(
            row["decision_id"][:8],
            row["rollout"],
            str(row["attempt"]),
            row["look"][:10],
            percent(row["phase"]["traffic"]),
            Text(decision.upper(), STYLES[decision]),
            signed(row["kpi"]["difference"]),
            row["reasons"][0]["code"] if row["reasons"] else "",
        )
    return table if rows else Text("no decision in this ledger")
