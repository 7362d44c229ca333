"""The job with tea-tasting: ``python tea.py ibis|polars GLOB OUT``. Each metric leaves out rows without a value."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import tea_tasting as tt
from plan import COLUMNS, GROUPS, HOLES


def experiment(names: list[str]) -> Any:
    """One experiment of some metrics: Welch's test of means, as rampgate's."""
    return tt.Experiment({name: tt.Mean(COLUMNS[name]) for name in names}, variant="variant")


def rows(result: Any) -> np.ndarray:
    """Difference, interval and p-value."""
    return np.array(
        [result.treatment - result.control, result.effect_size_ci_lower, result.effect_size_ci_upper, result.pvalue]
    )


def through_ibis(pattern: str) -> tuple[Any, Any, Any]:
    """The table, and how to choose rows of it."""
    import ibis

    table = ibis.duckdb.connect().read_parquet(pattern)
    numbers = {column: table[column].cast("float64") for column in COLUMNS.values()}
    table = table.mutate(week=table.ts.truncate("W"), **numbers)
    weeks = sorted(table.select("week").distinct().execute()["week"])

    def where(data: Any, column: str, value: Any) -> Any:
        return data.filter(data[column].notnull() if value is None else data[column] == value)

    return table, weeks, where


def through_polars(pattern: str) -> tuple[Any, Any, Any]:
    """The same of a frame in memory."""
    import polars as pl

    needed = ["variant", "queue", "urgency", "geo", *COLUMNS.values()]
    numbers = [pl.col(column).cast(pl.Float64) for column in COLUMNS.values()]
    week = pl.col("ts").dt.truncate("1w").alias("week")
    table = pl.scan_parquet(pattern).with_columns(week, *numbers).select("week", *needed).collect()
    weeks = sorted(table["week"].unique())

    def where(data: Any, column: str, value: Any) -> Any:
        return data.filter(pl.col(column).is_not_null() if value is None else pl.col(column) == value)

    return table, weeks, where


def main() -> None:
    """Every week, group and metric."""
    kind, pattern, out = sys.argv[1:]
    table, weeks, where = (through_ibis if kind == "ibis" else through_polars)(pattern)
    names, whole = list(COLUMNS), [name for name in COLUMNS if name not in HOLES]
    found = np.zeros((len(weeks), len(GROUPS), len(names), 4))
    for w, week in enumerate(weeks):
        of_week = where(table, "week", week)
        for g, group in enumerate(GROUPS):
            mine = of_week if group is None else where(of_week, *group)
            made = experiment(whole).analyze(mine, control="baseline")
            for name in whole:
                found[w, g, names.index(name)] = rows(made[name])
            for name in HOLES:
                known = where(mine, COLUMNS[name], None)
                result = experiment([name]).analyze(known, control="baseline")[name]
                found[w, g, names.index(name)] = rows(result)
    np.save(out, found)


if __name__ == "__main__":
    main()
