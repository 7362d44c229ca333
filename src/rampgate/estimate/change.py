"""Whether a level has moved, from one value a day and no baseline beside it: an e-detector over days.

Without a baseline that runs beside it the world's own wander looks like a change, so what is tested is not "the level
is what it was" but "these days follow the law of the reference's days". A day's value is the level of its weekday, plus
what the day itself brings, plus what its own units scatter; what a day brings may last for days. None of this is
known, so the days themselves tell: levels and variance are integrated out exactly (the likelihood ratio of what is left
when they are), and how days hang together is averaged over `MODELS` with the weights that all days so far give them.
A single day counts as at most `FARTHEST` standard deviations.

For every day v since the watch began one likelihood ratio E_v compares "moved on day v, by an unknown amount" with "did
not move"; it has mean 1 until v, and stays a martingale while nothing moves. Their sum ``R_t = sum_v E_v,t`` is an
e-detector: the mean time until R reaches A is at least A looks while nothing moves.

References
----------
Shin, Ramdas and Rinaldo 2022 (e-detectors). Roberts 1966; Shiryaev 1963 (the sum over onsets). Lindon, Ham, Tingley and
Bojinov 2022; Pérez-Ortiz, Lardy, de Heide and Grünwald 2022 (likelihood ratios of what unknown levels and an unknown
variance leave).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from rampgate.aggregate.moments import Floats, Ints
from rampgate.estimate.evidence import log_sum_exp

#: How days may hang together: the correlation of what one day brings with the next, and its variance by that of a
#: typical day's units. Equal weights beforehand.
MODELS = ((0.0, 0.0), *product((0.0, 0.5, 0.8, 0.95), (0.25, 1.0, 4.0, 16.0)))
#: Variances of the change that is looked for, by that of a typical day.
SIZES = (1 / 16, 1 / 2, 4.0)
#: Variance of a level that nothing is known of, by that of a typical day. A hundred standard deviations about the
#: reference's own mean are as good as no knowledge, and more would cost digits.
_UNKNOWN = 1e4
#: Squares are no less, so that days without any scatter at all have a logarithm.
_LEAST = 1e-300
#: Part of the squares that rounding may hide: a change that explains all of them is told from none by this.
_ALL = 1e-12
#: Standard deviations that a day counts as at most. One such day alone is odds of less than 20 to 1.
FARTHEST = 3.0
#: The chance that the days told hold the onset.
ONSET_LEVEL = 0.9
#: Days that a step may have.
STEPS = (1, 7, 28)
#: Days of the reference beyond one for each level, at one false alarm in a year of days.
ENOUGH = 20
#: Steps of each arm at the beginning of a reference of both that is asked whether it has changed.
BOTH = 7
_YEAR = 365.25


@dataclass(frozen=True)
class Rows:
    """One row per step and arm, in the order of time.

    Attributes
    ----------
    units : what a row's value rests on, (row,), above 0
    step : which day, or week, it is, (row,); both arms of a step have the same one
    level : rows of one level have the same mean while nothing moves: weekdays, (row,)
    arm : 1 of the candidate, 0 of the baseline, which lies beside it by an unknown difference, (row,)
    watched : whether it is watched; the others, which come first, are the reference, (row,)
    """

    units: Floats
    step: Ints
    level: Ints
    arm: Ints
    watched: np.ndarray

    @property
    def levels(self) -> int:
        """How many unknown means the reference has to tell."""
        return len(np.unique(self.level)) + len(np.unique(self.arm)) - 1

    @cached_property
    def first(self) -> int:
        """The first watched row; their number where none is."""
        return int(np.argmax(self.watched)) if self.watched.any() else len(self.watched)

    @cached_property
    def tells(self) -> np.ndarray:
        """Whether a row tells of more than one more unknown mean, (row,)."""
        names = [*(("level", int(x)) for x in np.unique(self.level)), *(("arm", int(x)) for x in np.unique(self.arm))]
        part = {name: place for place, name in enumerate(names)}
        out = np.ones(len(self.units), dtype=bool)
        for row, (level, arm) in enumerate(zip(self.level, self.arm, strict=True)):
            one, other = part["level", int(level)], part["arm", int(arm)]
            out[row] = one == other
            part = {name: one if place == other else place for name, place in part.items()}
        return out

    @property
    def spare(self) -> int:
        """Steps of the reference beyond one for each unknown mean."""
        return len(np.unique(self.step[~self.watched])) - self.levels


def steps_needed(threshold: float) -> int:
    """Steps that a reference needs beyond one for each level: rarer alarms ask for more of its tails.

    Parameters
    ----------
    threshold : looks between two false alarms, at least
    """
    return int(np.ceil(ENOUGH * max(1.0, np.log(threshold) / np.log(_YEAR))))


@dataclass(frozen=True)
class _Model:
    """Rows made independent under one way of hanging together.

    Attributes
    ----------
    whiten : makes them so, and 0 of those that tell of a level alone, (row, row)
    steps : what a change by 1 since each onset then looks like, (row, onset)
    told : its squares so far, (row, onset)
    free : the rows so far that tell of more than a level, (row,)
    log_scale : the sum of their log standard deviations, (row,)
    between : variance of what a day brings
    """

    whiten: Floats
    steps: Floats
    told: Floats
    free: Floats
    log_scale: Floats
    between: float


@dataclass(frozen=True)
class Detector:
    """A watch over rows whose values are not known yet; made once for any number of rollouts."""

    #: ``noise`` (row,) is the variance of a row's units, by that of a typical row.
    rows: Rows
    noise: Floats
    models: tuple[_Model, ...]

    @classmethod
    def of(cls, rows: Rows) -> Detector:
        """The watch over rows; the reference's come first."""
        first = rows.first
        # A typical row has variance 1: of the reference, so that no day that is watched can change it.
        noise = np.exp(np.log(rows.units[:first]).mean()) / rows.units
        gap = np.abs(rows.step[:, None] - rows.step)
        unknown = _UNKNOWN * (rows.level[:, None] == rows.level)
        if len(np.unique(rows.arm)) > 1:
            unknown = unknown + _UNKNOWN * (rows.arm[:, None] * rows.arm)
        since = np.tri(len(rows.units))[:, first:]
        rest = np.diag(noise) + unknown
        return cls(rows, noise, tuple(_model(rho, k, rest, gap, since, rows.tells) for rho, k in MODELS))

    def watch(self, values: Floats) -> Watch:
        """What the values of the rows say.

        Parameters
        ----------
        values : (..., row)

        Returns
        -------
        Watch, with paths over the watched rows (..., watched)
        """
        watched = self.rows.watched
        centred, held = self._held(values)
        whites = [held @ model.whiten.T for model in self.models]
        logs = np.stack([_log_likelihood(m, w)[..., watched] for m, w in zip(self.models, whites, strict=True)])
        weights = logs - log_sum_exp(logs, 0)
        onsets = int(watched.sum())
        log_e = np.full((*values.shape[:-1], onsets, onsets), -np.inf)
        for model, white, log_weight in zip(self.models, whites, weights, strict=True):
            log_e = np.logaddexp(log_e, log_weight[..., None] + _by_onset(model, white, watched))
        return Watch(log_e, np.exp(weights), self, centred)

    def _held(self, values: Floats) -> tuple[Floats, Floats]:
        """Values less the reference's mean of their level and arm, and the same without what is farthest, (..., row).

        A row counts as at most `FARTHEST` standard deviations of the reference's rows, each taken without itself: one
        day beyond all others is no change of the level, and alone it is no alarm.
        """
        rows = self.rows
        reference = np.arange(len(rows.units)) < rows.first
        design = np.array([rows.level == one for one in np.unique(rows.level)], dtype=float).T
        if len(np.unique(rows.arm)) > 1:
            design = np.hstack([design, rows.arm[:, None]])
        fit = np.linalg.pinv(design[reference])
        centred = values - (values[..., reference] @ fit.T) @ design.T
        # A row that helped to find its own mean lies too near to it.
        lever = np.where(
            reference, (design * (design @ np.linalg.pinv(design[reference].T @ design[reference]))).sum(-1), 0.0
        )
        size = np.sqrt(1.0 + self.noise)
        alone = centred / (1.0 - np.minimum(lever, 0.5)) / size
        most = FARTHEST * np.sqrt((alone[..., reference] ** 2).mean(-1, keepdims=True))
        return centred, np.clip(alone, -most, most) * size


