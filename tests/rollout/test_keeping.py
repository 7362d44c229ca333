"""What looks keep: the same decisions with it and without; on by default on the command line, and how it is off."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from tests.cli.conftest import Run
from tests.rollout.tables import tickets, write_policy

import rampgate
from rampgate.aggregate.store import Store
from rampgate.ledger import Ledger
from rampgate.report import book
from rampgate.source import parts

LOOKS = ("2026-01-08", "2026-01-12", "2026-01-13", "2026-01-16", "2026-01-20")


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of tests are as young as the tests."""
    monkeypatch.setattr(parts, "SETTLED_AFTER", -1e9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy over a file for each day, and those of the first week."""
    write_policy(tmp_path)
    text = (tmp_path / "policy.yaml").read_text("utf-8")
    (tmp_path / "policy.yaml").write_text(text.replace("tickets.csv", "tickets-*.csv"), "utf-8")
    arrive(tmp_path, "2026-01-08")
    return tmp_path


def days() -> dict[str, pd.DataFrame]:
    frame = tickets(days=20)
    return {str(day): rows for day, rows in frame.groupby(frame["opened_at"].astype(str).str[:10])}


def arrive(folder: Path, until: str) -> None:
    """Write the files of the days before a date that are not there yet."""
    for day, rows in days().items():
        path = folder / f"tickets-{day}.csv"
        if day < until and not path.exists():
            rows.to_csv(path, index=False)


def content(decision: rampgate.Decision) -> dict[str, object]:
    return {**decision.to_dict(), "decision_id": None, "previous_sha256": None}


def test_every_look_decides_the_same_with_what_was_kept(folder: Path) -> None:
    policy, store = folder / "policy.yaml", folder / "kept"
    for as_of in LOOKS:
        arrive(folder, as_of)
        kept = rampgate.check(policy, as_of=as_of, ledger=folder / "kept.db", store=store)
        fresh = rampgate.check(policy, as_of=as_of, ledger=folder / "fresh.db")
        assert content(kept) == content(fresh)
    entries = [Ledger.open(folder / name).last("triage").entry() for name in ("kept.db", "fresh.db")]  # type: ignore[union-attr]
    assert entries[0]["source"] == entries[1]["source"]
    assert Store(store).size()[0] > len(days())


def test_the_same_question_with_and_without_is_the_same_record(folder: Path, run: Run) -> None:
    asked = ("check", folder / "policy.yaml", "--as-of", "2026-01-08", "--json")
    first = json.loads(run(*asked)[1])
    assert (folder / ".rampgate").is_dir()
    for again in (asked, (*asked, "--fresh")):
        assert json.loads(run(*again)[1]) == first
    for path in (folder / ".rampgate").glob("*.kept"):
        path.write_bytes(b"garbage")
    assert json.loads(run(*asked)[1]) == first


def test_replay_decides_the_same_at_every_look(folder: Path, run: Run) -> None:
    arrive(folder, "2026-01-25")
    asked = ("replay", folder / "policy.yaml", "--json")
    first = run(*asked)[1]
    assert run(*asked)[1] == first
    assert run(*asked, "--fresh")[1] == first


def test_status_says_how_much_is_kept(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("check", folder / "policy.yaml", "--as-of", "2026-01-08", "--fresh")
    assert not (folder / ".rampgate").exists()
    ledger = ("--ledger", folder / "rampgate.db")
    assert json.loads(run("status", "--json", *ledger)[1])["store"] is None
    run("check", folder / "policy.yaml", "--as-of", "2026-01-08")
    files, size = Store(folder / ".rampgate").size()
    assert json.loads(run("status", "--json", *ledger)[1])["store"] == {
        "files": files, "bytes": size, "limit": 1_000_000_000
    }  # fmt: skip
    assert "kept of what was read" not in run("status", *ledger)[1]
    monkeypatch.setattr(book, "WORTH_SAYING", size)
    said = f"kept of what was read, in .rampgate: {size / 1e6:.2f} MB of at most 1,000 MB"
    assert said in run("status", *ledger)[1]
    assert said not in run("status", "--quiet", *ledger)[1]


def test_the_project_bounds_what_is_kept(folder: Path, run: Run) -> None:
    project = folder / "rampgate.toml"
    project.write_text("[store]\nmegabytes = 0\n")
    asked = ("check", folder / "policy.yaml", "--as-of", "2026-01-08")
    assert run(*asked)[0] == 10
    assert not (folder / ".rampgate").exists()
    project.write_text("[store]\nmegabytes = 1\n")
    run(*asked)
    assert 0 < Store(folder / ".rampgate").size()[1] <= 1_000_000


@pytest.mark.parametrize(
    "text", ["store = true\n", "[store]\nmegabytes = -1\n", "[store]\nmegabytes = 1.5\n", "[store]\ngigabytes = 1\n"]
)
def test_a_bound_that_is_none_is_refused(folder: Path, run: Run, text: str) -> None:
    (folder / "rampgate.toml").write_text(text)
    code, _, err = run("check", folder / "policy.yaml", "--as-of", "2026-01-08")
    assert code == 2
    assert "rampgate.toml: store says something else than megabytes" in err
    assert "remedy: write [store] and below it megabytes = 500, or megabytes = 0 to keep nothing" in err


def test_frames_keep_nothing(folder: Path) -> None:
    frame = tickets(days=20)
    rampgate.check(folder / "policy.yaml", frame, "2026-01-08", store=folder / "kept")
    assert not (folder / "kept").exists()


def _looks(where: str) -> str:
    parts.SETTLED_AFTER = -1e9
    policy = Path(where) / "policy.yaml"
    found = [rampgate.check(policy, as_of=as_of, store=Path(where) / "kept") for as_of in LOOKS * 2]
    return json.dumps([content(decision) for decision in found])


def test_looks_at_once_share_what_is_kept(folder: Path) -> None:
    arrive(folder, "2026-01-25")
    with ProcessPoolExecutor(3) as pool:
        found = set(pool.map(_looks, [str(folder)] * 3))
    fresh = [rampgate.check(folder / "policy.yaml", as_of=as_of) for as_of in LOOKS * 2]
    assert found == {json.dumps([content(decision) for decision in fresh])}
