"""What a decision says of people, against what they signed before it and the keys that its look knew."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rampgate.judge.mandate import Mandate
from rampgate.judge.state import State
from rampgate.ledger import Record
from rampgate.people import People
from rampgate.people.project import Key
from rampgate.policy import Policy
from rampgate.rollout.approvals import Given, Ruling, policies_of, ruled
from rampgate.rollout.evaluate import changed_criteria
from rampgate.rollout.known import Known
from rampgate.rollout.looks import look_at
from rampgate.rollout.orders import Stands, heed
from rampgate.rollout.verify.decision import same_version

#: Statistics since which looks record whose keys they knew and which reviews were open.
SINCE = 5


@dataclass
class Heard:
    """What people signed in a rollout so far, and what the gate made of it.

    Attributes
    ----------
    approvals : in order, but those that are spent
    orders : what people decided
    latest : the latest moment in the ledger before each of them, by the id of its record
    look : the last decision of the gate
    under_approval : whether the rollout has ever asked for approvals
    keyed : whether a look knew the keys of its project's people; none after it can have known nobody's
    """

    approvals: list[Record] = field(default_factory=list)
    orders: list[Record] = field(default_factory=list)
    latest: dict[str, datetime | None] = field(default_factory=dict)
    look: Record | None = None
    under_approval: bool = False
    keyed: bool = False

    @property
    def running(self) -> str | None:
        """The candidate of the last look."""
        return None if self.look is None else str(self.look.state()["candidate"])

    def before(self, record: Record) -> datetime | None:
        """The latest moment in the ledger before something that a person signed."""
        return self.latest[record.sha256]

    def spend(self, candidate: str) -> None:
        """Forget the approvals of a candidate that was left for another one."""
        self.approvals = [one for one in self.approvals if one.entry()["statement"]["candidate"] != candidate]


def known_at(record: Record, heard: Heard, read: Callable[[str], bytes]) -> Known:
    """Whose keys the look of a decision knew; before looks said that, the keys that were signed with.

    Parameters
    ----------
    read : SHA-256 -> bytes of a document
    """
    entry = record.entry()
    if entry["versions"]["statistics"] >= SINCE:
        return Known.from_dict(entry["inputs"].get("people"), read)
    said = [one.entry()["statement"] for one in (*heard.approvals, *heard.orders)]
    keys = dict.fromkeys(Key(one["person"], one["public_key"]) for one in said)
    return Known(People("the ledger", tuple(keys)))


def stood(known: Known, heard: Heard, read: Callable[[str], bytes]) -> Stands | None:
    """Where the rollout stood before a look; None before its first."""
    return None if heard.look is None else heed(heard.look, heard.orders, known, heard.before, read)


def people_problem(
    record: Record, known: Known, stands: Stands | None, heard: Heard, read: Callable[[str], bytes]
) -> str | None:
    """Whether a decision says of people what was known of them at its look, or what is wrong.

    Parameters
    ----------
    stands : as `stood` gives it
    """
    entry = record.entry()
    return (
        _keys_problem(entry, known, heard)
        or _unheeded_problem(entry, stands)
        or _mandate_problem(entry, known, heard, read)
    )


def moments_problem(record: Record, heard: Heard, stands: Stands | None, read: Callable[[str], bytes]) -> str | None:
    """Whether a look came after what it follows, saw what was over, and says what was changed before it."""
    entry = record.entry()
    inputs, policy = entry["inputs"], _policy(entry["inputs"]["policy"], read)
    as_of, look = (datetime.fromisoformat(inputs[name]) for name in ("as_of", "look"))
    before = [] if stands is None else [order.as_of for order in stands.state.orders]
    if heard.look is not None:
        before.append(datetime.fromisoformat(heard.look.entry()["inputs"]["as_of"]))
    if before and as_of < max(before):
        return f"its as_of, {as_of.isoformat()}, is before what was decided last, {max(before).isoformat()}"
    if look != look_at(policy, as_of):
        return "its look is not the end of the last complete period before its as_of"
    changed = changed_criteria(policy, State.from_dict(inputs["state"]), read)
    said = tuple(inputs["changed"]) if "changed" in inputs else None
    if entry["versions"]["statistics"] >= SINCE and said != changed:
        return "the criteria that it says were changed are not those that were"
    return None


def _keys_problem(entry: Mapping[str, Any], known: Known, heard: Heard) -> str | None:
    """Whether keys that were not read at this look are those of the look before it."""
    said = entry["inputs"].get("people")
    if heard.keyed and (said is None or said["keys"] is None):
        return "it knew nobody's keys, and a look before it did"
    if said is None or known.problem is None:
        return None
    before = {} if heard.look is None else heard.look.entry()["inputs"].get("people") or {}
    same = said["keys"] == before.get("keys")
    return None if same else "the people that it knew are neither those of a file nor those of the look before it"


def _unheeded_problem(entry: Mapping[str, Any], stands: Stands | None) -> str | None:
    """Whether it obeyed the people whose word it was, and nobody else."""
    said = entry["inputs"].get("unheeded", [])
    derived = [] if stands is None else [vars(one) for one in stands.unheeded]
    if [one["record"] for one in said] != [one["record"] for one in derived]:
        return "the decisions of people that it did not obey are not those that were not theirs"
    if same_version(entry) and said != derived:
        return "why it did not obey a decision of a person is not said as it was found"
    return None


def _mandate_problem(entry: Mapping[str, Any], known: Known, heard: Heard, read: Callable[[str], bytes]) -> str | None:
    """Whether it was judged by the policy that had to judge it, with the approvals that there were."""
    inputs = entry["inputs"]
    claimed = Mandate.from_dict(inputs["mandate"]) if "mandate" in inputs else None
    derived = _ruled(inputs, known, heard, read)
    found = derived.mandate
    if claimed is None or found is None:
        words = "it says nothing of approvals" if claimed is None else "it counts approvals that nobody asked for"
        return None if claimed is found else words
    if found.approved != claimed.approved:
        return "the policy that it takes for the approved one is not the last that was approved"
    if inputs["policy"] != derived.policy.sha256():
        return "it was judged by another policy than the one that is approved"
    if entry["versions"]["statistics"] < SINCE and claimed.problem is not None:
        return None  # it may have been that the keys could not be read
    if found.by != claimed.by:
        names = ", ".join(one.person for one in {*claimed.by} ^ {*found.by})
        return f"the approvals that it counts are not those recorded before it: {names}"
    if found.required != claimed.required or (found.problem is None) != (claimed.problem is None):
        return f"its policy did not have the approvals that it asks for: {found.problem or claimed.problem}"
    if same_version(entry) and found.problem != claimed.problem:
        return "why its policy is not approved is not said as it was found"
    return None


def _ruled(inputs: Mapping[str, Any], known: Known, heard: Heard, read: Callable[[str], bytes]) -> Ruling:
    """By which policy, and by what right, a look had to judge."""
    given = _policy(inputs["mandate"]["given"] if "mandate" in inputs else inputs["policy"], read)
    approvals = heard.approvals if known.people is not None else []
    held = [Given.of(one, known.disbelieves(one, heard.before)) for one in approvals]
    as_of = datetime.fromisoformat(inputs["as_of"])
    return ruled(given, heard.under_approval, held, heard.running, known, as_of, policies_of(held, read))


def _policy(sha256: str, read: Callable[[str], bytes]) -> Policy:
    return Policy.from_canonical(json.loads(read(sha256)))
