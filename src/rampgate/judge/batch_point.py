"""Plain thresholds for many rollouts at once: what `judge.point` says at each of their looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rampgate.aggregate.marginals import OVERALL
from rampgate.aggregate.moments import Floats
from rampgate.estimate.alone import FLOOR
from rampgate.estimate.metric import KPI
from rampgate.judge.criteria import Criterion, criteria, group_weights
from rampgate.judge.point import below_floor, beyond, window_before
from rampgate.judge.show import Raw

if TYPE_CHECKING:
    from rampgate.judge.batch import Batch

#: The reason of a criterion about all units that has no data, as the judge codes it.
TOO_LITTLE_DATA = "too_little_data"


def point_alarms(batch: Batch) -> dict[str, np.ndarray]:
    """Whether a criterion of each family fails at each look, and whether one about all units has no data.

    Returns
    -------
    By family, and under `TOO_LITTLE_DATA`, (rollout, look) each
    """
    data, nowhere = batch.data, np.zeros(batch.share.shape, dtype=bool)
    rules = criteria(batch.policy, group_weights(data.segments, data.first))
    out = {family: nowhere.copy() for family in ("rollback", "guardrail", "segment", FLOOR, TOO_LITTLE_DATA)}
    for inside, looks in _windows(batch):
        if not inside:
            out[TOO_LITTLE_DATA][:, looks] = True
            continue
        raw = Raw.of(data, slice(inside[0], inside[-1] + 1))
        for rule in rules:
            failed, unknown = _judged(batch, rule, raw, inside)
            out[rule.family][:, looks] |= failed[:, None]
            if rule.group == OVERALL:
                out[TOO_LITTLE_DATA][:, looks] |= unknown[:, None]
    return out


def _windows(batch: Batch) -> Iterator[tuple[list[int], list[int]]]:
    """The periods of the latest complete window, and the looks at which it is that."""
    policy, calendar = batch.policy, batch.calendar
    days = [period.day for period in calendar.periods]
    booked = np.min([calendar.booked[name] for name in policy.judged_metrics()], axis=0)
    found: dict[tuple[int, ...], list[int]] = {}
    for t, look in enumerate(calendar.looks):
        ripe = np.arange(len(days)) < booked[t]
        found.setdefault(tuple(window_before(policy, days, days[0], look.date(), ripe)), []).append(t)
    yield from ((list(inside), looks) for inside, looks in found.items())


def _judged(batch: Batch, rule: Criterion, raw: Raw, inside: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Whether a criterion fails in a window, and whether it has no data, (rollout,) each."""
    data, at = batch.data, batch.data.index([rule.group])[0]
    if rule.kind == FLOOR:
        own = raw.values[KPI][1][..., at]
        return below_floor(rule, own), np.isnan(own)
    baseline, candidate = (values[..., at] for values in raw.values[rule.metric])
    units: list[Floats] = [x[..., at, inside].sum(-1) for x in data.known_by_period(rule.metric)]
    unknown = np.isnan(baseline) | np.isnan(candidate)
    if rule.group != OVERALL and batch.policy.segments is not None:
        unknown = unknown | (np.minimum(*units) < batch.policy.segments.minimum_units)
    return beyond(batch.policy, rule, baseline, candidate) & ~unknown, unknown
