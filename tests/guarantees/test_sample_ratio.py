"""How often the sample ratio is called wrong when it is right, and how soon a wrong one is seen."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from rampgate.estimate.counts import SPLIT, count_increments
from rampgate.estimate.evidence import log_evidence, onset_prior
from rampgate.judge.crossed import Crossings

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


def test_clusters_that_are_assigned_are_counted_and_not_their_units(record_property) -> None:
    """By ticket a coin thrown for each of 40 clusters is called wrong nearly always."""
    rng = np.random.default_rng(3)
    has = rng.random((ROLLOUTS, 40)) < 0.25
    first = np.zeros((ROLLOUTS, DAYS))
    first[:, 0] = 1.0
    share = np.full((ROLLOUTS, DAYS), 0.25)
    found = {}
    for what, each in (
        ("units", rng.poisson(7.5, (ROLLOUTS, 40, DAYS)).astype(float)),
        ("clusters", first[:, None, :]),
    ):
        n = (np.ones((1, 40, 1)) * each).sum(1)
        log_e = log_evidence(count_increments((has[..., None] * each).sum(1), n, share, np.array(SPLIT)), PRIOR)
        found[what] = float((log_e.max(-1) >= np.log(100)).mean())
    record_property(
        "figure",
        f"sample ratio of 40 assigned clusters: called wrong {found['clusters']:.2%}, by unit {found['units']:.0%}",
    )
    assert found["clusters"] <= 0.01 + 2 * np.sqrt(0.01 * 0.99 / ROLLOUTS)
    assert found["units"] > 0.7


@pytest.mark.parametrize(("units", "share"), [(40, 0.01), (3000, 0.01), (40, 0.2), (3000, 0.02)])
def test_units_that_cross(units: int, share: float, record_property) -> None:
    """At the tolerated 1 % rarely called too many, whenever in their phase they cross; beyond it they are."""
    rng = np.random.default_rng(units)
    seen = rng.multinomial(units, np.full(DAYS, 1 / DAYS), ROLLOUTS).astype(float)
    both = np.zeros_like(seen)
    crossing = rng.binomial(seen.astype(int), share)
    for later in range(DAYS):  # each some days after it was first seen, the last day at the latest
        at = np.minimum(later + rng.integers(0, 20, ROLLOUTS), DAYS - 1)
        both[np.arange(ROLLOUTS), at] += crossing[:, later]
    called = np.array([Crossings(n[None], k[None], "units").evidence().max() for n, k in zip(seen, both, strict=True)])
    found = float((called >= np.log(100)).mean())
    record_property("figure", f"{units} units, {share:.0%} cross: called too many {found:.1%} (budget 1 %)")
    if share == 0.01:
        assert found <= 0.01 + 2 * np.sqrt(0.01 * 0.99 / ROLLOUTS)
    else:
        assert found > 0.8
