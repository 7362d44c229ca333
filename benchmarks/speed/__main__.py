"""How long looks take, beside others at the same job, interleaved in rounds of one run.

    python -m benchmarks.speed [--rows 20000000] [--rounds 5] [--dir DIR] [PART ...]

The job is six metrics in twelve weekly windows, overall and in each value of queue, urgency and geo, for two versions.
Ratios are medians over rounds; where the machine does other things too, read those of processor time. Peers run in
.venv-peers (`tools/peers.sh`).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from benchmarks.speed import policy
from benchmarks.speed.events import make
from benchmarks.speed.run import Cost, memory, ratio, rounds, run, table

ROOT = Path(__file__).parents[2]
HERE = Path(sys.executable)
RAMPGATE, PEERS = HERE.with_name("rampgate"), ROOT / ".venv-peers" / "bin" / "python"
BY_HAND = Path(__file__).with_name("cells.py")
START, LONG_START = date(2025, 1, 6), date(2024, 11, 4)
#: What `check` uses, ready to be used: a dialect, a driver and a model are part of it.
LIBRARIES = """
import typer, numpy, duckdb, pydantic, yaml, sqlglot.dialects.duckdb, sqlalchemy.dialects.sqlite
class Model(pydantic.BaseModel): x: int
"""


@dataclass(frozen=True)
class Bench:
    """Where the rows are, and how often everything is run."""

    folder: Path
    rows: int
    count: int

    def weekly(self, weeks: int = 12, start: date = START) -> tuple[str, list[Path]]:
        """A pattern of weekly files with as many rows each as twelve weeks of all rows have."""
        folder = self.folder / f"{weeks}-weeks-{self.rows}"
        return f"{folder}/week-*.parquet", make(folder, weeks, self.rows // 12, start)


def check(policy_file: Path, as_of: date, *more: str) -> list[str | Path]:
    """The command of a look."""
    return [RAMPGATE, "check", policy_file, "--as-of", as_of.isoformat(), "--json", "--exit-zero", *more]


def _fresh(command: list[str | Path], *files: Path) -> Callable[[], Cost]:
    """A run that begins without some files."""

    def once() -> Cost:
        for file in files:
            file.unlink(missing_ok=True)
        return run(command)

    return once


def _by(found: dict[str, list[Cost]], over: str, under: str) -> str:
    clock, processor = ratio(found, over, under), ratio(found, over, under, cpu=True)
    return f"{over} by {under}: {clock:.2f}, of processor {processor:.2f}"


def start_up(bench: Bench) -> None:
    """`check` that has nothing to read and nothing to judge; `--help`."""
    pattern, _ = bench.weekly()
    with tempfile.TemporaryDirectory() as name:
        asked = check(policy.write(Path(name) / "policy.yaml", pattern, START), START + timedelta(weeks=12))
        run(asked)
        found = rounds(
            {
                "check, nothing to read": lambda: run(asked),
                "import of its libraries": lambda: run([HERE, "-c", LIBRARIES]),
                "--help": lambda: run([RAMPGATE, "--help"]),
                "import typer": lambda: run([HERE, "-c", "import typer"]),
            },
            bench.count,
        )
    print(table(found))
    for over, under in (("check, nothing to read", "import of its libraries"), ("--help", "import typer")):
        print(_by(found, over, under))


def cells(bench: Bench) -> None:
    """A first look, every row read and judged and recorded, beside cells by hand."""
    pattern, _ = bench.weekly()
    with tempfile.TemporaryDirectory() as name:
        file = policy.write(Path(name) / "policy.yaml", pattern, START)
        asked = check(file, START + timedelta(weeks=12), "--fresh")
        found = rounds(
            {
                "check --fresh": _fresh(asked, file.with_name("rampgate.db")),
                "its start-up": lambda: run([HERE, "-c", "import rampgate.cli.main, rampgate.rollout.evaluate"]),
                "by hand, with covariances": lambda: run([HERE, BY_HAND, pattern]),
                "by hand, plain": lambda: run([HERE, BY_HAND, pattern, "plain"]),
                "its start-up, DuckDB": lambda: run([HERE, "-c", "import duckdb"]),
            },
            bench.count,
        )
    print(table(found))
    less = ("its start-up", "its start-up, DuckDB")
    for under in ("by hand, with covariances", "by hand, plain"):
        clock, cpu = (ratio(found, "check --fresh", under, less, cpu=cpu) for cpu in (False, True))
        print(
            f"check --fresh by {under}, less start-up: {clock:.2f}, of processor {cpu:.2f}; "
            f"memory {memory(found, 'check --fresh', under):.2f}"
        )


def job(bench: Bench, peer: str) -> None:
    """The same comparisons by another library, to the same numbers."""
    pattern, _ = bench.weekly()
    script = ROOT / "benchmarks" / "speed" / "peers" / ("pandas_scipy.py" if peer == "pandas" else "tea.py")
    more = [] if peer == "pandas" else [peer]
    with tempfile.TemporaryDirectory() as name:
        file, mine, other = (Path(name) / part for part in ("policy.yaml", "mine.npy", "other.npy"))
        policy.write(file, pattern, START)
        title = peer if peer == "pandas" else f"tea-tasting, {peer}"
        found = rounds(
            {
                "rampgate": lambda: run([HERE, "-m", "benchmarks.speed.job", file, mine], ROOT),
                title: lambda: run([PEERS, script, *more, pattern, other]),
            },
            bench.count,
        )
        apart = np.abs(np.load(mine) - np.load(other)).max()
    print(table(found))
    print(
        f"{title} by rampgate: {ratio(found, title, 'rampgate'):.1f}, of processor "
        f"{ratio(found, title, 'rampgate', cpu=True):.1f}; memory {memory(found, title, 'rampgate'):.1f}; "
        f"numbers differ by at most {apart:.0e}"
    )


def gbstats(bench: Bench) -> None:
    """Statistics alone, per 1,000 comparisons."""
    pattern, _ = bench.weekly()
    with tempfile.TemporaryDirectory() as name:
        file = policy.write(Path(name) / "policy.yaml", pattern, START)
        gb = ROOT / "benchmarks" / "speed" / "peers" / "gb.py"
        found = rounds(
            {
                "rampgate": lambda: run([HERE, "-m", "benchmarks.speed.job", file, Path(name) / "mine.npy"], ROOT),
                "gbstats": lambda: run([PEERS, gb, "1368"]),
            },
            bench.count,
        )
    took = {
        name: [json.loads(cost.said)["seconds"] / json.loads(cost.said)["comparisons"] * 1e6 for cost in costs]
        for name, costs in found.items()
    }
    for name, each in took.items():
        print(f"{name}: {statistics.median(each):.1f} ms per 1,000 comparisons")
    by = statistics.median(g / r for g, r in zip(took["gbstats"], took["rampgate"], strict=True))
    print(f"gbstats by rampgate: {by:.0f}")


def _weekly_look(bench: Bench, weeks: int, folder: Path) -> dict[str, Callable[[], Cost]]:
    """The look of the last week, after the look of the week before: with what that one kept, and at every row."""
    start = START if weeks == 12 else LONG_START
    _, paths = bench.weekly(weeks, start)
    source, state = folder / f"{weeks}", folder / f"{weeks}-before"
    source.mkdir()
    for path in paths[:-1]:
        (source / path.name).symlink_to(path)
    file = policy.write(source / "policy.yaml", "week-*.parquet", start)
    run(check(file, start + timedelta(weeks=weeks - 1)))
    (source / paths[-1].name).symlink_to(paths[-1])
    shutil.copytree(source / ".rampgate", state / ".rampgate")
    shutil.copy(source / "rampgate.db", state / "rampgate.db")

    def look(*more: str) -> Cost:
        shutil.rmtree(source / ".rampgate")
        shutil.copytree(state / ".rampgate", source / ".rampgate")
        shutil.copy(state / "rampgate.db", source / "rampgate.db")
        return run(check(file, start + timedelta(weeks=weeks), *more))

    return {f"{weeks} weeks": look, f"{weeks} weeks, --fresh": lambda: look("--fresh")}


def history(bench: Bench) -> None:
    """A weekly look at 104 weeks of files beside one at 12, and beside a look at every row."""
    with tempfile.TemporaryDirectory() as name:
        found = rounds(
            {**_weekly_look(bench, 12, Path(name)), **_weekly_look(bench, 104, Path(name))}
            | {"start-up": lambda: run([HERE, "-c", "import rampgate.cli.main, rampgate.rollout.evaluate"])},
            bench.count,
        )
    print(table(found))
    for over, under in (("104 weeks", "12 weeks"), ("104 weeks, --fresh", "104 weeks")):
        print(_by(found, over, under))


def clusters(bench: Bench) -> None:
    """2,000 analysts assigned, beside units."""
    pattern, _ = bench.weekly()
    with tempfile.TemporaryDirectory() as name:
        asked = {}
        for what, cluster in (("units", None), ("clusters", "analyst_id")):
            folder = Path(name) / what
            folder.mkdir()
            file = policy.write(folder / "policy.yaml", pattern, START, cluster)
            command = check(file, START + timedelta(weeks=12), "--fresh")
            asked[what] = _fresh(command, file.with_name("rampgate.db"))
        found = rounds(asked, bench.count)
    print(table(found))
    print(
        f"clusters by units: {ratio(found, 'clusters', 'units'):.2f}; memory {memory(found, 'clusters', 'units'):.2f}"
    )


PARTS: dict[str, Callable[[Bench], None]] = {
    "start-up": start_up,
    "cells": cells,
    "ibis": lambda bench: job(bench, "ibis"),
    "polars": lambda bench: job(bench, "polars"),
    "pandas": lambda bench: job(bench, "pandas"),
    "gbstats": gbstats,
    "history": history,
    "clusters": clusters,
}


def main() -> None:
    """Run some parts, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", nargs="*", help=f"one of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--rows", type=int, default=20_000_000, help="in twelve weeks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "speed", help="where the rows are kept")
    given = parser.parse_args()
    bench = Bench(given.dir.resolve(), given.rows, given.rounds)
    for name in given.part or PARTS:
        print(f"\n== {name}, {given.rows:,} rows in 12 weeks, {given.rounds} rounds", flush=True)
        PARTS[name](bench)


if __name__ == "__main__":
    main()
