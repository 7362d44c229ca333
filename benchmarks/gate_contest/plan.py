"""How long a harmless candidate takes to 100 % of traffic."""

from __future__ import annotations

import numpy as np
from benchmarks.gate_contest.draws import Kind
from benchmarks.gate_contest.rollouts import GATE, Rule, batches
from benchmarks.gate_contest.rules.gate import gate, shown_non_inferior
from benchmarks.guarantees.measure import first

#: Shortest time: a week at 10 %, one at 25 % and two at 50 %.
LEAST = 28
PROOF = f"{GATE}, which must be shown non-inferior by the margin of 4 points"


def weeks_to_everybody(
    kind: Kind, rng: np.random.Generator, count: int, every: dict[str, Rule]
) -> dict[str, dict[str, float | None]]:
    """Median weeks over all rollouts, and the share that gets there within the twelve.

    Every rule but the last goes on when the time of its phases is over and it has not rolled back: that is all their
    makers ask for, and ``no_harm`` in rampgate.
    """
    days: dict[str, list[np.ndarray]] = {}
    for case in batches(kind, rng, count, 0.0, late=False):
        for name, rule in every.items():
            stop = first(rule(case))
            days.setdefault(name, []).append(np.where((stop > 0) & (stop <= LEAST), np.inf, LEAST))
        proof = first(shown_non_inferior(case, 14))
        stop = first(gate(case))
        there = np.where(proof > 0, np.maximum(proof, LEAST), np.inf)
        days.setdefault(PROOF, []).append(np.where((stop > 0) & (stop <= there), np.inf, there))
    return {name: _told(np.concatenate(parts)) for name, parts in days.items()}


def _told(day: np.ndarray) -> dict[str, float | None]:
    middle = float(np.median(day))
    return {"weeks": middle / 7 if np.isfinite(middle) else None, "there": float(np.isfinite(day).mean())}
