"""Other detectors on the same series, in an environment of their own: JSON in, JSON out.

    DIR/bin/python benchmarks/drift_contest/peers.py < series.json > alarms.json

In: ``{"collection": {"name": [values]}}``. Out: ``{"collection": {"detector": {"parameter": {"name": alarms}}}}``, an
alarm being ``[told, onset]`` and parameters go from the most sensitive to the least.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

#: What KSWIN keeps and compares: its own choice where series are long, less where they have 37 steps.
WINDOWS = {"nab": (100, 30), "tcpd": (40, 15)}
Alarms = list[tuple[int, int]]


def adwin(values: list[float], delta: float, _: str) -> Alarms:
    """ADWIN; a change began where its window now begins."""
    from river.drift import ADWIN  # type: ignore[import-not-found]

    found, detector = [], ADWIN(delta=delta, clock=1, grace_period=10)
    for t, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            found.append((t, max(0, t + 1 - int(detector.width))))
    return found


def page_hinkley(values: list[float], delta: float, threshold: float) -> Alarms:
    """Page-Hinkley, both directions; it does not say where a change began."""
    from river.drift import PageHinkley

    found, detector = [], PageHinkley(min_instances=24, delta=delta, threshold=threshold, alpha=1.0)
    for t, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            found.append((t, t))
    return found


def kswin(values: list[float], alpha: float, collection: str) -> Alarms:
    """KSWIN; a change began where its latest values do."""
    from river.drift import KSWIN

    size, latest = WINDOWS[collection]
    found, detector = [], KSWIN(alpha=alpha, window_size=size, stat_size=latest, seed=1)
    for t, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            found.append((t, max(0, t + 1 - latest)))
    return found


def pelt(kernel: str) -> Callable[[list[float]], Callable[[float], Alarms]]:
    """PELT, in ruptures' C (its linear kernel is the l2 cost); it sees the whole series and tells at once."""

    def fitted(values: list[float]) -> Callable[[float], Alarms]:
        import numpy as np
        import ruptures  # type: ignore[import-not-found]

        made = ruptures.KernelCPD(kernel=kernel, min_size=5).fit(np.array(values))
        return lambda penalty: [(int(t), int(t)) for t in made.predict(pen=penalty)[:-1]]

    return fitted


LEVELS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 5e-3, 2e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-12, 1e-16, 1e-24)
SLOW_LEVELS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8)
STREAMING: dict[str, tuple[tuple[float, ...], Callable[[list[float], float, str], Alarms]]] = {
    "ADWIN": (LEVELS, adwin),
    "KSWIN": (SLOW_LEVELS, kswin),
    "Page-Hinkley, delta 0.005": (
        (5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 75, 100, 150, 250, 500),
        lambda values, threshold, _: page_hinkley(values, 0.005, threshold),
    ),
    "Page-Hinkley, delta 0.5": (
        (3, 5, 8, 10, 12, 15, 20, 25, 30, 35, 50, 100, 200),
        lambda values, threshold, _: page_hinkley(values, 0.5, threshold),
    ),
}
WHOLE: dict[str, tuple[tuple[float, ...], str]] = {
    "PELT (l2), which sees the whole series": (
        (5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 80, 100, 130, 160, 320, 640, 1280),
        "linear",
    ),
    "PELT (rbf), which sees the whole series": ((2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 32, 48), "rbf"),
}


def all_of(series: dict[str, list[float]], collection: str) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """Alarms of every detector by parameter and series."""
    for name, (grid, detect) in STREAMING.items():
        yield name, {f"{p:g}": {key: detect(values, p, collection) for key, values in series.items()} for p in grid}
    for name, (grid, kernel) in WHOLE.items():
        fits = {key: pelt(kernel)(values) for key, values in series.items()}
        yield name, {f"{p:g}": {key: fit(p) for key, fit in fits.items()} for p in grid}


if __name__ == "__main__":
    given = json.load(sys.stdin)
    json.dump({name: dict(all_of(series, name)) for name, series in given.items()}, sys.stdout)
