from __future__ import annotations

import sqlite3
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from tests.ledger.conftest import Fresh
from tests.ledger.support import WHEN, Where, add, contents, is_postgresql, literal, raw, without_triggers

from rampgate.errors import LedgerError, LedgerMoved, UsageError
from rampgate.ledger import GENESIS, Ledger, Record, canonical, digest, look_key, verify
from rampgate.ledger.migrations import guards


def test_a_new_ledger_is_empty(ledger: Ledger) -> None:
    assert ledger.state("triage") is None
    assert ledger.last("triage") is None
    assert ledger.find("k") is None
    assert list(ledger.records()) == []
    assert ledger.rollouts() == []


def test_what_was_appended_comes_back(where: Where, ledger: Ledger) -> None:
    first = add(ledger, look="2026-01-05", document=b"policy")
    second = add(ledger, look="2026-01-06", document=b"day 1")
    again = Ledger.open(where)
    assert list(again.records()) == [first, second]
    assert again.last("triage") == second
    assert again.state("triage") == {"looks": 2} == second.state()
    assert again.find(first.key) == first
    assert again.document(digest(b"policy")) == b"policy"
    assert first.entry() == {"decision": "hold", "look": "2026-01-05", "document": digest(b"policy")}


def test_the_chain_links_across_rollouts(ledger: Ledger) -> None:
    records = [add(ledger, rollout, look) for look in ("1", "2", "3") for rollout in ("a", "b")]
    assert [record.sequence for record in records] == [1, 2, 3, 4, 5, 6]
    assert records[0].previous_sha256 == GENESIS
    for before, after in pairwise(records):
        assert after.previous_sha256 == before.sha256
    assert verify(ledger.records()) == 6
    assert ledger.rollouts() == ["a", "b"]
    assert list(ledger.records("b")) == records[1::2]


def test_the_same_key_gives_the_same_record_and_writes_nothing(where: Where, ledger: Ledger) -> None:
    first = add(ledger, look="2026-01-05")
    add(ledger, look="2026-01-06")
    before = contents(where)
    # Asked again with a stale head, by a later clock and with other documents: it is the same question.
    again = add(
        ledger,
        look="2026-01-05",
        head=None,
        document=b"new",
        recorded_at="2026-02-01T00:00:00Z",
        state={"looks": 99},
    )
    assert again == first
    assert contents(where) == before
    assert ledger.state("triage") == {"looks": 2}


def test_a_moved_head_writes_nothing(where: Where, ledger: Ledger) -> None:
    stale = add(ledger, look="1").sha256
    add(ledger, look="2")
    before = contents(where)
    for head in (stale, None, "0" * 64):
        with pytest.raises(LedgerMoved, match="rollout triage"):
            add(ledger, look="3", head=head, document=b"new")
    with pytest.raises(LedgerMoved):
        add(ledger, "another", "3", head=stale, document=b"new")
    assert contents(where) == before


def test_another_rollout_does_not_move_the_head(ledger: Ledger) -> None:
    head = add(ledger, "a", "1").sha256
    add(ledger, "b", "1")
    assert add(ledger, "a", "2", head=head).sequence == 3


def test_documents_are_kept_once_and_checked(where: Where, ledger: Ledger) -> None:
    add(ledger, look="1", document=b"policy")
    add(ledger, look="2", document=b"policy")
    assert raw(where, "SELECT count(*) FROM documents") == [(1,)]
    assert ledger.has_documents([digest(b"policy"), digest(b"other")]) == {digest(b"policy")}
    with pytest.raises(LedgerError, match="is not in the ledger"):
        ledger.document(digest(b"other"))
    before = contents(where)
    with pytest.raises(LedgerError, match="a document is given as"):
        add(ledger, look="3", documents={digest(b"x"): b"x", digest(b"y"): b"z"})
    assert contents(where) == before


