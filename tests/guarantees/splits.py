"""Random splits of real tickets as batches of moments: nothing differs between the arms but chance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

import numpy as np

from rampgate.aggregate.marginals import OVERALL, Arm, Group, Moments
from rampgate.aggregate.moments import Period
from rampgate.estimate.evidence import onset_prior
from rampgate.judge.case import Data
from rampgate.policy import Policy


@dataclass(frozen=True)
class Log:
    """Units of a real log: the day of each, and a component matrix (unit, component)."""

    days: np.ndarray
    components: tuple[str, ...]
    values: np.ndarray

    @property
    def calendar(self) -> list[date]:
        return sorted(set(self.days.tolist()))


def split(log: Log, traffic: dict[date, float], draws: int, rng: np.random.Generator) -> Moments:
    """``draws`` independent splits, each unit to the candidate with the traffic of its day."""
    k = len(log.components)
    pairs = tuple((i, j) for i in range(k) for j in range(i, k))
    calendar = log.calendar
    n = np.zeros((draws, len(calendar), 2, 1))
    mean, comoment = np.zeros((*n.shape, k)), np.zeros((*n.shape, len(pairs)))
    low, high = np.zeros_like(mean), np.zeros_like(mean)
    first, second = np.array(pairs).T
    for t, day in enumerate(calendar):
        x = log.values[log.days == day]
        candidate = rng.random((draws, len(x))) < traffic[day]
        for a, chosen in enumerate((~candidate, candidate)):
            count = chosen.sum(1).astype(float)
            safe = np.where(count > 0, count, 1.0)[:, None]
            average = (chosen @ x) / safe
            products = chosen @ (x[:, first] * x[:, second])
            n[:, t, a, 0] = count
            mean[:, t, a, 0] = average
            comoment[:, t, a, 0] = products - count[:, None] * average[:, first] * average[:, second]
            low[:, t, a, 0], high[:, t, a, 0] = x.min(0), x.max(0)
    return Moments(log.components, pairs, n, mean, comoment, low, high)


def as_data(
    policy: Policy,
    moments: Moments,
    calendar: list[date],
    phase_begin: int = 0,
    groups: tuple[Group, ...] = (OVERALL,),
) -> Data:
    """The batch as the judge sees one rollout; there is no history."""
    periods = tuple(Period(day, 0, _start(day), _start(day) + timedelta(days=1)) for day in calendar)
    nothing = [_empty(moments.arm(a)) for a in (1, 0)]
    return Data(
        policy,
        groups,
        dict.fromkeys(groups[1:], 0),
        periods,
        phase_begin,
        onset_prior(calendar, calendar[0]),
        (moments.arm(1), moments.arm(0)),
        (nothing[0], nothing[1]),
        {name: (np.ones(len(periods), dtype=bool), np.ones(0, dtype=bool)) for name in ("kpi", *policy.metrics)},
    )


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)  # noqa: UP017


def _empty(arm: Arm) -> Arm:
    return Arm(
        arm.components, arm.pairs, arm.n[..., :0], arm.mean[..., :0, :], arm.comoment[..., :0, :],
        arm.low[..., :0, :], arm.high[..., :0, :],
    )  # fmt: skip


def weekly_ramp(calendar: list[date], shares: list[float]) -> dict[date, float]:
    """The traffic of each day: a share per week, the last one from then on."""
    return {day: shares[min((day - calendar[0]).days // 7, len(shares) - 1)] for day in calendar}
