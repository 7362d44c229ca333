"""What a difference of the weighted KPI is made of: metrics, and within each of them segments.

The KPI is linear about a period's mean, so its difference is a sum of one term per metric. Within a period each term is
a sum over the values of a segment column of what differs *within* the value and of how the *mix* of values differs
(Kitagawa 1955). All parts carry the weights of the difference that is shown, and add up to it but for rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rampgate.aggregate.marginals import OVERALL, Arm, Group
from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import divide
from rampgate.estimate.metric import linearise
from rampgate.policy import Policy


@dataclass(frozen=True)
class Part:
    """One metric in one segment value; ``amount`` is in the KPI's unit, positive where the candidate is better."""

    metric: str
    group: Group
    kind: Literal["within", "mix"]
    amount: float


@dataclass(frozen=True)
class Decomposition:
    """The parts of ``difference``, candidate minus baseline.

    Attributes
    ----------
    metrics : amount by metric of the KPI; they sum to ``difference``
    segments : parts by segment column; the parts of each column sum to ``difference``
    """

    difference: float
    metrics: Mapping[str, float]
    segments: Mapping[str, tuple[Part, ...]]

    def share(self, amount: float) -> float:
        """How much of the difference an amount explains; 0 where nothing differs."""
        return amount / self.difference if self.difference else 0.0


def decompose(policy: Policy, arms: tuple[Arm, Arm], groups: Sequence[Group], periods: slice) -> Decomposition | None:
    """Split the KPI's difference over some periods.

    Parameters
    ----------
    policy : its KPI
    arms : candidate and baseline, (group, period); the first group holds all units
    groups : what each place of the group axis is
    periods : which periods count

    Returns
    -------
    None where no period has both arms.

    References
    ----------
    Kitagawa 1955, Components of a difference between two rates.
    """
    c, b = arms
    n_c, n_b = c.n[0, periods], b.n[0, periods]
    weight = divide(n_c * n_b, n_c + n_b)
    if not weight.sum() > 0:
        return None
    weight = weight / weight.sum()
    at = linearise(policy, c, b)
    gradient, centre = at.gradient[0, periods], at.centre[0, periods]
    metrics: dict[str, float] = {}
    parts: dict[str, list[Part]] = {str(g.column): [] for g in groups if g != OVERALL}
    for name in policy.kpi.weights:
        mine = [i for i, component in enumerate(c.components) if component.rpartition(":")[0] == name]

        def values(arm: Arm, group: int, mine: list[int] = mine) -> Floats:
            """The metric's term in a group's units, (period,)."""
            return np.asarray((gradient[:, mine] * (arm.mean[group, periods][:, mine] - centre[:, mine])).sum(-1))

        metrics[name] = float(weight @ (values(c, 0) - values(b, 0)))
        for g, group in enumerate(groups):
            if group == OVERALL:
                continue
            share_c, share_b = divide(c.n[g, periods], n_c), divide(b.n[g, periods], n_b)
            k_c, k_b = values(c, g), values(b, g)
            # A value that one arm lacks differs in the mix and in nothing else.
            k_c, k_b = np.where(share_c > 0, k_c, k_b), np.where(share_b > 0, k_b, k_c)
            within = float(weight @ (0.5 * (share_c + share_b) * (k_c - k_b)))
            mix = float(weight @ (0.5 * (k_c + k_b) * (share_c - share_b)))
            parts[str(group.column)] += [Part(name, group, "within", within), Part(name, group, "mix", mix)]
    total = float(sum(metrics.values()))
    return Decomposition(total, metrics, {column: tuple(found) for column, found in parts.items()})
