"""What people read: each metric in both arms with its confidence sequence, overall, by segment and by window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import Contrast, take
from rampgate.estimate.interval import confidence_sequence, effect
from rampgate.estimate.metric import KPI, weighted_kpi
from rampgate.judge.case import Case, Data
from rampgate.judge.decision import Estimate, Window
from rampgate.judge.weigh import bets
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
    """One metric over all groups, ready to be cut into periods."""

    name: str
    contrast: Contrast
    bets: Floats
    known: tuple[Floats, Floats]
    limit: float

    @classmethod
    def of(cls, data: Data, name: str) -> Shown:
        c, b = (np.asarray(x) for x in data.known_by_period(name))
        return cls(
            name,
            data.contrast(name),
            bets(data.scale(name), _expected(data, name)),
            (c, b),
            _limit(data, name),
        )


def _expected(data: Data, name: str) -> Margin | None:
    """The effect that the interval is tuned to: what the policy wants to see of this metric."""
    policy = data.policy
    rule = policy.rollback.get(name)
    guardrail = policy.guardrails.get(name)
    margin = guardrail.margin if guardrail else policy.kpi.margin if name == KPI else None
    size = (rule.expect if rule else None) or margin
    return size if size is not None and size.value > 0 else None


def _limit(data: Data, name: str) -> float:
    return 1.0 if name != KPI and data.policy.metrics[name].kind == "proportion" else np.inf


def estimates(shown: Shown, groups: tuple[Group, ...], raw: Raw, periods: slice = slice(None)) -> list[Estimate]:
    """One estimate per group over the given periods."""
    part = take(shown.contrast, periods)
    centre = effect(part)
    lower, upper = confidence_sequence(part, shown.bets[..., periods, :], 1.0 - LEVEL, shown.limit)
    level_c, level_b = part.levels()
    weight = part.weight
    total = weight.sum(-1)
    n_c, n_b = (x[..., periods].sum(-1) for x in shown.known)
    out = []
    for g, group in enumerate(groups):
        raw_b, raw_c = raw.value(shown.name, g)
        baseline, candidate, difference = none_if_nan(raw_b), none_if_nan(raw_c), None
        ends: tuple[float, float] = (np.nan, np.nan)
        if total[g] > 0:
            baseline = float((weight[g] * level_b[g]).sum() / total[g])
            candidate = float((weight[g] * level_c[g]).sum() / total[g])
            difference = part.sign * float(centre[g])
            ends = (lower[g], upper[g]) if part.sign == 1 else (-upper[g], -lower[g])
        out.append(
            Estimate(
                shown.name,
                group,
                baseline,
                candidate,
                difference,
                none_if_nan(ends[0]),
                none_if_nan(ends[1]),
                LEVEL,
                round(float(n_b[g])),
                round(float(n_c[g])),
                none_if_nan(raw_b),
                none_if_nan(raw_c),
            )
        )
    return out


@dataclass(frozen=True)
class Raw:
    """Plain values over all units of each arm, (group,) per metric: what a pooled comparison would show."""

    values: dict[str, tuple[Floats, Floats]]

    @classmethod
    def of(cls, data: Data, periods: slice = slice(None)) -> Raw:
        """Merge the periods per arm and read each metric, and the KPI of these values."""
        out: dict[str, tuple[Floats, Floats]] = {}
        for name, metric in data.policy.metrics.items():
            parts = ("numerator", "denominator") if metric.kind == "ratio" else ("value", "known")
            sums = [[arm.total(f"{name}:{p}")[..., periods].sum(-1) for p in parts] for arm in data.run]
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
    shown = [Shown.of(data, name) for name in (KPI, *names(case))]
    tables = [estimates(s, data.groups, raw) for s in shown]
    overall = [table[0] for table in tables]
    segments = [table[g] for g in range(1, len(data.groups)) for table in tables]
    return overall[0], (*overall, *segments)


def windows(case: Case) -> tuple[Window, ...]:
    """Every window since the start; one that the start or the look cuts short is marked incomplete."""
    data, policy = case.data, case.policy
    if case.state.start is None or not data.periods:
        return ()
    shown = [Shown.of(data, name) for name in (KPI, *names(case))]
    days = [p.day for p in data.periods]
    launch = _midnight(case.state.start, policy.zone)
    out = []
    for first, last in window_bounds(policy.source.window, case.state.start, days[-1]):
        inside = [t for t, day in enumerate(days) if first <= day < last]
        start, end = _midnight(first, policy.zone), _midnight(last, policy.zone)
        if not inside:
            continue
        cut = slice(inside[0], inside[-1] + 1)
        raw = Raw.of(data, cut)
        rows = [estimates(_overall(s), (OVERALL,), raw, cut)[0] for s in shown]
        out.append(Window(start, end, start >= launch and end <= case.look, rows[0], tuple(rows[1:])))
    return tuple(out)


def _overall(shown: Shown) -> Shown:
    """The overall group alone, keeping the group axis."""
    contrast = take(shown.contrast, slice(None), slice(0, 1))
    c, b = shown.known
    return Shown(shown.name, contrast, shown.bets[:1], (c[:1], b[:1]), shown.limit)


def window_bounds(window: Duration | Literal["week"], start: date, last: date) -> list[tuple[date, date]]:
    """``[first day, day after the last)`` of the windows from ``start`` to the one that holds ``last``."""
    if window == "week":
        first, length = start - timedelta(days=start.weekday()), 7
    else:
        first, length = start, window.count
    count = (last - first).days // length + 1
    return [(first + timedelta(days=i * length), first + timedelta(days=(i + 1) * length)) for i in range(count)]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
