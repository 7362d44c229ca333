"""Share above a bound and rare events: counted from numbers, words and values, against plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.aggregate.support import LATE, look, only, policy, tickets

from rampgate.aggregate.moments import CANDIDATE


def counted(values: Any, **metric: Any) -> tuple[float, float, tuple[Any, ...]]:
    """Sum of value and of known over all units, and what was malformed."""
    table = tickets(len(values)).append_column("x", pa.array(values))
    kind = metric.pop("kind")
    reading = look(table, only(kind, metric={"better": "lower", **metric}))
    cells = reading.cells
    value, known = (
        float((cells.n * cells.mean[:, i]).sum())
        for i in (cells.components.index("m:value"), cells.components.index("m:known"))
    )
    return value, known, reading.intake.malformed


NUMBERS = [0.0, 1.0, 2.5, 3.0, 3.0001, -7.0, None, 1e9, 4.0, 3.0]


def test_share_above_counts_what_is_strictly_above() -> None:
    value, known, bad = counted(NUMBERS, kind="share_above", above=3)
    assert (value, known, bad) == (sum(x is not None and x > 3 for x in NUMBERS), 9, ())
    assert counted([str(x) if x is not None else "" for x in NUMBERS], kind="share_above", above=3)[:2] == (3, 9)


def test_a_negative_bound_and_an_infinity() -> None:
    assert counted([-2.0, -1.0, float("nan"), 0.0], kind="share_above", above=-1.5)[:2] == (2, 3)
    value, known, bad = counted([1.0, float("inf"), 2.0], kind="share_above", above=1.5)
    assert (value, known) == (1, 2)
    assert bad[0][:2] == ("m", 1)


@pytest.mark.parametrize(
    "values",
    [[0, 3, 1, 0, None, 12], [False, True, True, False, None, True], ["no", "yes", "2", "0", "", "1"]],
    ids=["counts", "booleans", "words"],
)
def test_a_rare_event_is_a_unit_with_at_least_one(values: list[Any]) -> None:
    assert counted(values, kind="rare_event") == (3, 5, ())


def test_a_negative_count_is_no_count() -> None:
    value, known, bad = counted([0, 1, -1, 2], kind="rare_event")
    assert (value, known) == (2, 3)
    assert bad == (("m", 1, "-1"),)


def test_a_rare_event_by_its_value() -> None:
    assert counted(["lost", "kept", None, "lost"], kind="rare_event", equals="lost")[:2] == (2, 3)


def test_the_arms_are_told_apart() -> None:
    table = tickets(600)
    reading = look(table, only("share_above", column="hours", metric={"above": 5, "better": "lower"}))
    cells, frame = reading.cells, table.to_pandas()
    frame = frame[(frame.opened < LATE) & (frame.version == "v2")]
    expected = int((frame.hours > 5).sum())
    rows = cells.arm == CANDIDATE
    assert float((cells.n * cells.mean[:, cells.components.index("m:value")])[rows].sum()) == pytest.approx(expected)
    assert np.isfinite(cells.mean).all()


def test_values_beyond_the_bounds_of_a_mean_count_as_the_bound() -> None:
    values = [-5.0, 0.0, 3.5, 480.0, 9000.0, None]
    table = tickets(6).append_column("x", pa.array(values))
    made = policy(
        metrics={"m": {"kind": "mean", "column": "x", "bounds": [0, 480], "best": 0, "worst": 480, "better": "lower"}},
        kpi={"weights": {"m": 1}},
        segments=None,
    )
    cells = look(table, made).cells
    assert float((cells.n * cells.mean[:, cells.components.index("m:value")]).sum()) == 0 + 0 + 3.5 + 480 + 480
    assert float((cells.n * cells.mean[:, cells.components.index("m:known")]).sum()) == 5
