"""The comparison that most dashboards make, shown beside the gate: all units of each arm pooled over time."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from rampgate.aggregate.marginals import OVERALL
from rampgate.judge.decision import Decision

LEVEL = 0.05


@dataclass(frozen=True)
class Pooled:
    """Difference of two pooled proportions, candidate minus baseline, with its z and two-sided p."""

    difference: float
    z: float
    p: float

    def verdict(self, better: str = "higher") -> str:
        """``worse``, ``better`` or ``no difference`` at 5 %."""
        if self.p >= LEVEL:
            return "no difference"
        return "better" if (self.difference > 0) == (better == "higher") else "worse"


def pooled(decision: Decision, metric: str) -> Pooled | None:
    """The pooled z-test of a proportion from the raw values that a decision carries; None without both arms."""
    row = next(m for m in decision.metrics if m.name == metric and m.group == OVERALL)
    if row.raw_baseline is None or row.raw_candidate is None:
        return None
    n_b, n_c = row.n_baseline, row.n_candidate
    share = (n_b * row.raw_baseline + n_c * row.raw_candidate) / (n_b + n_c)
    error = sqrt(share * (1 - share) * (1 / n_b + 1 / n_c))
    difference = row.raw_candidate - row.raw_baseline
    if error == 0:
        return Pooled(difference, 0.0, 1.0)
    z = difference / error
    return Pooled(difference, z, 2 * NormalDist().cdf(-abs(z)))
