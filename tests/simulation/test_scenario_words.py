"""The sentences of scenarios say the size that is drawn, also where there was no room for all of it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from tests.simulation.tables import policy, table

from rampgate.policy import Margin
from rampgate.simulation.baseline import from_source
from rampgate.simulation.opening import with_margins
from rampgate.simulation.scenario import scenarios

FRAME = table()


@pytest.mark.parametrize("good", [0.9, 0.999])
def test_the_benefit_told_is_the_one_drawn(good: float) -> None:
    frame = FRAME.copy()
    rng = np.random.default_rng(2)
    frame["right"] = (rng.random(len(frame)) < good).astype(float)
    frame["override"] = rng.random(len(frame)) < 1 - good
    rules = policy(segments=None, kpi={"weights": {"right": 0.6, "override": 0.4}, "margin": "3pp", "floor": 0.7})
    every = {one.name: one for one in scenarios(from_source(rules, frame))[0]}
    told = float(re.findall(r"better by ([0-9.]+) points", every["benefit"].says)[0])
    drawn = -sum(rules.kpi.weights[change.metric] * change.harm for change in every["benefit"].changes)
    assert told == pytest.approx(100 * drawn, rel=0.06)
    if good == 0.9:
        assert told == pytest.approx(3.0, rel=0.02)
    else:
        assert told < 0.3
    moving = every["baseline-moving"]
    sizes = [100 * change.harm for change in moving.changes]
    assert float(re.findall(r"([0-9.]+) points in the end", moving.says)[0]) == pytest.approx(max(sizes), rel=0.06)


def test_a_wider_margin_is_written_as_people_write_it() -> None:
    rules = policy(guardrails={"override": {"margin": Margin(0.011, "points")}}, segments=None)
    assert str(with_margins(rules, ("override",), 1.5).margins()["override"]) == "1.65pp"
