"""Every snippet of the README is run, and every output that it shows is what comes out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs import readme


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    readme.prepare(tmp_path)
    with readme.inside(tmp_path):
        yield tmp_path


def test_every_command_does_what_it_says(folder: Path) -> None:
    done = readme.commands()
    names = [line.split()[1] for line, _, _ in done]
    assert names == ["validate", "check", "status", "history", "report", "replay"]
    assert {code for _, code, _ in done} == {0}
    assert (folder / "rampgate.db").exists()
    assert (folder / "report.html").read_text("utf-8").startswith("<!doctype html>")
    outputs = {line.split()[1]: out for line, _, out in done}
    assert readme.trimmed(outputs["check"]) == readme.shown("check")


def test_the_demo_prints_what_the_readme_shows(folder: Path) -> None:
    assert readme.demo_output() == readme.shown("demo")


def test_the_first_lines_of_the_table(folder: Path) -> None:
    lines = (folder / "tickets.csv").read_text().splitlines(keepends=True)[:3]
    assert "".join(lines) == readme.files()["tickets.csv (first lines)"]


def test_python(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [snippet] = readme.runs("python")
    exec(compile(snippet, "README.md", "exec"), {})
    out = capsys.readouterr().out
    assert out.startswith("go 0.1 ")
    assert not (folder / "rampgate.db").exists()


@pytest.mark.parametrize(("as_of", "code", "says"), [("2026-01-08", 0, "hold"), ("2026-01-12", 0, "go")])
def test_the_cron_recipe(folder: Path, as_of: str, code: int, says: str) -> None:
    script = (folder / "gate.sh").read_text().replace("policy.yaml --json", f"policy.yaml --as-of {as_of} --json")
    (folder / "rampgate").write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from rampgate.cli import main; main()" "$@"\n'
    )
    (folder / "rampgate").chmod(0o755)
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(readme.ROOT / "src")}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (code, says)
    (folder / "policy.yaml").write_text("nonsense: [")
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (1, "could not judge: hold")
