"""The watch of `rampgate.estimate.change` on a series: it goes on after an alarm, from the change on."""

from __future__ import annotations

import numpy as np
from benchmarks.drift_contest.series import LEAST, probation

from rampgate.estimate.change import Detector, Rows, Watch, changed_within

#: Thresholds, the most sensitive first; the gate takes 365 for one false alarm a year of daily steps.
THRESHOLDS = (100.0, 365.0, 1e3, 1e4, 1e6)
AS_IT_STANDS = 365.0
Alarm = tuple[int, int]


class Series:
    """A series whose watches are kept, so that another threshold costs nothing where it begins alike."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self._within: dict[tuple[int, int], bool] = {}
        self._known: dict[tuple[int, int, int], Watch] = {}

    def alarms(self, threshold: float) -> list[Alarm]:
        """Steps at which a change is told, each with its likeliest beginning."""
        out: list[Alarm] = []
        start, length = 0, probation(len(self.values))
        while True:
            # A reference that does not vary says nothing of how steps differ.
            while start + length < len(self.values) and np.ptp(self.values[start : start + length]) == 0:
                length += 1
            if start + length >= len(self.values):
                return out
            if self._changed(start, length):
                length += LEAST
                continue
            found = self._first(start, length, threshold)
            if found is None:
                return out
            out.append(found)
            start, length = found[1], max(LEAST, found[0] + 1 - found[1])

    def _changed(self, start: int, length: int) -> bool:
        """Whether the reference has changed itself, by the threshold of the gate; then it has to be longer."""
        if (start, length) not in self._within:
            values = self.values[start : start + length]
            same = np.zeros(len(values), dtype=int)
            rows = Rows(np.ones(len(values)), np.arange(len(values)), same, same + 1, same > 0)
            self._within[start, length] = changed_within(rows, values, AS_IT_STANDS) is not None
        return self._within[start, length]

    def _first(self, start: int, length: int, threshold: float) -> Alarm | None:
        """The first alarm; later steps change nothing before them, so it is looked for piece by piece."""
        count = len(self.values) - start
        for end in (*(e for e in (length + 60, length + 200) if e < count), count):
            watch = self._watch(start, length, end)
            over = np.flatnonzero(watch.log_r >= np.log(threshold))
            if len(over):
                return start + length + int(over[0]), start + length + watch.onset(int(over[0])).row
        return None

    def _watch(self, start: int, length: int, end: int) -> Watch:
        if (start, length, end) not in self._known:
            values = self.values[start : start + end]
            count = len(values)
            same = np.zeros(count, dtype=int)
            rows = Rows(np.ones(count), np.arange(count), same, same + 1, np.arange(count) >= length)
            self._known[start, length, end] = Detector.of(rows).watch(values)
        return self._known[start, length, end]
