"""``rampgate drift``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.rollout.tables import write_policy
from tests.rollout.test_drift import scored

KEYS = {"column", "window", "variant", "psi", "js", "ks", "wasserstein", "verdict"}


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    scored(2, world=1.0).to_csv(tmp_path / "tickets.csv", index=False)
    return write_policy(tmp_path, drift={"columns": {"score": {}, "channel": {}}})


def test_the_table_and_the_exit_code(run: Run, moved: Path) -> None:
    code, out, err = run("drift", moved, "--as-of", "2026-01-19")
    assert (code, err) == (10, "")
    assert out.startswith("DRIFT  triage")
    assert "score moved in 2026-W03 (2 of 2 windows act), in both versions: the" in out
    assert "▁" in out or "#" in out
    assert max(len(line) for line in out.splitlines()) <= 80
    assert not (moved.parent / "rampgate.db").exists()


def test_a_ledger_is_read_where_the_project_says_and_none_is_made(run: Run, moved: Path) -> None:
    (moved.parent / "book").mkdir()
    (moved.parent / "rampgate.toml").write_text('ledger = "book/gate.db"\n')
    day = ("--as-of", "2026-01-19", "--json")
    assert run("check", moved, *day)[0] == 10
    fixed = run("drift", moved, *day)[1]
    late = scored(2, world=1.0)
    late.loc[late.opened_at < "2026-01-05", "score"] += 1.0  # history that is filled in again moves no reference
    late.to_csv(moved.parent / "tickets.csv", index=False)
    assert run("drift", moved, *day)[1] == fixed
    nowhere = moved.parent / "typo.db"
    code, out, err = run("drift", moved, *day[:2], "--ledger", nowhere)
    assert (code, out) == (1, "")
    assert "there is no ledger here" in err
    assert not nowhere.exists()


def test_json_has_the_keys_of_the_contract(run: Run, moved: Path) -> None:
    code, out, _ = run("drift", moved, "--as-of", "2026-01-19", "--json")
    found = json.loads(out)
    assert code == 10
    assert all(row.keys() >= KEYS for row in found["columns"])
    assert {row["verdict"] for row in found["columns"] if row["column"] == "score"} == {"FAIL"}


def test_exit_0_where_nothing_moved(run: Run, tmp_path: Path) -> None:
    scored(2).to_csv(tmp_path / "tickets.csv", index=False)
    path = write_policy(tmp_path, drift={"columns": {"score": {}}})
    code, out, _ = run("drift", path, "--as-of", "2026-01-19", "--quiet")
    assert (code, out) == (0, "NO DRIFT  triage, before 2026-01-19\n")


def test_a_policy_that_watches_nothing_exits_2(run: Run, tmp_path: Path) -> None:
    scored(1).to_csv(tmp_path / "tickets.csv", index=False)
    code, out, err = run("drift", write_policy(tmp_path))
    assert (code, out) == (2, "")
    assert "watches no column for drift" in err


def test_validate_says_what_is_watched_and_from_how_many_units_on(run: Run, moved: Path) -> None:
    _, out, _ = run("validate", moved, "--json", "--no-simulation")
    found = json.loads(out)
    assert any(line.startswith("Hold when score in the latest complete week") for line in found["sentences"])
    assert any("a PSI of 0.2 is told from chance from" in line for line in found["warnings"])
