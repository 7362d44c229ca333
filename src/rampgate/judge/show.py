"""What people read: each metric in both arms with its confidence sequence, overall, by segment and by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Literal

import numpy as np

from rampgate.aggregate.calendar import local_midnight
from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Contrast, take
from rampgate.estimate.interval import confidence_sequence, effect
from rampgate.estimate.metric import KPI, weighted_kpi
from rampgate.estimate.quantiles import Between, Heights
from rampgate.judge.case import Case, Data
from rampgate.judge.decision import Estimate, Window
from rampgate.judge.weigh import bets_of
from rampgate.policy import Duration, Margin

LEVEL = 0.95


def none_if_nan(value: float) -> float | None:
    """JSON has neither NaN nor infinity; both mean that nothing is known."""
    return float(value) if np.isfinite(value) else None


def names(case: Case) -> tuple[str, ...]:
    """Metrics in the policy's order."""
    return tuple(case.policy.metrics)


@dataclass(frozen=True)
class Shown:
    """One metric over all groups, ready to be cut into periods; of a quantile also each group's histogram."""

    name: str
    contrast: Contrast
    bets: Floats
    known: tuple[Floats, Floats]
    limit: float
    heights: tuple[Heights, ...] = ()

    @classmethod
    def of(cls, data: Data, name: str) -> Shown:
        c, b = (np.asarray(x) for x in data.known_by_period(name))
        lambdas = bets_of(data, name, _expected(data, name))
        return cls(name, data.contrast(name), lambdas, (c, b), _limit(data, name), data.heights(name))

    def of_groups(self, places: Sequence[int]) -> Shown:
        """Some of the groups."""
        at, (c, b) = np.array(places, dtype=int), self.known
        heights = tuple(self.heights[g] for g in places) if self.heights else ()
        contrast = take(self.contrast, slice(None), at)
        return Shown(self.name, contrast, self.bets[at], (c[at], b[at]), self.limit, heights)


def _expected(data: Data, name: str) -> Margin | None:
    """The effect that the interval is tuned to: what the policy wants to see of this metric."""
    policy = data.policy
    rule = None if policy.tests_hazard(name) else policy.rollback.get(name)  # that one expects a ratio of paces
    guardrail = policy.guardrails.get(name)
    margin = guardrail.margin if guardrail else policy.kpi.margin if name == KPI else None
    size = (rule.expect if rule else None) or margin
    return size if size is not None and size.value > 0 else None


def _limit(data: Data, name: str) -> float:
    policy = data.policy
    # Rates and their weighted mean cannot differ by more than 1; a ratio has no such limit.
    if name == KPI:
        return 1.0 if all(policy.metrics[part].binary for part in policy.kpi.weights) else np.inf
    metric = policy.metrics[name]
    return metric.span if metric.range is not None else np.inf


@dataclass(frozen=True)
class Cut:
    """One row of a table: a group of units, the periods that count, and the plain values of both arms."""

    group: Group
    raw: tuple[float, float]
    units: tuple[float, float]


def estimates(shown: Shown, cuts: Sequence[Cut], within: Floats | None = None, level: float = LEVEL) -> list[Estimate]:
    """One estimate per cut.

    Parameters
    ----------
    shown : contrast (cut, period), or (period,) where the cuts differ only in their periods
    within : (cut, period), 1 where a period counts; all periods when left out
    level : of the confidence sequence
    """
    found = _by_quantiles(shown, within, level) if shown.heights else _by_contrast(shown, within, level)
    out = []
    for g, cut in enumerate(cuts):
        # The KPI of units whose metrics nobody knows is no number.
        compared = found.weight[g] > 0 and min(cut.units) > 0
        raw_b, raw_c = cut.raw
        out.append(
            Estimate(
                shown.name,
                cut.group,
                none_if_nan(found.baseline[g] if compared else raw_b),
                none_if_nan(found.candidate[g] if compared else raw_c),
                float(found.difference[g]) if compared else None,
                none_if_nan(found.lower[g]) if compared else None,
                none_if_nan(found.upper[g]) if compared else None,
                level,
                round(cut.units[0]),
                round(cut.units[1]),
                none_if_nan(raw_b),
                none_if_nan(raw_c),
            )
        )
    return out


def _by_contrast(shown: Shown, within: Floats | None, level: float) -> Between:
    """Both arms weighted as the comparison is, and the confidence sequence, of each cut."""
    contrast = shown.contrast
    centre = effect(contrast, within)
    lower, upper = confidence_sequence(contrast, shown.bets, 1.0 - level, shown.limit, within)
    weight = contrast.weight if within is None else contrast.weight * within
    total = weight.sum(-1)
    with np.errstate(invalid="ignore"):
        candidate, baseline = ((weight * value).sum(-1) / total for value in contrast.levels())
    ends = (lower, upper) if contrast.sign == 1 else (-upper, -lower)
    return Between(baseline, candidate, contrast.sign * centre, *ends, total)


def _by_quantiles(shown: Shown, within: Floats | None, level: float) -> Between:
    """The same of a quantile: of each group, or of one group over each cut's periods."""
    if within is not None:
        return shown.heights[0].between(within, shown.bets, 1.0 - level)
    every = np.ones((1, shown.known[0].shape[-1]))
    parts = [h.between(every, shown.bets[g], 1.0 - level) for g, h in enumerate(shown.heights)]
    return Between(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Between)))


