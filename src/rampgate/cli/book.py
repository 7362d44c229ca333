"""Commands that read a ledger: ``status``, ``history``, ``show`` and ``explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rampgate.cli.app import BookUrl, Json, Quiet, RolloutName, app, ledger_of
from rampgate.cli.output import print_decision, print_json, print_view, progress


@app.command()
def status(rollout: RolloutName = None, as_json: Json = False, quiet: Quiet = False, ledger: BookUrl = None) -> int:
    """Where rollouts stand: phase, traffic, last decision, what they wait for, when they may finish."""
    from rampgate.report.book import last_windows, status_rows, status_view
    from rampgate.rollout.keeping import kept_beside

    book = open_book(ledger)
    rows, kept = status_rows(book, rollout), kept_beside(ledger_of(ledger, Path()))
    if as_json:
        print_json({"rollouts": rows, "store": kept})
    else:
        print_view(status_view(rows, last_windows(book, rollout), quiet, kept))
    return 0


@app.command()
def history(rollout: RolloutName = None, as_json: Json = False, ledger: BookUrl = None) -> int:
    """Every decision in the ledger, of the gate and of people, and every approval, oldest first."""
    from rampgate.report.book import history_rows, history_view, last_windows, people_rows

    book = open_book(ledger)
    rows, people = history_rows(book, rollout), people_rows(book, rollout)
    if as_json:
        print_json({"decisions": rows, "by_people": people})
    else:
        print_view(history_view(rows, last_windows(book, rollout), people))
    return 0


@app.command()
def show(
    decision: Annotated[str, typer.Argument(metavar="ID", help="The decision's id, or its first digits.")],
    as_json: Json = False,
    quiet: Quiet = False,
    ledger: BookUrl = None,
) -> int:
    """One recorded decision, whole; or what a person signed."""
    from rampgate.rollout.evaluate import decision_of

    record = open_book(ledger).get(decision)
    if record.kind == "decision":
        print_decision(decision_of(record), as_json, quiet)
        return 0
    from rampgate.report.agreed import signed, signed_view

    if as_json:
        print_json(signed(record))
    else:
        print_view(signed_view(record))
    return 0


@app.command()
def explain(
    decision: Annotated[
        str, typer.Argument(metavar="[ID]", help="The decision's id, its first digits, or last.")
    ] = "last",
    as_json: Json = False,
    ledger: BookUrl = None,
) -> int:
    """One recorded decision in plain sentences: what was found, how sure it is, why, and what comes next."""
    from rampgate.report.explained import explain_record, explained_view, find

    with progress("judging again"):
        book = open_book(ledger)
        found = explain_record(find(book, decision), book.document)
    if as_json:
        print_json(found.to_dict())
    else:
        print_view(explained_view(found))
    return 0


def open_book(where: str | None) -> Any:
    """The ledger that ``--ledger`` names, which must exist."""
    from rampgate.ledger import Ledger

    return Ledger.open(ledger_of(where, Path()), create=False)
