"""A Markdown page as its fenced blocks, each with the comment above it that says what it is to the tests.

======================================  ==============================================================================
``<!-- run -->``                        bash or Python, run where it stands; ``exit=10``: the exit code to expect
``<!-- output -->``                     what the last run printed; ``<!-- output: check -->``: the last ``rampgate
                                        check``. ``after="A" from="B" to="C" lines=9`` cut out a part, by the
                                        beginnings of its lines
``<!-- file: NAME -->``                 written to NAME
``<!-- change: NAME -->``               sections of the YAML file NAME that take the place of those of the same name
``<!-- head: NAME -->``                 the first lines of NAME
``<!-- not run: REASON -->``            nothing is done
``<!-- given: NAME -->`` (no block)     NAME is laid into the page's folder
======================================  ==============================================================================
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(
    r"^(?P<indent>[ >]*)```(?P<kind>[\w-]*)[^\n]*\n(?P<text>.*?)^[ >]*```[ ]*$", re.MULTILINE | re.DOTALL
)
_MARK = re.compile(r"<!-- (?P<what>run|output|file|change|head|not run)(?P<rest>[^\n]*?) ?-->\n\n?\Z")
_GIVEN = re.compile(r"^<!-- given: (?P<name>\S+) -->$", re.MULTILINE)
_OPTIONS = {
    "run": {"exit"},
    "output": {"after", "from", "to", "lines"},
}


class PageError(Exception):
    """A page that breaks the rules above, or whose commands do not do what it says.

    ``so_far`` is the page with the output up to the error.
    """

    so_far: str | None = None


@dataclass(frozen=True)
class Block:
    """One fenced block; ``start`` and ``end`` enclose its text in the page."""

    page: str
    line: int
    what: str
    name: str
    kind: str
    text: str
    start: int
    end: int
    options: Mapping[str, str] = field(default_factory=dict)

    def error(self, message: str) -> PageError:
        return PageError(f"{self.page}:{self.line}: {message}")


def pages() -> list[Path]:
    """The README and every page of the documentation."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def given(text: str) -> list[str]:
    """Names of what a page takes for granted."""
    return [m["name"] for m in _GIVEN.finditer(text)]


def blocks(text: str, page: str) -> Iterator[Block]:
    """Every fenced block of a page, in its order.

    Raises
    ------
    PageError
        For a block without a mark, or with one that is not understood.
    """
    for fence in _FENCE.finditer(text):
        line = text.count("\n", 0, fence.start()) + 1
        where = f"{page}:{line}"
        if fence["indent"]:
            raise PageError(f"{where}: an indented block cannot be run; let it begin at the margin")
        mark = _MARK.search(text, 0, fence.start())
        if mark is None:
            raise PageError(
                f"{where}: this {fence['kind'] or 'block'} is neither run nor marked <!-- not run: reason -->"
            )
        name, options = _read(mark["what"], mark["rest"], where)
        yield Block(
            page,
            line,
            mark["what"],
            name,
            fence["kind"],
            fence["text"],
            fence.start("text"),
            fence.end("text"),
            options,
        )


def _read(what: str, rest: str, where: str) -> tuple[str, dict[str, str]]:
    """Name and options of a mark."""
    named = rest.startswith(":")
    body = rest.removeprefix(":").strip()
    if what == "not run":
        if not named or not body:
            raise PageError(f"{where}: say why it is not run, as <!-- not run: reason -->")
        return body, {}
    words = shlex.split(body)
    options = dict(word.split("=", 1) for word in words if "=" in word)
    name = " ".join(word for word in words if "=" not in word)
    if unknown := options.keys() - _OPTIONS.get(what, set()):
        raise PageError(f"{where}: {what} knows no {', '.join(sorted(unknown))}")
    if bool(name) != named or (what in ("file", "change", "head") and not name) or (what == "run" and name):
        raise PageError(f"{where}: the mark of this {what} block is not understood")
    return name, options
