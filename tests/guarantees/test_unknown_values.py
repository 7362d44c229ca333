"""A KPI with a mean that 70 % of units do not have: rates of error, about 0 and about a thousand spreads from it.

A unit whose value is unknown deviates by nothing, so the bound on a unit is that of known values, wherever 0 lies.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.estimate.rows import moments
from tests.estimate.test_numerics import policy

from rampgate.estimate.contrast import Contrast, take
from rampgate.estimate.evidence import log_evidence, log_evidence_from
from rampgate.estimate.interval import log_increments
from rampgate.estimate.metric import contrast
from rampgate.estimate.reference import effect_bets, scale

ROLLOUTS, DAYS, PER_DAY, MARGIN = 150, 42, 60, 0.03
BAR = np.log(20.0)


def rows(rng: np.random.Generator, n: int, centre: float, harm: float) -> dict[str, np.ndarray]:
    """Satisfaction from 1 to 5, known of 30 %, and a rate; both parts of the KPI fall by ``harm``."""
    known = (rng.random(n) < 0.3).astype(float)
    score = rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], n, p=[0.05, 0.05, 0.1, 0.3, 0.5]) - 8 * harm * (rng.random(n) < 0.5)
    right = (rng.random(n) < 0.85 - harm).astype(float)
    return {
        "right:value": right,
        "right:known": np.ones(n),
        "csat:value": (centre + score) * known,
        "csat:known": known,
    }


def rollout(seed: int, centre: float, harm: float) -> tuple[Contrast, np.ndarray]:
    """The KPI's contrast over a run at 50 % of traffic, and its bets."""
    rng = np.random.default_rng(seed)
    days = []
    for _ in range(DAYS):
        n_c = max(1, int(rng.binomial(PER_DAY, 0.5)))
        days.append((rows(rng, PER_DAY - n_c, centre, 0.0), rows(rng, n_c, centre, harm)))
    m = moments(days)
    run = take(contrast(policy(0.5, centre), "kpi", m.arm(1), m.arm(0)), slice(None), 0)
    return run, effect_bets(scale(take(run, slice(0, 0)), run, 1.0), np.asarray(MARGIN), 1.0)


@pytest.mark.parametrize("centre", [0.0, 1000.0])
def test_a_kpi_with_unknown_values_keeps_its_error_rates(
    centre: float, record_property: Callable[[str, object], None]
) -> None:
    failed = passed = 0
    for seed in range(ROLLOUTS):
        run, bets = rollout(seed, centre, 0.0)
        failed += bool((log_evidence(log_increments(run, 0.0, bets), np.eye(1, DAYS)[0]) >= BAR).any())
        run, bets = rollout(seed, centre, MARGIN)
        increments = log_increments(run, MARGIN, bets, -1)
        passed += any(float(log_evidence_from(increments[: t + 1])) >= BAR for t in range(DAYS))
    error = (0.05 * 0.95 / ROLLOUTS) ** 0.5
    record_property(
        "figure",
        f"KPI, 70 % of one mean unknown, values about {centre:g}: false FAIL {failed / ROLLOUTS:.1%}, "
        f"false GO at the margin {passed / ROLLOUTS:.1%} (budget 5 %, error {error:.1%})",
    )
    assert failed / ROLLOUTS <= 0.05 + 3 * error
    assert passed / ROLLOUTS <= 0.05 + 3 * error
