"""What is drawn is what the source has, and a change is as large as it says."""

from __future__ import annotations

import numpy as np
import pytest
from tests.simulation.tables import policy, table

from rampgate.aggregate.moments import BASELINE, CANDIDATE
from rampgate.policy import Policy
from rampgate.simulation import pool
from rampgate.simulation.baseline import Baseline, from_source
from rampgate.simulation.draw import Drawn
from rampgate.simulation.levels import levels
from rampgate.simulation.pool import Pool, thinned
from rampgate.simulation.run import Setting
from rampgate.simulation.scenario import Change, Scenario, intensity, scenarios

PERIODS, ROLLOUTS = 28, 40
ALL_KINDS = {
    "metrics": {
        "right": {"kind": "proportion", "column": "right"},
        "override": {"kind": "proportion", "column": "override", "better": "lower"},
        "missed": {"kind": "rare_event", "column": "missed"},
        "score": {"kind": "mean", "column": "score", "best": 5, "worst": 1},
        "answered": {"kind": "ratio", "numerator": "answered", "denominator": "asked"},
        "hours": {"kind": "time_to_event", "from": "time", "to": "resolved", "mean_up_to": "48h",
                  "better": "lower", "best": 0, "worst": 48},
    },
    "kpi": {"weights": {"right": 0.4, "score": 0.3, "hours": 0.3}, "margin": "6pp"},
    "guardrails": {"override": {"margin": "8pp"}, "answered": {"margin": 0.1}},
    "rollback": {"missed": {"worse_by": "10%"}, "override": {"worse_by": "2pp"}},
    "segments": {"by": ["queue"], "guardrails": {"override": {"margin": "8pp"}}, "minimum_units": 30},
}  # fmt: skip


@pytest.fixture(scope="module")
def rules() -> Policy:
    return policy(**ALL_KINDS)


@pytest.fixture(scope="module")
def baseline(rules: Policy) -> Baseline:
    return from_source(rules, table(days=42, unknown=0.2))


def filled(baseline: Baseline, scenario: Scenario, seed: int = 3) -> Drawn:
    """Rollouts at half of the traffic, all periods drawn."""
    setting, rng = Setting.of(baseline, PERIODS), np.random.default_rng(seed)
    there, _ = intensity(scenario, ROLLOUTS, PERIODS, rng)
    units = Drawn.of(Pool.of(baseline, scenario, paired=True), scenario, there, setting.calendar.periods, rng)
    units.fill(np.arange(ROLLOUTS), np.zeros(ROLLOUTS, dtype=int), PERIODS, (0.5, 0.5))
    return units


def moved(baseline: Baseline, units: Drawn, name: str, group: int = 0) -> tuple[float, float]:
    """How much worse the candidate is over all rollouts, and the standard error of that."""
    ratio = baseline.policy.metrics[name].kind == "ratio"
    parts = ("numerator", "denominator") if ratio else ("value", "known")
    arms = units.arms(np.arange(ROLLOUTS), PERIODS)
    sums = [[arm.total(f"{name}:{part}")[:, group].sum(-1) for part in parts] for arm in arms]
    each = [top / bottom for top, bottom in sums]
    sign = levels(baseline, name).sign
    gap = sign * (each[0] - each[1])
    return float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(ROLLOUTS))


def test_levels_volume_and_what_is_unknown_are_those_of_the_source(baseline):
    units = filled(baseline, Scenario("harmless", ""))
    for arm in units.arms(np.arange(ROLLOUTS), PERIODS):
        n = arm.n[:, 0].sum()
        assert n == pytest.approx(0.5 * baseline.per_day * PERIODS * ROLLOUTS, rel=0.02)
        for i, name in enumerate(baseline.components):
            values, count = baseline.sorts.values[:, i], baseline.sorts.count
            mean = count @ values / count.sum()
            error = np.sqrt(count @ (values - mean) ** 2 / count.sum() / n)
            # Days are drawn, and not only units; twice the error of independent units covers both.
            assert arm.total(name)[:, 0].sum() / n == pytest.approx(mean, abs=8 * error + 1e-12), name


def test_weekdays_are_drawn_from_the_same_weekdays(baseline):
    units = filled(baseline, Scenario("harmless", ""))
    n = np.sum([arm.n[:, 0] for arm in units.arms(np.arange(ROLLOUTS), PERIODS)], axis=0).mean(0)
    weekday = np.array([p.day.weekday() for p in Setting.of(baseline, PERIODS).calendar.periods])
    assert n[weekday < 5].mean() == pytest.approx(3 * n[weekday >= 5].mean(), rel=0.1)  # as `table` has it


