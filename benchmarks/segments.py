"""A look at a column of very many values: time and peak memory of ``check``, with and without a bound.

    python benchmarks/segments.py [ROWS] [SECONDS]

Rows of 84 days with a customer (50,000 of them, some large) and an urgency. Each line is a process of its own; one that
takes longer than SECONDS is ended, and its memory so far is told.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

import rampgate

DAYS, CUSTOMERS = 84, 50_000
#: Most values told apart; the last tells all of them apart.
BOUNDS = (50, 200, 1_000, CUSTOMERS)


def table(rows: int, path: Path) -> None:
    """Write the rows."""
    connection = duckdb.connect()
    connection.execute("SELECT setseed(0.1)")
    query = """
        COPY (
          SELECT i AS ticket, TIMESTAMP '2026-01-05' + to_seconds(i * $days * 86400 // $rows) AS opened,
                 CASE WHEN random() < 0.3 THEN 'v2' ELSE 'v1' END AS version,
                 'c' || CAST(floor(pow(random(), 4) * $customers) AS INT) AS customer,
                 'u' || CAST(floor(random() * 4) AS INT) AS urgency,
                 random() < 0.85 AS correct, random() < 0.1 AS overridden
          FROM range($rows) t(i)
        ) TO '$path' (FORMAT parquet)
    """
    for name, value in (("days", DAYS), ("rows", rows), ("customers", CUSTOMERS), ("path", path)):
        query = query.replace(f"${name}", str(value))
    connection.execute(query)


def look(path: str, values: int) -> None:
    """One look, and what it took."""
    policy = {
        "baseline": "v1",
        "candidate": "v2",
        "start": "2026-01-05",
        "source": {"unit": "ticket", "time": "opened", "variant": "version"},
        "metrics": {
            "right": {"kind": "proportion", "column": "correct"},
            "override": {"kind": "proportion", "column": "overridden", "better": "lower"},
        },
        "kpi": {"weights": {"right": 0.6, "override": 0.4}},
        "segments": {
            "by": ["customer", "urgency"],
            "guardrails": {"override": {"margin": "10pp"}},
            "values": values,
            "combinations": 10_000_000,
        },
        "phases": [{"traffic": "30%", "at_least": "200d"}, {"traffic": "100%"}],
    }
    begun = time.monotonic()
    decision = rampgate.check(policy, events=path, as_of="2026-03-30", ledger=None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([time.monotonic() - begun, peak, len(decision.criteria)]))


def main(rows: int = 1_000_000, seconds: int = 300) -> None:
    """A line for each bound."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tickets.parquet"
        table(rows, path)
        print(f"{rows:,} rows of {DAYS} days, {CUSTOMERS:,} customers, 4 urgencies")
        print("values told apart   seconds   peak MiB   criteria", flush=True)
        for values in BOUNDS:
            child = subprocess.Popen(
                [sys.executable, __file__, "look", str(path), str(values)], stdout=subprocess.PIPE, text=True
            )
            try:
                out, _ = child.communicate(timeout=seconds)
                took, peak, criteria = json.loads(out)
                print(f"{values:17,} {took:9.1f} {peak:10,.0f} {criteria:10,}", flush=True)
            except subprocess.TimeoutExpired:
                lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
                peak = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
                child.kill()
                child.wait()
                print(f"{values:17,} {f'> {seconds}':>9} {f'> {peak:,.0f}':>10}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["look"]:
        look(sys.argv[2], int(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
