"""When a rollout may finish: worked by hand where it can be, and against simulated rollouts where it cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from tests.judge.build import case, intake, midnight, period, policy, state, units

from rampgate.aggregate.moments import Cells
from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.forecast import Forecast, forecast, passing_expected
from rampgate.judge.health import seen
from rampgate.judge.state import State, after
from rampgate.policy import Policy

#: Every unit is alike but for this share of bad outcomes, in both arms.
RATES = {"right": 0.85, "override": 0.15}
ROLLOUTS = 120


def leaves(found: Forecast) -> list[datetime | None]:
    return [phase.leaves_at for phase in found.phases]


def test_durations_alone_add_up() -> None:
    phases = [{"traffic": "10%", "at_least": "7d"}, {"traffic": "50%", "at_least": "2w"}, {"traffic": "100%"}]
    made = case(units(days=3), days=3, rules=policy(phases=phases))
    found = forecast(made, made.state)
    # 7 days from the start, 14 from there, and the first look at full traffic.
    assert leaves(found) == [midnight(7), midnight(21), midnight(22)]
    assert found.finish == midnight(22)
    assert [p.why for p in found.phases] == [
        "it lasts at least 7 days", "it lasts at least 2 weeks", "the first look in it",
    ]  # fmt: skip
    assert [(p.index, p.traffic) for p in found.phases] == [(1, 0.1), (2, 0.5), (3, 1.0)]
    assert "300 units a day" in found.assumes
    assert "equals the baseline" in found.assumes


def test_a_look_at_six_moves_every_phase_by_what_is_lost_to_it() -> None:
    """A phase entered at 06:00 is 7 days old at 06:00; the look of that morning covers the days until midnight."""
    phases = [{"traffic": "10%", "at_least": "7d"}, {"traffic": "50%", "at_least": "7d"}, {"traffic": "100%"}]
    made = case(units(days=3), days=3, rules=policy(phases=phases))
    late = replace(made, as_of=made.look + timedelta(hours=6))
    assert leaves(forecast(late, late.state)) == [midnight(7), midnight(15), midnight(16)]


def test_sizes_are_reached_at_the_traffic_of_their_phase() -> None:
    phases = [
        {"traffic": "10%", "at_least": "1d", "minimum_units": 300},
        {"traffic": "50%", "at_least": "1d", "minimum_units": 3000},
        {"traffic": "100%", "holdout": "10%", "minimum_units": 2700},
    ]
    made = case(units(days=4, traffic=0.1), days=4, rules=policy(phases=phases))
    found = forecast(made, made.state)
    there = made.data.known("right")[0][0]
    first = 4 + int(np.ceil((300 - there) / (there / 4)))
    # 300 units a day: 3000 at 50 % take 20 days, 2700 at 90 % take 10.
    assert leaves(found) == [midnight(first), midnight(first + 20), midnight(first + 30)]
    assert "at about 150 a day" in found.phases[1].why


def test_after_a_go_the_next_phase_begins() -> None:
    made = case(units())
    decision = judge(made)
    assert decision.decision == "go"
    found = forecast(made, after(made.state, decision, seen(made)))
    assert [p.index for p in found.phases] == [2, 3]
    assert found.phases[0].leaves_at is not None
    assert found.phases[0].leaves_at >= midnight(17)


def test_the_phase_in_force_is_told_as_what_the_decision_waits_for() -> None:
    made = case(units(days=12, traffic=0.5), 12, at=state(2, 8))
    waits = [passing_expected(made, name).expected_at for name in ("kpi", "override")]
    found = forecast(made, made.state)
    assert found.phases[0].leaves_at == max(*(w for w in waits if w), midnight(15))
    assert {w.expected_at for w in judge(made).waiting_for} >= set(waits)


def test_the_margin_that_takes_longest_counts() -> None:
    rules = policy(
        guardrails={"override": {"margin": "2pp"}},
        phases=[{"traffic": "50%", "at_least": "1d", "go": "non_inferior"}, {"traffic": "100%"}],
    )
    made = case(units(days=3, traffic=0.5), 3, rules)
    found = forecast(made, made.state)
    assert found.phases[0].why == "override shown within 2pp of the baseline"
    assert found.phases[0].leaves_at == passing_expected(made, "override").expected_at


def test_a_margin_beyond_the_horizon_is_not_at_this_volume() -> None:
    rules = policy(
        guardrails={"override": {"margin": "0.1pp"}},
        phases=[
            {"traffic": "10%", "at_least": "7d"},
            {"traffic": "20%", "at_least": "1d", "go": "non_inferior", "require": ["override"]},
            {"traffic": "50%"},
            {"traffic": "100%"},
        ],
    )
    found = forecast(made := case(units(days=3), 3, rules), made.state)
    assert leaves(found) == [midnight(7), None, None, None]
    assert found.finish is None
    assert found.phases[1].why == "not at this volume: override shown within 0.1pp of the baseline"
    assert found.phases[3].why == "phase 2 is not left at this volume"


def test_a_size_beyond_the_horizon_is_not_at_this_volume() -> None:
    rules = policy(phases=[{"traffic": "10%", "minimum_units": 10**6}, {"traffic": "100%"}])
    found = forecast(made := case(units(days=3), 3, rules), made.state)
    assert found.phases[0].why.startswith("not at this volume: 1000000 candidate units")


@pytest.mark.parametrize("status", ["complete", "rolled_back"])
def test_nothing_is_forecast_of_what_is_over(status: str) -> None:
    made = case(units())
    found = forecast(made, state(3, 8, status=status))
    assert (found.finish, found.phases) == (None, ())
    assert status.replace("_", " ") in found.assumes


def test_before_the_first_candidate_there_is_no_volume() -> None:
    made = case(units(days=3), 3, at=State(candidate="candidate"))
    found = forecast(made, made.state)
    assert (found.finish, found.phases) == (None, ())
    assert "no volume" in found.assumes


def test_plain_thresholds_wait_for_a_whole_window_and_prove_nothing() -> None:
    phases = [{"traffic": "50%", "at_least": "1d", "go": "non_inferior"}, {"traffic": "100%"}]
    made = case(units(days=3, traffic=0.5), 3, policy(evidence="point", phases=phases))
    found = forecast(made, made.state)
    # 2026-01-05 is a Monday: the first whole week ends with day 7.
    assert leaves(found) == [midnight(7), midnight(8)]
    assert found.phases[0].why == "the first complete window"


def test_weekly_looks_leave_on_mondays() -> None:
    phases = [{"traffic": "10%", "at_least": "8d"}, {"traffic": "50%", "at_least": "1d"}, {"traffic": "100%"}]
    rules = policy(phases=phases, source={"look": "week"})
    made = case(units(days=7), 7, rules)
    assert leaves(forecast(made, made.state)) == [midnight(14), midnight(21), midnight(28)]


@pytest.mark.parametrize("margin", ["5pp", "10%"])
def test_every_kind_of_metric_and_margin_has_a_date(margin: str) -> None:
    """A proportion as a mean of zeros and ones: the same date, give or take what the kinds' variances differ by."""
    finish = []
    for kind in ("proportion", "mean"):
        metrics: dict[str, dict[str, Any]] = {
            "right": {"kind": kind, "column": "right", "better": "higher"},
            "override": {"kind": kind, "column": "override", "better": "lower"},
        }
        if kind == "mean":
            metrics = {name: {**metric, **_ends(metric["better"])} for name, metric in metrics.items()}
        rules = policy(
            metrics=metrics,
            guardrails={"right": {"margin": 0.05 if margin == "5pp" and kind == "mean" else margin}},
            rollback={"right": {"worse_by": "1%"}},
            phases=[
                {"traffic": "50%", "at_least": "1d", "go": "non_inferior", "require": ["right"]},
                {"traffic": "100%"},
            ],
        )
        made = case(units(days=3, traffic=0.5), 3, rules)
        found = forecast(made, made.state).finish
        assert found is not None
        finish.append(found)
    assert abs(finish[0] - finish[1]) <= timedelta(days=2)


