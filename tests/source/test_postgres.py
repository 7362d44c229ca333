"""What a PostgreSQL server may do to a look: every failure is an error of ours that says what to do, and none a GO."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from sqlglot import exp
from tests.aggregate.support import look, only, policy, tickets
from tests.contract.engines import into_postgres
from typer.testing import CliRunner

from rampgate.cli.app import app
from rampgate.errors import SourceError, UsageError
from rampgate.policy import load_policy
from rampgate.policy.place import without_password
from rampgate.source import Column, open_engine
from rampgate.source.postgres import PostgresEngine, split

SECRET = "tr0ub4dor"


@pytest.fixture
def url(postgres_database: str) -> str:
    """The URL of a table of 300 tickets."""
    return into_postgres(postgres_database, tickets(300).drop_columns(["unused"]))


@pytest.fixture
def execute(postgres_database: str) -> Iterator[Callable[..., list[Any]]]:
    """Run statements as the database's owner, each in a transaction of its own."""
    with psycopg.connect(postgres_database, autocommit=True) as connection:

        def run(statement: str) -> list[Any]:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

        yield run


def as_role(url: str, role: str) -> str:
    return url.replace("//postgres@", f"//{role}:{SECRET}@")


def refused(source: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        look(source, policy())
    assert caught.value.exit_code == 1
    assert SECRET not in str(caught.value)
    return caught.value


def test_a_role_that_may_only_read_is_enough(url, execute):
    execute(f"CREATE ROLE reader_{id(url)} LOGIN PASSWORD '{SECRET}'")
    execute(f"GRANT SELECT ON tickets TO reader_{id(url)}")
    try:
        assert look(as_role(url, f"reader_{id(url)}"), policy()).intake.used == 300
    finally:
        execute(f"DROP OWNED BY reader_{id(url)}; DROP ROLE reader_{id(url)}")


def test_nothing_can_be_written(url, execute):
    execute("CREATE FUNCTION spoil() RETURNS int LANGUAGE sql VOLATILE AS 'DELETE FROM tickets; SELECT 1'")
    with PostgresEngine.open(url) as engine, pytest.raises(SourceError, match="read-only transaction"):
        engine.query(exp.Select().select(exp.alias_(exp.Anonymous(this="SPOIL"), "n")))


def test_a_look_sees_one_state_of_the_table(url, execute):
    """Rows that come while it reads are not half there: the whole look is one transaction."""
    with PostgresEngine.open(url) as engine:
        count = exp.Select().select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(engine.relation())
        before = engine.query(count)["n"][0]
        execute("DELETE FROM tickets")
        assert engine.query(count)["n"][0] == before == 300
    with PostgresEngine.open(url) as again:
        assert again.query(count)["n"][0] == 0


def test_a_table_that_is_not_there(url, execute):
    execute('CREATE SCHEMA other; CREATE TABLE other."Tickets" (a int)')
    error = refused(url.replace("table=public.", "table=no."))
    assert error.what.startswith("there is no table 'no.")
    assert error.remedy is not None
    assert "public.tickets, other.Tickets" in error.remedy or "other.Tickets, public.tickets" in error.remedy


@pytest.mark.parametrize("table", ["", "a.b.c", "a..b", '"a', "."])
def test_a_url_that_names_no_table(url, table):
    with pytest.raises(UsageError, match=r"table=|names no table"):
        open_engine(f"{url.partition('?')[0]}?table={table}")
    with pytest.raises(UsageError, match="names no table"):
        open_engine(url.partition("?")[0])


def test_a_table_that_may_not_be_read(url, execute):
    execute(f"CREATE ROLE stranger_{id(url)} LOGIN")
    try:
        error = refused(as_role(url, f"stranger_{id(url)}"))
        assert "permission denied" in error.what
        assert error.remedy is not None
        assert error.remedy.startswith("GRANT SELECT")
    finally:
        execute(f"DROP ROLE stranger_{id(url)}")


def test_a_server_that_is_not_there():
    error = refused(f"postgresql://anna:{SECRET}@127.0.0.1:1/x?table=t")
    assert "refused" in error.what


def test_a_database_and_a_role_that_are_not_there(url):
    assert "correct the database" in str(refused(f"{url.partition('?')[0]}_no?table=tickets"))
    assert "nobody" in str(refused(url.replace("//postgres@", "//nobody@")))


def test_a_statement_that_takes_too_long(url, execute):
    execute("ALTER TABLE tickets RENAME TO slow")
    execute("CREATE VIEW tickets AS SELECT slow.* FROM slow, pg_sleep(1.5)")
    error = refused(f"{url}&statement_timeout=200ms")
    assert "statement timeout" in error.what
    assert "statement_timeout=10min" in str(error)
    with pytest.raises(UsageError, match="no time for a statement"):
        open_engine(f"{url}&statement_timeout=soon")


@pytest.mark.parametrize(("function", "says"), [("pg_cancel_backend", "cancelled"), ("pg_terminate_backend", "lost")])
def test_a_query_that_is_cancelled_and_a_connection_that_is_dropped(url, execute, function, says):
    execute("ALTER TABLE tickets RENAME TO slow")
    execute("CREATE VIEW tickets AS SELECT slow.* FROM slow, pg_sleep(20)")
    found: list[SourceError] = []
    waiting = threading.Thread(target=lambda: found.append(refused(url)))
    waiting.start()
    ended = (
        f"SELECT {function}(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name = 'rampgate'"
    )
    while waiting.is_alive() and not execute(ended):
        waiting.join(0.05)
    waiting.join()
    assert says in found[0].what


def test_the_columns_and_what_they_hold(postgres_database, execute):
    execute("CREATE TYPE mood AS ENUM ('bad', 'good'); CREATE DOMAIN share AS double precision")
    execute(
        "CREATE TABLE kinds (a bool, b smallint, c numeric, d numeric(9,2), e real, f mood, g share, h uuid, i jsonb, "
        "j date, k timestamp, l timestamptz, m int[], n bytea, o char(4), p interval)"
    )
    with PostgresEngine.open(f"{postgres_database}?table=kinds") as engine:
        assert [column.type for column in engine.columns()] == [
            "boolean", "integer", "decimal", "decimal", "number", "text", "number", "text", "text", "date",
            "timestamp", "timestamptz", "other", "other", "text", "other",
        ]  # fmt: skip
        assert engine.columns()[0] == Column("a", "boolean")


def test_answers_are_of_the_types_that_engines_promise(url):
    with PostgresEngine.open(url) as engine:
        values = {
            "whole": "1", "gap": "NULL::int", "real": "1.5::real", "sum": "12.25::numeric", "text": "'ä'",
            "nothing": "NULL::text", "day": "DATE '2026-01-05'", "at": "TIMESTAMP '1969-12-31 23:59:59.5'",
            "never": "NULL::date", "far": "TIMESTAMP 'infinity'", "late": "DATE '-infinity'", "true": "true",
        }  # fmt: skip
        select = exp.Select().select(*(exp.alias_(_parsed(sql), name) for name, sql in values.items()))
        found = engine.query(select)
    assert {name: array.dtype.str[1:] for name, array in found.items()} == {
        "whole": "i8", "gap": "f8", "real": "f8", "sum": "f8", "text": "O", "nothing": "O", "day": "M8[D]",
        "at": "M8[us]", "never": "M8[D]", "far": "M8[us]", "late": "M8[D]", "true": "i8",
    }  # fmt: skip
    assert (found["sum"][0], found["text"][0], found["nothing"][0]) == (12.25, "ä", None)
    assert found["day"][0] == np.datetime64("2026-01-05")
    assert found["at"][0] == np.datetime64("1969-12-31T23:59:59.5")
    assert all(np.isnat(found[name][0]) for name in ("never", "far", "late"))


def _parsed(sql: str) -> exp.Expr:
    from sqlglot import parse_one

    return parse_one(sql, read="postgres")


def test_times_at_infinity_are_none(postgres_database, execute):
    """And a decimal that is no number is unknown, one without end no value."""
    execute("CREATE TABLE t (ticket int, version text, opened timestamptz, x numeric)")
    execute(
        "INSERT INTO t SELECT i, CASE i % 2 WHEN 0 THEN 'v1' ELSE 'v2' END, '2026-01-05 12:00Z'::timestamptz, "
        "CASE i % 5 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' ELSE '0.5' END::numeric FROM generate_series(1, 40) i"
    )
    execute("UPDATE t SET opened = 'infinity' WHERE ticket = 3")
    execute("UPDATE t SET opened = '-infinity' WHERE ticket = 4")
    reading = look(f"{postgres_database}?table=t", only("mean"))
    assert reading.intake.null_time == 2
    assert reading.intake.malformed == (("m", 8, "Infinity"),)
    known = reading.cells.components.index("m:known")
    assert (reading.cells.n @ reading.cells.mean[:, known]) == 40 - 2 - 8 - 8


def test_names_with_dots_and_capitals(postgres_database):
    url = into_postgres(postgres_database, tickets(50).drop_columns(["unused"]), 'a.B "c"', "My.Schema")
    place = url.partition("?")[0]
    assert look(f'{place}?table="My.Schema"."a.B ""c"""', policy()).intake.used == 50


def test_a_password_is_shown_and_recorded_nowhere(url, tmp_path: Path, execute):
    execute(f"CREATE ROLE owner_{id(url)} LOGIN SUPERUSER")
    place = as_role(url, f"owner_{id(url)}")
    policy_file = tmp_path / "policy.yaml"
    policy_file.write_text(
        "baseline: v1\ncandidate: v2\nstart: 2026-03-23\n"
        f"source: {{events: '{place}', unit: ticket, time: opened, variant: version}}\n"
        "metrics: {ok: {kind: proportion, column: correct}}\nkpi: {weights: {ok: 1}}\n"
        "phases: [{traffic: 40%}, {traffic: 100%}]\n"
    )
    said = []
    try:
        for arguments in (["check"], ["validate", "--no-simulation"], ["check", "--explain-sql"], ["check", "--json"]):
            result = CliRunner().invoke(app, [arguments[0], str(policy_file), *arguments[1:], "--as-of", "2026-04-06"]
                                        if arguments[0] == "check" else [*arguments, str(policy_file)])  # fmt: skip
            said.append(result.output)
    finally:
        execute(f"DROP ROLE owner_{id(url)}")
    assert json.loads(said[-1])["decision"] in ("go", "hold", "rollback")
    assert all(text and SECRET not in text for text in said)
    assert SECRET.encode() not in (tmp_path / "rampgate.db").read_bytes()
    with_it, without = load_policy(policy_file), load_policy(policy_file.read_text().replace(f":{SECRET}", ""))
    assert with_it.sha256() == without.sha256()
    assert with_it.source.events == place


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://a:b@h:1/d?table=t", "postgresql://a@h:1/d?table=t"),
        ("postgresql://h/d?user=a&password=b&table=s.t", "postgresql://h/d?user=a&table=s.t"),
        ("postgresql:///d?table=t", "postgresql:///d?table=t"),
        ("tickets/*.parquet", "tickets/*.parquet"),
        ("a:b@c.csv", "a:b@c.csv"),
    ],
)
def test_what_is_shown_of_a_place(given, shown):
    assert without_password(given) == shown


def test_the_driver_gets_the_rest_of_the_url():
    target, ours = split(
        "postgresql://a:b%20c@h:5433/d?table=s.t&statement_timeout=5s&sslmode=require&options=-c%20x%3Dy"
    )
    assert target == "postgresql://a:b%20c@h:5433/d?sslmode=require&options=-c%20x%3Dy"
    assert ours == {"table": "s.t", "statement_timeout": "5s"}
