"""How often the sample ratio is called wrong when it is right, and how soon a wrong one is seen."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from rampgate.estimate.counts import SPLIT, count_increments
from rampgate.estimate.evidence import log_evidence, onset_prior

ROLLOUTS = 4000
DAYS = 84
START = date(2026, 1, 5)
PRIOR = onset_prior([START + timedelta(days=t) for t in range(DAYS)], START)
RAMP = np.repeat([0.1, 0.25, 0.5], 28)


def fired(per_day: int, traffic: np.ndarray, kept: float, seed: int) -> float:
    """Share of rollouts called wrong at 1 %, when the candidate's share is ``kept`` of its target."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(per_day, (ROLLOUTS, DAYS)).astype(float)
    n_c = rng.binomial(n.astype(int), traffic * kept).astype(float)
    log_e = log_evidence(count_increments(n_c, n, np.broadcast_to(traffic, n.shape), np.array(SPLIT)), PRIOR)
    return float((log_e.max(-1) >= np.log(100)).mean())


@pytest.mark.parametrize("per_day", [50, 3000])
@pytest.mark.parametrize("traffic", [RAMP, np.full(DAYS, 0.01)], ids=["ramp", "1%"])
def test_a_right_split_is_rarely_called_wrong(per_day: int, traffic: np.ndarray, record_property) -> None:
    found = fired(per_day, traffic, 1.0, seed=per_day)
    error = np.sqrt(0.01 * 0.99 / ROLLOUTS)
    what = f"{per_day} units a day, {'1 %' if traffic[0] == 0.01 else '10/25/50 %'} of traffic"
    record_property(
        "figure", f"sample ratio, right split, {what}: called wrong {found:.2%} (budget 1 %, error {error:.2%})"
    )
    assert found <= 0.01 + 2 * error


def test_a_fifth_lost_at_one_percent_is_seen_as_the_statistics_say(record_property) -> None:
    """At 1 % traffic and 300 units a day, 0.8 of the target is found in 38 % within 12 weeks (design figure)."""
    found = fired(300, np.full(DAYS, 0.01), 0.8, seed=1)
    record_property(
        "figure", f"sample ratio, 0.8 of its target at 1 % traffic, 300 a day: seen {found:.0%} in 12 weeks"
    )
    assert 0.33 < found < 0.45


def test_a_fifth_lost_at_ten_percent_is_seen(record_property) -> None:
    assert fired(300, np.full(DAYS, 0.1), 0.8, seed=2) > 0.99