def _model(rho: float, between: float, rest: Floats, gap: Ints, since: Floats, tells: np.ndarray) -> _Model:
    """Rows made independent (Cholesky: what comes later changes nothing before it)."""
    lasting = np.power(rho, gap) if rho else (gap == 0).astype(float)
    root = np.linalg.cholesky(rest + between * lasting)
    whiten = np.linalg.inv(root) * tells[:, None]
    steps = whiten @ since
    log_scale = np.cumsum(np.where(tells, np.log(np.diag(root)), 0.0))
    return _Model(whiten, steps, np.cumsum(steps * steps, axis=0), np.cumsum(tells).astype(float), log_scale, between)


def _log_likelihood(model: _Model, white: Floats) -> Floats:
    """Of the rows so far, levels and variance integrated out, up to a constant, (..., row)."""
    return np.asarray(-model.log_scale - model.free / 2.0 * np.log(_squares(white)))


def _squares(white: Floats) -> Floats:
    """Sum of squares so far, (..., row)."""
    return np.maximum(np.cumsum(white * white, axis=-1), _LEAST)


def _by_onset(model: _Model, white: Floats, watched: np.ndarray) -> Floats:
    """Log likelihood ratio of each onset after each watched row, (..., watched, onset)."""
    squares = _squares(white)[..., watched, None]
    along = np.cumsum(white[..., None] * model.steps, axis=-2)[..., watched, :]
    told, free = model.told[watched], model.free[watched, None] / 2.0
    begun = np.tri(told.shape[0], dtype=bool)
    total = np.full(along.shape, -np.inf)
    for size in SIZES:
        prior = 1.0 / (size * (1.0 + model.between))
        explained = along * along / ((told + prior) * squares)
        log_e = -0.5 * np.log1p(told / prior) - free * np.log1p(-np.minimum(explained, 1.0 - _ALL))
        total = np.logaddexp(total, log_e)
    return np.where(begun, total - np.log(len(SIZES)), -np.inf)


