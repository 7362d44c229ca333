"""Units still open: censored where their period has got to, never dropped, never counted as through, never tested."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.build import policy, units
from tests.judge.test_lives import HOURS, RIGHT, hours_of, lives, looked, rules

from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision, StillOpen
from rampgate.judge.still_open import curve_of, life_paths, still_open

JSON_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json.md"


def both(made: Case) -> tuple[StillOpen, StillOpen]:
    baseline, candidate = still_open(made)
    assert (baseline.variant, candidate.variant) == ("baseline", "candidate")
    return baseline, candidate


def by_hand(days: int, slower: float, arm: int, age: float) -> float:
    """Share with the event by an age, from single units: each censored at the last step that its day has passed."""
    made = units(days=days, traffic=0.5)
    hours = hours_of(made, slower)
    mine = made.arm == arm
    end = np.minimum(24.0 * (days - 1 - made.day[mine]), 72.0)
    step = np.ceil(hours[mine] / 3.0) * 3.0
    seen, time = step <= end, np.minimum(step, end)
    left = 1.0
    for t in np.unique(time[seen & (time <= age)]):
        left *= 1.0 - (seen & (time == t)).sum() / ((time >= t) & (end > 0)).sum()
    return 1.0 - left


@pytest.mark.parametrize("days", [2, 3, 5, 12])
def test_the_curve_is_that_of_single_units_censored(days: int) -> None:
    made = looked(days, slower=1.4)
    for arm, row in enumerate(both(made)):
        assert row.age == min(24 * (days - 1), 72)
        assert row.share is not None
        assert row.age is not None
        assert row.share == pytest.approx(by_hand(days, 1.4, arm, row.age), abs=1e-12)
        assert row.lower is not None
        assert row.upper is not None
        assert row.lower < row.share < row.upper
    path = life_paths(made)[0]
    assert path.share[1][8] == pytest.approx(by_hand(days, 1.4, 1, 24.0), abs=1e-12)
    assert (path.share[1][-1] is None) == (days < 4)


def test_every_unit_is_in_one_place() -> None:
    made = looked(6)
    cells = made.cells
    for arm, row in enumerate(both(made)):
        assert row.units == row.events + row.open + row.past_limit == int(cells.n[cells.arm == arm].sum())
        assert row.open > 0
        assert row.past_limit > 0


def test_the_restricted_mean_is_the_mean_where_nobody_is_censored() -> None:
    """Of days that are through; events are counted within a step of three hours, so half of one is the most it errs."""
    made = looked(40)
    drawn = units(days=40, traffic=0.5)
    old = (drawn.day < 37) & (drawn.arm == 1)
    mean = np.minimum(hours_of(drawn, 1.0)[old], 72.0).mean()
    found = both(made)[1].restricted_mean
    # 5,500 units of a standard deviation of 24 hours: the young days move it by a fraction of 0.3.
    assert found == pytest.approx(mean, abs=0.5)


def test_an_open_unit_past_the_limit_is_a_miss_before_its_period_is_booked() -> None:
    """The policy books at 120 hours; that a unit is open past 72 is known when its day has passed them."""
    made = looked(5, chosen=rules(matures_after="120h"))
    row = both(made)[1]
    drawn = units(days=5, traffic=0.5)
    first = (drawn.day <= 1) & (drawn.arm == 1)
    assert row.past_limit == int((hours_of(drawn, 1.0)[first] > 72).sum()) > 0
    assert not made.data.ripe["hours"][0].any()


def test_open_units_are_not_resolved_and_not_left_out() -> None:
    """Nobody of the candidate is ever done: its share is 0 of all of its units."""

    def never(made: Any, hours: np.ndarray) -> np.ndarray:
        return np.where(made.arm == 1, 1000.0, hours)

    made = looked(8, change=never, chosen=plain())
    _, row = both(made)
    assert (row.events, row.share) == (0, 0.0)
    assert (row.lower, row.upper) == (None, None)  # the formula gives no width where nothing happened
    assert row.open + row.past_limit == row.units


def plain() -> Any:
    return policy(
        metrics={"right": RIGHT, "hours": HOURS},
        kpi={"weights": {"right": 1}},
        guardrails={},
        rollback={"hours": {"worse_by": 0}},
    )


def test_before_a_step_is_passed_nothing_is_said() -> None:
    row = both(looked(1))[1]
    assert row.units == row.open > 0
    assert (row.age, row.share, row.restricted_mean, row.at_risk) == (None, None, None, 0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_what_units_do_after_their_period_was_seen_changes_nothing(seed: int) -> None:
    def later(made: Any, hours: np.ndarray) -> np.ndarray:
        passed = 24.0 * (5 - made.day)
        anew = passed + 1e-6 + np.random.default_rng(seed).exponential(50, len(hours))
        return np.where((hours > passed) & (passed < 72), anew, hours)

    first, second = looked(6), looked(6, change=later)
    assert [row.to_dict() for row in still_open(first)] == [row.to_dict() for row in still_open(second)]
    assert (curve_of(lives(first)).survival == curve_of(lives(second)).survival).all()


def test_it_is_shown_and_changes_no_decision() -> None:
    made = looked(9, chosen=plain())
    decision = judge(made)
    assert len(decision.open) == 2
    back = Decision.from_dict(json.loads(json.dumps(decision.to_dict())))
    assert back.content() == decision.content()
    before = judge(replace(made, cells=replace(made.cells, tallies=())))
    without = {k: v for k, v in decision.content().items() if k != "open"}
    assert "open" not in before.content()  # as records without histograms have it
    assert before.content() == without


def test_the_keys_are_those_documented() -> None:
    told = set(re.findall(r"^\| `open\[\]\.(\w+)` \|", JSON_PAGE.read_text("utf-8"), re.MULTILINE))
    assert told == {f.name if f.name != "group" else "segment" for f in fields(StillOpen)}
