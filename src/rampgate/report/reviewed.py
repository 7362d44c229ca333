"""The incidents of a rollout in its report, and the review of the one that tells most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rampgate.incident.derive import Incidents
from rampgate.incident.facts import Facts
from rampgate.incident.settings import HEADINGS, Settings, find_settings
from rampgate.incident.values import Incident
from rampgate.ledger import Ledger
from rampgate.report.blocks import Block, Cell, Fold, Item, Items, Section, Table, Text, Tone
from rampgate.report.incident_words import exposed, harm_rows, made_of, moved, since_when
from rampgate.rollout.incidents import incidents
from rampgate.rollout.told import Entry, facts_of, timeline

#: Sections of a review that stand elsewhere in the report, or in tables of their own.
_ELSEWHERE = ("timeline", "actions")


@dataclass(frozen=True)
class Reviewed:
    """The incidents of a rollout, read from the ledger when they are asked for."""

    ledger: Ledger
    rollout: str

    @cached_property
    def known(self) -> Incidents:
        return incidents(self.ledger, self.rollout)

    @cached_property
    def settings(self) -> Settings:
        return find_settings(self.ledger.folder)

    @property
    def last(self) -> Incident | None:
        """The one that was opened last."""
        return max(self.known.found.values(), key=lambda one: one.opened, default=None)

    def facts(self, incident: Incident) -> Facts | None:
        return facts_of(self.ledger, incident)

    def timeline(self, incident: Incident) -> list[Entry]:
        return timeline(self.ledger, incident)


def section(found: Reviewed | None) -> Iterator[Section]:
    """The incidents of the rollout; nothing where there was none."""
    if found is None or found.last is None:
        return
    last = found.last
    yield Section("Incidents and reviews", (_list(found), *_one(found, last), *_review(found, last)))


def _list(found: Reviewed) -> Table:
    heads = ("incident", "opened", "#attempt", "what", "owner", "state")
    rows = []
    for one in sorted(found.known.found.values(), key=lambda one: one.opened):
        closed = found.known.closed(one)
        tone: Tone = "go" if closed else "hold" if one.review else "rollback"
        alarm = "a false alarm" if one.false_alarm else ""
        state = Cell(found.settings.state_of(one, found.known), tone, alarm)
        rows.append((one.short, one.opened[:10], str(one.attempt), one.title, one.owner or "nobody yet", state))
    return Table.of("What fired, and how far its review is; the next attempt waits for it", heads, rows)


def _one(found: Reviewed, incident: Incident) -> Iterator[Block]:
    """The facts of one incident, from the record."""
    facts = found.facts(incident)
    if facts is not None:
        said = [since_when(facts), exposed(facts)]
        yield Items(tuple(Item(text, f"incident {incident.short}") for text in said))
        rows = list(harm_rows(facts))
        if rows:
            heads = ("harmed", "when", "#units", "#extra bad outcomes", "95 % interval")
            yield Table.of(f"Units harmed, incident {incident.short}", heads, rows)
        lines = [*(Item(text, "made of") for text in made_of(facts)), *(Item(text, "moved") for text in moved(facts))]
        if lines:
            yield Fold("What it is made of, and what else moved", (Items(tuple(lines)),))
    lined = [(one.at[:10], one.who, one.what) for one in found.timeline(incident)]
    yield Fold("Timeline", (Table.of("Looks, decisions and what people did", ("when", "who", "what"), lined),))


def _review(found: Reviewed, incident: Incident) -> Iterator[Block]:
    """The review as it was submitted last."""
    review = incident.review
    if review is None:
        ended = incident.ended
        if ended is not None:
            yield Text(f"Closed as a false alarm by {ended.person} on {ended.at[:10]}: {ended.says['because']}", "go")
        else:
            text = f"No review was submitted yet: `rampgate review new {incident.short}` drafts it from the record."
            yield Text(text, "hold")
        return
    by = f"Review by {review.says['owner']}, submitted by {review.person} on {review.at[:10]}"
    ended = incident.ended
    told = f"{by}; closed by {ended.person} on {ended.at[:10]}" if ended is not None else f"{by}; not closed yet"
    yield Text(f"{told}. Its file has the SHA-256 {review.says['sha256'][:12]}.", "go" if ended else "hold")
    yield Items(tuple(_sections(review.says["sections"], found.settings)))
    heads = ("#number", "action", "owner", "kind", "due", "state")
    rows = [
        (str(number), one.what, one.owner, one.kind, one.due.isoformat(), Cell("done", "go") if one.done else "open")
        for number, one in enumerate(incident.actions, start=1)
    ]
    yield Table.of("Actions", heads, rows)


def _sections(said: Mapping[str, Any], settings: Settings) -> Iterator[Item]:
    for name in HEADINGS:
        if name not in _ELSEWHERE and said.get(name):
            yield Item(" ".join(str(said[name]).split()), settings.headings[name])
