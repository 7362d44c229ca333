"""Means winsorised at the reference's bounds, and means less what a covariate explains: false rollback and power."""

from __future__ import annotations

import numpy as np
import pytest
from tests.guarantees.means import DAYS, arm, log_e, nothing

from rampgate.aggregate.marginals import Arm
from rampgate.aggregate.moments import Floats
from rampgate.estimate.covariate import adjusted_mean, slopes
from rampgate.estimate.metric import contrast
from rampgate.policy import Policy, load_policy

ROLLOUTS, HISTORY = 300, 28
BAR = np.log(20.0)
ERROR = np.sqrt(0.05 * 0.95 / ROLLOUTS)


def policy(bounds: tuple[float, float] | None = None) -> Policy:
    metric = {"kind": "mean", "column": "x", "better": "lower"} | ({} if bounds is None else {"bounds": list(bounds)})
    ok = {"kind": "proportion", "column": "ok"}
    return load_policy({"metrics": {"m": metric, "ok": ok}, "kpi": {"weights": {"ok": 1}}, "phases": [{"traffic": 1}]})


# --- winsorised at the reference's bound ---------------------------------------------------------


def fired(per_day: int, traffic: float, slower: float, winsorised: bool, seed: int) -> np.ndarray:
    """Whether each rollout of lognormal values, sigma 2, on a moving level is rolled back by each day."""
    rng = np.random.default_rng(seed)
    move = np.exp(0.4 * np.sin(np.arange(-HISTORY, DAYS) / 7.0))[:, None]
    x = rng.lognormal(1.0, 2.0, (ROLLOUTS, HISTORY + DAYS, per_day)) * move
    candidate = rng.random(x.shape) < traffic
    candidate[:, :HISTORY] = False
    x = np.where(candidate, x * slower, x)
    bounds = None
    if winsorised:
        # One bound for the batch, as one rollout's history gives it: half a percent of the values lie beyond.
        bounds = (0.0, float(np.quantile(x[0, :HISTORY], 0.995)))
        x = np.minimum(x, bounds[1])
    past, run = (slice(0, HISTORY), slice(HISTORY, None))
    c, b = arm(candidate[:, run], x[:, run]), arm(~candidate[:, run], x[:, run])
    before = arm(~candidate[:, past], x[:, past])
    rules, reach = policy(bounds), 0.0 if bounds is None else bounds[1]
    was, now = contrast(rules, "m", nothing(before), before), contrast(rules, "m", c, b)
    return np.asarray(log_e(was, now, None, reach) >= BAR)


@pytest.mark.parametrize(("per_day", "traffic"), [(50, 0.1), (300, 0.1), (100, 0.5)])
def test_a_winsorised_mean_of_heavy_tails_is_rarely_rolled_back(per_day: int, traffic: float, record_property) -> None:
    found = float(fired(per_day, traffic, 1.0, True, per_day).any(-1).mean())
    record_property(
        "figure",
        f"mean of lognormal values, sigma 2, cut at the reference's 99.5 %, {per_day} a day at {traffic:.0%}: "
        f"rolled back {found:.1%} (budget 5 %, error {ERROR:.1%})",
    )
    assert found <= 0.05 + 2 * ERROR


def test_winsorising_gains_power_where_tails_are_heavy(record_property) -> None:
    cut, plain = (float(fired(100, 0.5, 1.5, on, 9).any(-1).mean()) for on in (True, False))
    record_property(
        "figure",
        f"the same half as high again, 100 a day at 50 %, {DAYS} days: rolled back {cut:.0%} cut at the reference's "
        f"bound, {plain:.0%} without bounds",
    )
    assert cut > plain


# --- less what a covariate explains --------------------------------------------------------------


def draws(rho: float, harm: float, traffic: float, seed: int, per_day: int = 60) -> tuple[Arm, Arm, Arm]:
    """Candidate, baseline and the baseline's history; a tenth of the covariates is unknown."""
    rng = np.random.default_rng(seed)
    shape = (ROLLOUTS, HISTORY + DAYS, per_day)
    x = rng.normal(0.0, 3.0, shape) + 10.0
    y = rho * (x - 10.0) / 3.0 + np.sqrt(1 - rho**2) * rng.normal(size=shape)
    y += 0.5 * np.sin(np.arange(shape[1]) / 5.0)[:, None]
    candidate = rng.random(shape) < traffic
    candidate[:, :HISTORY] = False
    y += harm * candidate
    x[rng.random(shape) < 0.1] = np.nan
    run, past = slice(HISTORY, None), slice(0, HISTORY)
    return (
        arm(candidate[:, run], y[:, run], x[:, run]),
        arm(~candidate[:, run], y[:, run], x[:, run]),
        arm(~candidate[:, past], y[:, past], x[:, past]),
    )


def adjusted(rho: float, harm: float, traffic: float, seed: int, history: bool = True) -> tuple[Floats, Floats]:
    """Log-evidence with and without the covariate."""
    c, b, past = draws(rho, harm, traffic, seed)
    empty = nothing(past)
    before = past if history else empty
    was, now = slopes("m", (empty, before), (c, b))
    one = log_e(
        adjusted_mean("m", empty, before, was, (1.0, 1), None), adjusted_mean("m", c, b, now, (1.0, 1), None), 0.2
    )
    rules = policy()
    return one, log_e(contrast(rules, "m", empty, before), contrast(rules, "m", c, b), 0.2)


@pytest.mark.parametrize("history", [True, False])
@pytest.mark.parametrize("traffic", [0.1, 0.5])
def test_a_covariate_makes_no_false_rollbacks(traffic: float, history: bool, record_property) -> None:
    found = float((adjusted(0.8, 0.0, traffic, 5, history)[0] >= BAR).any(-1).mean())
    record_property(
        "figure",
        f"mean less what a covariate (correlation 0.8) explains, 60 a day at {traffic:.0%}, "
        f"{'history' if history else 'no history'}: rolled back {found:.1%} (budget 5 %, error {ERROR:.1%})",
    )
    assert found <= 0.05 + 2 * ERROR


def test_a_covariate_gains_power(record_property) -> None:
    with_, without = (float((e >= BAR).any(-1).mean()) for e in adjusted(0.8, 0.15, 0.5, 6))
    record_property(
        "figure",
        f"0.15 standard deviations worse, 60 a day at 50 %, {DAYS} days: rolled back {with_:.0%} with a covariate of "
        f"correlation 0.8 (a tenth unknown), {without:.0%} without",
    )
    assert with_ > without + 0.1
