"""The labelled series, each as at most 200 steps for every detector, and surrogates in which nothing changes."""

from __future__ import annotations

import csv
import gzip
import json
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[2] / "tests" / "data"
#: Steps of a series at most; consecutive points are averaged until they are no more.
MOST_STEPS = 200
#: The part at the beginning that every detector may learn from, as NAB has it, and its least steps.
PROBATION, LEAST = 0.15, 24


@dataclass(frozen=True)
class Labelled:
    """A series and what people marked in it.

    Attributes
    ----------
    values : (step,), in standard deviations of the probationary part about its mean
    windows : NAB's: first and last step of each
    marks : TCPD's: the change points of each annotator
    """

    name: str
    values: np.ndarray
    windows: tuple[tuple[int, int], ...] = ()
    marks: tuple[tuple[int, ...], ...] = ()

    @property
    def probation(self) -> int:
        """Steps of the part that is learnt from."""
        return probation(len(self.values))


def probation(count: int) -> int:
    """Steps of a series that are learnt from."""
    return max(LEAST, int(PROBATION * count))


def standardised(values: np.ndarray) -> np.ndarray:
    """Values about the mean of the probationary part, in its standard deviations; of the whole where it has none."""
    first = values[: probation(len(values))]
    spread = first.std() or values.std() or 1.0
    return np.asarray((values - first.mean()) / spread)


def nab() -> list[Labelled]:
    """The series of the Numenta Anomaly Benchmark."""
    windows = json.loads((DATA / "nab" / "windows.json").read_text("utf-8"))
    return [_nab(name, spans) for name, spans in windows.items()]


def _nab(name: str, spans: list[list[str]]) -> Labelled:
    with gzip.open(DATA / "nab" / "data" / f"{name}.gz", "rt", encoding="utf-8") as file:
        rows = [(datetime.fromisoformat(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
    size = -(-len(rows) // MOST_STEPS)
    steps = [rows[i : i + size] for i in range(0, len(rows), size)]
    ends = [step[-1][0] for step in steps]
    values = np.array([np.mean([value for _, value in step]) for step in steps])
    places = [tuple(bisect_left(ends, datetime.fromisoformat(end)) for end in span) for span in spans]
    inside = tuple((first, min(last, len(steps) - 1)) for first, last in places)
    return Labelled(name.removesuffix(".csv"), standardised(values), inside)


def tcpd() -> list[Labelled]:
    """The series of the Turing change-point data set; each column of one with several."""
    marks = json.loads((DATA / "tcpd" / "annotations.json").read_text("utf-8"))
    columns: dict[tuple[str, str], list[float]] = {}
    with gzip.open(DATA / "tcpd" / "series.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            columns.setdefault((row["dataset"], row["series"]), []).append(float(row["value"] or "nan"))
    return [
        Labelled(name, standardised(_filled(np.array(values))), marks=_marks(marks[name]["annotations"]))
        for (name, _), values in columns.items()
    ]


def _filled(values: np.ndarray) -> np.ndarray:
    """Values with those that are missing on the line between their neighbours."""
    place, known = np.arange(len(values)), ~np.isnan(values)
    return np.asarray(np.interp(place, place[known], values[known]))


def _marks(annotations: dict[str, list[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(places) for places in annotations.values())


def surrogates(series: list[Labelled], each: int, seed: int = 1) -> list[Labelled]:
    """Series of the same lengths in which nothing changes: blocks of the probationary part, drawn with replacement.

    A block has the square root of the part's steps, so that what hangs together goes on hanging together.
    """
    rng = np.random.default_rng(seed)
    out = []
    for one in series:
        part = one.values[: one.probation]
        size = max(2, round(len(part) ** 0.5))
        for k in range(each):
            starts = rng.integers(0, len(part) - size + 1, -(-len(one.values) // size))
            drawn = np.concatenate([part[start : start + size] for start in starts])[: len(one.values)]
            out.append(Labelled(f"{one.name} #{k}", standardised(drawn)))
    return out
