"""What a decision says of itself when it is read: the units of its KPI, and when harm began."""

from __future__ import annotations

import numpy as np
from tests.judge.build import case, policy, units

from rampgate.judge.decide import judge


def test_a_decision_read_back_knows_the_units_of_its_kpi() -> None:
    judged = judge(case(units(days=5, queues=("a", "b")), 5))
    read = type(judged).from_dict(judged.to_dict())
    assert (read.kpi.n_baseline, read.kpi.n_candidate) == (judged.kpi.n_baseline, judged.kpi.n_candidate)
    assert read.kpi.n_baseline + read.kpi.n_candidate == 5 * 300
    assert read.kpi == read.metrics[0]


def test_harm_in_a_segment_began_no_earlier_than_the_segment() -> None:
    """Before its first unit every beginning is as likely; the table says when there was one."""

    def only_new(day: np.ndarray, queue: np.ndarray) -> np.ndarray:
        return np.where(queue == "new", 0.6, 0.0)

    made = units(days=35, traffic=0.5, queues=("old", "new"), harm=only_new, seed=4)
    made = made.where((made.day >= 10) | (made.segments["queue"] == "old"))
    rules = policy(
        segments={"by": ["queue"], "rollback": {"override": {"worse_by": "10pp"}}, "minimum_units": 50}, guardrails=None
    )
    decision = judge(case(made, 35, rules))
    [found] = [c for c in decision.criteria if c.group.value == "new" and c.kind == "rollback"]
    assert (found.verdict, found.onset) == ("FAIL", "2026-01-15")
