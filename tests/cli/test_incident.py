"""`incident` and `review` on the command line: from the rollback to the next attempt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.rollout.reviewed import written
from tests.rollout.tables import tickets, write_policy

from rampgate.ledger import Ledger


@pytest.fixture
def fired(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_policy(tmp_path)
    tickets(days=20, harm=0.3).to_csv(tmp_path / "tickets.csv", index=False)
    assert run("check", "policy.yaml", "--as-of", "2026-01-17")[0] == 20
    return tmp_path


def said(run: Run, *arguments: object) -> dict[str, Any]:
    code, out, err = run(*arguments, "--json")
    assert (code, err) == (0, ""), out
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_from_the_rollback_to_a_closed_review(fired: Path, run: Run) -> None:
    (one,) = said(run, "incident", "list")["incidents"]
    assert (one["state"], one["owner"], one["attempt"], one["rolled_back"][:10]) == ("open", None, 1, "2026-01-17")
    short = one["incident"][:8]
    assert said(run, "incident", "assign", short, "lee", "--as", "kim")["owner"] == "lee"
    assert run("review", "new", short)[0] == 0
    draft = (fired / "review.md").read_text()
    assert "- Owner: lee" in draft
    assert one["incident"] in draft
    code, _, err = run("review", "new", short)
    assert (code, "is not overwritten" in err) == (2, True)
    code, _, err = run("review", "submit", "review.md", "--as", "lee")
    assert code == 2
    assert "review.md:" in err
    assert "the section 'Root causes' says nothing" in err
    written(fired, short)
    assert said(run, "review", "submit", "review.md", "--as", "lee")["state"] == "in review"
    assert said(run, "review", "show", short)["markdown"] == (fired / "review.md").read_text()
    code, _, err = run("review", "close", short, "--as", "lee")
    assert (code, "cannot be its reviewer" in err) == (2, True)
    assert said(run, "review", "close", short, "--as", "sam")["state"] == "closed"
    assert said(run, "incident", "list")["incidents"] == []
    assert said(run, "incident", "list", "--all")["incidents"][0]["closed_by"] == "sam"
    assert run("verify")[0] == 0
    whole = said(run, "incident", "show", "last")
    assert whole["causes"] == ["the prompt lost a line"]
    assert [entry["who"] for entry in whole["timeline"]][-3:] == ["kim", "lee", "sam"]


def test_what_is_overdue_stands_in_status_until_it_is_done(fired: Path, run: Run) -> None:
    from datetime import UTC, datetime, timedelta

    from rampgate.report.book import status_rows, status_view
    from rampgate.report.terminal import console

    short = said(run, "incident", "list")["incidents"][0]["incident"][:8]
    written(fired, short, days=3)
    said(run, "review", "submit", "review.md", "--as", "lee")
    row = said(run, "status")["rollouts"][0]
    assert [one["owner"] for one in row["incidents"]] == ["lee"]
    assert row["overdue"] == []
    book, later = Ledger.open("rampgate.db"), datetime.now(UTC).date() + timedelta(days=4)
    rows = status_rows(book, today=later)
    assert [(one["action"], one["what"], one["owner"]) for one in rows[0]["overdue"]] == [(1, "test it", "lee")]
    screen = console()
    with screen.capture() as got:
        screen.print(status_view(rows, {"triage": ()}))
    assert "OVERDUE since" in got.get()
    said(run, "review", "done", short, 1, "--as", "lee", "--because", "https://example.com/8")
    assert status_rows(book, today=later)[0]["overdue"] == []


def test_a_terminal_of_80_columns_is_enough(fired: Path, run: Run) -> None:
    for words in (["incident", "list"], ["incident", "show", "last"], ["incident", "stats"], ["status"]):
        code, out, _ = run(*words)
        assert code == 0
        assert max(map(len, out.splitlines())) <= 80


def test_stats_are_one_object(fired: Path, run: Run) -> None:
    found = said(run, "incident", "stats")
    assert found.keys() == {"incidents", "by", "false_rollback"}
    assert found["incidents"][0]["judged"] == "not_judged"
    assert run("incident", "stats", "another")[0] == 2
    code, _, err = run("incident", "stats", "--simulation", "tickets.csv")
    assert (code, "this is no simulation" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["incident", "show", "0123"], "no incident has this id"),
        (["incident", "link", "last", "--as", "kim"], "give an address or a file"),
        (["incident", "link", "last", "x", "--joins", "y", "--as", "kim"], "give an address or a file"),
        (["review", "show", "last"], "no review of incident"),
        (["review", "close", "last", "--as", "sam"], "no review of incident"),
        (["review", "false-alarm", "last", "--because", " ", "--as", "sam"], "no reason is given"),
    ],
)
def test_what_is_wrong_is_told_and_records_nothing(fired: Path, run: Run, words: list[str], says: str) -> None:
    before = len(list(Ledger.open("rampgate.db").records()))
    code, _, err = run(*words)
    assert (code, says in " ".join(err.split())) == (2, True), err
    assert len(list(Ledger.open("rampgate.db").records())) == before


TOML = """\
[review]
template = "ours.md"
states = ["new", "traced", "being read", "done"]

[review.headings]
luck = "Where chance helped"
"""
OURS = (
    "# {{ title }}\n\nIncident: {{ id }}\nOwner: {{ owner }}\n\n## Summary\n\n{{ summary }}\n\n## Impact\n\n"
    "{{ impact }}\n\n## Timeline\n\n{{ timeline }}\n\n## Root causes\n\n## Contributing factors\n\n"
    "## What went well\n\n## Where chance helped\n\n## Actions\n\n## Our own\n"
)


def test_a_project_has_its_own_template_states_and_headings(fired: Path, run: Run) -> None:
    (fired / "rampgate.toml").write_text(TOML)
    (fired / "ours.md").write_text(OURS)
    assert said(run, "incident", "list")["incidents"][0]["state"] == "new"
    assert said(run, "incident", "note", "last", "found it", "--state", "traced", "--as", "kim")["state"] == "traced"
    assert run("review", "new", "last")[0] == 0
    assert "## Where chance helped" in (fired / "review.md").read_text()
    path = written(fired, said(run, "incident", "list")["incidents"][0]["incident"])
    path.write_text(path.read_text().replace("Where we got lucky", "Where chance helped"))
    assert said(run, "review", "submit", "review.md", "--as", "lee")["state"] == "being read"
    assert said(run, "review", "close", "last", "--as", "sam")["state"] == "done"


@pytest.mark.parametrize(
    ("toml", "ours", "says"),
    [
        (TOML, "{{ titel }}", "asks for 'titel'"),
        (TOML, "## Summary\n", "has no section 'Impact'"),
        (TOML.replace("ours.md", "nothing.md"), OURS, "template of reviews cannot be read"),
        ('[review]\nstates = ["open", "closed"]\n', OURS, "three or more different names"),
        ("[review]\nstate = 1\n", OURS, "no key 'state'"),
        ('[review.headings]\nluck = "Actions"\n', OURS, "two headings are the same"),
        ('[review.headings]\nchance = "Chance"\n', OURS, "headings are texts for summary"),
    ],
)
def test_settings_that_make_no_sense_are_told(fired: Path, run: Run, toml: str, ours: str, says: str) -> None:
    (fired / "rampgate.toml").write_text(toml)
    (fired / "ours.md").write_text(ours)
    code, _, err = run("review", "new", "last")
    assert (code, says in " ".join(err.split())) == (2, True), err
    assert not (fired / "review.md").exists()
