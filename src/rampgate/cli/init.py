"""``init``."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rampgate.cli.app import app
from rampgate.cli.given import (
    Baseline,
    Candidate,
    Decimal,
    Metrics,
    NoSegments,
    Segments,
    Table,
    Time,
    TimeFormat,
    Timezone,
    Unit,
    Variant,
)
from rampgate.cli.output import print_view, progress

if TYPE_CHECKING:
    from rich.console import RenderableType

    from rampgate.guess import Guess

_STANDARD_OUTPUT = "-"


@app.command()
def init(
    file: Table,
    out: Annotated[str, typer.Option("--out", help="File to write; - prints it.")] = "policy.yaml",
    unit: Unit = None,
    time: Time = None,
    variant: Variant = None,
    baseline: Baseline = None,
    candidate: Candidate = None,
    metric: Metrics = None,
    segment: Segments = None,
    no_segments: NoSegments = False,
    timezone: Timezone = None,
    time_format: TimeFormat = None,
    decimal: Decimal = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the rollout. Default: the file's.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take every guess.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> int:
    """Write a commented policy for a table; what it guesses of the columns is marked.

    In a terminal it shows each guess and asks. Exit code: 0 written, 2 when something has to be said with an option,
    1 when the table cannot be read.
    """
    from rampgate.guess import Given, guess
    from rampgate.guess.write import policy_text
    from rampgate.save import refuse_existing, save

    path = None if out == _STANDARD_OUTPUT else Path(out)
    if path is not None:
        # A table, or anything that is no policy, is not overwritten whatever is asked.
        refuse_existing(path, force and path.suffix in (".yaml", ".yml"))
    if segment and no_segments:
        raise typer.BadParameter("--segment and --no-segments contradict each other")
    segments = () if no_segments else tuple(segment) if segment else None
    given = Given(
        unit, time, variant, baseline, candidate, tuple(metric or ()), segments, timezone, time_format, decimal
    )
    asked = not yes and sys.stdin.isatty() and sys.stderr.isatty()
    if asked:
        from rampgate.cli.interview import interview

        found = interview(file, given, name)
        if path is not None and not typer.confirm(f"\nwrite {path}?", default=True, err=True):
            raise typer.Abort
    else:
        with progress("reading the rows"):
            found = guess(file, given, name)
    text = policy_text(found, _from_folder(file, path))
    if path is None:
        typer.echo(text, nl=False)
        return 0
    save(text, path, force)
    with progress("reading the rows"):
        told = _told(path, found, asked)
    print_view(told)
    return 0


def _from_folder(file: str, path: Path | None) -> str:
    """The table as the policy file has to name it."""
    if path is None or Path(file).is_absolute() or file.startswith("~") or re.match(r"[a-zA-Z][\w+.-]+://", file):
        return file
    folder = path.parent.resolve()
    return file if folder == Path.cwd().resolve() else os.path.relpath(Path.cwd() / file, folder)


def _told(path: Path, found: Guess, asked: bool) -> RenderableType:
    """What was guessed, unless it was asked for; what ``validate`` says of the file, and what to do next."""
    from rampgate.report.guessed import guess_view

    return guess_view(found, path, notes=not asked)
