"""Thresholds of quantiles that are not fixed yet: when they should be, and where they would lie by now."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rampgate.estimate.quantiles import units_needed
from rampgate.judge.beyond import kept, taken_of
from rampgate.judge.case import Case
from rampgate.judge.gate import HORIZON_DAYS, VOLUME_DAYS, booking_looks, look_days
from rampgate.policy import Quantile


def pilots(case: Case) -> dict[str, int | None]:
    """Looks until each threshold that is not fixed yet should be; None: not at this volume."""
    data, out = case.data, {}
    for name, found in data.quantiles.items():
        if found.fixed or case.state.since is None:
            continue
        there = found.run.at_most()[..., 0].sum(-1)
        looked = np.flatnonzero(data.ripe[name][0])
        rate = float(there[looked[-VOLUME_DAYS:]].mean()) if len(looked) else 0.0
        missing = units_needed(found.q) - float(there.sum())
        looks = np.ceil(missing / rate) + booking_looks(case, name, 0) if rate > 0 else np.inf
        out[name] = max(1, int(looks)) if looks <= HORIZON_DAYS // look_days(case) else None
    return out


def with_pilots_fixed(case: Case) -> Case:
    """The case with every threshold where its pilot has it now, as if all periods were compared by it."""
    data = case.data
    now = {
        taken_of(metric): kept(data.periods[0], data.groups, found)
        for name, found in data.quantiles.items()
        if not found.fixed and data.periods and isinstance(metric := case.policy.metrics[name], Quantile)
    }
    return replace(case, state=replace(case.state, thresholds={**case.state.thresholds, **now})) if now else case
