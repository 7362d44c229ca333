"""The harm budget of many rollouts at once: whether a phase that goes by it may be left, look by look."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from rampgate.aggregate.moments import Floats, Ints
from rampgate.estimate.contrast import take
from rampgate.estimate.interval import lies_below
from rampgate.judge.gate import VOLUME_DAYS
from rampgate.judge.harm import LEVEL, candidate_days, spent_by
from rampgate.judge.show import overall_in

if TYPE_CHECKING:
    from rampgate.judge.batch import Batch


def not_within_budget(batch: Batch, where: np.ndarray) -> np.ndarray:
    """Whether what a metric has cost and may cost by the end of the next phase exceeds its budget, (rollout, look).

    Parameters
    ----------
    where : the looks at which that decides, (rollout, look); elsewhere it is not asked
    """
    out = np.zeros(where.shape, dtype=bool)
    for name in batch.policy.harm_budget:
        shown = overall_in(batch.overall, name)
        known = shown.known[0] + shown.known[1]
        for look in np.flatnonzero(where.any(0)):
            rows, end = np.flatnonzero(where[:, look]), int(batch.calendar.booked[name][look])
            if not end:
                out[rows, look] = True
                continue
            contrast = take(shown.contrast, slice(end), rows)
            within = (np.arange(end) >= batch.begin[rows][:, None]).astype(float)
            spent = spent_by(contrast)[..., -1]
            units = _units_ahead(batch, rows, int(look), known[rows, :end], end)
            left = batch.policy.harm_budget[name] - spent
            with np.errstate(invalid="ignore", divide="ignore"):
                # Where no unit is to come, any harm per unit is within it.
                most = np.where(units > 0, left / units, shown.limit)
            below = lies_below(contrast, shown.bets[rows, :end], most, 2.0 * (1.0 - LEVEL), shown.limit, within)
            out[rows, look] |= ~(np.isfinite(spent) & (left >= 0) & np.isfinite(units) & below)
    return out


def _units_ahead(batch: Batch, rows: Ints, look: int, known: Floats, end: int) -> Floats:
    """Candidate units with a known metric that are too young to count, or to come in the next phase, (rollout,)."""
    candidate, baseline = (arm.n[rows, 0, : look + 1] for arm in batch.data.run)
    both = candidate + baseline
    booked = both[:, :end].sum(-1)
    share = np.where(booked > 0, known.sum(-1) / np.where(booked > 0, booked, 1.0), 1.0)
    phases, calendar = batch.policy.phases, batch.calendar
    following = phases[batch.phase] if batch.phase < len(phases) else None
    if following is None:
        return np.asarray(candidate[:, end:].sum(-1) * share)
    moment = calendar.looks[look]
    since = np.array([calendar.periods[begin].start.timestamp() for begin in batch.begin[rows]])
    first = np.maximum(since, (moment - timedelta(days=VOLUME_DAYS)).timestamp())
    starts = np.array([p.start.timestamp() for p in calendar.periods[: look + 1]])
    recent = (both * (starts >= first[:, None])).sum(-1)
    days = (moment.timestamp() - first) / 86400.0
    with np.errstate(invalid="ignore", divide="ignore"):
        volume = np.where((days > 0) & (recent > 0), recent / days, np.nan)
    return np.asarray((candidate[:, end:].sum(-1) + volume * candidate_days(batch.policy, following)) * share)
