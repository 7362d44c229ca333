"""Segment columns of very many values: what is told apart, that it stays so, and that the rest is counted and said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rollout.tables import POLICY, tickets

import rampgate
from rampgate.aggregate.moments import OTHERS, UNKNOWN
from rampgate.aggregate.read import Reading, read
from rampgate.aggregate.store import Store
from rampgate.ledger import Ledger
from rampgate.policy import load_policy
from rampgate.rollout.verify import verify_ledger
from rampgate.simulation.baseline import from_source
from rampgate.source import open_engine

START = date(2026, 1, 5)


def table(customers: int = 60, days: int = 12, per_day: int = 150, seed: int = 1, **more: Any) -> pd.DataFrame:
    """Tickets of customers, some of whom are large; on day d the first ``10 + 5 d`` of them are there."""
    frame = tickets(days=days, per_day=per_day, seed=seed, **more)
    chance = np.random.default_rng(seed + 1000)
    day = (frame.opened_at - pd.Timestamp(START)).dt.days.to_numpy()
    place = (chance.random(len(frame)) ** 2 * np.minimum(customers, 10 + 5 * day)).astype(int)
    return frame.assign(customer=[f"c{i:03d}" for i in place])


def rules(values: int | None = 8, by: tuple[str, ...] = ("customer", "queue"), **more: Any) -> dict[str, Any]:
    bound = {} if values is None else {"values": values}
    segments = {"by": list(by), "guardrails": {"override": {"margin": "10pp"}}, "minimum_units": 5, **bound, **more}
    return {**POLICY, "start": START, "segments": segments}


def reading(frame: pd.DataFrame, days: int, apart: Any = None, **more: Any) -> Reading:
    look = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=days)
    return read(load_policy(rules(**more)), open_engine(frame), (), look, START, apart=apart)


def values(found: Reading, column: str = "customer") -> set[str]:
    return set(found.cells.coded[found.cells.segments.index(column)][0])


def test_a_column_within_the_bound_is_as_it_was() -> None:
    frame = table()
    wide, exact = reading(frame, 9, values=None), reading(frame, 9, values=frame.customer.nunique())
    assert wide.apart == exact.apart == {}
    assert wide.intake == exact.intake
    assert wide.intake.merged == ()
    assert wide.cells.values == exact.cells.values
    assert wide.cells.digest == exact.cells.digest


def test_the_rest_is_one_value_and_nothing_is_lost() -> None:
    frame = table()
    every, found = reading(frame, 9, values=None), reading(frame, 9)
    chosen = found.apart["customer"]
    assert len(chosen) == 8
    assert values(found) == {*chosen, OTHERS}
    assert found.intake.merged == (("customer", len(values(every)) - 8),)
    first = frame[frame.opened_at < pd.Timestamp(START) + pd.Timedelta(days=1)]
    assert set(chosen) == set(first.customer.value_counts().index[:8])
    for reading_ in (every, found):
        assert reading_.cells.n.sum() == (frame.opened_at < pd.Timestamp("2026-01-14")).sum()
    assert len(found.cells.n) <= 9 * 2 * 9 * 3
    queue = [reading_.cells.n[reading_.cells.coded[1][1] == 0].sum() for reading_ in (every, found)]
    assert queue[0] == queue[1]


def test_nothing_and_the_others_are_values_like_any() -> None:
    frame = table()
    frame.loc[frame.index % 2 == 0, "customer"] = None
    frame.loc[frame.index % 5 == 0, "customer"] = OTHERS  # a customer of that name is one of them
    found = reading(frame, 9, values=3)
    assert UNKNOWN in found.apart["customer"]
    assert values(found) <= {*found.apart["customer"], OTHERS}


@given(seed=st.integers(0, 50), bound=st.integers(1, 70), first=st.integers(1, 11))
@settings(max_examples=15, deadline=None)
def test_what_was_chosen_stays_and_an_early_look_chooses_as_a_late_one(seed: int, bound: int, first: int) -> None:
    frame = table(seed=seed, per_day=60)
    apart: Any = None
    for days in (first, (first + 12) // 2, 12):
        found = reading(frame, days, apart, values=bound)
        for name, chosen in found.apart.items():
            assert chosen[: len((apart or {}).get(name, ()))] == (apart or {}).get(name, ())
        apart = found.apart
    assert {name: set(chosen) for name, chosen in apart.items()} == {
        name: set(chosen) for name, chosen in reading(frame, 12, values=bound).apart.items()
    }


def test_outcomes_choose_nothing() -> None:
    frame = table()
    other = frame.assign(right=~frame.right, override=~frame.override)
    assert reading(frame, 9).apart == reading(other, 9).apart


def test_a_value_that_found_no_room_gets_none_later() -> None:
    frame = table()
    early = reading(frame, 2)
    late = frame.assign(customer=np.where(frame.opened_at > "2026-01-10", "newcomer", frame.customer))
    assert "newcomer" not in reading(late, 12, early.apart).apart["customer"]


def test_columns_that_would_be_too_many_combinations_are_left_out() -> None:
    frame, by = table(), ("queue", "customer")
    for most in (40, 160):  # the first day has 10 customers in 3 queues, and no day more than 150 rows
        assert reading(frame, 9, values=None, by=by, combinations=most).apart == {}
    found = reading(frame, 9, values=None, by=by, combinations=20)
    assert found.cells.segments == ("queue",)
    assert found.apart == {"customer": ()}
    assert found.intake.merged == (("customer", len(set(frame[frame.opened_at < "2026-01-14"].customer))),)
    later = reading(frame, 12, found.apart, values=None, by=by, combinations=100_000)
    assert later.cells.segments == ("queue",)
    # Only the first look leaves columns out: weights of what is judged would change with those that are.
    assert reading(frame, 12, {}, values=None, by=by, combinations=20).cells.segments == by


def test_looks_hold_what_was_chosen_and_are_judged_again(tmp_path: Path) -> None:
    frame, book = table(), Ledger.open(tmp_path / "rampgate.db")
    looked = []
    for day in range(1, 12):
        as_of = START + timedelta(days=day)
        looked.append(rampgate.check(rules(), events=frame, as_of=as_of, ledger=book))
    replayed = rampgate.replay(rules(), events=frame, end=START + timedelta(days=11))
    for mine, theirs in zip(looked, replayed, strict=True):
        assert [c.id for c in mine.criteria] == [c.id for c in theirs.criteria]
        # Recorded numbers have ten digits.
        assert [c.e_value for c in mine.criteria] == pytest.approx([c.e_value for c in theirs.criteria], rel=1e-9)
    assert verify_ledger(book).ok
    told = [health for health in looked[-1].health if "values of customer not checked" in health.message]
    assert [health.verdict for health in told] == ["INCONCLUSIVE"]
    assert f"judged as one, {OTHERS}; raise segments.values, which is 8" in told[0].message
    judged = {c.group.value for c in looked[-1].criteria if c.group.column == "customer"}
    assert OTHERS in judged
    assert len(judged) == 9
    assert not [reason for decision in looked for reason in decision.reasons if reason.code == "error"]
    assert "go" in {decision.decision for decision in looked}
    # To tell more apart moves units out of the others, and none of them is missed.
    wider = rampgate.check(rules(20), events=frame, as_of="2026-01-17", ledger=book)
    assert not [health for health in wider.health if "are gone" in health.message]
    assert len({c.group.value for c in wider.criteria if c.group.column == "customer"}) == 21


def test_a_source_in_parts_is_told_apart_as_one_piece(tmp_path: Path) -> None:
    frame, store, apart = table(), Store(tmp_path / "kept"), None
    for name, part in frame.groupby(frame.opened_at.dt.date):
        part.to_parquet(tmp_path / f"{name}.parquet")
    for days in (1, 3, 9, 9):
        look = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=days)
        engine = open_engine(str(tmp_path / "*.parquet"))
        found = read(load_policy(rules()), engine, (), look, START, store=store, apart=apart)
        whole = reading(frame, days, apart)
        assert (found.apart, found.intake) == (whole.apart, whole.intake)
        assert found.cells.values == whole.cells.values
        assert found.cells.n.tolist() == whole.cells.n.tolist()
        apart = found.apart


def _state(book: Ledger) -> Any:
    last = book.last("triage")
    assert last is not None
    return last.state()


@pytest.mark.parametrize("bound", [{}, {"combinations": 5}], ids=["values", "columns"])
def test_looks_before_the_launch_fix_nothing(tmp_path: Path, bound: dict[str, int]) -> None:
    frame = table(days=24)
    past = frame.opened_at < pd.Timestamp("2026-01-15")
    few = frame[past].groupby(frame.opened_at.dt.date).head(3).assign(version="v1")
    few["customer"] = [f"old {i % 7}" for i in range(len(few))]
    frame = pd.concat([few, frame[~past]])
    policy = {**rules(2, ("queue", "customer"), **bound), "start": date(2026, 1, 15)}
    criteria, states = [], []
    launched = ["2026-01-18", "2026-01-22"]
    for i, before in enumerate(([], ["2026-01-12"], ["2026-01-12", "2026-01-15"])):
        book = Ledger.open(tmp_path / f"{i}.db")
        for as_of in before:
            assert rampgate.check(policy, events=frame, as_of=as_of, ledger=book).decision == "hold"
            assert "apart" not in _state(book)
        decisions = [rampgate.check(policy, events=frame, as_of=as_of, ledger=book) for as_of in launched]
        criteria.append([one.content()["criteria"] for one in decisions])
        states.append(_state(book)["apart"])
        assert verify_ledger(book).ok
    assert states[0] == states[1] == states[2]
    assert not any(value.startswith("old") for value in states[0]["customer"])
    assert bool(states[0]["customer"]) == (not bound)
    assert criteria[0] == criteria[1] == criteria[2]


def test_what_is_not_judged_holds_and_harm_is_still_rolled_back() -> None:
    bound = rules(values=None, by=("queue", "customer"), combinations=20)
    held = rampgate.check(bound, events=table(), as_of="2026-01-14", ledger=None)
    assert held.decision == "hold"
    (reason,) = [reason for reason in held.reasons if reason.code == "error"]
    assert "segments by customer are not judged: with its" in reason.message
    assert "raise segments.combinations, or leave columns out of segments.by" in reason.message
    assert rampgate.check(rules(values=None), events=table(), as_of="2026-01-14", ledger=None).decision == "go"
    harmed = table(harm=0.5)
    assert rampgate.check(bound, events=harmed, as_of="2026-01-16", ledger=None).decision == "rollback"


def test_harm_among_the_others_is_found() -> None:
    frame = table(customers=60, days=20)
    small = ~frame.customer.isin(reading(frame, 9).apart["customer"])
    hit = small & (frame.version == "v2")
    frame.loc[hit, "override"] = np.random.default_rng(3).random(int(hit.sum())) < 0.7
    decision = rampgate.check(
        {**rules(), "rollback": {"right": {"worse_by": "1pp"}}}, events=frame, as_of="2026-01-24", ledger=None
    )
    assert decision.decision == "hold"
    assert {OTHERS} == {r.group.value for r in decision.reasons if r.code == "segment" and r.group.column == "customer"}


@pytest.mark.parametrize("values", [0, -1, 1.5])
def test_bounds_that_are_none(values: Any) -> None:
    with pytest.raises(rampgate.errors.PolicyError, match=r"segments\.values"):
        load_policy(rules(values))


@pytest.mark.parametrize(("by", "bound"), [(("customer", "queue"), {}), (("queue", "customer"), {"combinations": 20})])
def test_a_simulation_draws_from_the_values_that_are_told_apart(by: tuple[str, ...], bound: dict[str, int]) -> None:
    policy = load_policy({**rules(6, by, **bound), "start": date(2026, 2, 14)})
    baseline = from_source(policy, table(days=40))
    told = {group.value for group in baseline.groups if group.column == "customer"}
    assert len(told) == (0 if bound else 7)
    assert (OTHERS in told) == (not bound)
    assert rampgate.simulate(policy, events=table(days=40), rollouts=4, seed=1).scenarios


def test_what_drift_is_measured_from_is_bounded_too(tmp_path: Path) -> None:
    frame = table(days=40).assign(score=lambda rows: np.random.default_rng(5).normal(size=len(rows)))
    frame.to_parquet(tmp_path / "reference.parquet")
    for reference in (None, {"file": str(tmp_path / "reference.parquet")}):
        drift = {"columns": {"score": {"psi": 0.2}}, **({"reference": reference} if reference else {})}
        policy = load_policy({**rules(6), "start": date(2026, 2, 2), "drift": drift})
        look = datetime(2026, 2, 12, tzinfo=UTC)
        found = read(policy, open_engine(frame), (), look, date(2026, 2, 2), drift={})
        held = set(found.drift["score"].segments["customer"])
        assert held == {*found.apart["customer"], OTHERS}