def test_many_documents_are_looked_up_in_parts(ledger: Ledger) -> None:
    documents = {digest(body): body for body in (str(number).encode() for number in range(1201))}
    add(ledger, documents=documents)
    assert ledger.has_documents([*documents, "absent"]) == set(documents)
    assert ledger.has_documents([]) == set()
    assert ledger.documents(documents) == documents
    assert ledger.documents([]) == {}
    with pytest.raises(LedgerError, match="is not in the ledger"):
        ledger.documents([*documents, digest(b"other")])


def test_excerpts_are_the_parts_of_every_record_of_a_rollout(ledger: Ledger) -> None:
    head = None
    for look in range(203):  # more than are read in one transaction
        head = add(ledger, "a", str(look), head=head).sha256
        if look % 50 == 0:
            add(ledger, f"b{look}", str(look))
    paths = ("$.sequence", "$.entry", "$.state", "$.no.such.place")
    whole = [record.content() for record in ledger.records("a")]
    assert list(ledger.excerpts("a", paths)) == [[c["sequence"], c["entry"], c["state"], None] for c in whole]
    assert list(ledger.excerpts("c", paths)) == []


@pytest.mark.parametrize("body", [b"\0", b'{"entry":1}', b"text"])
def test_an_altered_record_has_no_excerpts(where: Where, ledger: Ledger, body: bytes) -> None:
    add(ledger, "a", "1")
    without_triggers(where)
    raw(where, f"UPDATE records SET body = {literal(where, body)}")
    with pytest.raises(LedgerError, match="is not that of the record's bytes"):
        list(ledger.excerpts("a", ("$.sequence", "$.entry")))


def test_an_altered_document_is_refused(where: Where, ledger: Ledger) -> None:
    add(ledger, document=b"policy")
    without_triggers(where)
    raw(where, f"UPDATE documents SET body = {literal(where, bytes(1))}")
    with pytest.raises(LedgerError, match="altered after it was recorded"):
        ledger.document(digest(b"policy"))


@pytest.mark.parametrize(
    "column",
    ["sequence", "rollout", "attempt", "kind", "key", "body", "sha256", "previous_sha256", "recorded_at"],
)
def test_an_altered_record_is_never_returned(where: Where, ledger: Ledger, column: str) -> None:
    record = add(ledger)
    without_triggers(where)
    raw(where, f"UPDATE records SET {column} = '7'")
    for read in (
        lambda: list(ledger.records()),
        lambda: ledger.get(record.sha256),
        lambda: ledger.state("triage"),
    ):
        try:
            found = read()
        except (LedgerError, UsageError):
            continue
        assert found is None  # the altered record is not this rollout's any more, or has not this id
        assert column in {"rollout", "sha256"}
    with pytest.raises(LedgerError):
        list(ledger.records())
    with pytest.raises(LedgerError):
        add(ledger, look="next", head=record.sha256)


SECOND = "(SELECT sha256 FROM records WHERE sequence = 2)"
FORGED = (
    "{verb} INTO records SELECT {sequence}, rollout, attempt, kind, {key}, body, 'x', {previous}, "
    "recorded_at FROM records WHERE sequence = 1"
)


def test_an_insert_that_follows_the_chain_is_let_through(where: Where, ledger: Ledger) -> None:
    """So that the refusals below are due to what is wrong in each."""
    add(ledger, look="1")
    add(ledger, look="2")
    raw(where, FORGED.format(verb="INSERT", sequence=3, key="'k'", previous=SECOND))
    assert raw(where, "SELECT count(*) FROM records") == [(3,)]


