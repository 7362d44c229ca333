"""The scenarios of the contest, one set for all rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from benchmarks.gate_contest.draws import Kind, durations, planned, proportion, real
from benchmarks.gate_contest.plan import weeks_to_everybody
from benchmarks.gate_contest.rollouts import contest, rules

HARMLESS, NOW, LATE, PLAN = "harmless", "harm from day 0", "harm from a day drawn from 14 to 63", "plan"


@dataclass(frozen=True)
class Scenario:
    """One column of rollouts.

    Attributes
    ----------
    part : harmless, harm from the first day, harm that begins late, or the plan
    name : in words
    make : makes the kind of rollout
    harm : how much worse the candidate is
    rollouts : how many
    """

    part: str
    name: str
    make: Callable[[], Kind] = field(compare=False)
    harm: float
    rollouts: int = 3000

    @property
    def key(self) -> str:
        return f"{self.part} | {self.name}"

    def run(self, rng: np.random.Generator, count: int) -> Mapping[str, Any]:
        """Figures by rule."""
        if self.part == PLAN:
            return weeks_to_everybody(self.make(), rng, count, rules())
        return contest(self.make(), rng, count, self.harm, self.part == LATE, self.part == HARMLESS, rules())


def scenarios() -> tuple[Scenario, ...]:
    """All of them."""
    return (*_harmless(), *_harmful())


def _harmless() -> Iterator[Scenario]:
    for per_day, (name, move) in product((300, 3000), (("still", 0.0), ("baseline rising by 8 points", 0.08))):
        make = partial(proportion, planned(per_day, move=move))
        yield Scenario(HARMLESS, f"15 % bad, {per_day} a day, {name}", make, 0.0)
    make = partial(proportion, planned(300, move=-0.08))
    yield Scenario(HARMLESS, "15 % bad, 300 a day, baseline falling by 8 points", make, 0.0)
    make = partial(proportion, planned(300), worse_by=0.01)
    yield Scenario(HARMLESS, "15 % bad, 300 a day, exactly at `worse_by: 1pp`", make, 0.01)
    yield Scenario(HARMLESS, "eight segments, baseline rising by 8 points", partial(_segments, 0.08), 0.0, 2000)
    yield Scenario(HARMLESS, "rare event, 0.2 %", partial(_rare, 300), 0.0)
    for bounds, words in ((True, "skewed duration"), (False, "skewed duration, no bounds stated")):
        make = partial(durations, planned(300, move=0.08), bounds)
        yield Scenario(HARMLESS, f"{words}, rising by 8 %", make, 0.0, 2000)
    yield Scenario(HARMLESS, "2 % bad, 50 a day", partial(proportion, planned(50), 0.02), 0.0)
    yield Scenario(HARMLESS, "15 % bad, 300 a day, 1 % of traffic", _thin, 0.0)
    for log in ("ServiceNow", "Boston 311"):
        yield Scenario(HARMLESS, f"real tickets, {log}", partial(real, log), 0.0)
    yield Scenario(PLAN, "harmless, 10 % and 25 % for a week each, then 50 %", _plan, 0.0, 1000)


def _harmful() -> Iterator[Scenario]:
    for part in (NOW, LATE):
        for worse_by, times in product((0.0, 0.01), (1.0, 1.5, 2.0)):
            make = partial(proportion, planned(300), worse_by=worse_by)
            harm = worse_by + times * 0.04
            yield Scenario(part, f"+{100 * harm:g} points, `worse_by: {100 * worse_by:g}pp`", make, harm)
        yield Scenario(part, "+4 points, 3,000 a day", partial(proportion, planned(3000)), 0.04)
        yield Scenario(part, "+4 points, baseline rising by 8", partial(proportion, planned(300, move=0.08)), 0.04)
        yield Scenario(part, "+8 points in one segment of eight", partial(_segments, 0.0), 0.08, 1000)
        yield Scenario(part, "rare event tripled, 0.2 %", partial(_rare, 300), 0.004)
        yield Scenario(part, "skewed duration 20 % longer", partial(durations, planned(300)), 0.2, 1000)
        make = partial(durations, planned(300), False)
        yield Scenario(part, "skewed duration 20 % longer, no bounds stated", make, 0.2, 1000)
        yield Scenario(part, "real tickets, ServiceNow, +4 points", partial(real, "ServiceNow"), 0.04)
        yield Scenario(part, "real tickets, Boston 311, +4 points", partial(real, "Boston 311"), 0.04)


def _thin() -> Kind:
    return proportion(replace(planned(300), shares=(0.01,) * 84))


def _segments(move: float) -> Kind:
    return proportion(planned(300, move=move), segments=8)


def _rare(per_day: int) -> Kind:
    return proportion(planned(per_day), 0.002, kind="rare_event")


def _plan() -> Kind:
    return proportion(planned(300, weeks=(1, 1, 10)))
