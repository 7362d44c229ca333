"""The one evidence recursion: an e-process that may be looked at at any time.

``P(E ever reaches 1/alpha) <= alpha`` under the null (Ville), because E is a mixture, with weights fixed
before launch, of non-negative supermartingales that start at 1.

References
----------
Howard et al. 2021; Ramdas et al. 2023; Shiryaev 1963 (onsets); Shin, Ramdas and Rinaldo 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from rampgate.aggregate.moments import Floats


def log_sum_exp(values: Floats, axis: int = -1) -> Floats:
    """``log(sum(exp(values)))`` along an axis without overflow; all ``-inf`` gives ``-inf``."""
    top = np.max(values, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total: Floats = np.squeeze(top, axis) + np.log(np.sum(np.exp(values - top), axis=axis))
    return total


def onset_prior(days: Sequence[date], start: date, horizon: int | None = None) -> Floats:
    """Prior weight of the onsets that fall on or before each period, shape (period,).

    Onsets are weekly from ``start``: 1/2 at launch and ``4 / ((k + 7)(k + 8))`` at the k-th later week, which sums to
    1 and never ends. With a ``horizon`` they are daily: 1/2 at launch, the rest evenly on the later days before it,
    and none after. A week or day whose first rows are missing begins with its first period.

    Parameters
    ----------
    days : local dates of the periods, ascending
    start : the day of the launch
    horizon : days from the launch on which harm may begin, at least 2; None where nobody has said
    """
    weights = np.zeros(len(days))
    done = -1
    for t, day in enumerate(days):
        since = (day - start).days
        begun = since // 7 if horizon is None else min(since, horizon - 1)
        for k in range(done + 1, begun + 1):
            later = 4.0 / ((k + 7) * (k + 8)) if horizon is None else 0.5 / (horizon - 1)
            weights[t] += 0.5 if k == 0 else later
        done = max(done, begun)
    return weights


def log_evidence(increments: Floats, prior: Floats) -> Floats:
    """Log of the e-process with unknown onset, at every period.

    Parameters
    ----------
    increments : (..., period, grid)
        Log-increments.
    prior : (period,)
        Weight of an onset at the beginning of each period; sums to at most 1.

    Returns
    -------
    log E : (..., period), with ``E_t = sum_l w_l M_t(l) + (1 - sum of prior up to t)`` and
        ``M_t(l) = (M_{t-1}(l) + prior_t) exp(inc_t(l))``, equal weights ``w_l = 1 / grid``.
    """
    periods, size = increments.shape[-2:]
    log_m = np.full((*increments.shape[:-2], size), -np.inf)
    path = np.empty(increments.shape)
    with np.errstate(divide="ignore"):
        log_prior = np.log(prior)
        log_unspent = np.log(np.maximum(1.0 - np.cumsum(prior), 0.0))
    for t in range(periods):
        if prior[t] > 0:  # most periods begin no week, and adding nothing is dear
            log_m = np.logaddexp(log_m, log_prior[t])
        path[..., t, :] = log_m = log_m + increments[..., t, :]
    # Summed over the bets at once: a year has more periods than the loop should have sums.
    return np.asarray(np.logaddexp(log_sum_exp(path) - np.log(size), log_unspent))


def log_evidence_from(increments: Floats, begin: int = 0) -> Floats:
    """Log of the e-process that starts at period ``begin`` and knows no later onset, at the last period.

    Parameters
    ----------
    increments : (..., period, grid)
    begin : first period that counts

    Returns
    -------
    log E : (...), 0 when no period counts.
    """
    total = increments[..., begin:, :].sum(-2)
    return np.asarray(log_sum_exp(total) - np.log(increments.shape[-1]))


def likely_onset(increments: Floats) -> int:
    """The period from which on the evidence is greatest: the onset that a report names, one rollout at a time.

    Parameters
    ----------
    increments : (period, grid)

    Returns
    -------
    Index of the period. It is selected by looking at the data, and so is every effect computed from there on.
    """
    backwards = np.cumsum(increments[::-1], axis=0)[::-1]
    return int(np.argmax(log_sum_exp(backwards)))
