"""What a look would run, as text: nothing is run, and nothing recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlglot import exp

from rampgate.aggregate.columns import check_columns
from rampgate.aggregate.plan import Plan, assumed_columns, plan
from rampgate.judge.state import State
from rampgate.ledger import Ledger
from rampgate.policy import Policy, load_policy, refuse_not_judged
from rampgate.rollout.looks import look_at, parse_moment, switches
from rampgate.rollout.rows import events_engine
from rampgate.source import Column
from rampgate.source.emit import WRITTEN, dialect
from rampgate.source.open import warehouse

#: What the queries rest on, in the words of each engine.
_SETTINGS = {
    "databricks": "SET TIME ZONE 'UTC'",
    "snowflake": "ALTER SESSION SET TIMEZONE = 'UTC', WEEK_START = 1",
    "trino": "SET TIME ZONE 'UTC'",
}


def explain_sql(
    policy: Policy | str | Path | Mapping[str, Any],
    events: Any = None,
    as_of: str | date | datetime | None = None,
    ledger: Ledger | None = None,
    written_for: str | None = None,
) -> str:
    """The queries of a look, one after the other, with comments.

    Only the names and types of the columns are asked for. Of a warehouse that this version does not reach they are
    taken from the policy.

    Parameters
    ----------
    policy, events, as_of : as of `check`
    ledger : says where the rollout stands; it is read
    written_for : the dialect; that of the engine that holds the rows when left out

    Raises
    ------
    PolicyError, ColumnError, UsageError : the policy does not fit, or there is no such dialect
    SourceError : the columns cannot be read
    """
    policy = load_policy(policy)
    refuse_not_judged(policy)
    moment = parse_moment(as_of, policy.zone)
    last = None if ledger is None else ledger.last(policy.rollout)
    state = State.from_dict(last.state()) if last is not None and last.state() else None
    relation, columns, name, assumed = _rows(policy, events, written_for)
    said = dialect(written_for or name)
    check_columns(policy, columns, policy.source.events or "the rows")
    found = plan(
        policy, said, relation, columns, look_at(policy, moment), switches(policy, state),
        None if state is None else state.start, None if state is None else state.bounds, said.dialect == "duckdb",
    )  # fmt: skip
    return "\n".join(_lines(policy, moment, said.dialect, found, assumed))


def _rows(policy: Policy, events: Any, written_for: str | None) -> tuple[exp.Expr, Sequence[Column], str, bool]:
    """What to select from, its columns, the engine's dialect, and whether the columns are assumed."""
    place = policy.source.events if events is None else events
    found = warehouse(place)
    if found is not None:
        return exp.to_table(found[1]), assumed_columns(policy), found[0], True
    engine = events_engine(policy, events)
    try:
        relation = engine.relation()
        if written_for is not None and dialect(written_for).dialect != engine.dialect:
            relation = exp.to_table("events", quoted=True)
        return relation, engine.columns(), engine.dialect, False
    finally:
        if engine is not events:
            engine.close()


def _lines(policy: Policy, moment: datetime, written_for: str, found: Plan, assumed: bool) -> Iterator[str]:
    yield f"-- {_one_line(policy.rollout)}: what a look as of {moment.isoformat()} runs, in {written_for}"
    yield "-- Nothing was run and nothing recorded."
    if written_for in WRITTEN:
        yield f"-- This version does not reach {written_for}: the SQL is written for it, and untested against it."
    if assumed:
        yield "-- The columns are taken to be of the types that the policy's metrics need."
    for taken in found.taken:
        yield f"-- {taken[0].upper()}{taken[1:]}."
    if written_for in _SETTINGS:
        yield f"-- The session needs: {_SETTINGS[written_for]}"
    for number, query in enumerate(found.queries, 1):
        yield ""
        yield f"-- {number}. {query.why}"
        yield f"{query.sql};"


def _one_line(text: str) -> str:
    return " ".join(text.split())
