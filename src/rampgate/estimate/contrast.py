"""Candidate against baseline within each period, as a function of the margin that is tested.

A ramp mixes calendar time into the candidate's average, so arms are compared within a period and the
comparisons are added up (Mantel and Haenszel 1959). Positive always means harm. A contrast is asked at a
margin ``m`` and answers ``s_t = h_t (A_c - r A_b - m)`` with the variance of ``s_t`` *under that null*.

All arrays are (..., period); ``r`` is 1 for an absolute margin and ``1 + m`` or ``1 - m`` for a relative one,
where the margin passed to ``at`` is then 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from rampgate.aggregate.moments import Floats

#: Below this share of traffic, or this many known units in the smaller arm, the normal approximation of a
#: period's sum is not trusted and bounded increments take its place (statistics: 7 to 9 % false at 1 % traffic).
SMALL_SHARE = 0.05
SMALL_UNITS = 10
#: Periods whose variance counts as recent.
RECENT = 7


class Contrast(Protocol):
    """What every metric kind offers to the evidence."""

    @property
    def n_c(self) -> Floats: ...
    @property
    def n_b(self) -> Floats: ...
    @property
    def weight(self) -> Floats:
        """h_t, 0 in a period that lacks one arm."""

    @property
    def effect(self) -> Floats:
        """A_c - r A_b, harm positive; 0 where ``weight`` is 0."""

    @property
    def bound(self) -> Floats:
        """c_t, the largest single deviation in s_t."""

    @property
    def bounded(self) -> np.ndarray:
        """Where bounded increments are used."""

    @property
    def ranged(self) -> bool:
        """Whether ``bound`` holds for every unit there could be, and not only for those seen."""

    @property
    def sign(self) -> int:
        """1 when more of the metric is harm, -1 when less is."""

    def levels(self) -> tuple[Floats, Floats]:
        """The metric itself in each period, candidate and baseline; 0 where an arm has none."""

    def variance(self, margin: float | Floats) -> Floats:
        """Variance of s_t at the margin, (..., period)."""


def divide(a: Floats, b: Floats) -> Floats:
    """``a / b``, 0 where b is not positive."""
    return np.where(b > 0, a / np.where(b > 0, b, 1.0), 0.0)


def _harmonic(a: Floats, b: Floats) -> Floats:
    """``a b / (a + b)``, 0 where either is 0."""
    return divide(a * b, a + b)


@dataclass(frozen=True)
class Proportions:
    """Difference of two proportions of outcomes y in {0, 1}.

    Parameters
    ----------
    n_c, y_c, n_b, y_b : known units and their outcomes per period
    ratio : r
    sign : 1 when more y is harm, -1 when less is
    """

    n_c: Floats
    y_c: Floats
    n_b: Floats
    y_b: Floats
    ratio: float = 1.0
    sign: int = 1
    ranged: bool = True

    @cached_property
    def weight(self) -> Floats:
        return _harmonic(self.n_c, self.n_b)

    @property
    def effect(self) -> Floats:
        both = (self.n_c > 0) & (self.n_b > 0)
        return self.sign * np.where(both, divide(self.y_c, self.n_c) - self.ratio * divide(self.y_b, self.n_b), 0.0)

    def levels(self) -> tuple[Floats, Floats]:
        return divide(self.y_c, self.n_c), divide(self.y_b, self.n_b)

    @property
    def bound(self) -> Floats:
        return divide(np.maximum(self.n_b, self.ratio * self.n_c), self.n_c + self.n_b)

    @property
    def bounded(self) -> np.ndarray:
        return np.ones(np.shape(self.n_c), dtype=bool)

    def variance(self, margin: float | Floats) -> Floats:
        m = self.sign * np.asarray(margin, dtype=float)
        events = self.y_c + self.y_b
        if self.ratio == 1.0:
            low, high = np.maximum(0.0, -m), np.minimum(1.0, 1.0 - m)
            q_b = np.clip(divide(events - self.n_c * m, self.n_c + self.n_b), low, np.maximum(low, high))
            q_c = np.clip(q_b + m, 0.0, 1.0)
        else:
            q_b = np.clip(divide(events, self.ratio * self.n_c + self.n_b), 0.0, 1.0)
            q_c = np.minimum(1.0, self.ratio * q_b)
        spread = divide(q_c * (1 - q_c), self.n_c) + self.ratio**2 * divide(q_b * (1 - q_b), self.n_b)
        return self.weight**2 * spread


def own_variance(squares: Floats, n: Floats) -> tuple[Floats, Floats]:
    """An arm's own within-period variance, and its degrees of freedom so far.

    The largest of what has accumulated up to and including the period, of the last ``RECENT`` periods, and of the
    period itself, the latter two where they have enough units: a variance that rises in mid-run would hide behind the
    past (docs/decisions/0006).
    """
    free = np.maximum(n - 1.0, 0.0)
    freedom = np.cumsum(free, axis=-1)
    largest = divide(np.cumsum(squares, axis=-1), freedom)
    for df, ss in ((recent(free), recent(squares)), (free, squares)):
        largest = np.maximum(largest, np.where(df >= SMALL_UNITS - 1, divide(ss, df), 0.0))
    return largest, freedom


def recent(values: Floats) -> Floats:
    """Sum over the last ``RECENT`` periods up to and including each, (..., period)."""
    total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    ends = np.arange(1, values.shape[-1] + 1)
    return np.asarray(total[..., ends] - total[..., np.maximum(ends - RECENT, 0)])


def unseen(shortfall: Floats, n: Floats, jump: Floats) -> Floats:
    """Variance that an arm would have under the null and has not shown: the rare bad units that are still missing.

    An arm whose mean lies below that of the null by ``d`` lacks units that are ``jump`` worse with chance ``d / jump``;
    they would add ``d jump`` to its variance (docs/decisions/0006). ``shortfall`` is ``n d`` of each period, ``n`` the
    units of it and all before it.
    """
    return np.maximum(divide(np.cumsum(shortfall, axis=-1), n), 0.0) * jump


def _small(n_c: Floats, n_b: Floats) -> np.ndarray:
    least = np.minimum(n_c, n_b)
    return (least < SMALL_UNITS) | (least < SMALL_SHARE * (n_c + n_b))


@dataclass(frozen=True)
class Means:
    """Difference of means of a value z per unit: a mean, or a KPI linearised about the period's mean.

    Parameters
    ----------
    n_c, n_b : known units
    a_c, a_b : arm means, harm positive
    ss_c, ss_b : sums of squared deviations from the arm's own mean
    spread : largest |z| of a unit in the period
    ratio : r
    sign : 1 when more of the metric is harm; ``sign * a_c`` is the metric itself
    ranged : whether ``spread`` bounds every unit there could be, and not only those seen
    exact : whether bounded increments are used throughout, so that nothing rests on a normal approximation
    """

    n_c: Floats
    n_b: Floats
    a_c: Floats
    a_b: Floats
    ss_c: Floats
    ss_b: Floats
    spread: Floats
    ratio: float = 1.0
    sign: int = 1
    ranged: bool = False
    exact: bool = False

    @cached_property
    def weight(self) -> Floats:
        return _harmonic(self.n_c, self.n_b)

    @property
    def effect(self) -> Floats:
        both = (self.n_c > 0) & (self.n_b > 0)
        return np.where(both, self.a_c - self.ratio * self.a_b, 0.0)

    def levels(self) -> tuple[Floats, Floats]:
        return self.sign * self.a_c, self.sign * self.a_b

    @property
    def bound(self) -> Floats:
        return self.spread * divide(np.maximum(self.n_b, self.ratio * self.n_c), self.n_c + self.n_b)

    @property
    def bounded(self) -> np.ndarray:
        return _small(self.n_c, self.n_b) | self.exact

    def variance(self, margin: float | Floats) -> Floats:
        """The larger of the pooled null variance and the arms' own: either alone lets false alarms through."""
        n, r = self.n_c + self.n_b, self.ratio
        total = self.n_c * self.a_c + self.n_b * self.a_b
        if r == 1.0:
            q_b = divide(total - self.n_c * margin, n)
            q_c = q_b + margin
        else:
            q_b = divide(total, r * self.n_c + self.n_b)
            q_c = r * q_b
        between = self.n_c * (self.a_c - q_c) ** 2 + self.n_b * (self.a_b - q_b) ** 2
        pooled = divide(self.ss_c + self.ss_b + between, np.maximum(n - 1.0, 1.0))
        reached_c, reached_b = self._reached
        more_c = unseen(self.n_c * (q_c - self.a_c), reached_c, self.spread)
        more_b = unseen(self.n_b * (q_b - self.a_b), reached_b, self.spread)
        load_c, load_b = self._loads
        by_pool = pooled * (load_c + load_b)
        return self.weight**2 * (np.maximum(self._by_arm, by_pool) + more_c * load_c + more_b * load_b)

    @cached_property
    def _reached(self) -> tuple[Floats, Floats]:
        """Units of each arm up to and including each period."""
        return np.cumsum(self.n_c, axis=-1), np.cumsum(self.n_b, axis=-1)

    @cached_property
    def _loads(self) -> tuple[Floats, Floats]:
        """What a variance of each arm's unit weighs in the difference."""
        one = np.ones_like(self.n_c + self.n_b)
        return divide(one, self.n_c), self.ratio * self.ratio * divide(one, self.n_b)

    @cached_property
    def _by_arm(self) -> Floats:
        """The arms' own variances, which no margin changes; 0 until both are known."""
        own_c, df_c = own_variance(self.ss_c, self.n_c)
        own_b, df_b = own_variance(self.ss_b, self.n_b)
        load_c, load_b = self._loads
        return np.where((df_c > 0) & (df_b > 0), own_c * load_c + own_b * load_b, 0.0)


