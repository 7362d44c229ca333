"""How far units have got: every bin is booked once, when all units of its period have passed it, and never before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.build import case, policy, units

from rampgate.aggregate.histogram import AGES
from rampgate.aggregate.marginals import OVERALL
from rampgate.aggregate.moments import Cells, Tally
from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.decision import Judged
from rampgate.judge.lives import Lives
from rampgate.policy import Policy

HOURS = {"kind": "time_to_event", "from": "time", "to": "closed", "mean_up_to": "72h", "better": "lower"}
RIGHT = {"kind": "proportion", "column": "right"}


def rules(**changes: Any) -> Policy:
    return policy(
        metrics={"right": RIGHT, "hours": {**HOURS, "test": "hazard", **changes}},
        kpi={"weights": {"right": 1}},
        guardrails={},
        rollback={"hours": {"worse_by": 0}},
    )


def hours_of(made: Any, slower: float, seed: int = 1) -> np.ndarray:
    """Hours until each unit's event; the candidate's longer by a factor."""
    rng = np.random.default_rng(seed)
    return rng.exponential(31.0, len(made.day)) * np.where(made.arm == 1, slower, 1.0)


def counted(cells: Cells, made: Any, hours: np.ndarray, limit: float = 72.0) -> Cells:
    """The cells with the units' ages at their events, and without the value, which these tests do not ask for."""
    at = np.where(hours > limit, AGES, np.clip(np.ceil(hours / limit * AGES) - 1, 0, AGES - 1)).astype(int)
    place = {(int(p), int(a)): r for r, (p, a) in enumerate(zip(cells.period, cells.arm, strict=True))}
    row = np.array([place[int(d), int(a)] for d, a in zip(made.day, made.arm, strict=True)])
    keys, count = np.unique(np.stack([row, at]), axis=1, return_counts=True)
    return replace(cells, tallies=(Tally("hours", keys[0], keys[1], count.astype(float)),))


def looked(
    days: int, slower: float = 1.0, chosen: Policy | None = None, change: Any = None, traffic: float = 0.5
) -> Case:
    made = units(days=days, traffic=traffic)
    hours = hours_of(made, slower)
    made = replace(made, metrics={"right": made.metrics["right"], "hours": np.minimum(hours, 72.0)})
    if change is not None:
        hours = change(made, hours)
    chosen = chosen or rules()
    bare = case(made, days=days, rules=chosen)
    limit = chosen.metrics["hours"].limit.timedelta / timedelta(hours=1)  # type: ignore[union-attr]
    return replace(bare, cells=counted(bare.cells, made, hours, limit))


def lives(made: Case) -> Lives:
    return made.data.lives["hours"]


def criterion(made: Case) -> Judged:
    return next(c for c in judge(made).criteria if c.id == "rollback:hours")


def test_bins_are_booked_at_the_first_look_that_has_passed_them() -> None:
    """A day ends at midnight; its bins of three hours are passed 3, 6, ... 72 hours later, and looks are daily."""
    booked = lives(looked(6)).booked
    assert booked[0].tolist() == [1] * 8 + [2] * 8 + [3] * 8
    assert booked[3].tolist() == [4] * 8 + [5] * 8 + [6] * 8  # of six looks the last has index 5
    assert booked[5].tolist() == [6] * 24


@pytest.mark.parametrize(
    ("limit", "first", "last"), [("10m", 1, 1), ("24h", 1, 1), ("25h", 1, 2), ("72h", 1, 3), ("30d", 2, 30)]
)
def test_limits_of_minutes_and_of_a_month(limit: str, first: int, last: int) -> None:
    booked = lives(looked(40, chosen=rules(mean_up_to=limit))).booked
    assert (booked[0, 0], booked[0, -1]) == (first, last)
    assert (np.diff(booked, axis=1) >= 0).all()


def test_a_clock_that_may_begin_later_is_waited_for() -> None:
    late = lives(looked(8, chosen=rules(**{"from": "assigned", "matures_after": "96h"}))).booked
    assert late[0].tolist() == [2] * 8 + [3] * 8 + [4] * 8
    # Its own time column begins with the unit: a longer maturity holds nothing up.
    own = lives(looked(8, chosen=rules(matures_after="96h"))).booked
    assert own[0].tolist() == [1] * 8 + [2] * 8 + [3] * 8
    # Whether a unit counts is known with its label.
    labelled = lives(looked(8, chosen=rules(known_at="asked"))).booked
    assert labelled[0].tolist() == [3] * 24


