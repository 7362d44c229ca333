"""``explain`` on the command line: which decision it means, from the record alone, and what ``status`` forecasts."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.cli.test_cli import only_json
from tests.rollout.tables import tickets, write_policy


@pytest.fixture
def ledger(run: Run, folder: Path) -> Path:
    """A ledger with a HOLD, a GO and a HOLD of one rollout."""
    for day in ("08", "12", "13"):
        run("check", folder / "policy.yaml", "--as-of", f"2026-01-{day}")
    return folder / "rampgate.db"


def ids(run: Run, ledger: Path) -> list[str]:
    return [d["decision_id"] for d in only_json(run("history", "--ledger", ledger, "--json")[1])["decisions"]]


def test_it_takes_an_id_a_prefix_last_or_nothing(run: Run, ledger: Path) -> None:
    known = ids(run, ledger)
    last = run("explain", "--ledger", ledger)
    assert last[0] == 0
    assert last[1].startswith("HOLD  triage, look of 2026-01-13\n")
    assert run("explain", "last", "--ledger", ledger) == last
    assert run("explain", known[-1], "--ledger", ledger) == last
    gone = run("explain", known[1][:8], "--ledger", ledger)[1]
    assert gone.startswith("GO  triage")
    for title in ("What was compared", "What was found", "How sure this is", "What happens next"):
        assert f"\n{title}\n" in gone


def test_json_holds_the_same_sentences(run: Run, ledger: Path) -> None:
    found = only_json(run("explain", "--ledger", ledger, "--json")[1])
    assert (found["rollout"], found["decision"], found["decision_id"]) == ("triage", "hold", ids(run, ledger)[-1])
    printed = " ".join(run("explain", "--ledger", ledger)[1].split())
    for section in found["sections"]:
        assert all(" ".join(said.split()) in printed for said in section["sentences"])


def test_the_record_is_all_it_needs(run: Run, ledger: Path) -> None:
    before = run("explain", "--ledger", ledger)
    (ledger.parent / "tickets.csv").unlink()
    (ledger.parent / "policy.yaml").unlink()
    assert run("explain", "--ledger", ledger) == before


def test_of_several_rollouts_one_must_be_named(run: Run, ledger: Path) -> None:
    run("check", write_policy(ledger.parent, rollout="other"), "--as-of", "2026-01-12")
    code, out, err = run("explain", "--ledger", ledger)
    assert (code, out) == (2, "")
    assert "triage, other" in err
    assert "rampgate history" in err
    assert run("explain", ids(run, ledger)[0], "--ledger", ledger)[0] == 0


def test_no_ledger_and_no_such_decision(run: Run, ledger: Path) -> None:
    assert run("explain", "--ledger", ledger.parent / "none.db")[0] == 1
    code, _, err = run("explain", "ffffffff", "--ledger", ledger)
    assert code == 2
    assert "no record has this id" in err
    assert run("explain", "not an id", "--ledger", ledger)[0] == 2


def test_a_rollback_of_a_real_table_is_explained(run: Run, folder: Path) -> None:
    tickets(days=20, harm=0.4, from_day=5).to_csv(folder / "tickets.csv", index=False)
    assert run("check", folder / "policy.yaml", "--as-of", "2026-01-19")[0] == 20
    out = " ".join(run("explain", "--ledger", folder / "rampgate.db")[1].split())
    assert "The reason: override is worse by" in out
    assert "since 2026-01-1" in out
    assert "Give the candidate 0 % of traffic now" in out


def test_status_says_when_the_rollout_may_finish(run: Run, ledger: Path) -> None:
    [row] = only_json(run("status", "--ledger", ledger, "--json")[1])["rollouts"]
    found = row["forecast"]
    assert found["units_per_day"] == 200
    assert [(p["index"], p["traffic"]) for p in found["phases"]] == [(2, 0.5), (3, 1.0)]
    leaves = [date.fromisoformat(p["leaves_at"]) for p in found["phases"]]
    assert leaves[0] >= date(2026, 1, 19)
    assert found["finish"] == found["phases"][-1]["leaves_at"]
    printed = " ".join(run("status", "--ledger", ledger)[1].split())
    assert f"may finish on {found['finish']} at the earliest, if the candidate equals the baseline" in printed
    assert "volume stays at 200 units a day" in printed
    assert found["phases"][0]["why"] in printed


def test_status_names_what_must_be_mended_first(run: Run, folder: Path) -> None:
    frame = tickets(days=20)
    frame.loc[7, "version"] = "v9"
    frame.to_csv(folder / "tickets.csv", index=False)
    run("check", folder / "policy.yaml", "--as-of", "2026-01-12")
    [row] = only_json(run("status", "--ledger", folder / "rampgate.db", "--json")[1])["rollouts"]
    assert row["forecast"]["finish"] is not None
    assert row["forecast"]["assumes"].endswith("what holds it now is mended first (error)")


def test_status_does_not_fail_with_its_forecast(run: Run, ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("no volume at all")

    monkeypatch.setattr("rampgate.report.book.forecast", fail)
    code, out, _ = run("status", "--ledger", ledger)
    assert code == 0
    assert "50 % of traffic" in out
    assert "nothing can be forecast: no volume at all" in " ".join(out.split())
    assert json.loads(run("status", "--ledger", ledger, "--json")[1])["rollouts"][0]["forecast"]["phases"] == []
