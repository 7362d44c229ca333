"""Contrasts whose unit of analysis is the cluster: the person, team or customer that was given a version as a whole.

Units of a cluster share what is particular to it, for as long as it lasts. So the variance of ``S = sum s_t`` is not
the sum of those of its periods: it is the sum over clusters of the square of all that each has added to ``S``,

    u_kt = h_t / x_ct (y_kt - A_ct x_kt) in the candidate's arm, - r h_t / x_bt (y_kt - A_bt x_kt) in the baseline's,

with y and x the cluster's sums of a period (numerator and denominator), A the arm's own y / x, and each u divided by
the root of one minus the cluster's share of its arm. Products over clusters between all pairs of periods are kept, so
the variance since any period is a sum over a block of them; no cluster is needed after that.

References
----------
Liang and Zeger 1986; Bell and McCaffrey 2002 (leverage); Kish 1965 (effective number). What the bound is worth is shown
by simulation, not proven: docs/decisions/0009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import RECENT, Contrast, divide
from rampgate.policy import MINIMUM_CLUSTERS

#: Variance is multiplied by ``1 + c / (effective clusters - 1)``: c against harm, and for what lets a rollout go on.
FEW = {1: 3.0, -1: 6.0}
#: A cluster that is nearly its whole arm tells nothing of how clusters differ.
LEAST_LEFT = 0.05

_BLOCK = {"periods": 2}


@dataclass(frozen=True)
class Clustered:
    """A contrast of units, and how its sums vary between clusters.

    Attributes
    ----------
    base : the same contrast with independent units
    gram : sums over clusters of ``u_ks u_kt``, (..., period, period)
    effective : Kish's number of clusters between a first and a last period, (..., period, period)
    least : clusters in the smaller arm between these, (..., period, period)
    squares : squared deviations by cluster, which add up over at most a week of periods, (..., period)
    """

    base: Contrast
    gram: Floats = field(metadata=_BLOCK)
    effective: Floats = field(metadata=_BLOCK)
    least: Floats = field(metadata=_BLOCK)
    squares: Floats

    @property
    def n_c(self) -> Floats:
        return self.base.n_c

    @property
    def n_b(self) -> Floats:
        return self.base.n_b

    @property
    def weight(self) -> Floats:
        return self.base.weight

    @property
    def effect(self) -> Floats:
        return self.base.effect

    @property
    def bound(self) -> Floats:
        return self.base.bound

    @property
    def bounded(self) -> np.ndarray:
        return self.base.bounded

    @property
    def ranged(self) -> bool:
        return self.base.ranged

    @property
    def sign(self) -> int:
        return self.base.sign

    def levels(self) -> tuple[Floats, Floats]:
        return self.base.levels()

    def variance(self, margin: float | Floats) -> Floats:
        """Variance of s_t if units were independent; it is a lower bound for that by cluster."""
        return self.base.variance(margin)

    def factor(self, direction: int) -> Floats:
        """What the variance is multiplied by for few clusters, (..., period, period)."""
        return 1.0 + FEW[direction] / np.maximum(self.effective - 1.0, 1.0)

    def total(self, mask: Floats) -> Floats:
        """Variance of ``sum mask_t s_t``, corrected; infinite with too few clusters.

        Parameters
        ----------
        mask : (..., period), not 0 in the periods that count, which have none between them that does not
        """
        inside = mask != 0
        if not mask.shape[-1]:
            return np.full(mask.shape[:-1], np.inf)
        first = np.argmax(inside, axis=-1)
        last = mask.shape[-1] - 1 - np.argmax(inside[..., ::-1], axis=-1)
        raw = ((mask[..., None, :] @ self.gram)[..., 0, :] * mask).sum(-1)
        factor, least = (_at(values, first, last) for values in (self.factor(1), self.least))
        return np.where(least >= MINIMUM_CLUSTERS, np.maximum(raw, 0.0) * factor, np.inf)


def _at(values: Floats, first: np.ndarray, last: np.ndarray) -> Floats:
    """``values[..., first, last]`` with one pair of periods per batch entry."""
    wide = np.broadcast_to(values, (*first.shape, *values.shape[-2:]))
    rows = np.take_along_axis(wide, first[..., None, None], axis=-2)
    return np.asarray(np.take_along_axis(rows, last[..., None, None], axis=-1)[..., 0, 0])


def by_cluster(base: Contrast, y_c: Floats, x_c: Floats, y_b: Floats, x_b: Floats, ratio: float = 1.0) -> Clustered:
    """A contrast by cluster from sums of numerator and denominator.

    Parameters
    ----------
    base : (..., period), whose effect is ``y_c / x_c - r y_b / x_b`` of the sums over clusters
    y_c, x_c, y_b, x_b : (..., cluster, period), y harm positive; x of the candidate's and baseline's units
    ratio : r
    """
    load_c = divide(base.weight, x_c.sum(-2))[..., None, :]
    load_b = -ratio * divide(base.weight, x_b.sum(-2))[..., None, :]
    u = load_c * _own(y_c, x_c) + load_b * _own(y_b, x_b)
    pull = load_c * x_c + load_b * x_b
    least = np.minimum(_distinct(x_c != 0), _distinct(x_b != 0))
    return Clustered(base, _products(u, u), _effective(pull), least, _squares(y_c + y_b, x_c + x_b))


def _products(a: Floats, b: Floats) -> Floats:
    """Sums over clusters of products between all pairs of periods."""
    return np.swapaxes(a, -1, -2) @ b


def _own(y: Floats, x: Floats) -> Floats:
    """Residuals about the arm's own rate, as far as a cluster does not make that rate itself."""
    total = x.sum(-2, keepdims=True)
    left = np.clip(1.0 - divide(x, total), LEAST_LEFT, 1.0)
    return (y - divide(y.sum(-2, keepdims=True), total) * x) / np.sqrt(left)


