"""The gate's own evaluation: every incident of a ledger counted, beside what was simulated before the launch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rampgate.errors import LedgerError, UsageError
from rampgate.incident.stats import Attempt, Case, Predicted, Stats, case_of
from rampgate.incident.values import Incident
from rampgate.judge.order import ROLLBACK
from rampgate.judge.state import ROLLED_BACK
from rampgate.ledger import Ledger
from rampgate.policy import Policy
from rampgate.rollout.incidents import incidents
from rampgate.rollout.signed import APPROVAL, HUMAN
from rampgate.rollout.told import facts_of

#: How a simulation beside its policy is called.
_BESIDE = "*.simulation.json"
_PATHS = ("$.kind", "$.attempt", "$.state.status", "$.entry.inputs.policy", "$.entry.statement.decision")

#: What simulations say, by the SHA-256 of the policy and the criterion.
Simulated = Mapping[tuple[str, str], Predicted]


def evaluation(ledger: Ledger, rollout: str | None = None, simulations: Sequence[Path] = ()) -> Stats:
    """Count every incident of a rollout, or of all.

    Parameters
    ----------
    simulations : files that `rampgate simulate` wrote; those that were approved are in the ledger, and those beside it
        are found by themselves

    Raises
    ------
    UsageError
        There is no such rollout; a file holds no simulation.
    """
    if rollout is not None and rollout not in ledger.rollouts():
        held = ", ".join(ledger.rollouts()) or "none"
        raise UsageError(f"no rollout {rollout!r} in this ledger", where=ledger.where, remedy=f"it holds: {held}")
    names = ledger.rollouts() if rollout is None else [rollout]
    simulated = _simulated(ledger, names, simulations)
    known = incidents(ledger, rollout)
    found = sorted(known.found.values(), key=lambda one: one.opened)
    cases = [_case(ledger, one, known.root(one), simulated) for one in found]
    return Stats.of(cases, [attempt for name in names for attempt in _attempts(ledger, name)])


def _case(ledger: Ledger, incident: Incident, root: Incident, simulated: Simulated) -> Case:
    facts = facts_of(ledger, incident)
    leading = incident.leading
    predicted = None if leading is None else simulated.get((incident.policy, leading.id))
    return case_of(incident, root, facts.onset if facts else None, facts.harmed if facts else (), predicted)


def _attempts(ledger: Ledger, rollout: str) -> Iterator[Attempt]:
    """Each attempt as its last record leaves it, and whether the gate ever rolled it back."""
    found: dict[int, Attempt] = {}
    budget = 0.0
    policies: dict[str, float] = {}
    for kind, number, status, policy, ordered in ledger.excerpts(rollout, _PATHS):
        if policy is not None and policy not in policies:
            rules = Policy.from_canonical(json.loads(ledger.document(policy)))
            policies[policy] = rules.error_budget.false_rollback
        budget = policies[policy] if policy is not None else budget
        if status is None:
            continue  # approved, and not looked at yet
        before = found.get(number)
        began = status == ROLLED_BACK and (before is None or before.status != ROLLED_BACK)
        by_gate = began and not (kind == HUMAN and ordered == ROLLBACK)
        ever = by_gate or (before is not None and before.rolled_back)
        found[number] = Attempt(rollout, number, status, budget, ever)
    yield from found.values()


def _simulated(ledger: Ledger, rollouts: Sequence[str], files: Sequence[Path]) -> dict[tuple[str, str], Predicted]:
    """What simulations say: those beside the ledger, those that were approved, and those that are given."""
    found: dict[tuple[str, str], Predicted] = {}
    for path in sorted(ledger.folder.glob(_BESIDE)):
        try:
            found |= _read(path)
        except UsageError:
            continue  # nobody asked for this one
    for name in rollouts:
        for record in ledger.records(name, APPROVAL):
            bound = record.entry()["statement"]["simulation"]
            if bound is not None:
                found |= _of(json.loads(ledger.document(bound)))
    for path in files:
        found |= _read(path)
    return found


def _read(path: Path) -> dict[tuple[str, str], Predicted]:
    try:
        return _of(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, LedgerError) as error:
        remedy = "give what `rampgate simulate POLICY --json` prints, or the file that it keeps beside the policy"
        raise UsageError(f"this is no simulation: {error}", where=str(path), remedy=remedy) from None


def _of(simulation: Mapping[str, Any]) -> dict[tuple[str, str], Predicted]:
    """Of each criterion the scenario of a harm that the policy expects to catch, from the first day if there."""
    found: dict[tuple[str, str], Predicted] = {}
    for one in sorted(simulation["scenarios"], key=lambda one: not one["name"].endswith("-expect-start")):
        if one["criterion"] is not None and not one["harmless"] and "-bound-" not in one["name"]:
            days = one["days_to_rollback"]["median"]["estimate"]
            told = Predicted(one["name"], one["harmed"]["estimate"], days)
            found.setdefault((simulation["policy_sha256"], one["criterion"]), told)
    return found
