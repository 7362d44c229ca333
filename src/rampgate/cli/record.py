"""Commands about the ledger as a record: ``verify`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rampgate.cli.app import BookUrl, Json, Quiet, app
from rampgate.cli.book import open_book
from rampgate.cli.output import print_json, print_view, progress


@app.command()
def verify(as_json: Json = False, quiet: Quiet = False, ledger: BookUrl = None) -> int:
    """Check the ledger: its chain, states, tables and signatures, and every decision judged again.

    Exit code: 0 whole, 1 when something differs, whose first record is named, or when the ledger cannot be read.
    """
    with progress("judging again", quiet) as say:
        from rampgate.people import find_people
        from rampgate.report.verified import verified_view
        from rampgate.rollout.verify import verify_ledger

        book = open_book(ledger)
        found = verify_ledger(book, say, find_people(book.path.parent))
    if as_json:
        print_json(found.to_dict())
    else:
        print_view(verified_view(found, quiet))
    return 0 if found.ok else 1


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write, as ledger.jsonl. Default: standard output.")
    ] = None,
    ledger: BookUrl = None,
) -> int:
    """Write the ledger as JSON Lines: one record or document a line, in the bytes that were hashed.

    Exit code: 0 written, 1 when a record or document is not what was recorded.
    """
    from rampgate.ledger import export as lines
    from rampgate.ledger.export import write

    book = open_book(ledger)
    if out is not None:
        write(book, out)
        return 0
    for line in lines(book):
        typer.echo(line, nl=False)
    return 0
