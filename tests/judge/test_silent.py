"""What falls silent, on which days that is no fault, and how the volume of a week is compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from tests.judge.build import START, Units, case, midnight, policy, state, units

from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.decision import Health
from rampgate.judge.health import health


@pytest.mark.parametrize(("share", "verdict"), [(1.0, "PASS"), (0.6, "PASS"), (0.4, "FAIL")])
def test_a_sudden_change_of_volume_holds(share: float, verdict: str) -> None:
    made = units(days=16)
    rng = np.random.default_rng(1)
    kept = made.where((made.day < 9) | (rng.random(len(made.day)) < share))
    decision = judge(case(kept, days=16))
    [found] = [h for h in decision.health if h.code == "volume" and "after the last" not in h.message]
    assert found.verdict == verdict
    assert ("volume" in {r.code for r in decision.reasons}) == (verdict == "FAIL")


def looked(made: Units, days: int, past: int = 14) -> Case:
    """A look after ``days`` days of which the first are history: there every unit is the baseline's."""
    kept = replace(made, arm=np.where(made.day < past, 0, made.arm)).where(made.day < days)
    begun = replace(state(since=past), start=START + timedelta(days=past), phases=((1, midnight(past)),))
    return case(kept, days=days, at=begun)


def faults(made: Case, code: str) -> list[Health]:
    return [h for h in health(made) if h.code == code and h.verdict == "FAIL"]


def unlabelled(made: Units, days: np.ndarray) -> Units:
    override = np.where(np.isin(made.day, days), np.nan, made.metrics["override"])
    return replace(made, metrics={**made.metrics, "override": override})


WEEKEND = np.array([day for day in range(70) if day % 7 >= 5])


def test_weekends_without_labels_are_no_fault_once_they_are_known() -> None:
    made = unlabelled(units(days=42, traffic=0.3), WEEKEND)
    for days in range(15, 43):
        assert faults(looked(made, days), "missing_labels") == [], days
    # Nobody can know of the first weekend of all whether it is one.
    assert faults(looked(made, 7, past=0), "missing_labels") != []


@pytest.mark.parametrize("first", [28, 30])
def test_three_working_days_without_labels_hold(first: int) -> None:
    """From a Monday, and from a Wednesday to a Friday."""
    made = unlabelled(units(days=42, traffic=0.3), np.concatenate([WEEKEND, np.arange(first, 42)]))
    for days in range(first + 1, 40):
        found = faults(looked(made, days), "missing_labels")
        assert len(found) == 2, days
        assert all("since 2026-01-30" in h.message or "since 2026-02-03" in h.message for h in found)


def test_labels_that_the_history_had_and_the_run_never_has_hold() -> None:
    made = unlabelled(units(days=30, traffic=0.3), np.arange(14, 30))
    found = faults(looked(made, 30), "missing_labels")
    assert [h.message.partition(" since the start")[0] for h in found] == [
        "no candidate unit has a known override",
        "no baseline unit has a known override",
    ]
    # A handful is next to none; a history that had none either promises none.
    few = np.flatnonzero((made.day >= 14) & (made.arm == 0))[-5:]
    made.metrics["override"][few] = 0.0
    assert (
        "5 baseline units have a known override since the start"
        in faults(looked(made, 30), "missing_labels")[1].message
    )
    never = unlabelled(units(days=30, traffic=0.3), np.arange(30))
    assert not [h for h in faults(looked(never, 30), "missing_labels") if "history" in h.message]


def test_labels_of_a_candidate_that_has_all_traffic_fall_silent_too() -> None:
    made = unlabelled(units(days=40, traffic=1.0), np.arange(35, 40))
    rules = policy(phases=[{"traffic": "100%"}])
    found = faults(replace(looked(made, 40), policy=rules), "missing_labels")
    assert any("no candidate unit has a known override since 2026-02-08" in h.message for h in found)


def volumes(made: Units, days: range) -> list[str]:
    """The verdict on the volume at the look after each of these days."""
    return [next(h for h in health(looked(made, d)) if "in the last seven days" in h.message).verdict for d in days]


def test_a_week_of_holidays_holds_while_it_lasts_and_the_week_after_does_not() -> None:
    made = units(days=49)
    off = (made.day >= 28) & (made.day < 35)
    quiet = made.where(~off | (np.random.default_rng(1).random(len(made.day)) < 0.3))
    assert "FAIL" in volumes(quiet, range(28, 36))
    assert set(volumes(quiet, range(38, 50))) == {"PASS"}
    # What doubles and stays doubled is seen for as long as before.
    double = made.where((made.day >= 35) | (np.random.default_rng(1).random(len(made.day)) < 0.4))
    assert "FAIL" in volumes(double, range(38, 46))


def gaps(made: Case) -> list[Health]:
    return [h for h in health(made) if "no row, where" in h.message]


def test_days_without_a_row_are_said_and_hold_nothing() -> None:
    made = units(days=30, traffic=0.3)
    lost = looked(made.where((made.day < 20) | (made.day >= 22)), 30)
    [found] = gaps(lost)
    assert (found.code, found.verdict, found.count) == ("volume", "INCONCLUSIVE", 2)
    assert found.message.startswith("2 days from 2026-01-25 to 2026-01-26 not compared: no row, where about 600 ")
    assert "volume" not in {reason.code for reason in judge(lost).reasons}
    assert gaps(looked(made, 30)) == []
    # Nobody works at weekends, as the history shows.
    working = made.where(~np.isin(made.day, WEEKEND))
    assert gaps(looked(working, 30)) == []
    [monday] = gaps(looked(working.where(working.day != 21), 30))
    assert monday.message.startswith("1 day, 2026-01-26, not compared")
