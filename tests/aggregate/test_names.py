"""Names and values are data, never SQL, whatever stands in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.aggregate.support import csv_text, look, policy, rows

NAMES = [
    "größe", "two words", 'say "so"', "it's", "semi;colon", "a.b", "select", "1st", "--", "/* */", "x\ty", "日本",
    '"; DROP TABLE events; --', "' OR 1=1 --", "events", "unit", "at", "role", "hash", "value0", "seg_0",
    "\\", "$1", "?", "%s", "{x}",
]  # fmt: skip


def chosen(unit: str, time: str, variant: str, metric: str, segment: str, **more: Any) -> Any:
    return policy(
        source={"unit": unit, "time": time, "variant": variant},
        metrics={
            "m": {
                "kind": "proportion",
                "column": metric,
                **({"equals": more.pop("equals")} if "equals" in more else {}),
            }
        },
        kpi={"weights": {"m": 1}},
        segments={"by": [segment], "guardrails": {"kpi": {"margin": "5pp"}}},
        **more,
    )


@pytest.mark.parametrize("name", NAMES)
def test_any_column_name(tmp_path: Path, name: str) -> None:
    table = rows([{"x": True, "s": "a"}, {"x": False, "s": "b"}])
    names = [f"{name}{i or ''}" for i in range(5)]
    table = table.rename_columns(names)
    order = dict(zip(["ticket", "version", "opened", "x", "s"], names, strict=True))
    asked = chosen(order["ticket"], order["opened"], order["version"], order["x"], order["s"])
    path = tmp_path / "t.csv"
    path.write_text(csv_text(table))
    for source in (table, path, table.to_pandas()):
        cells = look(source, asked).cells
        assert cells.values == (("a",), ("b",))
        assert cells.mean.tolist() == [[1.0, 1.0], [0.0, 1.0]]
        assert cells.segments == (order["s"],)


@settings(max_examples=60)
@given(
    baseline=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12).map(str.strip).filter(bool),
    segment=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12),
)
def test_any_value(baseline: str, segment: str) -> None:
    candidate = baseline + "'"
    asked = chosen("ticket", "opened", "version", "x", "s", baseline=baseline, candidate=candidate, equals=segment)
    records = [{"version": v, "x": x, "s": segment} for v in (baseline, candidate) for x in (segment, "other")]
    cells = look(rows(records), asked).cells
    assert cells.values == ((segment,), (segment,))
    assert cells.n.tolist() == [2.0, 2.0]
    assert cells.mean[:, 0].tolist() == [1.0 if segment == "other" else 0.5] * 2


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE events; --",
        "x' OR '1'='1",
        "\\'; SELECT 1; --",
        "$1",
        "?",
        "{{x}}",
        "%(x)s",
        "' || (SELECT 1) || '",
    ],
)
def test_injection_finds_nothing_and_breaks_nothing(text: str) -> None:
    """As a variant that no row has, beside rows that an injected condition would let through."""
    asked = chosen("ticket", "opened", "version", "x", "s", candidate=text)
    table = rows([{"x": True, "s": text, "version": v} for v in ("v1", text, "v1", text + "x")])
    reading = look(table, asked)
    assert reading.intake.used == 3
    assert reading.intake.other_variants == ((text + "x", 1),)
    assert set(reading.cells.values) == {(text,)}
