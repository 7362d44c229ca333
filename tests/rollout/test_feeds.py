"""Feeds that die or lag: an open unit and an event that nobody wrote look the same, and must not pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.rollout.test_arrival import POLICY, table

import rampgate
from rampgate.ledger import Ledger


@pytest.mark.parametrize("arms", [("v1", "v2"), ("v2",)])
def test_events_that_are_written_no_more_hold(arms: tuple[str, ...]) -> None:
    frame = table()
    dead = frame.version.isin(arms) & (frame.closed >= "2026-01-12")
    frame.loc[dead, "closed"] = pd.NaT
    rules = {**POLICY, "rollback": {"kpi": {"worse_by": "60pp"}}}
    decision = rampgate.check(rules, events=frame, as_of="2026-01-25")
    assert decision.decision == "hold"
    assert any("has an event of solved since" in r.message for r in decision.reasons)


@pytest.mark.parametrize("arms", [("v1", "v2"), ("v2",)])
def test_events_that_the_history_had_and_the_run_never_has_hold(arms: tuple[str, ...]) -> None:
    """No event since the launch: nothing fell silent in the run, and open units would be all there is."""
    frame, start = table(), pd.Timestamp("2026-01-15")
    frame["version"] = frame.version.where(frame.opened >= start, "v1")
    frame.loc[frame.version.isin(arms) & (frame.opened >= start), "closed"] = pd.NaT
    metrics = {"solved": POLICY["metrics"]["solved"], "liked": POLICY["metrics"]["liked"]}
    rules = {**POLICY, "metrics": metrics, "start": "2026-01-15", "rollback": {"kpi": {"worse_by": "80pp"}}}
    decision = rampgate.check(rules, events=frame, as_of="2026-01-25")
    assert decision.decision == "hold"
    told = [r.message for r in decision.reasons if "has an event of solved since the start" in r.message]
    assert len(told) == len(arms)
    assert all("see whether column 'closed' is still written" in text for text in told)
    # Not before they are due, two days after the first unit.
    early = rampgate.check(rules, events=frame, as_of="2026-01-17")
    assert not any("has an event" in r.message for r in early.reasons)


def test_events_that_come_after_a_look_hold(tmp_path: Path) -> None:
    frame, book = table(), Ledger.open(tmp_path / "rampgate.db")
    early = frame.copy()
    young = (early.opened >= "2026-01-15") & (np.arange(len(early)) % 3 == 0)
    early.loc[young, "closed"] = pd.NaT
    rules = {**POLICY, "rollback": {"kpi": {"worse_by": "60pp"}}}
    rampgate.check(rules, events=early, as_of="2026-01-20", ledger=book)
    decision = rampgate.check(rules, events=frame, as_of="2026-01-21", ledger=book)
    assert decision.decision == "hold"
    assert any("events of solved came after an earlier look" in r.message for r in decision.reasons)


def test_late_labels_of_a_long_rollout_are_held_against_the_last_days(tmp_path: Path) -> None:
    """A third of one day's labels is nothing of all since the launch, and much of the last week's."""
    frame, book = table(days=60), Ledger.open(tmp_path / "rampgate.db")
    metrics = {"liked": {"kind": "proportion", "column": "liked", "matures_after": "1d"}}
    rules = {**POLICY, "metrics": metrics, "kpi": {"weights": {"liked": 1}}, "rollback": {"kpi": {"worse_by": "50pp"}}}
    early = frame.astype({"liked": object})
    day = frame.opened.dt.normalize() == pd.Timestamp("2026-03-01")
    early.loc[day & (np.arange(len(frame)) % 3 == 0), "liked"] = None
    assert rampgate.check(rules, events=early, as_of="2026-03-03", ledger=book).decision != "rollback"
    decision = rampgate.check(rules, events=frame, as_of="2026-03-04", ledger=book)
    assert any("came after an earlier look" in r.message for r in decision.reasons)


def test_units_whose_clock_begins_late_are_counted_and_hold() -> None:
    frame = table()
    frame["began"] = frame.opened + pd.to_timedelta(np.where(np.arange(len(frame)) % 4 == 0, 5, 0), unit="h")
    frame["closed"] = frame.closed.where(frame.closed > frame.began)
    metrics = {**POLICY["metrics"], "solved": {**POLICY["metrics"]["solved"], "from": "began"}}
    decision = rampgate.check({**POLICY, "metrics": metrics}, events=frame, as_of="2026-01-20")
    assert any("began their clock of solved too late" in r.message for r in decision.reasons)


def test_replay_goes_on_until_the_last_outcomes_are_old_enough() -> None:
    frame = table(days=20)
    frame["liked"] = np.where(
        (frame.version == "v2") & (np.random.default_rng(1).random(len(frame)) < 0.4), False, frame.liked
    )
    metrics = {"liked": {"kind": "proportion", "column": "liked", "matures_after": "21d"}}
    rules = {
        **POLICY,
        "metrics": metrics,
        "kpi": {"weights": {"liked": 1}},
        "rollback": {"liked": {"worse_by": "1pp", "expect": "8pp"}},
    }
    assert rampgate.replay(rules, events=frame)[-1].decision == "rollback"


@pytest.mark.parametrize("as_text", [False, True])
def test_a_day_is_its_local_midnight_as_text_too(as_text: bool) -> None:
    """Labels dated the day after their unit came after the day of the unit, in every zone."""
    frame = table(days=12)
    after = frame.opened.dt.tz_localize("UTC").dt.tz_convert("America/New_York").dt.date + pd.Timedelta(days=1)
    frame["asked"] = after.astype(str) if as_text else after
    metrics = {"liked": {"kind": "proportion", "column": "liked", "known_at": "asked"}}
    rules = {
        **POLICY,
        "timezone": "America/New_York",
        "metrics": metrics,
        "kpi": {"weights": {"liked": 1}},
        "rollback": {"kpi": {"worse_by": "50pp"}},
    }
    decision = rampgate.check(rules, events=frame, as_of="2026-01-14")
    assert decision.decision == "hold"
    assert "missing_labels" in {r.code for r in decision.reasons}