@dataclass(frozen=True)
class Onset:
    """When a level moved, selected by looking.

    Attributes
    ----------
    row : the likeliest watched row
    first, last : the fewest watched rows around it that hold the onset with the chance asked for
    shift : the change since then, in the unit of the values
    """

    row: int
    first: int
    last: int
    shift: float


@dataclass(frozen=True)
class Watch:
    """What the watched rows say of a change.

    Attributes
    ----------
    log_e : log likelihood ratio of each onset after each watched row, (..., watched, onset); -inf before the onset
    weights : of the models after each watched row, (model, ..., watched)
    detector, centred : what it was made by, and the values less what the reference says of their level, (..., row)
    """

    log_e: Floats
    weights: Floats
    detector: Detector
    centred: Floats

    def shift(self, row: int, onset: int) -> Floats:
        """The change since an onset, as told at a watched row, in the unit of the values, (...)."""
        end = self.detector.rows.first + row + 1
        total = np.zeros(self.centred.shape[:-1])
        for model, weight in zip(self.detector.models, self.weights, strict=True):
            told = float(model.told[end - 1, onset])
            white = self.centred[..., :end] @ model.whiten[:end, :end].T
            # The first row of a level tells nothing of a change.
            total = total + weight[..., row] * (white @ model.steps[:end, onset]) / (told if told > 0 else 1.0)
        return np.asarray(total)

    @property
    def log_r(self) -> Floats:
        """Log of the e-detector after each watched row, (..., watched)."""
        return log_sum_exp(self.log_e)

    def onset(self, row: int) -> Onset:
        """Where the change began that is told of at a watched row, of one rollout.

        Every onset is as likely beforehand as any other; which are likely afterwards is the share of each in R.
        """
        log_e = self.log_e[row, : row + 1]
        share = np.exp(log_e - log_sum_exp(log_e))
        likeliest = int(np.argmax(share))
        first = last = likeliest
        held = share[likeliest]
        while held < ONSET_LEVEL and last - first < row:
            before = share[first - 1] if first else -1.0
            after = share[last + 1] if last < row else -1.0
            first, last = (first - 1, last) if before > after else (first, last + 1)
            held += max(before, after)
        return Onset(likeliest, first, last, float(self.shift(row, likeliest)))


