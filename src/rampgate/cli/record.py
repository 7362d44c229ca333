"""Commands about the ledger as a record: ``verify``, ``checkpoint`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rampgate.cli.app import BookUrl, Json, KeyFile, Person, Quiet, app
from rampgate.cli.book import open_book
from rampgate.cli.output import print_json, print_view, progress


@app.command()
def verify(
    checkpoint: Annotated[
        list[Path] | None, typer.Option("--checkpoint", help="A checkpoint kept elsewhere. May be repeated.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option("--against", help="Another copy of the ledger, or an export. May be repeated.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    ledger: BookUrl = None,
) -> int:
    """Check the ledger: its chain, states, tables and signatures, and every decision judged again.

    Exit code: 0 whole, 1 when something differs, whose first record is named, when no rampgate.toml says whose the
    signatures are, or when the ledger cannot be read.
    """
    with progress("judging again", quiet) as say:
        from rampgate.report.verified import verified_view
        from rampgate.rollout.checkpoint import read_checkpoint
        from rampgate.rollout.verify import verify_ledger

        book = open_book(ledger)
        kept = [read_checkpoint(path) for path in checkpoint or ()]
        found = verify_ledger(book, say, checkpoints=kept, others=against or ())
    if as_json:
        print_json(found.to_dict())
    else:
        print_view(verified_view(found, quiet))
    return 0 if found.ok else 1


@app.command()
def checkpoint(
    person: Person,
    out: Annotated[
        Path | None, typer.Option("--out", help="File for the checkpoint; keep it where the ledger is not.")
    ] = None,
    key: KeyFile = None,
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """Sign how far the ledger has come; kept elsewhere, it shows later what was cut off or rewritten.

    Exit code: 0 recorded, 2 when you cannot sign or the file exists, 1 when the ledger cannot be written.
    """
    from rampgate.errors import UsageError
    from rampgate.report.agreed import signed
    from rampgate.rollout.checkpoint import checkpoint as sign
    from rampgate.rollout.checkpoint import text_of
    from rampgate.save import save

    if out is not None and out.exists():
        raise UsageError("the file exists and is not overwritten", where=str(out), remedy="name another with --out")
    record = sign(open_book(ledger), person, key)
    if out is not None:
        save(text_of(record), out)
    if as_json:
        print_json(signed(record))
    else:
        said = record.entry()["statement"]
        kept = f": {out}" if out is not None else ""
        typer.echo(f"record {said['sequence']} is {said['sha256']}, signed by {person}{kept}")
    return 0


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write, as ledger.jsonl. Default: standard output.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    ledger: BookUrl = None,
) -> int:
    """Write the ledger as JSON Lines: one record or document a line, in the bytes that were hashed.

    Exit code: 0 written, 2 when the file exists, 1 when a record or document is not what was recorded.
    """
    from rampgate.ledger import export as lines
    from rampgate.ledger.export import write
    from rampgate.save import refuse_existing

    if out is not None:
        refuse_existing(out, force)
    book = open_book(ledger)
    if out is not None:
        write(book, out)
        return 0
    for line in lines(book):
        typer.echo(line, nl=False)
    return 0
