"""The ledger as JSON Lines, and the independent checker in ``examples/``."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from tests.ledger.support import ROOT
from tests.rollout.people import approved, project
from tests.rollout.test_approvals import look
from tests.rollout.test_simulated import table

from rampgate.errors import UsageError
from rampgate.ledger import Ledger, canonical, digest, export
from rampgate.ledger.export import write
from rampgate.rollout.approve import approve

CHECKER = ROOT / "examples" / "check_ledger.py"
LEDGERS = ROOT / "tests" / "data" / "ledgers"
OLD = LEDGERS / "0.1.0-statistics-3.db.gz"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    path = tmp_path_factory.mktemp("old") / "rampgate.db"
    path.write_bytes(gzip.decompress(OLD.read_bytes()))
    return Ledger.open(path, create=False)


@pytest.fixture(scope="module")
def lines(book: Ledger) -> list[bytes]:
    return list(export(book))


@pytest.fixture(scope="module")
def check() -> Any:
    spec = spec_from_file_location("check_ledger", CHECKER)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.check


def test_the_checker_has_at_most_60_lines_and_only_the_standard_library() -> None:
    text = CHECKER.read_text("utf-8")
    assert len(text.splitlines()) <= 60
    imported = {line.split()[1] for line in text.splitlines() if line.startswith("import ")}
    assert imported <= sys.stdlib_module_names
    assert "from " not in text.split('"""', 2)[2].split("def ")[0]


def test_an_export_is_every_record_and_document(book: Ledger, lines: list[bytes], tmp_path: Path) -> None:
    records = list(book.records())
    hashes = [digest(line[:-1]) for line in lines]
    assert [sha for sha in hashes if sha in {r.sha256 for r in records}] == [r.sha256 for r in records]
    assert set(hashes) == {r.sha256 for r in records} | {sha for sha, _ in book.all_documents()}
    write(book, tmp_path / "ledger.jsonl")
    assert (tmp_path / "ledger.jsonl").read_bytes() == b"".join(lines)
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.jsonl"]
    done = subprocess.run(
        [sys.executable, "-I", str(CHECKER), str(tmp_path / "ledger.jsonl"), records[-1].sha256],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{len(records)} records, the last one {records[-1].sha256}\n"
    done = subprocess.run(
        [sys.executable, "-I", str(CHECKER), str(tmp_path / "ledger.jsonl"), "0" * 64],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1


@pytest.mark.parametrize("old", sorted(LEDGERS.glob("*.db.gz")), ids=lambda path: path.name)
def test_the_checker_knows_every_kind_of_record(old: Path, check: Any, tmp_path: Path) -> None:
    path = tmp_path / "rampgate.db"
    path.write_bytes(gzip.decompress(old.read_bytes()))
    book = Ledger.open(path)
    records = list(book.records())
    assert check(export(book)) == (len(records), records[-1].sha256)


def _record(lines: list[bytes], number: int) -> int:
    return [i for i, line in enumerate(lines) if b'"previous_sha256"' in line][number - 1]


def test_the_checker_names_the_first_record_that_is_altered(lines: list[bytes], check: Any) -> None:
    at = _record(lines, 4)
    content = json.loads(lines[at])
    content["recorded_at"] = "2026-01-01T00:00:00+00:00"
    with pytest.raises(ValueError, match="record 5: it does not name the SHA-256 of the record before it"):
        check([*lines[:at], canonical(content) + b"\n", *lines[at + 1 :]])
    with pytest.raises(ValueError, match="record 4: its bytes are not canonical"):
        check([*lines[:at], json.dumps(content).encode(), *lines[at + 1 :]])
    with pytest.raises(ValueError, match="record 4: it says that it is record 5"):
        check([*lines[:at], *lines[at + 1 :]])


def test_the_checker_misses_a_document(lines: list[bytes], check: Any) -> None:
    with pytest.raises(ValueError, match="record 1: a document that it names does not stand before it"):
        check(lines[1:])


def test_the_checker_knows_what_an_approval_binds(check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy, the simulation, and whose keys the look knew; and it finds a line that nobody names."""
    policy = approved(project(tmp_path, monkeypatch), {"required": 1})
    book, simulation = Ledger.open(tmp_path / "rampgate.db"), tmp_path / "simulation.json"
    simulation.write_text(json.dumps(table(policy)))
    approve(policy, "lee", book, simulation=simulation)
    look(policy, book)
    lines = list(export(book))
    assert check(lines)[0] == 2
    for part in (b'"scenarios"', b'"people"', b'"guardrails"'):  # the numbers of a period have no such keys
        [at] = [i for i, line in enumerate(lines) if part in line and b'"previous_sha256"' not in line]
        for wrong in ([*lines[:at], *lines[at + 1 :]], [*lines[:at], lines[at][:-1] + b" \n", *lines[at + 1 :]]):
            with pytest.raises(ValueError, match="a document that it names does not stand before it"):
                check(wrong)
    with pytest.raises(ValueError, match="is named by no record"):
        check([*lines, b'{"x":1}\n'])


def test_the_checker_follows_the_phases(lines: list[bytes], check: Any) -> None:
    at = _record(lines, 11)
    content = json.loads(lines[at])
    content["state"]["phases"].append([2, "2026-01-30T00:00:00+00:00"])
    with pytest.raises(ValueError, match="record 11: its phases do not follow"):
        check([*lines[:at], canonical(content) + b"\n"])


@pytest.mark.parametrize(("attempt", "entered"), [(0, [9]), (1, [1, 2, 3]), (2, [1])])
def test_the_checker_follows_the_numbers_of_phases_and_attempts(
    lines: list[bytes], check: Any, attempt: int, entered: list[int]
) -> None:
    """A decision to go enters the next phase, and another attempt begins with one."""
    at = _record(lines, 11)
    content = json.loads(lines[at])
    state = content["state"]
    content["entry"]["decision"]["decision"] = "go"
    state["attempt"] += attempt
    state["phases"] = ([] if attempt else state["phases"]) + [[index, "2026-01-30T00:00:00+00:00"] for index in entered]
    with pytest.raises(ValueError, match="record 11: its phases do not follow"):
        check([*lines[:at], canonical(content) + b"\n"])


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(book: Ledger, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write(book, tmp_path / "absent" / "ledger.jsonl")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        write(book, tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
