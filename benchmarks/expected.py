"""Accuracy estimated from scores beside the accuracy that came out, on a real model: docs/decisions/0025.

    python -m benchmarks.expected

US Census ACS, Massachusetts: a model that predicts employment, calibrated on 2015; the years after it, and
quarters of each in the order of the file. Then the same with the outcomes of one in ten units turned, a concept drift
that no score can show.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rampgate.estimate import expected_share

DATA = Path(__file__).parents[1] / "tests" / "data" / "employment_ma_scores" / "scores.csv.gz"
PARTS = 4


def loaded() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Year, confidence in the prediction, and whether it was right, of each unit."""
    with gzip.open(DATA, "rt", encoding="utf-8") as file:
        rows = [(int(r["year"]), float(r["predicted_probability"]), r["employed"] == "1") for r in csv.DictReader(file)]
    year, chance, employed = (np.array(column) for column in zip(*rows, strict=True))
    return year, np.maximum(chance, 1 - chance), (chance >= 0.5) == employed


def windows(year: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Years after the first, each whole and in quarters: a name and the places of its units."""
    for one in np.unique(year)[1:]:
        whole = np.flatnonzero(year == one)
        yield f"{one}", whole
        for k, quarter in enumerate(np.array_split(whole, PARTS)):
            yield f"{one}, {k + 1}", quarter


def main() -> None:
    """Print the table."""
    year, score, right = loaded()
    past, now = year == 2015, np.flatnonzero(year > 2015)
    turned = right.copy()
    flip = np.random.default_rng(1).random(len(now)) < 0.1
    turned[now[flip]] = ~turned[now[flip]]
    print("| year | units | estimated | interval | realised | inside | realised, one in ten turned | inside |")
    print("|---|---|---|---|---|---|---|---|")
    for name, part in windows(year):
        found = expected_share(score[past], right[past], score[part])
        told = [(x[part].mean(), found.lower <= x[part].mean() <= found.upper) for x in (right, turned)]
        cells = " | ".join(f"{100 * mean:.1f} % | {'yes' if held else 'no'}" for mean, held in told)
        interval = f"{100 * found.lower:.1f} to {100 * found.upper:.1f} %"
        print(f"| {name} | {len(part):,} | {100 * found.value:.1f} % | {interval} | {cells} |")


if __name__ == "__main__":
    main()