def test_segment_values_add_up_to_everybody_and_co_moments_are_those_of_the_units(baseline):
    units = filled(baseline, Scenario("harmless", ""))
    for arm in units.arms(np.arange(ROLLOUTS), PERIODS):
        assert arm.n[:, 1:].sum(1) == pytest.approx(arm.n[:, 0])
        for name in baseline.components:
            assert arm.total(name)[:, 1:].sum(1) == pytest.approx(arm.total(name)[:, 0], abs=1e-6)
        pooled = arm.products("score:value", "right:value")[:, 0].sum() / arm.n[:, 0].sum()
        i, j = (baseline.components.index(name) for name in ("score:value", "right:value"))
        x, y, w = (
            baseline.sorts.values[:, i],
            baseline.sorts.values[:, j],
            baseline.sorts.count / baseline.sorts.count.sum(),
        )
        assert pooled == pytest.approx(w @ (x * y) - (w @ x) * (w @ y), abs=0.02)


def test_magnitudes_keep_their_extremes(baseline):
    arm = filled(baseline, Scenario("harmless", "")).arms(np.arange(ROLLOUTS), PERIODS)[0]
    i = baseline.components.index("score:value")
    some = arm.n[:, 0] > 5
    assert (arm.low[:, 0, :, i] <= arm.mean[:, 0, :, i] + 1e-9)[some].all()
    assert (arm.high[:, 0, :, i] >= arm.mean[:, 0, :, i] - 1e-9)[some].all()
    assert (arm.high[:, 0, :, i][some] <= 5).all()


@pytest.mark.parametrize(
    ("name", "harm"),
    [("right", 0.05), ("right", -0.04), ("override", 0.06), ("missed", 0.02), ("score", 0.3), ("score", -0.2),
     ("answered", 0.1), ("hours", 3.0), ("hours", -2.0)],
)  # fmt: skip
def test_a_change_is_as_large_as_it_says_and_of_the_candidate_alone(baseline, name, harm):
    found, error = moved(baseline, filled(baseline, Scenario("one", "", (Change(name, harm),))), name)
    assert found == pytest.approx(harm, abs=4 * error)
    assert abs(found) > 4 * error  # else this would not be told from nothing


def test_a_change_of_one_segment_leaves_the_others_alone(baseline):
    network = next(g for g in baseline.groups if g.value == "network")
    units = filled(baseline, Scenario("one", "", (Change("override", 0.1, network),)))
    for place, group in enumerate(baseline.groups):
        found, error = moved(baseline, units, "override", place)
        expected = 0.1 if group == network else 0.0 if group.column else None
        if expected is not None:
            assert found == pytest.approx(expected, abs=4 * error)


def test_a_moving_baseline_moves_both_alike(baseline):
    moving = next(s for s in scenarios(baseline)[0] if s.name == "baseline-moving")
    units = filled(baseline, moving)
    found, error = moved(baseline, units, "right")
    assert found == pytest.approx(0.0, abs=4 * error)
    arm = units.arms(np.arange(ROLLOUTS), PERIODS)[1]
    rate = arm.total("right:value")[:, 0].sum(0) / arm.total("right:known")[:, 0].sum(0)
    assert rate[:7].mean() - rate[-7:].mean() == pytest.approx(0.06, abs=0.02)  # 8 points over the whole run


def test_thinning_keeps_every_pattern_of_outcomes_in_number(baseline, monkeypatch):
    monkeypatch.setattr(pool, "SORTS", 60)
    days = len(baseline.days)
    kept, binary = thinned(baseline.sorts, days), [0, 1]
    names = [baseline.components.index(f"{name}:{role}") for name in ("right", "missed") for role in ("value", "known")]
    assert len(kept.count) < 0.8 * len(baseline.sorts.count)
    for found in (kept, baseline.sorts):
        assert (np.diff(found.period) >= 0).all() or found is baseline.sorts
    for i in names:
        full, few = (np.bincount(s.period, s.count * s.values[:, i], days) for s in (baseline.sorts, kept))
        assert few == pytest.approx(full, rel=1e-9), (binary, i)


def test_many_units_of_few_sorts_are_drawn_from_the_same_law(rules):
    small = from_source(rules, table(days=14, per_day=100))
    large = Baseline(
        **{**small.__dict__, "sorts": type(small.sorts)(**{**small.sorts.__dict__, "count": small.sorts.count * 50})}
    )
    units = filled(large, Scenario("one", "", (Change("override", 0.05),)))
    found, error = moved(large, units, "override")
    assert found == pytest.approx(0.05, abs=4 * error)
    n = units.sums[[CANDIDATE, BASELINE], :, :, 0, 0].sum(0)
    each = np.bincount(small.sorts.period, small.sorts.count) * 50
    assert np.var((n - each[units.days]) / np.sqrt(each[units.days])) == pytest.approx(1.0, abs=0.15)  # Poisson
