"""Size and seconds of a report, measured as a user meets them: whole processes of the command line.

    python benchmarks/report.py [--keep DIR]

The rollouts are the demo's, and a year of daily looks with 12 metrics and 30 segment values. The year is real: each of
its looks was judged on the rows before it and appended to a ledger by the function that ``check`` uses.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from rampgate.aggregate.read import read
from rampgate.demo.story import tell
from rampgate.judge.case import Case
from rampgate.ledger import Ledger
from rampgate.policy import load_policy
from rampgate.rollout.evaluate import current_state, recorded
from rampgate.rollout.looks import first_phase, look_at, next_look, parse_moment, switches
from rampgate.rollout.replay import up_to
from rampgate.source import open_engine

START, DAYS, PER_DAY, TIMES = pd.Timestamp("2025-01-06"), 364, 400, 5
METRICS, SHIFT = 12, 91
TRAFFIC = (0.1, 0.25, 0.5, 0.5)
#: Thirty values of one column; and of three, whose every combination is a cell.
WIDE = {"queue": 30, "region": 10, "urgency": 6, "channel": 5, "team": 20}
ONE, THREE = {"queue": 30}, {"queue": 14, "region": 10, "urgency": 6}


def rows(segments: dict[str, int], seed: int = 1) -> pd.DataFrame:
    """A year of tickets in which the candidate is as good as the baseline."""
    rng = np.random.default_rng(seed)
    n = DAYS * PER_DAY
    day = np.repeat(np.arange(DAYS), PER_DAY)
    share = np.array(TRAFFIC)[np.minimum(day // SHIFT, len(TRAFFIC) - 1)]
    columns: dict[str, Any] = {
        "ticket": np.arange(n),
        "opened_at": START + pd.to_timedelta(day, unit="D") + pd.to_timedelta(rng.integers(0, 1440, n), unit="min"),
        "version": np.where(rng.random(n) < share, "v2", "v1"),
    }
    for name, count in segments.items():
        # A few values hold most tickets, as queues do.
        chance = 1.0 / np.arange(1, count + 1)
        columns[name] = [f"{name} {i + 1}" for i in rng.choice(count, n, p=chance / chance.sum())]
    for i in range(METRICS):
        columns[f"metric_{i + 1}"] = rng.random(n) < 0.95 - 0.05 * i
    return pd.DataFrame(columns)


def policy(segments: dict[str, int]) -> dict[str, Any]:
    """Every metric judged, every segment guarded."""
    names = [f"metric_{i + 1}" for i in range(METRICS)]
    exposure = [
        {"from": (START + pd.Timedelta(days=SHIFT * i)).date(), "traffic": t} for i, t in enumerate(TRAFFIC[:3])
    ]
    return {
        "rollout": "year",
        "baseline": "v1",
        "candidate": "v2",
        "source": {"events": "rows.parquet", "unit": "ticket", "time": "opened_at", "variant": "version"},
        "start": START.date(),
        "metrics": {name: {"kind": "proportion", "column": name} for name in names},
        "kpi": {"weights": dict.fromkeys(names[:4], 0.25), "margin": "3pp"},
        "guardrails": {name: {"margin": "4pp"} for name in names},
        "rollback": {name: {"worse_by": "1pp", "expect": "4pp"} for name in names},
        "segments": {
            "by": list(segments),
            "guardrails": {name: {"margin": "5pp"} for name in (names[0], names[1], "kpi")},
            "minimum_units": 200,
        },
        "exposure": exposure,
        "phases": [{"traffic": t, "at_least": f"{SHIFT}d"} for t in TRAFFIC[:3]],
    }


def year(folder: Path, segments: dict[str, int]) -> tuple[Path, Path]:
    """The policy and the ledger of the year; the rows are read once and cut at each look."""
    rows(segments).to_parquet(folder / "rows.parquet")
    file, book = folder / "policy.yaml", Ledger.open(folder / "rampgate.db")
    file.write_text(yaml.safe_dump(policy(segments), sort_keys=False), "utf-8")
    rules = load_policy(file)
    engine = open_engine(rules.source.events, base=folder)
    until = look_at(rules, parse_moment(str((START + pd.Timedelta(days=DAYS)).date()), rules.zone))
    cells, intake, first, *_ = read(rules, engine, switches(rules, None), until)
    engine.close()
    look = next_look(rules, look_at(rules, parse_moment(str(START.date()), rules.zone)))
    while look <= until:
        last = book.last(rules.rollout)
        state = current_state(rules, last, look)
        if not state.phases and first is not None:
            state = replace(state, start=first, phases=(first_phase(rules, first, look),))
        known = up_to(cells, look)
        seen = replace(intake, after_as_of=0, newest=known.periods[-1].end)
        recorded(Case(rules, known, seen, state, look, look), book, last)
        look = next_look(rules, look)
    return file, folder / "rampgate.db"


def table(folder: Path) -> None:
    """200,000 rows of the same with five segment columns, for ``compare``."""
    rows(WIDE).sample(200_000, replace=True, random_state=1).assign(ticket=range(200_000)).to_csv(
        folder / "rows.csv", index=False
    )


def measured(name: str, out: Path, command: Sequence[str | Path]) -> None:
    """Run a command of rampgate several times; print its file's size and what the whole process took."""
    wall, cpu = [], []
    for _ in range(TIMES):
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [Path(sys.executable).with_name("rampgate"), *command, out], capture_output=True, text=True, check=False
        )
        wall.append(time.perf_counter() - begin)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
    size, middle = out.stat().st_size / 1000, sorted(wall)[TIMES // 2]
    print(
        f"{name:<34}{out.suffix[1:]:<6}{size:>8,.0f} kB{min(wall):>8.2f} s{middle:>8.2f} s{min(cpu):>8.2f} s",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="where the rollouts are kept, and found again by the next run")
    keep = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as name:
        base = keep or Path(name)
        print(f"{'':<34}{'file':<6}{'size':>11}{'best':>10}{'median':>10}{'processor':>10}   {TIMES} processes each")
        for title, (file, book) in rollouts(base):
            for ending in ("html", "md"):
                measured(title, base / f"report.{ending}", ("report", file, "--ledger", book, "--out"))
        by = [part for column in WIDE for part in ("--segment", column)]
        file = made(base, "table", table) / "rows.csv"
        for ending in ("html", "md"):
            command: list[str | Path] = ["compare", file, "--baseline", "v1", "--candidate", "v2", *by, "--report"]
            measured("compare, 200,000 rows", base / f"compare.{ending}", command)


def rollouts(base: Path) -> Iterator[tuple[str, tuple[Path, Path]]]:
    """Each rollout's title, policy and ledger."""
    made(base, "demo", tell)
    yield "demo", (base / "demo/act-two/policy.yaml", base / "demo/rampgate.db")
    for title, name, segments in (
        ("year, 30 values of one column", "one", ONE),
        ("year, 30 values of three columns", "three", THREE),
    ):
        folder = made(base, name, partial(year, segments=segments))
        yield title, (folder / "policy.yaml", folder / "rampgate.db")


def made(base: Path, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that is filled once."""
    folder = base / name
    if not folder.is_dir():
        half = base / f"{name}.half"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        make(half)
        half.rename(folder)
    return folder


if __name__ == "__main__":
    main()
