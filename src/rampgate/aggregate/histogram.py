"""Histograms: how often a metric's values fall into fixed bins, per cell. They merge by addition, as moments do.

Two sorts of bins. *Magnitudes* lie in bins whose edges are powers of one number, so that any value is known to
``RELATIVE_ERROR`` of itself whatever its size (DDSketch: Masson, Rim and Lee 2019). *Ages* of an event lie in equal
steps up to the limit of the metric, and one more bin holds what had no event by then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from sqlglot import exp

from rampgate.aggregate.moments import Floats, Ints
from rampgate.aggregate.typed import case, cast, is_null
from rampgate.policy import Policy, Proportion, Quantile, TimeToEvent

#: How far the middle of a bin can be from a value in it, relative to the value.
RELATIVE_ERROR = 0.005
_STEP = math.log((1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR))
#: Values nearer to 0 than this are 0; so numbers of bins stay within ``_MOST``.
TINY = 1e-100
_MOST = 50_000
#: What the engine answers for units whose value is unknown; no bin.
NOWHERE = -1_000_000
#: Bins of a probability.
TWENTIETHS = 20
#: Steps that the time up to a limit is divided into.
AGES = 24


@dataclass(frozen=True)
class Magnitudes:
    """Bins of a number of any size and sign.

    Bin ``k > 0`` holds the values from ``upper(k - 1)``, exclusive, to ``upper(k)``; bin 0 holds 0, negative bins
    mirror the positive ones.
    """

    metric: str

    def sql(self, value: exp.Expr) -> exp.Expr:
        """The bin of a number, NULL where it is NULL."""
        # Never the logarithm of 0, whichever branches an engine works out.
        positive = exp.Greatest(this=exp.Abs(this=value.copy()), expressions=[_number(TINY)])
        size = exp.Ceil(this=exp.Div(this=exp.Ln(this=positive), expression=_number(_STEP)))
        place = exp.Add(this=cast(size, "bigint"), expression=exp.Literal.number(_MOST))
        small = exp.LTE(this=exp.Abs(this=value.copy()), expression=_number(TINY))
        negative = exp.LT(this=value.copy(), expression=_number(0.0))
        return case(
            (is_null(value), exp.null()),
            (small, exp.Literal.number(0)),
            (negative, exp.Neg(this=exp.Paren(this=place.copy()))),
            otherwise=place,
        )

    def upper(self, bins: Ints) -> Floats:
        """The largest value of each bin, (bin,)."""
        # A negative bin mirrors a positive one: its largest value is the end nearer to 0.
        size = np.exp(_STEP * (np.abs(bins) - _MOST - (bins < 0)))
        return np.asarray(np.where(bins == 0, 0.0, np.sign(bins) * size), dtype=float)

    def place(self, value: float, beyond: bool) -> int:
        """The bin that ends nearest to a value: at it or ``beyond`` it, else at it or before it."""
        if abs(value) <= TINY:
            return 0
        steps = math.log(abs(value)) / _STEP
        near = round(steps)
        # An edge is found again in spite of rounding.
        exact = abs(steps - near) < 1e-6
        if value > 0:
            return _MOST + (near if exact else math.ceil(steps) if beyond else math.floor(steps))
        return -_MOST - 1 - (near if exact else math.floor(steps) if beyond else math.ceil(steps))

    def middle(self, bins: Ints) -> Floats:
        """The value that stands for each bin, within ``RELATIVE_ERROR`` of every value in it, (bin,)."""
        size = np.exp(_STEP * (np.abs(bins) - _MOST)) * (1.0 - RELATIVE_ERROR)
        return np.asarray(np.where(bins == 0, 0.0, np.sign(bins) * size), dtype=float)


@dataclass(frozen=True)
class Ages:
    """Bins of the time until an event: ``AGES`` equal steps, each without its beginning and with its end.

    Bin ``k`` from 0 holds the events of its step (the first one also those at once), bin ``AGES`` the units that had
    none by the limit.

    Attributes
    ----------
    limit : float, in hours
    """

    metric: str
    limit: float

    @property
    def edges(self) -> Floats:
        """Ends of the steps in hours, from 0 to the limit, (AGES + 1,)."""
        return np.linspace(0.0, self.limit, AGES + 1)

    def sql(self, seconds: exp.Expr, unknown: exp.Expr) -> exp.Expr:
        """The bin of an event that came after so many seconds, NULL in an open unit; NULL where it is unknown."""
        step = exp.Ceil(this=exp.Div(this=seconds.copy(), expression=_number(self.limit * 3600.0 / AGES)))
        within = exp.LTE(this=seconds.copy(), expression=_number(self.limit * 3600.0))
        first = exp.LTE(this=seconds.copy(), expression=_number(self.limit * 3600.0 / AGES))
        return case(
            (unknown, exp.null()),
            (first, exp.Literal.number(0)),
            # The last edge may come out one step too far for rounding.
            (within, exp.Least(this=exp.Sub(this=cast(step, "bigint"), expression=exp.Literal.number(1)),
                               expressions=[exp.Literal.number(AGES - 1)])),
            otherwise=exp.Literal.number(AGES),
        )  # fmt: skip


@dataclass(frozen=True)
class Scores:
    """Bins of the model's own probability by what is known of the outcome: twentieths, each in three.

    Bin ``3 k`` holds the units of twentieth k whose outcome is not known, ``3 k + 1`` those that are false, and
    ``3 k + 2`` those that are true. What is no number from 0 to 1 is in none.
    """

    metric: str

    def sql(self, score: exp.Expr, value: exp.Expr) -> exp.Expr:
        """The bin of a score and an outcome, which may be NULL; NULL without a score."""
        inside = exp.Between(this=score.copy(), low=_number(0.0), high=_number(1.0))
        step = exp.Floor(this=exp.Mul(this=score.copy(), expression=_number(float(TWENTIETHS))))
        last = exp.Literal.number(TWENTIETHS - 1)
        place = exp.Least(this=cast(step, "bigint"), expressions=[last])
        half = exp.GT(this=value.copy(), expression=_number(0.5))
        known = case(
            (is_null(value), exp.Literal.number(0)), (half, exp.Literal.number(2)), otherwise=exp.Literal.number(1)
        )
        return case((inside, exp.Add(this=exp.Mul(this=place, expression=exp.Literal.number(3)), expression=known)))


def bins_of(policy: Policy, name: str) -> Magnitudes | Ages | Scores | None:
    """How the values of a metric are binned; None for a kind that moments say all of."""
    metric = policy.metrics[name]
    if isinstance(metric, Quantile):
        return Magnitudes(name)
    if isinstance(metric, Proportion) and metric.score is not None:
        return Scores(name)
    if isinstance(metric, TimeToEvent):
        return Ages(name, metric.limit.timedelta.total_seconds() / 3600.0)
    return None


def _number(value: float) -> exp.Expr:
    return cast(exp.Literal.string(repr(float(value))), "double")
