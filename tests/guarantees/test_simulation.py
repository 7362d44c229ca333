"""A simulated policy against the same ramp drawn plainly: binomial counts, and evidence without a policy or a gate."""

from __future__ import annotations

import numpy as np
import pytest
from tests.simulation.tables import error, value

from rampgate import simulate
from rampgate.estimate import evidence

DAYS, UNITS, RATE, HARM, ROLLOUTS = 84, 300, 0.15, 0.03, 1200
RAMP = np.r_[np.full(7, 0.10), np.full(7, 0.25), np.full(70, 0.50)]
POLICY = {
    "metrics": {"bad": {"kind": "proportion", "column": "bad", "better": "lower"}},
    "kpi": {"weights": {"bad": 1.0}, "margin": "30pp"},
    "rollback": {"bad": {"worse_by": 0, "expect": "3pp"}},
    "phases": [
        {"traffic": "10%", "at_least": "7d"},
        {"traffic": "25%", "at_least": "7d"},
        {"traffic": "50%", "at_least": "70d"},
        {"traffic": "100%"},
    ],
}


def plainly(harm: float) -> tuple[np.ndarray, np.ndarray]:
    """The day of the rollback (DAYS: never), and the extra bad outcomes until then, of each rollout."""
    rng = np.random.default_rng(20261125)
    n_c, n_b = (rng.poisson(UNITS * share, (ROLLOUTS, DAYS)) for share in (RAMP, 1.0 - RAMP))
    found = evidence(rng.binomial(n_c, RATE + harm), n_c, rng.binomial(n_b, RATE), n_b, expect=0.03)
    fired = found.log_e >= np.log(20.0)
    day = np.where(fired.any(-1), fired.argmax(-1), DAYS)
    until = np.arange(DAYS) <= day[:, None]
    return day, (until * UNITS * RAMP * harm).sum(-1)


@pytest.mark.parametrize("name", ["harmless", "bad-expect-start"])
def test_a_simulated_policy_does_what_plain_draws_do(name, capsys):
    said = {"per_day": UNITS, "metrics": {"bad": RATE}}
    (one,) = simulate(POLICY, assume=said, rollouts=ROLLOUTS, scenario=(name,), workers=1).scenarios
    day, harmed = plainly(0.0 if name == "harmless" else HARM)
    share = float((day < DAYS).mean())
    seen = value(one.false_rollback) if name == "harmless" else 1.0 - value(one.missed)
    spread = np.sqrt(max(share * (1 - share), 1 / ROLLOUTS) / ROLLOUTS) + max(error(one.false_rollback), 1e-3)
    with capsys.disabled():
        print(f"\n{name}: rolled back {seen:.2%} simulated, {share:.2%} plainly (error {spread:.2%})", end="")
    assert seen == pytest.approx(share, abs=4 * spread)
    if name != "harmless":
        plain = harmed.std(ddof=1) / np.sqrt(ROLLOUTS)
        with capsys.disabled():
            print(f"; harmed {value(one.harmed):.1f} and {harmed.mean():.1f} (error {plain:.1f})", end="")
        assert value(one.harmed) == pytest.approx(harmed.mean(), abs=4 * np.hypot(plain, error(one.harmed)))
        assert value(one.days_to_rollback[0]) == pytest.approx(np.median(day) + 1, abs=3)
