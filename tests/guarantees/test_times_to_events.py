"""Times to events, booked at maturity: false rollback, and how soon slower work is seen.

The design's figure: 20 % longer durations at 90 % resolved are found in a median of 16 days by the share and 14 by
the mean (300 units a day over a ramp of 10/25/50 %).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Contrast, Means, Proportions
from rampgate.estimate.evidence import log_evidence, onset_prior
from rampgate.estimate.interval import log_increments
from rampgate.estimate.reference import Scale
from rampgate.judge.weigh import bets
from rampgate.policy import Margin

ROLLOUTS, DAYS, LIMIT = 1000, 56, 72.0
START = date(2026, 1, 5)
PRIOR = onset_prior([START + timedelta(days=t) for t in range(DAYS)], START)
TRAFFIC = np.repeat([0.1, 0.25, 0.5], [14, 14, 28])
#: Exponential durations of which 90 % are over within the limit.
BASE = LIMIT / np.log(10)


def durations(per_day: int, slower: float, seed: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Per arm (candidate, baseline): hours cut at the limit, 0 where there is no unit, and who there is."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(per_day, (ROLLOUTS, DAYS))
    n_c = rng.binomial(n, TRAFFIC)
    out: list[Floats] = []
    for count, scale in ((n_c, BASE * slower), (n - n_c, BASE)):
        there = np.arange(int(count.max())) < count[..., None]
        out += [np.where(there, np.minimum(rng.exponential(scale, there.shape), LIMIT), 0.0), there.astype(float)]
    return out[0], out[1], out[2], out[3]


def share(drawn: tuple[Floats, Floats, Floats, Floats]) -> Contrast:
    t_c, c, t_b, b = drawn
    done_c, done_b = ((t < LIMIT) * there for t, there in ((t_c, c), (t_b, b)))
    return Proportions(c.sum(-1), done_c.sum(-1), b.sum(-1), done_b.sum(-1), sign=-1)


def mean(drawn: tuple[Floats, Floats, Floats, Floats]) -> Contrast:
    t_c, c, t_b, b = drawn
    n_c, n_b = c.sum(-1), b.sum(-1)
    m_c, m_b = t_c.sum(-1) / np.maximum(n_c, 1), t_b.sum(-1) / np.maximum(n_b, 1)
    ss_c, ss_b = (((t - m[..., None]) ** 2 * there).sum(-1) for t, m, there in ((t_c, m_c, c), (t_b, m_b, b)))
    pooled = (n_c * m_c + n_b * m_b) / np.maximum(n_c + n_b, 1)
    spread = np.maximum(LIMIT - pooled, pooled)
    return Means(n_c, n_b, m_c, m_b, ss_c, ss_b, spread, ranged=True, exact=True)


def fired(contrast: Contrast, variance: float, expect: float, reach: float) -> np.ndarray:
    scale = Scale(np.full((1, DAYS), variance), np.full((1, DAYS), 0.5))
    log_e = log_evidence(log_increments(contrast, 0.0, bets(scale, Margin(expect), reach)), PRIOR)
    return np.asarray(log_e >= np.log(20))


KINDS = {
    "share": (share, 0.09, 0.05, 1.0),
    "mean": (mean, 23.0**2, 5.0, LIMIT),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("per_day", [50, 300])
def test_the_same_durations_are_rarely_rolled_back(kind: str, per_day: int, record_property) -> None:
    make, *rest = KINDS[kind]
    found = float(fired(make(durations(per_day, 1.0, per_day)), *rest).any(-1).mean())
    error = np.sqrt(0.05 * 0.95 / ROLLOUTS)
    record_property(
        "figure",
        f"time to event ({kind}), nothing different, {per_day} a day: rolled back {found:.1%} "
        f"(budget 5 %, error {error:.1%})",
    )
    assert found <= 0.05 + 2 * error


@pytest.mark.parametrize("kind", KINDS)
def test_a_fifth_slower_is_seen(kind: str, record_property) -> None:
    make, *rest = KINDS[kind]
    hits = fired(make(durations(300, 1.2, 5)), *rest)
    seen, day = float(hits.any(-1).mean()), float(np.median(np.argmax(hits, -1)[hits.any(-1)])) + 1
    record_property(
        "figure",
        f"time to event ({kind}), 20 % slower, 300 a day: seen {seen:.0%}, "
        f"median day of exposure {day:.0f}, three days before it is booked",
    )
    assert seen > 0.95
    assert day < 30
