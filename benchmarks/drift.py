"""What drift of two tables takes, beside a scan and beside evidently: ``python benchmarks/drift.py``.

Two Parquet files of a million rows, 20 columns of numbers and 10 of categories. Each case is a process of its own, told
with its wall time, the seconds of its processors, which a busy machine changes less, and its peak memory. The seconds
are those of the work, without starting Python and importing. For the peer make an environment of
``benchmarks/requirements-drift.txt`` and name its Python: ``--peer ENV/bin/python``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS, NUMBERS, CATEGORIES = 1_000_000, 20, 10
TIMES = 3

_MEASURE = """
import json, resource, sys, time
def told(work):
    spent = lambda: sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    begun, before = time.perf_counter(), spent()
    work()
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    peak = int(status["VmHWM"].split()[0]) / 1024
    print(json.dumps({"wall": time.perf_counter() - begun, "cpu": spent() - before, "peak": peak}))
files = sys.argv[1:3]
"""
_NAMES = f"""
numbers, words = [f"n{{i}}" for i in range({NUMBERS})], [f"c{{i}}" for i in range({CATEGORIES})]
"""
CASES = {
    "a scan: sum of each number, max of each category": """
import duckdb
what = ", ".join([*(f"sum({n})" for n in numbers), *(f"max({w})" for w in words)])
told(lambda: duckdb.sql(f"select {what} from read_parquet({files})").fetchall())
""",
    "a scan: every value into Arrow": """
import duckdb, pyarrow
told(lambda: [duckdb.sql(f"select * from read_parquet({[file]})").fetch_arrow_table() for file in files])
""",
    "rampgate.drift, all measures": """
import rampgate, rampgate.comparison.drifted
from rampgate.source.duckdb import DuckDBEngine
told(lambda: rampgate.drift(*files))
""",
    "rampgate.drift, all measures, by the engine alone": """
import rampgate, rampgate.comparison.drifted as drifted
from rampgate.source.duckdb import DuckDBEngine
drifted.HELD = drifted.MOST_VALUES = 0
told(lambda: rampgate.drift(*files))
""",
}
PEER = """
import pandas
from evidently import Report
from evidently.presets import DataDriftPreset
frames = [pandas.read_parquet(file) for file in files]
told(lambda: Report([DataDriftPreset(method="psi")]).run(frames[1], frames[0]))
"""


def write(path: Path, seed: int, shift: float) -> None:
    """One table; the second one is moved a little."""
    rng, columns = np.random.default_rng(seed), {}
    for i in range(NUMBERS):
        drawn = (rng.normal(shift, 1, ROWS), rng.lognormal(shift, 1, ROWS), rng.gamma(2, 1 + shift, ROWS))
        columns[f"n{i}"] = pa.array(drawn[i % 3])
    for i in range(CATEGORIES):
        count = 5 + 5 * i
        chance = np.arange(count, 0, -1) ** 1.2
        names = pa.array([f"category {j}" for j in range(count)])
        columns[f"c{i}"] = names.take(pa.array(rng.choice(count, ROWS, p=chance / chance.sum())))
    pq.write_table(pa.table(columns), path)


def measured(python: str, code: str, files: list[str], times: int) -> dict[str, float]:
    """The best of some processes."""
    program = _MEASURE + _NAMES + code
    runs = []
    for _ in range(times):
        done = subprocess.run([python, "-c", program, *files], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        runs.append(json.loads(done.stdout.strip().splitlines()[-1]))
    return {key: min(run[key] for run in runs) for key in ("wall", "cpu", "peak")}


def main(peer: str | None) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("before.parquet", "after.parquet")]
        for seed, file in enumerate(files):
            write(Path(file), seed, 0.1 * seed)
        print(f"{'':52}{'wall':>9}{'processor':>11}{'peak':>10}   best of {TIMES}, {os.cpu_count()} cores", flush=True)
        cases = [(name, sys.executable, code, TIMES) for name, code in CASES.items()]
        cases += [("evidently 0.7, one method (PSI), frames in memory", peer, PEER, 1)] if peer else []
        for name, python, code, times in cases:
            found = measured(python, code, files, times)
            print(f"{name:52}{found['wall']:7.2f} s{found['cpu']:9.2f} s{found['peak']:7.0f} MiB", flush=True)


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--peer") + 1] if "--peer" in sys.argv else None)
