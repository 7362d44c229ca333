"""What `validate` says of a policy at today's volume: what each bound catches, and that each phase can open."""

from __future__ import annotations

import pytest
from tests.simulation.tables import policy, table

from rampgate.simulation.quick import quick
from rampgate.simulation.simulate import simulate

FRAME = table()
CLOSED = [{"traffic": "10%", "go": "non_inferior", "require": ["override"], "at_least": "7d"}, {"traffic": "100%"}]


def test_each_bound_says_what_it_catches() -> None:
    found = quick(policy(segments=None), FRAME)
    assert found.why is None
    assert len(found.catches) == 2  # override and the KPI have rollback criteria
    override = next(line for line in found.catches if line.startswith("override"))
    whole = simulate(
        policy(segments=None), FRAME, rollouts=400, scenario=("override-expect-start",), workers=1
    ).scenarios[0]
    assert whole.missed.estimate is not None
    said = float(override.split(": ")[1].split(" %")[0])
    # Both are shares of simulated rollouts, of 100 and of 400.
    assert said == pytest.approx(100 * (1 - whole.missed.estimate), abs=15)
    assert "within 84 days" in override


def test_a_phase_that_cannot_open_is_refused_with_a_remedy() -> None:
    tight = policy(phases=CLOSED, segments=None, guardrails={"override": {"margin": "2pp"}})
    (line,) = quick(tight, FRAME).never
    assert line.startswith("phase 1 (10% of traffic, non_inferior) opens for 0±1 % of harmless candidates")
    assert "leave the phase by within_budget or no_harm" in line
    assert not quick(policy(phases=CLOSED, segments=None, guardrails={"override": {"margin": "40pp"}}), FRAME).never


def test_a_budget_that_no_rollout_can_meet_is_refused() -> None:
    phases = [{"traffic": "10%", "go": "within_budget", "at_least": "7d"}, {"traffic": "50%", "at_least": "14d"}]
    met, never = (policy(phases=phases, segments=None, harm_budget={"override": b}) for b in (1000.0, 0.5))
    assert not quick(met, FRAME).never
    assert "within_budget" in quick(never, FRAME).never[0]


def test_what_cannot_be_simulated_is_said() -> None:
    clusters = {"source": {"cluster": "queue"}, "kpi": {"weights": {"right": 1.0}}}
    assert "source.cluster" in str(quick(policy(segments=None, **clusters), FRAME).why)
    assert quick(policy(segments=None), FRAME.iloc[:0]).why is not None


def test_a_phase_that_lasts_longer_than_the_usual_horizon_is_watched_long_enough() -> None:
    """Three phases of a month each: the last proof begins after two of them, and can hardly ever succeed."""
    months = [{"traffic": share, "at_least": "28d"} for share in ("10%", "20%")]
    proof = {"traffic": "30%", "at_least": "25d", "go": "non_inferior", "require": ["override"]}
    phases = [*months, proof, {"traffic": "100%"}]
    tight, wide = (
        quick(policy(phases=phases, segments=None, guardrails={"override": {"margin": m}}), FRAME)
        for m in ("0.7pp", "30pp")
    )
    assert "phase 3" in tight.never[0]
    assert not wide.never
    assert all(figure.estimate is not None for figure in (*tight.opening, *wide.opening))


def test_the_share_that_opens_is_that_of_a_longer_watch() -> None:
    """Those that came in late and left in time are no better known than those that stayed."""
    phases = [{"traffic": "30%", "at_least": "14d", "go": "non_inferior", "require": ["override"]}, {"traffic": "100%"}]
    rules = policy(phases=phases, segments=None, guardrails={"override": {"margin": "3pp"}})
    shares = []
    for days in (84, 200):
        found = simulate(rules, FRAME, rollouts=200, days=days, scenario=("harmless",), workers=1).scenarios[0]
        figure = found.opened[0]
        assert figure.estimate is not None
        shares.append(figure.estimate)
    assert shares[0] == pytest.approx(shares[1], abs=0.15)
