"""How often a harmless candidate fails on a rare event, and how soon a tripled one is seen."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from rampgate.estimate.counts import RARE, count_increments, rare_share
from rampgate.estimate.evidence import log_evidence, onset_prior

ROLLOUTS = 4000
DAYS = 84
START = date(2026, 1, 5)
PRIOR = onset_prior([START + timedelta(days=t) for t in range(DAYS)], START)
RAMP = np.repeat([0.1, 0.25, 0.5], 28)


def largest(per_day: int, traffic: np.ndarray, rates: tuple[float, float], margin: float, seed: int) -> np.ndarray:
    """Log-evidence of harm after each day, (rollout, day); rates of baseline and candidate."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(per_day, (ROLLOUTS, DAYS))
    n_c = rng.binomial(n, traffic)
    k_b, k_c = (rng.binomial(units, rate).astype(float) for units, rate in ((n - n_c, rates[0]), (n_c, rates[1])))
    share = rare_share(n_c.astype(float), (n - n_c).astype(float), 1 + margin)
    return log_evidence(count_increments(k_c, k_b + k_c, share, np.array(RARE)), PRIOR)


@pytest.mark.parametrize("per_day", [50, 300, 3000])
@pytest.mark.parametrize(("rate", "margin"), [(0.001, 0.0), (0.02, 0.0), (0.002, 0.1)])
@pytest.mark.parametrize("traffic", [RAMP, np.full(DAYS, 0.01)], ids=["ramp", "1%"])
def test_a_candidate_at_the_bound_is_rarely_rolled_back(
    per_day: int, rate: float, margin: float, traffic: np.ndarray, record_property
) -> None:
    log_e = largest(per_day, traffic, (rate, rate * (1 + margin)), margin, seed=per_day)
    found, error = float((log_e.max(-1) >= np.log(20)).mean()), np.sqrt(0.05 * 0.95 / ROLLOUTS)
    what = f"rate {rate:.1%}, worse_by {margin:.0%}, {per_day} a day, {'ramp' if traffic[0] > 0.05 else '1 %'}"
    record_property(
        "figure", f"rare event at its bound, {what}: rolled back {found:.2%} (budget 5 %, error {error:.2%})"
    )
    assert found <= 0.05 + 2 * error


def test_a_tripled_event_is_seen(record_property) -> None:
    log_e = largest(3000, RAMP, (0.002, 0.006), 0.0, seed=9)
    fired = log_e >= np.log(20)
    seen, day = float(fired.any(-1).mean()), float(np.median(np.argmax(fired, -1)[fired.any(-1)])) + 1
    record_property("figure", f"rare event of 0.2 % tripled, 3,000 a day, ramp: seen {seen:.0%}, median day {day:.0f}")
    assert seen > 0.99
