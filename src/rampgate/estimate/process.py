"""The bets on one criterion as a process that may begin at any period, whatever the kind of contrast.

Where units are independent, what a process has won is a sum of log-increments. Where clusters are, what it has risked
depends on when it began, and the sum is made anew for each beginning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.evidence import likely_onset, log_evidence, log_evidence_from, log_sum_exp


class Process(Protocol):
    """Log-wealth of each bet since a beginning, (..., period, grid)."""

    def evidence(self, prior: Floats) -> Floats:
        """Log of the e-process with unknown onset at every period, (..., period); ``prior`` as in `log_evidence`."""

    def path(self, begin: int) -> Floats:
        """Log of the e-process that starts at period ``begin``, after it and every later one, (..., period)."""

    def final(self, begin: int, end: int | None = None) -> Floats:
        """Log of the e-process from period ``begin`` to before ``end``, (...); 0 when no period counts."""

    def onset(self, end: int) -> int:
        """The period before ``end`` from which on the evidence is greatest, of one group and one rollout."""

    def of(self, group: Any) -> Process:
        """The same of some groups."""


@dataclass(frozen=True)
class Steps:
    """Log-increments that add up, (..., period, grid)."""

    increments: Floats

    def evidence(self, prior: Floats) -> Floats:
        return log_evidence(self.increments, prior)

    def path(self, begin: int) -> Floats:
        won = self.increments[..., begin:, :].cumsum(-2)
        return np.asarray(log_sum_exp(won) - np.log(won.shape[-1]))

    def final(self, begin: int, end: int | None = None) -> Floats:
        return log_evidence_from(self.increments[..., :end, :], begin)

    def since(self, begins: np.ndarray) -> Floats:
        """As `path`, of rollouts that each begin at their own period, 0 before it; ``begins`` is (rollout,)."""
        periods = np.arange(self.increments.shape[-2])
        inside = periods >= begins.reshape(-1, *[1] * (self.increments.ndim - 2))
        return Steps(np.where(inside[..., None], self.increments, 0.0)).path(0)

    def onset(self, end: int) -> int:
        return likely_onset(self.increments[:end])

    def of(self, group: Any) -> Steps:
        return Steps(self.increments[..., group, :, :])


@dataclass(frozen=True)
class ByCluster:
    """Bets against sums by cluster.

    Attributes
    ----------
    gain : lambda s, (..., period, grid)
    cost : what the bets would cost if units were independent, (..., period, grid)
    gram : sums over clusters of products of what they add to lambda s at the first bet, (..., period, period)
    factor : correction for few clusters between a first and a last period, (..., period, period)
    enough : whether there are clusters enough between these, (..., period, period)
    grid : the bets as multiples of the first, (grid,)
    """

    gain: Floats
    cost: Floats
    gram: Floats
    factor: Floats
    enough: np.ndarray
    grid: Floats

    def since(self, begin: int) -> Floats:
        """Log-wealth after period ``begin`` and every later one, (..., period, grid).

        The variance is that of the clusters' sums since the beginning, never below that of independent units. With too
        few clusters nothing can have been won.
        """
        block = self.gram[..., begin:, begin:]
        total = np.diagonal(block.cumsum(-1).cumsum(-2), axis1=-2, axis2=-1)
        spent = 0.5 * (np.maximum(total, 0.0) * self.factor[..., begin, begin:])[..., None] * self.grid**2
        won = self.gain[..., begin:, :].cumsum(-2) - np.maximum(self.cost[..., begin:, :].cumsum(-2), spent)
        return np.asarray(np.where(self.enough[..., begin, begin:, None], won, np.minimum(won, 0.0)))

    def evidence(self, prior: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            out = np.broadcast_to(np.log(np.maximum(1.0 - np.cumsum(prior), 0.0)), self.gain.shape[:-1]).copy()
        for begin in np.flatnonzero(prior > 0):
            out[..., begin:] = np.logaddexp(out[..., begin:], np.log(prior[begin]) + self.path(int(begin)))
        return out

    def path(self, begin: int) -> Floats:
        if begin >= self.gain.shape[-2]:
            return np.zeros((*self.gain.shape[:-2], 0))
        return np.asarray(log_sum_exp(self.since(begin)) - np.log(len(self.grid)))

    def final(self, begin: int, end: int | None = None) -> Floats:
        path = self.path(begin)[..., : None if end is None else max(0, end - begin)]
        return np.asarray(path[..., -1] if path.shape[-1] else np.zeros(path.shape[:-1]))

    def onset(self, end: int) -> int:
        return int(np.argmax([float(self.final(begin, end)) for begin in range(end)]))

    def of(self, group: Any) -> ByCluster:
        gain, cost, gram, factor = (
            values[..., group, :, :] for values in (self.gain, self.cost, self.gram, self.factor)
        )
        return ByCluster(gain, cost, gram, factor, self.enough[..., group, :, :], self.grid)
