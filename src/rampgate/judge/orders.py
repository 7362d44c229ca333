"""How a person's decision moves a rollout, and what the judge makes of those in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from rampgate.aggregate.marginals import OVERALL
from rampgate.judge.decision import FAIL, PASS, Reason, Waiting
from rampgate.judge.gate import Demand
from rampgate.judge.order import GO, HOLD, RESUME, ROLLBACK, Order, Unheeded
from rampgate.judge.state import COMPLETED, ROLLED_BACK, RUNNING, State
from rampgate.policy import Policy


def ordered(state: State, order: Order, policy: Policy) -> State:
    """Where a rollout stands after a person's decision; the same one signed by another person is one decision.

    Parameters
    ----------
    order : with one name, that of who signs now
    policy : that of the last look
    """
    whole = _joined(state, order)
    others = tuple(one for one in state.orders if one.decision != whole.decision or one.in_force)
    moved = replace(state, orders=(*others, whole))
    if not whole.in_force:
        return moved
    free = tuple(one for one in moved.orders if one.decision != HOLD)
    if whole.decision == HOLD:
        return moved
    if whole.decision == ROLLBACK:
        return replace(moved, status=ROLLED_BACK, rolled_back_at=whole.as_of)
    if whole.decision == RESUME and state.status != ROLLED_BACK:
        return replace(moved, orders=tuple(one for one in free if one != whole))
    if whole.decision == RESUME:
        # What is seen from the next day on is the new attempt's; a day that was begun is of both.
        day = whole.as_of.astimezone(policy.zone).date() + timedelta(days=1)
        return State(attempt=state.attempt + 1, candidate=state.candidate, start=day, orders=(whole,))
    if state.status == ROLLED_BACK:
        phases = (*state.phases, (state.phase, whole.as_of))
        return replace(moved, orders=free, status=RUNNING, rolled_back_at=None, phases=phases)
    if state.phase >= len(policy.phases):
        return replace(moved, orders=free, status=COMPLETED)
    traffic = policy.phases[state.phase].traffic
    return replace(moved, orders=free, phases=(*state.phases, (state.phase + 1, whole.as_of)), traffic=traffic)


def next_candidate(state: State, candidate: str) -> State:
    """The beginning of another candidate's attempt: of the one before it only a person's hold is left."""
    held = tuple(one for one in state.orders if one.decision == HOLD)
    return State(attempt=state.attempt + 1, candidate=candidate, orders=held)


def _joined(state: State, order: Order) -> Order:
    """The order with the names of those who signed the same before it."""
    for one in state.orders:
        if not one.in_force and (one.decision, one.past, one.needed) == (order.decision, order.past, order.needed):
            return replace(order, by=(*one.by, *order.by), because=(*one.because, *order.because))
    return order


def set_aside(state: State) -> dict[str, Order]:
    """Rollback criteria that people went on past, by their id."""
    return {name: one for one in state.orders if one.decision == GO and one.gap and one.in_force for name in one.past}


def still_rolling_back(state: State, reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Reasons to roll back but those of criteria that people went on past."""
    aside = set_aside(state)
    return tuple(reason for reason in reasons if _id(reason) not in aside)


def gone_past(state: State, reasons: Sequence[Reason]) -> list[Reason]:
    """What people went on past, said at every later look: red where it was a rollback.

    Parameters
    ----------
    reasons : those to roll back, set aside or not
    """
    now = {_id(reason): reason.message for reason in reasons}
    out = []
    for order in state.orders:
        if order.decision == GO and order.gap and order.in_force:
            for name in order.past or ("a person's rollback",):
                text = f"the rollout goes on past {name} by {order.told}; {now.get(name, order.seen)}"
                out.append(Reason("decided_by_person", FAIL, text))
    for order in state.orders:
        if order.decision == GO and not order.in_force:
            text = f"{len(order.by)} of {order.needed} agreed to go on past the rollback: {order.told}"
            out.append(Reason("decided_by_person", PASS, text))
        elif order.decision == GO and not order.gap:
            codes = ", ".join(order.past) or "nothing but a person's hold"
            out.append(Reason("decided_by_person", PASS, f"gone on past a hold ({codes}) by {order.told}"))
        elif order.decision == RESUME:
            text = f"attempt {state.attempt} was begun by {order.told}; the one before was rolled back: {order.seen}"
            out.append(Reason("decided_by_person", PASS, text))
    return out


def held(state: State) -> list[Demand]:
    """What a person's hold waits for."""
    return [
        Demand(
            Reason("decided_by_person", FAIL, f"held by {one.told}; `rampgate resume` lets the gate decide again"),
            Waiting("a person to resume", None),
        )
        for one in state.orders
        if one.decision == HOLD
    ]


def uncertain(unheeded: Sequence[Unheeded]) -> list[Demand]:
    """What is not known to be a person's word is not obeyed, and nothing goes on while it stands there."""
    return [
        Demand(Reason("decided_by_person", FAIL, one.why), Waiting("a record of people that can be checked", None))
        for one in unheeded
    ]


def without(state: State, decision: str, person: str, because: str) -> State:
    """A state without what people went on past with the help of somebody whose word it was not."""
    kept = tuple(
        one
        for one in state.orders
        if not (one.decision == decision == GO and (person, because) in zip(one.by, one.because, strict=True))
    )
    return replace(state, orders=kept)


def rolled_back_by(state: State) -> Order | None:
    """The person's decision that rolled back, if it was one."""
    mine = [one for one in state.orders if one.decision == ROLLBACK and one.as_of == state.rolled_back_at]
    return mine[-1] if mine else None


def _id(reason: Reason) -> str:
    if reason.code == "drift":
        return drift_id(str(reason.metric))
    return f"rollback:{reason.metric}" + ("" if reason.group == OVERALL else f"@{reason.group}")


def drift_id(name: str) -> str:
    """What people go on past where drift of a column rolled back."""
    return f"rollback:drift:{name}"
