"""Bins of values and of times, against the same counted in Python alone."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.aggregate.support import LATE, look, policy, rows

from rampgate.aggregate.histogram import AGES, RELATIVE_ERROR, Ages, Magnitudes
from rampgate.aggregate.marginals import OVERALL, Group, groups_of, tallied
from rampgate.aggregate.moments import Cells
from rampgate.rollout.archive import cells_of, period_digest, period_document

BINS = Magnitudes("m")
STARTED = datetime(2026, 1, 5, 12, tzinfo=UTC)
QUANTILE: dict[str, Any] = {"m": {"kind": "quantile", "column": "x", "q": 0.9, "better": "lower"}}
TIMES: dict[str, Any] = {"t": {"kind": "time_to_event", "from": "opened", "to": "done", "within": "24h"}}
RIGHT: dict[str, Any] = {"right": {"kind": "proportion", "column": "right"}}


def read(table: pa.Table, metrics: dict[str, Any], **more: Any) -> Cells:
    chosen = policy(metrics={**metrics, **RIGHT}, kpi={"weights": {"right": 1}}, segments=None, **more)
    return look(table, chosen, LATE).cells


def values(numbers: list[float | None]) -> pa.Table:
    return rows([{"x": x, "right": True} for x in numbers], {"x": pa.float64()})


def total(cells: Cells, metric: str) -> dict[int, float]:
    tally = cells.tally(metric)
    assert tally is not None
    out: Counter[int] = Counter()
    for k, n in zip(tally.bin, tally.count, strict=True):
        out[int(k)] += n
    return dict(out)


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(st.none(), st.floats(-1e149, 1e149), st.floats(1e-99, 1e3), st.sampled_from([0.0, 1.0, -1.0])),
        min_size=2,
        max_size=40,
    )
)
def test_a_value_is_known_to_the_stated_error(numbers: list[float | None]) -> None:
    found = total(read(values(numbers), QUANTILE), "m")
    known = sorted(x for x in numbers if x is not None)
    assert sum(found.values()) == len(known)
    bins = np.array(sorted(found))
    middles = np.repeat(BINS.middle(bins), [int(found[k]) for k in bins])
    # The order of values is kept, and each stands within its error; what is nearer to 0 than 1e-100 is 0.
    for x, shown in zip(known, middles, strict=True):
        assert abs(shown - x) <= RELATIVE_ERROR * abs(x) * (1 + 1e-9) + 1e-100


def test_an_end_belongs_to_the_bin_below_it() -> None:
    bins = np.array([-50_003, -50_000, -49_999, 0, 49_999, 50_000, 50_001])
    uppers = BINS.upper(bins)
    assert (np.diff(uppers) > 0).all()
    inside = uppers - np.abs(uppers) * 1e-9
    found = total(read(values([*inside.tolist(), 0.5]), QUANTILE), "m")
    assert {int(k) for k in bins} - {0} <= set(found)


@pytest.mark.parametrize("metric", ["within", "mean_up_to"])
def test_times_to_events_by_age(metric: str) -> None:
    """Hours until the event: at once, at the end of a step, within the limit, at it, beyond it, and never."""
    hours = [0.0, 1.0, 1.5, 2.0, 23.999, 24.0, 24.001, 500.0, None, -3.0]
    table = rows(
        [{"done": None if h is None else STARTED + timedelta(hours=h), "right": True} for h in hours],
        {"done": pa.timestamp("us", "UTC")},
    )
    kind = {"t": {"kind": "time_to_event", "from": "opened", "to": "done", metric: "24h", "better": "lower"}}
    found = total(read(table, kind), "t")
    wanted = Counter(
        AGES if h is None or h > 24 else max(math.ceil(h / (24 / AGES)) - 1, 0) for h in hours if h is None or h >= 0
    )
    assert found == dict(wanted)
    assert Ages("t", 24.0).edges.tolist() == [float(k) for k in range(25)]


def spread_out(n: int = 400) -> pa.Table:
    chance = np.random.default_rng(3)
    hours = chance.exponential(20, n)
    opened = [STARTED + timedelta(hours=float(h)) for h in chance.random(n) * 240]
    return rows(
        [
            {
                "opened": at,
                "done": None if h > 60 else at + timedelta(hours=float(h)),
                "queue": f"q{i % 3}",
                "x": None if i % 7 == 0 else float(np.round(h, 1)),
                "right": i % 2 == 0,
            }
            for i, (at, h) in enumerate(zip(opened, hours, strict=True))
        ]
    )


def test_marginals_of_bins_are_those_counted_in_python() -> None:
    table = spread_out()
    chosen = policy(
        metrics={**QUANTILE, **TIMES, **RIGHT},
        kpi={"weights": {"right": 1}},
        segments={"by": ["queue"], "guardrails": {"right": {"margin": "5pp"}}},
    )
    cells = look(table, chosen, LATE).cells
    groups, keep = groups_of(cells), list(range(len(cells.periods)))
    ends = np.array([49_000, 50_229, 50_300])
    found = tallied(cells, groups, keep, "m", ends)
    wanted = np.zeros_like(found)
    cuts = BINS.upper(ends)
    place = {period.day: t for t, period in enumerate(cells.periods)}
    for record in table.to_pylist():
        if record["x"] is None:
            continue
        kind = int(np.searchsorted(cuts, record["x"] * (1 - 1e-12)))
        for g, group in enumerate(groups):
            if group in (OVERALL, Group("queue", record["queue"])):
                wanted[place[record["opened"].date()], int(record["version"] == "v2"), g, kind] += 1
    np.testing.assert_array_equal(found, wanted)
    assert tallied(cells, groups, keep[:2], "m", ends).sum() == wanted[:2].sum()


def test_records_keep_the_bins() -> None:
    table = spread_out()
    cells = read(table, {**QUANTILE, **TIMES})
    pages = [json.loads(period_document(cells, t)) for t in range(len(cells.periods))]
    names = [tally.metric for tally in cells.tallies]
    back = cells_of(cells.components, cells.pairs, cells.segments, pages, names)
    for mine, theirs in zip(cells.tallies, back.tallies, strict=True):
        for field in ("row", "bin", "count"):
            np.testing.assert_array_equal(getattr(mine, field), getattr(theirs, field))
    some = cells.rows(np.flatnonzero(cells.period >= 3))
    assert total(some, "m") != total(cells, "m")
    assert sum(total(some, "t").values()) == some.n.sum()


def test_a_later_event_of_the_same_verdict_is_another_source() -> None:
    """Both tickets were done within the day: the share says the same, the time does not."""

    def at(hour: int) -> str:
        table = rows([{"done": STARTED + timedelta(hours=h), "right": True} for h in (1, hour)])
        cells = read(table, TIMES, start=date(2026, 1, 5).isoformat())
        return period_digest(cells, np.arange(len(cells.n)))

    assert at(2) != at(20)
    assert at(2) == at(2)
