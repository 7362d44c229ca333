"""A simulation that somebody is about to sign: whole, of this very policy, and as it was written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rampgate.errors import UsageError
from rampgate.ledger import canonical, digest
from rampgate.policy import Policy

#: Keys of a simulation and what each holds. `rampgate.simulation.table` writes them.
_KEYS: Mapping[str, tuple[type, ...]] = {
    "rollout": (str,),
    "policy_sha256": (str,),
    "rollouts": (int,),
    "seed": (int,),
    "days": (int,),
    "per_day": (int, float),
    "traffic": (list,),
    "supposed": (list,),
    "scenarios": (list,),
    "advice": (list,),
    "sha256": (str,),
}
_FIGURES = ("false_rollback", "missed", "stopped", "harmed", "harmed_on_hold")


def read_simulation(path: Path, policy: Policy) -> bytes:
    """Read a simulation as canonical bytes.

    Its own SHA-256 shows an accident, not a forger, who makes a new one: what it says is worth what whoever ran it is.

    Raises
    ------
    UsageError
        It is none, one of another policy, empty, or not as it was written.
    """
    remedy = f"give what `rampgate simulate {policy.origin.name}` or its --json writes for the policy as it is now"
    try:
        found = json.loads(path.read_text("utf-8"))
        problem = _problem(found, policy)
        body = b"" if problem else canonical(found)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"the simulation cannot be read: {error}", where=str(path), remedy=remedy) from None
    if problem is not None:
        raise UsageError(problem, where=str(path), remedy=remedy)
    return body


def _problem(found: Any, policy: Policy) -> str | None:
    if not isinstance(found, dict):
        return "this is no simulation: it is no JSON object"
    lacking = [key for key in _KEYS if key not in found]
    if lacking:
        return f"this is no simulation: it has no {', '.join(lacking)}"
    wrong = [key for key, types in _KEYS.items() if type(found[key]) not in types]
    if wrong:
        return f"this is no simulation: something else stands under {', '.join(wrong)}"
    if (found["rollout"], found["policy_sha256"]) != (policy.rollout, policy.sha256()):
        return "this simulation is of another policy"
    if found["rollouts"] < 1 or not found["scenarios"]:
        return "this simulation is empty: nothing was simulated"
    if not all(map(_whole, found["scenarios"])):
        return "this is no simulation: a scenario has no name, words or figures"
    told = {key: value for key, value in found.items() if key != "sha256"}
    if digest(canonical(told)) != found["sha256"]:
        return "this simulation was altered after it was written: its SHA-256 is another one"
    return None


def _whole(scenario: Any) -> bool:
    """Whether a scenario has what an approver is shown of it."""
    if not isinstance(scenario, dict):
        return False
    named = all(isinstance(scenario.get(key), str) and scenario[key] for key in ("name", "says"))
    told = {"criterion", "harmless", "days_to_rollback"} <= scenario.keys()  # what incidents are held against
    return named and told and all(_figure(scenario.get(key)) for key in _FIGURES)


def _figure(figure: Any) -> bool:
    if not isinstance(figure, dict) or figure.keys() != {"estimate", "error"}:
        return False
    return all(value is None or type(value) in (int, float) for value in figure.values())
