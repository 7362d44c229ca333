"""What a person may decide where a rollout stands, and where what they decided leaves it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rampgate.errors import RampgateError, UsageError
from rampgate.judge.decision import FAIL, PASS, ROLLBACK
from rampgate.judge.drifted import ONE_CANDIDATE
from rampgate.judge.order import GO, HOLD, RESUME, Order, Unheeded
from rampgate.judge.orders import drift_id, ordered, rolled_back_by, without
from rampgate.judge.state import COMPLETED, ROLLED_BACK, State
from rampgate.ledger import Record
from rampgate.policy import Policy
from rampgate.rollout.approvals import expired
from rampgate.rollout.known import Known
from rampgate.rollout.looks import look_at
from rampgate.rollout.signed import HUMAN


@dataclass(frozen=True)
class Stands:
    """Where a rollout stands, by the gate's last look and the decisions of people that are theirs."""

    state: State
    unheeded: tuple[Unheeded, ...] = ()


def heed(
    look: Record,
    records: Iterable[Record],
    known: Known,
    latest: Callable[[Record], datetime | None],
    read: Callable[[str], bytes],
) -> Stands:
    """Where people left a rollout after a look; whose word cannot be held against their keys is not obeyed.

    What such a record says of the state counts for nothing: it is derived from what was signed. Where no keys are
    known, what stops the rollout is obeyed and nothing else.

    Parameters
    ----------
    records : of the rollout, in order; only the decisions of people among them count
    latest : as for `Known.disbelieves`
    read : SHA-256 -> bytes of a document
    """
    state = State.from_dict(look.state())
    policy = policy_of(look, read)
    unheeded: list[Unheeded] = []
    decided = False
    for record in (one for one in records if one.kind == HUMAN):
        fresh = record.sequence > look.sequence
        if not fresh and record.attempt != look.attempt:
            continue
        decided, why = True, known.disbelieves(record, latest)
        said = record.entry().get("statement", {})
        if why is not None and not fresh:
            state = without(state, *(str(said.get(key)) for key in ("decision", "person", "because")))
        if why is None and fresh:
            state, why = _obey(state, said, look, policy, known)
        if why is not None:
            unheeded.append(Unheeded(record.sha256, _told(record, said, why)))
    if decided and known.problem is not None:
        unheeded.append(Unheeded("", f"what people decided in this attempt cannot be checked: {known.problem}"))
    return Stands(state, tuple(unheeded))


def _obey(
    state: State, said: Mapping[str, Any], look: Record, policy: Policy, known: Known
) -> tuple[State, str | None]:
    """The state after a decision that is a person's, or the same state and why not."""
    if known.people is None and said["decision"] in (GO, RESUME):
        return state, known.problem
    try:
        return ordered(state, order_of(said, state, look, policy), policy), None
    except (RampgateError, LookupError, TypeError, ValueError) as error:
        what = error.what if isinstance(error, RampgateError) else f"{type(error).__name__}: {error}"
        return state, f"it could not be decided where it stands: {what}"


def _told(record: Record, said: Mapping[str, Any], why: str) -> str:
    return (
        f"the decision {said.get('decision')!r} of {said.get('person')!r} in record {record.sequence} is not obeyed: "
        f"{why}; `rampgate verify` names what was altered; if only the key is gone, put it back with the day on which "
        "it was retired"
    )


def policy_of(decision: Record, read: Any) -> Policy:
    """The policy that the last look was judged by.

    Parameters
    ----------
    read : SHA-256 -> bytes of a document
    """
    return Policy.from_canonical(json.loads(read(decision.entry()["inputs"]["policy"])))


def order_of(said: Mapping[str, Any], state: State, before: Record, policy: Policy) -> Order:
    """The order that a statement amounts to, where the rollout stands.

    Parameters
    ----------
    said : decision, because, as_of and person
    before : the last look

    Raises
    ------
    UsageError
        It cannot be decided here, or not by this person.
    """
    decision, person, as_of = said["decision"], said["person"], datetime.fromisoformat(said["as_of"])
    looked = datetime.fromisoformat(before.entry()["inputs"]["as_of"])
    latest = max([looked, *(order.as_of for order in state.orders)])
    if as_of < latest:
        what = f"{as_of.isoformat()} is before what was decided last, {latest.isoformat()}"
        raise UsageError(what, where="--as-of", remedy="leave it out, or give a later moment")
    order = Order(decision, (person,), as_of, (said["because"],))
    last = before.entry()["decision"]
    if decision == HOLD:
        return _hold(order, state)
    if decision == ROLLBACK:
        _demand(state.status != ROLLED_BACK, "the rollout is rolled back already", "nothing is left to decide")
        return order
    _refuse_author(person, policy)
    if decision == RESUME:
        return _resume(order, state, last)
    _approved_still(last, policy, as_of)
    if state.status == ROLLED_BACK:
        return _past_rollback(order, state, last, policy)
    found = _go(order, state, last)
    newest, seen = look_at(policy, as_of), datetime.fromisoformat(before.entry()["inputs"]["look"])
    what = f"the gate last looked at what was known on {seen:%Y-%m-%d}, and since then more is"
    _demand(newest <= seen, what, "look with `rampgate check` first, and decide on what it says")
    return found


