"""How often chance alone passes what drift takes for noise, and how often thresholds found in a reference alarm.

``python -m benchmarks.drift_rates`` prints a table; nothing has moved in any row. Decision 22 quotes it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rampgate.aggregate.drift_values import drawn_from, placed
from rampgate.estimate.distances import (
    alarm,
    jensen_shannon,
    jensen_shannon_noise,
    psi,
    wasserstein,
    wasserstein_noise,
)
from rampgate.judge.distance import missing_noise

Flags = NDArray[np.bool_]
RATE = 1000.0
"""Noise is passed by chance in one window of so many, as drift takes it."""


def categories(rng: np.random.Generator, count: int, reference: int, window: int, draws: int) -> Flags:
    """Whether the Jensen-Shannon distance of equal categories passes its noise, (draws,)."""
    shares = np.full(count, 1.0 / count)
    before = rng.multinomial(reference, shares, draws).astype(float)
    now = rng.multinomial(window, shares, draws).astype(float)
    return np.asarray(jensen_shannon(before, now) > jensen_shannon_noise(before, now, RATE))


def heavy(rng: np.random.Generator, reference: int, window: int, references: int, each: int) -> Flags:
    """The same of Wasserstein's distance of lognormal values of sigma 2.5, (references, each)."""
    passed = []
    for _ in range(references):
        values = np.sort(rng.lognormal(0.0, 2.5, reference))
        bins = drawn_from("x", values)
        before, middles = placed(bins, values), np.array(bins.centers)
        for _ in range(each):
            now = placed(bins, np.sort(rng.lognormal(0.0, 2.5, window)))
            passed.append(wasserstein(before, now, middles) > wasserstein_noise(before, now, middles, RATE))
    return np.array(passed).reshape(references, each)


def calibrated(rng: np.random.Generator, reference: int, window: int, rate: float, references: int) -> Flags:
    """Whether a window alarms by a threshold found in 103 windows of a reference, (references, 40).

    Each window has a law that is a little its own.
    """
    passed = []
    for _ in range(references):
        laws = np.exp(0.1 * rng.normal(size=(143, 10)))
        laws /= laws.sum(-1, keepdims=True)
        seen = [rng.multinomial(reference, law) for law in laws[:103]]
        before = np.array(seen, dtype=float)
        now = np.array([rng.multinomial(window, law) for law in laws[103:]], dtype=float)
        whole = before.sum(0)[None]
        passed.append(psi(whole, now) >= alarm([before], rate).level(0, whole, now))
    return np.array(passed)


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(5)
    third = 2.0 / 104.0
    rows: list[tuple[str, float, Callable[[], Flags]]] = [
        ("Jensen-Shannon, 50 categories, 2000 and 100 units", 1 / RATE, lambda: categories(rng, 50, 2000, 100, 20_000)),
        ("Jensen-Shannon, 10 categories, 2000 and 500 units", 1 / RATE, lambda: categories(rng, 10, 2000, 500, 20_000)),
        ("missing, a share of 0.1 %, 10000 and 100 units", 1 / RATE, lambda: lost(rng, 0.001, 10_000, 100)),
        ("missing, a share of 10 %, 10000 and 1000 units", 1 / RATE, lambda: lost(rng, 0.1, 10_000, 1000)),
        ("Wasserstein, lognormal 2.5, 2000 and 200 units", 1 / RATE, lambda: heavy(rng, 2000, 200, 400, 50)),
        ("thresholds found, windows as large: 1000 units", third, lambda: calibrated(rng, 1000, 1000, third, 600)),
        ("thresholds found, windows ten times as large", third, lambda: calibrated(rng, 200, 2000, third, 600)),
    ]
    print(f"{'nothing has moved':52}{'asked':>8}{'passed':>9}{'error':>8}")
    for what, asked, draw in rows:
        passed = draw().astype(float)
        drawn = passed.reshape(len(passed), -1).mean(-1)  # windows of one reference are alike
        error = drawn.std() / np.sqrt(len(drawn))
        print(f"{what:52}{100 * asked:7.2f}%{100 * passed.mean():8.2f}%{100 * error:7.2f}%")


def lost(rng: np.random.Generator, share: float, reference: int, window: int) -> Flags:
    """Whether the difference of two shares of missing values passes its noise, (50000,)."""
    passed = []
    for before, now in zip(*(rng.binomial(n, share, 50_000).astype(float) for n in (reference, window)), strict=True):
        known = np.array([reference - before]), np.array([window - now])
        passed.append(abs(before / reference - now / window) > missing_noise(*known, (before, now)))
    return np.array(passed)


if __name__ == "__main__":
    main()
