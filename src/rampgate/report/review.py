"""The draft of a review as Markdown, filled in from the record, for people to go on with.

Blameless: it asks what made it possible and how it was noticed, never who did it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rampgate.errors import UsageError
from rampgate.incident.facts import Facts
from rampgate.incident.settings import HEADINGS, Settings, plain
from rampgate.incident.values import Incident
from rampgate.ledger import Ledger
from rampgate.report.incident_words import exposed, harm_rows, made_of, moved, since_when, summary
from rampgate.report.markdown import escaped
from rampgate.rollout.told import Entry, facts_of, timeline

TEMPLATE = """\
# Review of incident {{ incident }}: {{ title }}

- Incident: {{ id }}
- Rollout: {{ rollout }}, attempt {{ attempt }}, candidate {{ candidate }}
- Owner: {{ owner }}

<!-- A review is blameless: everybody did what seemed right with what they knew then. Ask what made it possible, and
what would have shown it sooner, not who did it. Comments like this one are not read. Sections may stand in any
order, and others may be added; `rampgate review submit` says what is missing. -->

## {{ heading.summary }}

{{ summary }}

## {{ heading.impact }}

{{ impact }}

## {{ heading.timeline }}

{{ timeline }}

## {{ heading.causes }}

<!-- One line each: what had to be so that it could happen. Where to look:
{{ hints }}
-->

-

## {{ heading.factors }}

<!-- What made it likelier, larger or longer; `nothing` is an answer. -->

## {{ heading.well }}

<!-- What kept it small, and should stay. -->

## {{ heading.luck }}

<!-- What kept it small this time, and will not the next. -->

## {{ heading.actions }}

<!-- kind: prevent, detect or mitigate; due: as 2026-05-01. -->

| what | owner | kind | due |
|------|-------|------|-----|
|      |       |      |     |

<!-- A change of the policy is an action too: edit the file, see `rampgate diff OLD NEW`, link it with
`rampgate review propose {{ incident }} POLICY`, and let it be approved. -->
"""
_PLACE = re.compile(r"\{\{ *([a-z_.]+) *\}\}")


@dataclass(frozen=True)
class Draft:
    """A review to go on with, and of what."""

    incident: Incident
    text: str


def draft(ledger: Ledger, incident: Incident, settings: Settings) -> Draft:
    """Write the draft of a review.

    Raises
    ------
    UsageError
        The project's template asks for what there is not, or lacks a section.
    """
    facts = facts_of(ledger, incident)
    values = _values(incident, facts, timeline(ledger, incident), settings)
    template = TEMPLATE if settings.template is None else settings.template
    text = _PLACE.sub(_filler(values, settings), template)
    titles = {plain(line.lstrip("#")) for line in text.splitlines() if line.startswith("#")}
    missing = [title for title in settings.headings.values() if plain(title) not in titles]
    if missing:
        raise UsageError(
            f"the project's template has no section {', '.join(map(repr, missing))}",
            where=settings.where,
            remedy="add them to the template, or name them under [review.headings]",
        )
    return Draft(incident, text)


def _filler(values: dict[str, str], settings: Settings) -> Callable[[re.Match[str]], str]:
    def fill(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise UsageError(
                f"the project's template asks for {found[1]!r}, which there is not",
                where=settings.where,
                remedy=f"there are {', '.join(values)}",
            )
        return values[found[1]]

    return fill


def _values(incident: Incident, facts: Facts | None, lines: list[Entry], settings: Settings) -> dict[str, str]:
    """What a template can ask for."""
    return {
        "incident": incident.short,
        "id": incident.id,
        "title": escaped(incident.title),
        "rollout": escaped(incident.rollout),
        "attempt": str(incident.attempt),
        "candidate": escaped(incident.candidate),
        "owner": escaped(incident.owner or ""),
        "summary": escaped(summary(incident, facts)),
        "impact": "nothing is known of it: no look came before" if facts is None else "\n".join(_impact(facts)),
        "timeline": "\n".join(_timeline(lines)),
        "hints": ""
        if facts is None
        else "\n".join(f"- {_harmless(line)}" for line in (*made_of(facts), *moved(facts))),
        **{f"heading.{name}": settings.headings[name] for name in HEADINGS},
    }


def _harmless(text: str) -> str:
    """A text that ends no comment."""
    return " ".join(text.split()).replace("--", "- -")


def _impact(facts: Facts) -> Iterator[str]:
    yield f"- {escaped(since_when(facts))}"
    yield f"- {escaped(exposed(facts))}"
    rows = list(harm_rows(facts))
    if rows:
        yield ""
        yield "| harmed | when | units | extra bad outcomes | 95 % interval |"
        yield "|---|---|---:|---:|---|"
        for row in rows:
            yield f"| {' | '.join(map(escaped, row))} |"


def _timeline(lines: list[Entry]) -> Iterator[str]:
    yield "| when | who | what |"
    yield "|---|---|---|"
    for one in lines:
        yield f"| {one.at[:16].replace('T', ' ')} | {escaped(one.who)} | {escaped(one.what)} |"