@dataclass(frozen=True)
class Ratios:
    """Difference of ratios of sums, sum(y) / sum(x), without forming a ratio per arm and period.

    Parameters
    ----------
    n_c, n_b : units with both parts known
    x_c, x_b, y_c, y_b : sums of denominator and numerator
    xx_c, xy_c, yy_c, xx_b, xy_b, yy_b : co-moments about the arm's own means
    spread : largest |y - R x| of a unit, R the period's ratio over both arms
    ratio, sign : r; 1 when more is harm
    """

    n_c: Floats
    n_b: Floats
    x_c: Floats
    x_b: Floats
    y_c: Floats
    y_b: Floats
    xx_c: Floats
    xy_c: Floats
    yy_c: Floats
    xx_b: Floats
    xy_b: Floats
    yy_b: Floats
    spread: Floats
    ratio: float = 1.0
    sign: int = 1
    ranged: bool = False

    @property
    def _scale(self) -> Floats:
        """The period's mean denominator."""
        return divide(self.x_c + self.x_b, self.n_c + self.n_b)

    @cached_property
    def weight(self) -> Floats:
        return divide(_harmonic(self.x_c, self.x_b), self._scale)

    @property
    def effect(self) -> Floats:
        both = (self.x_c > 0) & (self.x_b > 0)
        return self.sign * np.where(both, divide(self.y_c, self.x_c) - self.ratio * divide(self.y_b, self.x_b), 0.0)

    def levels(self) -> tuple[Floats, Floats]:
        return divide(self.y_c, self.x_c), divide(self.y_b, self.x_b)

    @property
    def bound(self) -> Floats:
        share = divide(np.maximum(self.x_b, self.ratio * self.x_c), self.x_c + self.x_b)
        return divide(self.spread * share, self._scale)

    @property
    def bounded(self) -> np.ndarray:
        return _small(self.n_c, self.n_b)

    def _residual(self, rate_c: Floats, rate_b: Floats) -> tuple[Floats, Floats]:
        """Sums of ``(y - R x)^2`` per arm."""

        def squares(n: Floats, x: Floats, y: Floats, xx: Floats, xy: Floats, yy: Floats, rate: Floats) -> Floats:
            centred = yy - 2 * rate * xy + rate * rate * xx
            return np.maximum(centred, 0.0) + n * (divide(y, n) - rate * divide(x, n)) ** 2

        return (
            squares(self.n_c, self.x_c, self.y_c, self.xx_c, self.xy_c, self.yy_c, rate_c),
            squares(self.n_b, self.x_b, self.y_b, self.xx_b, self.xy_b, self.yy_b, rate_b),
        )

    def own_squares(self) -> Floats:
        """Sum over both arms of ``(y - R x)^2``, R the arm's own ratio in the period."""
        squares_c, squares_b = self._residual(divide(self.y_c, self.x_c), divide(self.y_b, self.x_b))
        return squares_c + squares_b

    def variance(self, margin: float | Floats) -> Floats:
        """The larger of the variance under the tested null and the arms' own, as for means."""
        x, n, r = self.x_c + self.x_b, self.n_c + self.n_b, self.ratio
        if r == 1.0:
            m = self.sign * np.asarray(margin, dtype=float)
            rate_b = divide(self.y_c + self.y_b - m * self.x_c, x)
            rate_c = rate_b + m
        else:
            rate_b = divide(self.y_c + self.y_b, r * self.x_c + self.x_b)
            rate_c = r * rate_b
        null_c, null_b = self._residual(rate_c, rate_b)
        pooled = divide(null_c + null_b, np.maximum(n - 1.0, 1.0))
        # What is missing of an arm under the null, in the numerator's units.
        reached_c, reached_b = self._reached
        more_c = unseen(self.sign * (rate_c * self.x_c - self.y_c), reached_c, self.spread)
        more_b = unseen(self.sign * (rate_b * self.x_b - self.y_b), reached_b, self.spread)
        load_c, load_b = self._loads
        by_pool = pooled * (load_c + load_b)
        total = np.maximum(self._by_arm, by_pool) + more_c * load_c + more_b * load_b
        both = np.where((self.x_c > 0) & (self.x_b > 0), x * self._scale, 0.0)
        return divide(total, both**2)

    @cached_property
    def _reached(self) -> tuple[Floats, Floats]:
        """Units of each arm up to and including each period."""
        return np.cumsum(self.n_c, axis=-1), np.cumsum(self.n_b, axis=-1)

    @cached_property
    def _loads(self) -> tuple[Floats, Floats]:
        """What a variance of each arm's unit weighs in the difference."""
        return self.x_b**2 * self.n_c, self.ratio * self.ratio * self.x_c**2 * self.n_b

    @cached_property
    def _by_arm(self) -> Floats:
        """The arms' own variances, which no margin changes; 0 until both are known."""
        self_c, self_b = self._residual(divide(self.y_c, self.x_c), divide(self.y_b, self.x_b))
        own_c, df_c = own_variance(self_c, self.n_c)
        own_b, df_b = own_variance(self_b, self.n_b)
        load_c, load_b = self._loads
        return np.where((df_c > 0) & (df_b > 0), own_c * load_c + own_b * load_b, 0.0)


C = TypeVar("C", bound=Contrast)


def take(contrast: C, periods: Sequence[int] | slice, group: int | slice | list[int] | np.ndarray | None = None) -> C:
    """The same contrast over some periods (and of some groups; a single one loses its axis)."""
    kind: Any = contrast
    parts: dict[str, Any] = {}
    for f in fields(kind):
        value = getattr(kind, f.name)
        if is_dataclass(value):
            parts[f.name] = take(cast(Contrast, value), periods, group)
        elif isinstance(value, np.ndarray):
            # The last axis is the period, or the last two are: a first and a last one.
            axes = f.metadata.get("periods", 1)
            some = value if group is None else value[(..., group, *[slice(None)] * axes)]
            parts[f.name] = some[..., periods] if axes == 1 else some[..., periods, :][..., periods]
    taken: C = replace(kind, **parts)
    return taken
