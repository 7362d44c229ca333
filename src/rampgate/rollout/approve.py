"""A person agrees to a policy: name, time and simulation are bound to its SHA-256, and signed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rampgate.errors import UsageError
from rampgate.judge.mandate import Approver
from rampgate.ledger import Ledger, Record, digest
from rampgate.people import PROJECT, People, SigningKey, find_people, key_file, read_key
from rampgate.policy import Policy, load_policy, refuse_not_judged
from rampgate.policy.diff import Change, diff
from rampgate.rollout.approvals import ruling
from rampgate.rollout.newer import refuse_newer
from rampgate.rollout.signed import APPROVAL, Draft, Signer, append_signed
from rampgate.rollout.simulated import read_simulation


@dataclass(frozen=True)
class Agreed:
    """What came of an approval.

    Attributes
    ----------
    record : SHA-256 of the approval's record
    by : the approvals that the policy has now
    problem : why the policy is not approved yet; None when it is
    changes : what differs from the policy that was approved before; None where there was none
    """

    record: str
    policy: Policy
    person: str
    by: tuple[Approver, ...]
    problem: str | None
    simulation: str | None
    changes: tuple[Change, ...] | None

    def to_dict(self) -> dict[str, Any]:
        rules = self.policy.approval
        return {
            "record_id": self.record,
            "rollout": self.policy.rollout,
            "policy_sha256": self.policy.sha256(),
            "person": self.person,
            "simulation": self.simulation,
            "required": rules.required if rules else 0,
            "by": [vars(one) for one in self.by],
            "approved": self.problem is None,
            "changes": None if self.changes is None else [vars(change) for change in self.changes],
        }


def approve(
    policy: Policy | str | Path,
    person: str,
    ledger: Ledger | str | Path,
    key: Path | None = None,
    simulation: Path | None = None,
) -> Agreed:
    """Approve a policy and record it.

    Parameters
    ----------
    policy : a policy or its file; ``rampgate.toml`` is looked for beside it and above
    person : who approves, one of the policy's ``approval.approvers``
    ledger : the ledger of the rollout, or its path or URL; it is made when it does not exist
    key : the person's own key; the usual file when left out
    simulation : what ``rampgate simulate --json`` printed for this policy; its digest is signed too

    Raises
    ------
    UsageError
        The policy names no approvers, or not this one; the key is not theirs; the simulation is not one of this policy.
    """
    policy = load_policy(policy)
    refuse_not_judged(policy)
    _refuse_outsider(policy, person)
    start = policy.path.parent if policy.path is not None else Path()
    signer = signer_of(person, key, start)
    found = None if simulation is None else read_simulation(simulation, policy)
    bound = None if found is None else digest(found)
    book = Ledger.open(ledger) if isinstance(ledger, (str, Path)) else ledger
    before = _in_force(policy, book)

    def draft(last: Record | None) -> Draft | Record:
        if last is not None:
            refuse_newer(last)
        if (same := _same(policy, book, person, bound)) is not None:
            return same
        sha256 = policy.sha256()
        said = {
            "candidate": policy.candidate,
            "policy_sha256": sha256,
            "simulation": bound,
        }
        documents = {sha256: policy.canonical_json(), **({bound: found} if found and bound else {})}
        return Draft(said, last.state() if last is not None else {}, documents)

    record = append_signed(book, policy.rollout, APPROVAL, signer, draft)
    after = ruling(policy, book, datetime.now(UTC)).mandate
    assert after is not None  # the policy asks for approvals
    changes = None if before is None else diff(before, policy)
    return Agreed(record.sha256, policy, person, after.by, after.problem, bound, changes)


def signer_of(person: str, key: Path | None, start: Path) -> Signer:
    """The person with their own key, if the project's people know it.

    Parameters
    ----------
    start : folder from which ``rampgate.toml`` is looked for

    Raises
    ------
    UsageError
    """
    people = project_people(start)
    if person not in people.names:
        people.refuse_stranger(person, "")
    own: SigningKey = read_key(key or key_file(person))
    return Signer.of(person, own, people)


def project_people(start: Path) -> People:
    """The project's people, who must be there: those of a folder, else of the present one.

    Raises
    ------
    UsageError
    """
    people = find_people(start) or find_people(Path())
    if people is None:
        raise UsageError(
            f"no {PROJECT} says whose signature counts: there is none in this folder or above it, nor in or above the "
            "present one",
            where=str(start.resolve()),
            remedy=f"make a key with `rampgate key new --as NAME`, and write what it prints into {PROJECT}",
        )
    return people


def _refuse_outsider(policy: Policy, person: str) -> None:
    rules, where = policy.approval, policy.origin.name
    if rules is None:
        raise UsageError(
            "the policy names nobody who approves it",
            where=where,
            remedy="write `approval: {author: dana, approvers: [lee]}`; without it no approval is asked for",
        )
    if person == rules.author:
        what, remedy = f"{person} wrote the policy and cannot approve it", "let somebody else approve it"
        raise UsageError(what, where=where, remedy=f"{remedy}: {', '.join(rules.approvers)}")
    if person not in rules.approvers:
        raise UsageError(
            f"{person} is not among the approvers of this policy",
            where=where,
            remedy=f"these may approve it: {', '.join(rules.approvers)}",
        )


def _in_force(policy: Policy, ledger: Ledger) -> Policy | None:
    """The policy that is approved now, where it is another one."""
    mandate = ruling(policy, ledger, datetime.now(UTC)).mandate
    if mandate is None or mandate.approved in (None, policy.sha256()):
        return None
    return Policy.from_canonical(json.loads(ledger.document(str(mandate.approved))))


def _same(policy: Policy, ledger: Ledger, person: str, simulation: str | None) -> Record | None:
    """The approval that counts already and would only be repeated; one that will expire is renewed."""
    mandate = ruling(policy, ledger, datetime.now(UTC)).mandate
    if mandate is None or policy.approval is None or policy.approval.expires is not None:
        return None
    mine = [one for one in mandate.by if one.person == person and one.simulation == simulation]
    return ledger.get(mine[-1].record) if mine else None
