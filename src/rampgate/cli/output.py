"""What commands print, and how it survives a closed pipe."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rampgate.judge.decision import Decision


def print_decision(decision: Decision, as_json: bool) -> None:
    """One decision, as JSON or for people."""
    try:
        if as_json:
            print_json(decision.to_dict())
        else:
            from rampgate.report.terminal import console, decision_view

            console().print(decision_view(decision))
        sys.stdout.flush()
    except (OSError, SystemExit):  # rich ends the program when a pipe is closed
        # The decision stands, and its exit code with it, whoever stopped reading.
        sys.stderr.write("could not print the decision: the output was closed\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(value: object) -> None:
    """Exactly one JSON value on standard output."""
    typer.echo(json.dumps(value, allow_nan=False))
