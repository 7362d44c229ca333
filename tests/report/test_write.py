"""The file that a report is written to: whole or not at all, and never something else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from tests.report.cases import told
from tests.rollout.tables import tickets, write_policy

import rampgate
from rampgate.errors import LedgerError, UsageError
from rampgate.ledger import Ledger
from rampgate.report.write import report_policy, write_report
from rampgate.save import save


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy with one recorded decision beside it."""
    tickets(days=10).to_csv(tmp_path / "tickets.csv", index=False)
    rampgate.check(write_policy(tmp_path), as_of="2026-01-12", ledger=tmp_path / "rampgate.db")
    return tmp_path


def test_the_ending_decides(folder: Path) -> None:
    for name, begins in (("a.html", "<!doctype html>"), ("a.md", "# triage: go")):
        lines = report_policy(folder / "policy.yaml", folder / name, folder / "rampgate.db")
        assert (folder / name).read_text("utf-8").lstrip().startswith(begins)
        assert lines == [f"GO  triage, look of 2026-01-12: {folder / name}"]


@pytest.mark.parametrize("name", ["report.pdf", "report", "report.HTML.txt"])
def test_another_ending_is_refused_before_anything_is_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.html or \.md") as caught:
        report_policy(tmp_path / "no-policy.yaml", tmp_path / name, tmp_path / "no.db")
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_and_a_folder_are_refused(tmp_path: Path) -> None:
    found = told("go", tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        write_report(found, tmp_path / "no" / "report.md")
    (tmp_path / "report.md").mkdir()
    with pytest.raises(UsageError, match="is a directory"):
        write_report(found, tmp_path / "report.md")


def test_no_ledger_is_an_error_and_none_is_made(folder: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger"):
        report_policy(folder / "policy.yaml", folder / "a.md", folder / "other.db")
    assert not (folder / "other.db").exists()
    assert not (folder / "a.md").exists()


def test_a_changed_policy_file_is_said_and_the_report_tells_the_recorded_one(folder: Path) -> None:
    write_policy(folder, error_budget={"false_rollback": "1%"})
    lines = report_policy(folder / "policy.yaml", folder / "a.md", folder / "rampgate.db")
    assert "changed since this decision" in lines[1]
    assert "at most 5%" in (folder / "a.md").read_text("utf-8")


def test_a_file_is_replaced_whole_and_a_failure_leaves_it_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.md"
    save("one\n", path, force=True)
    save("two\n", path, force=True)
    assert path.read_bytes() == b"two\n"

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(UsageError, match="No space left"):
        save("three\n", path, force=True)
    assert path.read_bytes() == b"two\n"
    assert [p.name for p in tmp_path.iterdir()] == ["report.md"]


def test_a_ledger_is_never_overwritten(tmp_path: Path) -> None:
    ledger = tmp_path / "rampgate.db"
    Ledger.open(ledger)
    (tmp_path / "link.md").symlink_to(ledger)
    before = ledger.read_bytes()
    for path in (ledger, tmp_path / "link.md"):
        with pytest.raises(UsageError, match="is a database"):
            save("one\n", path, force=True)
    assert ledger.read_bytes() == before


def test_others_may_read_it_as_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save("one\n", tmp_path / "report.md", force=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report.md").stat().st_mode) == 0o640
