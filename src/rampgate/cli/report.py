"""``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rampgate.cli.app import LedgerUrl, PolicyFile, app, ledger_of
from rampgate.cli.output import progress


@app.command()
def report(
    policy: PolicyFile,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page, as .html or .md. Default: report.html beside the policy.")
    ] = None,
    ledger: LedgerUrl = None,
) -> int:
    """The last decision as one page for people: why, the evidence, what comes next. Reads the ledger alone."""
    from rampgate.report.write import report_policy

    target = out or policy.parent / "report.html"
    with progress("judging again and drawing"):
        lines = report_policy(policy, target, ledger_of(ledger, policy.parent))
    for line in lines:
        typer.echo(line)
    return 0
