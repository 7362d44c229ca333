"""What ``validate`` says of a policy: its criteria as sentences, its defaults, and whether the source fits it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from rampgate.aggregate.read import read
from rampgate.policy import Policy, defaults, load_policy, refuse_not_judged, sentences, warnings
from rampgate.report.terminal import indented
from rampgate.rollout.evaluate import events_engine


def validation(path: Path, events: Any = None) -> dict[str, Any]:
    """Load, lint and compare with the source; errors are raised, the rest is returned as JSON.

    A policy without ``source.events`` is checked without its columns, and the result says so.
    """
    policy = load_policy(path)
    refuse_not_judged(policy)
    return {
        "ok": True,
        "policy_sha256": policy.sha256(),
        "sentences": sentences(policy),
        "defaults": defaults(policy),
        "warnings": warnings(policy),
        "source": _source(policy, events),
    }


def _source(policy: Policy, events: Any) -> dict[str, Any] | None:
    """What a look taken now would read; None when there is nothing to read."""
    if events is None and policy.source.events is None:
        return None
    engine = events_engine(policy, events)
    try:
        _, intake, start, _ = read(policy, engine, (), datetime.now(UTC))
    finally:
        engine.close()
    return {
        "name": engine.name,
        "rows": intake.rows,
        "used": intake.used,
        "start": start.isoformat() if start else None,
        "newest": intake.newest.isoformat() if intake.newest else None,
        "malformed": [{"metric": m, "count": n, "example": example} for m, n, example in intake.malformed],
        "other_variants": dict(intake.other_variants),
        "duplicate_units": intake.duplicate_units,
    }


def validation_view(found: dict[str, Any]) -> RenderableType:
    """The same for people."""
    parts: list[RenderableType] = [
        Text("the policy is valid", "bold green"),
        Text(f"sha256 {found['policy_sha256']}", "dim"),
    ]
    for title, key in (("What it says", "sentences"), ("Defaults", "defaults"), ("Warnings", "warnings")):
        if found[key]:
            parts.append(Text(f"\n{title}", "bold"))
            parts += [indented(line) for line in found[key]]
    source = found["source"]
    parts.append(Text("\nSource", "bold"))
    if source is None:
        parts.append(indented("none named: columns are checked at the first look"))
    else:
        parts.append(indented(f"{source['name']}: {source['used']} of {source['rows']} rows can be used"))
        parts.append(indented(f"evidence starts on {source['start'] or 'the day of the first candidate row'}"))
        parts += [
            Text(
                f"  metric {m['metric']}: {m['count']} values are not of its kind, such as {m['example']!r}",
                "red",
            )
            for m in source["malformed"]
        ]
    return Group(*parts)
