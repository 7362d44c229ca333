"""Priors on the onset that were tried, each as (days) -> weight of each day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.evidence import onset_prior

DAY = date(2026, 1, 5)
WEEKS = 12


def open_ended(days: int, launch: float = 0.5, offset: int = 7) -> Floats:
    """``launch`` at the launch and the rest ``c / ((k + offset)(k + offset + 1))`` at the k-th later week."""
    prior = np.zeros(days)
    k = np.arange(1, -(-days // 7))
    prior[0], prior[7 * k] = launch, (1.0 - launch) * (offset + 1) / ((k + offset) * (k + offset + 1))
    return prior


def horizon(days: int, launch: float = 0.5, step: int = 7) -> Floats:
    """``launch`` at the launch and the rest evenly on later starts, every ``step`` days, within twelve weeks."""
    prior = np.zeros(days)
    later = np.arange(step, min(days, 7 * WEEKS), step)
    prior[0], prior[later] = launch, (1.0 - launch) / len(np.arange(step, 7 * WEEKS, step))
    return prior


PRIORS: dict[str, Callable[[int], Floats]] = {
    "open-ended": lambda days: onset_prior([DAY + timedelta(days=t) for t in range(days)], DAY),
    "open-ended, 1/4 at launch": lambda days: open_ended(days, 0.25),
    "open-ended, daily": lambda days: _daily(open_ended(7 * days)[::7], days),
    "horizon": horizon,
    "horizon, 1/4 at launch": lambda days: horizon(days, 0.25),
    "horizon, 1/3 at launch": lambda days: horizon(days, 1 / 3),
    "horizon, even": lambda days: horizon(days, 1 / WEEKS),
    "horizon, daily": lambda days: horizon(days, 0.5, 1),
    "horizon, daily, 1/4 at launch": lambda days: horizon(days, 0.25, 1),
}


def _daily(weekly: Floats, days: int) -> Floats:
    """Each later week's weight spread over the seven days that begin with its start."""
    prior = np.repeat(weekly, 7)[:days] / 7.0
    prior[0], prior[1:7] = weekly[0], 0.0
    return np.asarray(prior)
