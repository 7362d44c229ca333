"""Make the demo's incident table from the full incident table of the ServiceNow log.

::

    python tools/make_demo_data.py incidents_2016-02-29_2016-04-10.csv.gz [OUT]

Keeps every row, in the order of the source, and the columns named below.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
from pathlib import Path

COLUMNS = (
    "number",
    "opened_at",
    "resolved_at",
    "made_sla",
    "reassignment_count",
    "reopen_count",
    "priority",
    "urgency",
    "contact_type",
    "category",
    "assignment_group",
)
TARGET = Path(__file__).parents[1] / "src" / "rampgate" / "demo" / "data" / "incidents.csv.gz"


def reduce_table(source: Path, target: Path) -> int:
    """Write the columns of ``COLUMNS`` from ``source`` to ``target``; return the number of rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    rows = 0
    with gzip.open(source, "rt", encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        absent = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if absent:
            raise SystemExit(f"{source}: no column {', '.join(absent)}")
        for row in reader:
            writer.writerow(row)
            rows += 1
    # Neither a name nor a time in the header: the same source gives the same file.
    with target.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode("utf-8"))
    return rows


def main() -> None:
    """Read the arguments, write the table, say what was done."""
    parser = argparse.ArgumentParser(description="Make the demo's incident table.")
    parser.add_argument("source", type=Path, help="the full incident table, CSV, gzipped")
    parser.add_argument("target", type=Path, nargs="?", default=TARGET)
    arguments = parser.parse_args()
    rows = reduce_table(arguments.source, arguments.target)
    print(f"{arguments.target.name}: {rows} rows, {arguments.target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
