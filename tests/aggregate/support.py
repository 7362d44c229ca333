"""Rows, the ways to hand them over, and the same cells computed without SQL."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from rampgate.aggregate.moments import Cells
from rampgate.aggregate.read import Reading, read
from rampgate.policy import Policy, load_policy
from rampgate.source import open_engine

METRICS: dict[str, Any] = {
    "right": {"kind": "proportion", "column": "correct"},
    "override": {"kind": "proportion", "column": "overridden", "better": "lower"},
    "hours": {"kind": "mean", "column": "hours", "better": "lower", "best": 0, "worst": 100},
    "escalation_ok": {"kind": "ratio", "numerator": "escalation_correct", "denominator": "escalated"},
}
LATE = datetime(2026, 5, 1, tzinfo=UTC)


def policy(**changes: Any) -> Policy:
    """A policy over the columns of `tickets`; every top-level key can be replaced, None leaves it out."""
    content: dict[str, Any] = {
        "source": {"unit": "ticket", "time": "opened", "variant": "version"},
        "baseline": "v1",
        "candidate": "v2",
        "metrics": METRICS,
        "kpi": {"weights": {"right": 0.5, "override": 0.3, "hours": 0.2}},
        "segments": {"by": ["queue"], "guardrails": {"override": {"margin": "5pp"}}},
        "phases": [{"traffic": "10%"}, {"traffic": "100%"}],
    }
    return load_policy({key: value for key, value in {**content, **changes}.items() if value is not None})


def only(kind: str = "proportion", column: str = "x", **more: Any) -> Policy:
    """A policy with one metric ``m`` and no segments."""
    metric: dict[str, Any] = {"kind": kind, "column": column, **more.pop("metric", {})}
    if kind == "mean":
        metric |= {"best": 1, "worst": 0}
    return policy(metrics={"m": metric}, kpi={"weights": {"m": 1}}, segments=None, **more)


def tickets(n: int = 600, seed: int = 1, start: date = date(2026, 3, 23), days: int = 14) -> pa.Table:
    """Tickets of two weeks around a change of clocks, some values missing, in an order of no meaning."""
    chance = np.random.default_rng(seed)

    def holes(values: Sequence[Any], share: float) -> list[Any]:
        return [None if gone else value for value, gone in zip(values, chance.random(n) < share, strict=True)]

    seconds = chance.integers(0, days * 86_400, n)
    begin = datetime.combine(start, datetime.min.time(), UTC)
    escalated, right = (chance.random(n) < 0.3).tolist(), (chance.random(n) < 0.7).tolist()
    return pa.table(
        {
            "ticket": pa.array([f"INC{i:05d}" for i in chance.permutation(n)]),
            "opened": pa.array([begin + timedelta(seconds=int(s)) for s in seconds], pa.timestamp("us", "UTC")),
            "version": pa.array(["v2" if c else "v1" for c in chance.random(n) < 0.4]),
            "queue": pa.array(holes([f"queue {q}" for q in chance.integers(0, 3, n)], 0.1)),
            "correct": pa.array(holes(list(chance.random(n) < 0.8), 0.2), pa.bool_()),
            "overridden": pa.array(list(chance.random(n) < 0.1), pa.bool_()),
            "hours": pa.array(holes(list(np.round(chance.lognormal(1, 1, n), 3)), 0.3), pa.float64()),
            "escalated": pa.array(escalated, pa.bool_()),
            "escalation_correct": pa.array([r if e else None for e, r in zip(escalated, right, strict=True)]),
            "unused": pa.array([[1, 2]] * n),
        }
    )  # fmt: skip


def look(
    source: Any, chosen: Policy, as_of: datetime = LATE, switches: Iterable[datetime] = (), base: Path | None = None
) -> Reading:
    """Read a source once."""
    engine = open_engine(source, base)
    try:
        return read(chosen, engine, tuple(switches), as_of)
    finally:
        engine.close()


def rows(records: Sequence[Mapping[str, Any]], types: Mapping[str, pa.DataType] | None = None) -> pa.Table:
    """Rows with a ticket number each, version v1 and v2 in turn and one time, unless they say otherwise."""
    types = types or {}
    full = [
        {"ticket": i, "version": "v2" if i % 2 else "v1", "opened": datetime(2026, 1, 5, 12, tzinfo=UTC), **record}
        for i, record in enumerate(records)
    ]
    names = dict.fromkeys(name for record in full for name in record)
    return pa.table({name: pa.array([record.get(name) for record in full], types.get(name)) for name in names})


# --- the ways to hand rows over ------------------------------------------------------------------


def csv_text(table: pa.Table, delimiter: str = ",", end: str = "\n") -> str:
    """A table as people export it: times with offset, empty for NULL."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    names = [name for name in table.column_names if name != "unused"]
    writer.writerow(names)
    for record in table.select(names).to_pylist():
        writer.writerow([_written(record[name]) for name in names])
    return out.getvalue()


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value


