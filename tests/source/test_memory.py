"""The public fake: canned columns, answers made by a function, and a record of what was asked."""

from __future__ import annotations

import numpy as np
from sqlglot import exp

from rampgate.source import Column, Engine, MemoryEngine


def test_it_answers_and_remembers() -> None:
    engine = MemoryEngine(
        [Column("a b", "integer")], lambda select: {"n": np.array([len(select.expressions)])}, name='my "rows"'
    )
    assert isinstance(engine, Engine)
    assert engine.columns() == (Column("a b", "integer"),)
    select = exp.Select().select("a", "b").from_(engine.relation())
    assert engine.query(select)["n"][0] == 2
    select.limit(1, copy=False)
    assert [query.sql() for query in engine.queries] == ['SELECT a, b FROM "my ""rows"""']
    engine.close()
    assert engine.closed


def test_its_expressions_render() -> None:
    engine = MemoryEngine([], lambda _: {})
    a, b = exp.column("a"), exp.column("b")
    assert engine.row_hash([a, b]).sql("duckdb") == "ROW_HASH(a, b)"
    assert engine.utc(a, "text").sql("duckdb") == "CAST(a AS TIMESTAMP)"
    assert engine.total(a).sql("duckdb") == "SUM(a)"
