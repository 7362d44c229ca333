"""What should have come by now, by what came on such days before: units, labels and events.

A weekend without labels is no fault where the two before it had none either; three working days without any are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.moments import Floats, Period
from rampgate.estimate.contrast import divide

#: Units that must be missing before something counts as silent: with independent units fewer than one look of a
#: thousand misses so many by chance (Poisson, exp(-7)).
MISSED = 7.0
#: Of all that should have come, next to none.
SCARCE = 0.05
#: Weeks in which a weekday must have been quiet to be a quiet day.
WITNESSES = 2
_WEEK = 7
#: Counts per period: the periods, what came in each, and what that is a share of.
Counts = tuple[Sequence[Period], Floats, Floats]


@dataclass(frozen=True)
class Flow:
    """Counts of something that comes, beside what it is a share of, on each local day from the first to the last.

    Attributes
    ----------
    first : ordinal of the first day
    came, beside : (day,)
    begin : the first day of the run; those before it are history
    """

    first: int
    came: Floats
    beside: Floats
    begin: int

    @classmethod
    def of(cls, past: tuple[Sequence[Period], Floats, Floats], run: tuple[Sequence[Period], Floats, Floats]) -> Flow:
        """From the periods of the history and of the run, with what came in each and what it is a share of."""
        periods = (*past[0], *run[0])
        days = np.array([p.day.toordinal() for p in periods], dtype=int)
        if not len(days):
            return cls(0, np.zeros(0), np.zeros(0), 0)
        place = days - days.min()
        came, beside = (np.bincount(place, np.concatenate([past[i], run[i]])).astype(np.float64) for i in (1, 2))
        begin = int(run[0][0].day.toordinal() - days.min()) if run[0] else len(came)
        return cls(int(days.min()), came, beside, begin)

    @property
    def last(self) -> int | None:
        """The last day of the run on which something came."""
        seen = np.flatnonzero(self.came[self.begin :] > 0)
        return self.begin + int(seen[-1]) if len(seen) else None

    @property
    def silent(self) -> bool:
        """Whether it stopped coming, or never came though the history says that it should."""
        return self.missed() >= MISSED or self.never() is not None

    def missed(self) -> float:
        """What should have come since the last day of the run on which something did; 0 where nothing ever has."""
        last = self.last
        if last is None:
            return 0.0
        run = slice(self.begin, last + 1)
        return self._due(last + 1, _rate(self.came[run], self.beside[run]))

    def never(self) -> tuple[float, float] | None:
        """What came in the run and what should have by the history's rate, where next to none did; else None."""
        seen, past = float(self.came[self.begin :].sum()), slice(self.begin)
        rate = _rate(self.came[past], self.beside[past])
        most = rate * float(self.beside[self.begin :].sum())
        if most < MISSED or seen > SCARCE * most:
            return None  # as most days pass here, the weekdays are not looked at
        due = self._due(self.begin, rate)
        return (seen, due) if due >= MISSED and seen <= SCARCE * due else None

    def gaps(self) -> tuple[list[int], float]:
        """Ordinals of the run's days without anything before its last with something, and what they should have had.

        Days on which fewer than ``MISSED`` should have come are not among them.
        """
        last = self.last
        if last is None:
            return [], 0.0
        busy = self.came[self.begin : last + 1]
        rate = float(busy[busy > 0].mean())
        due = {t: self._on(t, rate) for t in range(self.begin, last) if self.came[t] == 0}
        found = {t: count for t, count in due.items() if count >= MISSED}
        return [self.first + t for t in found], sum(found.values())

    def _due(self, begin: int, rate: float) -> float:
        return sum(self._on(t, rate) for t in range(begin, len(self.came)))

    def _on(self, day: int, rate: float) -> float:
        """What should come on a day: no more than on the same weekday of the last weeks in which anything came."""
        shares = []
        for before in range(day - _WEEK, -1, -_WEEK):
            week = slice(max(0, before - _WEEK + 1), before + 1)
            if self.came[week].any() and self.beside[before] > 0:
                shares.append(float(self.came[before] / self.beside[before]))
            if len(shares) == WITNESSES:
                return float(self.beside[day]) * min(rate, max(shares))
        return float(self.beside[day]) * rate


def may_be_silent(came: Floats, beside: Floats, rate: float = 0.0) -> np.ndarray:
    """Where a flow can be silent at all, whatever came on which weekday: after each period, (..., period).

    Parameters
    ----------
    came, beside : counts of the run, (..., period)
    rate : what came of each in the history
    """
    last = np.maximum.accumulate(np.where(came > 0, np.arange(came.shape[-1]), -1), axis=-1)
    total, seen = np.cumsum(beside, axis=-1), np.cumsum(came, axis=-1)
    before = np.where(last >= 0, np.take_along_axis(total, np.maximum(last, 0), axis=-1), 0.0)
    stopped = divide((total - before) * seen, before) >= MISSED
    return np.asarray(stopped | ((rate * total >= MISSED) & (seen <= SCARCE * rate * total)))


def _rate(came: Floats, beside: Floats) -> float:
    total = float(beside.sum())
    return float(came.sum()) / total if total > 0 else 0.0
