"""What a person at a terminal sees, and a pipe does not: progress, colour; and what ``--quiet`` leaves."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.rollout.tables import tickets, write_policy

CODE = "from rampgate.cli import main; main()"
#: Shows progress at once, so that a test need not be slow to see it.
AT_ONCE = "import rampgate.cli.output as o; o.PATIENCE = 0.0; " + CODE
#: Never shows any, however slow the machine.
PATIENT = "import rampgate.cli.output as o; o.PATIENCE = 600.0; " + CODE
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_policy(tmp_path)
    tickets(days=20).to_csv(tmp_path / "tickets.csv", index=False)
    return tmp_path


def command(*args: object, code: str = CODE) -> list[str]:
    return [sys.executable, "-c", code, *map(str, args)]


def environment(**changes: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")}
    return {**kept, "TERM": "xterm-256color", **changes}


def piped(*args: object, code: str = CODE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*args, code=code), env=environment(), capture_output=True, text=True, check=False)


def at_terminal(
    *args: object, stderr_only: bool = False, code: str = CODE, env: dict[str, str] | None = None
) -> tuple[int, str, str]:
    """Exit code, and what a pseudo-terminal and, with ``stderr_only``, a pipe for standard output received."""
    leader, follower = pty.openpty()
    made, settings = command(*args, code=code), environment(**(env or {}))
    with tempfile.TemporaryFile() as file:
        out = file if stderr_only else follower
        process = subprocess.Popen(made, stdin=follower, stdout=out, stderr=follower, env=settings)
        os.close(follower)
        seen = bytearray()
        with contextlib.suppress(OSError):  # Linux says so when the other end was closed
            while part := os.read(leader, 65536):
                seen += part
        exit_code = process.wait()
        os.close(leader)
        file.seek(0)
        return exit_code, seen.decode(), file.read().decode()


COMMANDS: dict[str, Callable[[Path], tuple[object, ...]]] = {
    "check": lambda at: ("check", at / "policy.yaml", "--as-of", "2026-01-12"),
    "replay": lambda at: ("replay", at / "policy.yaml"),
    "validate": lambda at: ("validate", at / "policy.yaml"),
    "compare": lambda at: ("compare", at / "tickets.csv"),
    "init": lambda at: ("init", at / "tickets.csv", "--yes", "--out", at / "draft.yaml"),
    "explain": lambda at: ("explain", "--ledger", at / "rampgate.db"),
    "report": lambda at: ("report", at / "policy.yaml"),
    "status": lambda at: ("status", "--ledger", at / "rampgate.db"),
    "history": lambda at: ("history", "--ledger", at / "rampgate.db"),
    "demo": lambda at: ("demo", "--out", at / "demo"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_pipe_gets_no_control_characters(name: str, folder: Path) -> None:
    piped(*COMMANDS["check"](folder))
    done = piped(*COMMANDS[name](folder), code=AT_ONCE)
    assert done.returncode == 0
    assert done.stdout
    assert done.stderr == ""
    assert not CONTROL.search(done.stdout)
    # A command that is to be copied stands in one line, however long its paths are.
    lines = [line for line in done.stdout.splitlines() if str(folder) not in line]
    assert max(map(len, lines), default=0) <= 80


SAYS = {
    "check": "reading the rows",
    "replay": "look 20, 2026-01-25",
    "compare": "reading the rows and comparing them",
    "init": "reading the rows",
    "explain": "judging again",
    "report": "judging again and drawing",
}


@pytest.mark.parametrize(("name", "says"), SAYS.items())
def test_progress_is_on_standard_error_and_leaves_nothing(name: str, says: str, folder: Path) -> None:
    piped(*COMMANDS["check"](folder))
    code, seen, out = at_terminal(*COMMANDS[name](folder), stderr_only=True, code=AT_ONCE)
    assert code == 0
    assert says in seen
    # It ends by erasing its line and showing the cursor again.
    assert seen.rstrip().endswith(("\x1b[2K", "\x1b[?25h")) or seen.rfind("\x1b[2K") > seen.rfind(says)
    assert says not in out
    assert not CONTROL.search(out)


@pytest.mark.parametrize("flag", ["--quiet", "-q"])
def test_quiet_shows_no_progress(flag: str, folder: Path) -> None:
    assert at_terminal(*COMMANDS["replay"](folder), flag, stderr_only=True, code=AT_ONCE)[1] == ""


def test_a_quick_command_shows_no_progress(folder: Path) -> None:
    assert at_terminal(*COMMANDS["check"](folder), stderr_only=True, code=PATIENT)[1] == ""


def test_json_stays_one_object_while_progress_is_shown(folder: Path) -> None:
    _, seen, out = at_terminal(*COMMANDS["replay"](folder), "--json", stderr_only=True, code=AT_ONCE)
    assert "look 20" in seen
    assert out.count("\n") == 1
    assert len(json.loads(out)["looks"]) == 20


QUIET: list[tuple[str, list[str]]] = [
    ("check", [r"GO  triage, look of 2026-01-12"]),
    ("replay", [r"COMPLETE  triage, look of 2026-01-25"]),
    ("validate", [r"the policy is valid"]),
    ("status", [r"triage  GO"]),
    ("demo", [r"COMPLETE  act-one, look of 2016-04-11", r"ROLLBACK  act-two, look of 2016-03-25"]),
]


@pytest.mark.parametrize(("name", "lines"), QUIET)
def test_quiet_prints_the_answer_alone(name: str, lines: list[str], folder: Path) -> None:
    piped(*COMMANDS["check"](folder))
    done = piped(*COMMANDS[name](folder), "--quiet")
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, lines, "")


def test_quiet_changes_no_exit_code(folder: Path) -> None:
    look = ("check", folder / "policy.yaml", "--quiet", "--as-of")
    held = piped(*look, "2026-01-08")
    assert (held.returncode, held.stdout) == (10, "HOLD  triage, look of 2026-01-08\n")
    tickets(days=20, harm=0.4).to_csv(folder / "tickets.csv", index=False)
    back = piped(*look, "2026-01-16")
    assert (back.returncode, back.stdout) == (20, "ROLLBACK  triage, look of 2026-01-16\n")
    wrong = piped("validate", folder / "nothing.yaml", "-q")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "nothing.yaml" in wrong.stderr


def test_a_terminal_has_colour_unless_it_is_told_otherwise(folder: Path) -> None:
    look = COMMANDS["check"](folder)
    coloured = re.compile(r"\x1b\[[\d;]*3[0-7]m")
    assert coloured.search(at_terminal(*look)[1])
    assert not coloured.search(at_terminal(*look, env={"NO_COLOR": "1"})[1])
    dumb = at_terminal(*look, env={"TERM": "dumb"}, code=AT_ONCE)[1]
    assert "GO  triage" in dumb
    assert "\x1b" not in dumb


def test_the_words_are_the_same_without_colour(folder: Path) -> None:
    look = COMMANDS["check"](folder)
    piped(*look)  # the first look makes the ledger
    bare = [
        re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", at_terminal(*look, env=env, code=PATIENT)[1])
        for env in ({}, {"NO_COLOR": "1"})
    ]
    assert bare[0] == bare[1]


def test_an_error_is_broken_between_words_for_a_person_and_not_for_a_log(folder: Path) -> None:
    """A search of a log for the whole sentence finds it."""
    wrong = ("compare", folder / "tickets.csv", "--variant", "colour of the version that handled the ticket")
    logged = piped(*wrong).stderr
    assert max(map(len, logged.splitlines())) > 80
    seen = at_terminal(*wrong)[1].splitlines()
    assert max(len(line) for line in seen if str(folder) not in line) <= 80
    assert " ".join(" ".join(seen).split()) == " ".join(logged.split())


@pytest.mark.parametrize("args", [("validate", "policy.yaml"), ("replay", "policy.yaml")])
def test_a_pipe_gets_lines_without_blanks_at_their_ends(folder: Path, args: tuple[str, str]) -> None:
    done = piped(args[0], folder / args[1])
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 10
    assert not [line for line in done.stdout.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", False), ("utf-8", True)])
def test_an_output_without_blocks_has_no_title_of_blocks(folder: Path, encoding: str, shown: bool) -> None:
    assert piped("check", folder / "policy.yaml", "--as-of", "2026-01-24", "--exit-zero").returncode == 0
    for name in ("status", "history"):
        args = command(name, "--ledger", folder / "rampgate.db")
        env = environment(PYTHONIOENCODING=encoding)
        done = subprocess.run(args, env=env, capture_output=True, encoding="utf-8", check=True)
        assert ("eighted KPI by window" in done.stdout) == shown
