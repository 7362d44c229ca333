"""The digest of a cell is that of the rows it was made of, and of nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.aggregate.support import LATE, look, policy, rows, same, tickets

from rampgate.aggregate.read import read
from rampgate.source.duckdb import DuckDBEngine


@settings(max_examples=15)
@given(seed=st.integers(0, 1000))
def test_it_does_not_depend_on_the_order_of_rows(seed: int) -> None:
    table = tickets(150)
    shuffled = table.take(np.random.default_rng(seed).permutation(150))
    same(look(shuffled, policy()).cells, look(table, policy()).cells)


def test_it_does_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    table = tickets(400_000, days=3).drop_columns(["unused"])
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=5_000)
    found = []
    for threads in (1, 2, 7):
        with DuckDBEngine.open(tmp_path / "t.parquet", threads=threads) as engine:
            found.append(read(policy(), engine, (), LATE))
    for other in found[1:]:
        same(other.cells, found[0].cells)
        assert other.intake == found[0].intake
        binary = [i for i, c in enumerate(other.cells.components) if not c.startswith("hours:v")]
        np.testing.assert_array_equal(other.cells.mean[:, binary], found[0].cells.mean[:, binary])


def test_it_does_not_depend_on_columns_and_rows_that_are_not_used() -> None:
    table = tickets(200)
    plain = look(table, policy())
    more = table.append_column("noise", pa.array(np.random.default_rng(1).random(200)))
    same(look(more.select(sorted(more.column_names)), policy()).cells, plain.cells)
    strangers = table.slice(0, 40).set_column(2, "version", pa.array(["v3"] * 40))
    unknown = table.slice(0, 40).set_column(0, "ticket", pa.array([None] * 40, pa.string()))
    same(look(pa.concat_tables([strangers, table, unknown]), policy()).cells, plain.cells)


CHANGES: dict[str, Any] = {
    "ticket": "other", "correct": None, "overridden": True, "hours": 1e6, "escalated": True, "queue": "elsewhere",
}  # fmt: skip


@pytest.mark.parametrize("column", CHANGES)
def test_it_depends_on_every_value_that_is_used(column: str) -> None:
    table = tickets(100)
    records = table.to_pylist()
    row = next(i for i, record in enumerate(records) if record["correct"] is not None and not record["overridden"]
               and record["hours"] is not None and not record["escalated"] and record["queue"])  # fmt: skip
    records[row] = {**records[row], column: CHANGES[column], "escalation_correct": True}
    changed = pa.Table.from_pylist(records, schema=table.schema)
    before, after = look(table, policy()).cells, look(changed, policy()).cells
    assert len(set(after.digest) ^ set(before.digest)) in (1, 2, 3, 4)


def test_it_tells_what_is_no_value_from_what_is_missing() -> None:
    def digests(*values: str) -> tuple[str, ...]:
        metrics = {"m": {"kind": "proportion", "column": "x"}}
        chosen = policy(metrics=metrics, kpi={"weights": {"m": 1}}, segments=None)
        return look(rows([{"x": value} for value in values]), chosen).cells.digest

    assert digests("1", "maybe") != digests("1", "")
    assert digests("1", "") == digests("true", "NULL")


def test_swapped_values_do_not_cancel() -> None:
    """Two units of one cell exchange their values: sums stay, the digest does not."""
    table = tickets(100)
    records = table.to_pylist()
    mine = [r for r in records if r["hours"] is not None]
    cell = [(r["opened"].date(), r["version"], r["queue"]) for r in mine]
    a, b = next(
        (a, b)
        for a, x in zip(mine, cell, strict=True)
        for b, y in zip(mine, cell, strict=True)
        if x == y and a["hours"] < b["hours"]
    )
    a["hours"], b["hours"] = b["hours"], a["hours"]
    swapped = pa.Table.from_pylist(records, schema=table.schema)
    assert look(swapped, policy()).cells.digest != look(table, policy()).cells.digest
