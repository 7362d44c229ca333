"""A person decides otherwise than the gate: to hold, to roll back, to go on past either, or to begin again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rampgate.errors import UsageError
from rampgate.judge.decision import ROLLBACK
from rampgate.judge.order import GO, HOLD, RESUME, Order
from rampgate.judge.orders import ordered
from rampgate.judge.state import ROLLED_BACK, State
from rampgate.ledger import Ledger, Record
from rampgate.policy import Policy
from rampgate.rollout.approve import signer_of
from rampgate.rollout.known import Known
from rampgate.rollout.looks import parse_moment, refuse_future
from rampgate.rollout.newer import refuse_newer
from rampgate.rollout.orders import heed, order_of, policy_of
from rampgate.rollout.signed import HUMAN, Draft, Signer, append_signed

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
    seen: list[str] = []

    def draft(last: Record | None) -> Draft:
        before = ledger.last(rollout, "decision")
        if last is None or before is None:
            held = ", ".join(ledger.rollouts()) or "no rollout"
            what = f"nothing has been decided on a rollout {rollout!r} yet; the ledger holds {held}"
            raise UsageError(what, where=ledger.where, remedy="judge a first look with `rampgate check`")
        refuse_newer(last)
        _refuse_unseen(seen, before, decision)
        policy = policy_of(before, ledger.document)
        state = _stands(rollout, ledger, before, signer)
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


def _stands(rollout: str, ledger: Ledger, look: Record, signer: Signer) -> State:
    """Where the rollout stands, by what the gate and people decided before."""
    known = Known(signer.people)
    records = list(ledger.records(rollout, HUMAN))
    return heed(look, records, known, lambda one: ledger.latest_before(one.sequence), ledger.document).state


def _refuse_unseen(seen: list[str], look: Record, decision: str) -> None:
    """Refuse to go on past what a look found that was recorded while the person signed.

    Parameters
    ----------
    seen : the look that they decided on, once it is known
    """
    if decision in (GO, RESUME) and seen and seen[0] != look.sha256:
        raise UsageError(
            "the gate looked again while this was signed",
            where=f"record {look.sequence}",
            remedy="read what it found, and decide on that",
        )
    seen[:] = seen[:1] or [look.sha256]
