"""Arms, labels and events that fell silent, or never spoke though the history did."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np

from rampgate.aggregate.marginals import Arm
from rampgate.aggregate.moments import Floats
from rampgate.judge.case import Case
from rampgate.judge.decision import FAIL, Health
from rampgate.judge.flow import MISSED, Flow
from rampgate.policy import TimeToEvent

CODE = "missing_labels"


class _Kind(NamedTuple):
    """Something that comes of a unit: its component, what it is a share of, and what to say of it."""

    role: str
    beside: str | None
    has: str
    fix: str


def silent(case: Case) -> list[Health]:
    """An arm, or the labels or events of a metric in an arm, that is silent.

    It is when, at the rate seen before on such days, at least ``MISSED`` should have come since the last one; or since
    the start by the history's rate, of which next to none did.
    """
    data, out = case.data, []
    arms = dict(zip(("candidate", "baseline"), data.run, strict=True))
    both = case.phase.traffic < 1.0 or bool(case.phase.holdout)
    for word, arm in arms.items():
        other = arms["baseline" if word == "candidate" else "candidate"]
        units = _flow(case, arm.n[0], other.n[0]) if both else None
        if units is not None and (gap := units.missed()) >= MISSED:
            text = f"no {word} unit since {_last_day(units)}, where about {gap:.0f} should have come"
            out.append(Health("stale", FAIL, f"{text}: see whether it still has its traffic, or restore its rows"))
            continue
        for name in case.policy.judged_metrics():
            out += _of_metric(case, name, arm, word)
    return out


def _of_metric(case: Case, name: str, arm: Arm, word: str) -> list[Health]:
    """The labels of a metric in one arm, and the events of a time to an event.

    Open units and a dead feed look the same.
    """
    late = f"see whether labels still arrive; where they come late, write matures_after under metrics.{name}"
    kinds = [_Kind("known", None, f"a known {name}", late)]
    metric = case.policy.metrics[name]
    if isinstance(metric, TimeToEvent) and f"{name}:event" in arm.components:
        fix = f"see whether column {metric.to!r} is still written"
        kinds.append(_Kind("event", "known", f"an event of {name}", fix))
    found = []
    for kind in kinds:
        came, beside = (_counts(case, name, arm, role) for role in (kind.role, kind.beside))
        past = case.data.history[1]
        before = tuple(_counts(case, name, past, role, when=1) for role in (kind.role, kind.beside))
        flow = _flow(case, came, beside, (before[0], before[1]))
        if (gap := flow.missed()) >= MISSED:
            text = f"no {word} unit has {kind.has} since {_last_day(flow)}, where about {gap:.0f} should have one"
            found.append(Health(CODE, FAIL, f"{text}: {kind.fix}"))
            continue
        if (rare := flow.never()) is not None:
            seen, due = rare
            few = f"no {word} unit has" if seen == 0 else f"{seen:.0f} {word} units have"
            text = f"{few} {kind.has} since the start, where by the history about {due:.0f} should"
            found.append(Health(CODE, FAIL, f"{text}: {kind.fix}"))
    return found


def _counts(case: Case, name: str, arm: Arm, role: str | None, when: int = 0) -> Floats:
    """Units of an arm that have something, per period old enough for the metric; all of them without a role."""
    ripe = case.data.ripe[name][when]
    return np.asarray((arm.n[0] if role is None else arm.total(f"{name}:{role}")[0]) * ripe)


def _flow(case: Case, came: Floats, beside: Floats, before: tuple[Floats, Floats] | None = None) -> Flow:
    """What came in the run, after what came in the history if that is known."""
    past = [p for p in case.cells.periods if case.state.start is not None and p.day < case.state.start]
    history = ((), np.zeros(0), np.zeros(0)) if before is None else (past, *before)
    return Flow.of(history, (case.data.periods, came, beside))


def _last_day(flow: Flow) -> str:
    assert flow.last is not None
    return date.fromordinal(flow.first + flow.last).isoformat()
