"""Where failures are so rare that none has shown yet, and where a variance rises in mid-run (decision 0006).

Each share is compared with its budget plus three Monte-Carlo errors; the plain rule breaks the first by far, which
shows that the cells can fail.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from benchmarks.quiet import BAR, paths, rollouts

from rampgate.estimate.contrast import Means
from rampgate.estimate.evidence import log_evidence, onset_prior
from rampgate.estimate.interval import log_increments
from rampgate.estimate.reference import Scale
from rampgate.judge.weigh import bets

COUNT = 400
ERROR = 3 * float(np.sqrt(0.05 * 0.95 / COUNT))
CELLS: list[dict[str, Any]] = [
    {"good": 0.998, "known": 1.0, "units": 300, "traffic": 0.1},
    {"good": 0.998, "known": 0.3, "units": 300, "traffic": 0.1},
    {"good": 0.998, "known": 1.0, "units": 100, "traffic": 0.1},
    {"good": 0.85, "known": 1.0, "units": 300, "traffic": 0.5},
]


def reached(path: np.ndarray) -> float:
    return float((path >= BAR).any(-1).mean())


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_kpi_at_the_margin_does_not_pass_and_a_good_one_does(cell: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    at_margin, good = rollouts(rng, cell, 0.02, COUNT), rollouts(rng, cell, 0.0, COUNT)
    assert reached(paths(at_margin, cell, 0.02, plain=False)[1]) <= 0.05 + ERROR
    harm, proof = paths(good, cell, 0.02, plain=False)
    assert reached(harm) <= 0.05 + ERROR
    assert reached(proof) >= 0.9


def test_the_plain_rule_lets_it_pass() -> None:
    made = rollouts(np.random.default_rng(1), CELLS[2], 0.02, COUNT)
    assert reached(paths(made, CELLS[2], 0.02, plain=True)[1]) > 0.2


@pytest.mark.parametrize("harm", [0.02, 0.3])
def test_harm_is_caught_however_quiet_the_reference(harm: float) -> None:
    made = rollouts(np.random.default_rng(2), CELLS[0], harm, COUNT)
    assert reached(paths(made, CELLS[0], 0.02, plain=False)[0]) >= 0.95


@pytest.mark.parametrize(("units", "traffic"), [(300, 0.1), (60, 0.2), (60, 0.1)])
def test_a_variance_that_rises_in_mid_run(units: int, traffic: float) -> None:
    """Equal means; the candidate's standard deviation goes from 1 to 3 on day 28."""
    rng, days = np.random.default_rng(4), 84
    sd = np.where(np.arange(days) < 28, 1.0, 3.0)
    n_c = rng.binomial(units, traffic, (COUNT, days)).astype(float)
    n_b = units - n_c

    def arm(n: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and sum of squares of n normal values, without drawing each."""
        mean = rng.normal(size=n.shape) * spread / np.sqrt(np.maximum(n, 1))
        return np.where(n > 0, mean, 0.0), spread**2 * rng.chisquare(np.maximum(n - 1, 0.5)) * (n > 1)

    (a_c, ss_c), (a_b, ss_b) = arm(n_c, sd), arm(n_b, np.ones(days))
    made = Means(n_c, n_b, a_c, a_b, ss_c, ss_b, 4.0 * np.ones(n_c.shape) * sd)
    lambdas = bets(Scale(np.ones(n_c.shape), np.ones(n_c.shape)), None)
    calendar = [date(2026, 1, 5) + timedelta(days=i) for i in range(days)]
    path = log_evidence(log_increments(made, 0.0, lambdas), onset_prior(calendar, calendar[0]))
    assert reached(path) <= 0.05 + ERROR
