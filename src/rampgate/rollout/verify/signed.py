"""Signed records against their place in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rampgate.judge.orders import ordered
from rampgate.judge.state import State
from rampgate.ledger import Record, canonical
from rampgate.people import People
from rampgate.rollout.orders import order_of, policy_of
from rampgate.rollout.signed import key_of, signature_problem


def signed_problem(record: Record, before: Record | None, people: People | None, latest: datetime | None) -> str | None:
    """Why a signed record does not stand where it was signed for, or None.

    Parameters
    ----------
    before : the rollout's record before it
    people : whose keys count; None trusts the keys that the records name
    latest : the latest moment that stands in the ledger before it
    """
    statement = record.entry()["statement"]
    if (problem := signature_problem(record, people, latest)) is not None:
        return problem
    if statement["after"] != (before.sha256 if before is not None else None):
        return "it was signed for another place in the ledger"
    if record.key != key_of(record.kind, statement):
        return "the key is not that of what was signed"
    return None


def unchanged_problem(record: Record, before: Record | None) -> str | None:
    """Whether a record leaves the state as it was."""
    stood = before.state() if before is not None else {}
    same = canonical(record.state()) == canonical(stood) and record.attempt == stood.get("attempt", 1)
    return None if same else "the state after it is not the one before it, which it does not change"


def order_problem(
    record: Record, before: Record | None, look: Record | None, read: Callable[[str], bytes]
) -> str | None:
    """Whether a person's decision could be made, and led where the record says.

    Parameters
    ----------
    before : the rollout's record before it
    look : the last decision of the gate before it
    """
    if before is None or look is None:
        return "a person decided before the gate had looked"
    statement, policy = record.entry()["statement"], policy_of(look, read)
    state = State.from_dict(before.state())
    order = order_of(statement, state, look, policy)
    if (list(order.past), order.needed) != (statement["past"], statement["needed"]):
        return "what it goes on past is not what the look before it said"
    after = ordered(state, order, policy)
    if canonical(record.state()) != canonical(after.to_dict()) or record.attempt != after.attempt:
        return "the state after it is not the one that it leads to"
    return None
