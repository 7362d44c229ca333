"""What nobody can beat by much: Wald's test (1945) of what is tolerated against the true harm.

One knows the day on which harm begins and its size; the other knows the size, and that the day is drawn evenly from
those from which it is really drawn. Both compare within days, and know the true variance. A harm that begins on the
first day has no prior to know, so there is only the first.
"""

from __future__ import annotations

import numpy as np
from benchmarks.gate_contest.cases import Case

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import divide
from rampgate.estimate.counts import count_increments, rare_share
from rampgate.estimate.evidence import log_evidence

BAR = float(np.log(20.0))


def steps(case: Case) -> Floats:
    """Log-likelihood ratio of each day if harm has begun by then, (rollout, day)."""
    facts, g = case.facts, case.facts.group
    (n_c, t_c, _), (n_b, t_b, _) = (arm[:, :, g] for arm in case.seen.arms(whole_baseline=True))
    if facts.kind == "rare_event":
        return count_increments(t_c, t_c + t_b, rare_share(n_c, n_b, 1.0), np.array([facts.ratio]))[..., 0]
    both = (n_c > 0) & (n_b > 0)
    more = facts.knows - facts.tolerated
    v_c, v_b = facts.variance
    spread = np.where(both, divide(v_c, n_c) + divide(v_b, n_b), np.inf)
    effect = divide(t_c, n_c) - divide(t_b, n_b) - facts.tolerated
    known = both & (spread > 0)
    return np.where(known, divide(more * (effect - more / 2), np.where(known, spread, 1.0)), 0.0)


def knows_onset(case: Case) -> np.ndarray:
    """Days by which the test that knows onset and size has decided, (rollout, day)."""
    since = np.arange(case.days) >= case.begin[:, None]
    return np.asarray(np.cumsum(np.where(since, steps(case), 0.0), axis=-1) >= BAR)


def knows_prior(case: Case, first: int, last: int) -> np.ndarray:
    """The same of the test that knows that the onset is drawn from days ``first`` to ``last``, evenly."""
    days = np.arange(case.days)
    prior = np.where((days >= first) & (days <= last), 1.0 / (last - first + 1), 0.0)
    return np.asarray(log_evidence(steps(case)[..., None], prior) >= BAR)
