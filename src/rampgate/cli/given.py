"""Options that say what a table's columns mean, for the commands that guess the rest."""

from __future__ import annotations

from typing import Annotated

import typer

Table = Annotated[str, typer.Argument(metavar="FILE", help="CSV, Parquet or DuckDB file, a pattern, or file#table.")]
Unit = Annotated[str | None, typer.Option("--unit", help="Column that identifies a row, as ticket_id.")]
Time = Annotated[str | None, typer.Option("--time", help="Column of the time at which a row was opened.")]
Variant = Annotated[str | None, typer.Option("--variant", help="Column that says which version handled the row.")]
Baseline = Annotated[str | None, typer.Option("--baseline", help="Value of that column for the version in use.")]
Candidate = Annotated[str | None, typer.Option("--candidate", help="Value of that column for the new version.")]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="METRIC",
        help="Outcome: COLUMN, NAME=COLUMN, NAME=COLUMN==VALUE or NAME=TOP/BOTTOM; after it :lower or :higher says "
        "what is good, :1..5 the worst and the best value. May be repeated.",
    ),
]
Segments = Annotated[
    list[str] | None, typer.Option("--segment", metavar="COLUMN", help="Column to split by. May be repeated.")
]
NoSegments = Annotated[bool, typer.Option("--no-segments", help="Split by nothing.")]
Timezone = Annotated[str | None, typer.Option("--timezone", help="Time zone in which days begin, as Europe/Oslo.")]
TimeFormat = Annotated[
    str | None,
    typer.Option("--time-format", help='How text says times, as "%d/%m/%Y %H:%M" or epoch_s; several with | between.'),
]
Decimal = Annotated[str | None, typer.Option("--decimal", help="Decimal mark of numbers in text: . or ,")]
