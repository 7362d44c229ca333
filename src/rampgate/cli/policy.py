"""Commands about a policy: ``validate``, ``schema`` and ``diff``."""

from __future__ import annotations

from pathlib import Path
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
    simulated: Annotated[
        bool, typer.Option("--simulation/--no-simulation", help="Try what it would catch, and whether its phases open.")
    ] = True,
) -> int:
    """Check a policy and its source; print it as sentences.

    Exit code: 0 valid, 2 when the policy is wrong, the source does not fit it, or a phase would hardly ever open at
    today's volume; 1 when the source cannot be read.
    """
    from rampgate.report.sentences import validation, validation_view

    with progress("reading the rows", quiet):
        found = validation(policy, events, simulated)
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


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The policy before.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The policy after.")],
    as_json: Json = False,
) -> int:
    """What changed in meaning between two policies; what got looser is marked.

    Exit code: 0 whatever differs, 2 when one of them is no policy.
    """
    from rampgate.policy import load_policy
    from rampgate.policy.diff import LOOSER
    from rampgate.policy.diff import diff as changes
    from rampgate.report.agreed import changes_view

    before, after = load_policy(old), load_policy(new)
    found = changes(before, after)
    if as_json:
        told = [{"key": c.key, "before": c.before, "after": c.after, "effect": c.effect} for c in found]
        shas = {"old_sha256": before.sha256(), "new_sha256": after.sha256()}
        print_json({**shas, "looser": any(c.effect == LOOSER for c in found), "changes": told})
    else:
        print_view(changes_view(found))
    return 0
