"""What one batch of rollouts holds: the judge's own inputs, and beside them what each peer would have been shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.judge.case import Data

#: Parts of a day's units: the baseline that is not enrolled, the baseline enrolled as control, the candidate.
REST, CONTROL, CANDIDATE = 0, 1, 2


@dataclass(frozen=True)
class Seen:
    """Sums of what is measured, where more is worse, each (rollout, part, group, day)."""

    n: Floats
    total: Floats
    squares: Floats

    def arms(self, whole_baseline: bool) -> tuple[Floats, Floats]:
        """Units, sums and sums of squares of candidate and baseline, (3, rollout, group, day) each."""
        every = np.stack([self.n, self.total, self.squares])
        base = every[:, :, REST] + every[:, :, CONTROL] if whole_baseline else every[:, :, CONTROL]
        return every[:, :, CANDIDATE], base


@dataclass(frozen=True)
class Facts:
    """What is true of a scenario, and what its owner states.

    Attributes
    ----------
    tolerated : ``worse_by``, in the metric's unit
    expect : the harm beyond it that must be caught
    knows : the harm that the limits know on each day, (day,); of a harmless candidate, what would have to be caught
    level : what the metric is in the history
    kind : ``proportion``, ``rare_event`` or ``mean``
    group : index of the group that is harmed, 0 for everybody
    variance : of a unit, candidate and baseline, (day,) each, as the limits know it
    ratio : how many times as frequent the event is in the candidate, where it is rare
    """

    tolerated: float
    expect: float
    knows: Floats
    level: float
    kind: str
    group: int
    variance: tuple[Floats, Floats]
    ratio: float = 1.0


@dataclass(frozen=True)
class Case:
    """A batch.

    Attributes
    ----------
    begin : day, from 0, on which harm begins, (rollout,)
    size : by how much the candidate is worse on that day, in the metric's unit, (rollout, day)
    traffic : the candidate's share, (day,)
    """

    data: Data
    seen: Seen
    facts: Facts
    begin: np.ndarray
    size: Floats
    traffic: Floats

    @property
    def days(self) -> int:
        return int(self.size.shape[-1])

    @cached_property
    def harm(self) -> Floats:
        """Harm done by the end of each day, whatever a rule says, (rollout, day)."""
        units = self.seen.n[:, CANDIDATE, self.facts.group]
        return np.cumsum(self.size * units, axis=-1)


def weekly(days: int) -> np.ndarray:
    """Which days end a week, (day,)."""
    return np.asarray(np.arange(days) % 7 == 6)
