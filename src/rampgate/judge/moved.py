"""Where a decision leaves the rollout, with all that the next look is held to."""

from __future__ import annotations

from rampgate.judge.beyond import thresholds
from rampgate.judge.case import Case
from rampgate.judge.decision import Decision
from rampgate.judge.health import seen
from rampgate.judge.state import State, after


def moved(case: Case, decision: Decision) -> State:
    """The state after a look."""
    return after(case.state, decision, seen(case), thresholds(case))
