"""``compare``."""

from __future__ import annotations

from typing import Annotated

import typer

from rampgate.cli.app import Json, app
from rampgate.cli.output import print_json


@app.command()
def compare(
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV, Parquet or DuckDB file, one row per unit.")],
    baseline: Annotated[str | None, typer.Option(metavar="NAME", help="The version in use.")] = None,
    candidate: Annotated[str | None, typer.Option(metavar="NAME", help="The new version.")] = None,
    unit: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column that identifies a row.")] = None,
    time: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the time of each row.")] = None,
    variant: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column that names the version.")] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC",
            help="COLUMN, NAME=COLUMN==VALUE or NAME=TOP/BOTTOM, with :lower or :higher "
            "for what is good; repeat for several.",
        ),
    ] = None,
    segment: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Column to compare by; repeat for several.")
    ] = None,
    no_segments: Annotated[bool, typer.Option("--no-segments", help="Compare by no column.")] = False,
    timezone: Annotated[str | None, typer.Option(help="Where days begin, as Europe/Berlin. Default: UTC.")] = None,
    time_format: Annotated[str | None, typer.Option(help="How times are written, as '%d/%m/%Y %H:%M'.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark of numbers: . or ,")] = None,
    as_of: Annotated[str | None, typer.Option(help="Whole days before it, as 2026-03-01. Default: all.")] = None,
    as_json: Json = False,
) -> int:
    """Baseline against candidate in a table, without a policy. What is not given is guessed, and said.

    Exit code: 0 compared, whatever it says; 2 wrong arguments, 1 when the table cannot be read.
    """
    from rampgate.comparison.table import compare as run
    from rampgate.errors import UsageError

    if no_segments and segment:
        raise UsageError("--segment and --no-segments exclude each other", remedy="give one of them")
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
    if as_json:
        print_json(found.to_dict())
        return 0
    from rampgate.report.compared import comparison_view
    from rampgate.report.terminal import console

    console().print(comparison_view(found))
    return 0
