"""A drop of the KPI names what it is made of."""

from __future__ import annotations

import re

import numpy as np
from tests.judge.build import case, policy, units

from rampgate.judge.attribution import attribution
from rampgate.judge.decide import judge

SEGMENTS = {"by": ["queue"], "guardrails": {"override": {"margin": "9pp"}}}


def test_a_drop_names_its_metric_and_segment() -> None:
    made = units(
        days=14,
        traffic=0.5,
        queues=("desk", "network"),
        harm=lambda _, queue: np.where(queue == "network", 0.5, 0.0),
    )
    rules = policy(segments=SEGMENTS, rollback={"kpi": {"worse_by": "1pp"}})
    decision = judge(case(made, 14, rules))
    (message,) = [str(c.message) for c in decision.criteria if c.id == "rollback:kpi"]
    assert decision.decision == "rollback"
    found = re.search(r"override explains (\d+) % of the drop \(in queue=network alone (\d+) %\)", message)
    assert found is not None, message
    # Only override in network differs, so both are all of it but for chance.
    assert all(80 <= int(share) <= 120 for share in found.groups())


def test_a_kpi_that_did_not_drop_is_made_of_nothing_worth_naming() -> None:
    data = case(units(days=10, rates={"right": (0.8, 0.9), "override": (0.2, 0.1)}), 10).data
    assert attribution(data, slice(None)) is None


def test_a_change_of_mix_is_told_as_one() -> None:
    """Each queue is as good in both arms; the candidate got the bad one."""
    made = units(days=10, traffic=0.5, queues=("good", "bad"))
    bad = made.segments["queue"] == "bad"
    made.metrics["override"][:] = bad.astype(float)
    made.metrics["right"][:] = 1.0
    keep = (made.arm == 1) == bad
    some = made.where(keep | (np.arange(len(keep)) % 3 == 0))
    text = attribution(case(some, 10, policy(segments=SEGMENTS)).data, slice(None))
    assert text == "override explains 100 % of the drop; a change in the mix of queue explains 100 %"
