"""The command line run in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.rollout.tables import tickets, write_policy

from rampgate.cli import main

#: Arguments to exit code, standard output and standard error.
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``rampgate`` with some arguments, in a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*args: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rampgate", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy and its table; day 8 is GO, day 4 is HOLD."""
    write_policy(tmp_path)
    tickets(days=20).to_csv(tmp_path / "tickets.csv", index=False)
    return tmp_path
