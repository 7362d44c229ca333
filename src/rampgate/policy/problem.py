"""What is wrong with a policy, and where: collected first, raised all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from pydantic_core import PydanticCustomError

from rampgate.errors import PolicyError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a policy.

    Parameters
    ----------
    path : tuple of str and int
        The key concerned, from the top of the policy.
    what : str
        What is wrong, as a sentence without a final stop.
    remedy : str, optional
        What the reader can do about it.
    line : int, optional
        Line in the file, where it is not the line of `path`.
    """

    path: KeyPath
    what: str
    remedy: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Origin:
    """Where a policy came from.

    Parameters
    ----------
    name : str, optional
        What to call the source in messages; None when it was a mapping and has no lines.
    path : Path, optional
        The file, if it was one.
    lines : mapping of key path to int
        Line of each key, counted from 1.
    """

    name: str | None = None
    path: Path | None = None
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def line(self, path: KeyPath) -> int | None:
        """Line of a key, or of the nearest section around it that was written."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def error(self, problem: Problem) -> PolicyError:
        """The problem as an error, with file and line, or with the key's path if there is no file."""
        key = dotted(problem.path)
        if self.name is None:
            return PolicyError(problem.what, where=key or None, remedy=problem.remedy)
        line = problem.line or self.line(problem.path)
        what = f"{key}: {problem.what}" if key else problem.what
        where = f"{self.name}:{line}" if line else self.name
        return PolicyError(what, where=where, remedy=problem.remedy)

    def listed(self, problems: Iterable[Problem]) -> str:
        """All problems in the order of the file, one below the other, indented."""
        ordered = sorted(problems, key=lambda problem: problem.line or self.line(problem.path) or 0)
        return "\n".join("  " + str(self.error(problem)).replace("\n", "\n  ") for problem in ordered)

    def refuse(self, problems: Sequence[Problem], more: bool = False) -> PolicyError:
        """One error that says all that is wrong; `more` when contradictions were not looked for yet."""
        if len(problems) == 1:
            return self.error(problems[0])
        count = f"{len(problems)} errors" + (", and contradictions are looked for once these are right" if more else "")
        return PolicyError(f"{count}\n{self.listed(problems)}", where=self.name or "policy")


def dotted(path: KeyPath) -> str:
    """A key path as people write it: ``phases[1].traffic``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """A remedy that names the closest known word, or else, after `otherwise`, all of them if they are few."""
    known = sorted(known) if isinstance(known, set) else list(known)
    close = get_close_matches(word.lower(), by_lower := {name.lower(): name for name in known}, n=1, cutoff=0.7)
    if close:
        return f'did you mean "{by_lower[close[0]]}"?'
    return f"{otherwise}: {', '.join(known)}" if 0 < len(known) <= 30 else otherwise


def refuse(what: str, remedy: str) -> PydanticCustomError:
    """A value error that keeps its remedy apart from its message."""
    return PydanticCustomError("rampgate", "{what}", {"what": what, "remedy": remedy})


def shown(value: object) -> str:
    """The value as it would stand in a policy file, cut short."""
    if value is None:
        text = "nothing"
    elif isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def kind_of(value: object) -> str:
    """What a value is, in words, for messages."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, bool):
        return shown(value)
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return shown(value) if isinstance(value, str) else f"a {type(value).__name__}"


def unknown_metric(path: KeyPath, name: str, known: Iterable[str]) -> Problem:
    """The problem of a metric that is named and does not exist."""
    if name == "kpi":
        return Problem(path, "the KPI is no metric of its own", "name metrics here")
    return Problem(path, f'there is no metric "{name}"', did_you_mean(name, known, "the metrics are"))


def repeated(path: KeyPath, names: Iterable[str]) -> Iterator[Problem]:
    """The problems of names that stand in a list more than once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield Problem(path, f'"{name}" is there twice', "name each once")
        seen.add(name)
