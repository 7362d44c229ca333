"""``rampgate compare``: what it prints, its exit codes, and what it hands to whoever guesses the columns."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import Run
from tests.rollout.tables import POLICY, tickets

from rampgate.errors import UsageError
from rampgate.guess import Given, Guess, Note
from rampgate.policy import load_policy


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Given]:
    """Stands in for the guess: it knows the columns of `tickets`, and keeps what it was given."""
    seen: list[Given] = []

    def guess(events: object, given: Given, rollout: str | None = None) -> Guess:
        seen.append(given)
        if given.variant == "colour":
            raise UsageError("there is no column 'colour'", remedy="give another with --variant")
        segments = ("queue",) if given.segments is None else given.segments
        content = {
            **POLICY,
            "baseline": given.baseline or "v1",
            "candidate": given.candidate or "v2",
            "segments": {**POLICY["segments"], "by": list(segments)} if segments else None,
            "timezone": given.timezone or "UTC",
        }
        rules = load_policy({key: value for key, value in content.items() if value is not None})
        notes = (
            Note("unit", "ticket", "another value in every row", "--unit", True),
            Note("baseline", "v1", "given", "--baseline", given.baseline is None),
            Note("phases", "25% -> 100%", "the usual ones", "", True),
        )
        return Guess(policy=rules, notes=notes, left_out=(("comment", "text of many values"),))

    monkeypatch.setattr("rampgate.guess.guess", guess)
    return seen


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.csv"
    tickets(harm=0.09).to_csv(path, index=False)
    return path


def only_json(out: str) -> dict[str, Any]:
    assert out.count("\n") == 1
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_the_answer_comes_first_and_the_guesses_name_their_flag(run: Run, table: Path, asked: list[Given]) -> None:
    code, out, err = run("compare", table, "--baseline", "v1", "--candidate", "v2")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0].startswith("v2 is WORSE than v1: ")
    assert max(map(len, lines)) <= 80
    for part in ("Overall, on the same days", "by week", "Segments", "(--unit)", "comment: text of many values"):
        assert part in out
    assert asked == [Given(baseline="v1", candidate="v2")]


def test_every_flag_reaches_the_guess(run: Run, table: Path, asked: list[Given]) -> None:
    flags = {
        "--unit": "ticket", "--time": "opened_at", "--variant": "version", "--baseline": "v1", "--candidate": "v2",
        "--timezone": "Europe/Berlin", "--time-format": "%d/%m/%Y", "--decimal": ",",
    }  # fmt: skip
    lists = ["--metric", "right", "--metric", "override:lower", "--segment", "queue", "--segment", "team"]
    run("compare", table, *(word for pair in flags.items() for word in pair), *lists)
    [given] = asked
    assert given == Given(
        "ticket", "opened_at", "version", "v1", "v2", ("right", "override:lower"), ("queue", "team"),
        "Europe/Berlin", "%d/%m/%Y", ",",
    )  # fmt: skip
    assert all(getattr(given, field.name) for field in fields(Given))


def test_no_segments_is_not_the_same_as_none_named(run: Run, table: Path, asked: list[Given]) -> None:
    _, out, _ = run("compare", table, "--no-segments")
    assert "Segments" not in out
    run("compare", table)
    assert [given.segments for given in asked] == [(), None]
    code, _, err = run("compare", table, "--no-segments", "--segment", "queue")
    assert code == 2
    assert "remedy" in err


JSON_KEYS = {
    "source", "baseline", "candidate", "verdict", "headline", "details", "span", "metrics", "family", "windows",
    "segments", "rows", "warnings", "limits", "columns", "notes", "left_out",
}  # fmt: skip


def test_json_is_one_object(run: Run, table: Path, asked: list[Given]) -> None:
    code, out, err = run("compare", table, "--json")
    found = only_json(out)
    assert (code, err) == (0, "")
    assert found.keys() == JSON_KEYS
    assert (found["verdict"], found["baseline"], found["candidate"]) == ("worse", "v1", "v2")
    for m in [*found["metrics"], *found["segments"]["rows"]]:
        assert m["candidate"] - m["baseline"] == pytest.approx(m["difference"], abs=1e-9)
        assert m["verdict"] in {"worse", "better", "no difference shown"}
    assert sum(w["units"]["candidate"] for w in found["windows"]) == found["span"]["candidate"]["units"]
    assert found["notes"][0] == {
        "role": "unit", "value": "ticket", "why": "another value in every row", "flag": "--unit", "guessed": True,
    }  # fmt: skip


def test_as_of_ends_the_comparison(run: Run, table: Path, asked: list[Given]) -> None:
    found = only_json(run("compare", table, "--as-of", "2026-01-12", "--json")[1])
    assert [note["role"] for note in found["notes"]] == ["unit", "baseline"]
    assert found["rows"]["used"] == 7 * 200
    assert found["rows"]["after_the_span"] == 23 * 200
    assert "the newest row is of" in run("compare", table)[1]


def test_printed_whatever_it_says_it_exits_0(run: Run, tmp_path: Path, asked: list[Given]) -> None:
    frame = tickets()
    path = tmp_path / "before_after.csv"
    frame.assign(version=np.where(frame.opened_at < "2026-01-20", "v1", "v2")).to_csv(path, index=False)
    code, out, _ = run("compare", path)
    assert code == 0
    assert out.startswith("CANNOT BE COMPARED")
    assert "never ran on the same day" in " ".join(out.split())
    assert only_json(run("compare", path, "--json")[1])["verdict"] == "cannot be compared"


def test_wrong_arguments_exit_2_and_say_what_to_do(run: Run, table: Path, asked: list[Given]) -> None:
    for args, words in (
        (["--candidate", "v3"], ["'v3'", "--candidate", "'v1' (4208 rows)"]),
        (["--baseline", "v2"], ['both "v2"']),
        (["--variant", "colour"], ["colour", "--variant"]),
        (["--as-of", "tomorrow"], ["2026-03-01"]),
        (["--as-of", "2020-01-01"], ["2026-01-05"]),
    ):
        code, out, err = run("compare", table, *args)
        assert (code, out) == (2, ""), args
        assert all(word in err for word in words), err
        code, out, err = run("compare", table, *args, "--json")
        assert (code, err) == (2, "")
        assert all(word in only_json(out)["error"] for word in words)
    assert run("compare")[0] == 2
    assert only_json(run("compare", "--json")[1])["exit_code"] == 2


def test_a_table_that_cannot_be_read_exits_1(run: Run, tmp_path: Path, asked: list[Given]) -> None:
    (tmp_path / "empty.csv").write_text("")
    for name in ("empty.csv", "missing.csv"):
        code, _, err = run("compare", tmp_path / name)
        assert code == 1
        assert name in err


def test_compare_is_a_function_of_the_package(table: Path, asked: list[Given]) -> None:
    """The room has another name, so no import of it can take the function's place."""
    import rampgate.comparison.table

    frame = tickets(harm=0.09)
    found = rampgate.compare(frame, baseline="v1", candidate="v2", metrics="right", segments=["queue"])
    assert isinstance(found, rampgate.Comparison)
    assert found.verdict == "worse"
    assert found.left_out == (("comment", "text of many values"),)
    assert asked == [Given(baseline="v1", candidate="v2", metrics=("right",), segments=("queue",))]
    assert rampgate.compare(str(table)).metrics == rampgate.compare(frame).metrics


def test_help_lists_compare_directly_after_demo(run: Run) -> None:
    commands = [line.split()[0] for line in run("--help")[1].splitlines() if line.startswith("  ") and line.split()]
    assert commands.index("compare") == commands.index("demo") + 1