def _effective(pull: Floats) -> Floats:
    """``(sum w^2)^2 / sum w^4`` of the clusters' weights w in S between any two periods; equal ones count one each."""
    largest = np.abs(pull).max(axis=(-1, -2), keepdims=True) if pull.size else np.ones(())
    run = np.cumsum(divide(pull, largest), axis=-1)
    end, begin = run, np.concatenate([np.zeros_like(run[..., :1]), run[..., :-1]], axis=-1)
    square = (begin**2).sum(-2)[..., :, None] - 2.0 * _products(begin, end) + (end**2).sum(-2)[..., None, :]
    fourth = (
        (begin**4).sum(-2)[..., :, None]
        - 4.0 * _products(begin**3, end)
        + 6.0 * _products(begin**2, end**2)
        - 4.0 * _products(begin, end**3)
        + (end**4).sum(-2)[..., None, :]
    )
    return np.clip(divide(square**2, fourth), 1.0, max(pull.shape[-2], 1))


def _distinct(seen: np.ndarray) -> Floats:
    """Clusters seen at all between a first and a last period, (..., period, period)."""
    *batch, count, periods = seen.shape
    flat = seen.reshape(math.prod(batch), count, periods)
    index = np.where(flat, np.arange(periods), -1)
    before = np.concatenate(
        [np.full_like(index[..., :1], -1), np.maximum.accumulate(index, axis=-1)[..., :-1]], axis=-1
    )
    new = np.zeros((len(flat), periods + 1, periods))
    row, cluster, at = np.nonzero(flat)
    # In ``at`` it is new to whoever began after it was last seen.
    np.add.at(new, (row, before[row, cluster, at] + 1, at), 1.0)
    began = np.triu(np.cumsum(new[:, :periods], axis=1))
    return np.asarray(np.cumsum(began, axis=-1).reshape(*batch, periods, periods))


def _squares(y: Floats, x: Floats) -> Floats:
    """Squares of the clusters' sums of deviations from each period's rate over both arms, as increments."""
    error = y - divide(y.sum(-2, keepdims=True), x.sum(-2, keepdims=True)) * x
    out = np.zeros(error.shape[:-2] + error.shape[-1:])
    for begin in range(0, error.shape[-1], RECENT):
        summed = (np.cumsum(error[..., begin : begin + RECENT], axis=-1) ** 2).sum(-2)
        out[..., begin : begin + RECENT] = np.diff(summed, axis=-1, prepend=0.0)
    return out