def _ends(better: str) -> dict[str, int]:
    return {"best": 1, "worst": 0} if better == "higher" else {"best": 0, "worst": 1}


def test_more_volume_is_never_later() -> None:
    dates = []
    for per_day in (100, 300, 900):
        made = case(units(days=3, per_day=per_day), 3)
        finish = forecast(made, made.state).finish
        assert finish is not None
        dates.append(finish)
    assert dates == sorted(dates, reverse=True)
    assert dates[0] > dates[-1]


# --- against simulated rollouts ---------------------------------------------------------


@pytest.mark.parametrize(("margin", "per_day"), [("5pp", 300), ("3pp", 300)])
def test_harmless_rollouts_leave_when_it_says(margin: str, per_day: int, record_property: Any) -> None:
    """Within a quarter of the time in the phase, and never said too early by more than a day.

    The forecast follows the path of the mean, and luck alone lets half of the rollouts pass before it: the median of
    a first passage lies below its mean, for these bets by up to a fifth. One day is the grain of a look.
    """
    rules = policy(
        kpi={"weights": {"right": 0.6, "override": 0.4}, "margin": margin},
        guardrails=None,
        rollback={"override": {"worse_by": "1pp", "expect": "4pp"}},
        phases=[
            {"traffic": "10%", "at_least": "7d", "minimum_units": 100},
            {"traffic": "50%", "at_least": "1d", "go": "non_inferior", "require": ["kpi"]},
            {"traffic": "100%"},
        ],
    )
    rng = np.random.default_rng(5)
    told, took = zip(*(simulated(rules, per_day, rng) for _ in range(ROLLOUTS)), strict=True)
    said, real = float(np.median(told)), float(np.median(took))
    spread = np.quantile(took, [0.25, 0.75])
    record_property(
        "figure",
        f"forecast of a harmless rollout, KPI within {margin} at {per_day} units a day and 50 %: said {said:.0f} days "
        f"in the phase, median of {ROLLOUTS} rollouts {real:.0f} (middle half {spread[0]:.0f} to {spread[1]:.0f})",
    )
    assert real - 1 <= said <= 1.25 * real + 1


