"""A review read back from its Markdown file: generous to how people edit, strict about what is missing.

Sections may stand in any order and at any level, be followed by others of any name, and their headings may differ in
case, marks and numbers. Comments (``<!-- -->``) say nothing. The actions are a table whose columns may stand in any
order, beside others. Everything that is wrong is told at once, each with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from rampgate.errors import UsageError
from rampgate.incident.settings import HEADINGS, plain
from rampgate.incident.values import KINDS

if TYPE_CHECKING:
    from markdown_it.token import Token

_COLUMNS = {
    "what": ("what", "action", "action item"),
    "owner": ("owner",),
    "kind": ("kind", "type"),
    "due": ("due", "due date"),
}
_FIELD = re.compile(r"^[\s>|*_+-]*(incident|owner)[\s*_`]*[:|]\s*(.*?)[\s|*_]*$", re.IGNORECASE)
_ID = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Wrong:
    """What is wrong in a file, and where."""

    line: int
    what: str
    remedy: str


@dataclass(frozen=True)
class Written:
    """An action as the file has it."""

    line: int
    what: str
    owner: str
    kind: str
    due: date

    def to_dict(self) -> dict[str, Any]:
        return {"what": self.what, "owner": self.owner, "kind": self.kind, "due": self.due.isoformat()}


@dataclass(frozen=True)
class Review:
    """What a review says.

    Attributes
    ----------
    incident : its id, or the beginning of it
    owner_line : the line that names the owner
    sections : the text of each section, by the names of `HEADINGS`, without comments
    """

    incident: str
    owner: str
    owner_line: int
    causes: tuple[str, ...]
    actions: tuple[Written, ...]
    sections: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Section:
    """The tokens of a section, and its first line."""

    line: int
    tokens: list[Token] = field(default_factory=list)


def parse(text: str, where: str, headings: Mapping[str, str] = HEADINGS) -> Review:
    """Read a review.

    Parameters
    ----------
    where : the file's name, for what is told
    headings : of the sections, where a project calls them otherwise

    Raises
    ------
    UsageError
        Something is missing or cannot be read; every such place is named with its line.
    """
    wrong: list[Wrong] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").split("\n")
    last = max(1, len("\n".join(lines).rstrip().split("\n")))
    sections = _sections("\n".join(lines), headings, wrong)
    head = min((section.line for section in sections.values()), default=last + 1)
    incident, _ = _field(lines[: head - 1], "incident")
    found = _ID.search(incident.casefold())
    if found is None:
        wrong.append(Wrong(1, "the line `Incident: ID` is missing", "begin the file with it, as `review new` does"))
    owner, owner_line = _field(lines[: head - 1], "owner")
    if not owner:
        wrong.append(Wrong(owner_line, "the review has no owner", "write `Owner: NAME` above the first section"))
    for name, title in headings.items():
        if name not in sections:
            remedy = f"add `## {title}` and what there is to say; `nothing` is an answer"
            wrong.append(Wrong(last, f"the section {title!r} is missing", remedy))
        elif name != "actions" and not _text(sections[name].tokens):
            remedy = "write `nothing` where there is nothing" if name != "causes" else "name at least one cause"
            wrong.append(Wrong(sections[name].line, f"the section {title!r} says nothing", remedy))
    actions = tuple(_actions(sections["actions"], wrong)) if "actions" in sections else ()
    if wrong:
        raise refusal(wrong, where)
    assert found is not None
    causes = tuple(_items(sections["causes"].tokens))
    said = {name: _text(section.tokens) for name, section in sections.items()}
    return Review(found[0], owner, owner_line, causes, actions, said)


def refusal(wrong: list[Wrong], where: str) -> UsageError:
    """The error that tells everything that is wrong, line by line."""
    ordered = sorted(wrong, key=lambda one: one.line)
    told = "\n".join(f"  {where}:{one.line}: {one.what}\n    remedy: {one.remedy}" for one in ordered)
    return UsageError(f"{len(wrong)} error{'' if len(wrong) == 1 else 's'}; nothing was recorded\n{told}", where=where)


def _tokens(text: str) -> list[Token]:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").parse(text)


def _sections(text: str, headings: Mapping[str, str], wrong: list[Wrong]) -> dict[str, _Section]:
    """The known sections; a heading of another name within one belongs to it, unless it is of its level or above."""
    known = {plain(title): name for name, title in headings.items()}
    found: dict[str, _Section] = {}
    current: _Section | None = None
    level = 0
    tokens = _tokens(text)
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0:
            line, depth = _line(token), int(token.tag[1])
            name = known.get(plain(tokens[at + 1].content))
            if name is not None and name in found:
                remedy = f"put it together with the one in line {found[name].line}"
                wrong.append(Wrong(line, f"the section {headings[name]!r} is there twice", remedy))
            if name is not None:
                current, level = _Section(line), depth
                found.setdefault(name, current)
                continue
            if depth <= level:
                current = None
        if current is not None:
            current.tokens.append(token)
    for section in found.values():
        # The words of the heading itself say nothing.
        section.tokens = section.tokens[2:]
    return found


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1


def _field(lines: list[str], name: str) -> tuple[str, int]:
    """The value of a line like ``Owner: lee`` above the sections, and its line; empty where there is none."""
    for number, line in enumerate(lines, start=1):
        match = _FIELD.match(line)
        if match is not None and match[1].casefold() == name:
            return match[2].strip("`* _").strip(), number
    return "", 1


def _plain(token: Token) -> str:
    """The words of an inline token, without its marks and comments."""
    return "".join(
        _plain(one) if one.children else "" if one.type == "html_inline" and one.content.startswith("<!--")
        else " " if one.type in ("softbreak", "hardbreak") else one.content
        for one in token.children or ()
    ).strip()  # fmt: skip


def _text(tokens: list[Token]) -> str:
    """All words of a section, paragraph by paragraph."""
    parts = (
        _plain(token) if token.type == "inline" else token.content.strip()
        for token in tokens
        if token.type in ("inline", "fence", "code_block")
    )
    return "\n".join(part for part in parts if part)


def _items(tokens: list[Token]) -> Iterator[str]:
    """The items of a section's lists; where it has none, its paragraphs."""
    listed = [token for token in tokens if token.type == "inline" and token.level >= 3]
    for token in listed or [token for token in tokens if token.type == "inline"]:
        if said := _plain(token):
            yield said


