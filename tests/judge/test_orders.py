"""What people decide, as values: reading back, and what each does to the state."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from tests.rollout.tables import POLICY

from rampgate.aggregate.marginals import Group
from rampgate.judge.decision import FAIL, Reason
from rampgate.judge.order import GO, HOLD, RESUME, ROLLBACK, Order
from rampgate.judge.orders import gone_past, held, next_candidate, ordered, rolled_back_by, still_rolling_back
from rampgate.judge.state import COMPLETED, ROLLED_BACK, RUNNING, State
from rampgate.policy import load_policy

RULES = load_policy(POLICY)
FIRST, NOW = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 12, tzinfo=UTC)
STATE = State(candidate="v2", start=date(2026, 1, 5), phases=((1, FIRST),), traffic=0.3)
BACK = State(
    candidate="v2", start=date(2026, 1, 5), phases=((1, FIRST),), status=ROLLED_BACK, rolled_back_at=NOW, traffic=0.3
)


def order(decision: str, *by: str, **more: object) -> Order:
    return Order(decision, by or ("lee",), NOW, ("so it is",) * len(by or ("lee",)), **more)  # type: ignore[arg-type]


def test_a_state_without_orders_has_the_bytes_that_it_always_had() -> None:
    assert "orders" not in STATE.to_dict()
    for one in (order(HOLD), order(GO, "lee", "sam", past=("rollback:kpi",), needed=2, seen="worse", gap=FIRST)):
        state = State(candidate="v2", orders=(one,))
        assert State.from_dict(state.to_dict()) == state


def test_each_decision_moves_the_state_as_it_says() -> None:
    held_now = ordered(STATE, order(HOLD), RULES)
    assert (held_now.phase, held_now.status, len(held(held_now))) == (1, RUNNING, 1)
    assert held(ordered(held_now, order(RESUME), RULES)) == []
    assert next_candidate(held_now, "v3") == State(attempt=2, candidate="v3", orders=held_now.orders)
    gone = ordered(held_now, order(GO, past=("minimum_units",)), RULES)
    assert (gone.phases[-1], gone.traffic, held(gone)) == ((2, NOW), 0.5, [])
    back = ordered(STATE, order(ROLLBACK), RULES)
    assert (back.status, back.rolled_back_at, rolled_back_by(back)) == (ROLLED_BACK, NOW, order(ROLLBACK))
    again = ordered(BACK, order(RESUME, seen="worse"), RULES)
    assert (again.attempt, again.start, again.phases, again.status) == (2, date(2026, 1, 13), (), RUNNING)
    last = State(candidate="v2", phases=((3, FIRST),), traffic=1.0)
    assert ordered(last, order(GO), RULES).status == COMPLETED


def test_going_past_a_rollback_waits_for_every_name() -> None:
    past = {"past": ("rollback:override",), "needed": 2, "seen": "worse", "gap": NOW}
    one = ordered(BACK, order(GO, "lee", **past), RULES)
    assert (one.status, one.orders[0].in_force) == (ROLLED_BACK, False)
    two = ordered(one, order(GO, "sam", **past), RULES)
    assert (two.status, two.orders[0].by, two.phases[-1]) == (RUNNING, ("lee", "sam"), (1, NOW))
    # What would be gone past is another thing now: nobody has agreed to that yet.
    other = ordered(one, order(GO, "sam", **{**past, "past": ("rollback:kpi",)}), RULES)
    assert [found.by for found in other.orders] == [("sam",)]


@pytest.mark.parametrize("group", [None, Group("queue", "mail")])
def test_only_what_is_named_is_set_aside(group: Group | None) -> None:
    where = {} if group is None else {"group": group}
    reason = Reason("rollback", FAIL, "override is worse", "override", **where)
    name = "rollback:override" if group is None else "rollback:override@queue=mail"
    aside = ordered(BACK, order(GO, past=(name,), seen="worse", gap=NOW), RULES)
    others = [
        Reason("rollback", FAIL, "the KPI is worse", "kpi"),
        Reason("rollback", FAIL, "override is worse", "override", Group("queue", "desk")),
    ]
    assert still_rolling_back(aside, [reason, *others]) == tuple(others)
    [said] = gone_past(aside, [reason, *others])
    assert (said.code, said.verdict) == ("decided_by_person", FAIL)
    assert said.message == f"the rollout goes on past {name} by lee on 2026-01-12: so it is; override is worse"
    assert still_rolling_back(STATE, [reason]) == (reason,)
