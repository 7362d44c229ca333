"""False rollbacks and delay of ways to test a p95, by simulation on lognormal values whose level moves.

    python benchmarks/quantiles.py [--rollouts 400]

Compares the share beyond a threshold fixed from the reference (with history, and with a pilot) with two rules that
people use: a t-test on daily differences of the p95, and the weekly comparison of pooled p95s over a ramp by Woodruff's
interval at 95 %.
"""

from __future__ import annotations

import argparse

import numpy as np
from tests.guarantees.quantiles import DAYS, Kind, draw, log_e

BAR = np.log(20.0)


def daily(x: np.ndarray, day: np.ndarray, candidate: np.ndarray) -> bool:
    """Whether a one-sided t-test on daily differences says "worse" at some weekly look."""
    both = [
        np.quantile(x[(day == t) & candidate], 0.95) - np.quantile(x[(day == t) & ~candidate], 0.95)
        for t in range(DAYS)
        if ((day == t) & candidate).any()
    ]
    looks = [np.array(both[:end]) for end in range(7, len(both) + 1, 7)]
    return any(d.mean() > 1.645 * d.std(ddof=1) / np.sqrt(len(d)) for d in looks)


def pooled(x: np.ndarray, day: np.ndarray, candidate: np.ndarray) -> bool:
    """Whether the candidate's pooled p95 is above the baseline's beyond Woodruff's interval, at a weekly look."""
    for end in range(7, DAYS + 1, 7):
        seen = (day >= 0) & (day < end)
        c, b = x[seen & candidate], x[seen & ~candidate]
        threshold = np.quantile(b, 0.95)
        share = np.mean(c > threshold)
        error = np.sqrt(0.05 * 0.95 * (1 / len(c) + 1 / len(b)))
        if share - 0.05 > 1.645 * error:
            return True
    return False


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=400)
    count = parser.parse_args().rollouts
    error = np.sqrt(0.05 * 0.95 / count)
    print(f"{count} rollouts each, {DAYS} days, Monte-Carlo error at 5 %: {error:.1%}")
    head = "sigma  a day  traffic  slower  fixed, history  fixed, pilot  daily p95, t  pooled p95  median day (history)"
    print(head)
    for sigma, per_day, traffic, slower in (
        (1.0, 50, 0.1, 1.0), (1.0, 300, 0.1, 1.0), (2.0, 50, 0.1, 1.0), (2.0, 300, 0.1, 1.0),
        (1.0, 300, 0.1, 1.5), (2.0, 300, 0.1, 1.5), (1.0, 50, 0.5, 1.5),
    ):  # fmt: skip
        rng = np.random.default_rng(1)
        found, days = np.zeros((count, 4), dtype=bool), []
        for i in range(count):
            kind = Kind(sigma, per_day, traffic, slower)
            quantiles, x, day, candidate = draw(kind, rng)
            path = log_e(quantiles) >= BAR
            pilot = draw(Kind(sigma, per_day, traffic, slower, history=False), rng)[0]
            found[i] = (path.any(), (log_e(pilot) >= BAR).any(), daily(x, day, candidate), pooled(x, day, candidate))
            days += [int(np.argmax(path)) + 1] if path.any() else []
        shares = "  ".join(f"{share:>12.1%}" for share in found.mean(0))
        when = f"{np.median(days):.0f}" if slower > 1 and days else "-"
        print(f"{sigma:5g}  {per_day:5d}  {traffic:7.0%}  {slower:6g}  {shares}  {when:>10}")


if __name__ == "__main__":
    main()
