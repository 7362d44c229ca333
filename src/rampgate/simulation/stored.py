"""A simulation beside its policy, for whoever approves it: kept by the policy's hash, so an edited policy has none."""

from __future__ import annotations

import json
from pathlib import Path

from rampgate.policy import Policy
from rampgate.save import save
from rampgate.simulation.table import Simulation

ENDING = ".simulation.json"


def place_of(policy_file: Path) -> Path:
    """The file beside a policy that holds its simulation."""
    return policy_file.with_name(policy_file.stem + ENDING)


def store(simulation: Simulation, policy_file: Path) -> Path:
    """Write a simulation beside its policy, whole or not at all.

    Raises
    ------
    UsageError : the file cannot be written there
    """
    target = place_of(policy_file)
    text = json.dumps(simulation.to_dict(), indent=1, allow_nan=False, sort_keys=True) + "\n"
    save(text, target, force=True, remedy="simulate with --no-keep")
    return target


def of_policy(policy: Policy, policy_file: Path) -> Path | None:
    """The file beside a policy that says that it holds the simulation of this very policy, whole or not.

    One of another policy, or of the policy before an edit, is not meant for whoever approves this one.
    """
    path = place_of(policy_file)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return path
    other = isinstance(found, dict) and found.get("policy_sha256", policy.sha256()) != policy.sha256()
    return None if other else path


def stored(policy: Policy, policy_file: Path | None = None) -> Simulation | None:
    """The simulation of this very policy, if one is kept beside its file.

    Parameters
    ----------
    policy_file : the policy's own when left out
    """
    path = policy_file or policy.path
    if path is None:
        return None
    try:
        found = Simulation.from_dict(json.loads(place_of(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # there is none, or none that this version can read: simulating again makes one
    return found if found.policy_sha256 == policy.sha256() else None
