"""Assigned by cluster: false rollback, false go and power, with the variance by unit beside, by simulation.

    python -m benchmarks.clusters [--rollouts 400] [--seed 0] [--amounts]

40 people handle 300 units a day over twelve weeks, each with a rate of bad outcomes of their own (Beta, mean 15 %),
and daily looks. One criterion at 5 %, `expect` 4 points, bets scaled by the run itself. "20" of 40 keep the candidate
for twelve weeks; "5-10-20" is a ramp that clusters join; "afresh" draws them anew at each step.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from tests.guarantees.cluster_rollouts import SIZES, Design, amounts, passed, rolled_back, rollouts


def cells() -> Iterator[Design]:
    """What is printed, line by line."""
    for steps, afresh in (([20], False), ([5], False), ([8], False), ([5, 10, 20], False), ([5, 10, 20], True)):
        for sizes in SIZES if len(steps) > 1 or steps[0] != 8 else SIZES[:1]:
            for icc in (0.0, 0.05, 0.2):
                yield Design(steps, icc=icc, sizes=sizes, afresh=afresh)
    yield Design([20], icc=0.05, units=3000)
    yield Design([5], icc=0.05, units=3000)
    yield Design([100], icc=0.05, clusters=200)
    yield Design([20, 50, 100], icc=0.05, clusters=200)
    for steps in ([20], [5]):
        for icc in (0.0, 0.01):
            yield Design(steps, rate=0.005, icc=icc)


def line(design: Design, count: int, seed: int | list[int]) -> str:
    """One design: unit variance, then by cluster."""
    rng = np.random.default_rng(seed)
    unit, made = rollouts(rng, design, count)
    harmed = rollouts(rng, design, count, harm=0.05)[1]
    late = rollouts(rng, design, count, harm=0.05, onset=56)[1]
    less = rollouts(rng, replace(design), count, better=True)[1]
    figures = (
        rolled_back(unit)[0], rolled_back(made)[0], rolled_back(less)[0], rolled_back(harmed, 0.05)[0],
        passed(harmed, 0.05), passed(made, 0.05), rolled_back(harmed)[0], rolled_back(late)[0],
    )  # fmt: skip
    what = "-".join(map(str, design.steps)) + (" afresh" if design.afresh else "")
    head = f"{what:14} {design.clusters:4d} {design.units:5d} {design.rate:6.1%} {design.icc:5.2f} {design.sizes:14}"
    return f"{head} {' '.join(f'{100 * x:7.1f}' for x in figures)}"


def amount_line(design: Design, ratio: bool, count: int, seed: list[int]) -> str:
    """One design of a mean, or of a ratio: the same figures at 20 % of its level."""
    rng = np.random.default_rng(seed)
    unit, made = amounts(rng, design, count, ratio=ratio)
    harmed = amounts(rng, design, count, harm=0.2, ratio=ratio)[1]
    figures = (
        rolled_back(unit, expect=0.2)[0], rolled_back(made, expect=0.2)[0], rolled_back(harmed, 0.2, 0.2)[0],
        passed(harmed, 0.2), passed(made, 0.2), rolled_back(harmed, expect=0.2)[0],
    )  # fmt: skip
    what = ("ratio " if ratio else "mean  ") + "-".join(map(str, design.steps)) + (" afresh" if design.afresh else "")
    return f"{what:21} {design.icc:5.2f} {design.sizes:14} {' '.join(f'{100 * x:7.1f}' for x in figures)}"


def of_amounts(count: int, seed: int) -> None:
    """Means and ratios."""
    print("false rollback: by unit, by cluster, at worse_by 20 %; false go: 20 % higher shown within 20 %; then the")
    print("harmless shown within 20 %, and 20 % more caught; in %")
    print("                        icc sizes             unit cluster  at 20%  falseGO   shown  caught")
    number = 0
    for ratio in (False, True):
        for steps, afresh in (([20], False), ([5], False), ([5, 10, 20], False), ([5, 10, 20], True)):
            for sizes in SIZES:
                for icc in (0.01, 0.05):
                    design = Design(steps, icc=icc, sizes=sizes, afresh=afresh)
                    print(amount_line(design, ratio, count, [seed, number]), flush=True)
                    number += 1


def main() -> None:
    """Print one line per design."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--amounts", action="store_true", help="means and ratios in place of proportions")
    asked = parser.parse_args()
    count = asked.rollouts
    print(f"{count} rollouts a cell; Monte-Carlo error at 5 %: {100 * np.sqrt(0.05 * 0.95 / count):.1f} points")
    if asked.amounts:
        of_amounts(count, asked.seed)
        return
    print("false rollback: by unit, by cluster, on the better side, at worse_by 5pp; false go: 5 points worse shown")
    print("within 5pp; then the harmless shown within 5pp, +5 points caught, +5 points from day 56 caught; in %")
    names = ("unit", "worse", "better", "at 5pp", "falseGO", "shown", "caught", "late")
    print("candidate        of a day   rate   icc sizes          " + " ".join(f"{name:>7}" for name in names))
    for number, design in enumerate(cells()):
        print(line(design, count, [asked.seed, number] if asked.seed else number), flush=True)


if __name__ == "__main__":
    main()