@dataclass(frozen=True)
class Raw:
    """Plain values over all units of each arm, (group,) per metric: what a pooled comparison would show."""

    values: dict[str, tuple[Floats, Floats]]

    @classmethod
    def of(cls, data: Data, periods: slice = slice(None)) -> Raw:
        """Merge the periods per arm and read each metric, and the KPI of these values."""
        out: dict[str, tuple[Floats, Floats]] = {}
        for name, metric in data.policy.metrics.items():
            if name in data.quantiles:
                inside = np.zeros(len(data.periods))
                inside[periods] = 1.0
                plain = np.array([one.raw(inside) for one in data.heights(name)])
                out[name] = (plain[:, 0], plain[:, 1])
                continue
            parts = ("numerator", "denominator") if metric.kind == "ratio" else ("value", "known")
            sums = [[arm.total(f"{name}:{p}")[..., periods].sum(-1) for p in parts] for arm in data.run_of(name)]
            with np.errstate(invalid="ignore", divide="ignore"):
                c, b = (np.where(bottom > 0, top / bottom, np.nan) for top, bottom in sums)
            out[name] = (b, c)
        weights = data.policy.kpi.weights
        kpi = [weighted_kpi(data.policy, {name: out[name][arm] for name in weights}) for arm in (0, 1)]
        out[KPI] = (kpi[0], kpi[1])
        return cls(out)

    def value(self, name: str, group: int) -> tuple[float, float]:
        """Baseline and candidate; NaN where nothing is known."""
        b, c = self.values[name]
        return float(b[group]), float(c[group])


def all_estimates(case: Case) -> tuple[Estimate, tuple[Estimate, ...]]:
    """The KPI overall; then all estimates: KPI and every metric overall, then by segment value."""
    data = case.data
    raw = Raw.of(data)
    tables = []
    for shown in _shown(case):
        n_c, n_b = (x.sum(-1) for x in shown.known)
        cuts = [Cut(group, raw.value(shown.name, g), (n_b[g], n_c[g])) for g, group in enumerate(data.groups)]
        tables.append(estimates(shown, cuts))
    rows = [table[g] for g in range(len(data.groups)) for table in tables]
    return rows[0], tuple(rows)


def _shown(case: Case) -> list[Shown]:
    return [Shown.of(case.data, name) for name in (KPI, *names(case))]


def windows(case: Case) -> tuple[Window, ...]:
    """Every window since the start that has rows; one that the start or the look cuts short is marked incomplete."""
    data, policy = case.data, case.policy
    if case.state.start is None or not data.periods:
        return ()
    days = [p.day for p in data.periods]
    bounds = window_bounds(policy.source.window, case.state.start, days[-1])
    inside = [[t for t, day in enumerate(days) if first <= day < last] for first, last in bounds]
    kept = [(bound, periods) for bound, periods in zip(bounds, inside, strict=True) if periods]
    inside_of = [periods for _, periods in kept]
    within = np.zeros((len(kept), len(days)))
    for w, (_, periods) in enumerate(kept):
        within[w, periods] = 1.0
    raws = [Raw.of(data, slice(periods[0], periods[-1] + 1)) for _, periods in kept]
    tables = []
    for one in overall_shown(case):
        n_c, n_b = (within @ x for x in one.known)
        cuts = [Cut(OVERALL, raw.value(one.name, 0), (n_b[w], n_c[w])) for w, raw in enumerate(raws)]
        tables.append(estimates(one, cuts, within))
    launch = local_midnight(case.state.start, policy.zone)
    out = []
    for w, ((first, last), _) in enumerate(kept):
        start, end = local_midnight(first, policy.zone), local_midnight(last, policy.zone)
        rows = [table[w] for table in tables]
        booked = all(data.ripe[name][0][inside_of[w]].all() for name in (KPI, *policy.judged_metrics()))
        out.append(Window(start, end, start >= launch and end <= case.look and booked, rows[0], tuple(rows[1:])))
    return tuple(out)


def overall_shown(case: Case) -> list[Shown]:
    """The KPI and every metric of all units together, without the group axis."""
    return [overall_of(case, name) for name in (KPI, *names(case))]


def overall_of(case: Case, name: str, data: Data | None = None) -> Shown:
    """One metric of all units together, of the case's data or of others."""
    return overall_in(case.data if data is None else data, name)


def overall_in(data: Data, name: str) -> Shown:
    """One metric of all units together, without the group axis."""
    shown = Shown.of(data, name)
    c, b = shown.known
    contrast = take(shown.contrast, slice(None), 0)
    known = c[..., 0, :], b[..., 0, :]
    return Shown(shown.name, contrast, shown.bets[..., 0, :, :], known, shown.limit, shown.heights[:1])


def window_bounds(window: Duration | Literal["week"], start: date, last: date) -> list[tuple[date, date]]:
    """``[first day, day after the last)`` of the windows from ``start`` to the one that holds ``last``."""
    if window == "week":
        first, length = start - timedelta(days=start.weekday()), 7
    else:
        first, length = start, window.count
    count = (last - first).days // length + 1
    return [(first + timedelta(days=i * length), first + timedelta(days=(i + 1) * length)) for i in range(count)]
