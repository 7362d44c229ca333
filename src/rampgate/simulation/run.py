"""Rollouts from launch to horizon: drawn at the traffic in force, judged at every look, moved by the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from rampgate.aggregate.calendar import local_midnight, periods_between
from rampgate.aggregate.marginals import Arm, Group
from rampgate.aggregate.moments import Floats, Ints, Period
from rampgate.estimate.evidence import onset_prior
from rampgate.estimate.metric import KPI
from rampgate.estimate.quantiles import Quantiles
from rampgate.judge.batch import Batch, Calendar, Verdicts, verdicts
from rampgate.judge.case import Data
from rampgate.judge.lives import Lives
from rampgate.policy import Phase, Policy, TimeToEvent
from rampgate.simulation.baseline import Baseline, days_of

#: Looks beyond a phase's shortest stay that are judged first; most rollouts have left it by then.
MARGIN_LOOKS = 3


class Units(Protocol):
    """Units of both arms, which come as the traffic says."""

    def fill(self, rows: Ints, begin: Ints, end: int, share: tuple[float, float]) -> None:
        """Let them come, from each rollout's own period to before ``end``."""

    def arms(self, rows: Ints, end: int) -> tuple[Arm, Arm]:
        """Moments of candidate and baseline, (rollout, group, period)."""

    def ages(self, rows: Ints, end: int) -> Mapping[str, Floats]:
        """Units by the age of their event, (variant, rollout, group, period, bin + 1), of what is judged by it."""


@dataclass(frozen=True)
class Setting:
    """What all rollouts of a run have in common.

    Attributes
    ----------
    first : as of `Data`
    history : candidate's (empty) and baseline's, (group, period)
    """

    policy: Policy
    groups: tuple[Group, ...]
    first: dict[Group, int]
    history: tuple[Arm, Arm]
    calendar: Calendar
    quantiles: Mapping[str, Quantiles] = field(default_factory=dict)

    @classmethod
    def of(cls, baseline: Baseline, periods: int) -> Setting:
        """From the first day after the history on."""
        policy = baseline.policy
        count = run_periods(policy, baseline, periods)
        calendar = Calendar.of(policy, count, baseline.before)
        known = baseline.history[1].n.shape[-1] > 0
        first = {group: -1 if known else 0 for group in baseline.groups if group.column is not None}
        return cls(policy, baseline.groups, first, baseline.history, calendar, baseline.quantiles)

    def data(self, arms: tuple[Arm, Arm], end: int, ages: Mapping[str, Floats] | None = None) -> Data:
        """The dense arrays that a batch is judged from, over the first periods."""
        periods = self.calendar.periods[:end]
        every, past = np.ones(end, dtype=bool), np.ones(self.history[1].n.shape[-1], dtype=bool)
        ripe = dict.fromkeys((KPI, *self.policy.metrics), (every, past))
        prior = onset_prior([p.day for p in periods], self.calendar.periods[0].day, self.policy.horizon_days)
        lives = {name: self._lives(name, counts, end) for name, counts in (ages or {}).items()}
        return Data(
            self.policy, self.groups, self.first, periods, 0, prior, arms, self.history, ripe, lives, self.quantiles
        )  # fmt: skip

    def _lives(self, name: str, counts: Floats, end: int) -> Lives:
        metric = self.policy.metrics[name]
        assert isinstance(metric, TimeToEvent)
        return Lives.counted(self.policy, metric, counts, self.calendar.periods[:end])


def run_periods(policy: Policy, baseline: Baseline, count: int) -> tuple[Period, ...]:
    """The periods of a run that begins after the history."""
    start = local_midnight(baseline.start, policy.zone)
    end = local_midnight(baseline.start.fromordinal(baseline.start.toordinal() + count * days_of(policy)), policy.zone)
    return periods_between(start, end, policy.zone, policy.source.look, ())[:count]


@dataclass(frozen=True)
class Ways:
    """How a chunk of rollouts went; a look counts from 0, and ``periods`` stands for never.

    Attributes
    ----------
    rolled : the look that rolled back, (rollout,)
    failed : the first look at which a guardrail, the floor or a segment's guardrail had failed, (rollout,)
    left : the look that went on from each phase, or completed the last one, (rollout, phase)
    phase : the phase in force in each period, from 1, (rollout, period)
    """

    rolled: Ints
    failed: Ints
    left: Ints
    phase: Ints


