"""``init``: what it writes is valid as it stands, what it refuses is left alone, and it asks in a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.guess.tables import TABLES, boston, plain

from rampgate.policy import load_policy


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", TABLES)
def test_what_it_writes_is_valid_as_it_stands(run: Run, tmp_path: Path, name: str) -> None:
    write, said = TABLES[name]
    path = write(tmp_path / "table.csv")
    options = [word for key, value in said.items() for word in (f"--{key}", value)]
    code, out, err = run("init", path.name, *options)
    assert (code, err) == (0, "")
    assert "wrote policy.yaml" in out
    assert "would hold" not in out
    policy = load_policy(tmp_path / "policy.yaml")
    assert policy.source.events == path.name
    code, out, err = run("validate", "policy.yaml")
    assert (code, err) == (0, "")
    assert out.startswith("the policy is valid")


def test_a_policy_is_valid_before_its_launch_and_judges_nothing(run: Run, tmp_path: Path) -> None:
    TABLES["baseline only"][0](tmp_path / "t.csv")
    assert run("init", "t.csv", "--candidate", "v9")[0] == 0
    code, out, _ = run("validate", "policy.yaml")
    assert code == 0
    assert "evidence starts on the day of the first candidate row" in out
    code, _, err = run("check", "policy.yaml", "--as-of", "2026-01-20")
    assert code == 1
    assert "no row of the candidate 'v9'" in err


def test_a_misspelt_candidate_is_not_valid(run: Run, tmp_path: Path) -> None:
    """The column holds another version beside the baseline: that is no launch to come."""
    plain(tmp_path / "t.csv")
    assert run("init", "t.csv")[0] == 0
    text = (tmp_path / "policy.yaml").read_text()
    assert text.count("\ncandidate: v2\n") == 1
    (tmp_path / "policy.yaml").write_text(text.replace("\ncandidate: v2\n", "\ncandidate: v22\n"))
    code, _, err = run("validate", "policy.yaml")
    assert code == 1
    assert "no row of the candidate 'v22'" in err


def test_other_versions_are_left_out_and_named(run: Run, tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.read_csv(boston(tmp_path / "t.csv"), dtype=str)
    frame.loc[frame.index[:50], "source"] = "Twitter, and others"
    frame.to_csv(tmp_path / "t.csv", index=False)
    code, out, _ = run("init", "t.csv", "--baseline", "Constituent Call", "--candidate", "Citizens Connect App")
    assert code == 0
    assert "'Twitter, and others' (50 rows)" in " ".join(out.split())
    assert load_policy(tmp_path / "policy.yaml").source.ignore == ("Twitter, and others",)
    assert run("validate", "policy.yaml")[0] == 0


def test_it_says_what_would_hold_every_look(run: Run, tmp_path: Path) -> None:
    plain(tmp_path / "t.csv")
    text = (tmp_path / "t.csv").read_text()
    (tmp_path / "t.csv").write_text(text + text.splitlines()[-1] + "\n")
    code, out, _ = run("init", "t.csv", "--unit", "ticket_id")
    assert code == 0
    assert "every look at this source would hold" in out
    assert "repeat a unit" in " ".join(out.split())


def test_an_existing_file_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    plain(tmp_path / "t.csv")
    (tmp_path / "policy.yaml").write_text("mine")
    code, _, err = run("init", "t.csv")
    assert code == 2
    assert "policy.yaml: the file exists and is not overwritten" in err
    assert (tmp_path / "policy.yaml").read_text() == "mine"
    assert run("init", "t.csv", "--force")[0] == 0
    assert load_policy(tmp_path / "policy.yaml").rollout == "t"


def test_it_prints(run: Run, tmp_path: Path) -> None:
    plain(tmp_path / "t.csv")
    code, out, err = run("init", "t.csv", "--out", "-", "--name", "triage", "--no-segments", "--metric", "correct")
    assert (code, err) == (0, "")
    policy = load_policy(out)
    assert (policy.rollout, policy.segments, list(policy.metrics)) == ("triage", None, ["correct"])
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_the_policy_may_lie_elsewhere(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "policies").mkdir()
    plain(tmp_path / "rows" / "t.csv")
    assert run("init", "rows/*.csv", "--out", "policies/p.yaml")[0] == 0
    policy = load_policy(tmp_path / "policies" / "p.yaml")
    assert (policy.source.events, policy.rollout) == ("../rows/*.csv", "rows")
    assert run("validate", "policies/p.yaml")[0] == 0


@pytest.mark.parametrize(
    ("options", "code", "what"),
    [
        (["--unit", "tickt_id"], 2, "did you mean 'ticket_id'?"),
        (["--metric", "queue"], 2, "say which value counts"),
        (["--metric", "queue==desk", "--segment", "colour"], 2, "there is no column 'colour' (--segment)"),
        (["--time-format", "%d"], 2, "says no year"),
        (["--out", "no/policy.yaml"], 2, "there is no such folder"),
        (["--colour"], 2, "--colour"),
        (["--segment", "queue", "--no-segments"], 2, "contradict each other"),
    ],
)
def test_what_it_refuses_leaves_nothing(run: Run, tmp_path: Path, options: list[str], code: int, what: str) -> None:
    plain(tmp_path / "t.csv")
    found, _, err = run("init", "t.csv", *options)
    assert found == code
    assert what in err
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_table_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    assert run("init", "no.csv")[0] == 1
    (tmp_path / "t.csv").write_text("a,b\n")
    code, _, err = run("init", "t.csv")
    assert code == 1
    assert "the source has columns and no rows" in err


# --- in a terminal ----------------------------------------------------------------------------


#: The terminal becomes the program's own, so that Control-C reaches it as from a keyboard.
PROGRAM = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from rampgate.cli import main; main()"


class Terminal:
    """A program in a terminal of its own: what it prints is waited for, what it asks is answered."""

    def __init__(self, handle: int, program: subprocess.Popen[bytes]) -> None:
        self.handle, self.program = handle, program
        self.text = ""
        self.seen = 0

    def wait(self, words: str, seconds: float = 60) -> None:
        """Until the program has said something new."""
        end = time.monotonic() + seconds
        while words not in self.text[self.seen :]:
            left = end - time.monotonic()
            assert left > 0, f"waited for {words!r} in:\n{self.text[self.seen :]}"
            if select.select([self.handle], [], [], left)[0]:
                try:
                    chunk = os.read(self.handle, 4096)
                except OSError:  # the other end is closed
                    chunk = b""
                assert chunk, f"ended before {words!r}:\n{self.text}"
                self.text += chunk.decode(errors="replace").replace("\r\n", "\n")
        self.seen = self.text.index(words, self.seen) + len(words)

    def answer(self, question: str, text: str = "") -> None:
        """Wait for a question, then type a line; nothing is Enter alone."""
        self.wait(question)
        os.write(self.handle, f"{text}\n".encode())

    def interrupt(self, words: str, tries: int = 20) -> None:
        """Press Control-C until the program has said something.

        Python does not see the first one if it comes between the printing of a prompt and the reading of the answer: it
        sets a mark that nobody looks at before the line is read. A person presses again.
        """
        for _ in range(tries):
            os.write(self.handle, b"\x03")
            try:
                self.wait(words, 3)
            except AssertionError:
                if self.program.poll() is not None:
                    raise
            else:
                return
        raise AssertionError(f"{tries} interrupts, and no {words!r} in:\n{self.text}")

    def end(self) -> int:
        """The exit code."""
        while self.program.poll() is None:
            if select.select([self.handle], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.handle, 4096).decode(errors="replace")
                except OSError:
                    break
        return self.program.wait(timeout=60)


@contextmanager
def terminal(folder: Path, *args: str) -> Iterator[Terminal]:
    """``rampgate ARGS`` in a pseudo-terminal, in a folder."""
    mine, its = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1", "COLUMNS": "100"}
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *args],
        stdin=its, stdout=its, stderr=its, cwd=folder, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(its)
    try:
        yield Terminal(mine, program)
    finally:
        if program.poll() is None:
            program.kill()
        program.wait()
        os.close(mine)


def test_enter_accepts_every_guess(tmp_path: Path) -> None:
    plain(tmp_path / "t.csv")
    with terminal(tmp_path, "init", "t.csv") as screen:
        screen.wait("its name is that of an id")
        for question in (
            "column that identifies a row [ticket_id]: ",
            "column of the time at which a row was opened [opened_at]: ",
            "time zone [UTC]: ",
            "column of the version [model_version]: ",
            "version in use [v1]: ",
            "new version [v2]: ",
            "[correct:higher, overridden:lower, sla==MET:higher, csat:1..5, handling_hours:lower]: ",
            "columns to split by, with commas between, or none [queue, priority]: ",
            "write policy.yaml? [Y/n]: ",
        ):
            screen.answer(question)
        screen.wait("wrote policy.yaml")
        assert screen.end() == 0
    assert list(load_policy(tmp_path / "policy.yaml").kpi.weights) == ["correct", "csat", "overridden", "sla"]


def test_answers_change_it_and_wrong_ones_are_asked_again(tmp_path: Path) -> None:
    """With days that prove no order of day and month, it asks first what it cannot guess."""
    lines = ["id;opened;who;solved;late;place"]
    lines += [f"{i};0{1 + i % 9}/02/2026;{'ab'[i % 2]};{i % 7 > 2};{i % 5 > 3};{'xyz'[i % 3]}" for i in range(400)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    with terminal(tmp_path, "init", "t.csv", "--out", "mine.yaml") as screen:
        screen.wait("no value proves which")
        screen.answer("how times are written: ", "%d/%m/%Y")
        screen.wait("which version handled a row")
        screen.answer("column of the version: ", "who")
        screen.answer("[id]: ")
        screen.answer("[opened]: ")
        screen.answer("time zone [UTC]: ", "Europe/Olso")
        screen.wait("there is no time zone 'Europe/Olso'")
        screen.answer("time zone [UTC]: ", "Europe/Oslo")
        screen.answer("version in use [a]: ", "b")
        screen.answer("new version [a]: ")
        screen.answer("[solved:higher, late:lower]: ", "solved, lat")
        screen.wait("did you mean 'late'?")
        screen.answer("[solved:higher, late:lower]: ", "late")
        screen.answer("or none [place]: ", "none")
        screen.answer("write mine.yaml? [Y/n]: ", "y")
        screen.wait("wrote mine.yaml")
        assert screen.end() == 0
    policy = load_policy(tmp_path / "mine.yaml")
    assert (policy.baseline, policy.candidate, policy.timezone) == ("b", "a", "Europe/Oslo")
    assert policy.source.time_format == ("%d/%m/%Y",)
    assert list(policy.metrics) == ["late"]
    assert policy.segments is None


@pytest.mark.parametrize("how", ["control-c", "control-c at the end", "no"])
def test_who_leaves_leaves_nothing(tmp_path: Path, how: str) -> None:
    plain(tmp_path / "t.csv")
    with terminal(tmp_path, "init", "t.csv") as screen:
        if how != "control-c":
            for _ in range(8):
                screen.answer("]: ")
        screen.wait("[ticket_id]: " if how == "control-c" else "[Y/n]: ")
        said = "interrupted; nothing was recorded by this command"
        if how == "no":
            os.write(screen.handle, b"n\n")
            screen.wait(said)
        else:
            screen.interrupt(said)
        assert screen.end() == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_yes_asks_nothing(tmp_path: Path) -> None:
    plain(tmp_path / "t.csv")
    with terminal(tmp_path, "init", "t.csv", "--yes") as screen:
        screen.wait("wrote policy.yaml")
        assert screen.end() == 0
        assert "[ticket_id]" not in screen.text


def test_a_table_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    plain(tmp_path / "t.csv")
    before = (tmp_path / "t.csv").read_bytes()
    for force in ((), ("--force",)):
        assert run("init", "t.csv", "--out", "t.csv", *force)[0] == 2
        assert (tmp_path / "t.csv").read_bytes() == before
