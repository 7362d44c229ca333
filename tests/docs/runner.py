"""Runs a page from top to bottom in a folder of its own, as its reader would."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from tests.docs.blocks import ROOT, Block, PageError, blocks, given, name_of
from tests.docs.tables import lay

from rampgate.cli import main

#: A line with one of these needs a shell.
_SHELL = re.compile(r"[|&;<>$(){}\\]")
#: Ids of decisions, which are new every time: whole, or cut to 8 or 12 digits.
_ID = re.compile(r"(?<![\w.+-])(?:[0-9a-f]{64}|[0-9a-f]{12}|[0-9a-f]{8})(?![\w.])")
_TERMINAL = {"NO_COLOR": "1", "COLUMNS": "80", "TERM": "dumb"}
_SECTION = re.compile(r"^[\w-]+:", re.MULTILINE)


def run_page(page: Path, shared: Path) -> str:
    """Run a page; its text with the output that came.

    Parameters
    ----------
    shared : folder that outlives the page: the demo, which takes seconds, is made in it once

    Raises
    ------
    PageError
        When a block is not marked, or a command ends otherwise than the page says.
    """
    with tempfile.TemporaryDirectory() as folder, inside(Path(folder)):
        return _Run(page, Path(folder), shared).text()


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder, with a terminal of 80 columns without colour."""
    here = Path.cwd()
    with mock.patch.dict(os.environ, _TERMINAL):
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)


def tidy(text: str) -> str:
    """Output without spaces at the ends of lines and without empty lines around it."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n") + "\n"


def masked(text: str) -> str:
    """The text with every id in the same letters."""
    return _ID.sub(lambda found: "x" * len(found[0]), text)


@dataclass
class _Run:
    page: Path
    folder: Path
    shared: Path
    said: list[tuple[str, str]] = field(default_factory=list)  # what each run printed, by the command's name
    names: dict[str, Any] = field(default_factory=dict)  # of the Python blocks
    ids: dict[str, str] = field(default_factory=dict)  # the page's ids, and the real ones
    renamed: dict[str, str] = field(default_factory=dict)  # those whose output is no longer the page's

    def text(self) -> str:
        """Every block in its order; the page with what came out."""
        text = self.page.read_text("utf-8")
        for name in given(text):
            lay(name, self.folder)
        parts, end = [], 0
        for block in blocks(text, name_of(self.page)):
            parts.append(text[end : block.start])
            end = block.end
            try:
                parts.append(self._block(block))
            except PageError as error:
                error.so_far = "".join([*parts, text[block.start :]])
                raise
        return "".join([*parts, text[end:]])

    def _block(self, block: Block) -> str:
        if block.what == "run":
            self._run(block)
            return _replaced(block.text, self.renamed)
        if block.what == "file":
            Path(block.name).write_text(block.text, "utf-8")
        elif block.what == "change":
            _change(Path(block.name), block)
        elif block.what == "head":
            lines = Path(block.name).read_text("utf-8").splitlines(keepends=True)
            return "".join(lines[: block.text.count("\n")])
        elif block.what == "output":
            return self._output(block)
        return block.text

    # --- output -------------------------------------------------------------------------

    def _output(self, block: Block) -> str:
        found = [out for name, out in self.said if not block.name or name == block.name]
        if not found:
            raise block.error(f"nothing called {block.name!r} was run before this output")
        real = _cut(block, tidy(found[-1]))
        then, now = _ID.findall(block.text), _ID.findall(real)
        same = masked(real) == masked(block.text)
        if len(then) == len(now):
            self.ids.update(zip(then, now, strict=True))
            self.renamed.update({} if same else zip(then, now, strict=True))
        return block.text if same else real

    # --- commands -----------------------------------------------------------------------

    def _run(self, block: Block) -> None:
        if block.kind == "python":
            return self._python(block)
        if block.kind != "bash":
            raise block.error(f"{block.kind} cannot be run")
        expected = int(block.options.get("exit", 0))
        script = _replaced(block.text, self.ids)
        lines = [line for line in script.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if not all(_complete(line) for line in lines):
            lines = [script]
        printed = []
        for place, line in enumerate(lines):
            code, out = self._line(block, line)
            if code != (expected if place == len(lines) - 1 else 0):
                raise block.error(f"`{line.strip()}` exits with {code}\n{out}")
            printed.append(out)
        if len(lines) != 1:
            self.said.append(("", "".join(printed)))
        return None

    def _line(self, block: Block, line: str) -> tuple[int, str]:
        words = _words(block, line) if not _SHELL.search(_uncommented(line)) else []
        if words[:1] == ["cd"]:
            os.chdir(words[1])
            return 0, ""
        if words == ["rampgate", "demo"]:
            code, out = 0, demo(self.shared, Path.cwd())
        elif words[:1] == ["rampgate"]:
            code, out = rampgate(words)
        else:
            code, out = shell(line, self.shared)
        self.said.append((words[1] if words[:1] == ["rampgate"] and len(words) > 1 else "", out))
        return code, out

    def _python(self, block: Block) -> None:
        out = io.StringIO()
        # Line numbers in a traceback are those of the page.
        code = compile("\n" * block.line + block.text, block.page, "exec")
        with contextlib.redirect_stdout(out):
            exec(code, self.names)
        self.said.append(("python", out.getvalue()))


def _complete(line: str) -> bool:
    """Whether a line is a command by itself."""
    if not _SHELL.search(_uncommented(line)):
        return True
    read = subprocess.run(["bash", "-n", "-c", line], capture_output=True, check=False)
    return read.returncode == 0 and not line.endswith("\\")


def _replaced(text: str, names: dict[str, str]) -> str:
    """The text with other ids."""
    return _ID.sub(lambda found: names.get(found[0], found[0]), text)


def _uncommented(line: str) -> str:
    return re.sub(r"(^|\s)#.*", "", line)


def _words(block: Block, line: str) -> list[str]:
    """The words of a plain line; ``make TARGET`` stands for the rampgate command that the Makefile runs."""
    words = shlex.split(line, comments=True)
    if words[:1] != ["make"]:
        return words
    recipe = re.search(rf"^{words[1]}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    found = re.findall(r"\$\(BIN\)/(rampgate .*)", recipe[1]) if recipe else []
    if len(found) != 1:
        raise block.error(f"`{line}` stands for no one rampgate command of the Makefile")
    return shlex.split(found[0])


def _cut(block: Block, text: str) -> str:
    """The part of an output that a block shows."""
    lines, wanted = text.splitlines(), block.options

    def place(start: str, among: list[str], first: int = 0) -> int:
        for at in range(first, len(among)):
            if among[at].startswith(start):
                return at
        raise block.error(f"no line of the output begins with {start!r}:\n{text}")

    if "after" in wanted:
        lines = lines[place(wanted["after"], lines) + 1 :]
    if "from" in wanted:
        lines = lines[place(wanted["from"], lines) :]
    if "to" in wanted:
        lines = lines[: place(wanted["to"], lines, 1)]
    if "lines" in wanted:
        lines = lines[: int(wanted["lines"])]
    return tidy("\n".join(lines))


def _change(file: Path, block: Block) -> None:
    """Put the block's top-level sections in the place of those of the same name; new ones come last."""
    text = file.read_text("utf-8")
    for name, section in sections(block.text).items():
        old = sections(text).get(name)
        text = text.replace(old, section) if old is not None else f"{text.rstrip()}\n{section}"
    file.write_text(text, "utf-8")


