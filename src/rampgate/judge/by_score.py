"""What a share should be by the model's own scores, while its outcomes are awaited: shown, and judged by nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rampgate.aggregate.binned import Binned
from rampgate.aggregate.histogram import TWENTIETHS
from rampgate.aggregate.marginals import OVERALL
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Floats
from rampgate.estimate.expected import ENOUGH, Calibration, Expected
from rampgate.judge.case import Case
from rampgate.judge.numbers import rounded
from rampgate.policy import Proportion

LEVEL = 0.95
VARIANTS = {BASELINE: "baseline", CANDIDATE: "candidate"}
NOTE = "estimated from scores and not observed; it cannot see that a score has come to mean something else"


@dataclass(frozen=True)
class ByScore:
    """What is expected of one arm of a metric.

    Attributes
    ----------
    calibrated_on : units of this arm with a score and an outcome; of the baseline those of the history too
    awaited : units since the start with a score and without an outcome
    expected : None where too few say what scores mean, or nothing is awaited
    """

    metric: str
    variant: str
    calibrated_on: int
    awaited: int
    expected: Expected | None

    def to_dict(self) -> dict[str, Any]:
        found = self.expected
        few = f"{self.calibrated_on} of {ENOUGH} known outcomes that say what scores mean"
        why = "no outcome is awaited" if not self.awaited else few
        return {
            "metric": self.metric,
            "variant": self.variant,
            "estimate": True,
            "calibrated_on": self.calibrated_on,
            "awaited": self.awaited,
            "value": None if found is None else rounded(found.value),
            "lower": None if found is None else rounded(found.lower),
            "upper": None if found is None else rounded(found.upper),
            "level": LEVEL,
            "beyond": None if found is None else rounded(found.beyond),
            "message": why if found is None else NOTE,
        }


def by_score(case: Case) -> tuple[ByScore, ...]:
    """Both arms of every metric that has a score, all units together."""
    return tuple(one for name in case.policy.metrics for one in _of_metric(case, name))


def _of_metric(case: Case, name: str) -> Iterator[ByScore]:
    metric = case.policy.metrics[name]
    if not isinstance(metric, Proportion) or metric.score is None or case.state.start is None:
        return
    start, cells = case.state.start, case.cells
    since = np.array([period.day >= start for period in cells.periods], dtype=bool)
    ripe = np.zeros(len(since), dtype=bool)
    ripe[~since], ripe[since] = case.data.ripe[name][1], case.data.ripe[name][0]
    binned = Binned.of(cells, (OVERALL,), range(len(since)), name)
    bins, units = binned.dense(0)
    for arm, word in VARIANTS.items():
        counts = np.zeros((len(since), TWENTIETHS, 3))
        counts[:, bins // 3, bins % 3] = units[:, arm]
        # A period that is too young has no outcomes that count, whatever is known of it already.
        learnt = counts[ripe & (since | (arm == BASELINE))].sum(0)
        awaited = counts[since & ripe, :, 0].sum(0) + counts[since & ~ripe].sum((0, 2))
        yield _expected(name, word, learnt, awaited)


def _expected(name: str, variant: str, learnt: Floats, awaited: Floats) -> ByScore:
    """One arm, from its counts by twentieth of the score: (bin, state) and (bin,)."""
    known, total = learnt[:, 1] + learnt[:, 2], round(float(awaited.sum()))
    size = round(float(known.sum()))
    if size < ENOUGH or not total:
        return ByScore(name, variant, size, total, None)
    middle = (np.arange(TWENTIETHS) + 0.5) / TWENTIETHS
    some = awaited > 0
    found = Calibration.of(middle, learnt[:, 2], known).expected(middle[some], awaited[some], LEVEL)
    return ByScore(name, variant, size, total, found)
