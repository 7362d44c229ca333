"""``rampgate report``: its exit codes, what it says, and what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.rollout.tables import tickets, write_policy


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    tickets(days=10).to_csv(tmp_path / "tickets.csv", index=False)
    return write_policy(tmp_path)


def test_the_page_stands_beside_the_policy_and_its_rows_are_not_read(run: Run, policy: Path) -> None:
    assert run("check", policy, "--as-of", "2026-01-12")[0] == 0
    (policy.parent / "tickets.csv").unlink()
    code, out, _ = run("report", policy)
    assert code == 0
    assert out.splitlines() == [f"GO  triage, look of 2026-01-12: {policy.parent / 'report.html'}"]
    assert (policy.parent / "report.html").read_text("utf-8").startswith("<!doctype html>")


def test_without_a_decision_it_says_what_to_do_first(run: Run, policy: Path) -> None:
    code, out, err = run("report", policy)
    assert (code, out) == (1, "")
    assert "rampgate check" in err
    assert run("check", policy, "--as-of", "2026-01-12")[0] == 0
    other = write_policy(policy.parent, rollout="other")
    code, _, err = run("report", other)
    assert code == 2
    assert "no decision of rollout 'other'; it holds triage" in err
    assert "rampgate check" in err


@pytest.mark.parametrize("name", ["report.pdf", "nowhere/report.html"])
def test_a_target_that_cannot_be_is_exit_2(run: Run, policy: Path, name: str) -> None:
    assert run("check", policy, "--as-of", "2026-01-12")[0] == 0
    code, out, err = run("report", policy, "--out", policy.parent / name)
    assert (code, out) == (2, "")
    assert "remedy:" in err
    assert not (policy.parent / name).exists()


def test_markdown_and_a_ledger_elsewhere(run: Run, policy: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "books" / "one.db"
    elsewhere.parent.mkdir()
    assert run("check", policy, "--as-of", "2026-01-12", "--ledger", elsewhere)[0] == 0
    code, _, _ = run("report", policy, "--ledger", elsewhere, "--out", tmp_path / "r.md")
    assert code == 0
    assert (tmp_path / "r.md").read_text("utf-8").startswith("# triage: go, look of 2026-01-12")


def test_help_lists_it_last(run: Run) -> None:
    _, out, _ = run("--help")
    assert out.index("\n  history") < out.index("\n  report")
