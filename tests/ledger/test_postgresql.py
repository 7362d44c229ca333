"""What a server can do to a ledger, each with an error that says what, where and the remedy, and no password."""

from __future__ import annotations

import os
import re
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from sqlalchemy import event
from tests.ledger.support import Where, add, contents, raw
from tests.postgres import database

from rampgate.errors import LedgerError
from rampgate.ledger import Ledger, digest, postgresql, verify

pytestmark = pytest.mark.parametrize("fresh", ["postgresql"], indirect=True)

LOCK, DOCUMENTS, RECORDS = "SELECT pg_advisory_xact_lock", "INSERT INTO documents", "INSERT INTO records"
PASSWORD = "p@ss/word?s:cr&t"


def explains(error: BaseException, what: str) -> None:
    assert re.match(rf"postgresql://\S+: {what}", str(error)), error
    assert "\n  remedy: " in str(error)


def role(where: Where, *settings: str, grants: tuple[str, ...] = (), login: str = "") -> str:
    """The ledger's URL for a new role, with what it may do and how its sessions begin."""
    name = f"gate_{os.getpid()}_{time.monotonic_ns()}"
    raw(where, f"CREATE ROLE {name} LOGIN {login}")
    for setting in settings:
        raw(where, f"ALTER ROLE {name} SET {setting}")
    raw(where, f"GRANT USAGE ON SCHEMA public TO {name}")
    for grant in grants:
        raw(where, f"GRANT {grant} ON ALL TABLES IN SCHEMA public TO {name}")
    return str(where).replace("postgres@", f"{name}@")


WRITES = ("SELECT", "INSERT")


