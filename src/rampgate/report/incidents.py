"""Incidents for people and as JSON: the list, and one of them whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from rampgate.incident.derive import Incidents
from rampgate.incident.facts import Facts
from rampgate.incident.settings import Settings
from rampgate.incident.values import SHORT, Action, Incident
from rampgate.ledger import Ledger
from rampgate.report.incident_words import exposed, harm_rows, made_of, moved, since_when
from rampgate.report.sheet import Column, Sheet
from rampgate.report.terminal import indented
from rampgate.report.words import printable
from rampgate.rollout.incidents import Recorded
from rampgate.rollout.told import facts_of, proposed, timeline


def rows(known: Incidents, settings: Settings, every: bool = False) -> list[dict[str, Any]]:
    """One JSON object per incident, in the order in which they were opened; those that are closed only if asked for."""
    found = [one for one in known.found.values() if every or not known.closed(one)]
    return [row(one, known, settings) for one in sorted(found, key=lambda one: one.opened)]


def row(incident: Incident, known: Incidents, settings: Settings) -> dict[str, Any]:
    """An incident in brief, as JSON."""
    ended, review = incident.ended, incident.review
    return {
        "incident": incident.id,
        "rollout": incident.rollout,
        "attempt": incident.attempt,
        "candidate": incident.candidate,
        "policy_sha256": incident.policy,
        "opened": incident.opened,
        "title": incident.title,
        "state": settings.state_of(incident, known),
        "closed": known.closed(incident),
        "false_alarm": incident.false_alarm,
        "joined_to": incident.joined,
        "owner": incident.owner,
        "criteria": [one.id for one in incident.failed],
        "fires": len(incident.fires),
        "rolled_back": None if incident.rolled_back is None else incident.rolled_back.look,
        "review": None if review is None else review.record,
        "closed_by": None if ended is None else ended.person,
        "closed_at": None if ended is None else ended.at,
    }


def whole(ledger: Ledger, incident: Incident, known: Incidents, settings: Settings) -> dict[str, Any]:
    """All of an incident, as JSON."""
    facts, review = facts_of(ledger, incident), incident.review
    return {
        **row(incident, known, settings),
        "facts": None if facts is None else facts.to_dict(),
        "causes": [] if review is None else review.says["causes"],
        "actions": [action.to_dict() for action in incident.actions],
        "policies": [one.to_dict() for one in proposed(ledger, incident)],
        "timeline": [entry.to_dict() for entry in timeline(ledger, incident)],
    }


def list_view(found: list[dict[str, Any]], every: bool) -> RenderableType:
    """The list for people."""
    if not found:
        return Text("no incident in this ledger" if every else "no open incident (--all lists those that are closed)")
    columns = [Column("id", "word"), Column("opened", "word"), Column("rollout", "name"), Column("try")]
    sheet = Sheet([*columns, Column("state", "word"), Column("owner", "word"), Column("what", "name")])
    for one in found:
        what = f"joined to {one['joined_to'][:SHORT]}: {one['title']}" if one["joined_to"] else one["title"]
        state = f"{one['state']} (false alarm)" if one["false_alarm"] else one["state"]
        sheet.add(
            one["incident"][:SHORT],
            one["opened"][:10],
            one["rollout"],
            str(one["attempt"]),
            Text(printable(state), _style(one)),
            one["owner"] or "-",
            what,
        )
    return sheet


def _style(one: dict[str, Any]) -> str:
    return "green" if one["closed"] else "bold yellow" if one["review"] else "bold red"


def show_view(ledger: Ledger, incident: Incident, known: Incidents, settings: Settings, today: date) -> RenderableType:
    """One incident for people: what it is, since when, how much, what it is made of, and what was done."""
    brief, facts = row(incident, known, settings), facts_of(ledger, incident)
    head = Text.assemble(
        (printable(str(brief["state"])).upper(), _style(brief)),
        f"  incident {incident.short}: {printable(incident.title)}",
    )
    alarm = ", a false alarm" if incident.false_alarm else ""
    parts: list[RenderableType] = [
        head,
        indented(f"{incident.rollout}, attempt {incident.attempt} of candidate {incident.candidate}; fired first on "
                 f"{incident.opened[:10]}" + (f", rolled back on {incident.rolled_back.look[:10]}"
                                              if incident.rolled_back else "")),
        indented(f"owner: {incident.owner or 'nobody yet'}{alarm}"),
    ]  # fmt: skip
    if incident.joined is not None:
        parts.append(indented(f"joined to incident {incident.joined[:SHORT]}, and closed with it"))
    parts += [] if facts is None else list(_facts(facts))
    parts += list(_review(ledger, incident, today))
    sheet = Sheet([Column("when", "word"), Column("who", "word"), Column("what", "name")])
    for entry in timeline(ledger, incident):
        sheet.add(entry.at[:10], entry.who, entry.what)
    parts += [Text("\nTimeline", "bold"), sheet]
    return Group(*parts)


def _facts(facts: Facts) -> Iterator[RenderableType]:
    yield Text("\nImpact", "bold")
    yield indented(since_when(facts))
    yield indented(exposed(facts))
    found = list(harm_rows(facts))
    if found:
        columns = [Column("harmed", "name"), Column("when", "word"), Column("units"), Column("extra bad")]
        sheet = Sheet([*columns, Column("95 % interval")])
        for cells in found:
            sheet.add(*cells)
        yield Padding(sheet, (0, 0, 0, 2))
    parts = list(made_of(facts))
    if parts:
        yield Text("\nWhat it is made of", "bold")
        yield from map(indented, parts)
    else_moved = list(moved(facts))
    if else_moved:
        yield Text("\nWhat else moved", "bold")
        yield from map(indented, else_moved)


def _review(ledger: Ledger, incident: Incident, today: date) -> Iterator[RenderableType]:
    review = incident.review
    if review is not None:
        yield Text(f"\nReview, submitted by {printable(review.person)} on {review.at[:10]}", "bold")
        for cause in review.says["causes"]:
            yield indented(f"cause: {cause}")
        for number, action in enumerate(incident.actions, start=1):
            yield indented(action_line(number, action, today), "bold red" if action.overdue(today) else "")
    for one in proposed(ledger, incident):
        by = f"approved by {', '.join(one.approved_by)}" if one.approved_by else "approved by nobody yet"
        used = f"judged since the look of {one.first_look[:10]}" if one.first_look else "not in force yet"
        yield indented(f"policy {one.policy_sha256[:12]} proposed by {one.person}: {by}, {used}")
        yield from (indented(f"  {change}") for change in one.changes)


def action_line(number: int, action: Action, today: date) -> str:
    """An action in a line, and whether it is done or late."""
    state = "done" if action.done else f"OVERDUE since {action.due}" if action.overdue(today) else f"due {action.due}"
    return f"action {number} ({action.kind}, {action.owner}, {state}): {action.what}"


def recorded_view(found: Recorded, known_as: str) -> RenderableType:
    """What came of something that a person recorded."""
    one = found.incident
    head = Text(f"{known_as.upper()}  incident {one.short}: {printable(one.title)}", "bold")
    return Group(head, indented(f"owner: {one.owner or 'nobody yet'}"), Text(f"record {found.record[:12]}", "dim"))
