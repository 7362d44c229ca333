"""Times to events and labels that come late, against plain Python on the same rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.aggregate.support import look, only

from rampgate.aggregate.moments import Cells

BEGIN = datetime(2026, 3, 23, tzinfo=UTC)


def frame(n: int = 400, seed: int = 1) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    opened = [BEGIN + timedelta(minutes=int(m)) for m in chance.integers(0, 14 * 1440, n)]
    took = [timedelta(hours=float(h)) for h in chance.exponential(30, n)]
    open_ = chance.random(n) < 0.2
    return pd.DataFrame(
        {
            "ticket": [f"T{i:04d}" for i in range(n)],
            "opened": pd.to_datetime(opened, utc=True),
            "version": np.where(chance.random(n) < 0.4, "v2", "v1"),
            "resolved": pd.to_datetime(
                [None if gone else at + t for at, t, gone in zip(opened, took, open_, strict=True)], utc=True
            ),
            "x": chance.random(n) < 0.7,
            "came": pd.to_datetime([at + t for at, t in zip(opened, took, strict=True)], utc=True),
        }
    )


def total(cells: Cells, role: str) -> float:
    return float((cells.n * cells.mean[:, cells.components.index(f"m:{role}")]).sum())


def read(table: pd.DataFrame, **metric: Any) -> Any:
    policy = timed(**metric)
    return look(table, policy)


def timed(**metric: Any) -> Any:
    from tests.aggregate.support import policy

    made = {"kind": "time_to_event", "from": "opened", "to": "resolved", **metric}
    scale = {"best": 0, "worst": 72, "better": "lower"} if "mean_up_to" in metric else {}
    return policy(metrics={"m": made | scale}, kpi={"weights": {"m": 1}}, segments=None)


def test_the_share_within_a_time_counts_open_units_as_not_resolved() -> None:
    table = frame()
    cells = read(table, within="48h").cells
    took = (table.resolved - table.opened) / pd.Timedelta(hours=1)
    assert total(cells, "value") == (took <= 48).sum()
    assert total(cells, "known") == len(table)


def test_the_mean_is_cut_at_its_limit_and_open_units_count_as_the_limit() -> None:
    table = frame()
    cells = read(table, mean_up_to="48h").cells
    took = ((table.resolved - table.opened) / pd.Timedelta(hours=1)).fillna(48).clip(upper=48)
    assert total(cells, "value") == pytest.approx(took.sum(), rel=1e-12)
    assert total(cells, "known") == len(table)


def test_what_is_exactly_at_the_limit_is_within_it() -> None:
    table = frame(2).assign(version=["v1", "v2"])
    table["resolved"] = table.opened + pd.Series([pd.Timedelta(hours=48), pd.Timedelta(hours=48, microseconds=1)])
    assert total(read(table, within="48h").cells, "value") == 1


def test_an_event_before_its_clock_began_is_no_value() -> None:
    table = frame(50)
    table.loc[3, "resolved"] = table.loc[3, "opened"] - pd.Timedelta(minutes=5)
    reading = read(table, within="48h")
    opened, resolved = table.loc[3, "opened"], table.loc[3, "resolved"]
    [(name, count, example)] = reading.intake.malformed
    assert (name, count) == ("m", 1)
    early, late = example.split(" before ")
    assert (pd.Timestamp(early), pd.Timestamp(late)) == (resolved, opened)
    assert reading.intake.wrong == (("m", "the event 'resolved' lies before its clock began, 'opened'"),)
    assert total(reading.cells, "known") == 49


def test_text_that_is_no_time_is_malformed_and_not_open() -> None:
    table = frame(50)
    table["resolved"] = table.resolved.dt.strftime("%Y-%m-%dT%H:%M:%S").astype(object)
    table.loc[7, "resolved"] = "soon"
    reading = read(table, within="48h")
    assert reading.intake.malformed == (("m", 1, "soon"),)
    assert reading.intake.wrong == (("m", "column 'resolved' holds what is no time"),)
    assert total(reading.cells, "known") == 49


def test_a_time_of_labels_that_cannot_be_read_is_named() -> None:
    reading = look(frame(50).assign(seen="soon"), only(metric={"known_at": "seen", "matures_after": "72h"}))
    assert reading.intake.malformed == (("m", 50, "soon"),)
    assert reading.intake.wrong == (("m", "column 'seen' holds what is no time"),)


def test_a_clock_that_begins_later_needs_a_later_booking() -> None:
    """Exposed at ``opened``, timed from ``assigned``: what is not through its clock at maturity is unknown."""
    table = frame()
    table["assigned"] = table.opened + pd.to_timedelta(np.arange(len(table)) % 5, unit="h")
    at_once = read(table, **{"from": "assigned", "within": "48h"})
    # Events before the assignment are refused; the rest counts only where the clock began with the exposure.
    early = (table.resolved < table.assigned).sum()
    assert (
        total(at_once.cells, "known") == ((table.assigned == table.opened) & ~(table.resolved < table.assigned)).sum()
    )
    assert early == 0 or at_once.intake.malformed[0][1] == early
    later = read(table, **{"from": "assigned", "within": "48h", "matures_after": "52h"})
    assert total(later.cells, "known") == len(table) - early


@pytest.mark.parametrize("age", ["24h", "2d"])
def test_a_label_counts_if_it_came_by_the_declared_age(age: str) -> None:
    table = frame()
    hours = 24 if age == "24h" else 48
    cells = look(table, only(metric={"known_at": "came", "matures_after": age})).cells
    on_time = (table.came - table.opened) <= pd.Timedelta(hours=hours)
    assert total(cells, "known") == on_time.sum()
    assert total(cells, "value") == (on_time & table.x).sum()
    assert total(cells, "late") == (~on_time).sum()


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_without_a_declared_age_a_label_counts_if_it_came_in_its_own_period(zone: str) -> None:
    table = frame()
    cells = look(table, only(metric={"known_at": "came"}, timezone=zone)).cells
    same_day = table.came.dt.tz_convert(zone).dt.date == table.opened.dt.tz_convert(zone).dt.date
    assert total(cells, "known") == same_day.sum()
    assert total(cells, "late") == (~same_day).sum()


def test_a_label_whose_arrival_is_not_known_does_not_count() -> None:
    table = frame(60)
    table.loc[:9, "came"] = pd.NaT
    cells = look(table, only(metric={"known_at": "came", "matures_after": "9w"})).cells
    assert (total(cells, "known"), total(cells, "late")) == (50, 10)


def test_dates_without_a_time_of_day() -> None:
    table = frame()
    table["opened"] = table.opened.dt.date
    table["resolved"] = [None if pd.isna(at) else at.date() for at in table.resolved]
    cells = read(table, within="48h").cells
    days = [None if r is None else (r - o).days for r, o in zip(table.resolved, table.opened, strict=True)]
    assert total(cells, "value") == sum(d is not None and d <= 2 for d in days)
    assert isinstance(table.opened[0], date)


def test_a_late_label_changes_the_digest() -> None:
    table = frame(30)
    made = only(metric={"known_at": "came", "matures_after": "24h"})
    before = look(table, made).cells.digest
    table.loc[0, "came"] = table.loc[0, "came"] + pd.Timedelta(days=30)
    assert look(table, made).cells.digest != before
