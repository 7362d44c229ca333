"""The reference of `rampgate.estimate`, made from the docstrings; examples become blocks that the page runs."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from collections.abc import Iterator
from typing import Any

import rampgate.estimate as public

HEAD = """\
# Estimates in Python

<!-- made by `python -m tests.docs.refresh` from the docstrings; edit them there -->

What the gate is made of, for use alone: in a notebook, in a report, to check a number. Arguments are plain numbers and
arrays, the candidate's (`_c`) before the baseline's (`_b`); results are frozen dataclasses that show themselves as a
line, and in a notebook as a table. Bad input (a count below 0, more events than units, NaN, arrays of other lengths) is
a `UsageError` that says what and where.

The functions under *One look* hold for one look that was planned in advance. Whoever looks every day takes those under
*Any number of looks*: they are the gate's own. Every number has been compared with another program's or with a second
computation: `tests/reference` has the numbers, and the scripts that made them.
"""

GROUPS: dict[str, tuple[str, ...]] = {
    "One look": ("two_proportions", "two_means", "ratio", "cuped", "mantel_haenszel", "goodness_of_fit"),
    "Any number of looks": ("evidence", "confidence_sequence", "rare_evidence", "sample_ratio"),
    "Without a baseline": ("detect_change", "expected_share"),
    "Times to an event": ("kaplan_meier", "log_rank", "log_rank_counts"),
    "Percentiles": ("quantile", "log_edges"),
    "Results": (
        "Difference", "Adjusted", "Sample", "Evidence", "ConfidenceSequence", "SampleRatio", "ChiSquare",
        "KaplanMeier", "LogRank", "Quantile", "Change", "Expected",
    ),
}  # fmt: skip

_SECTION = re.compile(r"^(\w+)\n-{3,}\n", re.MULTILINE)


def estimate_page() -> str:
    """The page as Markdown."""
    return (
        "\n".join([HEAD, *(line for title, names in GROUPS.items() for line in _group(title, names))]).rstrip() + "\n"
    )


def _group(title: str, names: tuple[str, ...]) -> Iterator[str]:
    yield f"## {title}\n"
    for name in names:
        yield from _thing(name, getattr(public, name))


def _thing(name: str, thing: Any) -> Iterator[str]:
    yield f"### `{name}`\n"
    if inspect.isfunction(thing):
        yield f"<!-- not run: a signature -->\n\n```python\n{_signature(name, thing)}\n```\n"
    yield from _documented(inspect.getdoc(thing) or "")
    methods = {} if inspect.isfunction(thing) else vars(thing)
    for method, value in methods.items():
        if (not method.startswith("_") and isinstance(value, (property, classmethod))) or inspect.isfunction(value):
            text = inspect.getdoc(getattr(thing, method))
            if text and not method.startswith("_"):
                arguments = "" if isinstance(value, property) else _arguments(getattr(thing, method))
                yield f"#### `{name}.{method}{arguments}`\n"
                yield from _documented(text)


def _arguments(function: Any) -> str:
    given = [str(p).split(":")[0] for p in inspect.signature(function).parameters.values() if p.name != "self"]
    return f"({', '.join(given)})"


def _signature(name: str, function: Any) -> str:
    """One argument a line would be long; those without a default stand together."""
    parts, keyword = [], False
    for p in inspect.signature(function).parameters.values():
        if p.kind is p.KEYWORD_ONLY and not keyword:
            parts.append("*")
            keyword = True
        parts.append(p.name if p.default is p.empty else f"{p.name}={p.default!r}")
    one = f"{name}({', '.join(parts)})"
    if len(one) <= 110:
        return one
    star = parts.index("*")
    return f"{name}(\n    {', '.join(parts[:star])},\n    {', '.join(parts[star:])},\n)"


def _documented(text: str) -> Iterator[str]:
    """A docstring: paragraphs as they are, entries as a list, examples as blocks with their output."""
    first, *rest = _SECTION.split(text)
    yield f"{_prose(first)}\n"
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        if title == "Examples":
            yield from _examples(body)
        elif title != "Raises":
            yield f"**{title}**\n"
            yield from _entries(body)
            yield ""


def _prose(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", text.strip())


def _entries(body: str) -> Iterator[str]:
    """Entries begin at the margin, their text is indented or follows a colon."""
    entry: list[str] = []
    for line in [*body.strip().splitlines(), "-"]:
        if line and not line.startswith(" ") and entry:
            head, _, said = entry[0].partition(" : ")
            more = [part.strip() for part in entry[1:]]
            # What follows on lines of its own is a new sentence; what was only wrapped is not.
            if said and more and re.match(r"[A-Z*]", more[0]) and said[-1] not in ".,:;":
                said += "."
            told = " ".join(x for x in (said, *more) if x)
            yield f"- `{head}`: {_prose(told)}" if told else f"- `{head}`"
            entry = []
        entry.append(line)


def _examples(body: str) -> Iterator[str]:
    """Prose, and statements with what they print; the value of the last expression is printed."""
    statements: list[str] = []
    for part in doctest.DocTestParser().parse(body):
        if isinstance(part, str):
            if part.strip():
                yield f"{_prose(part)}\n"
            continue
        source = part.source.rstrip("\n")
        if not part.want:
            statements.append(source)
            continue
        several = isinstance(ast.parse(source, mode="eval").body, ast.Tuple)
        statements.append(f"print(({source}))" if several else f"print({source})")
        code = "\n".join(statements)
        yield f"<!-- run -->\n\n```python\n{code}\n```\n"
        yield f"<!-- output -->\n\n```text\n{part.want.rstrip()}\n```\n"
        statements = []
