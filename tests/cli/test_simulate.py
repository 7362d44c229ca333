"""``rampgate simulate`` and ``replay --aa``: exit codes, the JSON contract, what is kept and shown."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tests.cli.conftest import Run
from tests.simulation.tables import policy, table

FEW = ("--rollouts", 20, "--days", 21, "--workers", 1)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    table(days=21).to_parquet(tmp_path / "tickets.parquet")
    content = policy().canonical()
    content["source"] = {"events": "tickets.parquet"}
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def test_json_is_one_object_and_the_whole_is_kept_beside_the_policy(run: Run, rules: Path) -> None:
    code, out, err = run("simulate", rules, *FEW, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["scenarios"][0]["name"] == "harmless"
    assert set(found["scenarios"][0]["false_rollback"]) == {"estimate", "error"}
    assert (found["rollouts"], found["seed"]) == (20, 1)
    assert json.loads((rules.parent / "policy.simulation.json").read_text("utf-8")) == found


def test_a_scenario_alone_is_shown_and_not_kept(run: Run, rules: Path) -> None:
    code, out, _ = run("simulate", rules, *FEW, "--scenario", "harmless")
    assert code == 0
    assert "harmless" in out
    assert "benefit" not in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert not (rules.parent / "policy.simulation.json").exists()


def test_the_whole_fits_a_terminal_and_a_page_is_written(run: Run, rules: Path) -> None:
    code, out, _ = run("simulate", rules, *FEW, "--no-keep", "--report", rules.parent / "page.html")
    assert code == 0
    assert "makes the errors" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    page = (rules.parent / "page.html").read_text("utf-8")
    assert "What this policy does" in page
    assert "<svg" in page
    assert not (rules.parent / "policy.simulation.json").exists()


@pytest.mark.parametrize(
    "wrong", [("--scenario", "none"), ("--rollouts", 1), ("--assume", "no.yaml"), ("--report", "page.pdf")]
)
def test_wrong_arguments_are_exit_2(run: Run, rules: Path, wrong: tuple[object, ...]) -> None:
    code, out, err = run("simulate", rules, *wrong)
    assert (code, out) == (2, "")
    assert "remedy" in err


def test_a_report_shows_what_is_kept_for_its_policy(run: Run, rules: Path) -> None:
    frame = table(days=21)
    later = table(days=10, seed=2)
    later["time"] += pd.Timedelta(days=21)  # the candidate begins where the history ends
    later["unit"] = "n" + later["unit"]
    later.loc[later.index % 5 == 0, "variant"] = "v2"
    pd.concat([frame, later]).to_parquet(rules.parent / "tickets.parquet")
    as_of = str((later["time"].min() + pd.Timedelta(days=5)).date())
    assert run("check", rules, "--as-of", as_of)[0] in (0, 10, 20)
    code, _, err = run("report", rules)
    assert code == 0, err
    page = rules.parent / "report.html"
    assert "What this policy does" not in page.read_text("utf-8")
    assert run("simulate", rules, *FEW)[0] == 0
    assert run("report", rules)[0] == 0
    assert "What this policy does" in page.read_text("utf-8")
    assert run("report", rules, "--out", rules.parent / "report.md")[0] == 0
    assert "What this policy does" in (rules.parent / "report.md").read_text("utf-8")


def test_random_splits_of_history(run: Run, rules: Path) -> None:
    code, out, _ = run("replay", rules, "--aa", 50, "--json")
    assert code == 0
    found = json.loads(out)
    assert set(found["false_rollback"]) == {"estimate", "error"}
    code, out, _ = run("replay", rules, "--aa", 50)
    assert code == 0
    assert "nothing differs" in " ".join(out.split())
    assert run("replay", rules, "--aa", 50, "--from", "2026-01-10")[0] == 2


def test_a_policy_whose_phase_can_hardly_open_is_not_valid(run: Run, rules: Path) -> None:
    code, out, _ = run("validate", rules, "--json")
    assert code == 0, out
    assert [phase["phase"] for phase in json.loads(out)["simulation"]["opening"]] == [1, 2]
    content = yaml.safe_load(rules.read_text("utf-8"))
    content["phases"][0] |= {"go": "non_inferior", "require": ["kpi"]}
    content["kpi"]["margin"] = "1pp"
    rules.write_text(yaml.safe_dump(content), "utf-8")
    code, out, _ = run("validate", rules, "--json")
    found = json.loads(out)
    assert (code, found["ok"]) == (2, False)
    assert found["simulation"]["opening"][0]["estimate"] < 0.8
    assert "phase 1" in found["problems"][0]
    code, out, _ = run("validate", rules)
    assert code == 2
    assert "hardly ever open" in " ".join(out.split())
    code, out, _ = run("validate", rules, "--no-simulation", "--json")
    assert (code, json.loads(out)["simulation"]) == (0, None)


def test_too_little_history_leaves_the_question_open_and_says_so(run: Run, rules: Path) -> None:
    table(days=3).to_parquet(rules.parent / "tickets.parquet")
    code, out, _ = run("validate", rules, "--json")
    found = json.loads(out)
    assert code == 0, found["problems"]
    assert "too little to draw" in found["simulation"]["why"]
