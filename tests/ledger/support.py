"""What the tests of the ledger share: a small append, raw looks into the file, child processes."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rampgate import ledger as package
from rampgate.errors import LedgerMoved
from rampgate.ledger import Ledger, Record, digest, look_key
from rampgate.ledger.migrations import VERSION_TABLE, guards

ROOT = Path(__file__).parents[2]
SOURCE = Path(package.__file__).parents[2]
WHEN = "2026-01-05T00:00:00+00:00"
UNSET: Any = object()
Where = Path | str
"""The file of a ledger, or its URL."""


def add(
    ledger: Ledger,
    rollout: str = "triage",
    look: str = "2026-01-05",
    *,
    head: str | None = UNSET,
    document: bytes = b"",
    **more: Any,
) -> Record:
    """Append one decision whose entry names its document and whose state counts the looks."""
    last = ledger.last(rollout)
    state = {"looks": 1 if last is None else last.state()["looks"] + 1}
    values: dict[str, Any] = {
        "rollout": rollout,
        "attempt": 1,
        "kind": "decision",
        "key": look_key(rollout, 1, look, "p" * 64, "s" * 64),
        "body": {"decision": "hold", "look": look, "document": digest(document)},
        "documents": {digest(document): document},
        "state": state,
        "expected_head": (last.sha256 if last else None) if head is UNSET else head,
        "recorded_at": WHEN,
    }
    return ledger.append(**(values | more))


def add_until_done(ledger: Ledger, rollout: str, look: str, document: bytes = b"") -> Record:
    """Append as `check` does when others write too: a moved ledger is read again."""
    while True:
        try:
            return add(ledger, rollout, look, document=document)
        except LedgerMoved:
            continue


def is_postgresql(where: Where) -> bool:
    return "://" in str(where)


def raw(where: Where, *statements: str) -> list[tuple[Any, ...]]:
    """Run SQL behind the ledger's back and return the rows of the last statement."""
    rows: list[tuple[Any, ...]] = []
    if isinstance(where, str):
        with psycopg.connect(where) as connected:
            for statement in statements:
                cursor = connected.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
        return rows
    with closing(sqlite3.connect(where)) as connection, connection:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
    return rows


def literal(where: Where, data: bytes) -> str:
    """Bytes as they are written in SQL."""
    return f"'\\x{data.hex()}'::bytea" if is_postgresql(where) else f"x'{data.hex()}'"


def contents(where: Where) -> list[list[tuple[Any, ...]]]:
    """Return every row of every table that the ledger writes."""
    return [raw(where, f"SELECT * FROM {table} ORDER BY 1") for table in ("records", "documents")]


def everything(where: Where) -> Any:
    """Return what must be the same where a ledger was left alone."""
    if isinstance(where, Path):
        return where.read_bytes()
    objects = raw(
        where, "SELECT relname, relfilenode FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    version = raw(where, f"SELECT version_num FROM {VERSION_TABLE}")
    return [objects, version, contents(where)]


def without_triggers(where: Where) -> None:
    """Take the guards off, as somebody with write access to the file, or the owner of the tables, can."""
    if isinstance(where, str):
        for name, (table, *_) in guards.POSTGRESQL.items():
            raw(where, f"DROP TRIGGER IF EXISTS {name} ON {table}")
        return
    for (name,) in raw(where, "SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        raw(where, f"DROP TRIGGER {name}")


def with_triggers(path: Path) -> None:
    """Put the guards back, as somebody would who does not want to be noticed."""
    without_triggers(path)
    raw(path, *guards.SQLITE.values())


def environment(source: Path = SOURCE) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(source), str(ROOT)))}


def run_child(code: str, *arguments: object, prefix: tuple[str, ...] = ()) -> Any:
    """Run Python code in a process of its own and return what it printed, read as JSON."""
    command = [*prefix, sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def unprivileged(directory: Path) -> tuple[str, ...]:
    """Return the command prefix under which file permissions bind, also when the tests run as root."""
    probe = directory / "probe"
    probe.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    setpriv = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    try:
        for prefix in [()] if shutil.which("setpriv") is None else [(), setpriv]:
            works = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
            touch = [*prefix, "touch", str(probe / str(len(prefix)))]
            if works and subprocess.run(touch, capture_output=True, check=False).returncode != 0:
                return prefix
    finally:
        shutil.rmtree(probe)
    pytest.skip("file permissions do not bind for this user, and setpriv cannot make them")