def _write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def _parquet(table: pa.Table, folder: Path) -> Path:
    path = folder / "t.parquet"
    pq.write_table(table, path, row_group_size=100)
    return path


def _many_parquet(table: pa.Table, folder: Path) -> str:
    for i in range(3):
        pq.write_table(table.slice(i * 200, 200 if i < 2 else None), folder / f"part-{i}.parquet")
    return str(folder / "part-*.parquet")


def _duckdb(table: pa.Table, folder: Path) -> str:
    with duckdb.connect(folder / "t.duckdb") as connection:
        connection.register("given", table)
        connection.execute("CREATE TABLE tickets AS SELECT * FROM given")
        connection.execute("CREATE TABLE other AS SELECT 1 AS one")
    return f"{folder / 't.duckdb'}#tickets"


def _objects(table: pa.Table) -> pd.DataFrame:
    """As pandas has it when rows came from Python: columns of objects."""
    return pd.DataFrame(
        {name: pd.Series(table[name].to_pylist(), dtype=object) for name in table.column_names if name != "unused"}
    )


def _opened(table: pa.Table, change: Callable[[Any], Any]) -> pd.DataFrame:
    frame = table.to_pandas()
    return frame.assign(opened=change(frame["opened"]))


KINDS: dict[str, Any] = {
    "parquet": _parquet,
    "several parquet": _many_parquet,
    "csv": lambda table, folder: _write(folder / "t.csv", csv_text(table)),
    "csv with naive times": lambda table, folder: _write(folder / "n.csv", csv_text(table).replace("+00:00", "")),
    "csv.gz": lambda table, folder: _write(folder / "t.csv.gz", csv_text(table)),
    "semicolons": lambda table, folder: _write(folder / "s.csv", csv_text(table, ";")),
    "bom, windows": lambda table, folder: _write(folder / "b.csv", csv_text(table, ";", "\r\n"), "utf-8-sig"),
    "tsv": lambda table, folder: _write(folder / "t.tsv", csv_text(table, "\t")),
    "duckdb": _duckdb,
    "pandas": lambda table, _: table.to_pandas(),
    "pandas on arrow": lambda table, _: table.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas of objects": lambda table, _: _objects(table),
    "pandas with naive times": lambda table, _: _opened(table, lambda t: t.dt.tz_localize(None)),
    "pandas elsewhere": lambda table, _: _opened(table, lambda t: t.dt.tz_convert("Asia/Tokyo")),
    "pandas categories": lambda table, _: table.to_pandas().astype({"queue": "category", "version": "category"}),
    "polars": lambda table, _: pl.from_arrow(table),
    "polars, lazy": lambda table, _: pl.DataFrame(pl.from_arrow(table)).lazy(),
    "arrow": lambda table, _: table,
    "arrow reader": lambda table, _: table.to_reader(max_chunksize=50),
}  # fmt: skip


# --- cells without SQL ---------------------------------------------------------------------------


def number(value: Any) -> float | None:
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else float(value)


def components(record: Mapping[str, Any], chosen: Policy) -> dict[str, float]:
    """The components of one unit."""
    out: dict[str, float] = {}
    for name, metric in chosen.metrics.items():
        if metric.kind == "ratio":
            top, bottom = number(record[metric.numerator]), number(record[metric.denominator])
            whole = top is not None and bottom is not None
            out[f"{name}:numerator"] = top if whole and top is not None else 0.0
            out[f"{name}:denominator"] = bottom if whole and bottom is not None else 0.0
            out[f"{name}:known"] = float(whole)
        else:
            value = number(record[metric.columns()[0]])
            out[f"{name}:value"] = value or 0.0
            out[f"{name}:known"] = float(value is not None)
    return out


