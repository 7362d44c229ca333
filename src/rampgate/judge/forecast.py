"""When phases may be left, if the candidate equals the baseline and the volume stays as it is.

The run is continued with average periods of the last days' units, both arms drawn from the same ones, and judged by
the very functions that judge the real run. It is the path of the mean: about half of such rollouts get there a little
earlier, since luck on the way is enough to pass (tests/judge/test_forecast.py prints by how much).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from rampgate.aggregate.calendar import local_midnight, looks_later
from rampgate.aggregate.marginals import OVERALL, Arm
from rampgate.aggregate.moments import Floats
from rampgate.estimate.alone import FLOOR
from rampgate.estimate.metric import KPI
from rampgate.estimate.quantiles import units_needed
from rampgate.judge.case import Case, Data
from rampgate.judge.decision import Waiting
from rampgate.judge.findings import called
from rampgate.judge.gate import (
    HORIZON_DAYS,
    booking_looks,
    candidate_rate,
    known_candidate_units,
    look_days,
    recent_days,
)
from rampgate.judge.harm import next_phase, pending_units, so_far, units_ahead, upper_per_unit
from rampgate.judge.pilot import pilots, with_pilots_fixed
from rampgate.judge.show import window_bounds
from rampgate.judge.state import RUNNING, State
from rampgate.judge.weigh import bound_to_pass, process_of
from rampgate.policy import Phase, Policy

#: Periods that are tried first; most phases need no more.
SHORT = 64
NEVER = "not at this volume"
#: What more of the same clusters would bring is not known.
BY_CLUSTER = "not forecast: more clusters bring it nearer, more units of the same ones hardly do"


@dataclass(frozen=True)
class Leaving:
    """The first look at which a phase may be left, and what takes that long; None: not at this volume."""

    index: int
    traffic: float
    leaves_at: datetime | None
    why: str


@dataclass(frozen=True)
class Forecast:
    """When the rollout may finish at the earliest, phase by phase.

    ``units_per_day`` counts both arms; None where there is no volume to go by.
    """

    finish: datetime | None
    phases: tuple[Leaving, ...]
    units_per_day: float | None
    assumes: str


@dataclass(frozen=True)
class _Volume:
    """Units of each arm in an average period, and what they are like: one arm's moments, in which both are pooled."""

    candidate: float
    baseline: float
    like: Arm

    @property
    def total(self) -> float:
        return self.candidate + self.baseline

    def at(self, phase: Phase) -> _Volume:
        """The same units, split as a phase says."""
        share = min(phase.traffic, 1.0 - (phase.holdout or 0.0))
        return replace(self, candidate=self.total * share, baseline=self.total * (1.0 - share))

    def arms(self, periods: int) -> tuple[Arm, Arm]:
        """Candidate and baseline over so many average periods."""
        candidate, baseline = (_arm(self.like, units, periods) for units in (self.candidate, self.baseline))
        return candidate, baseline


@dataclass(frozen=True)
class _Wait:
    """Something that a phase waits for, and for how many looks; None: not at this volume."""

    what: str
    looks: int | None
    never: str = NEVER


def forecast(case: Case, state: State) -> Forecast:
    """When each remaining phase may be left.

    Parameters
    ----------
    case : the last look
    state : where the rollout stands after it
    """
    if state.status != RUNNING:
        return Forecast(None, (), None, f"the rollout is {state.status.replace('_', ' ')}: nothing is forecast")
    start = case.state.start
    waiting = pilots(case)
    case = with_pilots_fixed(case)
    volume = _volume(case, local_midnight(start, case.policy.zone)) if start is not None else None
    if state.since is None or volume is None or state.phase > len(case.policy.phases):
        return Forecast(None, (), None, "there is no volume to go by yet")
    phases = tuple(_leave(case, state, volume, waiting))
    daily = volume.total / look_days(case)
    assumes = (
        f"the candidate equals the baseline and volume stays at {daily:.4g} units a day, split as each phase says; "
        "every look is taken and nothing fails"
    )
    return Forecast(phases[-1].leaves_at, phases, daily, assumes)