def simulated(rules: Policy, per_day: int, rng: np.random.Generator) -> tuple[int, int]:
    """One harmless rollout: the days that the second phase was said to take on the day before it, and those it took."""
    at, told, day = state(), 0, 0
    days: list[list[np.ndarray]] = []
    while at.phase < 3:
        days.append(counts(per_day, rules.phases[at.phase - 1].traffic, rng))
        day += 1
        if day < 7:
            continue  # a skipped look costs nothing
        made = counted(days, rules, at)
        decision = judge(made)
        if decision.decision == "go" and at.phase == 1:
            entered = decision.as_of
        if decision.decision == "rollback" or day > 400:
            return told, 400
        at = after(at, decision, seen(made))
        if decision.decision == "go" and at.phase == 2:
            first = forecast(made, at).phases[0].leaves_at
            assert first is not None
            told = (first - entered).days
    return told, (decision.as_of - entered).days


def counts(per_day: int, traffic: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Units of one day and arm by (right, override): 00, 01, 10, 11; baseline first."""
    candidate = rng.binomial(per_day, traffic)
    r, o = RATES["right"], RATES["override"]
    chances = [(1 - r) * (1 - o), (1 - r) * o, r * (1 - o), r * o]
    return [rng.multinomial(n, chances) for n in (per_day - candidate, candidate)]


def counted(days: list[list[np.ndarray]], rules: Policy, at: State) -> Case:
    """The case of these counts: moments of (right, known, override, known) by their definition."""
    outcomes = np.array([[0.0, 1, 0, 1], [0, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]])
    names = ("right:value", "right:known", "override:value", "override:known")
    pairs = tuple((i, j) for i in range(4) for j in range(i, 4))
    rows = []
    for t, arms in enumerate(days):
        for arm, n in enumerate(arms):
            mean = n @ outcomes / n.sum()
            centred = outcomes - mean
            comoment = [float((n * centred[:, i]) @ centred[:, j]) for i, j in pairs]
            there = outcomes[n > 0]
            rows.append((t, arm, float(n.sum()), mean, comoment, there.min(0), there.max(0)))
    made = Cells(
        names, pairs, tuple(period(t) for t in range(len(days))), (),
        np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), tuple(() for _ in rows),
        np.array([r[2] for r in rows]), np.array([r[3] for r in rows]), np.array([r[4] for r in rows]),
        np.array([r[5] for r in rows]), np.array([r[6] for r in rows]),
        np.zeros((len(rows), 2), dtype=np.int64), tuple("0" for _ in rows),
    )  # fmt: skip
    look = midnight(len(days))
    read = intake(units(days=1, per_day=1), 1, newest=look - timedelta(hours=1))
    return Case(rules, made, read, at, look, look)
