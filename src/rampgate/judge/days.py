"""The days of one metric as rows of the watch: both versions' until it begins, the candidate's from then on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from rampgate.aggregate.marginals import Arm
from rampgate.aggregate.moments import Floats, Ints, Period
from rampgate.estimate.change import Rows, step_days
from rampgate.estimate.metric import KPI, parts_of, weighted_kpi
from rampgate.judge.case import Case
from rampgate.judge.gate import look_days
from rampgate.policy import After, Policy

#: Outcomes of the rarer kind that a step needs on average, and units where outcomes are not two.
OUTCOMES, UNITS = 5.0, 20.0
#: Steps of the reference that count, the latest: a year of days.
MOST_STEPS = 364


@dataclass(frozen=True)
class Entries:
    """Sums of a metric's parts by period and arm, in no order: those of the KPI's metrics, or the metric's own.

    ``day`` (entry,) is an ordinal, ``arm`` and ``phase`` say whose and whether in the last phase, ``top`` and
    ``bottom`` (entry, part) make the value, ``outcomes`` (entry, part) is what must be enough.
    """

    day: Ints
    arm: Ints
    last: np.ndarray
    top: Floats
    bottom: Floats
    outcomes: Floats

    def where(self, keep: np.ndarray) -> Entries:
        return Entries(*(getattr(self, name)[keep] for name in ("day", "arm", "last", "top", "bottom", "outcomes")))


@dataclass(frozen=True)
class Series:
    """A metric over steps: rows of the watch, their values, and the first day of each."""

    rows: Rows
    values: Floats
    days: tuple[date, ...]
    length: int


def entries(case: Case, name: str) -> Entries:
    """Every period that is old enough for a metric, of both arms; of the history the baseline's."""
    data, past = case.data, _past(case)
    begin = data.phase_begin
    found = [
        _of_arm(case.policy, name, data.history[1], past, 0, (data.ripe[name][1], len(past))),
        _of_arm(case.policy, name, data.run[1], data.periods, 0, (data.ripe[name][0], begin)),
        _of_arm(case.policy, name, data.run[0], data.periods, 1, (data.ripe[name][0], begin)),
    ]
    fields = ("day", "arm", "last", "top", "bottom", "outcomes")
    return Entries(*(np.concatenate([getattr(one, field) for one in found]) for field in fields))


def _past(case: Case) -> list[Period]:
    start = case.state.start or date.max
    return [p for p in case.cells.periods if p.day < start]


def _of_arm(
    policy: Policy, name: str, arm: Arm, periods: Sequence[Period], which: int, booked: tuple[np.ndarray, int]
) -> Entries:
    ripe, begin = booked
    parts = parts_of(policy, name)
    roles = [("numerator", "denominator") if policy.metrics[p].kind == "ratio" else ("value", "known") for p in parts]
    top, bottom = (
        np.stack([arm.total(f"{p}:{role[end]}")[0] for p, role in zip(parts, roles, strict=True)], axis=-1)
        for end in (0, 1)
    )
    known = np.stack([arm.total(f"{p}:known")[0] for p in parts], axis=-1)
    two = np.array([policy.metrics[p].binary for p in parts])
    outcomes = np.where(two, np.minimum(top, known - top) / OUTCOMES, known / UNITS)
    day = np.array([p.day.toordinal() for p in periods], dtype=int)
    last = np.arange(len(periods)) >= begin
    return Entries(day, np.full(len(day), which), last, top, bottom, outcomes).where(ripe)


def first_watched(case: Case, after: After) -> date:
    """The day from which on the candidate is watched."""
    assert case.state.since is not None
    begin = case.state.since.astimezone(case.policy.zone).date()
    return begin if after.reference is None else max(begin, after.reference.to)


def series(case: Case, name: str, after: After, begin: date, found: Entries) -> Series | None:
    """The rows of a metric that is watched from a day on; None where no step holds enough."""
    watched = found.last & (found.day >= begin.toordinal())
    reference = ~watched
    if after.reference is not None:
        low, high = after.reference.from_.toordinal(), after.reference.to.toordinal()
        reference = (found.day >= low) & (found.day < high)
    length = _length(case, found.where(reference))
    if length is None:
        return None
    keep = reference | (watched & (found.arm == 1))
    used, watched = found.where(keep), watched[keep] & ~reference[keep]
    anchor = begin.toordinal() - (begin.weekday() if look_days(case) == 7 else 0)
    step = (used.day - anchor) // length
    whole = (step * length + anchor >= used.day.min(initial=anchor)) | (step >= 0)
    if length > look_days(case):
        whole &= (step + 1) * length + anchor <= used.day.max(initial=anchor) + look_days(case)
    whole &= step >= -MOST_STEPS
    return _rows(case, name, used.where(whole), step[whole], (watched[whole], length, anchor))


def _length(case: Case, reference: Entries) -> int | None:
    """Days of a step: of the part that needs most."""
    days = np.unique(reference.day)
    base = look_days(case)
    lengths: list[int] = []
    for part in range(reference.outcomes.shape[1]):
        total = np.array([reference.outcomes[reference.day == day, part].sum() for day in days])
        found = step_days(total / base, 1.0)
        if found is None:
            return None
        lengths.append(found)
    return max([base, *lengths])


def _rows(case: Case, name: str, used: Entries, step: Ints, how: tuple[np.ndarray, int, int]) -> Series:
    watched, length, anchor = how
    # In the order of time, the reference before what is watched, the baseline first.
    key = (step - step.min(initial=0)) * 4 + 2 * watched + used.arm
    keys, row = np.unique(key, return_inverse=True)
    top, bottom = (np.zeros((len(keys), values.shape[1])) for values in (used.top, used.bottom))
    np.add.at(top, row, used.top)
    np.add.at(bottom, row, used.bottom)
    known = (bottom > 0).all(-1)
    top, bottom, keys = top[known], bottom[known], keys[known]
    value = top / bottom
    units = bottom[:, 0]
    if name == KPI:
        weight = np.array([*case.policy.kpi.weights.values()])
        value_of = {part: value[:, p] for p, part in enumerate(case.policy.kpi.weights)}
        values, units = weighted_kpi(case.policy, value_of), (weight**2).sum() / (weight**2 / bottom).sum(-1)
    else:
        values = value[:, 0]
    steps = keys // 4 + step.min(initial=0)
    first = steps * length + anchor
    level = (first + 6) % 7 if length == 1 else np.zeros_like(first)
    rows = Rows(units, steps, level, keys % 2, (keys % 4) >= 2)
    return Series(rows, values, tuple(date.fromordinal(int(day)) for day in first), length)


def usual(found: Series) -> tuple[Floats, float]:
    """What the reference says of each row: the mean of its weekday and version, and the standard deviation of days.

    Returns
    -------
    (row,) and a number; for pictures, the watch itself rests on neither.
    """
    rows = found.rows
    columns = [rows.level == level for level in np.unique(rows.level)]
    columns += [rows.arm == 1] if len(np.unique(rows.arm)) > 1 else []
    design = np.array(columns, dtype=float).T
    reference, weight = ~rows.watched, np.sqrt(rows.units)
    fitted, *_ = np.linalg.lstsq((design * weight[:, None])[reference], (found.values * weight)[reference], rcond=None)
    mean = design @ fitted
    squares = (rows.units * (found.values - mean) ** 2)[reference].sum() / rows.units[reference].sum()
    count = int(reference.sum())
    return mean, float(np.sqrt(squares * count / max(count - design.shape[1], 1)))