def passing_expected(case: Case, metric: str) -> Waiting:
    """When a required metric should pass at today's volume, if the candidate truly equals the baseline."""
    assert case.state.since is not None
    what = _shown(case, metric)
    if case.data.clusters is not None:
        return Waiting(f"{what} ({BY_CLUSTER})", None)
    volume = _volume(case, case.state.since)
    if volume is None:
        return Waiting(f"{what} (no volume in this phase yet)", None)
    looks = _looks_to_pass(case, metric, [], volume, case.data.phase_begin)
    assumed = "if the candidate equals the baseline"
    if looks is None:
        return Waiting(f"{what} ({NEVER}, even {assumed})", None)
    return Waiting(f"{what} ({assumed})", _look(case, looks))


def pilot_expected(case: Case, metric: str) -> Waiting:
    """When a quantile's threshold should be fixed, at today's volume."""
    what = f"{units_needed(case.data.quantiles[metric].q):.0f} known units, which fix the threshold of {metric}"
    looks = pilots(case)[metric]
    return Waiting(f"{what} ({NEVER})", None) if looks is None else Waiting(what, _look(case, looks))


def budget_expected(case: Case, metric: str) -> Waiting:
    """When the harm to be expected should be within the budget, if the candidate truly equals the baseline."""
    assert case.state.since is not None
    what = f"{metric} within its harm budget"
    volume = _volume(case, case.state.since)
    if volume is None:
        return Waiting(f"{what} (no volume in this phase yet)", None)
    looks = _looks_within(case, metric, next_phase(case), [], volume, case.data.phase_begin)
    assumed = "if the candidate equals the baseline from now on"
    if looks is None:
        return Waiting(f"{what} ({NEVER}, even {assumed})", None)
    return Waiting(f"{what} ({assumed})", _look(case, looks))


def _leave(case: Case, state: State, volume: _Volume, waiting: Mapping[str, int | None]) -> Iterator[Leaving]:
    """One phase after the other; each begins when the one before may be left, with no evidence of its own."""
    since, passed = state.since, 0
    assert since is not None
    blocks: list[tuple[Arm, Arm]] = []
    for index in range(state.phase, len(case.policy.phases) + 1):
        phase = case.policy.phases[index - 1]
        own = _volume(case, since) if index == case.state.phase else None
        block = own or volume.at(phase)
        waits = [_stay(case, phase, since, passed), _size(case, phase, own, block), *_whole_window(case, passed)]
        if case.policy.evidence == "sequential":
            begin = len(case.data.periods) + passed if own is None else case.data.phase_begin
            waits += [
                _proof(case, name, blocks, block, begin)
                if name not in waiting
                else _after_pilot(case, name, blocks, block, waiting[name])
                for name in _to_show(case.policy, phase)
            ]
        if case.policy.evidence == "sequential" and phase.go == "within_budget":
            begin = len(case.data.periods) + passed if own is None else case.data.phase_begin
            ahead = case.policy.phases[index] if index < len(case.policy.phases) else None
            waits += [
                _Wait(f"{name} within its harm budget", _looks_within(case, name, ahead, blocks, block, begin))
                for name in case.policy.harm_budget
            ]
        last = max(waits, key=lambda wait: np.inf if wait.looks is None else wait.looks)
        if last.looks is None:
            yield Leaving(index, phase.traffic, None, f"{last.never}: {last.what}")
            for later in range(index + 1, len(case.policy.phases) + 1):
                after_that = f"phase {index} is not left {NEVER.removeprefix('not ')}"
                yield Leaving(later, case.policy.phases[later - 1].traffic, None, after_that)
            return
        blocks.append(block.arms(last.looks))
        passed += last.looks
        yield Leaving(index, phase.traffic, _look(case, passed), last.what)
        since = _look(case, passed) + (case.as_of - case.look)


def _stay(case: Case, phase: Phase, since: datetime, passed: int) -> _Wait:
    """The minimum duration."""
    due = phase.at_least.after(since, case.policy.zone)
    what = f"it lasts at least {phase.at_least.words()}" if phase.at_least.count else "the first look in it"
    return _Wait(what, _looks_until(case, due, passed))


