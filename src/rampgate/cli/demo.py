"""``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rampgate.cli.app import Quiet, app
from rampgate.cli.output import progress


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the ledger, the report and the policies.")] = Path(
        "rampgate-demo"
    ),
    quiet: Quiet = False,
) -> int:
    """The whole story on real tickets: go, hold, rollback, and the incident with its review to be written."""
    from rampgate.demo.story import tell

    tell(out, lambda text: progress(text, quiet), quiet)
    return 0
