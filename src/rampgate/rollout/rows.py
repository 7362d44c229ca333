"""The rows of a look. Apart from the looks themselves, so that whoever only reads needs no ledger."""

from __future__ import annotations

from typing import Any

from rampgate.errors import UsageError
from rampgate.policy import Policy
from rampgate.source import Engine, open_engine


def events_engine(policy: Policy, events: Any) -> Engine:
    """The engine that holds the rows: those passed, else those that the policy names, beside its file."""
    chosen = policy.source.events if events is None else events
    if chosen is None:
        remedy = "name a file under source.events, or pass a frame as events="
        raise UsageError("the policy names no events and none were passed", where="source.events", remedy=remedy)
    base = policy.path.parent if policy.path is not None and events is None else None
    return open_engine(chosen, base=base)
