"""Makes tests/data/asos_experiments/final.csv: the last snapshot of every stream, and what the references say of it.

python tests/reference/scripts/asos.py asos_public_39.csv.gz asos_public_39_reference.csv > final.csv

Both files come from the ASOS Digital Experiments Dataset (see the README beside what is made); z is the difference of
means over its standard error, p the normal's, srm_p SciPy's chi-square against equal shares.
"""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path

KEY = ("experiment_id", "variant_id", "metric_id")
INPUTS = ("count_c", "count_t", "mean_c", "mean_t", "variance_c", "variance_t")


def main(snapshots: str, reference: str) -> None:
    """Join the last snapshot of each stream with its reference."""
    last: dict[tuple[str, ...], dict[str, str]] = {}
    with gzip.open(snapshots, "rt") as file:
        for row in csv.DictReader(file):
            key = tuple(row[name] for name in KEY)
            if key not in last or float(row["time_since_start"]) > float(last[key]["time_since_start"]):
                last[key] = row
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow([*KEY, *INPUTS, "z", "p", "srm_p"])
    with Path(reference).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = tuple(row[name] for name in KEY)
            out.writerow([*key, *(last[key][name] for name in INPUTS), row["z"], row["p"], row["srm_p"]])


if __name__ == "__main__":
    main(*sys.argv[1:])
