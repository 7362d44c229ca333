"""Signed records against their place in the ledger, and the approvals that a decision rests on against the records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from rampgate.judge.mandate import Mandate
from rampgate.judge.orders import ordered
from rampgate.judge.state import State
from rampgate.ledger import Record, canonical
from rampgate.people import People
from rampgate.policy import Policy
from rampgate.rollout.approvals import Given, approved_for
from rampgate.rollout.human import order_of, policy_of
from rampgate.rollout.signed import key_of, signature_problem


def signed_problem(record: Record, before: Record | None, people: People | None) -> str | None:
    """Why a signed record does not stand where it was signed for, or None.

    Parameters
    ----------
    before : the rollout's record before it
    people : whose keys count; None trusts the keys that the records name
    """
    statement = record.entry()["statement"]
    if (problem := signature_problem(record, people)) is not None:
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


def mandate_problem(
    record: Record,
    approvals: Mapping[str, Given],
    read: Callable[[str], bytes],
    under_approval: bool,
    running: str | None,
) -> str | None:
    """Whether a decision had the approvals that it says it had.

    Parameters
    ----------
    approvals : those of its rollout that were recorded before it and are not spent, by the id of their record
    read : SHA-256 -> bytes of a document
    under_approval : whether an earlier record of the rollout asked for approvals
    running : the candidate of the decision before it
    """
    inputs = record.entry()["inputs"]
    if "mandate" not in inputs:
        policy = _policy(inputs["policy"], read)
        return "it says nothing of approvals" if under_approval or policy.approval is not None else None
    mandate = Mandate.from_dict(inputs["mandate"])
    given = _policy(mandate.given, read)
    rules = given.approval
    approved = approved_for(approvals.values(), lambda sha256: _policy(sha256, read).approval, given.candidate, running)
    if approved != mandate.approved:
        return "the policy that it takes for the approved one is not the last that was approved"
    for one in mandate.by:
        found = approvals.get(one.record)
        if found is None or found.counted() != one or found.policy_sha256 != mandate.given:
            return f"it counts an approval of {one.person} that is not recorded before it"
    if mandate.problem is not None:
        return None
    people = {one.person for one in mandate.by}
    if rules is None or inputs["policy"] != mandate.given or mandate.approved != mandate.given:
        return "it was judged by another policy than the one that is approved"
    if len(people & set(rules.approvers) - {rules.author}) < rules.required:
        return "its policy did not have the approvals that it asks for"
    return None


def _policy(sha256: str, read: Callable[[str], bytes]) -> Policy:
    return Policy.from_canonical(json.loads(read(sha256)))
