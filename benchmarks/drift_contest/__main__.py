"""Change detectors on labelled real series, all at one false-alarm rate: writes docs/drift-contest.md.

    make drift-contest

or ``python -m benchmarks.drift_contest PYTHON``, where PYTHON belongs to an environment with requirements.txt of this
folder. Every detector has one parameter. It is the most sensitive of its grid that alarms at most once in a thousand
steps of surrogates: blocks of each series' probationary part, in which nothing changes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.drift_contest.ours import THRESHOLDS, Series
from benchmarks.drift_contest.page import write
from benchmarks.drift_contest.score import Alarm, by_dataset, in_windows
from benchmarks.drift_contest.series import Labelled, nab, surrogates, tcpd

HERE = Path(__file__).parent
#: False alarms that are accepted, by steps.
RATE = 1 / 1000
#: Surrogates of each series.
EACH = 1
OURS, UNTUNED = "rampgate", "rampgate, threshold 365 as it stands"
#: By parameter, from the most sensitive on: alarms of each series, in order.
Grid = dict[str, list[list[Alarm]]]


@dataclass(frozen=True)
class Collection:
    """Labelled series, and those in which nothing changes."""

    name: str
    series: Sequence[Labelled]
    quiet: Sequence[Labelled]

    @property
    def every(self) -> list[Labelled]:
        return [*self.series, *self.quiet]


def collections(each: int = EACH) -> tuple[Collection, Collection]:
    """Both collections with their surrogates."""
    first, second = nab(), tcpd()
    return Collection("nab", first, surrogates(first, each)), Collection("tcpd", second, surrogates(second, each))


def our_alarms(collection: Collection) -> Grid:
    """Alarms of the watch at each threshold."""
    made = [Series(one.values) for one in collection.every]
    return {f"{threshold:g}": [list(one.alarms(threshold)) for one in made] for threshold in THRESHOLDS}


def peers(python: str, collection: Collection) -> dict[str, Grid]:
    """Alarms of the others, from their own environment."""
    given = {collection.name: {str(p): [float(x) for x in one.values] for p, one in enumerate(collection.every)}}
    done = subprocess.run(
        [python, str(HERE / "peers.py")], input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(done.stdout)[collection.name]
    return {
        detector: {p: [alarms[str(place)] for place in range(len(alarms))] for p, alarms in grid.items()}
        for detector, grid in found.items()
    }


def false_rate(collection: Collection, alarms: Sequence[Sequence[Alarm]]) -> float:
    """Alarms by step on surrogates, after the part that is learnt from."""
    quiet = alarms[len(collection.series) :]
    told = sum(a[0] >= one.probation for one, own in zip(collection.quiet, quiet, strict=True) for a in own)
    return told / sum(len(one.values) - one.probation for one in collection.quiet)


def tuned(collection: Collection, grid: Grid) -> str:
    """The most sensitive parameter within the rate; the least sensitive where none is."""
    within = (p for p, alarms in grid.items() if false_rate(collection, alarms) <= RATE)
    return next(within, [*grid][-1])


def row(collection: Collection, grid: Grid, parameter: str) -> dict[str, Any]:
    """What a detector does at a parameter."""
    alarms = grid[parameter]
    own = alarms[: len(collection.series)]
    found: dict[str, Any] = {"parameter": parameter, "false_rate": false_rate(collection, alarms)}
    if collection.name == "nab":
        counted = in_windows(collection.series, _by_name(collection, own))
        return {**found, **asdict(counted), "f1": counted.f1}
    return {**found, "f1": by_dataset(collection.series, own)}


def _by_name(collection: Collection, alarms: Sequence[Sequence[Alarm]]) -> Mapping[str, Sequence[Alarm]]:
    return {one.name: own for one, own in zip(collection.series, alarms, strict=True)}


def rows(collection: Collection, grids: Mapping[str, Grid]) -> dict[str, dict[str, Any]]:
    """Every detector tuned, and ours as it stands."""
    out = {name: row(collection, grid, tuned(collection, grid)) for name, grid in grids.items()}
    return {**out, UNTUNED: row(collection, grids[OURS], "365")}


def main() -> None:
    """Run everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", help="interpreter of the peers' environment")
    python, both = parser.parse_args().python, collections()
    with ProcessPoolExecutor() as own, ThreadPoolExecutor() as others:
        # First, or they would hold the peers' input open.
        ours = [own.submit(our_alarms, c) for c in both]
        theirs = [others.submit(peers, python, c) for c in both]
        grids = [{OURS: mine.result(), **them.result()} for mine, them in zip(ours, theirs, strict=True)]
    found = {c.name: rows(c, grid) for c, grid in zip(both, grids, strict=True)}
    (HERE / "results.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    write(found)


if __name__ == "__main__":
    main()
