"""The parts of a KPI's difference: they add up, and by hand they are what they are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.build import Units, case, policy, units

from rampgate.aggregate.marginals import Group
from rampgate.estimate.decompose import decompose
from rampgate.estimate.interval import effect
from rampgate.estimate.metric import KPI

SEGMENTS = {"by": ["queue"], "guardrails": {"override": {"margin": "9pp"}}}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), traffic=st.floats(0.02, 0.9), per_day=st.integers(1, 60))
def test_all_parts_add_up_to_the_difference_that_is_shown(seed: int, traffic: float, per_day: int) -> None:
    made = units(days=6, per_day=per_day, traffic=traffic, seed=seed, queues=("a", "b", "c"))
    data = case(made, 6, policy(segments=SEGMENTS)).data
    found = decompose(data.policy, data.run, data.groups, slice(None))
    shown = -float(effect(data.contrast(KPI))[0])
    if found is None:
        assert np.isnan(shown)
        return
    assert found.difference == pytest.approx(shown, abs=1e-12)
    assert sum(found.metrics.values()) == pytest.approx(shown, abs=1e-12)
    for parts in found.segments.values():
        assert sum(part.amount for part in parts) == pytest.approx(shown, abs=1e-12)


def by_hand(counts: dict[tuple[int, str], tuple[int, int]]) -> Units:
    """Units of one day: (arm, queue) -> overridden and not."""
    arm, queue, override = [], [], []
    for (a, q), (yes, no) in counts.items():
        arm += [a] * (yes + no)
        queue += [q] * (yes + no)
        override += [1.0] * yes + [0.0] * no
    n = len(arm)
    values = {"override": np.array(override), "right": np.ones(n)}
    return Units(np.zeros(n, dtype=int), np.array(arm), values, {"queue": np.array(queue, dtype=object)})


def parts_of(made: Units) -> tuple[Any, dict[tuple[str, str, str], float]]:
    data = case(made, 1, policy(segments=SEGMENTS)).data
    found = decompose(data.policy, data.run, data.groups, slice(None))
    assert found is not None
    return found, {(p.metric, str(p.group.value), p.kind): p.amount for p in found.segments["queue"]}


def test_kitagawa_by_hand() -> None:
    """Rates a: .2 and .4, b: .1 and .1; shares of a: .5 and .75. Within: .625 x .2, mix: .25 x .3 - .25 x .1."""
    made = by_hand({(0, "a"): (20, 80), (0, "b"): (10, 90), (1, "a"): (60, 90), (1, "b"): (5, 45)})
    found, parts = parts_of(made)
    assert found.difference == pytest.approx(-0.4 * (0.325 - 0.15))
    within = -0.4 * 0.625 * 0.2
    assert parts["override", "a", "within"] == pytest.approx(within)
    assert parts["override", "b", "within"] == pytest.approx(0.0, abs=1e-12)
    mix = sum(amount for (_, _, kind), amount in parts.items() if kind == "mix")
    assert mix == pytest.approx(-0.4 * (0.25 * 0.3 - 0.25 * 0.1))
    assert found.metrics["right"] == pytest.approx(0.0, abs=1e-12)
    assert found.share(within) == pytest.approx(0.125 / 0.175)


def test_a_value_that_one_arm_lacks_is_mix_alone() -> None:
    _, parts = parts_of(by_hand({(0, "a"): (10, 90), (1, "a"): (5, 45), (1, "b"): (50, 0)}))
    assert parts["override", "b", "within"] == 0.0
    assert parts["override", "a", "within"] == pytest.approx(0.0, abs=1e-12)
    assert parts["override", "b", "mix"] < -0.1


def test_without_both_arms_there_is_nothing_to_split() -> None:
    data = case(by_hand({(0, "a"): (1, 9)}), 1, policy(segments=SEGMENTS)).data
    assert decompose(data.policy, data.run, data.groups, slice(None)) is None
    assert data.groups[1] == Group("queue", "a")
