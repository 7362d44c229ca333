"""A person decides otherwise than the gate: to hold, to roll back, to go on past either, or to begin again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rampgate.errors import UsageError
from rampgate.judge.decision import FAIL, PASS, ROLLBACK
from rampgate.judge.drifted import ONE_CANDIDATE
from rampgate.judge.order import GO, HOLD, RESUME, Order
from rampgate.judge.orders import drift_id, ordered, rolled_back_by
from rampgate.judge.state import COMPLETED, ROLLED_BACK, State
from rampgate.ledger import Ledger, Record
from rampgate.policy import Policy
from rampgate.rollout.approve import signer_of
from rampgate.rollout.looks import parse_moment, refuse_future
from rampgate.rollout.newer import refuse_newer
from rampgate.rollout.signed import HUMAN, Draft, append_signed

DECISIONS = (HOLD, ROLLBACK, GO)


@dataclass(frozen=True)
class Decided:
    """What came of a person's decision.

    Attributes
    ----------
    record : SHA-256 of its record
    order : with everybody who signed it
    state : where the rollout stands now
    phases : how many phases the policy has
    """

    record: str
    rollout: str
    order: Order
    state: State
    phases: int

    def to_dict(self) -> dict[str, Any]:
        state = self.state
        traffic = 0.0 if state.status == ROLLED_BACK else state.traffic
        return {
            "record_id": self.record,
            "rollout": self.rollout,
            "attempt": state.attempt,
            "decision": self.order.decision,
            "by": list(self.order.by),
            "needed": self.order.needed,
            "in_force": self.order.in_force,
            "as_of": self.order.as_of.isoformat(),
            "because": list(self.order.because),
            "past": list(self.order.past),
            "status": state.status,
            "phase": {"index": state.phase, "of": self.phases, "traffic": traffic},
        }


def decide(
    rollout: str,
    decision: str,
    because: str,
    person: str,
    ledger: Ledger,
    key: Path | None = None,
    as_of: str | date | datetime | None = None,
) -> Decided:
    """Record what a person decided otherwise than the gate.

    Parameters
    ----------
    decision : hold, rollback or go; ``resume`` lifts a person's hold, or begins a new attempt after a rollback
    because : the reason, which every later report shows
    person : who decides, one of the project's people
    key : the person's own key; the usual file when left out
    as_of : since when; now when left out, and never before the last look

    Raises
    ------
    UsageError
        The rollout does not stand where this could be decided, or this person may not decide it.
    """
    if decision not in (*DECISIONS, RESUME):
        raise UsageError(f"{decision!r} is no decision", where="DECISION", remedy=f"give one of {', '.join(DECISIONS)}")
    reason = " ".join(because.split())
    if not reason:
        raise UsageError("no reason is given", where="--because", remedy="say why; every later report shows it")
    signer = signer_of(person, key, ledger.folder)
    orders: list[tuple[Order, State, Policy]] = []

    def draft(last: Record | None) -> Draft:
        before = ledger.last(rollout, "decision")
        if last is None or before is None:
            held = ", ".join(ledger.rollouts()) or "no rollout"
            what = f"nothing has been decided on a rollout {rollout!r} yet; the ledger holds {held}"
            raise UsageError(what, where=ledger.where, remedy="judge a first look with `rampgate check`")
        refuse_newer(last)
        policy = policy_of(before, ledger.document)
        state = State.from_dict(last.state())
        moment = parse_moment(as_of, policy.zone)
        refuse_future(moment)
        said = {"decision": decision, "because": reason, "as_of": moment.isoformat()}
        order = order_of({**said, "person": person}, state, before, policy)
        after = ordered(state, order, policy)
        orders.append((order, after, policy))
        return Draft({**said, "past": list(order.past), "needed": order.needed}, after.to_dict(), {})

    record = append_signed(ledger, rollout, HUMAN, signer, draft)
    order, state, policy = orders[-1]
    whole = next((one for one in reversed(state.orders) if one.decision == decision and person in one.by), order)
    return Decided(record.sha256, rollout, whole, state, len(policy.phases))


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
    return _past_rollback(order, state, last, policy) if state.status == ROLLED_BACK else _go(order, state, last)


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
