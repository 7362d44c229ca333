"""``incident``: what fired, and what people noted of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from rampgate.cli.app import BookUrl, Json, KeyFile, Person, RolloutName, app
from rampgate.cli.book import open_book
from rampgate.cli.output import print_json, print_view, progress

incidents = typer.Typer(
    help="What fired: rollbacks and failed guardrails, until they are reviewed.", no_args_is_help=True
)
app.add_typer(incidents, name="incident")

ThisIncident = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, its first digits, or last.")]


@incidents.command("list")
def list_(
    rollout: RolloutName = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """The incidents that are open, oldest first: what fired, in which attempt, and who owns it."""
    from rampgate.incident.settings import find_settings
    from rampgate.report.incidents import list_view, rows
    from rampgate.rollout.incidents import incidents as derived

    book = open_book(ledger)
    found = rows(derived(book, rollout), find_settings(book.folder), every)
    if as_json:
        print_json({"incidents": found})
    else:
        print_view(list_view(found, every))
    return 0


@incidents.command("show")
def show(incident: ThisIncident, as_json: Json = False, ledger: BookUrl = None) -> int:
    """One incident, whole: since when, how many units were harmed, what explains it, what else moved, who did what."""
    from datetime import UTC, datetime

    from rampgate.incident.settings import find_settings
    from rampgate.report.incidents import show_view, whole
    from rampgate.rollout.incidents import find
    from rampgate.rollout.incidents import incidents as derived

    with progress("judging again"):
        book = open_book(ledger)
        known, settings = derived(book), find_settings(book.folder)
        one = find(known, incident)
    if as_json:
        print_json(whole(book, one, known, settings))
    else:
        print_view(show_view(book, one, known, settings, datetime.now(UTC).date()))
    return 0


@incidents.command("note")
def note(
    incident: ThisIncident,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What was seen, tried or learned.")],
    person: Person,
    state: Annotated[
        str | None, typer.Option("--state", help="One of the project's own states between open and in review.")
    ] = None,
    key: KeyFile = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """Write a note on an incident, by name, into the ledger; also on one that is closed.

    Exit code: 0 recorded, 2 when it cannot be recorded, and nothing was.
    """
    from rampgate.rollout.reviews import note as record

    return said(ledger, as_json, lambda book: record(book, incident, text, person, key, state))


@incidents.command("assign")
def assign(
    incident: ThisIncident,
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="Who owns it, and writes its review.")],
    person: Person,
    key: KeyFile = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """Name who owns an incident. Exit code: as of note."""
    from rampgate.rollout.reviews import assign as record

    return said(ledger, as_json, lambda book: record(book, incident, owner, person, key))


@incidents.command("link")
def link(
    incident: ThisIncident,
    person: Person,
    target: Annotated[
        str | None, typer.Argument(metavar="[TARGET]", help="An address, or a file, which is kept by its SHA-256.")
    ] = None,
    joins: Annotated[
        str | None, typer.Option("--joins", metavar="ID", help="The incident that this one is part of.")
    ] = None,
    text: Annotated[str, typer.Option("--text", help="What it shows.")] = "",
    key: KeyFile = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """Add evidence to an incident; or join it to another one, with whose review it is closed.

    A file stays where it is: its name and SHA-256 are recorded. Exit code: as of note.
    """
    from rampgate.rollout.reviews import join
    from rampgate.rollout.reviews import link as record

    if (target is None) == (joins is None):
        raise typer.BadParameter("give an address or a file, or another incident with --joins")
    if joins is not None:
        return said(ledger, as_json, lambda book: join(book, incident, joins, person, key))
    return said(ledger, as_json, lambda book: record(book, incident, str(target), person, key, text))


def said(where: str | None, as_json: bool, record: Callable[[Any], Any]) -> int:
    """Record something of an incident, and print what came of it."""
    with progress("recording"):
        from rampgate.incident.settings import find_settings
        from rampgate.rollout.incidents import incidents as derived

        book = open_book(where)
        found = record(book)
        state = find_settings(book.folder).state_of(found.incident, derived(book, found.incident.rollout))
    if as_json:
        print_json({**found.to_dict(), "state": state})
    else:
        from rampgate.report.incidents import recorded_view

        print_view(recorded_view(found, state))
    return 0


@incidents.command("stats")
def stats(
    rollout: RolloutName = None,
    simulation: Annotated[
        list[Path] | None,
        typer.Option("--simulation", help="What `simulate` wrote; those beside the ledger are found. May be repeated."),
    ] = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """The gate in production: time to detect and to roll back, units harmed against the simulation, false alarms.

    Of all incidents, by metric and by segment; and the share of false rollbacks with its interval beside the budget.
    """
    with progress("judging again"):
        from rampgate.rollout.evaluation import evaluation

        found = evaluation(open_book(ledger), rollout, simulation or ())
    if as_json:
        print_json(found.to_dict())
    else:
        from rampgate.report.evaluated import stats_view

        print_view(stats_view(found))
    return 0
