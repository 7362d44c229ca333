"""Drift of a rollout, window by window: read, compared, nothing recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rampgate.errors import DataError, UsageError
from rampgate.judge.drift import every_window, without
from rampgate.judge.drifted import DriftTable
from rampgate.judge.state import State
from rampgate.ledger import Ledger
from rampgate.policy import Policy, load_policy, refuse_not_judged
from rampgate.rollout.evaluate import read_case
from rampgate.rollout.looks import parse_moment, refuse_future
from rampgate.rollout.rows import events_engine


def drift_of(
    policy: Policy | str | Path | Mapping[str, Any],
    events: Any = None,
    as_of: str | date | datetime | None = None,
    ledger: Ledger | str | Path | None = None,
) -> DriftTable:
    """Every watched column in every complete window since the start, against its reference.

    Parameters
    ----------
    policy : a policy that watches for drift, its file, or its content
    events : frame, path or engine; the policy's ``source.events`` when left out
    as_of : windows that are complete by then; now when left out
    ledger : where the rollout's looks are recorded: the reference that they fixed is used; it is only read

    Raises
    ------
    UsageError : the policy watches nothing
    DataError : there is no reference, or no complete window
    """
    policy = load_policy(policy)
    refuse_not_judged(policy)
    if policy.drift is None:
        remedy = "add drift: {columns: {model_score: {psi: 0.2}}} to it"
        raise UsageError("the policy watches no column for drift", where=policy.origin.name or "policy", remedy=remedy)
    moment = parse_moment(as_of, policy.zone)
    refuse_future(moment)
    engine = events_engine(policy, events)
    try:
        case = read_case(policy, engine, _stands(policy, ledger), moment)
    finally:
        if engine is not events:
            engine.close()
    rows = every_window(case)
    lacking = [text for name in policy.drift.columns if (text := without(case, name)) is not None]
    if not rows:
        why = lacking[0] if lacking else f"no window since the start is complete before {case.look:%Y-%m-%d}"
        raise DataError(why, where=engine.name, remedy="see `reference` under drift, or look again later")
    return DriftTable(rows, f"{policy.rollout}, before {case.look:%Y-%m-%d}", tuple(lacking))


def _stands(policy: Policy, ledger: Ledger | str | Path | None) -> State:
    """Where the rollout stands by its ledger, with the reference that was fixed; at the beginning without one."""
    begun = State(candidate=policy.candidate)
    if ledger is None:
        return begun
    book = ledger if isinstance(ledger, Ledger) else Ledger.open(ledger, create=False)
    last = book.last(policy.rollout)
    stands = last.state() if last is not None else {}
    state = State.from_dict(stands) if stands else begun
    return state if state.candidate == policy.candidate else begun
