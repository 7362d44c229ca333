"""The query itself: one pass, the same text each time, and only names and values that were asked for."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlglot import exp
from tests.aggregate.support import policy

from rampgate.aggregate.needs import needs
from rampgate.aggregate.query import aggregate_query
from rampgate.aggregate.rows import Question, flagged
from rampgate.policy import Policy
from rampgate.source import Column, MemoryEngine

COLUMNS = [
    Column("ticket", "text"), Column("opened", "timestamptz"), Column("version", "text"), Column("queue", "text"),
    Column("correct", "boolean"), Column("overridden", "boolean"), Column("hours", "number"),
    Column("escalated", "boolean"), Column("escalation_correct", "boolean"),
]  # fmt: skip


def question(chosen: Policy, **changes: str) -> Question:
    types = {column.name: column.type for column in COLUMNS} | changes
    engine = MemoryEngine(COLUMNS, lambda _: {})
    start = datetime(2026, 1, 5, tzinfo=UTC)
    before = datetime(2026, 2, 1, tzinfo=UTC)
    return Question(chosen, needs(chosen), engine, types, False, before, (start,), start)  # type: ignore[arg-type]


def test_it_is_one_pass() -> None:
    select = aggregate_query(question(policy()))
    assert len(list(select.find_all(exp.Table))) == 1
    assert not list(select.find_all(exp.Join))
    assert not list(select.find_all(exp.Window))


def test_it_is_the_same_text_each_time_and_for_keys_in_any_order() -> None:
    chosen = policy()
    first = aggregate_query(question(chosen)).sql("duckdb")
    assert aggregate_query(question(chosen)).sql("duckdb") == first
    assert aggregate_query(question(Policy.from_canonical(chosen.canonical()))).sql("duckdb") == first


def test_it_reads_only_the_columns_that_the_policy_names() -> None:
    select = aggregate_query(question(policy()))
    read = {column.name for column in select.find_all(exp.Column) if column.table == "events"}
    assert read == {column.name for column in COLUMNS}
    assert all(column.this.args["quoted"] for column in select.find_all(exp.Column) if column.table == "events")


def test_what_follows_from_counts_is_not_asked_for() -> None:
    select = aggregate_query(question(policy(kpi={"weights": {"right": 0.5, "override": 0.5}})))
    names = {item.alias_or_name for item in select.selects}
    assert not any(name.startswith(("cov_5", "cov_7")) for name in names)
    assert {name for name in names if name.startswith("joint")} == {"joint_5_7", "joint_5_8", "joint_6_7", "joint_6_8"}
    assert {name for name in names if name.startswith("cov")} == {"cov_0_0", "cov_0_1", "cov_1_1", "cov_3_3"}


def test_only_columns_that_can_hold_nonsense_are_checked_for_it() -> None:
    chosen = policy()
    assert flagged(question(chosen)) == (1,)
    assert flagged(question(chosen, correct="text", hours="integer", escalated="text")) == (0, 3)


def test_zones_with_changes_of_clocks_are_written_out() -> None:
    sql = aggregate_query(question(policy(timezone="Europe/Berlin"))).sql("duckdb")
    assert "INTERVAL '3600' SECOND" in sql
    assert "INTERVAL '7200' SECOND" in sql
    assert "AT TIME ZONE 'Europe/Berlin'" in sql
    assert "AT TIME ZONE" not in aggregate_query(question(policy())).sql("duckdb")
