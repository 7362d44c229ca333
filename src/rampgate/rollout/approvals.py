"""Which policy of a rollout is approved, by whom, and what a look may do with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rampgate.errors import RampgateError
from rampgate.judge.mandate import Approver, Mandate
from rampgate.ledger import Ledger, Record
from rampgate.people import PROJECT
from rampgate.policy import Approval, Policy
from rampgate.policy.diff import LOOSER, diff
from rampgate.rollout.known import Known, known_people
from rampgate.rollout.signed import APPROVAL


@dataclass(frozen=True)
class Given:
    """One approval as it was recorded."""

    sequence: int
    record: str
    person: str
    at: str
    policy_sha256: str
    candidate: str
    simulation: str | None
    public_key: str
    void: str | None = None

    @classmethod
    def of(cls, record: Record, void: str | None = None) -> Given:
        """The approval that a record holds.

        Parameters
        ----------
        void : why it is not that person's, so that it counts for nothing
        """
        said = record.entry()["statement"]
        names = ("person", "at", "policy_sha256", "candidate", "simulation", "public_key")
        return cls(record.sequence, record.sha256, **{name: said[name] for name in names}, void=void)

    @property
    def told(self) -> str:
        """That it counts for nothing, and why, as the end of a sentence."""
        return f"; the approval of {self.person} in record {self.sequence} counts for nothing: {self.void}"

    def counted(self) -> Approver:
        """As a decision shows it."""
        return Approver(self.person, self.at, self.record, self.simulation)


@dataclass
class Standing:
    """The approvals of one candidate's policies, in their order.

    Attributes
    ----------
    approved : SHA-256 of the last policy that had all its approvals
    by : the approvals of each policy that count, by person; those of one that another was approved after do not
    """

    approved: str | None = None
    by: dict[str, dict[str, Given]] = field(default_factory=dict)


def standing(given: Iterable[Given], rules: Callable[[str], Approval | None]) -> Standing:
    """Where approvals, in their order, lead to.

    Those that are void count for nothing but that they still end those of the policies before them: taking a leaver's
    key out brings no policy back that was replaced. By which one harm is judged they do not say.

    Parameters
    ----------
    given : approvals of one candidate
    rules : SHA-256 of a policy -> its own rules of approval
    """
    found, latest = Standing(), None
    signed: dict[str, set[str]] = {}  # by whom, void or not
    for one in given:
        sha256, asked = one.policy_sha256, rules(one.policy_sha256)
        if asked is None or one.person not in asked.approvers or one.person == asked.author:
            continue
        own, names = found.by.setdefault(sha256, {}), signed.setdefault(sha256, set())
        names.add(one.person)
        if one.void is None:
            own[one.person] = one
        if len(names) >= asked.required and latest != sha256:
            if latest is not None:
                del found.by[latest], signed[latest]
            latest = sha256
        if len(own) >= asked.required:
            found.approved = sha256
    return found


@dataclass(frozen=True)
class Ruling:
    """The policy that a look is judged by, and by what right; ``mandate`` is None where no approval is asked for."""

    policy: Policy
    mandate: Mandate | None


def ruling(given: Policy, book: Ledger | None, as_of: datetime, known: Known | None = None) -> Ruling:
    """Decide by which policy to judge: the one given, or the last approved one where the one given is not.

    A rollout that once was under approval stays so, whatever the policy given says.

    Parameters
    ----------
    known : the project's people; looked for when left out
    """
    if book is None:
        return ruled(given, False, (), None, known or known_people(given), as_of, {})
    before = book.last(given.rollout, "decision")
    known = known or known_people(given, book, before)
    records = list(book.records(given.rollout, APPROVAL))
    under = bool(records) or (before is not None and asked_before(before.entry()["inputs"]))
    held = _unspent(list(_held(records, book, known)), book, given.rollout)
    running = None if before is None else before.state()["candidate"]
    return ruled(given, under, held, running, known, as_of, policies_of(held, book.document))


def ruled(
    given: Policy,
    under_approval: bool,
    held: Sequence[Given],
    running: str | None,
    known: Known,
    as_of: datetime,
    policies: Mapping[str, Policy],
) -> Ruling:
    """The same of values: so a look decides it, and so `verify` decides it again.

    Parameters
    ----------
    under_approval : whether an earlier record of the rollout asked for approvals
    held : approvals against the keys of those who are known, in their order, less those that are spent
    running : the candidate of the look before
    policies : as `policies_of` finds them
    """
    if given.approval is None and not under_approval and not known.required:
        return Ruling(given, None)
    rules = {sha256: policy.approval for sha256, policy in policies.items()}
    last = approved_for(held, rules.get, given.candidate, running)
    found = standing([one for one in held if one.candidate == given.candidate], rules.get)
    sha256 = given.sha256()
    by = () if known.problem else tuple(one.counted() for one in found.by.get(sha256, {}).values())
    problem = known.problem or _problem(given, under_approval, found, by, as_of, policies)
    if problem is not None and known.problem is None:
        problem += "".join(one.told for one in held if one.void is not None and one.policy_sha256 == sha256)
    mandate = Mandate(sha256, last, given.approval.required if given.approval else int(under_approval), by, problem)
    judged = given if problem is None or last is None or last == sha256 else policies[last].beside(given)
    return Ruling(judged, mandate)


def asked_before(inputs: Mapping[str, Any]) -> bool:
    """Whether a look put its rollout under approval for good; that its project asked for approvals may change."""
    return "mandate" in inputs and inputs["mandate"]["required"] > 0


def approved_for(
    given: Iterable[Given], rules: Callable[[str], Approval | None], candidate: str, running: str | None
) -> str | None:
    """SHA-256 of the policy that is approved for a candidate; else of the one for the candidate that is running.

    So nobody begins another candidate's attempt, and leaves the evidence behind, by an edit that is not approved.
    """
    approvals = list(given)
    for name in (candidate, running):
        found = standing([one for one in approvals if one.candidate == name], rules).approved
        if found is not None:
            return found
    return None


def _unspent(given: list[Given], book: Ledger, rollout: str) -> list[Given]:
    """The approvals but those of a candidate that was left for another one: who takes it up again agrees again."""
    if not given:
        return given
    firsts = book.first_of_attempts(rollout, "decision")
    names = [first.state()["candidate"] for first in firsts]
    spent = {
        before: first.sequence
        for before, now, first in zip(names, names[1:], firsts[1:], strict=False)
        if before != now
    }
    return [one for one in given if one.sequence > spent.get(one.candidate, 0)]


def _held(records: Iterable[Record], book: Ledger, known: Known) -> Iterator[Given]:
    """The approvals against the keys of those who are known; none without any keys."""
    before: Mapping[str, str | None] | None = None
    for record in records:
        if known.people is None:
            return
        before = before if before is not None else book.before(record.rollout)
        void = known.disbelieves(record, lambda one: book.latest_before(one.sequence))
        try:
            if void is None and before.get(record.sha256) != record.entry()["statement"]["after"]:
                void = "it was signed for another place in the ledger"
            yield Given.of(record, void)
        except (LookupError, TypeError, AttributeError):
            continue  # no approval that anybody could have signed; `verify` names it


def _problem(
    given: Policy,
    under_approval: bool,
    found: Standing,
    by: tuple[Approver, ...],
    as_of: datetime,
    policies: Mapping[str, Policy],
) -> str | None:
    """Why the policy given may not let the rollout go on."""
    rules, sha256 = given.approval, given.sha256()
    if rules is None and not under_approval:
        return (
            f"the policy names nobody who approves it, and {PROJECT} asks for that: name them in `approval`, or write "
            f"approval_required = false into {PROJECT}"
        )
    if rules is None:
        return "the policy names nobody who approves it, and this rollout is under approval; put `approval` back"
    if found.approved == sha256 and len(by) >= rules.required:
        return expired(rules, [one.at for one in by], given, as_of)
    others = [name for name in rules.approvers if name not in {one.person for one in by}]
    has = f"{len(by)} of {rules.required} approvals" + (f" ({', '.join(one.person for one in by)})" if by else "")
    may = f"it has {has}; {' or '.join(others)} may approve it"
    if found.approved is None:
        return f"the policy (sha256 {sha256[:8]}) is not approved: {may}"
    if found.approved == sha256:
        return f"the policy (sha256 {sha256[:8]}) was replaced by another one since it was approved: {may}"
    changes = diff(policies[found.approved], given)
    looser = [change for change in changes if change.effect == LOOSER]
    told = "; ".join(str(change) for change in (*looser, *(c for c in changes if c not in looser))[:3])
    more = f"; and {len(changes) - 3} more" if len(changes) > 3 else ""
    return (
        f"the policy was changed since it was approved (sha256 {found.approved[:8]} to {sha256[:8]}: {told}{more}): "
        f"{may}; judged by the approved one until then"
    )


def expired(rules: Approval, given_at: Iterable[str], policy: Policy, as_of: datetime) -> str | None:
    """Why a policy that has its approvals has them no more at a moment, or None.

    Parameters
    ----------
    given_at : when each was given
    """
    if rules.expires is None:
        return None
    ends = sorted(rules.expires.after(datetime.fromisoformat(at), policy.zone) for at in given_at)
    end = ends[-rules.required]
    if as_of < end:
        return None
    day = end.astimezone(policy.zone)
    return f"the approvals of the policy expired on {day:%Y-%m-%d}, {rules.expires} after they were given; renew them"


def without_key(policy: Policy) -> list[str]:
    """What stands against the approval of a policy before anybody tries: approvers whose key nobody knows."""
    known = known_people(policy)
    if policy.approval is None:
        asked = known.people is not None and known.required
        return [f"approval: {_problem(policy, False, Standing(), (), datetime.now(UTC), {})}"] if asked else []
    people = known.people
    if people is None:
        return [f"approval: {known.problem}"]
    missing = [name for name in policy.approval.approvers if name not in people.names]
    return [f"approval: {', '.join(missing)} has no key in {people.where} yet, and cannot approve"] if missing else []


def policies_of(held: Iterable[Given], read: Callable[[str], bytes]) -> dict[str, Policy]:
    """The policies that approvals are of, by SHA-256; what only void ones name may be no policy and is left out.

    Parameters
    ----------
    read : SHA-256 -> bytes of a document
    """
    found: dict[str, Policy] = {}
    for one in sorted(held, key=lambda one: one.void is not None):
        if one.policy_sha256 in found:
            continue
        try:
            found[one.policy_sha256] = Policy.from_canonical(json.loads(read(one.policy_sha256)))
        except (RampgateError, ValueError, LookupError, TypeError, AttributeError):
            if one.void is None:
                raise
    return found
