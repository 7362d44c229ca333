"""What a ledger tells of an incident: its facts, its timeline, and the policies that came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rampgate.incident.facts import Facts, facts
from rampgate.incident.values import (
    ASSIGN,
    CLOSE,
    DONE,
    FALSE_ALARM,
    JOIN,
    LINK,
    NOTE,
    PROPOSE,
    SHORT,
    SUBMIT,
    Act,
    Incident,
)
from rampgate.ledger import Ledger, Record
from rampgate.policy import Policy
from rampgate.policy.diff import Change, diff
from rampgate.rollout.archive import named, restore
from rampgate.rollout.signed import APPROVAL, HUMAN, INCIDENT, REVIEW

_PATHS = (
    "$.kind",
    "$.attempt",
    "$.recorded_at",
    "$.entry.decision.look",
    "$.entry.decision.decision",
    "$.entry.decision.phase",
    "$.entry.decision.reasons",
    "$.entry.statement",
)


@dataclass(frozen=True)
class Entry:
    """A line of the timeline.

    Attributes
    ----------
    at : of a look its end; of a person's decision since when it holds; of all else when it was recorded
    who : the gate, or a person
    """

    at: str
    who: str
    what: str
    record: str

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Proposed:
    """A policy that a review led to.

    Attributes
    ----------
    changes : what differs from the policy that judged when the incident fired
    approved_by : who approved it since
    first_look : the first look that it judged, or None
    """

    policy_sha256: str
    person: str
    at: str
    changes: tuple[Change, ...]
    approved_by: tuple[str, ...]
    first_look: str | None

    def to_dict(self) -> dict[str, Any]:
        changes = [vars(change) for change in self.changes]
        return {**vars(self), "changes": changes, "approved_by": list(self.approved_by)}


def facts_of(ledger: Ledger, incident: Incident) -> Facts | None:
    """What the look that rolled back tells, else the last that fired; of a person's rollback, the look before it."""
    record = _telling(ledger, incident)
    if record is None:
        return None
    entry = record.entry()
    case = restore(entry["inputs"], ledger.documents(named(entry["inputs"])).__getitem__)
    return facts(case, entry["decision"], incident)


def _telling(ledger: Ledger, incident: Incident) -> Record | None:
    earlier = ledger.before(incident.rollout)
    found: str | None = (incident.rolled_back or incident.fires[-1]).record
    while found is not None:
        record = ledger.get(found)
        if record.kind == "decision":
            return record
        found = earlier[found]
    return None


def timeline(ledger: Ledger, incident: Incident) -> list[Entry]:
    """Looks at which something changed, decisions of people, and what was recorded of the incident, in their order."""
    ids = list(ledger.before(incident.rollout))
    mine = {fire.record for fire in incident.fires}
    out: list[Entry] = []
    before: tuple[Any, ...] = ()
    for record, parts in zip(ids, ledger.excerpts(incident.rollout, _PATHS), strict=False):
        kind, attempt, recorded_at, look, decision, phase, reasons, said = parts
        if kind == "decision" and attempt == incident.attempt:
            failed = [r for r in reasons if r["verdict"] in ("FAIL", "ERROR")]
            now = (decision, phase["index"], tuple((r["code"], r["metric"], str(r["segment"])) for r in failed))
            if now != before or record in mine or decision == "go":
                out.append(Entry(look, "gate", _looked(decision, phase, reasons), record))
            before = now
        elif kind == HUMAN and attempt == incident.attempt:
            out.append(Entry(said["as_of"], said["person"], f"{said['decision']}: {said['because']}", record))
        elif kind == APPROVAL and out:
            out.append(Entry(recorded_at, said["person"], f"approved policy {said['policy_sha256'][:SHORT]}", record))
        elif kind in (INCIDENT, REVIEW) and said["incident"] == incident.id:
            act = Act(record, said["at"], said["person"], said["act"], said)
            out.append(Entry(said["at"], said["person"], acted(act), record))
    return out


def _looked(decision: str, phase: Mapping[str, Any], reasons: list[Mapping[str, Any]]) -> str:
    """A look in a line: what was decided in which phase, and its first reason."""
    where = f"phase {phase['index']}, {100 * phase['traffic']:.4g} %"
    return f"{decision.upper()} ({where})" + (f": {reasons[0]['message']}" if reasons else "")


def acted(act: Act) -> str:
    """What a person recorded, in a line."""
    says = act.says
    number = len(says.get("actions", ()))
    words = {
        NOTE: lambda: str(says["text"]) + (f" [{says['state']}]" if says.get("state") else ""),
        ASSIGN: lambda: f"owner: {says['owner']}",
        LINK: lambda: f"evidence: {says['target']}" + (f" (sha256 {says['sha256'][:12]})" if says["sha256"] else ""),
        JOIN: lambda: f"joined to incident {says['to'][:SHORT]}",
        SUBMIT: lambda: f"review submitted, owner {says['owner']}, {number} action{'' if number == 1 else 's'}",
        CLOSE: lambda: "review closed" + (f": {says['because']}" if says["because"] else ""),
        FALSE_ALARM: lambda: f"closed as a false alarm: {says['because']}",
        DONE: lambda: f"action {says['action']} done" + (f": {says['because']}" if says["because"] else ""),
        PROPOSE: lambda: f"policy {says['policy_sha256'][:SHORT]} proposed",
    }
    return words[act.act]()


def proposed(ledger: Ledger, incident: Incident) -> Iterator[Proposed]:
    """The policies that were proposed because of an incident, and what became of them."""
    acts = [act for act in incident.acts if act.act == PROPOSE]
    if not acts:
        return
    approvals = [record.entry()["statement"] for record in ledger.records(incident.rollout, APPROVAL)]
    looks = list(ledger.excerpts(incident.rollout, ("$.entry.decision.look", "$.entry.inputs.policy")))
    old = _policy(ledger, incident.policy)
    for act in acts:
        sha256 = act.says["policy_sha256"]
        by = dict.fromkeys(said["person"] for said in approvals if said["policy_sha256"] == sha256)
        first = next((look for look, policy in looks if policy == sha256), None)
        changes = tuple(diff(old, _policy(ledger, sha256)))
        yield Proposed(sha256, act.person, act.at, changes, tuple(by), first)


def _policy(ledger: Ledger, sha256: str) -> Policy:
    return Policy.from_canonical(json.loads(ledger.document(sha256)))