CHANGES = [
    "UPDATE records SET kind = 'approval'",
    "DELETE FROM records",
    "DELETE FROM records WHERE sequence = 2",
    "UPDATE documents SET sha256 = 'x'",
    "DELETE FROM documents",
    FORGED.format(verb="INSERT", sequence=3, key="key", previous=SECOND),  # a key again
    FORGED.format(verb="INSERT", sequence=4, key="'k'", previous=SECOND),  # a gap
    FORGED.format(verb="INSERT", sequence=3, key="'k'", previous="previous_sha256"),  # a fork
]
OF_SQLITE = [
    "UPDATE OR REPLACE records SET sequence = 2",
    "INSERT OR REPLACE INTO documents SELECT sha256, x'00' FROM documents",
    "INSERT OR REPLACE INTO records SELECT * FROM records WHERE sequence = 1",
    FORGED.format(verb="INSERT OR REPLACE", sequence=3, key="key", previous=SECOND),
]
REPLICA = "SET session_replication_role = replica; "
OF_POSTGRESQL = [
    "TRUNCATE records",
    "TRUNCATE documents",
    "TRUNCATE records, documents",
    "INSERT INTO documents SELECT sha256, '' FROM documents ON CONFLICT (sha256) DO UPDATE SET body = ''",
    "INSERT INTO records SELECT * FROM records ON CONFLICT (sequence) DO UPDATE SET kind = 'approval'",
    "MERGE INTO documents d USING documents n ON d.sha256 = n.sha256 WHEN MATCHED THEN UPDATE SET body = ''",
    "MERGE INTO records r USING documents n ON r.sequence = 1 WHEN MATCHED THEN DELETE",
    # Triggers rest in such a session, unless they are always enabled.
    REPLICA + "DELETE FROM records",
    REPLICA + "TRUNCATE documents",
    # A table of one's own in front of the ledger's.
    f"CREATE TEMP TABLE records AS SELECT 8 AS sequence, 'x' AS sha256, '' AS key; "
    f"{FORGED.format(verb='INSERT', sequence=9, key='key', previous=chr(39) + 'x' + chr(39))}".replace(
        "records SELECT", "public.records SELECT"
    ).replace("FROM records WHERE", "FROM public.records WHERE"),
]


def refuses(where: Where, ledger: Ledger, statement: str) -> None:
    add(ledger, look="1")
    add(ledger, look="2")
    before = contents(where)
    refusal = psycopg.errors.RestrictViolation if is_postgresql(where) else sqlite3.IntegrityError
    with pytest.raises(refusal, match=r"never (changed|deleted|replaced)|must follow"):
        raw(where, statement)
    assert contents(where) == before


@pytest.mark.parametrize("statement", CHANGES)
def test_the_database_itself_refuses_changes(where: Where, ledger: Ledger, statement: str) -> None:
    refuses(where, ledger, statement)


@pytest.mark.parametrize("fresh", ["sqlite"], indirect=True)
@pytest.mark.parametrize("statement", OF_SQLITE)
def test_sqlite_refuses_changes_of_its_own_kinds(where: Where, ledger: Ledger, statement: str) -> None:
    refuses(where, ledger, statement)


