"""The door: the same seed, budgets that hold, harm that is seen, advice, and what is refused."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from tests.simulation.tables import error, policy, table, value

from rampgate import simulate
from rampgate.errors import DataError, NotJudgedYet, UsageError
from rampgate.simulation.baseline import from_source
from rampgate.simulation.opening import opening, with_margins
from rampgate.simulation.stored import place_of, store, stored
from rampgate.simulation.table import Figure, Simulation

FEW: dict[str, Any] = {"rollouts": 60, "days": 28, "workers": 1}


@pytest.fixture(scope="module")
def frame():
    return table()


def test_the_same_seed_gives_the_same_table_whoever_does_the_work(frame):
    chosen = ("harmless", "override-expect-start")
    alone = simulate(policy(), frame, rollouts=150, days=28, scenario=chosen, workers=1)
    beside = simulate(policy(), frame, rollouts=150, days=28, scenario=chosen, workers=2)
    assert alone.to_dict() == beside.to_dict()
    other = simulate(policy(), frame, rollouts=150, days=28, scenario=chosen, workers=1, seed=2)
    assert other.to_dict() != alone.to_dict()


def test_a_scenario_alone_is_what_it_is_among_all(frame):
    whole = simulate(policy(), frame, **FEW)
    alone = simulate(policy(), frame, scenario=("override-twice-day",), **FEW)
    assert alone.scenarios == tuple(one for one in whole.scenarios if one.name == "override-twice-day")


def test_the_first_scenario_is_harmless_and_every_figure_has_its_error(frame):
    found = simulate(policy(), frame, **FEW)
    data = found.to_dict()
    assert data["scenarios"][0]["name"] == "harmless"
    assert {"rollouts", "seed", "scenarios", "advice"} <= set(data)
    for one in data["scenarios"]:
        assert 0 <= one["false_rollback"]["estimate"] <= 1
        assert one["false_rollback"]["error"] > 0
    assert Simulation.from_dict(json.loads(json.dumps(data))).to_dict() == data
    names = {one["name"] for one in data["scenarios"]}
    assert {"benefit", "baseline-moving", "override-in-one-segment", "right-in-one-segment"} <= names
    for metric in ("override", "kpi"):
        assert {
            f"{metric}-{size}-{onset}" for size in ("bound", "expect", "twice") for onset in ("start", "day")
        } <= names


def test_a_harmless_candidate_keeps_its_budget_and_harm_is_seen(frame, capsys):
    chosen = ("harmless", "override-bound-start", "override-expect-start", "override-twice-start", "baseline-moving")
    found = simulate(policy(), frame, rollouts=400, days=56, scenario=chosen, workers=1)
    by = {one.name: one for one in found.scenarios}
    with capsys.disabled():
        for one in found.scenarios:
            print(f"\n{one.name}: rolled back {one.false_rollback}, missed {one.missed}", end="")
    for name in ("harmless", "override-bound-start", "baseline-moving"):
        figure = by[name].false_rollback
        assert value(figure) <= 0.05 + 3 * error(figure)
    assert value(by["override-twice-start"].missed) <= value(by["override-expect-start"].missed)
    assert value(by["override-twice-start"].stopped) > 0.9
    assert value(by["override-twice-start"].days_to_rollback[0]) < value(
        by["override-expect-start"].days_to_rollback[0]
    )
    harmed = by["override-twice-start"].harmed
    assert value(harmed) > 0
    assert by["harmless"].harmed.estimate is None


def test_harm_that_begins_late_is_counted_from_then_on(frame):
    early, late = simulate(
        policy(), frame, rollouts=300, days=56, scenario=("override-twice-start", "override-twice-day"), workers=1
    ).scenarios
    assert value(late.false_rollback) <= 0.05 + 3 * error(late.false_rollback)
    assert value(early.false_rollback) == 0  # there is no look before the harm
    # A phase with more traffic sees it sooner, and pays more for each day.
    assert late.days_to_rollback[0].estimate is None or value(late.days_to_rollback[0]) > 1
    assert value(late.missed) > value(early.missed)  # what begins in the last days is not seen by the horizon


def test_a_phase_that_cannot_open_is_said_with_a_remedy_that_opens_it(frame):
    phases = [{"traffic": "10%", "go": "non_inferior", "require": ["override"]}, {"traffic": "100%"}]
    rules = policy(phases=phases, segments=None, guardrails={"override": {"margin": "4pp"}})
    found = simulate(rules, frame, rollouts=60, scenario=("harmless",), workers=1)
    (advice,) = (line for line in found.advice if line.startswith("phase 1"))
    assert "units a day" in advice
    factor = float(advice.partition("widen its margins ")[2].partition(" ")[0])
    baseline = from_source(rules, frame)
    before, after = (opening(tried, baseline)[0] for tried in (rules, with_margins(rules, ("override",), factor)))
    assert value(before) < 0.8 <= value(after)


def test_harm_that_one_criterion_tolerates_and_another_does_not_is_no_false_alarm(frame):
    rules = policy(rollback={"override": {"worse_by": 0}}, guardrails={"override": {"margin": "8pp"}})
    found = {one.name: one for one in simulate(rules, frame, **FEW).scenarios}
    assert not found["kpi-bound-start"].harmless  # its override is worse by more than nothing
    assert found["kpi-bound-start"].false_rollback.estimate == 0
    kept = {one.name: one for one in simulate(policy(), frame, **FEW).scenarios}
    assert kept["override-bound-start"].harmless  # 2 points of it are 0.8 of the KPI, and both are tolerated


def test_a_margin_that_takes_half_a_year_is_said_with_what_would_do(capsys):
    """Forty units a day at 10 %: two points cannot be shown, five can be tried, a budget needs no proof."""
    phases = [{"traffic": "10%", "go": "non_inferior", "require": ["kpi"]}, {"traffic": "100%", "holdout": "10%"}]
    rules = policy(phases=phases, segments=None, kpi={"weights": {"right": 1.0}, "margin": "2pp"}, guardrails={})
    found = simulate(rules, table(per_day=49), rollouts=60, scenario=("harmless",), workers=1)
    (line,) = (line for line in found.advice if line.startswith("phase 1"))
    with capsys.disabled():
        print(f"\n{line}", end="")
    assert re.search(r"half of them need (\d\d±\d+ weeks|more than a year), at 40 units a day", line)
    assert re.search(r"widen its margins .* \(kpi to 5pp\)", line)
    assert "leave the phase by within_budget" in line


def test_every_harm_that_is_missed_too_often_has_its_sentence_and_what_it_says_helps(frame):
    """Advice is followed here: each remedy that is told is a policy, and less is missed by it."""
    rules = policy(phases=[{"traffic": "20%", "at_least": "7d", "minimum_units": 50}, {"traffic": "100%"}])
    found = simulate(rules, frame, rollouts=100, days=56, workers=1)
    late = [one for one in found.scenarios if one.missed.estimate is not None and one.missed.estimate > 0.2]
    must = [one for one in late if "-bound-" not in one.name and not one.harmless]
    assert must
    for one in must:
        (line,) = (line for line in found.advice if re.search(rf"(^|, ){one.name}[,:]", line))
        assert re.search("To catch more of it|Nothing that was tried|not tried", line)
    (line,) = (line for line in found.advice if "override-expect-day" in line)
    assert "keep a holdout in the last phase, as holdout: 5%" in line
    print(line)
    told = float(line.rpartition("then ")[2].partition("±")[0]) / 100
    followed = policy(phases=[{"traffic": "20%", "at_least": "7d", "minimum_units": 50},
                              {"traffic": "100%", "holdout": "5%"}])  # fmt: skip
    name = next(one.name for one in must if one.name in line)
    (again,) = simulate(followed, frame, rollouts=200, days=56, scenario=(name,), workers=1).scenarios
    before = next(one for one in must if one.name == name)
    assert value(again.missed) < value(before.missed) - 3 * error(before.missed)
    assert value(again.missed) == pytest.approx(told, abs=0.15)  # of 100 rollouts, error 0.05


def test_full_traffic_without_a_holdout_is_said_to_be_blind(frame):
    rules = policy(phases=[{"traffic": "50%", "at_least": "4d", "minimum_units": 50}, {"traffic": "100%"}])
    found = simulate(rules, frame, rollouts=60, days=56, scenario=("override-expect-day",), workers=1)
    assert any("holdout" in line for line in found.advice)


QUANTILE: dict[str, Any] = {
    "metrics": {
        "right": {"kind": "proportion", "column": "right"},
        "slow": {"kind": "quantile", "column": "score", "q": 0.9, "better": "lower"},
    },
    "kpi": {"weights": {"right": 1.0}},
    "guardrails": {"slow": {"margin": 1}},
    "rollback": {"kpi": {"worse_by": 0}},
    "segments": None,
}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"evidence": "point", **QUANTILE}, "a quantile beside evidence: point"),
        ({"source": {"cluster": "queue"}, "segments": None, "kpi": {"weights": {"right": 1.0}}}, "source.cluster"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_named(frame, changes, named):
    with pytest.raises(NotJudgedYet, match=named) as refused:
        simulate(policy(**changes), frame, **FEW)
    assert refused.value.exit_code == 2


def test_wrong_arguments_are_refused(frame):
    with pytest.raises(UsageError, match="no scenario is called 'harmles'") as refused:
        simulate(policy(), frame, scenario=("harmles",))
    assert "harmless" in str(refused.value.remedy)
    with pytest.raises(UsageError, match="rollouts"):
        simulate(policy(), frame, rollouts=1)
    with pytest.raises(DataError, match="too little"):
        simulate(policy(), table(days=3), **FEW)


def test_it_is_kept_by_the_policys_hash(frame, tmp_path):
    found = simulate(policy(), frame, scenario=("harmless",), **FEW)
    file = tmp_path / "policy.yaml"
    assert stored(policy(), file) is None
    store(found, file)
    assert place_of(file).name == "policy.simulation.json"
    kept = stored(policy(), file)
    assert kept is not None
    assert kept.to_dict() == found.to_dict()
    assert stored(policy(guardrails={"override": {"margin": "7pp"}}), file) is None
    place_of(file).write_text("{}")
    assert stored(policy(), file) is None


def test_a_figure_knows_its_error():
    flags = np.arange(1000) < 50
    assert Figure.share(flags).estimate == 0.05
    assert Figure.share(flags).error == pytest.approx(np.sqrt(0.05 * 0.95 / 1000), rel=0.02)
    assert error(Figure.share(np.zeros(100, dtype=bool))) > 0  # none seen is not none there could be
    waits = np.where(np.arange(100) < 60, 5.0, np.inf)
    assert Figure.quantile(waits, 0.5).estimate == 5.0
    assert Figure.quantile(waits, 0.9) == Figure(None, None)
    rng = np.random.default_rng(1)
    medians = [Figure.quantile(rng.normal(size=400), 0.5) for _ in range(300)]
    spread = np.std([value(m) for m in medians])
    assert np.mean([error(m) for m in medians]) == pytest.approx(spread, rel=0.15)
