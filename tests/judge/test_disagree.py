"""Overall one way, every segment the other way: the arms differ in their mix (Simpson 1951)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.build import case, policy, units

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision, Estimate
from rampgate.judge.disagree import disagreeing

SEGMENTS: dict[str, Any] = {"by": ["queue"], "guardrails": {"override": {"margin": "30pp"}}, "minimum_units": 20}


def look(easy_to_candidate: float, better_inside: float, seed: int = 1) -> Decision:
    """Half of the tickets are easy (5 % overridden), half hard (45 %); the candidate gets more of the easy ones."""
    rng = np.random.default_rng(seed)
    made = units(days=10, per_day=400, traffic=0.5, queues=("easy", "hard"), seed=seed)
    easy = made.segments["queue"] == "easy"
    made.arm[:] = rng.random(len(easy)) < np.where(easy, easy_to_candidate, 1.0 - easy_to_candidate)
    rate = np.where(easy, 0.05, 0.45) + np.where(made.arm == 1, better_inside, 0.0)
    made.metrics["override"][:] = rng.random(len(easy)) < rate
    return judge(case(made, 10, policy(segments=SEGMENTS)))


def notes(decision: Decision) -> list[str]:
    return [r.message for r in decision.reasons if "believe the segments" in r.message]


def test_a_candidate_that_only_got_the_easy_tickets_is_told_apart() -> None:
    decision = look(0.8, 0.03)
    [override] = [m for m in decision.metrics if m.name == "override" and m.group.column is None]
    assert override.difference is not None
    assert override.difference < -0.1  # overall it looks better by far
    # The KPI is mostly made of another metric here, and says the same or nothing.
    assert any(
        note == "override differs one way overall and the other way in every value of queue that is large enough: the "
        "arms differ in queue; believe the segments"
        for note in notes(decision)
    )
    [reason] = [r for r in decision.reasons if r.metric == "override" and "believe the segments" in r.message]
    assert (reason.code, reason.verdict) == ("segment", "INCONCLUSIVE")


def test_with_an_even_split_nothing_is_said() -> None:
    assert not notes(look(0.5, 0.03))
    assert not notes(look(0.5, 0.0))


def test_without_segments_in_the_policy_nothing_is_said() -> None:
    made = units(queues=("easy", "hard"))
    assert not notes(judge(case(made)))


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_chance_alone_hardly_ever_says_so(seed: int) -> None:
    assert not notes(look(0.5, 0.0, seed))


def estimate(value: str | None, difference: float, n: int) -> Estimate:
    group = OVERALL if value is None else Group("queue", value)
    ends = (difference - 0.02, difference + 0.02)
    return Estimate("override", group, 0.5, 0.5 + difference, difference, *ends, 0.95, n, n)


def test_two_large_values_of_many_are_not_the_mix() -> None:
    """Of 23 values two are large and point down by chance; the small ones make up the whole, which points up."""
    large = [estimate("a", -0.005, 300), estimate("b", -0.005, 300)]
    small = [estimate(f"small {i}", 0.02, 100) for i in range(21)]
    whole = estimate(None, 0.015, 2700)
    assert not list(disagreeing([whole, *large, *small], ["queue"], 200))
    # Where the small ones point down as well, only the mix can have turned the whole around.
    small = [replace(row, difference=-0.005) for row in small]
    assert list(disagreeing([whole, *large, *small], ["queue"], 200)) == [("override", "queue")]
