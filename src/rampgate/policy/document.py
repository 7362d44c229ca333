"""A YAML text as plain values, with the line of every key.

Scalars are read as in YAML 1.2: only ``true`` and ``false`` are booleans, so ``on``,
``12:30`` and ``2026-01-05`` stay text, and ``1e3`` is a number. Anchors, aliases, tags and
duplicate keys are refused: each makes the text mean something else than it seems to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from rampgate.policy.problem import KeyPath, Problem

_INTEGER = re.compile(r"[-+]?(?:0|[1-9]\d*)")
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?")
DEEPEST = 20
_PLAIN = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass
class Document:
    """What a text says.

    Attributes
    ----------
    content : object
        Mappings, lists, text, numbers, booleans and None.
    lines : dict of key path to int
        Line of each key and list item, counted from 1.
    problems : list of Problem
        What is refused; `content` is complete all the same, so that the rest can be judged.
    """

    content: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class _TooDeepError(Exception):
    pass


def read_yaml(text: str) -> Document:
    """Read one YAML document; what is wrong with it is in `Document.problems`."""
    document = Document()
    try:
        document.content = _Reader(document, text).root()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        context = f"{error.context}, " if error.context else ""
        _not_yaml(document, f"{context}{error.problem}", mark.line + 1 if mark else None)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        _not_yaml(document, f"a control character (code {error.character!r}) stands in the text", line)
    except _TooDeepError:
        _not_yaml(document, f"sections are nested deeper than {DEEPEST} levels", None)
    return document


def _not_yaml(document: Document, why: str, line: int | None) -> None:
    remedy = "check the indentation (spaces only), brackets and quotes around this line"
    document.problems = [Problem((), f"this is not YAML: {why}", remedy, line)]
    document.content = None


class _Reader:
    """Walks the parser's events; aliases are seen as such and never expanded."""

    def __init__(self, document: Document, text: str) -> None:
        self.document = document
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)

    def root(self) -> Any:
        value: Any = None
        started = False
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if started:
                    line = _line(event)
                    self._problem((), "a second document starts here", "keep one policy per file", line)
                    break
                started = True
            elif isinstance(event, yaml.NodeEvent):
                self.document.lines[()] = _line(event)
                value = self._value(event, ())
        return value

    def _value(self, event: yaml.Event, path: KeyPath) -> Any:
        if len(path) > DEEPEST:
            raise _TooDeepError
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            self._problem(
                path,
                f'"*{event.anchor}" repeats a value from elsewhere (a YAML alias)',
                "write the value out",
                line,
            )
            return None
        assert isinstance(event, yaml.NodeEvent)
        if event.anchor is not None:
            self._problem(
                path,
                f'"&{event.anchor}" marks a value for use elsewhere (a YAML anchor)',
                "remove the mark, and write the value out where it is used",
                line,
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._problem(path, f'"{tag}" is a YAML tag', "remove the tag; text can be put in quotes", line)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        assert isinstance(event, yaml.ScalarEvent)
        return _scalar(event)

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                self._value(event, path)
                self._value(next(self.events), path)
                self._problem(path, "a key is not plain text", "write keys as single words", line)
                continue
            key = _text(event)  # as it stands: a metric may be called "on" or "2016"
            here = (*path, key)
            if key in found:
                first = self.document.lines[here]
                self._problem(here, f'the key "{key}" is here twice, first in line {first}', "remove one of them", line)
            else:
                self.document.lines[here] = line
            found[key] = self._value(next(self.events), here)
        return found

    def _list(self, path: KeyPath) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            here = (*path, len(found))
            self.document.lines[here] = _line(event)
            found.append(self._value(event, here))
        return found

    def _problem(self, path: KeyPath, what: str, remedy: str, line: int) -> None:
        self.document.problems.append(Problem(path, what, remedy, line))


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark else 1


def _text(event: yaml.ScalarEvent) -> str:
    """The scalar's text; JSON writes a rare character as two escapes, which the parser leaves apart."""
    text = str(event.value)
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return text  # half a pair: refused as a name where it is one


def _scalar(event: yaml.ScalarEvent) -> Any:
    text = _text(event)
    if event.style is not None:  # in quotes or a block: always text
        return text
    if text in _PLAIN:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    # Longer digits are no count of anything, and int() refuses thousands of them.
    if _INTEGER.fullmatch(text) and len(text) <= 100:
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