@pytest.fixture
def tidy(where: Where) -> Iterator[None]:
    """Roles belong to the server, not to the database: taken away again."""
    yield
    for (name,) in raw(where, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'gate\\_%'"):
        raw(where, f"DROP OWNED BY {name}; DROP ROLE {name}")


def when(ledger: Ledger, statement: str, do: Callable[[Any], object], moment: str = "before_cursor_execute") -> Any:
    """Do something to the server's session, once, at a statement of the next transaction that writes."""
    done: list[int] = []

    def act(connection: Any, cursor: Any = None, text: str = "", *more: Any) -> None:
        writes = connection.get_execution_options().get("rampgate_write")
        if writes and not done and text.startswith(statement):
            done.append(1)
            do(connection.connection.dbapi_connection)

    event.listen(ledger._engine, moment, act)
    return done


# --- where it is


def _chain(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{error!s} {error!r} {error.args}"
        error = error.__cause__ or error.__context__


def test_a_server_that_is_not_there(fresh: Any) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open("postgresql://dana:secret@127.0.0.1:1/ledger?password=secret")
    explains(caught.value, "the ledger's server cannot be reached, or refused the connection")
    assert "secret" not in "".join([*_chain(caught.value), *traceback.format_exception(caught.value)]).replace(
        "dana:secret@127.0.0.1:1/ledger?password=secret", ""
    )


@pytest.fixture
def asking(postgres_server: str) -> Iterator[str]:
    """The server asks a role for its password."""
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        (file,) = admin.execute("SHOW hba_file").fetchone() or ("",)
        before = Path(file).read_text()
        admin.execute("SET password_encryption = 'scram-sha-256'")
        admin.execute(f"CREATE ROLE asked LOGIN PASSWORD '{PASSWORD}'".encode())
        Path(file).write_text(f"host all asked 127.0.0.1/32 scram-sha-256\n{before}")
        admin.execute("SELECT pg_reload_conf()")
        try:
            yield "asked"
        finally:
            Path(file).write_text(before)
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("DROP ROLE asked")


def test_passwords_are_used_and_never_told(
    where: Where, ledger: Ledger, asking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = add(ledger)
    raw(where, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO asked")
    host, name = urlsplit(str(where)).netloc.partition("@")[2], str(where).rpartition("/")[2]
    end = time.monotonic() + 10
    while time.monotonic() < end:  # until the server has read who is to be asked
        try:
            Ledger.open(f"postgresql://asked@{host}/{name}", create=False)
        except LedgerError:
            break
    allowed = Ledger.open(f"postgresql://asked:{quote(PASSWORD, safe='')}@{host}/{name}", create=False)
    assert allowed.last("triage") == record
    for wrong in ("wrong" + PASSWORD, "asked"):
        with pytest.raises(LedgerError, match="refused the connection") as caught:
            Ledger.open(f"postgresql://asked:{quote(wrong, safe='')}@{host}/{name}")
        assert wrong not in str(caught.value).replace("asked@", "")
    with pytest.raises(LedgerError) as caught:
        add(allowed, look="2")
    told = "".join([*_chain(caught.value), repr(allowed), repr(vars(allowed)), repr(allowed._engine), allowed.where])
    assert PASSWORD not in told
    assert quote(PASSWORD, safe="") not in told
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert Ledger.open(f"postgresql://asked@{host}/{name}", create=False).last("triage") == record
    raw(where, "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM asked")


@pytest.mark.parametrize("schema", ["gate", "with space", 'größe"; --', "public"])
def test_a_schema_of_its_own(postgres_database: str, fresh: Any, schema: str) -> None:
    raw(
        postgres_database, "CREATE TABLE tickets (id int)", "CREATE SCHEMA other", "CREATE TABLE other.records (id int)"
    )
    quoted = '"' + schema.replace('"', '""') + '"'
    if schema == "public":
        raw(postgres_database, "DROP TABLE tickets")
    else:
        raw(postgres_database, f"CREATE SCHEMA {quoted}")
    url = f"{postgres_database}?schema={quote(schema, safe='')}"
    ledger = Ledger.open(url)
    record = add(ledger)
    assert Ledger.open(url, create=False).last("triage") == record
    assert raw(postgres_database, f"SELECT count(*) FROM {quoted}.records") == [(1,)]
    assert ledger.unguarded() == []
    with pytest.raises(psycopg.errors.RestrictViolation):
        raw(postgres_database, f"DELETE FROM {quoted}.records")
    path = quote(f"-csearch_path={quoted}", safe="").replace("%20", "%5C%20")
    assert Ledger.open(f"{postgres_database}?options={path}", create=False).last("triage") == record


def test_ledgers_in_two_schemas_are_two(postgres_database: str, fresh: Any) -> None:
    raw(postgres_database, "CREATE SCHEMA a", "CREATE SCHEMA b")
    one, two = (Ledger.open(f"{postgres_database}?schema={name}") for name in "ab")
    add(one)
    assert two.last("triage") is None
    with one._transaction(write=True):
        assert add(two, look="2").sequence == 1  # nor do they wait for each other


def test_a_ledger_is_found_where_it_was_made(where: Where, ledger: Ledger) -> None:
    """A schema that is made later stands before it on the search path."""
    record = add(ledger)
    raw(where, "CREATE SCHEMA postgres")
    assert Ledger.open(where, create=False).last("triage") == record
    again = Ledger.open(where)
    raw(where, "CREATE TABLE postgres.records (sequence int)", "CREATE TABLE postgres.documents (sha256 text)")
    assert again.last("triage") == record
    assert add(again, look="2").sequence == 2


def test_no_schema_and_no_ledger_are_told(postgres_database: str, fresh: Any) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open(f"{postgres_database}?schema=absent")
    explains(caught.value, "there is no schema 'absent' in this database")
    with pytest.raises(LedgerError) as caught:
        Ledger.open(f"{postgres_database}?options=-csearch_path%3Dabsent")
    explains(caught.value, "the search path names no schema in this database")
    with pytest.raises(LedgerError) as caught:
        Ledger.open(postgres_database, create=False)
    explains(caught.value, "there is no ledger here: the schema is empty")
    assert raw(postgres_database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_database_of_something_else_is_left_alone(postgres_database: str, fresh: Any) -> None:
    raw(postgres_database, "CREATE TABLE records (id int)")
    with pytest.raises(LedgerError) as caught:
        Ledger.open(postgres_database)
    explains(caught.value, "this is a database of something else; it has the table records")
    assert "remedy: give the ledger a schema of its own" in str(caught.value)
    assert raw(postgres_database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(1,)]


def test_a_database_that_cannot_hold_every_name_is_refused(postgres_server: str, fresh: Any) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0")
    try:
        with pytest.raises(LedgerError) as caught:
            Ledger.open(postgres_server.rpartition("/")[0] + "/latin")
        explains(caught.value, "the database keeps its texts in LATIN1")
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as admin:
            admin.execute("DROP DATABASE latin")


# --- who may do what


def test_who_may_only_read_reads_and_is_told_why_not_more(where: Where, ledger: Ledger, tidy: None) -> None:
    record = add(ledger, document=b"one")
    before = contents(where)
    reader = Ledger.open(role(where, grants=("SELECT",)))
    assert list(reader.records()) == [record]
    assert reader.document(digest(b"one")) == b"one"
    assert reader.unguarded() == []
    with pytest.raises(LedgerError) as caught:
        add(reader, look="2")
    explains(caught.value, "this role may not do this in the ledger")
    assert contents(where) == before
    with pytest.raises(LedgerError) as caught:
        Ledger.open(role(where))
    explains(caught.value, "this role may not do this in the ledger")


def test_who_may_read_and_insert_is_all_that_recording_needs(where: Where, ledger: Ledger, tidy: None) -> None:
    url = role(where, grants=WRITES)
    assert add(Ledger.open(url), document=b"one").sequence == 1
    for statement in (
        "DELETE FROM records",
        "TRUNCATE documents",
        "DROP TRIGGER records_no_delete ON records",
        "ALTER TABLE records DISABLE TRIGGER records_no_delete",
        "CREATE OR REPLACE FUNCTION rampgate_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            raw(url, statement)
    assert ledger.unguarded() == []


def test_a_role_whose_transactions_are_read_only(where: Where, ledger: Ledger, tidy: None) -> None:
    with pytest.raises(LedgerError) as caught:
        add(Ledger.open(role(where, "default_transaction_read_only = on", grants=WRITES)))
    explains(caught.value, "the ledger is read-only")
    assert list(ledger.records()) == []


def test_what_a_role_sets_for_its_sessions_changes_nothing(where: Where, ledger: Ledger, tidy: None) -> None:
    url = role(
        where,
        "timezone = 'America/New_York'",
        "bytea_output = 'escape'",
        "client_encoding = 'LATIN1'",
        "datestyle = 'SQL, DMY'",
        "standard_conforming_strings = off",
        "default_transaction_isolation = 'serializable'",
        "synchronous_commit = off",
        "search_path = ''",
        grants=WRITES,
    )
    theirs = Ledger.open(f"{url}?schema=public")
    data = bytes(range(256)) * 3
    record = add(theirs, "größe 日本 \\ ' %s :x", "2026-01-05", document=data, recorded_at="2026-03-29T02:30:00+14:00")
    for one in (ledger, theirs):
        assert one.last(record.rollout) == record
        assert one.document(digest(data)) == data
    with theirs._transaction(write=True) as connection:
        for name, value in (
            ("synchronous_commit", "on"),
            ("transaction_isolation", "read committed"),
            ("lock_timeout", "30s"),
            ("idle_in_transaction_session_timeout", "1min"),
        ):
            assert connection.exec_driver_sql(f"SHOW {name}").scalar() == value
    with theirs._transaction() as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "repeatable read"
        assert connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on"


# --- what goes wrong on the way


def left_alone(where: Where, ledger: Ledger, before: Any) -> None:
    """Nothing is half-written, and the look can be asked again."""
    assert contents(where) == before
    record = add(ledger, look="2", document=b"two")
    assert record.sequence == 2
    assert add(ledger, look="2", document=b"two") == record
    assert verify(ledger.records()) == 2


@pytest.mark.parametrize("statement", [LOCK, DOCUMENTS, RECORDS])
@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute"])
def test_a_connection_that_is_lost(where: Where, ledger: Ledger, statement: str, moment: str) -> None:
    add(ledger, look="1", document=b"one")
    before = contents(where)
    ended = when(ledger, statement, lambda c: raw(where, f"SELECT pg_terminate_backend({c.info.backend_pid})"), moment)
    with pytest.raises(LedgerError) as caught:
        add(ledger, look="2", document=b"two")
    assert ended
    explains(caught.value, "the (ledger's server ended the connection|connection to the ledger's server was lost)")
    assert "check again: a record is there whole or not at all" in str(caught.value)
    left_alone(where, ledger, before)


def test_a_connection_that_is_cut_on_the_way(where: Where, ledger: Ledger) -> None:
    add(ledger, look="1", document=b"one")
    before = contents(where)

    def cut(connection: Any) -> None:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, connection.fileno())
        os.close(nothing)

    when(ledger, RECORDS, cut)
    with pytest.raises(LedgerError) as caught:
        add(ledger, look="2", document=b"two")
    explains(caught.value, "the connection to the ledger's server was lost")
    left_alone(where, ledger, before)


def test_a_commit_that_is_cut_off_is_asked_again(where: Where, ledger: Ledger) -> None:
    add(ledger, look="1", document=b"one")
    before = contents(where)
    when(ledger, "", lambda c: raw(where, f"SELECT pg_terminate_backend({c.info.backend_pid})"), "commit")
    with pytest.raises(LedgerError):
        add(ledger, look="2", document=b"two")
    left_alone(where, ledger, before)


def test_a_commit_whose_answer_was_lost_is_found_again(where: Where, ledger: Ledger) -> None:
    def commit(connection: Any) -> None:
        connection.commit()
        raise psycopg.OperationalError("the answer was lost")

    when(ledger, "", commit, "commit")
    with pytest.raises(LedgerError) as caught:
        add(ledger, look="1")
    explains(caught.value, "the connection to the ledger's server was lost")
    assert add(ledger, look="1", head=None).sequence == 1  # the same question, the same record
    assert len(list(ledger.records())) == 1


def test_a_server_that_starts_again(where: Where, ledger: Ledger) -> None:
    """A process of it is killed in mid-append: it ends all others and recovers."""
    add(ledger, look="1", document=b"one")
    before = contents(where)
    killed = when(ledger, RECORDS, lambda c: os.kill(c.info.backend_pid, signal.SIGKILL), "after_cursor_execute")
    with pytest.raises(LedgerError) as caught:
        add(ledger, look="2", document=b"two")
    assert killed
    explains(caught.value, "the ")
    end = time.monotonic() + 60
    while True:
        try:
            ledger.last("triage")
            break
        except LedgerError as error:  # it says so while it recovers
            explains(error, "the ledger's server ")
            assert time.monotonic() < end
            time.sleep(0.05)
    left_alone(where, ledger, before)


def test_a_statement_that_is_cancelled(where: Where, ledger: Ledger) -> None:
    add(ledger, look="1", document=b"one")
    before = contents(where)

    def cancel(connection: Any) -> None:
        connection.execute(f"SELECT pg_cancel_backend({connection.info.backend_pid}), pg_sleep(60)")

    when(ledger, RECORDS, cancel)
    with pytest.raises(LedgerError) as caught:
        add(ledger, look="2", document=b"two")
    explains(caught.value, "the server ended the statement")
    left_alone(where, ledger, before)


def test_a_statement_that_takes_longer_than_its_role_allows(where: Where, ledger: Ledger, tidy: None) -> None:
    theirs = Ledger.open(role(where, "statement_timeout = '300ms'", grants=WRITES))
    with ledger._transaction(write=True), pytest.raises(LedgerError) as caught:
        add(theirs)
    explains(caught.value, "the server ended the statement: it took longer than statement_timeout")
    assert add(theirs).sequence == 1


def test_a_ledger_that_stays_locked_can_be_read(where: Where, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    record = add(ledger)
    monkeypatch.setattr(postgresql, "PATIENCE_SECONDS", 0.1)
    other = Ledger.open(where)
    with ledger._transaction(write=True):
        assert other.last("triage") == record
        with pytest.raises(LedgerError) as caught:
            add(other, look="2")
    explains(caught.value, "another process has kept the ledger locked for 30 seconds")
    assert add(other, look="2").sequence == 2


def test_a_writer_that_falls_silent_does_not_stop_the_others(
    where: Where, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(where)
    monkeypatch.setattr(postgresql, "IDLE_SECONDS", 0.2)
    when(ledger, RECORDS, lambda _: other.append(add(Ledger.open(where), look="other")))
    other: list[Any] = []
    with pytest.raises(LedgerError) as caught:
        add(ledger, look="1")
    explains(caught.value, "the (server ended a transaction that had fallen silent|connection to the ledger's server)")
    assert [record.sequence for record in ledger.records()] == [1]
    assert other[0].previous_sha256 == "0" * 64
    assert before == [[], []]


def test_tables_that_are_gone(where: Where, ledger: Ledger) -> None:
    raw(where, "DROP TABLE records")
    with pytest.raises(LedgerError) as caught:
        ledger.last("triage")
    explains(caught.value, "the ledger's tables are not there any more")


def test_a_text_that_the_database_cannot_hold(where: Where, ledger: Ledger) -> None:
    with pytest.raises(LedgerError) as caught:
        add(ledger, "a\0b")
    explains(caught.value, "the ledger cannot be used")
    assert contents(where) == [[], []]


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ("53100", "the disk of the ledger's server is full"),
        ("53300", "the ledger's server is short of something"),
        ("57P01", "the ledger's server ended the connection"),
        ("40001", "another transaction stood in the way"),
        ("XX001", "the ledger is damaged"),
        ("23505", "the ledger refused what was to be written"),
        ("0A000", "the ledger cannot be used"),
    ],
)
def test_errors_of_servers_are_mapped(ledger: Ledger, state: str, what: str) -> None:
    with pytest.raises(LedgerError) as caught, ledger._transaction():
        raise psycopg.errors.lookup(state)("why")
    explains(caught.value, f"{what} \\(why\\)")


def test_a_database_that_was_dropped(postgres_server: str, fresh: Any) -> None:
    with database(postgres_server) as url:
        ledger = Ledger.open(url)
    with pytest.raises(LedgerError, match="refused the connection"):
        ledger.last("triage")
