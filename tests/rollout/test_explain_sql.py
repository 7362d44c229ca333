"""``check --explain-sql``: the queries of a look, as they are run, in every dialect, without running one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel
from tests.aggregate.support import look, tickets
from tests.contract.test_engines import NASTY
from tests.rollout.test_every_kind import METRICS, table
from typer.testing import CliRunner

from rampgate.cli.app import app
from rampgate.errors import NotJudgedYet, SourceError, UsageError
from rampgate.policy import load_policy
from rampgate.rollout.explain_sql import explain_sql
from rampgate.source import Column, MemoryEngine, open_engine
from rampgate.source.duckdb import DuckDBEngine
from rampgate.source.emit import RUN, WRITTEN

DIALECTS = (*RUN, *WRITTEN)
COLUMNS = [
    Column("ticket", "integer"), Column("opened", "text"), Column("version", "text"), Column(NASTY[1], "text"),
    Column("queue \\ `x` 'y", "number"), Column("ok", "text"), Column("x", "decimal"), Column("before", "number"),
    Column("top", "integer"), Column("bottom", "integer"), Column("rare", "boolean"), Column("closed", "timestamp"),
    Column("labelled", "timestamptz"),
]  # fmt: skip
SEVERAL = {"time_format": ["%d/%m/%Y %H:%M", "%d-%b-%y"]}

#: Metrics that ask for every part of a query: late labels, a covariate, a ratio, counts, a histogram.
ONCE = ("known", "less", "good", "missed", "p90")

JUDGED = {name: METRICS[name] for name in ONCE}


def never(select: exp.Expr) -> Any:
    raise AssertionError(f"it was run: {select.sql()}")


def chosen(**source: Any) -> dict[str, Any]:
    """A policy with a metric of every kind, over columns of every type whose names look like SQL."""
    return {
        "rollout": "triage", "baseline": NASTY[0], "candidate": NASTY[2], "timezone": "Europe/Berlin",
        "source": {"unit": "ticket", "time": "opened", "variant": "version", **source},
        "metrics": {**JUDGED, "is": {"kind": "proportion", "column": NASTY[1], "equals": NASTY[5]}},
        "kpi": {"weights": {"known": 1}}, "segments": {"by": ["queue \\ `x` 'y"]},
        "phases": [{"traffic": "10%"}, {"traffic": "100%"}],
    }  # fmt: skip


def queries(text: str) -> list[str]:
    """The statements of an explanation without its comments."""
    lines = [line for line in text.split("\n") if not line.startswith("-- ")]
    return [sql.strip() for sql in "\n".join(lines).split(";\n\n") if sql.strip()]


@pytest.mark.parametrize("name", DIALECTS)
def test_it_parses_again_in_the_dialect_and_nothing_is_run(name: str) -> None:
    engine = MemoryEngine(COLUMNS, never, "tickets")
    text = explain_sql(chosen(**SEVERAL), engine, "2026-03-01", written_for=name)
    assert engine.queries == []
    found = sqlglot.parse(text, read=name)
    assert len(found) == len(re.findall("^-- [0-9]+[.] ", text, re.MULTILINE)) >= 8  # cells and histograms, twice
    literals = set[str]()
    for tree in found:
        assert isinstance(tree, exp.Select)
        tree.sql(name, unsupported_level=ErrorLevel.RAISE)
        held = {column.name for column in tree.find_all(exp.Column) if column.table == "events"}
        assert held <= {column.name for column in COLUMNS} | {
            f"{word}{i}" for word in ("word", "parsed") for i in range(9)
        } | {"*"}
        assert not list(tree.find_all(exp.Command, exp.Drop, exp.Delete))
        literals |= {one.name for one in tree.find_all(exp.Literal) if one.is_string}
    assert {NASTY[0], NASTY[2], NASTY[5]} <= literals
    assert ("untested" in text) == (name in WRITTEN)


def test_what_is_written_is_what_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[str] = []
    real = DuckDBEngine._run

    def noted(engine: DuckDBEngine, sql: str) -> Any:
        ran.append(sql)
        return real(engine, sql)

    monkeypatch.setattr(DuckDBEngine, "_run", noted)
    rows = table(20, 40, 1.0)
    policy = load_policy({**chosen(), "metrics": JUDGED, "segments": {"by": ["queue"]},
                          "start": "2026-01-05", "baseline": "v1", "candidate": "v2"})  # fmt: skip
    text = explain_sql(policy, rows, "2026-01-26")
    assert len(ran) == 1
    assert ran.pop().startswith("DESCRIBE")
    look(rows, policy, datetime(2026, 1, 25, 23, tzinfo=UTC))
    plain = {sqlglot.parse_one(sql, read="duckdb").sql("duckdb") for sql in ran if sql.startswith("SELECT")}
    written = [tree.sql("duckdb", comments=False) for tree in sqlglot.parse(text, read="duckdb") if tree is not None]
    assert set(written[:-2]) == plain  # the last two are for units that repeat, and none does
    assert text.count("where units repeat") == 2


def test_postgres_takes_every_query(postgres_database: str) -> None:
    kinds = {"text": "text", "integer": "bigint", "number": "double precision", "decimal": "numeric",
             "boolean": "boolean", "timestamp": "timestamp", "timestamptz": "timestamptz"}  # fmt: skip
    made = ", ".join(f'"{name.replace(chr(34), 2 * chr(34))}" {kinds[kind]}' for name, kind in COLUMNS)
    with psycopg.connect(postgres_database) as connection:
        connection.execute(f"CREATE TABLE events ({made})".encode())
        connection.commit()
        events = f"{postgres_database}?table=events"
        for sql in queries(explain_sql(chosen(**SEVERAL), events, "2026-03-01")):
            connection.execute(f"EXPLAIN {sql}".encode())


@pytest.mark.parametrize(
    ("events", "table"),
    [
        ("bigquery://project/data.tickets", '`project`.`data`.`tickets`'),
        ("snowflake://account/?table=DB.S.TICKETS", '"DB"."S"."TICKETS"'),
        ("trino://host:8080/hive/s/tickets", '"hive"."s"."tickets"'),
        ("databricks://host?table=main.s.tickets", "`main`.`s`.`tickets`"),
    ],
)  # fmt: skip
def test_a_warehouse_that_is_not_reached(events: str, table: str) -> None:
    metrics = {"ok": {"kind": "proportion", "column": "ok"}, "p90": METRICS["p90"], "solved": METRICS["solved"]}
    policy = {**chosen(events=events), "metrics": metrics, "kpi": {"weights": {"ok": 1}}}
    text = explain_sql(policy, None, "2026-03-01")
    assert f"FROM {table} AS" in text
    assert "columns are taken to be" in text
    with pytest.raises(NotJudgedYet, match="--explain-sql") as caught:
        open_engine(events)
    assert caught.value.exit_code == 2


def test_no_dialect_of_that_name() -> None:
    with pytest.raises(UsageError, match="'oracle' is no dialect"):
        explain_sql(chosen(), MemoryEngine(COLUMNS, never), "2026-03-01", written_for="oracle")
    with pytest.raises(SourceError, match="there is no such file"):
        explain_sql(chosen(events="none.csv"), None, "2026-03-01")


POLICY = """
baseline: v1
candidate: v2
source: {events: rows.duckdb, unit: ticket, time: opened, variant: version}
metrics: {ok: {kind: proportion, column: correct}}
kpi: {weights: {ok: 1}}
phases: [{traffic: 40%}, {traffic: 100%}]
"""


def test_the_command_records_nothing(tmp_path: Path) -> None:
    given = tickets(60).drop_columns(["unused"])
    with duckdb.connect(tmp_path / "rows.duckdb") as connection:
        connection.register("given", given)
        connection.execute("CREATE TABLE t AS SELECT * FROM given")
    (tmp_path / "policy.yaml").write_text(POLICY)
    command = ["check", str(tmp_path / "policy.yaml"), "--as-of", "2026-04-06"]
    shown = CliRunner().invoke(app, [*command, "--explain-sql"])
    assert shown.exit_code == 0, shown.output
    assert "-- 1. the candidate's first row\nSELECT" in shown.output
    assert not (tmp_path / "rampgate.db").exists()
    other = CliRunner().invoke(app, [*command, "--explain-sql", "--dialect", "postgres"])
    assert 'FROM "events" AS "events"' in other.output
    assert CliRunner().invoke(app, command).exit_code in (0, 10, 20)
    after = CliRunner().invoke(app, [*command, "--explain-sql"])
    assert "first row" not in after.output  # the ledger says when the rollout began
    assert CliRunner().invoke(app, [*command, "--dialect", "spark"]).exit_code == 2
    assert CliRunner().invoke(app, [*command, "--explain-sql", "--json"]).exit_code == 2
