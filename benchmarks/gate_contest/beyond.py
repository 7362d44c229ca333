"""What a declared horizon costs after it: harm of 4 and 5 points that begins inside it, and long after.

    python -m benchmarks.gate_contest.beyond [--rollouts N]

Prints, for weeks at 50 % of 300 units a day, the share caught within sixteen weeks and the median days from the onset.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from benchmarks.gate_contest.cases import Case
from benchmarks.gate_contest.draws import Kind, planned, proportion
from benchmarks.gate_contest.nearer import BAR
from benchmarks.gate_contest.tried import PRIORS
from benchmarks.guarantees.measure import first

from rampgate.aggregate.moments import Floats
from rampgate.estimate.evidence import log_evidence
from rampgate.estimate.interval import log_increments
from rampgate.judge.weigh import bets_of
from rampgate.policy import Margin

ONSETS = (0, 28, 56, 77, 91, 112, 140)
WEEKS = (4, 4, 28)


def found(case: Case, prior: Callable[[int], Floats], begin: int) -> tuple[float, float | None]:
    """Share caught within sixteen weeks of the onset, and the median days, of those not stopped before."""
    steps = log_increments(case.data.contrast("m"), 0.0, bets_of(case.data, "m", Margin(0.04, "points")))
    day = first(log_evidence(steps, prior(case.days))[:, 0] >= BAR)
    left = (day == 0) | (day > begin)
    delay = np.where((day > begin) & (day <= begin + 112), day - begin, np.inf)[left]
    middle = float(np.median(delay))
    return float(np.isfinite(delay).mean()), middle if np.isfinite(middle) else None


def at(kind: Kind, rng: np.random.Generator, count: int, begin: int, harm: float) -> Case:
    """A batch in which harm begins on a day."""
    return kind.case(rng, count, harm, late=True) if begin else kind.case(rng, count, harm, late=False)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=1000)
    count = parser.parse_args().rollouts
    names = ("open-ended", "open-ended, daily", "horizon", "horizon, daily")
    print("| harm | from day | " + " | ".join(names) + " |")
    print("|---|--:|" + "--:|" * len(names))
    for harm in (0.04, 0.05):
        for begin in ONSETS:
            kind = proportion(planned(300, weeks=WEEKS), days=(begin, begin))
            case = at(kind, np.random.default_rng([20261125, begin]), count, begin, harm)
            told = [found(case, PRIORS[name], begin) for name in names]
            cells = [f"{100 * share:.0f} %, {'-' if day is None else f'{day:.0f}'}" for share, day in told]
            print(f"| +{100 * harm:g} points | {begin} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
