"""The watch of `rampgate.estimate.change` on a series: it goes on after an alarm, from the change on."""

from __future__ import annotations

import numpy as np
from benchmarks.drift_contest.series import LEAST, probation

from rampgate.estimate.change import Detector, Rows, Watch

#: Thresholds, the most sensitive first; the gate takes 365 for one false alarm a year of daily steps.
THRESHOLDS = (30.0, 100.0, 365.0, 1e3, 1e4, 1e6)
Alarm = tuple[int, int]


class Series:
    """A series whose watches are kept, so that another threshold costs nothing where it begins alike."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self._known: dict[tuple[int, int], Watch] = {}

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
            watch = self._watch(start, length)
            over = np.flatnonzero(watch.log_r >= np.log(threshold))
            if not len(over):
                return out
            told = start + length + int(over[0])
            onset = start + length + watch.onset(int(over[0])).row
            out.append((told, onset))
            start, length = onset, max(LEAST, told + 1 - onset)

    def _watch(self, start: int, length: int) -> Watch:
        if (start, length) not in self._known:
            values = self.values[start:]
            count = len(values)
            same = np.zeros(count, dtype=int)
            rows = Rows(np.ones(count), np.arange(count), same, same + 1, np.arange(count) >= length)
            self._known[start, length] = Detector.of(rows).watch(values)
        return self._known[start, length]