def test_nothing_is_booked_twice_and_nothing_is_left_out() -> None:
    made = lives(looked(12))
    by_look = made.increments(None)
    n, d = made.at_risk, made.events
    # The events that count are those of the bins that are passed, each once.
    whole = made.counts[..., :-1] * (np.arange(AGES) < 8 * (11 - np.arange(12))[:, None])
    np.testing.assert_array_equal(d, whole)
    assert (n[..., 0][..., :11] == made.units[..., :11]).all()
    assert by_look.shape == (1, 12, 10)
    assert (by_look[0, 0] == 0).all()  # no unit has passed a bin by the end of the first day


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 9), st.integers(0, 10**6))
def test_what_is_booked_is_never_revised(days: int, seed: int) -> None:
    """A look is judged as it was once more days are there, whatever then happens to units that had not got so far."""
    first = lives(looked(days, slower=1.3)).increments(None)

    def later(made: Any, hours: np.ndarray) -> np.ndarray:
        """What is open at the first look goes on as it likes."""
        passed = 24.0 * (days - 1 - made.day)
        anew = passed + np.random.default_rng(seed).exponential(50, len(hours))
        return np.where((hours > passed) & (made.day < days), np.maximum(anew, np.maximum(passed, 0) + 1e-6), hours)

    made = units(days=days + 4, traffic=0.5)
    same = made.day < days
    assert (made.arm[same] == units(days=days, traffic=0.5).arm).all()
    second = lives(looked_like(days, later)).increments(None)
    np.testing.assert_allclose(first[:, :days], second[:, :days], atol=1e-12)


def looked_like(days: int, change: Any) -> Case:
    """Four more days behind the same units, whose open ones go on otherwise."""
    short = units(days=days, traffic=0.5)
    hours = hours_of(short, 1.3)
    made = units(days=days + 4, traffic=0.5, seed=2)
    old = made.day < days
    arm = np.concatenate([short.arm, made.arm[~old]])
    made = replace(made, arm=arm, metrics={"right": made.metrics["right"]})
    hours = change(made, np.concatenate([hours, hours_of(made, 1.3, 5)[~old]]))
    made = replace(made, metrics={**made.metrics, "hours": np.minimum(hours, 72.0)})
    bare = case(made, days=days + 4, rules=rules())
    return replace(bare, cells=counted(bare.cells, made, hours))


def test_slower_events_roll_back_before_the_mean_is_known() -> None:
    """In three days of exposure nobody has reached 72 hours; a pace of a half is seen all the same."""
    made = looked(3, slower=2.5)
    found = criterion(made)
    assert found.verdict == "FAIL"
    assert judge(made).decision == "rollback"
    assert not made.data.ripe["hours"][0].any()
    assert found.effect_since_onset is not None
    assert "worse than the baseline in the pace of its events: at the same age they come 0." in str(found.message)
    assert criterion(looked(3, slower=1 / 2.5)).verdict == "INCONCLUSIVE"


def test_the_harm_told_is_the_ratio_of_paces() -> None:
    """Durations 2.5 times as long, of exponential events: a pace that is worse by 150 %."""
    found = criterion(looked(20, slower=2.5))
    # 3,000 units an arm, mostly resolved: a standard error of the log of about 0.03.
    assert np.log1p(found.effect_since_onset or 0.0) == pytest.approx(np.log(2.5), abs=0.12)
    assert "they come 0.4" in str(found.message)


def test_where_an_event_is_bad_faster_ones_are_harm() -> None:
    """Customers lost: more of them, or sooner."""
    lost = {"kind": "time_to_event", "from": "time", "to": "closed", "within": "72h", "better": "lower"}
    chosen = policy(
        metrics={"right": RIGHT, "hours": {**lost, "test": "hazard"}},
        kpi={"weights": {"right": 1}},
        guardrails={},
        rollback={"hours": {"worse_by": 0, "expect": "50%"}},
    )
    found = criterion(looked(6, slower=0.4, chosen=chosen))
    assert found.verdict == "FAIL"
    assert "2." in str(found.message).split("they come ")[1][:2]
    assert criterion(looked(6, slower=2.5, chosen=chosen)).verdict == "INCONCLUSIVE"


def test_without_ages_the_criterion_is_an_error_and_holds() -> None:
    made = looked(8)
    bare = replace(made, cells=replace(made.cells, tallies=()))
    decision = judge(bare)
    assert next(c.verdict for c in decision.criteria if c.id == "rollback:hours") == "ERROR"
    assert decision.decision == "hold"


def test_no_unit_has_passed_a_bin_yet() -> None:
    found = criterion(looked(1))
    assert found.verdict == "NO_DATA"
    assert found.e_value == pytest.approx(1.0)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 1.0), st.integers(0, 10**6))
def test_removing_units_never_turns_a_hold_into_go(share: float, seed: int) -> None:
    made = looked(9, slower=1.2, traffic=0.1)
    assert judge(made).decision in ("hold", "rollback", "go")
    keep = np.random.default_rng(seed).random(len(made.cells.n)) < share
    fewer = replace(made, cells=made.cells.rows(np.flatnonzero(keep)))
    if judge(made).decision != "go":
        assert judge(fewer).decision != "go"


def test_the_mean_is_shown_as_without_the_test() -> None:
    tested = looked(9)
    bare = policy(
        metrics={"right": RIGHT, "hours": HOURS},
        kpi={"weights": {"right": 1}},
        guardrails={},
        rollback={"hours": {"worse_by": 0}},
    )
    plain = looked(9, chosen=bare)
    rows = [next(m for m in judge(one).metrics if (m.name, m.group) == ("hours", OVERALL)) for one in (tested, plain)]
    assert rows[0].to_dict() == rows[1].to_dict()