def _actions(section: _Section, wrong: list[Wrong]) -> Iterator[Written]:
    """The rows of the table of actions; those without a word are left out."""
    rows = list(_rows(section.tokens))
    if not rows:
        remedy = "write `| what | owner | kind | due |`, below it `|---|---|---|---|`, and a row for each action"
        wrong.append(Wrong(section.line, "there is no table of actions", remedy))
        return
    line, heads = rows[0]
    where = {
        name: next((at for at, head in enumerate(heads) if plain(head) in words), None)
        for name, words in _COLUMNS.items()
    }
    missing = [name for name, at in where.items() if at is None]
    if missing:
        remedy = "the columns are what, owner, kind and due"
        wrong.append(Wrong(line, f"the table of actions has no column {' and no '.join(missing)}", remedy))
        return
    made = 0
    for line, cells in rows[1:]:
        said = {name: cells[at].strip() if at is not None and at < len(cells) else "" for name, at in where.items()}
        if any(said.values()):
            made += 1
            yield from _action(line, said, wrong)
    if not made:
        wrong.append(Wrong(line, "the review has no action", "what will be done, by whom, of which kind, by when?"))


def _action(line: int, said: Mapping[str, str], wrong: list[Wrong]) -> Iterator[Written]:
    before = len(wrong)
    if not said["what"]:
        wrong.append(Wrong(line, "this action does not say what is done", "fill the column what"))
    if not said["owner"]:
        wrong.append(Wrong(line, "this action has no owner", "name one person in the column owner"))
    kind = said["kind"].casefold()
    if kind not in KINDS:
        what = f"{said['kind']!r} is no kind of action" if kind else "this action has no kind"
        wrong.append(Wrong(line, what, f"write {', '.join(KINDS[:-1])} or {KINDS[-1]}"))
    due: date | None = None
    try:
        due = date.fromisoformat(said["due"])
    except ValueError:
        what = f"{said['due']!r} is no day" if said["due"] else "this action has no due date"
        wrong.append(Wrong(line, what, "write it as 2026-05-01"))
    if due is not None and len(wrong) == before:
        yield Written(line, said["what"], said["owner"], kind, due)


def _rows(tokens: list[Token]) -> Iterator[tuple[int, list[str]]]:
    """The lines and cells of the section's first table."""
    line, cells, inside, table = 1, list[str](), False, False
    for token in tokens:
        if token.type == "table_open":
            table = True
        elif token.type == "table_close":
            return
        elif token.type == "tr_open":
            line, cells = _line(token), []
        elif token.type in ("td_open", "th_open"):
            inside = True
        elif token.type == "inline" and inside:
            cells.append(_plain(token))
            inside = False
        elif token.type == "tr_close" and table:
            yield line, cells
