"""Rates so quiet that failures have not shown yet: false go, false rollback, delay, by simulation.

    python benchmarks/quiet.py [--rollouts 1000]

The plain rule bets ``expect / sigma^2``, takes a KPI's variance as seen, and its increments as Gaussian. The rule in
force counts the bad units that an arm lacks under the null, bets ``expect / (sigma^2 + expect reach)``, and holds what
lets a rollout go on to bounded increments.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from rampgate.aggregate.marginals import Arm
from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Means
from rampgate.estimate.evidence import log_evidence, log_sum_exp, onset_prior
from rampgate.estimate.interval import log_increments
from rampgate.estimate.metric import contrast
from rampgate.estimate.reference import Scale
from rampgate.judge.weigh import bets
from rampgate.policy import Margin, load_policy

DAYS = 84
BAR = np.log(20)
RATE = {"kind": "proportion"}
POLICY = load_policy(
    {
        "metrics": {"a": {**RATE, "column": "a"}, "b": {**RATE, "column": "b"}},
        "kpi": {"weights": {"a": 0.5, "b": 0.5}},
        "phases": [{"traffic": 0.5}],
    }
)
NAMES = ("a:value", "a:known", "b:value", "b:known")
PAIRS = tuple((i, j) for i in range(4) for j in range(i, 4))


def arm(rng: np.random.Generator, n: Floats, good: float, known: float) -> Arm:
    """Units of two independent rates, the first known for a share of the units."""
    units = np.array([[0, 0, y, 1] for y in (0, 1)] + [[x, 1, y, 1] for x in (0, 1) for y in (0, 1)], dtype=float)
    rate = [1 - good, good]
    chance = [(1 - known) * rate[y] for y in (0, 1)] + [known * rate[x] * rate[y] for x in (0, 1) for y in (0, 1)]
    counts = rng.multinomial(n.astype(int), np.array(chance)).astype(float)
    mean = counts @ units / np.maximum(n, 1.0)[..., None]
    products = [counts @ (units[:, i] * units[:, j]) - n * mean[..., i] * mean[..., j] for i, j in PAIRS]
    low, high = np.zeros_like(mean), np.ones_like(mean)
    return Arm(NAMES, PAIRS, n, mean, np.stack(products, -1), low, high)


def rollouts(rng: np.random.Generator, cell: dict[str, Any], harm: float, count: int) -> Means:
    """KPI contrasts of a batch of rollouts with constant traffic."""
    n_c = rng.binomial(cell["units"], cell["traffic"], (count, DAYS)).astype(float)
    n_b = cell["units"] - n_c
    made = contrast(
        POLICY, "kpi", arm(rng, n_c, cell["good"] - harm, cell["known"]), arm(rng, n_b, cell["good"], cell["known"])
    )
    assert isinstance(made, Means)
    return made


def paths(made: Means, cell: dict[str, Any], margin: float, plain: bool) -> tuple[Floats, Floats]:
    """Log-evidence of harm above 0, and of no harm by the margin, (rollout, day)."""
    variance = 0.25 * cell["good"] * (1 - cell["good"]) * (1 + 1 / cell["known"])
    scale = Scale(np.full(made.n_c.shape, variance), np.ones(made.n_c.shape))
    if plain:
        made = replace(made, spread=np.zeros_like(made.spread), ranged=False)
    lambdas = bets(scale, Margin(margin), 0.0 if plain else 1.0)
    days = [date(2026, 1, 5) + timedelta(days=i) for i in range(DAYS)]
    harm = log_evidence(log_increments(made, 0.0, lambdas), onset_prior(days, days[0]))
    proof = log_sum_exp(log_increments(made, margin, lambdas, -1).cumsum(-2)) - np.log(lambdas.shape[-1])
    return harm, proof


def told(path: Floats) -> str:
    """Share that reach the bar, and the median day of all."""
    reached = (path >= BAR).any(-1)
    day = np.median(np.where(reached, np.argmax(path >= BAR, -1) + 1, 10**6))
    return f"{reached.mean():7.1%} {'never' if day > DAYS else f'day {day:.0f}':>7}"


def main() -> None:
    """Print one line per cell and rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=1000)
    count = parser.parse_args().rollouts
    error = np.sqrt(0.05 * 0.95 / count)
    print(f"{count} rollouts, {DAYS} days, KPI of two rates, margin and expect 2 points; error at 5 %: {error:.1%}")
    names = ("false go", "harmless goes", "false rollback", "+2pp caught", "+30pp caught")
    print("  good  known  units  share   rule " + " ".join(f"{name:>15}" for name in names))
    for good, known, units, traffic in [
        (0.85, 1.0, 300, 0.5), (0.998, 1.0, 300, 0.5), (0.998, 1.0, 300, 0.1), (0.998, 0.3, 300, 0.1),
        (0.998, 1.0, 100, 0.1), (0.998, 1.0, 20, 0.5), (0.99, 1.0, 300, 0.1),
    ]:  # fmt: skip
        cell = {"good": good, "known": known, "units": units, "traffic": traffic}
        made = {harm: rollouts(np.random.default_rng(1), cell, harm, count) for harm in (0.0, 0.02, 0.3)}
        for plain in (True, False):
            found = {harm: paths(m, cell, 0.02, plain) for harm, m in made.items()}
            parts = (found[0.02][1], found[0.0][1], found[0.0][0], found[0.02][0], found[0.3][0])
            rule = "plain" if plain else "ours"
            print(
                f"{good:6.1%} {known:6.0%} {units:6d} {traffic:6.0%} {rule:>6} {' '.join(map(told, parts))}", flush=True
            )


if __name__ == "__main__":
    main()
