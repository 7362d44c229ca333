"""The README's parts: its files, the commands it runs, and the output that it shows.

python -m tests.docs.readme     # runs everything and writes the output into README.md
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pandas as pd
from tests.rollout.tables import tickets

from rampgate.cli import main

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(
    r"<!-- (?P<what>file|run|output): ?(?P<name>.*?) ?-->\n\n```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL
)
RUN = re.compile(r"<!-- run -->\n\n```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


def files() -> dict[str, str]:
    """The files that the README shows, by name."""
    return {m["name"]: m["text"] for m in BLOCK.finditer(README.read_text()) if m["what"] == "file"}


def shown(name: str) -> str:
    """An output that the README shows."""
    [text] = [m["text"] for m in BLOCK.finditer(README.read_text()) if (m["what"], m["name"]) == ("output", name)]
    return text


def runs(kind: str) -> list[str]:
    """The snippets of a language that are to be run."""
    return [m["text"] for m in RUN.finditer(README.read_text()) if m["kind"] == kind]


def table() -> pd.DataFrame:
    """The tickets that the README speaks of."""
    frame = tickets(days=20).drop(columns=["right", "override"]).assign(
        correct=tickets(days=20)["right"], overridden=tickets(days=20)["override"]
    )  # fmt: skip
    names = {"ticket": "ticket_id", "version": "model_version"}
    columns = ["ticket_id", "opened_at", "model_version", "correct", "overridden", "queue"]
    return frame.rename(columns=names)[columns].sort_values("opened_at")


def prepare(folder: Path) -> None:
    """The user's folder: the table and the files of the README."""
    table().to_csv(folder / "tickets.csv", index=False, date_format="%Y-%m-%dT%H:%M:%S")
    for name in ("policy.yaml", "gate.sh"):
        (folder / name).write_text(files()[name])


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder, with a terminal of 80 columns without colour."""
    here = Path.cwd()
    with mock.patch.dict(os.environ, {"NO_COLOR": "1", "COLUMNS": "80", "TERM": "dumb"}):
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)


def command(line: str) -> tuple[int, str]:
    """Run one line of a snippet that starts with ``rampgate``; exit code and standard output."""
    words = line.split("#", maxsplit=1)[0].split()
    assert words[0] == "rampgate", line
    out = io.StringIO()
    with mock.patch.object(sys, "argv", words), contextlib.redirect_stdout(out):
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0), out.getvalue()
    raise AssertionError("main returned")


def commands() -> list[tuple[str, int, str]]:
    """Every command of the README in its order, run in the present folder."""
    lines = [line for snippet in runs("bash") for line in snippet.splitlines() if line.strip()]
    return [(line, *command(line)) for line in lines]


def trimmed(text: str) -> str:
    """Output without trailing spaces and without the id of the record, which is new every time."""
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    return "\n".join(line for line in lines if not line.startswith("decision ")).rstrip() + "\n"


def check_output() -> str:
    """What ``rampgate check`` prints in the README."""
    [(_, _, out)] = [item for item in commands() if item[0].startswith("rampgate check")]
    return trimmed(out)


def demo_output() -> str:
    """The demo's second act and its verdict, as far as the README shows them."""
    out = trimmed(command("rampgate demo --out demo")[1])
    tables = [part for part in out.split("\n\n") if part.startswith(("look ", "Over ", "ROLLBACK", "rollback "))]
    one, moral, two, verdict = tables[0], tables[1], tables[2], tables[3:]
    reasons = "\n".join("\n".join(verdict).splitlines()[:9])
    return f"act one\n{one}\n\n{moral}\n\nact two\n{two}\n\n{reasons}\n"


def update() -> None:
    """Write the present output into the README."""
    with tempfile.TemporaryDirectory() as name, inside(Path(name)):
        prepare(Path(name))
        new = {"check": check_output(), "demo": demo_output()}
        head = "".join((Path(name) / "tickets.csv").read_text().splitlines(keepends=True)[:3])
    text = README.read_text()
    for block in list(BLOCK.finditer(text))[::-1]:
        if block["what"] == "output":
            text = text[: block.start("text")] + new[block["name"]] + text[block.end("text") :]
        elif block["name"].startswith("tickets.csv"):
            text = text[: block.start("text")] + head + text[block.end("text") :]
    README.write_text(text)


if __name__ == "__main__":
    update()
