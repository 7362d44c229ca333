"""A look on Spark beside Spark's own scan of the same columns: ``python -m benchmarks.look_on_spark [ROWS]``.

Two executors of one core each on this machine; a Parquet file of a million rows, or as many as are said. In turn, five
rounds: the largest value of each column that the policy names, and a look, which asks its small questions, the cells by
day, arm and queue, and whether a unit has two rows.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp
from tests.aggregate.support import METRICS, policy
from tests.spark import cluster

from rampgate.aggregate.read import read
from rampgate.source import Array
from rampgate.source.spark import SparkEngine

ROWS, ROUNDS, DAYS = 1_000_000, 5, 84


def rows(count: int) -> pa.Table:
    """Tickets of twelve weeks."""
    rng = np.random.default_rng(1)
    start = np.datetime64("2026-01-05", "us")
    return pa.table(
        {
            "ticket": pa.array(rng.permutation(count)),
            "opened": pa.array(start + rng.integers(0, DAYS * 86_400_000_000, count), pa.timestamp("us", "UTC")),
            "version": pa.array(np.array(["v1", "v2"])[rng.integers(0, 2, count)]),
            "queue": pa.array(np.array([f"queue {q}" for q in range(8)])[rng.integers(0, 8, count)]),
            "correct": pa.array(rng.random(count) < 0.8),
            "overridden": pa.array(rng.random(count) < 0.1),
            "hours": pa.array(rng.lognormal(1, 1, count)),
            "escalated": pa.array(rng.random(count) < 0.3),
            "escalation_correct": pa.array(rng.random(count) < 0.7),
        }
    )


class Timed(SparkEngine):
    """Notes what each query takes, by the first column of its answer."""

    spent: dict[str, list[float]]

    def query(self, select: exp.Expr) -> dict[str, Array]:
        """Run and note."""
        begun = time.perf_counter()
        found = super().query(select)
        self.spent[" ".join(list(found)[:2])].append(time.perf_counter() - begun)
        return found


def timed(act: Any) -> float:
    """Seconds."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    chosen, start = policy(metrics=METRICS), date(2026, 1, 5)
    with tempfile.TemporaryDirectory() as folder, cluster(spark_sql_codegen_wholeStage="true") as session:
        path = Path(folder) / "rows.parquet"
        pq.write_table(rows(count), path, row_group_size=max(1, count // 16))
        frame = session.read.parquet(str(path))
        asked = ", ".join(f"max({name})" for name in frame.columns)

        spent: dict[str, list[float]] = defaultdict(list)

        def look() -> None:
            with Timed.open(frame) as engine:
                assert isinstance(engine, Timed)
                engine.spent = spent
                read(chosen, engine, (), datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=DAYS), start)

        def scan() -> None:
            frame.selectExpr(*asked.split(", ")).toArrow()

        timed(scan), timed(look)  # the first compile
        rounds = [(timed(scan), timed(look)) for _ in range(ROUNDS)]
    scans, looks = zip(*rounds, strict=True)
    ratio = statistics.median(b / a for a, b in rounds)
    print(f"{count:,} rows   scan {statistics.median(scans):.2f} s   look {statistics.median(looks):.2f} s   "
          f"look / scan {ratio:.2f} (median of {ROUNDS} rounds)")  # fmt: skip
    for name, times in spent.items():
        print(f"  query of {name}: {statistics.median(times):.2f} s")


if __name__ == "__main__":
    main()
