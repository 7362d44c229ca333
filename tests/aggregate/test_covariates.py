"""Covariates beside a mean, and bounds from the reference, as the engine counts them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.aggregate.support import LATE, policy, rows

from rampgate.aggregate.histogram import RELATIVE_ERROR
from rampgate.aggregate.read import Reading, read
from rampgate.errors import PolicyError
from rampgate.source import open_engine

START = date(2026, 2, 1)
LAUNCH = datetime(2026, 2, 1, 12, tzinfo=UTC)


def look(table: pa.Table, start: date | None = None, fixed: Any = None, **metric: Any) -> Reading:
    ok = {"kind": "proportion", "column": "ok"}
    chosen = policy(
        metrics={"ok": ok, "m": {"kind": "mean", "column": "y", "better": "lower", **metric}},
        kpi={"weights": {"ok": 1}},
        segments=None,
    )
    engine = open_engine(table)
    try:
        return read(chosen, engine, (), LATE, start, fixed)
    finally:
        engine.close()


numbers = st.one_of(st.none(), st.floats(-1e6, 1e6))


@settings(max_examples=40)
@given(st.lists(st.tuples(numbers, numbers), min_size=4, max_size=30))
def test_co_moments_of_value_and_covariate_are_those_of_numpy(units: list[tuple[float | None, float | None]]) -> None:
    table = rows(
        [{"y": y, "x": x, "ok": True} for y, x in units], {"y": pa.float64(), "x": pa.float64(), "ok": pa.bool_()}
    )
    cells = look(table, covariate="x").cells
    names = [f"m:{role}" for role in ("value", "known", "covariate", "covered")]
    at = [cells.components.index(name) for name in names]
    for arm in (0, 1):
        mine = units[arm::2]
        made = np.array(
            [
                [
                    y or 0.0,
                    float(y is not None),
                    (x or 0.0) if y is not None else 0.0,
                    float(y is not None and x is not None),
                ]
                for y, x in mine
            ]
        )
        [r] = np.flatnonzero(cells.arm == arm)
        assert cells.mean[r, at] == pytest.approx(made.mean(0), rel=1e-9, abs=1e-9)
        centred = made - made.mean(0)
        size = np.abs(made).max(0) + 1e-9
        for p, (i, j) in enumerate(cells.pairs):
            if i in at and j in at:
                a, b = at.index(i), at.index(j)
                wanted = float(centred[:, a] @ centred[:, b])
                assert cells.comoment[r, p] == pytest.approx(wanted, abs=1e-9 * len(mine) * size[a] * size[b])


def test_a_covariate_in_text_is_read_as_a_number_and_nonsense_is_counted() -> None:
    table = rows([{"y": 1.0, "x": x, "ok": True} for x in ("1.5", "2.5", "many", "")])
    reading = look(table, start=date(2026, 1, 5), covariate="x")
    i = reading.cells.components.index("m:covered")
    assert float(reading.cells.n @ reading.cells.mean[:, i]) == 2
    assert reading.intake.malformed == (("m", 1, "many"),)


def history(values: np.ndarray, seed: int = 1) -> pa.Table:
    """The values before the launch, the baseline's; and two tickets after it."""
    before = [
        {"ticket": i, "version": "v1", "opened": LAUNCH - timedelta(days=1 + i % 20), "y": float(v), "ok": True}
        for i, v in enumerate(values)
    ]
    after = [{"ticket": 10**6 + a, "version": f"v{a + 1}", "opened": LAUNCH, "y": 1e6, "ok": True} for a in (0, 1)]
    return rows([*before, *after])


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_the_bound_is_the_upper_half_percent_rounded_outward(sigma: float) -> None:
    x = np.random.default_rng(1).lognormal(1, sigma, 3000)
    reading = look(history(x), START, bounds="reference")
    low, high = reading.bounds["y"]
    exact = float(np.quantile(x, 0.995, method="inverted_cdf"))
    assert low == 0.0
    assert exact <= high <= exact * (1 + 2.1 * RELATIVE_ERROR)
    cells, i = reading.cells, reading.cells.components.index("m:value")
    assert float(cells.high[:, i].max()) == high


def test_negative_values_have_a_bound_too() -> None:
    x = np.random.default_rng(2).normal(0, 3, 3000)
    low, high = look(history(x), START, bounds="reference").bounds["y"]
    wanted = np.quantile(x, [0.005, 0.995], method="inverted_cdf")
    assert wanted[0] * (1 + 2.1 * RELATIVE_ERROR) <= low <= wanted[0]
    assert wanted[1] <= high <= wanted[1] * (1 + 2.1 * RELATIVE_ERROR)


def test_what_an_earlier_look_found_stands_and_rows_since_the_start_have_no_say() -> None:
    x = np.random.default_rng(3).lognormal(1, 1, 2000)
    once = look(history(x), START, bounds="reference").bounds
    again = look(history(100 * x), START, once, bounds="reference")
    assert again.bounds == once
    i = again.cells.components.index("m:value")
    assert float(again.cells.high[:, i].max()) == once["y"][1]


@pytest.mark.parametrize(("values", "few"), [(np.ones(999), "999 known values"), (np.zeros(2000), "no value but 0")])
def test_a_reference_that_says_too_little_is_refused(values: np.ndarray, few: str) -> None:
    with pytest.raises(PolicyError, match=few) as caught:
        look(history(values), START, bounds="reference")
    assert caught.value.exit_code == 2
    assert "bounds: [0, 480]" in str(caught.value)
