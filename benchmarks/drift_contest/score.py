"""How alarms are counted: in NAB's windows, and by TCPD's measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.drift_contest.series import Labelled

#: An alarm is a step at which a change is told, and where it began.
Alarm = Sequence[int]
#: Steps by which a change point may be missed, as in van den Burg and Williams 2020.
MARGIN = 5


@dataclass(frozen=True)
class InWindows:
    """Alarms of a detector over all series with windows.

    Attributes
    ----------
    hit, windows : windows with an alarm, of how many
    outside, steps : alarms outside any window after the probationary part, and the steps there
    delay : median of the first alarm's place in its window, as a part of it
    """

    hit: int
    windows: int
    outside: int
    steps: int
    delay: float

    @property
    def f1(self) -> float:
        """Of windows found against alarms outside."""
        return 2 * self.hit / (self.windows + self.hit + self.outside)


def in_windows(series: Sequence[Labelled], alarms: Mapping[str, Sequence[Alarm]]) -> InWindows:
    """Count alarms by when they are told."""
    hit = outside = steps = 0
    delays: list[float] = []
    for one in series:
        told = [alarm[0] for alarm in alarms[one.name] if alarm[0] >= one.probation]
        inside = np.zeros(len(one.values), dtype=bool)
        for first, last in one.windows:
            inside[first : last + 1] = True
            within = [t for t in told if first <= t <= last]
            hit += bool(within)
            delays += [(min(within) - first) / max(last - first, 1)] if within else []
        outside += sum(not inside[t] for t in told)
        steps += int((~inside[one.probation :]).sum())
    windows = sum(len(one.windows) for one in series)
    return InWindows(hit, windows, outside, steps, float(np.median(delays)) if delays else float("nan"))


def f1(marks: Sequence[Sequence[int]], found: Sequence[int]) -> float:
    """The F1 of van den Burg and Williams 2020: precision against all annotators, recall on average over them.

    The first step counts as a change point that everybody has, so that a series without any is well defined.
    """
    own = sorted({0, *found})
    every = sorted({0}.union(*marks))
    precision = _matched(every, own) / len(own)
    recall = float(np.mean([_matched(sorted({0, *mark}), own) / len({0, *mark}) for mark in marks]))
    return 2 * precision * recall / (precision + recall)


def _matched(true: Sequence[int], found: Sequence[int]) -> int:
    """Change points of which one that was found lies within the margin, none of these counted twice."""
    left, count = list(found), 0
    for place in true:
        near = [x for x in left if abs(x - place) <= MARGIN]
        if near:
            left.remove(min(near, key=lambda x: abs(x - place)))
            count += 1
    return count


def by_dataset(series: Sequence[Labelled], alarms: Sequence[Sequence[Alarm]]) -> dict[str, float]:
    """F1 per data set, by where changes began; of several columns what any tells, each change once."""
    marks = {one.name: one.marks for one in series}
    found: dict[str, list[int]] = {name: [] for name in marks}
    for one, own in zip(series, alarms, strict=True):
        for alarm in own:
            if all(abs(alarm[1] - x) > MARGIN for x in found[one.name]):
                found[one.name].append(alarm[1])
    return {name: f1(marks[name], found[name]) for name in marks}