def sections(text: str) -> dict[str, str]:
    """Top-level keys of a YAML text with their lines."""
    starts = [m.start() for m in _SECTION.finditer(text)]
    pieces = [text[a:b].rstrip() + "\n" for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    return {piece.split(":", 1)[0]: piece for piece in pieces}


def rampgate(words: list[str]) -> tuple[int, str]:
    """Run a command line in this process; exit code and what it printed, errors among it."""
    out = io.StringIO()
    with mock.patch.object(sys, "argv", words), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0), out.getvalue()
    raise AssertionError("main returned")


def shell(script: str, shared: Path) -> tuple[int, str]:
    """Run a script with bash that knows ``rampgate``; the first failure ends it."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={
            **os.environ,
            "PATH": f"{_programs(shared)}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def _programs(shared: Path) -> Path:
    """A folder with the command ``rampgate``, which need not be installed."""
    folder = shared / "bin"
    code = "import sys; sys.argv[0] = 'rampgate'; from rampgate.cli import main; main()"
    return _once(
        folder, lambda new: _executable(new / "rampgate", f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    )


def _executable(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")
    file.chmod(0o755)


def demo(shared: Path, folder: Path) -> str:
    """``rampgate demo`` in a folder: what it printed. The command is run once, and its folder copied."""

    def make(new: Path) -> None:
        with inside(new):
            code, out = rampgate(["rampgate", "demo"])
        if code:
            raise PageError(f"`rampgate demo` exits with {code}\n{out}")
        (new / "printed.txt").write_text(out, "utf-8")

    made = _once(shared / "demo", make)
    shutil.copytree(made / "rampgate-demo", folder / "rampgate-demo")
    return (made / "printed.txt").read_text("utf-8")


def _once(folder: Path, make: Callable[[Path], None]) -> Path:
    """A folder that is made once, also by several processes: who comes second waits for the first."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            new = Path(tempfile.mkdtemp(dir=folder.parent))
            make(new)
            new.rename(folder)
    return folder
