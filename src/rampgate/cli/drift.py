"""``drift``."""

from __future__ import annotations

from typing import Annotated

import typer

from rampgate.cli.app import EXIT, Events, Json, LedgerUrl, PolicyFile, Quiet, app, ledger_there
from rampgate.cli.output import print_json, print_view, progress


@app.command()
def drift(
    policy: PolicyFile,
    as_of: Annotated[str | None, typer.Option(help="Windows complete by then, as 2026-03-01. Default: now.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    ledger: LedgerUrl = None,
    events: Events = None,
) -> int:
    """How far each watched column is from its reference, by window and version. Writes nothing.

    Exit code: 0 nothing acts, 10 a column in a complete window does, 2 wrong arguments or policy, 1 could not compare.
    """
    from rampgate.report.drift_view import drift_view
    from rampgate.rollout.drift import drift_of

    with progress("reading the rows", quiet):
        found = drift_of(policy, events, as_of, ledger_there(ledger, policy.parent))
    if as_json:
        print_json(found.to_dict())
    else:
        print_view(drift_view(found, quiet))
    return EXIT["hold"] if found.acts else 0
