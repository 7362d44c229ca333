"""``compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rampgate.cli.app import Json, Quiet, app
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
from rampgate.cli.output import print_json, print_view, progress


@app.command()
def compare(
    file: Table,
    baseline: Baseline = None,
    candidate: Candidate = None,
    unit: Unit = None,
    time: Time = None,
    variant: Variant = None,
    metric: Metrics = None,
    segment: Segments = None,
    no_segments: NoSegments = False,
    timezone: Timezone = None,
    time_format: TimeFormat = None,
    decimal: Decimal = None,
    as_of: Annotated[str | None, typer.Option(help="Whole days before it, as 2026-03-01. Default: all.")] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write it as a page too, as .html or .md.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Baseline against candidate in a table, without a policy. What is not given is guessed, and said.

    Exit code: 0 compared, whatever it says; 2 wrong arguments, 1 when the table cannot be read.
    """
    from rampgate.comparison.table import compare as run
    from rampgate.errors import UsageError

    if no_segments and segment:
        raise UsageError("--segment and --no-segments exclude each other", remedy="give one of them")
    if report is not None:
        from rampgate.report.write import check_ending

        check_ending(report)
    with progress("reading the rows and comparing them", quiet):
        found = run(
            file,
            baseline=baseline,
            candidate=candidate,
            unit=unit,
            time=time,
            variant=variant,
            metrics=metric or (),
            segments=() if no_segments else segment,
            timezone=timezone,
            time_format=time_format,
            decimal=decimal,
            as_of=as_of,
        )
        if report is not None:
            from rampgate.report.comparison_page import write_comparison

            write_comparison(found, report)
    if as_json:
        print_json(found.to_dict())
        return 0
    from rampgate.report.compared import comparison_view, head

    print_view(head(found) if quiet else comparison_view(found))
    if report is not None and not quiet:
        print_view(f"\nwritten: {report}")
    return 0
