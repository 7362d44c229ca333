"""The command line's contract: exit codes, JSON keys, and what errors say."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.cli.conftest import Run
from tests.rollout.tables import tickets, write_policy

# product.md, "The command line".
DECISION_KEYS = {
    "rollout", "attempt", "as_of", "policy_sha256", "phase", "decision", "reasons", "kpi", "metrics", "criteria",
    "windows", "drift", "health", "waiting_for", "decision_id", "previous_sha256",
}  # fmt: skip
NESTED_KEYS = {
    "kpi": {"baseline", "candidate", "difference", "lower", "upper", "level"},
    "metrics": {
        "name", "segment", "n_baseline", "n_candidate",
        "baseline", "candidate", "difference", "lower", "upper", "level",
    },
    "reasons": {"code", "verdict", "metric", "segment", "message"},
    "criteria": {"id", "kind", "metric", "segment", "bound", "e_value", "p_value", "verdict"},
    "windows": {"from", "to", "complete", "kpi", "metrics"},
    "waiting_for": {"what", "expected_at"},
    "phase": {"index", "traffic"},
}  # fmt: skip
CODES = {
    "rollback", "guardrail", "floor", "segment", "sample_ratio", "missing_labels", "stale", "volume",
    "duplicate_units", "crossed_units", "drift", "too_little_data", "minimum_duration", "minimum_units", "budget",
    "inconclusive", "not_approved", "open_review", "decided_by_person", "error", "all_clear",
}  # fmt: skip


def only_json(out: str) -> dict[str, Any]:
    assert out.count("\n") == 1
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_go_hold_and_rollback_have_their_exit_codes(run: Run, folder: Path) -> None:
    assert run("check", folder / "policy.yaml", "--as-of", "2026-01-08")[0] == 10
    assert run("check", folder / "policy.yaml", "--as-of", "2026-01-12")[0] == 0
    tickets(days=20, harm=0.4).to_csv(folder / "tickets.csv", index=False)
    code, out, _ = run("check", folder / "policy.yaml", "--as-of", "2026-01-16")
    assert code == 20
    assert "ROLLBACK" in out
    assert run("check", folder / "policy.yaml", "--as-of", "2026-01-16", "--exit-zero")[0] == 0


def test_check_json_has_the_keys_of_the_contract(run: Run, folder: Path) -> None:
    code, out, err = run("check", folder / "policy.yaml", "--as-of", "2026-01-08", "--json")
    decision = only_json(out)
    assert (code, err) == (10, "")
    assert decision.keys() >= DECISION_KEYS
    for key, expected in NESTED_KEYS.items():
        values = decision[key] if isinstance(decision[key], list) else [decision[key]]
        assert values, key
        for value in values:
            assert value.keys() >= expected
    assert {r["code"] for r in decision["reasons"]} <= CODES
    assert decision["decision"] == "hold"
    assert {c["kind"] for c in decision["criteria"]} <= {"rollback", "guardrail", "floor"}
    segments = [m["segment"] for m in decision["metrics"]]
    assert None in segments
    assert {"queue": "network"} in segments
    for m in decision["metrics"]:
        if m["difference"] is not None:
            assert m["candidate"] - m["baseline"] == pytest.approx(m["difference"], abs=1e-9)


def test_the_same_check_twice_prints_the_same(run: Run, folder: Path) -> None:
    first = run("check", folder / "policy.yaml", "--as-of", "2026-01-12", "--json")
    assert run("check", folder / "policy.yaml", "--as-of", "2026-01-12", "--json") == first
    assert len(json.loads(run("history", "--json", "--ledger", folder / "rampgate.db")[1])["decisions"]) == 1


def test_status_history_and_show(run: Run, folder: Path) -> None:
    ledger = ("--ledger", folder / "rampgate.db")
    for day in (8, 12, 13):
        run("check", folder / "policy.yaml", "--as-of", f"2026-01-{day:02}")
    [row] = only_json(run("status", *ledger, "--json")[1])["rollouts"]
    assert (row["phase"], row["status"]) == ({"index": 2, "of": 3, "traffic": 0.5}, "running")
    code, out, _ = run("status", *ledger)
    assert code == 0
    assert "50 % of traffic" in out
    looks = only_json(run("history", *ledger, "--json")[1])["decisions"]
    assert [d["decision"] for d in looks] == ["hold", "go", "hold"]
    assert "GO" in run("history", "triage", *ledger)[1]
    shown = only_json(run("show", looks[1]["decision_id"][:8], *ledger, "--json")[1])
    assert shown["decision_id"] == looks[1]["decision_id"]
    assert shown["decision"] == "go"
    assert "GO" in run("show", looks[1]["decision_id"], *ledger)[1]


def test_replay(run: Run, folder: Path) -> None:
    code, out, _ = run("replay", folder / "policy.yaml", "--json")
    looks = only_json(out)["looks"]
    assert code == 0
    assert len(looks) == 20
    assert looks[0].keys() >= DECISION_KEYS
    assert not (folder / "rampgate.db").exists()
    code, out, _ = run("replay", folder / "policy.yaml", "--from", "2026-01-10", "--to", "2026-01-12")
    assert code == 0
    looks = [line.split()[0] for line in out.splitlines()[1:4]]
    assert looks == ["2026-01-10", "2026-01-11", "2026-01-12"]
    assert "Last look, 2026-01-12" in out


def test_validate_prints_sentences_defaults_and_the_source(run: Run, folder: Path) -> None:
    code, out, _ = run("validate", folder / "policy.yaml")
    assert code == 0
    for part in ("the policy is valid", "Roll back when", "(default)", "tickets.csv"):
        assert part in out
    found = only_json(run("validate", folder / "policy.yaml", "--json")[1])
    assert found["ok"] is True
    assert found["source"]["rows"] == 4000


def test_validate_says_first_what_would_hold_every_look(run: Run, folder: Path) -> None:
    sick("text in a number").to_csv(folder / "tickets.csv", index=False)
    code, out, _ = run("validate", folder / "policy.yaml")
    assert code == 2
    assert "every look at this source would hold" in out.splitlines()[0]
    assert "'banana'" in out
    found = only_json(run("validate", folder / "policy.yaml", "--json")[1])
    assert found["ok"] is False
    assert "equals" in found["problems"][0]


def test_a_value_that_no_row_equals_is_no_zero(run: Run, folder: Path) -> None:
    """A share of a value that is not there would compare nothing and never fail."""
    metrics = {
        "right": {"kind": "proportion", "column": "right", "equals": "correct"},
        "override": {"kind": "proportion", "column": "override", "better": "lower"},
    }
    code, _, err = run("check", write_policy(folder, metrics=metrics), "--as-of", "2026-01-12")
    assert code == 1
    assert "no row equals 'correct'" in err
    assert "'True' (" in err


def test_the_morning_before_the_first_candidate_row(run: Run, folder: Path) -> None:
    frame = tickets(days=20)
    frame[(frame.version == "v1") | (frame.opened_at >= "2026-01-15")].to_csv(folder / "tickets.csv", index=False)
    code, out, _ = run("check", folder / "policy.yaml", "--as-of", "2026-01-12", "--json")
    reasons = only_json(out)["reasons"]
    assert code == 10
    assert {r["code"] for r in reasons} == {"too_little_data"}
    assert any("no row of candidate 'v2'" in r["message"] for r in reasons)


def test_a_changed_policy_is_said(run: Run, folder: Path) -> None:
    run("check", folder / "policy.yaml", "--as-of", "2026-01-08")
    write_policy(folder, kpi={"weights": {"right": 0.6, "override": 0.4}, "margin": "4pp"})
    found = only_json(run("check", folder / "policy.yaml", "--as-of", "2026-01-09", "--json")[1])
    assert any("policy was changed" in r["message"] for r in found["reasons"])


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_is_not_utf_8_costs_no_verdict(folder: Path, encoding: str) -> None:
    tickets(days=20, harm=0.4).to_csv(folder / "tickets.csv", index=False)
    code = "from rampgate.cli import main; main()"
    args = ["check", str(folder / "policy.yaml"), "--as-of", "2026-01-16"]
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code, *args], env=env, capture_output=True, check=False)
    assert done.returncode == 20
    assert done.stdout.startswith(b"ROLLBACK")


def test_a_closed_pipe_costs_no_verdict(folder: Path) -> None:
    tickets(days=20, harm=0.4).to_csv(folder / "tickets.csv", index=False)
    look = (
        f"{sys.executable} -c 'from rampgate.cli import main; main()' check {folder / 'policy.yaml'} --as-of 2026-01-16"
    )
    done = subprocess.run(
        ["bash", "-c", f"{look} | true; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 20


def test_schema_is_json_schema(run: Run) -> None:
    found = json.loads(run("schema")[1])
    assert found["$schema"].startswith("https://json-schema.org/draft/2020-12")
    assert {"metrics", "phases"} <= found["properties"].keys()


def test_wrong_policies_exit_2_and_name_the_line(run: Run, folder: Path) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"metric": {}}, "metric"),
        ({"kpi": {"weights": {"right": 0.6, "override": 0.3}}}, "0.9"),
        ({"kpi": {"weights": {"right": 0.6, "speed": 0.4}}}, "speed"),
        ({"phases": [{"traffic": "50%"}, {"traffic": "10%"}]}, "traffic"),
        ({"phases": [{"traffic": "150%"}]}, "100%"),
        ({"phases": [{"traffic": "10%", "at_least": "-7d"}, {"traffic": "100%"}]}, "negative"),
        ({"drift": {"columns": {"right": {"psi": 0.2, "warn": 0.3}}}}, "drift"),
    ]
    for change, word in wrong:
        path = write_policy(folder, **change)
        for command in ("validate", "check"):
            code, out, err = run(command, path)
            assert (code, out) == (2, "")
            assert word in err
            assert "policy.yaml:" in err
    path.write_text("phases: [1\n  - {")
    code, _, err = run("check", path)
    assert code == 2
    assert "policy.yaml:" in err


def test_a_missing_column_exits_2_and_lists_the_columns(run: Run, folder: Path) -> None:
    tickets().rename(columns={"override": "overriden"}).to_csv(folder / "tickets.csv", index=False)
    code, _, err = run("check", folder / "policy.yaml")
    assert code == 2
    assert "overriden" in err


def break_file(kind: str, path: Path) -> None:
    """Make the table unusable in one way."""
    frame = tickets()
    if kind == "no rows of the candidate":
        frame[frame.version == "v1"].to_csv(path, index=False)
    elif kind == "empty file":
        path.write_text("")
    elif kind == "header only":
        path.write_text("ticket,opened_at,version,right,override,queue\n")
    elif kind == "mixed time zones":
        text = frame.opened_at.dt.strftime("%Y-%m-%dT%H:%M:%S")
        frame["opened_at"] = text.where(frame.index % 2 == 0, text + "+02:00")
        frame.to_csv(path, index=False)
    elif kind == "no times":
        frame.assign(opened_at="yesterday").to_csv(path, index=False)
    else:
        path.unlink()


@pytest.mark.parametrize(
    "kind", ["no rows of the candidate", "empty file", "header only", "mixed time zones", "no times", "no file"]
)
def test_tables_that_cannot_be_judged_exit_1(run: Run, folder: Path, kind: str) -> None:
    break_file(kind, folder / "tickets.csv")
    code, out, err = run("check", folder / "policy.yaml", "--as-of", "2026-01-16")
    assert (code, out) == (1, "")
    assert "tickets.csv" in err
    assert "remedy" in err
    code, out, err = run("check", folder / "policy.yaml", "--as-of", "2026-01-16", "--json")
    found = only_json(out)
    assert (code, err) == (1, "")
    assert found["decision"] == "hold"
    assert found["reasons"][0]["code"] == "error"
    assert found.keys() >= DECISION_KEYS


def test_a_truncated_parquet_file_exits_1(run: Run, folder: Path) -> None:
    write_policy(folder, source={"unit": "ticket", "time": "opened_at", "variant": "version", "events": "t.parquet"})
    tickets().to_parquet(folder / "t.parquet")
    whole = (folder / "t.parquet").read_bytes()
    (folder / "t.parquet").write_bytes(whole[: len(whole) // 2])
    code, _, err = run("check", folder / "policy.yaml", "--as-of", "2026-01-16")
    assert code == 1
    assert "t.parquet" in err


def test_a_truncated_gzip_exits_1(run: Run, folder: Path) -> None:
    write_policy(folder, source={"unit": "ticket", "time": "opened_at", "variant": "version", "events": "t.csv.gz"})
    packed = gzip.compress(tickets().to_csv(index=False).encode())
    (folder / "t.csv.gz").write_bytes(packed[: len(packed) // 2])
    code, _, err = run("check", folder / "policy.yaml", "--as-of", "2026-01-16")
    assert code == 1
    assert "t.csv.gz" in err


def sick(kind: str) -> pd.DataFrame:
    frame = tickets()
    if kind == "third variant":
        frame.loc[7, "version"] = "v9"
    elif kind == "text in a number":
        frame = frame.astype({"right": object})
        frame.loc[7, "right"] = "banana"
    elif kind == "proportion out of range":
        frame = frame.astype({"right": float})
        frame.loc[7, "right"] = 1.7
    elif kind == "duplicate units":
        frame = pd.concat([frame, frame.iloc[:4]])
    return frame


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("third variant", "error", ["'v9'", "version"]),
        ("text in a number", "error", ["'banana'", "right"]),
        ("proportion out of range", "error", ["1.7", "right"]),
        ("duplicate units", "duplicate_units", ["4 rows", "ticket"]),
    ],
)
def test_sick_rows_hold_and_are_counted(run: Run, folder: Path, kind: str, code: str, words: list[str]) -> None:
    sick(kind).to_csv(folder / "tickets.csv", index=False)
    exit_code, out, _ = run("check", folder / "policy.yaml", "--as-of", "2026-01-16", "--json")
    found = only_json(out)
    assert exit_code == 10
    [reason] = [r for r in found["reasons"] if r["code"] == code]
    for word in words:
        assert word in reason["message"]


def test_rows_after_the_look_are_ignored_and_counted(run: Run, folder: Path) -> None:
    found = only_json(run("check", folder / "policy.yaml", "--as-of", "2026-01-12", "--json")[1])
    late = [h for h in found["health"] if h["code"] == "volume" and "ignored" in h["message"]]
    assert [h["count"] for h in late] == [13 * 200]
    earlier = tickets(days=7)
    assert sum(m["n_baseline"] + m["n_candidate"] for m in found["metrics"] if m["segment"] is None) % len(earlier) == 0


def test_wrong_arguments_exit_2(run: Run, folder: Path) -> None:
    assert run("check")[0] == 2
    assert run("chekc")[0] == 2
    code, _, err = run("check", folder / "policy.yaml", "--as-of", "tomorrow")
    assert code == 2
    assert "2026-03-01" in err
    assert run("show", "ffff", "--ledger", folder / "none.db")[0] == 1
    assert run("check", folder / "nothing.yaml")[0] == 2
    assert only_json(run("check", "--json")[1])["exit_code"] == 2


def test_a_defect_is_exit_1_and_says_hold(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("rampgate.rollout.evaluate.judge", fail)
    code, _, err = run("check", folder / "policy.yaml", "--as-of", "2026-01-12")
    assert code == 1
    assert "treat this as hold" in err
    assert "a defect" in err


def test_the_installed_command_and_its_imports(folder: Path) -> None:
    """--help loads no engine; check loads neither pandas nor Alembic once the ledger is there."""
    env = {**os.environ, "NO_COLOR": "1"}
    script = (
        "import sys; sys.argv = ['rampgate', {args}]\n"
        "from rampgate.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('LOADED', [m for m in {names} if m in sys.modules])"
    )

    def loaded(args: str, names: list[str]) -> str:
        code = script.format(args=args, names=names)
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        return done.stdout.rsplit("LOADED", 1)[1].strip()

    assert loaded("'--help'", ["duckdb", "numpy", "sqlglot", "sqlalchemy", "pydantic", "rich"]) == "[]"
    policy = str(folder / "policy.yaml")
    look = f"'check', {policy!r}, '--as-of', '2026-01-12'"
    loaded(look, [])
    compared = loaded(f"'compare', {str(folder / 'tickets.csv')!r}", ["sqlalchemy", "rampgate.ledger", "pandas"])
    assert compared == "[]", "what is compared is recorded nowhere"
    heavy = ["pandas", "pyarrow", "polars", "alembic", "scipy", "altair"]
    assert loaded(look, heavy) == "[]"


def test_an_export_overwrites_no_file_unasked_and_a_ledger_never(run: Run, folder: Path) -> None:
    policy, ledger, out = folder / "policy.yaml", folder / "rampgate.db", folder / "ledger.jsonl"
    run("check", policy, "--as-of", "2026-01-08")
    before = {path: path.read_bytes() for path in (policy, ledger)}
    assert run("export", "--out", policy, "--ledger", ledger)[0] == 2
    assert run("export", "--out", ledger, "--ledger", ledger)[0] == 2
    code, _, err = run("export", "--out", ledger, "--ledger", ledger, "--force")
    assert code == 2
    assert "is never overwritten" in err
    assert {path: path.read_bytes() for path in before} == before
    assert run("export", "--out", out, "--ledger", ledger)[0] == 0
    lines = out.read_bytes()
    out.write_bytes(b"older")
    assert run("export", "--out", out, "--ledger", ledger, "--force")[0] == 0
    assert out.read_bytes() == lines
