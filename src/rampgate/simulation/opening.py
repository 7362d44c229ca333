"""The chance that a phase opens for a harmless candidate, cheap enough to be asked while a policy is written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from rampgate.policy import Margin, Policy
from rampgate.simulation.baseline import Baseline, days_of
from rampgate.simulation.scenario import Scenario
from rampgate.simulation.table import TIMES, Figure, outcome
from rampgate.simulation.work import work

HARMLESS = Scenario("harmless", "the candidate is like the baseline")
#: The chance to open that a phase should have.
ENOUGH = 0.8
#: Days over which a phase that does not open is watched, and rollouts for that.
YEAR, FEW = 364, 60


def opening(policy: Policy, baseline: Baseline, rollouts: int = 200, seed: int = 1) -> tuple[Figure, ...]:
    """Of harmless rollouts that come into each phase, the share that leaves it within four times its shortest stay.

    Parameters
    ----------
    policy : may differ from the baseline's own in its margins, phases and budgets
    """
    baseline, periods = replace(baseline, policy=policy), enough_looks(policy)
    (counted,) = work(baseline, [(0, HARMLESS)], rollouts, periods, seed, workers=1)
    return outcome(policy, HARMLESS, counted, periods, days_of(policy)).opened


def enough_looks(policy: Policy) -> int:
    """Looks after which each phase has been watched for four times its shortest stay, if none takes longer."""
    days = sum(max(phase.at_least.timedelta, timedelta(days=days_of(policy))).days * TIMES for phase in policy.phases)
    return max(2, math.ceil(days / days_of(policy)))


def needs_weeks(baseline: Baseline, index: int, seed: int) -> str | None:
    """The weeks that half of harmless rollouts stay in a phase, in words; None where that is more than a year."""
    days = days_of(baseline.policy)
    periods = YEAR // days
    (counted,) = work(baseline, [(0, HARMLESS)], FEW, periods, seed, workers=1)
    begin = counted.left[:, index - 1] + 1 if index else 0 * counted.left[:, 0]
    stay = np.where(counted.left[:, index] < periods, counted.left[:, index] + 1.0 - begin, np.inf)[begin < periods]
    half = Figure.quantile(stay * days / 7.0, 0.5)
    return None if half.estimate is None or half.error is None else f"{half.estimate:.0f}±{half.error:.0f} weeks"


def with_margins(policy: Policy, names: tuple[str, ...], factor: float) -> Policy:
    """The same policy with some guardrails' margins, the KPI's among them, a number of times as wide."""
    guardrails = {
        name: rail.model_copy(update={"margin": _wider(rail.margin, factor)}) if name in names else rail
        for name, rail in policy.guardrails.items()
    }
    changes: dict[str, Any] = {"guardrails": type(policy.guardrails)(guardrails)}
    if "kpi" in names and "kpi" not in policy.guardrails:
        margin = _wider(policy.kpi.margin, factor)
        changes["kpi"] = policy.kpi.model_copy(update={"margin": margin})
    return policy.model_copy(update=changes)


def _wider(margin: Margin, factor: float) -> Margin:
    """A margin so many times as wide, as one would write it."""
    return replace(margin, value=float(f"{margin.value * factor:.3g}"))


def with_budgets(policy: Policy, factor: float) -> Policy:
    """The same policy with harm budgets a number of times as large."""
    budgets: Mapping[str, float] = {name: budget * factor for name, budget in policy.harm_budget.items()}
    return policy.model_copy(update={"harm_budget": type(policy.harm_budget)(budgets)})