def period_of(instant: datetime, zone: ZoneInfo, weekly: bool, switches: Sequence[datetime]) -> tuple[date, int]:
    day = instant.astimezone(zone).date()
    first = day - timedelta(days=day.weekday()) if weekly else day
    return first, sum(instant >= switch for switch in switches)


def expected(table: pa.Table, chosen: Policy, switches: Sequence[datetime] = ()) -> dict[tuple[Any, ...], np.ndarray]:
    """Units of each (day, stage, arm, segment values) as a matrix (unit, component), in Python alone."""
    out: dict[tuple[Any, ...], list[list[float]]] = defaultdict(list)
    weekly, by = chosen.source.look == "week", chosen.segments.by if chosen.segments else ()
    for record in table.to_pylist():
        arm = {chosen.baseline: 0, chosen.candidate: 1}[record["version"]]
        key = period_of(record["opened"], chosen.zone, weekly, switches)
        values = tuple("(unknown)" if record[name] is None else str(record[name]) for name in by)
        made = components(record, chosen)
        out[*key, arm, values].append([made[name] for name in sorted(made, key=_by_metric)])
    return {key: np.array(units) for key, units in out.items()}


_ROLES = ("value", "numerator", "denominator", "known")


def _by_metric(name: str) -> tuple[str, int]:
    metric, _, role = name.partition(":")
    return metric, _ROLES.index(role)


def agree(cells: Cells, table: pa.Table, chosen: Policy, switches: Sequence[datetime] = ()) -> None:
    """Assert that cells are those of the table: counts to the unit, moments relative to their size."""
    wanted = expected(table, chosen, switches)
    tolerance = 1e-12
    keys = [
        (cells.periods[t].day, cells.periods[t].stage, int(arm), values)
        for t, arm, values in zip(cells.period, cells.arm, cells.values, strict=True)
    ]
    assert set(keys) == set(wanted)
    assert len(keys) == len(wanted)
    for r, key in enumerate(keys):
        units = wanted[key]
        assert cells.n[r] == len(units)
        mean = np.array([math.fsum(column) for column in units.T]) / len(units)
        spread = np.sqrt(np.mean((units - mean) ** 2, axis=0)) + np.abs(mean)
        assert np.all(np.abs(cells.mean[r] - mean) <= tolerance * np.maximum(np.abs(mean), 1e-300))
        centred = units - mean
        for p, (i, j) in enumerate(cells.pairs):
            # The size that rounding is relative to; see docs of the engines' covariances.
            size = len(units) * spread[i] * spread[j]
            assert abs(cells.comoment[r, p] - math.fsum(centred[:, i] * centred[:, j])) <= tolerance * size + 1e-300
        for i, name in enumerate(cells.components):
            metric = name.partition(":")[0]
            known = units[:, cells.components.index(f"{metric}:known")] == 1
            whole = name.endswith(":known") or chosen.metrics[metric].kind == "proportion"
            shown = units[:, i] if whole else units[known, i]
            assert cells.low[r, i] == (shown.min() if len(shown) else 0.0)
            assert cells.high[r, i] == (shown.max() if len(shown) else 0.0)


def same(left: Cells, right: Cells) -> None:
    """Assert that two readings give identical cells; sums of floats may differ in the last bits."""
    for name in ("components", "pairs", "periods", "segments", "values", "digest"):
        assert getattr(left, name) == getattr(right, name), name
    for name in ("period", "arm", "n", "low", "high", "malformed"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
    np.testing.assert_allclose(left.mean, right.mean, rtol=1e-14)
    # A covariance near 0 has no digits of its own: its rounding is relative to the values it is made of.
    reach = np.maximum(np.abs(left.low), np.abs(left.high))
    first, second = ([pair[side] for pair in left.pairs] for side in (0, 1))
    size = left.n[:, None] * reach[:, first] * reach[:, second]
    assert np.all(np.abs(left.comoment - right.comoment) <= 1e-14 * size)
