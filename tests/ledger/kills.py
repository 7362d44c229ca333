"""Workers that look at the same rollout at once and are killed at random moments: ``python -m tests.ledger.kills 500``.

With ``postgresql`` for a second word the ledger is on a server of the run's own.

Eight processes take every look; each look has one record, which the others get back. A worker is killed by SIGKILL
from outside at a random moment, or dies by its own hand at a random statement of its transaction, and is replaced.
In the end the chain is verified, every decision judged again, and everything that was said to be recorded is there.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import event
from tests.ledger.support import Where
from tests.postgres import database, server
from tests.rollout.tables import POLICY, tickets

import rampgate
from rampgate.errors import LedgerMoved, UsageError
from rampgate.judge.state import State
from rampgate.ledger import Ledger
from rampgate.rollout import evaluate  # noqa: F401 - imported once, before the workers are forked
from rampgate.rollout.verify import verify_ledger
from rampgate.source import duckdb  # noqa: F401 - the same

WORKERS = 8
#: Chance that a worker dies at a statement of a transaction that writes.
OWN_HAND = 0.02
START = date(2026, 1, 5)
RULES = {
    **{key: section for key, section in POLICY.items() if key != "segments"},
    "phases": [{"traffic": "30%", "at_least": "9d", "minimum_units": 20}, {"traffic": "50%", "at_least": "300d"}],
}


@dataclass
class Run:
    """Where a run keeps its files, and what was seen of it."""

    folder: Path
    where: Where
    looks: int
    kills: int
    seed: int
    dead: int = 0
    in_transaction: int = 0
    workers: dict[int, int] = field(default_factory=dict)

    @property
    def said(self) -> Path:
        """What the workers were told: a line per look, written after it was recorded."""
        return self.folder / "said"

    def done(self) -> int:
        """Looks that are recorded."""
        last = Ledger.open(self.where).last("triage")
        return 0 if last is None else (_day(last.entry()["decision"]["look"]) - START).days


def play(folder: Path, where: Where, looks: int, kills: int, seed: int) -> Run:
    """Look until all looks are taken and enough workers are dead."""
    run = Run(folder, where, looks, kills, seed)
    Ledger.open(run.where)
    # More days than looks: where workers die too seldom, they go on.
    tickets(days=2 * looks, per_day=20).to_csv(folder / "tickets.csv", index=False)
    chance = random.Random(seed)
    try:
        while (progress := run.done()) < looks or run.dead < kills:
            while len(run.workers) < WORKERS:
                _fork(run, chance.getrandbits(32))
            time.sleep(chance.random() * 0.05)
            behind = run.dead < kills * progress / looks or progress >= looks
            if behind and chance.random() < 0.5:
                os.kill(chance.choice(list(run.workers)), signal.SIGKILL)
            _bury(run)
    finally:
        for worker in run.workers:
            os.kill(worker, signal.SIGKILL)
        for worker in run.workers:
            os.waitpid(worker, 0)
    return run


def _bury(run: Run) -> None:
    for worker in list(run.workers):
        found, status = os.waitpid(worker, os.WNOHANG)
        if not found:
            continue
        del run.workers[worker]
        assert os.WIFSIGNALED(status), f"a worker ended by itself: {os.waitstatus_to_exitcode(status)}"
        assert os.WTERMSIG(status) == signal.SIGKILL
        run.dead += 1


def _fork(run: Run, seed: int) -> None:
    worker = os.fork()
    if worker:
        run.workers[worker] = seed
        return
    try:
        _work(run, random.Random(seed))
    except BaseException as error:  # noqa: BLE001 - the parent says that a worker ended by itself
        print(f"worker: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(3)


def _work(run: Run, chance: random.Random) -> NoReturn:
    """Take look after look until somebody kills this process."""
    book = Ledger.open(run.where)

    def die(*arguments: Any) -> None:
        if arguments[0].get_execution_options().get("rampgate_write") and chance.random() < OWN_HAND:
            with (run.folder / "own").open("a") as file:
                file.write(".")
            os.kill(os.getpid(), signal.SIGKILL)

    for moment in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(book._engine, moment, die)
    while True:
        day = START + timedelta(days=run.done() + 1)
        try:
            decision = rampgate.check(RULES, events=run.folder / "tickets.csv", as_of=day, ledger=book)
        except (UsageError, LedgerMoved):
            continue  # the others are a look ahead
        with run.said.open("a") as file:
            file.write(f"{day} {decision.decision_id}\n")


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).date()


def examine(run: Run) -> dict[str, Any]:
    """Every promise of a ledger, after everything that was done to it."""
    book = Ledger.open(run.where, create=False)
    found = verify_ledger(book)
    assert found.ok, (found.first_bad, found.problem)
    records = list(book.records())
    looks = [_day(record.entry()["decision"]["look"]) for record in records]
    assert looks == [START + timedelta(days=n + 1) for n in range(len(looks))], "one decision per look, in order"
    ids = {record.sha256: look for record, look in zip(records, looks, strict=True)}
    said = [line.split() for line in run.said.read_text().splitlines()]
    assert said
    for day, identity in said:
        assert ids[identity] == date.fromisoformat(day), "nothing that was said to be recorded is lost"
    assert {day for day, _ in said} <= {str(look) for look in looks}
    phases = list(_phases(records))
    assert State.from_dict(records[-1].state()).phases[-1][0] == phases[-1], "the phase is what the records say"
    own = run.folder / "own"
    return {
        "looks": len(looks),
        "kills": run.dead,
        "inside a transaction": len(own.read_text()) if own.exists() else 0,
        "got back from another's record": len(said) - len({day for day, _ in said}),
        "phase": phases[-1],
    }


def _phases(records: Any) -> Iterator[int]:
    """The phase after each record, counted from the decisions alone."""
    phase = 1
    for record in records:
        phase += record.entry()["decision"]["decision"] == "go"
        yield phase


def main(kills: int, kind: str = "sqlite", looks: int = 200, seed: int = 1) -> None:
    """A run in a folder of its own, and what came of it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        where: Where = folder / "rampgate.db"
        if kind == "postgresql":
            where = stack.enter_context(database(stack.enter_context(server(durable=True))))
        begun = time.monotonic()
        found = examine(play(folder, where, looks, kills, seed))
        print(f"{kind}: " + ", ".join(f"{what}: {count}" for what, count in found.items()))
        print(f"whole after {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]), (sys.argv[2:] or ["sqlite"])[0])
