"""Weekly shares of two real ticket systems equal those computed with pandas (see the READMEs beside the data)."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from tests.aggregate.support import look

from rampgate.aggregate.marginals import groups_of, marginals
from rampgate.aggregate.moments import Cells
from rampgate.policy import load_policy

DATA = Path(__file__).parents[1] / "data"


def reference(folder: str) -> dict[str, dict[str, float]]:
    with (DATA / folder / "weekly_reference.csv").open(encoding="utf-8") as file:
        return {row.pop("week"): {k: float(v) for k, v in row.items()} for row in csv.DictReader(file)}


def with_variant(source: Path, folder: Path, unit: str) -> Path:
    """The tickets with a variant by a hash of their number, as Parquet of text columns."""
    path = folder / "tickets.parquet"
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT * FROM read_csv(?, all_varchar = true)", [str(source)])
        variant = f"CASE WHEN hash({unit}) % 2 = 0 THEN 'a' ELSE 'b' END"
        connection.execute(f"COPY (SELECT *, {variant} AS variant FROM t) TO '{path}' (FORMAT parquet)")
    return path


def weekly(cells: Cells, metric: str) -> dict[str, tuple[float, float]]:
    """Known units and share or mean of each ISO week, both arms together."""
    everybody = groups_of(cells)[:1]
    merged = marginals(cells, everybody, range(len(cells.periods)))
    n, total = np.zeros(len(cells.periods)), np.zeros(len(cells.periods))
    for arm in (0, 1):
        n += merged.arm(arm).total(f"{metric}:known")[0]
        total += merged.arm(arm).total(f"{metric}:value")[0]
    out: dict[str, tuple[float, float]] = {}
    for period, units, value in zip(cells.periods, n, total, strict=True):
        year, week, _ = period.day.isocalendar()
        known, summed = out.get(f"{year}-W{week:02d}", (0.0, 0.0))
        out[f"{year}-W{week:02d}"] = (known + units, summed + value)
    return {week: (known, summed / known) for week, (known, summed) in out.items() if known}


def policy_of(unit: str, time: str, look_at: str, metrics: dict[str, Any], start: str) -> Any:
    return load_policy(
        {
            "source": {"unit": unit, "time": time, "variant": "variant", "look": look_at},
            "baseline": "a", "candidate": "b", "start": start,
            "metrics": metrics, "kpi": {"weights": {next(iter(metrics)): 1}},
            "phases": [{"traffic": "50%"}, {"traffic": "100%"}],
        }
    )  # fmt: skip


@pytest.mark.parametrize("look_at", ["day", "week"])
def test_servicenow_2016(tmp_path: Path, look_at: str) -> None:
    incidents = Path(str(files("rampgate.demo") / "data" / "incidents.csv.gz"))
    metrics = {
        "made_sla": {"kind": "proportion", "column": "made_sla"},
        "reassign_mean": {"kind": "mean", "column": "reassignment_count", "better": "lower"},
        "reopened": {"kind": "proportion", "column": "reopen_count", "equals": "0"},
    }
    chosen = policy_of("number", "opened_at", look_at, metrics, "2016-02-29")
    reading = look(with_variant(incidents, tmp_path, "number"), chosen, datetime(2016, 4, 11, tzinfo=UTC))
    wanted = reference("servicenow_incidents_2016")
    assert len(wanted) == 6
    for metric in metrics:
        found = weekly(reading.cells, metric)
        assert found.keys() == wanted.keys()
        for week, (n, value) in found.items():
            assert n == wanted[week]["n"]
            shown = 1 - value if metric == "reopened" else value
            # The reference is rounded to eight digits.
            assert abs(shown - wanted[week][metric]) < 1e-8
    assert reading.intake.used == 11_774 == sum(row["n"] for row in wanted.values())
    assert reading.intake.duplicate_units == 0


@pytest.mark.parametrize("look_at", ["day", "week"])
def test_boston_2015(tmp_path: Path, look_at: str) -> None:
    """With its open cases: a case without a flag is unknown, not late."""
    cases = DATA / "boston311_2015" / "boston311_2015_h1.csv.gz"
    metrics = {"on_time": {"kind": "proportion", "column": "on_time", "equals": "ONTIME"}}
    chosen = policy_of("case_id", "open_dt", look_at, metrics, "2014-12-29")
    reading = look(with_variant(cases, tmp_path, "case_id"), chosen, datetime(2015, 7, 6, tzinfo=UTC))
    wanted = reference("boston311_2015")
    found = weekly(reading.cells, "on_time")
    assert len(wanted) == 27
    assert found.keys() == wanted.keys()
    for week, (n, value) in found.items():
        assert n == wanted[week]["n"]
        assert abs(value - wanted[week]["on_time"]) < 1e-8
    assert reading.intake.used == 58_119 > sum(row["n"] for row in wanted.values())
    assert reading.start == date(2014, 12, 29)
