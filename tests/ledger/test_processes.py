"""Several processes at one ledger, and processes that are killed while they write."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time

import pytest
from tests.ledger.support import Where, add, add_until_done, environment, is_postgresql, raw

from rampgate.ledger import Ledger, digest, verify

CONTEXT = multiprocessing.get_context("spawn")

ENDLESS = """
import sys
from itertools import count
from rampgate.ledger import Ledger
from tests.ledger.support import add

ledger = Ledger.open(sys.argv[1])
for look in count(int(sys.argv[2])):
    record = add(ledger, look=str(look), document=look.to_bytes(4, "big") * 50_000)
    print(record.sha256, flush=True)
"""

KILLED_AT = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from rampgate.ledger import Ledger
from tests.ledger.support import add

path, moment, statement = sys.argv[1:]

def writes(connection):
    return connection.get_execution_options()["rampgate_write"]

def kill(*arguments):
    if arguments[2].startswith(statement) if statement else writes(arguments[0]):
        print(Path(path + "-journal").exists(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

ledger = Ledger.open(path)
if "://" not in path:
    event.listen(ledger._engine, "connect", lambda connection, _: connection.execute("PRAGMA cache_size = 1"))
event.listen(ledger._engine, moment, kill)
add(ledger, look="killed", document=bytes(8_000_000))
"""


def append_many(where: Where, rollouts: list[str], looks: list[int]) -> None:
    ledger = Ledger.open(where)
    for look in looks:
        for rollout in rollouts:
            add_until_done(ledger, rollout, str(look), document=str(look).encode())


def run_all(*calls: tuple[Where, list[str], list[int]]) -> None:
    processes = [CONTEXT.Process(target=append_many, args=call) for call in calls]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def whole(where: Where) -> Ledger:
    """Return the ledger after checking that every part of it belongs to the others."""
    ledger = Ledger.open(where, create=False)
    if not is_postgresql(where):
        assert raw(where, "PRAGMA integrity_check") == [("ok",)]
    verify(ledger.records())
    looks: dict[str, int] = {}
    for record in ledger.records():
        looks[record.rollout] = looks.get(record.rollout, 0) + 1
        assert record.state() == {"looks": looks[record.rollout]}
        ledger.document(record.entry()["document"])
    assert {rollout: {"looks": count} for rollout, count in looks.items()} == {
        rollout: ledger.state(rollout) for rollout in ledger.rollouts()
    }
    return ledger


def test_processes_that_append_at_once_make_one_chain(where: Where) -> None:
    run_all((where, ["a", "shared"], list(range(75))), (where, ["b", "shared"], list(range(75, 150))))
    ledger = whole(where)
    assert len(list(ledger.records())) == 300
    assert len(list(ledger.records("shared"))) == 150


def test_processes_that_ask_the_same_get_one_record_each(where: Where) -> None:
    looks = list(range(60))
    run_all(*[(where, ["shared"], looks)] * 3)
    assert [record.entry()["look"] for record in whole(where).records()] == [str(look) for look in looks]


def test_processes_that_make_the_ledger_at_once_make_one(nowhere: Where) -> None:
    run_all(*[(nowhere, [rollout], [1, 2]) for rollout in "abcd"])
    assert len(list(whole(nowhere).records())) == 8


def test_a_ledger_survives_a_fork(where: Where, ledger: Ledger) -> None:
    add(ledger, look="0")
    code = (
        "import os, sys; from rampgate.ledger import Ledger\n"
        "from tests.ledger.support import add_until_done\n"
        "ledger = Ledger.open(sys.argv[1]); ledger.last('triage'); child = os.fork()\n"
        "for look in range(20): add_until_done(ledger, 'triage', f'{child == 0} {look}')\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if child else 0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(where)], env=environment(), check=True, timeout=120)
    assert len(list(whole(where).records())) == 41


def test_a_writer_killed_at_any_time_leaves_a_whole_ledger(where: Where) -> None:
    acknowledged: list[str] = []
    for attempt in range(6):
        command = [sys.executable, "-c", ENDLESS, str(where), str(attempt * 100_000)]
        with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            acknowledged.append(writer.stdout.readline().strip())
            time.sleep(0.011 * attempt)
            writer.kill()
            acknowledged += writer.stdout.read().split()
        assert writer.returncode == -signal.SIGKILL
        ledger = whole(where)
        recorded = [record.sha256 for record in ledger.records()]
        # Nothing that was said to be recorded is lost; the last record of each writer may be unsaid.
        assert [sha256 for sha256 in recorded if sha256 in set(acknowledged)] == acknowledged
        assert len(recorded) <= len(acknowledged) + attempt + 1


@pytest.mark.parametrize(
    ("moment", "statement", "journal"),
    [
        ("after_cursor_execute", "lock", False),
        ("before_cursor_execute", "INSERT INTO documents", False),
        ("after_cursor_execute", "INSERT INTO documents", True),
        ("after_cursor_execute", "INSERT INTO records", True),
        ("commit", "", True),
    ],
)
def test_a_writer_killed_inside_its_transaction_leaves_nothing(
    where: Where, ledger: Ledger, moment: str, statement: str, journal: bool
) -> None:
    before = add(ledger, look="before")
    if statement == "lock":
        statement = "SELECT pg_advisory_xact_lock" if is_postgresql(where) else "BEGIN IMMEDIATE"
    command = [sys.executable, "-c", KILLED_AT, str(where), moment, statement]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    # Without room in the cache, pages of an unfinished transaction reach the file of SQLite itself.
    assert done.stdout.split() == [str(journal and not is_postgresql(where))]
    assert list(whole(where).records()) == [before]
    assert ledger.has_documents([digest(bytes(8_000_000))]) == set()
    assert add(ledger, look="killed").sequence == 2


def test_a_ledger_whose_maker_was_killed_is_made_again(nowhere: Where) -> None:
    code = (
        "import os, signal, sys; from rampgate.ledger import Ledger, migrations\n"
        "upgrade = migrations.upgrade\n"
        "def kill(connection): upgrade(connection); os.kill(os.getpid(), signal.SIGKILL)\n"
        "migrations.upgrade = kill; Ledger.open(sys.argv[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(nowhere)],
        env=environment(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert add(Ledger.open(nowhere)).sequence == 1
    whole(nowhere)
