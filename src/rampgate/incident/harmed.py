"""How many units were exposed, and how many of them were harmed: in all, in the phase, and while the gate held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.estimate.contrast import take
from rampgate.estimate.interval import confidence_sequence, effect
from rampgate.estimate.metric import KPI
from rampgate.judge.case import Case
from rampgate.judge.numbers import rounded
from rampgate.judge.show import Shown

LEVEL = 0.95
LAUNCH, PHASE, ONSET, HOLDING = "launch", "phase", "onset", "hold"


@dataclass(frozen=True)
class Harmed:
    """Harm of one metric over some days, in counts.

    Attributes
    ----------
    since : launch, phase, onset or hold; ``hold`` begins with the first look at which the incident held the rollout
    units : candidate units in these days whose value is known
    estimate, lower, upper : the extra bad outcomes; of a metric that is no share of bad outcomes, the sum over units of
        how much worse they are, in its unit. At least 0
    counts : whether these are bad outcomes
    """

    metric: str
    segment: Mapping[str, str] | None
    since: str
    day: str
    units: int
    estimate: float | None
    lower: float | None
    upper: float | None
    level: float
    counts: bool

    def to_dict(self) -> dict[str, Any]:
        numbers = {name: rounded(getattr(self, name)) for name in ("estimate", "lower", "upper")}
        return {**vars(self), "segment": None if self.segment is None else dict(self.segment), **numbers}


@dataclass(frozen=True)
class Span:
    """Days from a period of the run on."""

    since: str
    begin: int


def spans(case: Case, onset: int | None, held: str | None) -> tuple[Span, ...]:
    """The days that harm is told of.

    Parameters
    ----------
    onset : the period with which the harm began, where it is known
    held : the look from which on the gate held because of it, or None
    """
    data = case.data
    out = [Span(LAUNCH, 0), Span(PHASE, data.phase_begin)]
    out += [Span(ONSET, onset)] if onset is not None else []
    if held is not None:
        moment = datetime.fromisoformat(held)
        out.append(Span(HOLDING, sum(period.start < moment for period in data.periods)))
    return tuple(out)


def exposed(case: Case, span: Span) -> int:
    """Candidate units in these days, whatever is known of them."""
    return round(float(case.data.run[0].n[0, span.begin :].sum()))


def harmed(case: Case, failed: Iterable[tuple[str, Group]], over: Iterable[Span]) -> Iterator[Harmed]:
    """The harm of each metric that failed; of the KPI, of the metrics that it is made of."""
    told: dict[tuple[str, Group], None] = {}
    for metric, group in failed:
        told |= dict.fromkeys((name, OVERALL) for name in (case.policy.kpi.weights if metric == KPI else (metric,)))
        if metric != KPI:
            told[metric, group] = None
    where = tuple(over)
    for name, group in told:
        if name not in case.policy.metrics or group not in case.data.groups:
            continue  # a column that drifted
        if name in case.data.quantiles or case.policy.tests_hazard(name):
            continue  # a percentile and a pace are no sums over units
        yield from _of(case, name, group, where)


def _of(case: Case, name: str, group: Group, over: tuple[Span, ...]) -> Iterator[Harmed]:
    data = case.data
    at = data.index([group])[0]
    shown = Shown.of(data, name)
    contrast, bets = take(shown.contrast, slice(None), at), shown.bets[..., at, :, :]
    units, periods = shown.known[0][..., at, :], np.arange(len(data.periods))
    for span in over:
        within = (periods >= span.begin).astype(float)
        n = float((units * within).sum())
        ends: tuple[float | None, float | None, float | None] = (None, None, None)
        if span.begin < len(periods) and float((contrast.weight * within).sum()) > 0:
            centre = float(effect(contrast, within))
            lower, upper = confidence_sequence(contrast, bets, 1.0 - LEVEL, shown.limit, within[None])
            ends = _count(n, centre), _count(n, float(lower[0])), _count(n, float(upper[0]))
        day = data.periods[span.begin].day.isoformat() if span.begin < len(periods) else ""
        segment = None if group == OVERALL else {str(group.column): str(group.value)}
        yield Harmed(name, segment, span.since, day, round(n), *ends, LEVEL, case.policy.metrics[name].binary)


def _count(units: float, each: float) -> float | None:
    """Units times harm each, at least 0; None where nothing bounds it."""
    return max(0.0, units * each) if np.isfinite(each) else None
