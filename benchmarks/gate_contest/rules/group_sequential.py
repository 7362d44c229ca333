"""Group-sequential tests: twelve weekly looks, one-sided, 5 % over all of them.

Sources: Lan and DeMets 1983 (spending functions), Armitage, McPherson and Rowe 1969 (the recursion), Jennison and
Turnbull 2000, chapters 2 and 19. Bounds are computed for the information that the plan will have at each look, which
is known before the launch; ``tests/contest`` holds them against published tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import erfc, exp, log, sqrt
from statistics import NormalDist

import numpy as np
from benchmarks.gate_contest.cases import Case, weekly
from benchmarks.gate_contest.designs import information, track

from rampgate.aggregate.moments import Floats

POINTS = 801
NORMAL = NormalDist()


def obrien_fleming(alpha: float, t: float) -> float:
    """Spent by a part t of the information, in the manner of O'Brien and Fleming."""
    return 2.0 - 2.0 * NORMAL.cdf(NORMAL.inv_cdf(1.0 - alpha / 2.0) / sqrt(t)) if t > 0 else 0.0


def pocock(alpha: float, t: float) -> float:
    """Spent by a part t of the information, in the manner of Pocock."""
    return alpha * log(1.0 + (exp(1.0) - 1.0) * t)


SPENDING = {"O'Brien-Fleming": obrien_fleming, "Pocock": pocock}


def _above(x: Floats) -> Floats:
    """Chance of a standard normal to be above each of x."""
    return np.array([0.5 * erfc(value / sqrt(2.0)) for value in x.ravel()]).reshape(x.shape)


class Walk:
    """A Brownian motion that has not left yet, as weights on points."""

    def __init__(self) -> None:
        self.at, self.weight, self.time = np.zeros(1), np.ones(1), 0.0

    def beyond(self, bound: float, time: float) -> float:
        """Chance to be above the bound at a time and not to have left before."""
        return float(self.weight @ _above((bound - self.at) / sqrt(time - self.time)))

    def go_on(self, lower: float, upper: float, time: float) -> None:
        """Move to a time and stop what is outside (Simpson's rule)."""
        at = np.linspace(lower, upper, POINTS)
        rule = np.ones(POINTS)
        rule[1:-1:2], rule[2:-1:2] = 4.0, 2.0
        step = time - self.time
        density = np.exp(-((at[:, None] - self.at[None]) ** 2) / (2 * step)) / sqrt(2 * np.pi * step)
        self.weight = (density @ self.weight) * rule * (at[1] - at[0]) / 3.0
        self.at, self.time = at, time


def bounds(alpha: float, times: Sequence[float], spend: Callable[[float, float], float]) -> Floats:
    """Bounds on z at each look, one-sided."""
    walk, done, out = Walk(), 0.0, []
    for t in times:
        share = max(spend(alpha, t) - done, 0.0)
        low, high = -1.0, 10.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if walk.beyond(middle * sqrt(t), t) > share else (low, middle)
        out.append(high)
        done = spend(alpha, t)
        walk.go_on(-8.0 * sqrt(t), high * sqrt(t), t)
    return np.array(out)


@cache
def _planned(name: str, alpha: float, times: tuple[float, ...]) -> Floats:
    return bounds(alpha, times, SPENDING[name])


def group_sequential(case: Case, design: str, name: str) -> np.ndarray:
    """Looks at which z is beyond its bound, (rollout, day)."""
    z = track(case, design).z
    looks = np.flatnonzero(weekly(case.days))
    times = tuple(np.round(information(case.traffic, design)[looks], 6).tolist())
    out = np.zeros((len(z), case.days), dtype=bool)
    out[:, looks] = (z[..., looks] > _planned(name, 0.05 / z.shape[1], times)).any(1)
    return out
