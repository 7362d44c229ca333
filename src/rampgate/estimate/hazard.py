"""The log-rank score: which arm's events come faster, at every age and not only by the end.

Units of one period of exposure that are open at the beginning of an age bin are a stratum. If the pace of events is
the same in both arms, the candidate's events among all events of the stratum are drawn like marked balls from an urn:
hypergeometric, whatever the pace is. So each stratum can be booked as soon as its units have passed the bin.

References
----------
Mantel and Haenszel 1959 (the ratio). Mantel 1966; Peto and Peto 1972 (log-rank). Bennett 1962. Hoeffding 1963,
theorem 4 (drawing without replacement is the less extreme). Vatutin and Mikhailov 1982 (a hypergeometric count is a sum
of independent indicators).
"""

from __future__ import annotations

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import divide
from rampgate.estimate.increments import bennett_cost, effect_grid

#: The ratio of paces that is to be caught where the policy states none, less 1.
DEFAULT_EXPECT = 0.2


def log_rank_score(n_c: Floats, n_b: Floats, d_c: Floats, d_b: Floats) -> tuple[Floats, Floats]:
    """Events of the candidate beyond what the same pace would bring, and the variance of that.

    Parameters
    ----------
    n_c, n_b : units open at the beginning of each stratum, (..., stratum)
    d_c, d_b : events among them, (..., stratum)

    Returns
    -------
    score : ``d_c - d n_c / n``, (..., stratum)
    variance : ``d (n_c n_b / n^2) (n - d) / (n - 1)``, of the hypergeometric distribution, (..., stratum)
    """
    n, d = n_c + n_b, d_c + d_b
    share = divide(n_c, n)
    spread = d * share * (1.0 - share)
    return d_c - d * share, spread * divide(n - d, n - 1.0)


def ratio_parts(n_c: Floats, n_b: Floats, d_c: Floats, d_b: Floats) -> tuple[Floats, Floats]:
    """Parts of the ratio of paces in each stratum, (..., stratum): the sums of both have the ratio of Mantel-Haenszel.

    Parameters
    ----------
    n_c, n_b, d_c, d_b : as for `log_rank_score`
    """
    n = n_c + n_b
    return divide(d_c * n_b, n), divide(d_b * n_c, n)


def hazard_bets(expect: float | None) -> Floats:
    """Bets lambda on the log of the ratio of paces, (grid,); ``expect`` is the ratio to be caught, less 1.

    The score's drift is the log hazard ratio times its variance, so no scale has to come from a reference.
    """
    return np.asarray(np.log1p(DEFAULT_EXPECT if expect is None else expect) * effect_grid())


def hazard_increments(n_c: Floats, n_b: Floats, d_c: Floats, d_b: Floats, bets: Floats, sign: int) -> Floats:
    """Log-increments against "the candidate's events come at the baseline's pace", (..., stratum, grid).

    Two bounds of Bennett hold and the cheaper one is paid: that of drawing with replacement, where one event moves the
    score by at most the larger arm's share of the units at risk, and that of the hypergeometric variance, where it
    moves it by at most 1. Which is cheaper depends on what is known before the events are told apart.

    Parameters
    ----------
    n_c, n_b, d_c, d_b : as for `log_rank_score`
    bets : lambda, (grid,)
    sign : 1 when more events are harm, -1 when fewer are
    """
    # Where nobody had an event, or one arm has nobody left, nothing is told; that is most strata of a small segment.
    some = (n_c > 0) & (n_b > 0) & (d_c + d_b > 0)
    out: Floats = np.zeros((*some.shape, len(bets)))
    n_c, n_b, d_c, d_b = (values[some] for values in (n_c, n_b, d_c, d_b))
    score, variance = log_rank_score(n_c, n_b, d_c, d_b)
    n, d = n_c + n_b, d_c + d_b
    share = divide(n_c, n)
    bound = np.maximum(share, 1.0 - share)
    drawn = (d * share * (1.0 - share))[..., None] * bennett_cost(bets, bound[..., None])
    indicators = variance[..., None] * bennett_cost(bets, np.ones(1))
    out[some] = bets * sign * score[..., None] - np.minimum(drawn, indicators)
    return out
