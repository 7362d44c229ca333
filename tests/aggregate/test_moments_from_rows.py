"""Counts, means and co-moments against the same computed in Python alone."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.aggregate.support import LATE, agree, look, only, policy, rows, tickets

from rampgate.aggregate.marginals import OVERALL, marginals

ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Auckland"]


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 80),
    zone=st.sampled_from(ZONES),
    weekly=st.booleans(),
    hours=st.lists(st.integers(0, 14 * 24), max_size=3, unique=True),
    start=st.sampled_from([date(2026, 3, 23), date(2025, 12, 26), date(2026, 10, 20)]),
)
def test_cells_are_those_computed_in_python(
    seed: int, n: int, zone: str, weekly: bool, hours: list[int], start: date
) -> None:
    table = tickets(n, seed, start)
    if set(table["version"].to_pylist()) != {"v1", "v2"}:
        return
    source = {"unit": "ticket", "time": "opened", "variant": "version", "look": "week" if weekly else "day"}
    monday = start - timedelta(days=start.weekday() + 7)
    chosen = policy(timezone=zone, source=source, start=monday.isoformat())
    switches = sorted(datetime.combine(start, datetime.min.time(), UTC) + timedelta(hours=h) for h in hours)
    reading = look(table, chosen, datetime(2027, 1, 1, tzinfo=UTC), switches)
    agree(reading.cells, table, chosen, switches)
    assert reading.intake.used == n


def test_a_week_of_zones_off_the_hour() -> None:
    """Every quarter of an hour of two days on which clocks change, in both directions."""
    for zone, day in (
        ("Europe/Berlin", date(2026, 3, 28)),
        ("Europe/Berlin", date(2026, 10, 24)),
        ("Australia/Lord_Howe", date(2026, 4, 4)),
    ):
        begin = datetime.combine(day, datetime.min.time(), UTC) - timedelta(days=1)
        table = rows([{"opened": begin + timedelta(minutes=15 * i), "x": i % 3 == 0} for i in range(4 * 96)])
        chosen = only(timezone=zone, start="2026-03-01")
        agree(look(table, chosen, datetime(2027, 1, 1, tzinfo=UTC)).cells, table, chosen)


@settings(max_examples=40)
@given(
    values=st.lists(
        st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([math.nan, 0.0, 1e-9])), min_size=4, max_size=60
    )
)
def test_a_mean_of_any_numbers(values: list[float | None]) -> None:
    table = rows([{"x": value} for value in values], {"x": pa.float64()})
    chosen = only("mean")
    agree(look(table, chosen).cells, table, chosen)


def test_a_huge_mean_keeps_its_variance() -> None:
    """A column with mean 1e9 and standard deviation 1, also after its periods are merged."""
    n = 60_000
    x = 1e9 + np.random.default_rng(5).standard_normal(n)
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=i) for i in range(n)]
    version = np.where(np.random.default_rng(6).random(n) < 0.5, "v2", "v1")
    table = pa.table({"ticket": np.arange(n), "opened": moments, "version": version, "x": x})
    cells = look(table, only("mean")).cells
    pair = cells.pairs.index((0, 0))
    together = replace(cells, periods=cells.periods[:1], period=np.zeros_like(cells.period))
    merged = marginals(together, (OVERALL,), [0])
    assert cells.components[0] == "m:value"
    for arm, name in enumerate(("v1", "v2")):
        mine = cells.arm == arm
        exact = math.fsum((x[version == name] - 1e9 - np.mean(x[version == name] - 1e9)) ** 2)
        total, mean, comoment = merged.n[0, arm, 0], merged.mean[0, arm, 0], merged.comoment[0, arm, 0]
        assert total == (version == name).sum()
        assert mean[0] == pytest.approx(math.fsum(x[version == name]) / total, rel=1e-15)
        # Means of 1e9 are rounded to 1.2e-7, which a merge of 42 periods lets show in the ninth digit.
        assert comoment[pair] == pytest.approx(exact, rel=1e-8)
        at = int(np.flatnonzero(mine)[0])
        day = (version == name) & (np.arange(n) < 1440)
        first = x[day] - 1e9
        assert cells.comoment[at, pair] == pytest.approx(math.fsum((first - first.mean()) ** 2), rel=1e-9)


def test_moments_of_proportions_are_exact() -> None:
    """Of 0 and 1 nothing is lost: the co-moment is a fraction of integers, rounded once."""
    table = tickets(500, 9)
    cells = look(table, policy(segments=None)).cells
    binary = [i for i, name in enumerate(cells.components) if name.startswith(("right", "override"))]
    for r, n in enumerate(cells.n):
        for p, (i, j) in enumerate(cells.pairs):
            if i in binary and j in binary and i == j:
                s = round(cells.mean[r, i] * n)
                assert cells.comoment[r, p] == s * (n - s) / n


def test_extremes_are_of_units_that_have_a_value() -> None:
    records = [{"x": v} for v in (3.0, 5.0, None, 4.0, 9.0, None)]
    cells = look(rows(records, {"x": pa.float64()}), only("mean")).cells
    assert cells.low.tolist() == [[3.0, 0.0], [4.0, 0.0]]
    assert cells.high.tolist() == [[9.0, 1.0], [5.0, 1.0]]


def test_a_component_nobody_has_a_value_of_is_zero() -> None:
    records = [{"x": v} for v in (None, 1.0, None, 2.0)]
    cells = look(rows(records, {"x": pa.float64()}), only("mean")).cells
    assert cells.mean.tolist() == [[0.0, 0.0], [1.5, 1.0]]
    assert cells.comoment.tolist() == [[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]
    assert (cells.low[0].tolist(), cells.high[0].tolist()) == ([0.0, 0.0], [0.0, 0.0])


def test_rows_of_the_answer_are_in_order() -> None:
    cells = look(tickets(300, 3), policy(segments={"by": ["queue", "overridden"]})).cells
    keys = list(zip(cells.period, cells.arm, cells.values, strict=True))
    assert keys == sorted(keys)
    assert cells.segments == ("queue", "overridden")
    assert {values[1] for values in cells.values} == {"true", "false"}
    assert "(unknown)" in {values[0] for values in cells.values}
    assert cells.periods[-1].start < LATE
