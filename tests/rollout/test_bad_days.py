"""Disks, clocks and hosts: looks, approvals and decisions of people fail whole, with a clear error, or not at all."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.ledger.support import ROOT, contents, environment, unprivileged
from tests.rollout.people import approved, clock, project
from tests.rollout.tables import tickets

import rampgate
from rampgate.errors import UsageError
from rampgate.ledger import Ledger
from rampgate.rollout.approve import approve
from rampgate.rollout.verify import verify_ledger

CHILD = """
import json, resource, sys
from pathlib import Path
import rampgate
from rampgate.errors import RampgateError
from rampgate.ledger import Ledger
from rampgate.rollout.approve import approve
from rampgate.rollout.checkpoint import checkpoint
from rampgate.rollout.human import decide

policy, path, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
said = {}
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
deeds = {
    "check": lambda book: rampgate.check(policy, as_of="2026-01-13", ledger=book),
    "approve": lambda book: approve(policy, "sam", book),
    "decide": lambda book: decide("triage", "hold", "why", "lee", book, as_of="2026-01-13"),
    "checkpoint": lambda book: checkpoint(book, "lee"),
}
for name, deed in deeds.items():
    try:
        deed(Ledger.open(path, create=False))
        said[name] = None
    except RampgateError as error:
        said[name] = [error.exit_code, str(error)]
print(json.dumps(said))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A rollout under approval with a look behind it."""
    folder = tmp_path / "project"
    folder.mkdir()
    project(folder, monkeypatch)
    tickets(days=20).to_csv(folder / "tickets.csv", index=False)
    policy = approved(folder, {"required": 1})
    approve(policy, "lee", Ledger.open(folder / "rampgate.db"))
    rampgate.check(policy, as_of="2026-01-12", ledger=folder / "rampgate.db")
    return folder


def child(folder: Path, limit: int = 0, prefix: tuple[str, ...] = (), **more: str) -> dict[str, Any]:
    command = [
        *prefix,
        sys.executable,
        "-c",
        CHILD,
        str(folder / "policy.yaml"),
        str(folder / "rampgate.db"),
        str(limit),
    ]
    env = environment() | more
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def whole(folder: Path) -> bool:
    result = verify_ledger(Ledger.open(folder / "rampgate.db"))
    assert result.ok, result.problem
    return True


def test_a_full_disk(folder: Path) -> None:
    path = folder / "rampgate.db"
    before = contents(path)
    for name, (code, error) in child(folder, path.stat().st_size // 2).items():
        assert code == 1, name
        assert "the ledger cannot be read or written" in error
        assert "remedy: look for a full disk" in error
    assert contents(path) == before
    assert whole(folder)
    assert set(child(folder).values()) == {None}
    assert whole(folder)


def test_a_folder_that_may_not_be_written(folder: Path, tmp_path: Path) -> None:
    before, prefix = contents(folder / "rampgate.db"), unprivileged(tmp_path)
    (folder / "rampgate.db").chmod(stat.S_IRUSR)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        for name, (code, error) in child(folder, prefix=prefix).items():
            assert code == 1, name
            assert "read-only" in error or "no journal can be written" in error
    finally:
        folder.chmod(stat.S_IRWXU)
    assert contents(folder / "rampgate.db") == before
    assert whole(folder)


def test_a_clock_that_jumped_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at "now" is refused, since it would be before the last one; what is recorded keeps its order."""
    policy, book = folder / "policy.yaml", Ledger.open(folder / "rampgate.db")
    moment = datetime(2026, 1, 10, 12, tzinfo=UTC)
    monkeypatch.setattr("rampgate.rollout.signed.datetime", clock(moment))
    approve(policy, "sam", book)
    assert [record.recorded_at[:10] for record in book.records()][-1] == "2026-01-10"
    decision = rampgate.check(policy, as_of="2026-01-13", ledger=book)
    assert decision.decision == "hold"
    assert whole(folder)
    before = contents(book.path)
    with pytest.raises(UsageError, match="is before the last decision of this rollout"):
        rampgate.check(policy, as_of=moment, ledger=book)
    assert contents(book.path) == before


def test_hosts_in_different_time_zones_ask_the_same_question(folder: Path) -> None:
    zones = ("Pacific/Auckland", "America/Los_Angeles", "UTC")
    for zone in zones:
        assert child(folder, TZ=zone)["check"] is None
    book = Ledger.open(folder / "rampgate.db")
    records = list(book.records("triage", "decision"))
    # The first look, then the look of the 13th once before and once after the approval and hold that came between.
    assert len(records) == 3
    assert {record.entry()["decision"]["look"] for record in records} == {
        "2026-01-12T00:00:00+00:00",
        "2026-01-13T00:00:00+00:00",
    }
    assert all(record.recorded_at.endswith("+00:00") for record in book.records())
    assert abs(datetime.now(UTC) - datetime.fromisoformat(records[-1].recorded_at)) < timedelta(hours=1)
    assert whole(folder)
