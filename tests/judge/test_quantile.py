"""A metric of kind quantile: its threshold, the direction of harm, what is shown, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guarantees.quantiles import DAYS, HISTORY, START, Kind, bin_of, draw

import rampgate
from rampgate.aggregate.binned import Binned, Counts
from rampgate.aggregate.histogram import RELATIVE_ERROR, Magnitudes
from rampgate.estimate.quantiles import Quantiles, units_needed
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision, Estimate
from rampgate.judge.forecast import forecast
from rampgate.judge.state import State, after
from rampgate.ledger import Ledger
from rampgate.policy import Margin, Quantile
from rampgate.rollout.evaluate import case_of, read_case, recompute
from rampgate.rollout.looks import parse_moment
from rampgate.source import open_engine

BINS = Magnitudes("m")


def tickets(slower: float = 1.0, days: int = 28, history: int = 20, per_day: int = 100, seed: int = 1) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    day = np.repeat(np.arange(-history, days), per_day)
    candidate = (day >= 0) & (chance.random(len(day)) < 0.3)
    x = chance.lognormal(1.0, 1.0, len(day)) * np.where(candidate, slower, 1.0)
    return pd.DataFrame(
        {
            "unit": np.arange(len(day)),
            "time": pd.Timestamp(START) + pd.to_timedelta(day, "D") + pd.Timedelta("12h"),
            "variant": np.where(candidate, "v2", "v1"),
            "x": x,
            "ok": chance.random(len(day)) < 0.9,
            "queue": chance.choice(["a", "b"], len(day)),
        }
    )


def rules(**changes: Any) -> dict[str, Any]:
    return {
        "baseline": "v1",
        "candidate": "v2",
        "start": START.isoformat(),
        "metrics": {
            "ok": {"kind": "proportion", "column": "ok"},
            "p95": {"kind": "quantile", "column": "x", "q": 0.95, "better": "lower"},
        },
        "kpi": {"weights": {"ok": 1}, "margin": "5pp"},
        "guardrails": {"p95": {"margin": "30%"}},
        "rollback": {"p95": {"worse_by": 1, "expect": 6}},
        "segments": {"by": ["queue"], "guardrails": {"p95": {"margin": "50%"}}},
        "phases": [{"traffic": "30%", "go": "non_inferior", "require": ["p95"]}, {"traffic": "100%"}],
        "exposure": [{"from": START.isoformat(), "traffic": "30%"}],
        **changes,
    }


def look(frame: pd.DataFrame, as_of: str = "2026-02-02", **changes: Any) -> Decision:
    return rampgate.check(rules(**changes), events=frame, as_of=as_of, ledger=None)


def row(decision: Decision, segment: str | None = None) -> Estimate:
    return next(m for m in decision.metrics if m.name == "p95" and m.group.value == segment)


def of(
    x: np.ndarray,
    day: np.ndarray,
    arm: np.ndarray,
    q: float,
    better: Literal["higher", "lower"] = "lower",
    sign: int = 1,
) -> Quantiles:
    """All of a run; ``sign`` -1 mirrors the values."""
    bins = bin_of(x) if sign == 1 else -bin_of(x)
    run = Binned(int(day.max()) + 1, (Counts(2 * day + arm, bins, np.ones(len(x))),))
    nothing = np.zeros(0, dtype=np.int64)
    past = Binned(0, (Counts(nothing, nothing, np.zeros(0)),))
    return Quantiles.of("m", Quantile(kind="quantile", column="x", q=q, better=better), past, run)


@given(st.floats(-1e9, 1e9), st.booleans())
def test_an_edge_lies_on_the_side_asked_for_and_is_found_again(value: float, beyond: bool) -> None:
    place = BINS.place(value, beyond)
    edge = float(BINS.upper(np.array([place]))[0])
    slack = 1e-6 * abs(value) + 1e-99
    assert edge >= value - slack if beyond else edge <= value + slack
    assert abs(edge - value) <= 2.1 * RELATIVE_ERROR * abs(value) + 1e-99
    assert BINS.place(edge, beyond) == BINS.place(edge, not beyond)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([0.1, 0.5, 0.9, 0.95]))
def test_quantiles_are_those_of_numpy_within_the_stated_error(seed: int, q: float) -> None:
    chance = np.random.default_rng(seed)
    n = int(chance.integers(5, 400))
    x, arm = chance.lognormal(0, 2, n), chance.integers(0, 2, n)
    arm[:2] = (0, 1)
    found = of(x, np.zeros(n, dtype=int), arm, q).heights(0).raw(np.ones(1))
    for got, side in zip(found, (0, 1), strict=True):
        # numpy's inverted_cdf: the smallest value with at least that share at or below it, as here.
        wanted = np.quantile(x[arm == side], q, method="inverted_cdf")
        assert got == pytest.approx(wanted, rel=RELATIVE_ERROR * 1.01)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_higher_is_the_mirror_of_lower(seed: int) -> None:
    """What is bad above T is, of negated values, bad below -T: the same counts, thresholds and shares."""
    chance = np.random.default_rng(seed)
    n = 800
    x, day, arm = chance.lognormal(0, 1, n), np.sort(chance.integers(0, 12, n)), chance.integers(0, 2, n)
    one, other = of(x, day, arm, 0.901), of(x, day, arm, 0.099, "higher", sign=-1)
    assert one.first == other.first
    assert one.values() == pytest.approx(-other.values(), rel=1e-9)
    for harm in (0.0, 0.3):
        a, b = one.beyond(harm), other.beyond(harm)
        assert np.array_equal(a.y_c, b.y_c)
        assert np.array_equal(a.y_b, b.y_b)
    assert one.expected(Margin(0.5)) == pytest.approx(other.expected(Margin(0.5)), abs=1e-12)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.0, 5.0), st.floats(0.0, 5.0))
def test_more_tolerance_is_never_more_harm(seed: int, one: float, other: float) -> None:
    found = draw(Kind(per_day=30), np.random.default_rng(seed))[0]
    small, large = (found.beyond(harm).y_c for harm in sorted((one, other)))
    assert (large <= small).all()


def test_the_edge_is_the_cautious_one_in_both_directions() -> None:
    """A rollback asks for more than the margin, a proof for less."""
    found = draw(Kind(), np.random.default_rng(1))[0]
    for above in (True, False):
        side = Quantiles(found.bins, found.q, above, found.run, found.threshold, found.first, found.reference)
        exact = side.values() + (1.234 if above else -1.234)
        far, near = (found.bins.upper(np.array(side.edges(np.array([1.234]), c))) for c in (True, False))
        assert (far >= exact) == above
        assert (near <= exact) == above


@pytest.mark.parametrize("history", [True, False])
def test_the_threshold_never_moves_once_the_run_has_begun(history: bool) -> None:
    frame = tickets(days=20, history=20 if history else 0)
    late = {"metrics": {**rules()["metrics"], "p95": {**rules()["metrics"]["p95"], "matures_after": "72h"}}}
    policy = rampgate.load_policy(rules(**late))
    seen = []
    for end in (12, 16, 20):
        as_of = (pd.Timestamp(START) + pd.Timedelta(days=end)).isoformat()
        part = frame[frame.time < as_of]
        case = _case(policy, part, as_of)
        seen.append((case.data.quantiles["p95"].threshold.tolist(), case.data.quantiles["p95"].first))
    assert seen[0] == seen[1] == seen[2]
    assert (seen[0][1] == 0) == history


def _case(policy: rampgate.Policy, frame: pd.DataFrame, as_of: str) -> Any:
    engine = open_engine(frame)
    try:
        return read_case(policy, engine, State(candidate="v2"), parse_moment(as_of, policy.zone))
    finally:
        engine.close()


def test_pilot_periods_count_for_nothing_and_the_gate_says_so() -> None:
    frame = tickets(history=0, slower=3.0)
    early = look(frame, "2026-01-08")
    [reason] = [r for r in early.reasons if r.metric == "p95"]
    assert (early.decision, reason.code, reason.verdict) == ("hold", "too_little_data", "NO_DATA")
    assert "400 known units" in reason.message
    assert "300 are there" in reason.message
    case = _case(rampgate.load_policy(rules()), frame, "2026-02-02")
    first = case.data.quantiles["p95"].first
    assert first == 4 == int(np.ceil(units_needed(0.95) / 100))
    assert not case.data.contrast("p95").weight[0, :first].any()
    assert case.data.contrast("p95").weight[0, first:].all()
    assert look(frame).decision == "rollback"


def test_slower_is_rolled_back_and_told_in_its_own_unit() -> None:
    frame = tickets(slower=1.8)
    decision = look(frame)
    assert decision.decision == "rollback"
    [reason] = [r for r in decision.reasons if r.code == "rollback"]
    criterion = next(c for c in decision.criteria if c.id == "rollback:p95")
    assert "points" not in reason.message
    # The true difference is 0.8 times exp(1 + 1.645), that is 11.3; the onset is chosen where it looks worst.
    assert criterion.effect_since_onset is not None
    assert 6 < criterion.effect_since_onset < 20
    found = row(decision)
    assert found.lower is not None
    assert found.upper is not None
    assert found.candidate is not None
    assert found.baseline is not None
    assert found.lower < 0.8 * np.exp(1 + 1.645) < found.upper
    assert found.candidate - found.baseline == pytest.approx(found.difference, abs=1e-6)
    run = frame[frame.time >= pd.Timestamp(START)]
    for arm, raw in (("v1", found.raw_baseline), ("v2", found.raw_candidate)):
        wanted = np.quantile(run.x[run.variant == arm], 0.95, method="inverted_cdf")
        assert raw == pytest.approx(wanted, rel=RELATIVE_ERROR * 1.01)


def test_higher_is_better_harms_downwards() -> None:
    metrics = {**rules()["metrics"], "p95": {"kind": "quantile", "column": "x", "q": 0.1, "better": "higher"}}
    rollback = {"p95": {"worse_by": "10%", "expect": "30%"}}
    assert look(tickets(slower=0.4), metrics=metrics, rollback=rollback).decision == "rollback"
    better = look(tickets(slower=3.0), metrics=metrics, rollback=rollback)
    assert next(c for c in better.criteria if c.id == "rollback:p95").verdict == "INCONCLUSIVE"
    assert next(c for c in better.criteria if c.id == "guardrail:p95").verdict == "PASS"


def test_values_that_are_all_equal_can_get_worse() -> None:
    frame = tickets()
    frame["x"] = np.where((frame.variant == "v2") & (frame.unit % 2 == 0), 11.0, 10.0)
    assert look(frame, rollback={"p95": {"worse_by": 0}}).decision == "rollback"


def test_a_decision_is_recomputed_from_its_record(tmp_path: Path) -> None:
    frame, book = tickets(slower=1.2), Ledger.open(tmp_path / "l.db")
    for as_of in ("2026-01-12", "2026-01-26"):
        decision = rampgate.check(rules(), events=frame, as_of=as_of, ledger=book)
    last = book.last("rollout")
    assert last is not None
    assert recompute(last, book).content() == decision.content()


def test_replay_and_the_bare_look_agree() -> None:
    frame = tickets(slower=1.1)
    last = rampgate.replay(rules(), events=frame, end="2026-02-02")[-1]
    once = look(frame)
    mine = [c.to_dict() for c in once.criteria if c.metric == "p95" and c.kind == "rollback"]
    assert mine == [c.to_dict() for c in last.criteria if c.metric == "p95" and c.kind == "rollback"]


def test_units_of_the_draws_are_those_of_the_design() -> None:
    found, x, day, candidate = draw(Kind(), np.random.default_rng(2))
    assert found.first == 0
    assert found.run.periods == DAYS
    share = float((x[day < 0] > found.values()[0]).mean())
    assert day.min() == -HISTORY
    assert not candidate[day < 0].any()
    assert share == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("history", [True, False])
def test_rows_that_come_late_move_no_threshold_that_units_were_compared_by(tmp_path: Path, history: bool) -> None:
    frame, book = tickets(history=20 if history else 0), Ledger.open(tmp_path / "l.db")
    until = "2026-01-12"
    rampgate.check(rules(), events=frame[frame.time < until], as_of=until, ledger=book)
    first = book.last("rollout")
    assert first is not None
    kept = first.state()["thresholds"]
    # A tenth more rows of the time that the threshold was taken from, all of them far beyond it.
    begin = pd.Timestamp(START) - pd.Timedelta(days=20 if history else 0)
    late = frame[(frame.time >= begin) & (frame.time < begin + pd.Timedelta(days=4))].copy()
    more = pd.concat([frame, late.assign(unit=late.unit + 10**6, x=1000.0, variant="v1" if history else late.variant)])
    rampgate.check(rules(), events=more, as_of="2026-01-26", ledger=book)
    second = book.last("rollout")
    assert second is not None
    assert second.state()["thresholds"] == kept
    used = case_of(second.entry()["inputs"], book).data.quantiles["p95"]
    bare = _case(rampgate.load_policy(rules()), more, "2026-01-26").data.quantiles["p95"]
    assert used.threshold[0] == next(end for column, _, end in next(iter(kept.values()))["ends"] if column is None)
    assert used.threshold[0] < bare.threshold[0]  # what a look without memory would take
    assert used.first == (0 if history else 4)
    assert recompute(second, book).to_dict()["criteria"] == second.entry()["decision"]["criteria"]


def test_another_quantile_of_the_same_column_has_another_threshold(tmp_path: Path) -> None:
    frame, book = tickets(), Ledger.open(tmp_path / "l.db")
    rampgate.check(rules(), events=frame, as_of="2026-01-12", ledger=book)
    half = rules()
    half["metrics"]["p95"]["q"] = 0.5
    rampgate.check(half, events=frame, as_of="2026-01-26", ledger=book)
    last = book.last("rollout")
    assert last is not None
    assert sorted(last.state()["thresholds"]) == ["x 0.5 lower", "x 0.95 lower"]


def test_a_quantile_that_cannot_be_counted_stops_no_other_criterion(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = tickets()
    frame["ok"] = np.where(frame.variant == "v2", np.arange(len(frame)) % 2 == 0, frame.ok)
    monkeypatch.setattr(Quantiles, "of", lambda *_: 1 / 0)
    decision = look(frame, rollback={"ok": {"worse_by": "1pp"}, "p95": {"worse_by": 1, "expect": 6}})
    assert decision.decision == "rollback"
    verdicts = {c.id: (c.verdict, c.message) for c in decision.criteria}
    assert verdicts["rollback:ok"][0] == "FAIL"
    assert verdicts["rollback:p95"][0] == "ERROR"
    assert "division by zero" in str(verdicts["rollback:p95"][1])
    # And where nothing is harmful, the gate holds.
    quiet = look(tickets())
    assert quiet.decision == "hold"
    assert "error" in {r.code for r in quiet.reasons}


def test_while_a_pilot_runs_the_gate_says_when_it_should_be_over() -> None:
    early = look(tickets(history=0), "2026-01-08")
    [wait] = [w for w in early.waiting_for if "threshold of p95" in w.what]
    assert wait.what == "400 known units, which fix the threshold of p95"
    assert wait.expected_at is not None
    # 300 of 400 are there, at 100 a day.
    assert wait.expected_at.date().isoformat() == "2026-01-09"
    told = forecast(_case(rampgate.load_policy(rules()), tickets(history=0), "2026-01-08"), _state())
    assert told.phases[0].leaves_at is not None
    after = look(tickets(history=0), "2026-01-10")
    assert "threshold of p95" not in " ".join(w.what for w in after.waiting_for)


def _state() -> State:
    case = _case(rampgate.load_policy(rules()), tickets(history=0), "2026-01-08")
    return after(case.state, judge(case), None)