def run(setting: Setting, units: Units, rollouts: int) -> Ways:
    """Every rollout through its phases, as far as the gate lets it."""
    policy, count = setting.policy, len(setting.calendar.periods)
    rolled, failed = np.full(rollouts, count), np.full(rollouts, count)
    left = np.full((rollouts, len(policy.phases)), count)
    phase = np.ones((rollouts, count), dtype=np.int64)
    begin = np.zeros(rollouts, dtype=np.int64)
    share = np.full((rollouts, count), np.nan)
    inside = np.arange(rollouts)
    for index, rule in enumerate(policy.phases, start=1):
        if not len(inside):
            break
        for r in inside:
            phase[r, begin[r] :] = index
            share[r, begin[r] :] = rule.share
            # Nobody knows the traffic of the period in which it changed: see `judge.split.traffic_in_force`.
            share[r, begin[r] : begin[r] + 1] = np.nan
        stay = _Stay(setting, units, index, rule, inside, begin[inside], share[inside])
        stay.judge_all(rolled, failed, left)
        gone_on = (left[inside, index - 1] < count - 1) & (rolled[inside] >= count)
        inside = inside[gone_on]
        begin[inside] = left[inside, index - 1] + 1
    return Ways(rolled, failed, left, phase)


@dataclass
class _Stay:
    """The rollouts of a chunk that come into a phase."""

    setting: Setting
    units: Units
    index: int
    rule: Phase
    rows: Ints
    begin: Ints
    share: Floats

    def judge_all(self, rolled: Ints, failed: Ints, left: Ints) -> None:
        """Judge them look by look until they leave, and write down when and how."""
        count, last = len(self.setting.calendar.periods), self.index == len(self.setting.policy.phases)
        waiting, drawn = np.arange(len(self.rows)), self.begin
        for end in self._ends():
            rows = self.rows[waiting]
            self.units.fill(rows, drawn[waiting], end, (self.rule.share, 1.0 - self.rule.share))
            drawn = np.maximum(drawn, end)
            found = self._verdicts(waiting, end)
            after = np.arange(end) >= self.begin[waiting][:, None]
            back = _first(found.rollback & after, count)
            on = _first(~found.hold & ~found.rollback & after, count)
            # What has failed before the phase began has failed at its first look too.
            failing = _first(found.failing & after, count)
            left[rows, self.index - 1] = np.where(on < back, on, count)
            rolled[rows] = back if last else np.where(back < on, back, count)
            stopped = np.minimum(back, count if last else on)
            failed[rows] = np.minimum(failed[rows], np.where(failing <= stopped, failing, count))
            settled = (back < count) | (on < count)
            # After the last phase every look is still judged, as long as anything new can be seen.
            waiting = waiting[~settled | ((back >= count) & last & (not self._frozen(end)))]
            if not len(waiting):
                return

    def _verdicts(self, waiting: Ints, end: int) -> Verdicts:
        setting = self.setting
        rows = self.rows[waiting]
        data = setting.data(self.units.arms(rows, end), end, self.units.ages(rows, end))
        batch = Batch(data, setting.calendar.until(end), self.index, self.begin[waiting], self.share[waiting, :end])
        return verdicts(batch)

    def _ends(self) -> list[int]:
        """How many periods are judged at first, and then: all."""
        count = len(self.setting.calendar.periods)
        if self.index == len(self.setting.policy.phases) and not self.rule.alone:
            return [count]
        stays = self.setting.calendar.stayed(self.rule)[int(self.begin.max())]
        first = (int(np.argmax(stays)) if stays.any() else count) + self._delay() + MARGIN_LOOKS + 1
        return [first, count] if first < 0.75 * count else [count]

    def _delay(self) -> int:
        """Looks by which the latest outcomes come after their units."""
        booked = self.setting.calendar.booked
        return max(int(len(looks) - looks[-1]) for looks in booked.values())

    def _frozen(self, end: int) -> bool:
        """Whether nothing can be compared any more: at full traffic, once the last outcomes are there."""
        return self.rule.alone and end > int(self.begin.max()) + self._delay()


def _first(flags: np.ndarray, never: int) -> Ints:
    """The first look at which a flag is up, (rollout,)."""
    return np.where(flags.any(-1), flags.argmax(-1), never)
