"""``review``: what was learned from an incident, written down, read by somebody else, and closed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rampgate.cli.app import BookUrl, Json, KeyFile, Person, app
from rampgate.cli.book import open_book
from rampgate.cli.incident import ThisIncident, said
from rampgate.cli.output import print_json, progress

reviews = typer.Typer(help="The review of an incident: what was learned, and what will be done.", no_args_is_help=True)
app.add_typer(reviews, name="review")


@reviews.command("new")
def new(
    incident: ThisIncident,
    out: Annotated[Path, typer.Option("--out", help="File to write, for your own editor.")] = Path("review.md"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """Draft the review of an incident as Markdown, filled in from the record. Records nothing."""
    with progress("judging again"):
        from rampgate.incident.settings import find_settings
        from rampgate.report.review import draft
        from rampgate.rollout.incidents import find, incidents
        from rampgate.save import save

        book = open_book(ledger)
        one = find(incidents(book), incident)
        save(draft(book, one, find_settings(book.folder)).text, out, force)
    if as_json:
        print_json({"incident": one.id, "rollout": one.rollout, "file": str(out)})
    else:
        typer.echo(f"the review of incident {one.short} is drafted: {out}")
    return 0


@reviews.command("submit")
def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The review, as Markdown.")],
    person: Person,
    key: KeyFile = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """Read a review back, check it, and record it with its digest: the incident is in review.

    It may be submitted again until it is closed. Exit code: 0 recorded, 2 when something is missing or wrong: each
    place is named with its line, and nothing was recorded.
    """
    from rampgate.rollout.reviews import submit as record

    return said(ledger, as_json, lambda book: record(book, file, person, key))


@reviews.command("show")
def show(incident: ThisIncident, as_json: Json = False, ledger: BookUrl = None) -> int:
    """Print the review of an incident as it was submitted last."""
    from rampgate.rollout.incidents import find, incidents
    from rampgate.rollout.reviews import text_of

    book = open_book(ledger)
    one = find(incidents(book), incident)
    text = text_of(book, one)
    if as_json:
        assert one.review is not None
        print_json({"incident": one.id, "record_id": one.review.record, **one.review.says, "markdown": text})
    else:
        typer.echo(text, nl=False)
    return 0


@reviews.command("close")
def close(
    incident: ThisIncident,
    person: Person,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="A word on it.")] = "",
    key: KeyFile = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """Agree to the review that was submitted, as somebody who does not own it: the next attempt may go on.

    Exit code: 0 recorded, 2 when it cannot be closed, or not by you.
    """
    from rampgate.rollout.reviews import close as record

    return said(ledger, as_json, lambda book: record(book, incident, person, key, because))


@reviews.command("false-alarm")
def false_alarm(
    incident: ThisIncident,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why it was none; every report shows it.")],
    person: Person,
    key: KeyFile = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """Close an incident that was none, as somebody who does not own it. Exit code: as of close."""
    from rampgate.rollout.reviews import false_alarm as record

    return said(ledger, as_json, lambda book: record(book, incident, because, person, key))


@reviews.command("done")
def done(
    incident: ThisIncident,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The action's number, from 1.")],
    person: Person,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="What shows it, as a link.")] = "",
    key: KeyFile = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """Say that an action of a review is done: `status` no longer counts it as overdue. Exit code: as of close."""
    from rampgate.rollout.reviews import done as record

    return said(ledger, as_json, lambda book: record(book, incident, number, person, key, because))


@reviews.command("propose")
def propose(
    incident: ThisIncident,
    policy: Annotated[Path, typer.Argument(metavar="POLICY", help="The policy that the review led to.")],
    person: Person,
    key: KeyFile = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """Link the policy that a review led to; it still has to be approved as any other. Exit code: as of close."""
    from rampgate.rollout.reviews import propose as record

    return said(ledger, as_json, lambda book: record(book, incident, policy, person, key))
