"""Whether one day's increment has mean at most 1: every outcome of two small arms, summed.

    python -m benchmarks.gate_contest.exact

Prints, for each kind of increment, by how much the mean of its exponential is above 1 at most, over arms of 1 to 270
units, rates of 0.1 to 94 %, margins of 0, 1 and 5 points, for bets as the gate makes them (lambda up to 0.5) and
larger ones.
"""

from __future__ import annotations

from itertools import product
from math import exp, lgamma, log

import numpy as np
from benchmarks.gate_contest.nearer import Cost, bennett, bennett_of_a_sample, binomials, gaussian

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Proportions

ARMS = ((1, 1), (1, 4), (2, 3), (1, 9), (2, 18), (10, 10), (16, 4), (3, 27), (25, 25), (30, 270), (75, 225), (150, 150))
RATES = (0.001, 0.01, 0.05, 0.15, 0.5, 0.85, 0.94)
MARGINS = (0.0, 0.01, 0.05)
USUAL, LARGE = (0.02, 0.1, 0.25, 0.5), (1.0, 2.0)
KINDS: dict[str, Cost] = {
    "Bennett, as the gate does": bennett,
    "Bennett, variance times n / (n - 1)": bennett_of_a_sample,
    "two binomials": binomials,
    "Gaussian": gaussian,
}


def chances(n: int, rate: float) -> Floats:
    """Binomial probabilities of 0 to n."""
    whole = lgamma(n + 1)
    return np.array([
        exp(whole - lgamma(y + 1) - lgamma(n - y + 1) + y * log(rate) + (n - y) * log(1 - rate)) for y in range(n + 1)
    ])  # fmt: skip


def above_one(cost: Cost, arms: tuple[int, int], rate: float, margin: float, bet: float) -> float:
    """Mean of the exponential of a day's increment less 1, at the null's edge."""
    n_c, n_b = arms
    weight = chances(n_c, rate + margin)[:, None] * chances(n_b, rate)[None]
    y_c, y_b = (y.astype(float) for y in np.meshgrid(np.arange(n_c + 1), np.arange(n_b + 1), indexing="ij"))
    made = Proportions(np.full(y_c.shape, float(n_c)), y_c, np.full(y_c.shape, float(n_b)), y_b)
    lost = cost(made, margin, np.full((*y_c.shape, 1), bet))[..., 0]
    return float((weight * np.exp(bet * made.weight * (made.effect - margin) - lost)).sum() - 1.0)


def main() -> None:
    """Print the table."""
    print("| increments | bets up to 0.5 | larger bets |")
    print("|---|--:|--:|")
    for name, cost in KINDS.items():
        worst = [max(above_one(cost, *how) for how in product(ARMS, RATES, MARGINS, bets)) for bets in (USUAL, LARGE)]
        print(f"| {name} | {worst[0]:+.5f} | {worst[1]:+.5f} |")


if __name__ == "__main__":
    main()
