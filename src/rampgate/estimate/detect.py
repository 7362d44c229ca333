"""Change detection on one series, without a policy: the watch that the gate keeps after its last phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike

from rampgate.aggregate.moments import Floats, Ints
from rampgate.errors import UsageError
from rampgate.estimate.change import Detector, Onset, Rows, Watch, steps_needed
from rampgate.estimate.inputs import Days, local_days, numbers, real
from rampgate.shown import Shown

YEAR_DAYS = 365.25


@dataclass(frozen=True, repr=False)
class Change(Shown):
    """What the values after a reference say of a change of their level.

    Attributes
    ----------
    log_r : log of the e-detector after each value that is watched, (watched,)
    threshold : at which it alarms: the mean number of values between two false alarms is at least this
    alarm : the first watched value at which it does, counted from 0; None while nothing has
    onset : when the change began (its rows are counted likewise) and how large it is, in the unit of the values: both
        selected by looking, so that the size is told too large; None without an alarm
    """

    log_r: Floats
    threshold: float
    alarm: int | None = None
    onset: Onset | None = None

    def __repr__(self) -> str:
        watched = f"{type(self).__name__} over {self.log_r.size} values"
        if self.onset is None:
            last = float(np.exp(self.log_r[-1])) if self.log_r.size else 0.0
            return f"{watched}: none, the e-detector is at {last:.3g} of {self.threshold:.4g}"
        return (
            f"{watched}: alarm at {self.alarm}, onset at {self.onset.row} ({self.onset.first} to {self.onset.last}), "
            f"shift {self.onset.shift:+.3g}"
        )


def detect_change(
    values: ArrayLike,
    units: ArrayLike | None = None,
    *,
    reference: int,
    days: Days | None = None,
    false_alarms: float = 1.0,
) -> Change:
    """Whether, and since when, daily values no longer follow the law of a reference.

    Parameters
    ----------
    values : one value per day, (day,): a share, a mean, a KPI
    units : what each rests on, (day,), above 0; alike when left out
    reference : how many of the first days are the reference; those after it are watched
    days : local dates, ascending; days of one weekday then have one level. Without them all have
    false_alarms : how many a year are accepted, while nothing changes

    Returns
    -------
    Change : the e-detector after each watched day, and of an alarm when the change began and how large it is

    Raises
    ------
    UsageError
        When the reference is too short for the rate of false alarms, or its values do not differ.

    Notes
    -----
    The mean time until a false alarm is at least a year by ``false_alarms`` for days whose values are normal about the
    level of their weekday and hang together as one of `rampgate.estimate.change.MODELS`, on average over these; for
    others it is shown by simulation (``python -m benchmarks.change``). A slow wander without end is a change.

    Examples
    --------
    >>> import numpy as np
    >>> from rampgate.estimate import detect_change
    >>> rng = np.random.default_rng(1)
    >>> shares = rng.binomial(300, np.repeat([0.15, 0.21], [90, 30])) / 300
    >>> detect_change(shares, np.full(120, 300), reference=56)
    Change over 64 values: alarm at 36, onset at 34 (34 to 34), shift +0.0704
    """
    found = numbers(values, "values")
    if found.ndim != 1:
        raise UsageError(f"the shape is {found.shape}", where="values", remedy="pass one value per day")
    sizes = np.ones_like(found) if units is None else numbers(units, "units")
    if sizes.shape != found.shape or (sizes <= 0).any():
        raise UsageError("each value needs units above 0", where="units", remedy="leave days without units out")
    if not 0 < real(false_alarms, "false_alarms", "write 1 for one a year") <= YEAR_DAYS:
        raise UsageError(f"{false_alarms!r} a year", where="false_alarms", remedy="write 1 for one a year")
    step, level = _calendar(days, len(found))
    threshold = YEAR_DAYS / false_alarms
    watched = np.arange(len(found)) >= reference
    rows = Rows(sizes, step, level, np.ones(len(found), dtype=int), watched)
    refuse_short(rows, threshold)
    if np.ptp(found[:reference]) == 0:
        raise UsageError("its values do not differ", where="reference", remedy="watch values that vary from day to day")
    return alarmed(Detector.of(rows).watch(found), threshold)


def refuse_short(rows: Rows, threshold: float) -> None:
    """Refuse a reference that cannot bear the rate of false alarms.

    Raises
    ------
    UsageError
        When it is too short.
    """
    needed = steps_needed(threshold) + rows.levels
    if rows.spare + rows.levels < needed:
        raise UsageError(
            f"{rows.spare + rows.levels} days are too few to tell how days differ",
            where="reference",
            remedy=f"give it {needed} days or more, or accept more false alarms",
        )


def alarmed(watch: Watch, threshold: float) -> Change:
    """The first alarm of a watch over one series, and what it tells of."""
    log_r = watch.log_r
    over = np.flatnonzero(log_r >= np.log(threshold))
    if not len(over):
        return Change(log_r, threshold)
    alarm = int(over[0])
    # What came since tells more of the onset; where the evidence is gone by now, what came last says nothing of it.
    tells = len(log_r) - 1 if log_r[-1] >= np.log(threshold) else int(np.argmax(log_r))
    return Change(log_r, threshold, alarm, watch.onset(tells))


def _calendar(days: Days | None, count: int) -> tuple[Ints, Ints]:
    """Steps and levels of days: their number and weekday; consecutive days of one level where nobody says which."""
    if days is None:
        return np.arange(count), np.zeros(count, dtype=int)
    dates: Sequence[date] = local_days(days, "days")
    step = np.array([day.toordinal() for day in dates], dtype=int)
    if len(step) != count or (np.diff(step) <= 0).any():
        raise UsageError(f"{len(step)} days of {count} values, or days out of order", where="days")
    return step, np.array([day.weekday() for day in dates], dtype=int)
