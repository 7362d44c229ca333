"""Bounds of values that are taken from the reference: the baseline's rows before the start.

Asked once, when a rollout begins; from then on the rollout keeps what was found. Any bounds that are fixed beforehand
are as good for the proof, so they need not be exact: they are ends of the histogram's bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from sqlglot import exp

from rampgate.aggregate.histogram import Magnitudes
from rampgate.aggregate.moments import BASELINE
from rampgate.aggregate.rows import Question, coded
from rampgate.aggregate.steps import moment_of
from rampgate.aggregate.typed import known, named, part
from rampgate.policy import Mean, Problem

#: Share of the values that may lie beyond a bound.
BEYOND = 0.005
#: Known values from which bounds are taken: some five lie beyond.
ENOUGH = 1000

Ends = tuple[float, float]


def reference_bounds(ask: Question, fixed: Mapping[str, Ends]) -> dict[str, Ends]:
    """Bounds by column, of the metrics that have them from the reference and are not fixed yet.

    The upper one is where all but half a percent of the values lie below, rounded outward; the lower one its mirror
    where there are negative values, else 0.

    Raises
    ------
    PolicyError
        When too few values are known, or all of them are 0.
    """
    out: dict[str, Ends] = {}
    for name in ask.policy.unfixed():
        metric = ask.policy.metrics[name]
        if isinstance(metric, Mean) and metric.column not in fixed:
            out[metric.column] = _bounds(ask, name, metric)
    return out


def _bounds(ask: Question, name: str, metric: Mean) -> Ends:
    assert ask.start is not None
    # What was not final at the start may be another value at the next look.
    age = metric.maturity
    before = ask.start if age is None else ask.start - age.timedelta
    bins, units = _histogram(ask, name, before)
    total = float(units.sum())
    share = np.cumsum(units) / max(total, 1.0)
    found = Magnitudes(name)
    high = low = 0.0
    if total >= ENOUGH:
        ends = found.upper(np.array([bins[np.argmax(share >= 1.0 - BEYOND)], bins[np.argmax(share >= BEYOND)] - 1]))
        high, low = max(0.0, float(ends[0])), min(0.0, float(ends[1])) if bins[0] < 0 else 0.0
    if high > low:
        return low, high
    few = f"{total:,.0f} known values" if total < ENOUGH else "no value but 0"
    problem = Problem(
        ("metrics", name, "bounds"),
        f"the baseline has {few} of {metric.column} before the start, and bounds: reference needs {ENOUGH:,}",
        "state them, as bounds: [0, 480], or leave bounds out",
    )
    raise ask.policy.origin.error(problem)


def _histogram(ask: Question, name: str, before: datetime) -> tuple[np.ndarray, np.ndarray]:
    """Bins of the baseline's known values before an instant, ascending, and their units."""
    m = ask.needs.metrics.index(name)
    rows = coded(ask).subquery("coded", copy=False)
    baseline = exp.EQ(this=part("role"), expression=exp.Literal.number(BASELINE))
    past = exp.LT(this=part("at"), expression=moment_of(before, ask))
    binned = exp.Select().select(named(Magnitudes(name).sql(part(f"value{m}")), "bin")).from_(rows, copy=False)
    inside = binned.where(exp.and_(baseline, past, known(part(f"value{m}"))), copy=False).subquery("binned", copy=False)
    count = named(exp.Count(this=exp.Star()), "n")
    found = ask.engine.query(exp.Select().select(part("bin"), count).from_(inside).group_by(part("bin")))
    bins = found["bin"].astype(np.int64)
    order = np.argsort(bins)
    return bins[order], found["n"].astype(np.float64)[order]
