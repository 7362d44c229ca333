"""Commands about a policy: ``validate`` and ``schema``."""

from __future__ import annotations

from typing import Annotated

import typer

from rampgate.cli.app import Events, Json, PolicyFile, Quiet, app
from rampgate.cli.output import print_json, print_view, progress


@app.command()
def validate(
    policy: PolicyFile,
    as_json: Json = False,
    quiet: Quiet = False,
    events: Events = None,
    simulation: Annotated[
        bool, typer.Option("--simulation/--no-simulation", help="Simulate whether each phase can open.")
    ] = True,
) -> int:
    """Check a policy and its source; print it as sentences.

    Where the source has enough history, a phase that opens for fewer than 80 % of harmless candidates within four times
    its shortest stay is refused.

    Exit code: 0 valid, 2 when the policy is wrong or the source does not fit it, 1 when the source cannot be read.
    """
    from rampgate.report.sentences import validation, validation_view

    with progress("reading the rows", quiet):
        found = validation(policy, events, simulation)
    if as_json:
        print_json(found)
    else:
        print_view(validation_view(found, quiet))
    return 0 if found["ok"] else 2


@app.command()
def schema() -> int:
    """Print the policy's JSON Schema, for editors."""
    from rampgate.policy import schema as policy_schema

    print_json(policy_schema())
    return 0
