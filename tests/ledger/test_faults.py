"""What the file system can do to a ledger, each with an error that says what, where and the remedy."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.ledger.support import add, contents, raw, run_child, unprivileged

from rampgate.errors import LedgerError, RampgateError, UsageError
from rampgate.ledger import Ledger, sqlite, verify

CHILD = """
import json, resource, sys
from rampgate.errors import LedgerError
from rampgate.ledger import Ledger
from tests.ledger.support import add

path, limit = sys.argv[1], int(sys.argv[2])
said = {}
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    ledger = Ledger.open(path)
    said["read"] = [record.sha256 for record in ledger.records()]
    add(ledger, look="new", document=bytes(200_000))
except LedgerError as error:
    said["error"] = str(error)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    said["later"] = add(Ledger.open(path), look="new").sequence
print(json.dumps(said))
"""


@pytest.fixture
def where(path: Path) -> Path:
    """These are faults of files; `test_postgresql` has those of servers."""
    return path


def explains(error: str, path: Path, what: str) -> None:
    assert error.startswith(f"{path}: {what}"), error
    assert "\n  remedy: " in error


@pytest.mark.parametrize("read_only", ["directory", "file", "both"])
def test_a_read_only_ledger_can_be_read_and_says_why_it_cannot_be_written(tmp_path: Path, read_only: str) -> None:
    directory = tmp_path / "ledgers"
    directory.mkdir()
    path = directory / "rampgate.db"
    record = add(Ledger.open(path))
    before = contents(path)
    prefix = unprivileged(tmp_path)
    if read_only != "directory":
        path.chmod(stat.S_IRUSR)
    if read_only != "file":
        directory.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        said = run_child(CHILD, path, 0, prefix=prefix)
    finally:
        directory.chmod(stat.S_IRWXU)
    assert said["read"] == [record.sha256]
    explains(said["error"], path, "the ledger ")
    assert "read-only" in said["error"] or "no journal can be written" in said["error"]
    assert contents(path) == before
    assert list(directory.iterdir()) == [path]


def test_a_new_ledger_in_a_read_only_directory_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "ledgers"
    directory.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    said = run_child(CHILD, directory / "rampgate.db", 0, prefix=unprivileged(tmp_path))
    explains(said["error"], directory / "rampgate.db", "the ledger cannot be opened (Permission denied)")
    assert list(directory.iterdir()) == []


def test_a_ledger_that_may_not_be_read_is_refused(path: Path) -> None:
    path.chmod(0)
    said = run_child(CHILD, path, 0, prefix=unprivileged(path.parent))
    explains(said["error"], path, "the ledger cannot be opened")


@pytest.mark.parametrize("new", [True, False])
def test_a_file_that_may_not_grow_is_left_as_it_was(tmp_path: Path, new: bool) -> None:
    path = tmp_path / "rampgate.db"
    before = [] if new else [add(Ledger.open(path)).sha256]
    said = run_child(CHILD, path, 8192 if new else 100_000)
    explains(said["error"], path, "the ledger cannot be read or written")
    assert said.get("read", []) == before
    assert said["later"] == len(before) + 1  # the same process goes on once there is room
    assert verify(Ledger.open(path).records()) == len(before) + 1
    assert raw(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_full_disk_leaves_the_ledger_as_it_was(path: Path, ledger: Ledger) -> None:
    add(ledger, look="1", document=b"one")
    before = contents(path)

    def fill(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the present size instead: no page more

    event.listen(ledger._engine, "connect", fill)
    with pytest.raises(LedgerError, match="disk of the ledger is full") as caught:
        add(ledger, look="2", document=bytes(200_000))
    explains(str(caught.value), path, "the disk of the ledger is full")
    event.remove(ledger._engine, "connect", fill)
    assert contents(path) == before
    assert add(ledger, look="2", document=bytes(200_000)).sequence == 2


@pytest.mark.parametrize("data", [b"unit,time\n1,2\n" * 100, b"\x00" * 5000, b"a: 1\n"])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "tickets.csv"
    path.write_bytes(data)
    with pytest.raises(LedgerError) as caught:
        Ledger.open(path)
    explains(str(caught.value), path, "the file is not a ledger")
    assert path.read_bytes() == data


@pytest.mark.parametrize("table", ["tickets", "alembic_version"])
def test_a_database_of_something_else_is_left_alone(tmp_path: Path, table: str) -> None:
    path = tmp_path / "other.db"
    raw(path, f"CREATE TABLE {table} (version_num TEXT)", f"INSERT INTO {table} VALUES ('0001')")
    data = path.read_bytes()
    with pytest.raises(LedgerError) as caught:
        Ledger.open(path)
    explains(str(caught.value), path, f"this is a database of something else; it has the table {table}")
    assert path.read_bytes() == data


def test_a_truncated_ledger_is_refused(path: Path, ledger: Ledger) -> None:
    for look in range(30):
        add(ledger, look=str(look), document=bytes([look]) * 5000)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 8192 * 4096])
    with pytest.raises(LedgerError) as caught:
        verify(Ledger.open(path).records())
    explains(str(caught.value), path, "the ledger is damaged")


@pytest.mark.parametrize("empty", [True, False])
def test_no_ledger_is_made_where_none_is_wanted(tmp_path: Path, empty: bool) -> None:
    path = tmp_path / "rampgate.db"
    if empty:
        path.touch()
    with pytest.raises(LedgerError) as caught:
        Ledger.open(path, create=False)
    explains(str(caught.value), path, "there is no ledger here")
    assert path.exists() == empty
    assert not empty or path.read_bytes() == b""


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "rampgate.db"
    path.touch()  # what a process leaves that is killed before its first transaction
    assert add(Ledger.open(path)).sequence == 1


@pytest.mark.parametrize("create", [True, False])
def test_a_missing_directory_and_a_directory_are_named(tmp_path: Path, create: bool) -> None:
    with pytest.raises(LedgerError, match="directory does not exist" if create else "no ledger here"):
        Ledger.open(tmp_path / "absent" / "rampgate.db", create=create)
    with pytest.raises(LedgerError, match="this is a directory"):
        Ledger.open(tmp_path, create=create)
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_disappears_is_not_made_anew(path: Path, ledger: Ledger) -> None:
    add(ledger, look="1")
    path.unlink()
    with pytest.raises(LedgerError, match="cannot be opened"):
        add(ledger, look="2", head=None)
    assert not path.exists()


def test_a_ledger_that_stays_locked_is_an_error(path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="locked for 30 seconds"):
            add(ledger)
    assert add(ledger).sequence == 1


@pytest.mark.parametrize("name", ["with space.db", "100%.db", "a?mode=memory#x.db", "größe.db", "'\";.db"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    add(Ledger.open(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert verify(Ledger.open(str(tmp_path / name), create=False).records()) == 1


def test_a_url_names_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record = add(Ledger.open("sqlite:///rampgate.db"))
    for where in (f"sqlite:///{tmp_path}/rampgate.db", "sqlite+pysqlite:///rampgate.db", "rampgate.db"):
        assert Ledger.open(where, create=False).last("triage") == record


@pytest.mark.parametrize(
    "where",
    [
        "postgresql+psycopg2://dana:secret@db/ledger",
        "mysql+pymysql://dana:secret@db/ledger",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///x.db?mode=secret",
        "sqlite://dana:secret@host/x.db",
        "dana:secret@db://x:y:z",
    ],
)
def test_other_urls_are_refused_without_repeating_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        Ledger.open(where)
    assert "secret" not in str(caught.value).replace("mode=secret", "")
    assert "remedy: write a path" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_errors_of_the_driver_without_a_code_are_mapped_too(path: Path) -> None:
    with pytest.raises(RampgateError, match="the ledger cannot be used"), sqlite.explained(path):
        raise sqlite3.ProgrammingError("closed")
