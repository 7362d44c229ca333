"""Random splits of the baseline's real history: nothing differs, so whatever the gate says of it is a false alarm.

What simulation supposes (days that are drawn independently, units that are) real history does not: its level drifts,
its labels come as they come, and its days follow each other as they did. Units are split anew as the traffic of each
phase says, and every look sees only what had arrived by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rampgate.aggregate.calendar import local_day, local_midnight, periods_between
from rampgate.aggregate.marginals import groups_of, marginals
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Cells, Floats, Ints
from rampgate.aggregate.sorts import Sorts, of_periods
from rampgate.errors import DataError, UsageError
from rampgate.judge.batch import Calendar
from rampgate.policy import Policy, load_policy, refuse_not_judged
from rampgate.shown import Shown
from rampgate.simulation.baseline import Baseline, days_of, read_history
from rampgate.simulation.binned import thresholds
from rampgate.simulation.draw import Drawn
from rampgate.simulation.pool import Pool
from rampgate.simulation.run import Setting, run
from rampgate.simulation.scenario import Scenario
from rampgate.simulation.simulate import refuse_not_simulated
from rampgate.simulation.table import Figure

#: The part of the history that is the reference, and its most days.
REFERENCE, LONGEST = 0.25, 28
CHUNK = 100


@dataclass(frozen=True, repr=False)
class Splits(Shown):
    """What the gate said of random splits of a history in which nothing differs.

    Attributes
    ----------
    splits : how many
    days : of the history that were judged
    false_rollback : rolled back
    false_hold : held by a failed guardrail, floor or segment
    passed : the share that left each phase
    supposed : what was split, in sentences
    """

    rollout: str
    policy_sha256: str
    splits: int
    seed: int
    days: int
    false_rollback: Figure
    false_hold: Figure
    passed: tuple[Figure, ...]
    supposed: tuple[str, ...]

    def __repr__(self) -> str:
        share = self.false_rollback.estimate or 0.0
        return f"<Splits of {self.rollout}: {self.splits} over {self.days} days, false rollback {share:.1%}>"

    def to_dict(self) -> dict[str, Any]:
        return {
            "rollout": self.rollout,
            "policy_sha256": self.policy_sha256,
            "splits": self.splits,
            "seed": self.seed,
            "days": self.days,
            "false_rollback": self.false_rollback.to_dict(),
            "false_hold": self.false_hold.to_dict(),
            "passed": [figure.to_dict() for figure in self.passed],
            "supposed": list(self.supposed),
        }


def splits(
    policy: Policy | str | Path | Mapping[str, Any],
    events: Any = None,
    count: int = 1000,
    seed: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> Splits:
    """Judge random splits of the baseline's history, every look of each.

    Parameters
    ----------
    policy : a policy, its file, or its content
    events : frame, path or engine; the policy's ``source.events`` when left out
    count : splits
    seed : the same seed gives the same splits

    Raises
    ------
    NotJudgedYet : as of `rampgate.simulate`
    DataError : too little history
    """
    policy = load_policy(policy)
    refuse_not_judged(policy)
    refuse_not_simulated(policy)
    if count < 2:
        raise UsageError(f"{count} splits have no error", where="aa", remedy="ask for 1000 or more")
    say("reading the history")
    fixed, cells, found, end, why = read_history(policy, events)
    baseline, setting = _run_of(fixed, cells.rows(np.flatnonzero(cells.arm == BASELINE)), found, end, why)
    pool, periods = Pool.of(baseline, Scenario("split", ""), whole=True), setting.calendar.periods
    rolled, failed, left = [], [], []
    for chunk, begin in enumerate(range(0, count, CHUNK)):
        many = min(CHUNK, count - begin)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(chunk,)))
        ways = run(setting, Halves.of_history(pool, len(periods), many, rng), many)
        rolled.append(ways.rolled)
        failed.append(ways.failed)
        left.append(ways.left)
        say(f"{begin + many} of {count} splits")
    back, on = np.concatenate(rolled) < len(periods), np.concatenate(left) < len(periods)
    held = (np.concatenate(failed) < len(periods)) & ~back
    return Splits(
        policy.rollout, policy.sha256(), count, seed, len(periods) * days_of(policy), Figure.share(back),
        Figure.share(held), tuple(Figure.share(phase) for phase in on.T), baseline.notes,
    )  # fmt: skip


def _run_of(policy: Policy, own: Cells, found: Sorts, end: Any, why: str) -> tuple[Baseline, Setting]:
    """The later part of the history as a run, the earlier part as its reference."""
    many = len(own.periods)
    past = min(int(many * REFERENCE), LONGEST // days_of(policy))
    if many - past < 2 or (many - past) * days_of(policy) < 7:
        raise DataError(f"{many} periods of the baseline are too few to be split", where="source", remedy="pass more")
    zone, groups = policy.zone, groups_of(own)
    start = own.periods[past].day
    run_ = periods_between(local_midnight(start, zone), end, zone, policy.source.look, ())
    then = marginals(own, groups, range(past))
    place = {period.start: t for t, period in enumerate(run_)}
    kept = [t for t in range(past, many) if own.periods[t].start in place]
    drawn = of_periods(found, kept)
    to = np.array([place[own.periods[t].start] for t in kept])
    drawn = replace(drawn, period=to[drawn.period])
    units = np.bincount(own.period, weights=own.n, minlength=many)
    before = tuple((own.periods[t], float(units[t])) for t in range(past))
    first = _first(own, groups, past, {t: place[own.periods[t].start] for t in kept})
    notes = [f"{why} are split, {start} to {local_day(run_[-1].start, zone)}: {drawn.count.sum():,.0f} units"]
    notes.append(f"the {past} periods before are the reference" if past else "there is no reference before")
    if drawn.part < 1.0:
        notes.append(f"one unit of {1 / drawn.part:,.0f} was taken, by the hash of its row")
    history = (then.arm(CANDIDATE), then.arm(BASELINE))
    quantiles = thresholds(policy, own, groups, range(past), local_midnight(start, zone))
    baseline = Baseline(
        policy, own.components, own.pairs, groups, drawn, run_, history, before, start, tuple(notes), quantiles
    )  # fmt: skip
    return baseline, Setting(policy, groups, first, history, Calendar.of(policy, run_, before), quantiles)


def _first(own: Cells, groups: Any, past: int, place: Mapping[int, int]) -> dict[Any, int]:
    """The period of the run in which each segment value was first seen; -1 where the reference has it."""
    seen = marginals(own, groups, range(len(own.periods))).n.sum(1)
    out = {}
    for g, group in enumerate(groups):
        if group.column is not None:
            at = int(np.argmax(seen[:, g] > 0))
            out[group] = -1 if at < past else place[at]
    return out


class Halves(Drawn):
    """Arms that are drawn from real units: each goes to the candidate with the chance that the traffic says."""

    @classmethod
    def of_history(cls, pool: Pool, periods: int, rollouts: int, rng: np.random.Generator) -> Halves:
        """The periods of a history in their order."""
        shape = (2, rollouts, periods, pool.member.shape[1])
        some = (*shape, len(pool.magnitudes))
        days = np.broadcast_to(np.arange(periods), (rollouts, periods))
        sums = np.zeros((*shape, pool.width))
        return cls(pool, rng, days, np.zeros((rollouts, periods)), False, sums, np.zeros(some), np.zeros(some))

    def _fill_day(self, day: int, row: Ints, period: Ints, share: tuple[float, float]) -> None:
        table = self.pool.table(day)
        rows = slice(int(self.pool.begin[day]), int(self.pool.begin[day + 1]))
        units = np.rint(self.pool.weight[rows]).astype(np.int64)
        candidate: Floats = self.rng.binomial(units, share[0], (len(row), len(units))).astype(float)
        for arm, counts in ((CANDIDATE, candidate), (BASELINE, units - candidate)):
            self._add(arm, row, period, counts, table, rows)