def step_days(most: Floats, least: float) -> int | None:
    """How many days are put together, so that each step rests on enough.

    Parameters
    ----------
    most : what must be enough, of each day of the reference: the rarer outcomes, or units, (day,)
    least : how much of it a step needs on average

    Returns
    -------
    1, 7 or 28; None where not even four weeks hold enough. Whole weeks have no weekday.
    """
    mean = float(most.mean()) if most.size else 0.0
    return next((days for days in STEPS if mean * days >= least), None)


def changed_within(rows: Rows, values: Floats, threshold: float) -> int | None:
    """The row of the reference at which the watch would have alarmed, had it begun inside it.

    A reference that has changed itself is the law of neither its beginning nor its end. Asked of the arm that has most
    rows in it, where they are twice as many as a reference needs, and of both arms together: the days on which the
    candidate is alone may be few, and are told by what both were before.

    Parameters
    ----------
    values : of one rollout, (row,)

    Returns
    -------
    Index of the first such row; None where it would not have.
    """
    reference = np.flatnonzero(~rows.watched)
    asked = [*_longest(rows, reference, threshold), *_together(rows, reference, threshold)]
    found = [_told_at(rows, values, part, needed, threshold) for part, needed in asked]
    return min((row for row in found if row is not None), default=None)


def _longest(rows: Rows, reference: Ints, threshold: float) -> list[tuple[Ints, int]]:
    """The rows of the arm that has most, and how many of them are the first reference."""
    part = max((reference[rows.arm[reference] == arm] for arm in np.unique(rows.arm)), key=len)
    needed = steps_needed(threshold) + len(np.unique(rows.level[part]))
    return [(part, needed)] if len(part) >= 2 * needed else []


def _together(rows: Rows, reference: Ints, threshold: float) -> list[tuple[Ints, int]]:
    """The rows of both arms, likewise; the first reference has some of each, so that their difference is known."""
    arms = [rows.step[reference[rows.arm[reference] == arm]] for arm in (0, 1)]
    if min(len(steps) for steps in arms) <= BOTH:
        return []
    steps = np.unique(rows.step[reference])
    needed = steps_needed(threshold) + len(np.unique(rows.level[reference])) + 1
    begin = max(int(steps[needed]) if len(steps) > needed else int(steps[-1]) + 1, *(int(a[BOTH]) for a in arms))
    first = int((rows.step[reference] < begin).sum())
    return [(reference, first)] if first < len(reference) else []


def _told_at(rows: Rows, values: Floats, part: Ints, needed: int, threshold: float) -> int | None:
    """The row at which the watch over a part would have alarmed, its first rows being the reference."""
    if np.ptp(values[part[:needed]]) == 0:
        return None
    inside = Rows(rows.units[part], rows.step[part], rows.level[part], rows.arm[part], np.arange(len(part)) >= needed)
    over = np.flatnonzero(Detector.of(inside).watch(values[part]).log_r >= np.log(threshold))
    return int(part[needed + over[0]]) if len(over) else None
