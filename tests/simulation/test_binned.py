"""What is judged by its histogram, in simulation: a shift moves every value by it, a pace every age's chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulation.tables import error, policy, table, value
from tests.simulation.test_same_decision import KINDS

from rampgate import simulate
from rampgate.aggregate.histogram import AGES, NOWHERE, RELATIVE_ERROR, Magnitudes
from rampgate.errors import DataError
from rampgate.policy import TimeToEvent
from rampgate.simulation.baseline import from_source
from rampgate.simulation.binned import _moves, ages_of, paced, shifted
from rampgate.simulation.levels import by_age, changed, levels, slowed
from rampgate.simulation.splits import splits

PLACE = Magnitudes("").place


@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=30), st.floats(-50, 500))
def test_every_value_is_moved_by_the_amount_up_to_the_width_of_bins(values, by):
    bins = np.array([PLACE(x, True) for x in values], dtype=float)
    found = Magnitudes("").middle(shifted(bins, by, (-np.inf, np.inf)).astype(int))
    wanted = np.array(values) + by
    width = 2.1 * RELATIVE_ERROR * (np.abs(values) + np.abs(wanted)) + 1e-9
    assert (np.abs(found - wanted) <= width).all()


def test_what_is_unknown_stays_unknown_and_times_do_not_become_negative():
    bins = np.array([NOWHERE, PLACE(5.0, True), PLACE(50.0, True)], dtype=float)
    found = shifted(bins, -10.0, (0.0, np.inf))
    assert found[0] == NOWHERE
    assert found[1] == 0
    assert Magnitudes("").middle(found[2:].astype(int))[0] == pytest.approx(40.0, rel=0.02)


@given(st.lists(st.integers(0, 50), min_size=AGES + 1, max_size=AGES + 1), st.floats(0.3, 3.0))
def test_a_pace_multiplies_the_chance_of_an_event_at_every_age(units, ratio):
    units = np.array(units, dtype=float) + 1.0  # nobody runs out of units at risk
    moves = _moves(ratio, units)
    assert moves.sum(1) == pytest.approx(np.ones(AGES + 1))
    assert (moves >= 0).all()

    def pace(counts):
        at_risk = counts[::-1].cumsum()[::-1][:-1]
        return counts[:-1] / at_risk

    assert pace(units @ moves) == pytest.approx(np.minimum(ratio * pace(units), 0.999), rel=1e-9)


def test_a_slower_pace_is_slower_by_what_it_says():
    rules = policy(**KINDS["paces"])
    baseline = from_source(rules, table(days=42))
    raw = np.column_stack([baseline.sorts.values, baseline.sorts.bins])
    new, chance = slowed(baseline, "soon", 0.5, baseline.groups[0], raw)
    at = baseline.columns.index("soon:bin")
    bins, was = new[:, at], by_age(baseline, "soon")
    now = np.bincount(bins[bins >= 0].astype(int), weights=baseline.sorts.count[bins >= 0], minlength=AGES + 1)
    risk = [x[::-1].cumsum()[::-1][:-1] for x in (now, was)]
    # The ratio of paces of Mantel and Haenszel; a few thousand events tell it to a few hundredths.
    top, bottom = (now[:-1] * risk[1] / (risk[0] + risk[1])).sum(), (was[:-1] * risk[0] / (risk[0] + risk[1])).sum()
    assert top / bottom == pytest.approx(1 / 1.5, abs=0.03)
    assert (chance == (raw[:, baseline.columns.index("soon:known")] > 0)).all()
    share = new[:, baseline.columns.index("soon:value")]
    assert (share[bins >= 0] == (bins[bins >= 0] < AGES)).all()


def test_outcomes_that_turn_have_the_age_of_what_they_became():
    metric = policy(**KINDS["paces"]).metrics["soon"]
    assert isinstance(metric, TimeToEvent)
    events = np.zeros(AGES)
    events[3] = 10.0
    bins = np.array([2.0, AGES, NOWHERE, 5.0])
    found = ages_of(metric, np.array([0.0, 1.0, 0.0, 1.0]), bins, events)
    assert found.tolist() == [AGES, 3, NOWHERE, 5]
    assert paced(metric, 0.0, np.array([1.0, NOWHERE, AGES]), np.ones(AGES + 1)).tolist() == [1, NOWHERE, AGES]


def test_a_quantile_is_worse_by_what_a_change_says():
    rules = policy(**KINDS["quantiles"])
    frame = table(days=42)
    baseline = from_source(rules, frame)
    level = levels(baseline, "p80")
    assert level.mean == pytest.approx(frame["minutes"].quantile(0.8), rel=0.02)
    raw = np.column_stack([baseline.sorts.values, baseline.sorts.bins])
    new, _ = changed(baseline, "p80", 9.0, baseline.groups[0], raw)
    moved = Magnitudes("").middle(new[:, baseline.columns.index("p80:bin")].astype(int))
    order = np.argsort(moved)
    at = np.searchsorted(np.cumsum(baseline.sorts.count[order]) / baseline.sorts.count.sum(), 0.8)
    assert moved[order][at] == pytest.approx(level.mean + 9.0, rel=0.03)


@pytest.mark.parametrize("kind", ["quantiles", "paces", "covariates"])
def test_a_harmless_candidate_keeps_its_budget_and_harm_is_seen(kind, capsys):
    metric = {"quantiles": "p80", "paces": "soon", "covariates": "score"}[kind]
    chosen = ("harmless", f"{metric}-expect-start", f"{metric}-twice-start")
    found = simulate(policy(**KINDS[kind]), table(), rollouts=150, days=42, scenario=chosen, workers=1)
    by = {one.name: one for one in found.scenarios}
    with capsys.disabled():
        for one in found.scenarios:
            print(f"\n{kind}, {one.name}: rolled back {one.false_rollback}, missed {one.missed}", end="")
    figure = by["harmless"].false_rollback
    assert value(figure) <= 0.05 + 3 * error(figure)
    assert value(by[f"{metric}-twice-start"].missed) < 0.1
    assert value(by[f"{metric}-twice-start"].missed) <= value(by[f"{metric}-expect-start"].missed)


def test_plain_thresholds_cry_wolf_and_are_said_to():
    rules = policy(evidence="point", rollback={"override": {"worse_by": "2pp"}}, segments=None)
    found = simulate(rules, table(), rollouts=100, days=56, scenario=("harmless",), workers=1)
    assert value(found.scenarios[0].false_rollback) > 0.5
    assert any("plain thresholds" in line for line in found.advice)


@pytest.mark.parametrize("kind", ["quantiles", "paces", "covariates", "plain-thresholds"])
def test_real_history_is_split_for_each_kind(kind):
    found = splits(policy(**KINDS[kind]), table(days=42), count=30)
    assert found.false_rollback.estimate is not None
    assert found.false_rollback.estimate < 0.3


def test_too_little_history_to_fix_a_threshold_is_said():
    rules = policy(**{**KINDS["quantiles"], "metrics": {**KINDS["quantiles"]["metrics"], "p80": {
        "kind": "quantile", "column": "minutes", "q": 0.999, "better": "lower"}}})  # fmt: skip
    with pytest.raises(DataError, match="fix its threshold"):
        simulate(rules, table(), rollouts=20, days=28)