def _size(case: Case, phase: Phase, own: _Volume | None, block: _Volume) -> _Wait:
    """The minimum size: what is missing of it, at the rate of the phase in force or of one to come."""
    units, name = known_candidate_units(case)
    if own is not None:
        missing, rate = phase.minimum_units - units, candidate_rate(case, name)
    else:
        missing, rate = phase.minimum_units, block.candidate * _known(block, name) / look_days(case)
    what = f"{phase.minimum_units} candidate units with known {name}, at about {rate:.3g} a day"
    if missing <= 0:
        return _Wait(what, 1)
    if rate <= 0 or missing / rate > HORIZON_DAYS:
        return _Wait(what, None)
    days = int(np.ceil(missing / rate))
    begin = case.data.phase_begin if own is not None else len(case.data.periods)
    return _Wait(what, max(1, -(-days // look_days(case)) + booking_looks(case, name, begin)))


def _whole_window(case: Case, passed: int) -> Iterator[_Wait]:
    """Plain thresholds need a complete window since the start."""
    start = case.state.start
    if case.policy.evidence != "point" or start is None:
        return
    bounds = window_bounds(case.policy.source.window, start, start + timedelta(days=14))
    end = next(last for first, last in bounds if first >= start)
    yield _Wait("the first complete window", _looks_until(case, local_midnight(end, case.policy.zone), passed))


def _looks_until(case: Case, moment: datetime, passed: int) -> int:
    """Looks from the one after those that have passed to the first at or after a moment; at least one."""
    count = max(1, (moment - _look(case, passed)).days // look_days(case))
    while _look(case, passed + count) < moment:
        count += 1
    return count


def _proof(case: Case, name: str, before: Sequence[tuple[Arm, Arm]], block: _Volume, begin: int) -> _Wait:
    """What the phase requires to be shown."""
    if case.data.clusters is not None:
        return _Wait(_shown(case, name), None, BY_CLUSTER)
    return _Wait(_shown(case, name), _looks_to_pass(case, name, before, block, begin))


def _after_pilot(case: Case, name: str, before: Sequence[tuple[Arm, Arm]], block: _Volume, pilot: int | None) -> _Wait:
    """What the phase requires to be shown of a quantile whose threshold will be fixed in so many looks."""
    begin = len(case.data.periods)
    wait = _proof(case, name, before, block, begin)
    if wait.looks is None or pilot is None:
        return replace(wait, looks=None)
    # Looks before this phase bring the pilot on; how long outcomes take is counted with it already.
    left = max(0, pilot - sum(arms[0].n.shape[-1] for arms in before))
    return replace(wait, looks=max(1, wait.looks - booking_looks(case, name, begin) + left))


def _looks_to_pass(
    case: Case, metric: str, before: Sequence[tuple[Arm, Arm]], block: _Volume, begin: int
) -> int | None:
    """Looks until a metric is shown within its margin, if the candidate equals the baseline.

    Parameters
    ----------
    before : the phases between the last look and the one meant
    begin : the period with which the one meant begins
    """
    policy = case.policy
    bar = np.log(1.0 / policy.error_budget.false_go)
    longest = HORIZON_DAYS // look_days(case)
    for periods in (SHORT, longest):
        data = _continued(case.data, [*before, block.arms(periods)], begin)
        margin, size = bound_to_pass(policy, metric)
        path = process_of(data, metric, margin, size, -1).path(begin)[0]
        reached = np.flatnonzero(path[-periods:] >= bar)
        if len(reached):
            return max(1, int(reached[0]) + 1 + booking_looks(case, metric, begin))
    return None


def _looks_within(
    case: Case, metric: str, ahead: Phase | None, before: Sequence[tuple[Arm, Arm]], block: _Volume, begin: int
) -> int | None:
    """Looks until a metric's harm is within its budget, if the candidate equals the baseline; see `_looks_to_pass`.

    Parameters
    ----------
    ahead : the phase whose units the bound is held against
    """
    spent, units = so_far(case.data, metric) or 0.0, units_ahead(case, metric, ahead)
    left = case.policy.harm_budget[metric] - spent
    if units is None or left < 0:
        return None
    # As many will be too young then as are now.
    units += pending_units(case, metric)

    def enough(looks: int) -> bool:
        data = _continued(case.data, [*before, block.arms(looks)], begin)
        most = upper_per_unit(case, metric, data)
        return units == 0 or (most is not None and most * units <= left)

    longest, high = HORIZON_DAYS // look_days(case), 1
    while not enough(high):
        if high >= longest:
            return None
        high = min(2 * high, longest)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return max(1, high + booking_looks(case, metric, begin))


def _continued(data: Data, blocks: Sequence[tuple[Arm, Arm]], begin: int) -> Data:
    """The run over all units with average periods behind it."""
    candidate, baseline = (
        _joined([_overall(arm), *(block[side] for block in blocks)]) for side, arm in enumerate(data.run)
    )
    past = (_overall(data.history[0]), _overall(data.history[1]))
    more = np.ones(sum(block[0].n.shape[-1] for block in blocks), dtype=bool)
    # Periods that are too young stay empty: average ones behind them stand for what they will bring.
    ripe = {name: (np.concatenate([run, more]), before) for name, (run, before) in data.ripe.items()}
    return replace(
        data,
        groups=(OVERALL,),
        first={},
        phase_begin=begin,
        run=(candidate, baseline),
        history=past,
        ripe=ripe,
        quantiles={name: found.pick([0]) for name, found in data.quantiles.items()},
        made={},
    )


def _volume(case: Case, since: datetime) -> _Volume | None:
    """An average period of the last days, none before ``since``; None without a unit."""
    recent, days = recent_days(case, since)
    units = [float(arm.n[0, recent].sum()) for arm in case.data.run]
    if days <= 0 or sum(units) <= 0:
        return None
    c, b = (_overall(arm, _telling(case, recent)) for arm in case.data.run)
    n = np.concatenate([c.n, b.n], axis=-1)[0]
    mean, comoment, low, high = (
        np.concatenate([getattr(c, name), getattr(b, name)], axis=-2)[0] for name in ("mean", "comoment", "low", "high")
    )
    some = n > 0
    freedom = max(float((n[some] - 1.0).sum()), 1.0)
    like = Arm(
        c.components, c.pairs, np.ones((1, 1)),
        (n @ mean / n.sum())[None, None], (comoment.sum(0) / freedom)[None, None],
        low[some].min(0)[None, None], high[some].max(0)[None, None],
    )  # fmt: skip
    scale = look_days(case) / days
    return _Volume(units[0] * scale, units[1] * scale, like)


def _telling(case: Case, recent: slice) -> np.ndarray:
    """Periods that say what units are like: those of the last days whose outcomes are there, else all that are."""
    old = np.all([ripe for ripe, _ in case.data.ripe.values()], axis=0)
    some = sum(arm.n[0] for arm in case.data.run) > 0
    late = np.zeros(len(old), dtype=bool)
    late[recent] = True
    for kept in (late & old & some, old & some, late & some):
        if kept.any():
            return np.flatnonzero(kept)
    return np.flatnonzero(late)


def _arm(like: Arm, units: float, periods: int) -> Arm:
    """So many average periods of an arm with so many units each."""

    def repeated(values: Floats) -> Floats:
        return np.repeat(values if units > 0 else np.zeros_like(values), periods, axis=1)

    return replace(
        like,
        n=np.full((1, periods), units),
        mean=repeated(like.mean),
        comoment=repeated(max(units - 1.0, 0.0) * like.comoment),
        low=repeated(like.low),
        high=repeated(like.high),
    )


def _joined(arms: Sequence[Arm]) -> Arm:
    """One arm's periods, one after another."""

    def along(name: str, axis: int) -> Floats:
        return np.concatenate([getattr(arm, name) for arm in arms], axis=axis)

    first = arms[0]
    parts = (along(name, -2) for name in ("mean", "comoment", "low", "high"))
    return Arm(first.components, first.pairs, along("n", -1), *parts)


def _overall(arm: Arm, periods: slice | np.ndarray = slice(None)) -> Arm:
    """All units of an arm, (1, period)."""
    parts = (values[:1, periods] for values in (arm.n, arm.mean, arm.comoment, arm.low, arm.high))
    return Arm(arm.components, arm.pairs, *parts)


def _known(block: _Volume, name: str) -> float:
    """Share of units whose value of a metric is known."""
    return float(block.like.total(f"{name}:known")[0, 0])


def _look(case: Case, count: int) -> datetime:
    """The look that many looks after this one."""
    return looks_later(case.look, case.policy.source.look, count, case.policy.zone)


def _to_show(policy: Policy, phase: Phase) -> tuple[str, ...]:
    """What must be shown to leave a phase; the floor with the KPI."""
    names = policy.required(phase)
    return (*names, FLOOR) if KPI in names and policy.kpi.floor is not None else names


def _shown(case: Case, metric: str) -> str:
    if metric == FLOOR:
        return f"the candidate's own KPI shown to be at least {case.policy.kpi.floor:g}"
    return f"{called(metric, OVERALL)} shown within {case.policy.margins()[metric]} of the baseline"
