"""How a project writes its reviews: the table ``[review]`` of ``rampgate.toml``. Nothing in it moves the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rampgate.errors import UsageError
from rampgate.incident.derive import Incidents
from rampgate.incident.values import CLOSED, IN_REVIEW, NOTE, OPEN, Incident
from rampgate.people import find_project, read_project

#: What a review must say, each under a heading of its own.
HEADINGS: dict[str, str] = {
    "summary": "Summary",
    "impact": "Impact",
    "timeline": "Timeline",
    "causes": "Root causes",
    "factors": "Contributing factors",
    "well": "What went well",
    "luck": "Where we got lucky",
    "actions": "Actions",
}
_KEYS = ("template", "states", "headings")
_EXAMPLE = 'write [review] with template = "review-template.md", states = ["open", "in review", "closed"] or '
_EXAMPLE += '[review.headings] with causes = "Root causes"; each may be left out'


@dataclass(frozen=True)
class Settings:
    """What may be changed.

    Attributes
    ----------
    states : the first is that of a new incident, the last but one that of a submitted review, the last is closed; those
        between are given by hand, with a note
    headings : of the sections of a review, by the names of `HEADINGS`
    template : text of the project's own template, or None
    where : the file, or None
    """

    states: tuple[str, ...] = (OPEN, IN_REVIEW, CLOSED)
    headings: Mapping[str, str] = field(default_factory=lambda: dict(HEADINGS))
    template: str | None = None
    where: str | None = None

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The states that a note can give."""
        return self.states[1:-2]

    def state_of(self, incident: Incident, known: Incidents) -> str:
        """Where an incident stands, as the project calls it."""
        incident = known.root(incident)
        if incident.state == CLOSED:
            return self.states[-1]
        if incident.state == IN_REVIEW:
            return self.states[-2]
        said = (str(act.says["state"]) for act in reversed(incident.acts) if act.act == NOTE and act.says.get("state"))
        return next((state for state in said if state in self.by_hand), self.states[0])


def find_settings(start: Path) -> Settings:
    """The settings of the project that a folder belongs to; the usual ones where it says nothing.

    Raises
    ------
    UsageError
        The table says something else.
    """
    path = find_project(start)
    table = None if path is None else read_project(path).get("review")
    if path is None or table is None:
        return Settings()
    where = f"{path}, [review]"
    if not isinstance(table, Mapping) or not table.keys() <= set(_KEYS):
        key = next((key for key in table if key not in _KEYS), "") if isinstance(table, Mapping) else "review"
        raise UsageError(f"there is no key {key!r} here", where=where, remedy=_EXAMPLE)
    headings = {**HEADINGS, **_headings(table.get("headings", {}), where)}
    return Settings(_states(table.get("states"), where), headings, _template(table.get("template"), path), where)


def _states(given: Any, where: str) -> tuple[str, ...]:
    if given is None:
        return OPEN, IN_REVIEW, CLOSED
    texts = isinstance(given, list) and all(isinstance(one, str) and one.strip() and one.isprintable() for one in given)
    if not texts or len(given) < 3 or len(set(given)) < len(given):
        what = "states are three or more different names: of a new incident, ..., of a submitted review, and closed"
        raise UsageError(what, where=where, remedy=_EXAMPLE)
    return tuple(given)


def _headings(given: Any, where: str) -> dict[str, str]:
    texts = isinstance(given, Mapping) and all(isinstance(one, str) and one.strip() for one in given.values())
    if not texts or not given.keys() <= HEADINGS.keys():
        what = f"headings are texts for {', '.join(HEADINGS)}"
        raise UsageError(what, where=where, remedy=_EXAMPLE)
    named = {**HEADINGS, **given}
    if len({plain(text) for text in named.values()}) < len(named):
        raise UsageError("two headings are the same", where=where, remedy="give each section a heading of its own")
    return dict(given)


def _template(given: Any, project: Path) -> str | None:
    if given is None:
        return None
    path = project.parent / str(given)
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        remedy = f"name a Markdown file beside {project.name}, or leave `template` out"
        raise UsageError(f"the template of reviews cannot be read: {error}", where=str(path), remedy=remedy) from None


def plain(heading: str) -> str:
    """A heading as it is compared: without case, marks and numbers, as people change them."""
    return " ".join(word for word in "".join(c if c.isalpha() else " " for c in heading.casefold()).split())
