"""What the scale of the bets costs when there is no history: false rollbacks and delay, by simulation.

    python benchmarks/pilot.py [--rollouts 2000]

Compares bets scaled by the true variance, by the pilot of ``estimate/reference.py``, and by the cautious guess alone.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta

import numpy as np

from rampgate.estimate.contrast import Proportions
from rampgate.estimate.evidence import log_evidence, onset_prior
from rampgate.estimate.interval import log_increments
from rampgate.estimate.reference import Scale, scale
from rampgate.judge.weigh import bets
from rampgate.policy import Margin

DAYS, UNITS = 84, 300
RAMP = np.r_[np.full(7, 0.10), np.full(7, 0.25), np.full(70, 0.50)]


def rollouts(rng: np.random.Generator, count: int, rate: float, harm: float) -> Proportions:
    """A batch of rollouts on the plain ramp."""
    n_c = rng.binomial(UNITS, RAMP, (count, DAYS)).astype(float)
    n_b = UNITS - n_c
    y_c = rng.binomial(n_c.astype(int), rate + harm).astype(float)
    return Proportions(n_c, y_c, n_b, rng.binomial(n_b.astype(int), rate).astype(float))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=2000)
    count = parser.parse_args().rollouts
    prior = onset_prior([date(2026, 1, 5) + timedelta(days=i) for i in range(DAYS)], date(2026, 1, 5))
    error = np.sqrt(0.05 * 0.95 / count)
    print(f"{count} rollouts, {UNITS} units a day, 12 weeks, 10/25/50 %; Monte-Carlo error at 5 %: {error:.2%}")
    print(f"{'rate':>6} {'harm':>6} {'scale':>8} {'fired':>8} {'median day':>11}")
    for rate, harm in [(0.15, 0.0), (0.15, 0.04), (0.02, 0.0), (0.02, 0.02), (0.5, 0.0), (0.5, 0.06)]:
        made = rollouts(np.random.default_rng(1), count, rate, harm)
        none = np.zeros((count, 0))
        nothing = Proportions(none, none, none, none)
        expect = harm or {0.15: 0.04, 0.02: 0.02, 0.5: 0.06}[rate]
        for name, variance in {
            "true": np.full((count, DAYS), rate * (1 - rate)),
            "pilot": scale(nothing, made, 1.0).variance,
            "guess": np.full((count, DAYS), 0.25),
        }.items():
            lambdas = bets(Scale(variance, variance), Margin(expect), 1.0)
            path = log_evidence(log_increments(made, 0.0, lambdas), prior)
            fired = (path >= np.log(20)).any(-1)
            day = np.median(np.argmax(path >= np.log(20), -1)[fired]) + 1 if fired.any() else np.nan
            print(f"{rate:6.1%} {harm:6.1%} {name:>8} {fired.mean():8.2%} {day:11.0f}")


if __name__ == "__main__":
    main()