@pytest.mark.parametrize("fresh", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statement", OF_POSTGRESQL)
def test_postgresql_refuses_changes_of_its_own_kinds(where: Where, ledger: Ledger, statement: str) -> None:
    refuses(where, ledger, statement)


@pytest.mark.parametrize("name", sorted({*guards.SQLITE, *guards.POSTGRESQL}))
def test_a_guard_that_is_gone_is_noticed(where: Where, ledger: Ledger, name: str) -> None:
    assert ledger.unguarded() == []
    made = guards.POSTGRESQL if is_postgresql(where) else guards.SQLITE
    if name not in made:
        return
    table = name.partition("_")[0]
    raw(where, f"DROP TRIGGER {name}" + (f" ON {table}" if is_postgresql(where) else ""))
    assert ledger.unguarded() == [name]
    # One of the same name that lets everything through.
    if is_postgresql(where):
        raw(where, f"CREATE TRIGGER {name} AFTER INSERT ON {table} EXECUTE FUNCTION rampgate_refuse('never')")
    else:
        raw(where, f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN 0 BEGIN SELECT 1; END")
    assert ledger.unguarded() == [name]


@pytest.mark.parametrize("fresh", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE records DISABLE TRIGGER records_no_delete",
        "ALTER TABLE records ENABLE TRIGGER records_no_delete",
        "ALTER TABLE records ENABLE REPLICA TRIGGER records_no_delete",
        "DROP TRIGGER records_no_delete ON records; CREATE TRIGGER records_no_delete BEFORE DELETE ON records FOR EACH "
        "ROW WHEN (false) EXECUTE FUNCTION rampgate_refuse('records are never deleted'); "
        "ALTER TABLE records ENABLE ALWAYS TRIGGER records_no_delete",
    ],
)
def test_a_guard_that_is_put_to_sleep_is_noticed(where: Where, ledger: Ledger, statement: str) -> None:
    raw(where, statement)
    assert ledger.unguarded() == ["records_no_delete"]


@pytest.mark.parametrize("fresh", ["postgresql"], indirect=True)
def test_a_guard_whose_function_was_replaced_is_noticed(where: Where, ledger: Ledger) -> None:
    raw(where, "CREATE OR REPLACE FUNCTION rampgate_new() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
    assert ledger.unguarded() == ["documents_new"]


class Interrupted(BaseException):
    """Neither an error of the ledger nor an Exception: whatever it is, nothing may be half-written."""


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute"])
@pytest.mark.parametrize("statement", ["lock", "INSERT INTO documents", "INSERT INTO records"])
@pytest.mark.parametrize("error", [RuntimeError, Interrupted])
def test_an_interrupted_append_leaves_nothing(
    where: Where, ledger: Ledger, moment: str, statement: str, error: type[BaseException]
) -> None:
    add(ledger, look="1", document=b"one")
    before = contents(where)

    lock = "SELECT pg_advisory_xact_lock" if is_postgresql(where) else "BEGIN IMMEDIATE"

    def interrupt(connection: Any, cursor: Any, text: str, *more: Any) -> None:
        if text.startswith(lock if statement == "lock" else statement):
            raise error("in the middle")

    event.listen(ledger._engine, moment, interrupt)
    with pytest.raises(error, match="in the middle"):
        add(ledger, look="2", document=b"two")
    event.remove(ledger._engine, moment, interrupt)
    assert contents(where) == before
    assert ledger.state("triage") == {"looks": 1}
    assert add(ledger, look="2", document=b"two").sequence == 2


def test_an_append_interrupted_at_its_commit_leaves_nothing(where: Where, ledger: Ledger) -> None:
    before = contents(where)

    def interrupt(connection: Any) -> None:
        if connection.get_execution_options()["rampgate_write"]:
            assert connection.exec_driver_sql("SELECT count(*) FROM records").scalar() == 1
            raise RuntimeError("in the middle")

    event.listen(ledger._engine, "commit", interrupt)
    with pytest.raises(RuntimeError, match="in the middle"):
        add(ledger)
    event.remove(ledger._engine, "commit", interrupt)
    assert contents(where) == before
    assert add(ledger).sequence == 1


def test_a_body_without_canonical_form_writes_nothing(where: Where, ledger: Ledger) -> None:
    before = contents(where)
    with pytest.raises(LedgerError, match=r"\.entry\.p is nan"):
        add(ledger, body={"p": float("nan")}, document=b"x")
    with pytest.raises(LedgerError, match=r"\.state\.since is of type set"):
        add(ledger, state={"since": {1}}, document=b"x")
    assert contents(where) == before


def test_ids_are_found_by_prefix(where: Where, ledger: Ledger) -> None:
    records = [add(ledger, look=str(number)) for number in range(20)]
    for record in records:
        assert ledger.get(record.sha256) == record
        assert ledger.get(record.sha256[:16].upper()) == record
    absent = next(f"{n:04x}" for n in range(65536) if not any(r.sha256.startswith(f"{n:04x}") for r in records))
    with pytest.raises(UsageError, match="no record has this id"):
        ledger.get(absent)
    for malformed in ("", "abc", "xyzw", "1234%", "0" * 65):
        with pytest.raises(UsageError, match="4 to 64 hexadecimal digits"):
            ledger.get(malformed)


def test_an_ambiguous_id_is_refused(ledger: Ledger) -> None:
    seen: dict[str, Record] = {}
    for number in range(3000):  # among 600 hashes two with the same four digits are all but certain
        record = add(ledger, look=str(number))
        if (other := seen.setdefault(record.sha256[:4], record)) is not record:
            break
    with pytest.raises(UsageError, match="several records begin with this id"):
        ledger.get(record.sha256[:4])
    assert ledger.get(other.sha256) == other


def test_reading_goes_on_while_others_write(ledger: Ledger) -> None:
    for number in range(230):
        add(ledger, "ab"[number % 2], str(number))
    reading = ledger.records()
    read = [next(reading)]
    add(ledger, "a", "meanwhile")  # neither waits for the reader nor is seen by it
    read += reading
    assert [record.sequence for record in read] == list(range(1, 231))
    assert [record.sequence for record in ledger.records("b")] == list(range(2, 231, 2))


@pytest.mark.parametrize("fresh", ["sqlite"], indirect=True)
def test_connections_are_durable_and_patient(ledger: Ledger) -> None:
    with ledger._engine.connect() as connection:
        for name, value in (("synchronous", 3), ("foreign_keys", 1), ("busy_timeout", 30_000)):
            assert connection.exec_driver_sql(f"PRAGMA {name}").scalar() == value, name


def head_of(ledger: Ledger, rollout: str) -> str | None:
    last = ledger.last(rollout)
    return last.sha256 if last else None


STEP = st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.booleans())


@given(steps=st.lists(STEP, max_size=15))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_ledger_agrees_with_a_list(fresh: Fresh, steps: list[tuple[str, int, bool]]) -> None:
    with fresh() as where:
        ledger = Ledger.open(where)
        expected: list[tuple[str, str, int]] = []  # rollout, key, state
        for rollout, look, stale in steps:
            mine = [item for item in expected if item[0] == rollout]
            key = look_key(rollout, 1, str(look), "p" * 64, "s" * 64)
            head = None if stale else head_of(ledger, rollout)
            known = any(item[1] == key for item in expected)
            try:
                record = add(ledger, rollout, str(look), head=head)
            except LedgerMoved:
                assert stale
                assert mine
                assert not known
                continue
            assert record.key == key
            assert known or not (stale and mine)
            if not known:
                expected.append((rollout, key, len(mine) + 1))
        found = [(record.rollout, record.key, record.state()["looks"]) for record in ledger.records()]
        assert found == expected
        assert verify(ledger.records()) == len(expected)


def test_the_bytes_do_not_depend_on_the_ledger_but_on_what_is_recorded(path: Path, postgres_database: str) -> None:
    records = []
    for where in (path, postgres_database):
        ledger = Ledger.open(where)
        add(ledger, look="1")
        records.append(add(ledger, look="2"))
    assert records[0] == records[1]
    assert canonical(records[0].content()) == records[0].body
    assert records[0].recorded_at == WHEN


@pytest.mark.parametrize("other", [{"rollout": "other"}, {"kind": "human"}, {"attempt": 2}])
def test_a_record_of_something_else_is_no_answer(where: Where, other: dict[str, Any]) -> None:
    ledger = Ledger.open(where)
    key = add(ledger).key
    with pytest.raises(LedgerError, match="a record of something else has the key"):
        add(ledger, **{"rollout": "triage", "key": key, **other})
    assert len(list(ledger.records())) == 1


@pytest.mark.parametrize("table", ["records", "documents"])
def test_an_insert_that_is_swallowed_is_no_record(where: Where, table: str) -> None:
    ledger = Ledger.open(where)
    add(ledger)
    assert ledger.strange() == []
    if is_postgresql(where):
        raw(where, f"CREATE RULE quiet AS ON INSERT TO {table} DO INSTEAD NOTHING")
    else:
        raw(where, f"CREATE TRIGGER quiet BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END")
    before = contents(where)
    with pytest.raises(LedgerError, match="does not have it"):
        add(ledger, look="2026-01-06", document=b"new")
    assert contents(where) == before
    (said,) = ledger.strange()
    assert "quiet that no version of rampgate made" in said
    raw(where, f"DROP RULE quiet ON {table}" if is_postgresql(where) else "DROP TRIGGER quiet")
    raw(where, "CREATE UNIQUE INDEX mine ON records ((rollout || attempt))")
    (said,) = ledger.strange()
    assert "index mine" in said
