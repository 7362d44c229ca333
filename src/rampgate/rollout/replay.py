"""Every look over history, the state carried along, nothing written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rampgate.aggregate.calendar import local_midnight
from rampgate.aggregate.moments import Cells, Intake
from rampgate.aggregate.read import read
from rampgate.aggregate.store import Store
from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision
from rampgate.judge.moved import moved
from rampgate.judge.state import ROLLED_BACK, State
from rampgate.policy import Policy, load_policy, refuse_not_judged
from rampgate.rollout.looks import first_phase, look_at, next_look, parse_moment, switches
from rampgate.rollout.rows import events_engine
from rampgate.shown import Shown


class Looks(tuple[Decision, ...], Shown):
    """The decisions of a replay, oldest first: a tuple that a notebook shows as a table and a ramp."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self:
            return "<Looks: none>"
        first, last = self[0], self[-1]
        return f"<Looks: {len(self)} from {first.look:%Y-%m-%d} to {last.look:%Y-%m-%d}, the last one {last.decision}>"


def replay(
    policy: Policy | str | Path | Mapping[str, Any],
    events: Any = None,
    start: str | date | datetime | None = None,
    end: str | date | datetime | None = None,
) -> Looks:
    """What the gate would have decided at every look.

    Parameters
    ----------
    policy : a policy, its file, or its content
    events : frame, path or engine; the policy's ``source.events`` when left out
    start, end : first and last moment of a look; the whole history when left out

    Returns
    -------
    One decision per look, up to the one that rolls back. The phases are those the gate would have been in; the
    rows are those of the traffic that really was.
    """
    return Looks(looks(policy, events, start, end))


def looks(
    policy: Policy | str | Path | Mapping[str, Any],
    events: Any = None,
    start: str | date | datetime | None = None,
    end: str | date | datetime | None = None,
    store: Store | None = None,
) -> Iterator[Decision]:
    """The same as ``replay``, one decision at a time; ``store`` as for `check`."""
    policy = load_policy(policy)
    refuse_not_judged(policy)
    engine = events_engine(policy, events)
    try:
        until = look_at(policy, parse_moment(end, policy.zone))
        cells, intake, first, _, bounds, drift, apart = read(
            policy, engine, switches(policy, None), until, drift={}, store=store
        )
    finally:
        if engine is not events:
            engine.close()
    if first is None or intake.newest is None:
        return
    last = _last_look(policy, intake.newest)
    since = parse_moment(start, policy.zone) if start is not None else None
    look = next_look(policy, look_at(policy, local_midnight(first, policy.zone)))
    state = State(candidate=policy.candidate, start=first, bounds=bounds, drift=drift, apart=apart)
    while look <= (min(until, last) if end is None else until):
        if not state.phases:
            state = replace(state, phases=(first_phase(policy, first, look),))
        case = Case(policy, up_to(cells, look), _intake(intake, cells, look), state, look, look, steered=False)
        decision = judge(case)
        state = moved(case, decision)
        if since is None or look >= since:
            yield decision
        if state.status == ROLLED_BACK:
            return
        look = next_look(policy, look)


def _last_look(policy: Policy, newest: datetime) -> datetime:
    """The first look at which the newest row's period is old enough for every metric that is judged."""
    whole = next_look(policy, look_at(policy, newest))
    ages = [age for name in policy.judged_metrics() if (age := policy.metrics[name].maturity) is not None]
    due = max((max(age.after(whole, policy.zone), whole + age.timedelta) for age in ages), default=whole)
    last = whole
    while last < due:
        last = next_look(policy, last)
    return last


def up_to(cells: Cells, look: datetime) -> Cells:
    """The cells of the periods that are complete at a look."""
    count = sum(period.end <= look for period in cells.periods)
    rows = np.flatnonzero(cells.period < count)
    return cells.rows(rows, cells.periods[:count])


def _intake(intake: Intake, cells: Cells, look: datetime) -> Intake:
    """What the intake says at an earlier look; exclusions that carry no time are counted at every look."""
    ends = [period.end for period in cells.periods if period.end <= look]
    newest = min(intake.newest, ends[-1]) if intake.newest is not None and ends else None
    return replace(intake, after_as_of=0, newest=newest)
