"""The reference of the command line, made from the application that runs it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer
from tests.docs.blocks import DOCS

from rampgate import errors
from rampgate.cli import main  # noqa: F401  (its import registers the commands)
from rampgate.cli.app import EXIT, app

HEAD = """\
# Command line

<!-- made by `python -m tests.docs.refresh` from the commands' own help; edit it there -->

`rampgate COMMAND --help` prints the same. `rampgate --version` prints the version. Commands that take `--json` print
one JSON object and nothing else, also for errors; [its keys](json.md) are described on their own page.

## Exit codes

| code | when |
|---|---|
"""


#: Pages named below a command.
MOST_PAGES = 4


@dataclass(frozen=True)
class Command:
    """One command with its words, as ``rampgate incident open``."""

    words: str
    made: Any

    @property
    def context(self) -> Any:
        return self.made.context_class(self.made, info_name=self.words)

    @property
    def params(self) -> list[Any]:
        """Arguments and options, without ``--help``."""
        return [param for param in self.made.params if not param.hidden]

    def pages(self) -> list[tuple[str, str]]:
        """Title and path of the tutorial and how-to pages that use it, those that do so most first."""
        used = re.compile(rf"\b{re.escape(self.words)}\b")
        found = [DOCS / "tutorial.md", *sorted((DOCS / "how-to").glob("*.md"))]
        texts = {page: text for page in found if used.search(text := page.read_text("utf-8"))}
        most = sorted(texts, key=lambda page: -len(used.findall(texts[page])))
        return [(_title(texts[page]), f"../{page.relative_to(DOCS).as_posix()}") for page in most]


def _title(text: str) -> str:
    return next(line.removeprefix("# ") for line in text.splitlines() if line.startswith("# "))


def commands() -> list[Command]:
    """Every command, in the order of ``rampgate --help``."""
    return list(_below(typer.main.get_command(app), "rampgate"))


def _below(group: Any, words: str) -> Iterator[Command]:
    for name, made in group.commands.items():
        if made.hidden:
            continue
        if hasattr(made, "commands"):
            yield from _below(made, f"{words} {name}")
        else:
            yield Command(f"{words} {name}", made)


def cli_page() -> str:
    """The page, whole."""
    return "".join([HEAD, *_exit_codes(), *(_described(command) for command in commands())]).rstrip() + "\n"


def _exit_codes() -> Iterator[str]:
    done = [decision for decision, code in EXIT.items() if code == 0]
    yield f"| 0 | done; of `check`: {' or '.join(done)} |\n"
    yield from (f"| {code} | `check`: {decision} |\n" for decision, code in EXIT.items() if code)
    tree: dict[int, list[str]] = {}
    for one in vars(errors).values():
        if inspect.isclass(one) and issubclass(one, errors.RampgateError) and one is not errors.RampgateError:
            tree.setdefault(one.exit_code, []).append(_phrase(one))
    for code in sorted(tree, reverse=True):
        also = {1: "could not judge: **treat it as hold**. "}.get(code, "")
        yield f"| {code} | {also}{' '.join(tree[code])} |\n"
    yield "\n"


def _phrase(kind: type[Exception]) -> str:
    first = (inspect.getdoc(kind) or "").split("\n\n")[0]
    return " ".join(first.split())


def _described(command: Command) -> str:
    first, *rest = (command.made.help or "").split("\n\n")
    usage = " ".join(["rampgate", *command.made.collect_usage_pieces(command.context)])
    usage = usage.replace("rampgate", command.words, 1)
    parts = [f"## `{command.words}`\n\n{first}\n\n", *(f"{text}\n\n" for text in rest)]
    parts.append(f"<!-- not run: what `--help` says -->\n\n```text\n{usage}\n```\n\n")
    records = [param.get_help_record(command.context) for param in command.params]
    if records:
        parts.append("| argument or option | what it does |\n|---|---|\n")
        parts += [f"| `{name.split('  ')[0]}` | {_cell(text)} |\n" for name, text in records]
        parts.append("\n")
    where = [f"[{title}]({path})" for title, path in command.pages()[:MOST_PAGES]]
    if where:
        parts.append(f"Used in: {', '.join(where)}.\n\n")
    return "".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