def _approved_still(last: Mapping[str, Any], policy: Policy, as_of: datetime) -> None:
    """Nothing goes on by approvals that have expired since the last look."""
    approval = last.get("approval")
    if policy.approval is not None and approval is not None and not approval["problem"]:
        problem = expired(policy.approval, [one["at"] for one in approval["by"]], policy, as_of)
        _demand(problem is None, str(problem), "let it be approved again, look with `rampgate check`, and decide")


def _hold(order: Order, state: State) -> Order:
    _demand(state.status != ROLLED_BACK, "the rollout is rolled back, which is more than to hold", "leave it so")
    again = any(one.decision == HOLD for one in state.orders)
    _demand(not again, "the rollout is held by a person already", "`rampgate resume` lets the gate decide again")
    return order


def _go(order: Order, state: State, last: Mapping[str, Any]) -> Order:
    """To go on past a hold: one phase, whatever held it, but not past a missing approval."""
    codes = tuple(dict.fromkeys(r["code"] for r in last["reasons"] if r["verdict"] != PASS))
    unapproved = (last.get("approval") or {}).get("problem")
    _demand(not unapproved, "the policy is not approved, which no single person can go past", "let it be approved")
    unreviewed = "a review of an earlier attempt is not closed, which no single person can go past"
    _demand("open_review" not in codes, unreviewed, "let it be closed; see `rampgate incident list`")
    _demand(state.status != COMPLETED, "the rollout is complete", "nothing is left to go on to")
    here = last["decision"] == HOLD and last["phase"]["index"] == state.phase
    remedy = "look with `rampgate check` first; what only a person holds is lifted by `rampgate resume`"
    _demand(here, "the gate does not hold this phase", remedy)
    return Order(order.decision, order.by, order.as_of, order.because, codes)


def _past_rollback(order: Order, state: State, last: Mapping[str, Any], policy: Policy) -> Order:
    """To go on past a rollback: as many people as the policy says, and none where it says nothing."""
    rules, person = policy.approval, order.by[0]
    _demand(
        rules is not None,
        "the policy states no approvals for going on past a rollback",
        "begin a new attempt with `rampgate resume`, or under a new candidate name",
    )
    assert rules is not None
    unapproved = (last.get("approval") or {}).get("problem")
    _demand(not unapproved, "the policy is not approved, so nobody can go on past its rollback", "let it be approved")
    failed = [c["id"] for c in last["criteria"] if c["kind"] == "rollback" and c["verdict"] == FAIL]
    if policy.drift is not None and policy.drift.rollback:
        failed += dict.fromkeys(drift_id(d["column"]) for d in last["drift"] if d["whose"] == ONE_CANDIDATE)
    by_person = rolled_back_by(state)
    seen = by_person.told if by_person is not None and not failed else _first(last)
    found = Order(
        order.decision,
        order.by,
        order.as_of,
        order.because,
        tuple(failed),
        rules.needed_past_rollback,
        seen,
        state.rolled_back_at,
    )
    waiting = next((one for one in state.orders if one.decision == GO and not one.in_force), None)
    again = waiting is not None and person in waiting.by and waiting.past == found.past
    _demand(not again, f"{person} has agreed to this already", "another approver has to")
    return found


def _resume(order: Order, state: State, last: Mapping[str, Any]) -> Order:
    if state.status == ROLLED_BACK:
        by_person = rolled_back_by(state)
        seen = f"by {by_person.told}" if by_person is not None else _first(last)
        return Order(order.decision, order.by, order.as_of, order.because, seen=seen)
    held = any(one.decision == HOLD for one in state.orders)
    _demand(held, "the rollout is neither rolled back nor held by a person", "nothing is to be resumed")
    return order


def _first(last: Mapping[str, Any]) -> str:
    """Why the last look rolled back."""
    return str(
        next((r["message"] for r in last["reasons"] if r["code"] in ("rollback", "drift")), "no reason was recorded")
    )


def _refuse_author(person: str, policy: Policy) -> None:
    """Where a policy names approvers, only they let a rollout go on; anybody may hold it or take it back."""
    rules = policy.approval
    if rules is not None and person not in rules.approvers:
        raise UsageError(
            f"{person} is not among the approvers of the policy, and only they can let the rollout go on",
            where="--as",
            remedy=f"they are {', '.join(rules.approvers)}; anybody of the project may decide to hold or to roll back",
        )


def _demand(satisfied: bool, what: str, remedy: str) -> None:
    if not satisfied:
        raise UsageError(what, remedy=remedy)
