"""Verdicts from plain thresholds on the latest complete window (``evidence: point``): the textbook gate.

It is there for teaching and comparison. On noise alone it rolls back most good candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from rampgate.aggregate.marginals import OVERALL
from rampgate.aggregate.moments import Floats
from rampgate.estimate.alone import FLOOR
from rampgate.estimate.metric import KPI
from rampgate.judge.case import Case
from rampgate.judge.criteria import Criterion, criteria, group_weights
from rampgate.judge.decision import ERROR, FAIL, NO_DATA, PASS, Judged, Reason
from rampgate.judge.findings import Findings, amount, called, hold_for, too_small
from rampgate.judge.show import Raw, window_bounds
from rampgate.policy import Policy


def point(case: Case) -> Findings:
    """Compare the raw values of the latest complete window with the thresholds."""
    data, policy = case.data, case.policy
    plan = criteria(policy, group_weights(data.segments, data.first))
    inside = latest_window(case)
    raw = Raw.of(data, slice(inside[0], inside[-1] + 1)) if inside else None
    done = tuple(_judge_safely(case, c, raw, inside) for c in plan)
    rollback = tuple(
        Reason("rollback", FAIL, str(j.message), j.metric, j.group)
        for j in done
        if j.kind == "rollback" and j.verdict == FAIL
    )
    holds = tuple(reason for j in done if (reason := hold_for(j)) is not None)
    return Findings(done, rollback, holds, tuple(too_small(policy, done)))


def latest_window(case: Case) -> list[int]:
    """Periods of the latest complete window since the start in which every judged metric is old enough; or none."""
    data, start = case.data, case.state.start
    if start is None or not data.periods:
        return []
    look = case.look.astimezone(case.policy.zone).date()
    ripe = np.all([data.ripe[name][0] for name in case.policy.judged_metrics()], axis=0)
    return window_before(case.policy, [p.day for p in data.periods], start, look, ripe)


def window_before(policy: Policy, days: Sequence[date], start: date, look: date, ripe: np.ndarray) -> list[int]:
    """Periods of the latest window that is complete by the day of a look and old enough; or none.

    Parameters
    ----------
    days : of each period
    ripe : whether each is old enough, (period,)
    """
    bounds = window_bounds(policy.source.window, start, days[-1])
    done = [(first, last) for first, last in bounds if first >= start and last <= look]
    for first, last in reversed(done):
        inside = [t for t, day in enumerate(days) if first <= day < last]
        if inside and ripe[inside].all():
            return inside
    return []


def _judge_safely(case: Case, c: Criterion, raw: Raw | None, inside: Sequence[int]) -> Judged:
    try:
        return _judge(case, c, raw, inside)
    except Exception as error:  # noqa: BLE001 - an ERROR of this criterion; the others are judged
        return _verdict(c, ERROR, f"{type(error).__name__}: {error}")


def _judge(case: Case, c: Criterion, raw: Raw | None, inside: Sequence[int]) -> Judged:
    data, policy = case.data, case.policy
    if c.kind == FLOOR:
        return _floor(c, raw)
    at = data.index([c.group])[0]
    baseline, candidate = raw.value(c.metric, at) if raw is not None else (np.nan, np.nan)
    units = [float(x[at][list(inside)].sum()) for x in data.known_by_period(c.metric)]
    small = c.group != OVERALL and policy.segments is not None and min(units) < policy.segments.minimum_units
    if np.isnan(baseline) or np.isnan(candidate) or small:
        return _verdict(c, NO_DATA, "no complete window with known units in both arms yet")
    if not beyond(policy, c, np.asarray(baseline), np.asarray(candidate)):
        return _verdict(c, PASS, None)
    harm = float(_harm(policy, c.metric, np.asarray(baseline), np.asarray(candidate)))
    text = (
        f"{called(c.metric, c.group)} is worse by {amount(policy, c.metric, harm)} in the latest complete window, "
        f"beyond the threshold of {c.margin}"
    )
    return _verdict(c, FAIL, text)


def beyond(policy: Policy, c: Criterion, baseline: Floats, candidate: Floats) -> np.ndarray:
    """Whether plain values lie further apart than a criterion tolerates, whatever their shape."""
    bound = c.margin.value * np.abs(baseline) if c.margin.relative else c.margin.value
    return np.asarray(_harm(policy, c.metric, baseline, candidate) > bound)


def below_floor(c: Criterion, value: Floats) -> np.ndarray:
    """Whether the candidate's own KPI is below its floor."""
    return np.asarray(value < c.margin.value)


def _harm(policy: Policy, metric: str, baseline: Floats, candidate: Floats) -> Floats:
    worse_is_more = metric != KPI and policy.metrics[metric].better == "lower"
    return candidate - baseline if worse_is_more else baseline - candidate


def _verdict(c: Criterion, verdict: str, message: str | None) -> Judged:
    return Judged(c.id, c.kind, c.metric, c.group, c.margin.value, str(c.margin), verdict, None, None, message=message)


def _floor(c: Criterion, raw: Raw | None) -> Judged:
    """The candidate's own KPI against the floor."""
    value = raw.value(KPI, 0)[1] if raw is not None else np.nan
    if np.isnan(value):
        return _verdict(c, NO_DATA, "no complete window with known units yet")
    if below_floor(c, np.asarray(value)):
        return _verdict(c, FAIL, f"the candidate's weighted KPI is {value:.3f}, below the floor of {c.margin}")
    return _verdict(c, PASS, None)
