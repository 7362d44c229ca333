"""`test: hazard`: false rollback, and how soon slower work is seen. More cells and figures: benchmarks/hazard.py.

The design's figure: 20 % longer durations at 90 % resolved within 72 hours are found in a median of 11 days (300 units
a day over a ramp of 10/25/50 %), where the share and the mean need 16 and 14.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from rampgate.aggregate.histogram import AGES
from rampgate.aggregate.moments import Floats, Period
from rampgate.estimate.evidence import log_evidence, onset_prior
from rampgate.judge.lives import Lives, booked

ROLLOUTS, DAYS, LIMIT = 500, 56, 72.0
START = date(2026, 1, 5)
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)
PERIODS = [Period(START + t * DAY, 0, BEGIN + t * DAY, BEGIN + (t + 1) * DAY) for t in range(DAYS)]
PRIOR = onset_prior([p.day for p in PERIODS], START)
TRAFFIC = np.repeat([0.1, 0.25, 0.5], [14, 14, 28])
EDGES = np.linspace(0.0, LIMIT, AGES + 1)
WHEN = booked(PERIODS, [timedelta(hours=float(edge)) for edge in EDGES[1:]])


def fired(per_day: int, slower: float, seed: int, shape: float = 1.0) -> np.ndarray:
    """Whether the evidence is at 20 to 1 after each day, (rollout, day); Weibull durations, 90 % within the limit."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(per_day, (ROLLOUTS, DAYS))
    n_c = rng.binomial(n, TRAFFIC)
    arms: list[Floats] = []
    for count, factor in ((n - n_c, 1.0), (n_c, slower)):
        by = 1.0 - np.exp(-np.log(10) * (EDGES / LIMIT / factor) ** shape)
        arms.append(rng.multinomial(count, np.append(np.diff(by), 1.0 - by[-1])).astype(float))
    increments = Lives(EDGES, np.stack(arms), WHEN, -1).increments(None)
    return np.asarray(log_evidence(increments, PRIOR) >= np.log(20))


@pytest.mark.parametrize(("per_day", "shape"), [(50, 1.0), (300, 1.0), (300, 0.4)])
def test_the_same_pace_is_rarely_rolled_back(per_day: int, shape: float, record_property) -> None:
    found = float(fired(per_day, 1.0, per_day, shape).any(-1).mean())
    error = np.sqrt(0.05 * 0.95 / ROLLOUTS)
    record_property(
        "figure",
        f"test: hazard, nothing different, {per_day} a day, Weibull shape {shape:g}: rolled back {found:.1%} "
        f"(budget 5 %, error {error:.1%})",
    )
    assert found <= 0.05 + 2 * error


def test_a_fifth_slower_is_seen_days_before_the_share(record_property) -> None:
    hits = fired(300, 1.2, 5)
    seen, day = float(hits.any(-1).mean()), float(np.median(np.argmax(hits, -1)[hits.any(-1)])) + 1
    record_property(
        "figure", f"test: hazard, 20 % slower, 300 a day: seen {seen:.0%}, median day of the look {day:.0f}"
    )
    assert seen > 0.95
    assert day <= 14  # the share's and the mean's looks are on days 17 and 16 (benchmarks/hazard.py)


def test_faster_events_never_speak_of_harm() -> None:
    assert not fired(300, 1 / 1.3, 7).any()
