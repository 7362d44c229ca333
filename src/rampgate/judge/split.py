"""Whether units are split between the arms as the traffic in force says: the sample ratio, overall and per segment.

A split that is off says that units are lost or sent elsewhere, and then no comparison of the arms means anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.clusters import Clusters
from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.aggregate.moments import CANDIDATE, Floats
from rampgate.estimate.counts import SPLIT, count_increments, shifted_share
from rampgate.estimate.evidence import log_evidence, log_sum_exp
from rampgate.judge.case import Case, Data
from rampgate.judge.criteria import group_weights
from rampgate.judge.decision import FAIL, INCONCLUSIVE, PASS, Health
from rampgate.judge.findings import odds

CODE = "sample_ratio"
#: Nobody's traffic is switched without a straggler: at full traffic the baseline may keep this share.
STRAGGLERS = 0.01
#: Part of the budget that is spent on all units together; segment values share the rest.
OVERALL_SHARE = 0.5


def traffic_in_force(case: Case) -> Floats:
    """The candidate's share of traffic in each period of the run, (period,); NaN where nobody knows it.

    It is what the policy's ``exposure`` says, else what the ledger's phases were. Nothing is known before the first
    look of an attempt is recorded, and in a replay, whose phases are hypothetical.
    """
    policy, state, periods = case.policy, case.state, case.data.periods
    if policy.exposure:
        held = {phase.traffic: phase.share for phase in policy.phases}
        steps = [(step.start(policy.zone), held.get(step.traffic, step.traffic)) for step in policy.exposure]
    elif case.steered and state.policy_sha256:
        phases = policy.phases
        # The policy may have been cut since; that is said elsewhere, and its last phase stands in.
        steps = [(since, phases[min(index, len(phases)) - 1].share) for index, since in state.phases]
    else:
        steps = []
    out = np.full(len(periods), np.nan)
    for since, share in steps:
        later = [t for t, period in enumerate(periods) if period.start >= since]
        out[later] = share
        # Traffic does not change at the very moment of a decision, and a launch rarely begins at midnight.
        out[later[:1]] = np.nan
        # Rows that have a date and no time are not split at the moment of a change.
        out[[t for t, period in enumerate(periods) if period.start <= since < period.end]] = np.nan
    if state.rolled_back_at is not None:
        out[[t for t, period in enumerate(periods) if period.end > state.rolled_back_at]] = np.nan
    for order in state.orders:
        if order.gap is not None and order.in_force:  # rolled back, until people went on past it
            out[[t for t, period in enumerate(periods) if period.end > order.gap and period.start < order.as_of]] = (
                np.nan
            )
    return out


@dataclass(frozen=True)
class _Split:
    """Units of the periods in which the share is known, (group, period); clusters where these were assigned."""

    share: Floats
    n_c: Floats
    n: Floats
    noun: str = "units"

    @classmethod
    def of(cls, case: Case, data: Data) -> _Split:
        share = np.minimum(traffic_in_force(case), 1.0 - STRAGGLERS)
        known = ~np.isnan(share)
        if data.clusters is not None:
            n_c, n = _first_exposed(data.clusters[0], known)
            return cls(np.where(known, share, 0.5), n_c, n, "clusters")
        candidate, baseline = (arm.n * known for arm in data.run)
        return cls(np.where(known, share, 0.5), candidate, candidate + baseline)


@dataclass(frozen=True)
class SplitEvidence:
    """Evidence that the split is wrong, after each period.

    Attributes
    ----------
    log_e : of each group, (..., group, period)
    weights : each group's part of the budget, (group,)
    total : of all together, (..., period)
    """

    log_e: Floats
    weights: Floats
    total: Floats

    @property
    def weighted(self) -> Floats:
        with np.errstate(divide="ignore"):
            return np.log(self.weights)[:, None] + self.log_e


def split_evidence(data: Data, n_c: Floats, n: Floats, share: Floats) -> SplitEvidence:
    """The split of all units and of each segment value.

    Parameters
    ----------
    n_c, n : the candidate's units, and all, in periods whose share is known, else 0, (..., group, period)
    share : the candidate's share of them as it should be, at most ``1 - STRAGGLERS``, (..., 1 or group, period)
    """
    every = count_increments(n_c, n, share, np.array(SPLIT))
    # At full traffic only what speaks for too few candidate units counts.
    full, above = share >= 1.0 - STRAGGLERS, np.array(SPLIT) > 1.0
    log_e = log_evidence(np.where(full[..., None] & above, 0.0, every), data.prior)
    weights = {OVERALL: 1.0, **dict.fromkeys(data.segments, 0.0)}
    if data.segments:
        each = group_weights(data.segments, data.first)
        weights = {OVERALL: OVERALL_SHARE, **{g: (1.0 - OVERALL_SHARE) * w for g, w in each.items()}}
    part = np.array([weights[group] for group in data.groups])
    with np.errstate(divide="ignore"):
        unspent = np.log(max(0.0, 1.0 - float(part.sum())))
        total = np.logaddexp(log_sum_exp(np.log(part)[:, None] + log_e, axis=-2), unspent)
    return SplitEvidence(log_e, part, total)


def _first_exposed(clusters: Clusters, known: np.ndarray) -> tuple[Floats, Floats]:
    """The candidate's clusters, and all, first exposed in each of the periods that are known, (group, period).

    A cluster is assigned once, and counts once: later phases move it along with what it was before. One that is in both
    arms when it is first seen counts in neither.
    """
    shape = (len(clusters.members), clusters.periods)
    n_c, n = np.zeros(shape), np.zeros(shape)
    for g, members in enumerate(clusters.members):
        rows = members[known[clusters.period[members]] & (clusters.n[members] > 0)]
        first = np.full(clusters.count, clusters.periods)
        np.minimum.at(first, clusters.cluster[rows], clusters.period[rows])
        rows = rows[clusters.period[rows] == first[clusters.cluster[rows]]]
        arms = np.zeros((clusters.count, 2), dtype=bool)
        arms[clusters.cluster[rows], clusters.arm[rows]] = True
        one = np.flatnonzero(arms.sum(1) == 1)
        np.add.at(n[g], first[one], 1.0)
        np.add.at(n_c[g], first[one], arms[one, CANDIDATE].astype(float))
    return n_c, n


def sample_ratio(case: Case) -> list[Health]:
    """The split of all units, and of each segment value, against the traffic in force."""
    data = case.data
    if not data.periods or case.state.start is None:
        return []
    known = ~np.isnan(traffic_in_force(case))
    others = [name for name, _ in case.intake.other_variants if name in case.policy.source.ignore]
    if others:
        text = f"split not checked: other versions share the traffic ({', '.join(others[:3])}) and are left out"
        return [Health(CODE, INCONCLUSIVE, text)]
    if not known.any():
        return [Health(CODE, INCONCLUSIVE, _unchecked(case))]
    split = _Split.of(case, data)
    found = split_evidence(data, split.n_c, split.n, split.share[None])
    bar = np.log(1.0 / case.policy.error_budget.sample_ratio)
    if not (found.total >= bar).any():
        return [_passed(split, bar - float(np.log(found.weights[0])))]
    when, weighted = int(np.argmax(found.total >= bar)), found.weighted
    alone = [g for g in range(len(weighted)) if (weighted[g] >= bar).any()] or [int(np.argmax(weighted[:, when]))]
    alone.sort(key=lambda g: -float(weighted[g].max()))
    few = [g for g in alone if g == 0] + [g for g in alone if g][:1]
    more = len([g for g in alone if g]) - 1
    return [_failed(case, split, found.log_e, g, more if g else 0) for g in few]


def _unchecked(case: Case) -> str:
    if not case.policy.exposure and not (case.steered and case.state.policy_sha256):
        why = "no look has recorded the traffic in force; write it under `exposure` in the policy"
    else:
        why = "no whole period has passed since the traffic was set"
    return f"split not checked: {why}"


def _counts(split: _Split, g: int) -> str:
    seen, expected = float(split.n_c[g].sum()), float((split.n[g] * split.share).sum())
    return (
        f"{seen:.0f} of {split.n[g].sum():.0f} {split.noun} are the candidate's, where about {expected:.0f} should be"
    )


def _failed(case: Case, split: _Split, log_e: Floats, g: int, more: int = 0) -> Health:
    group: Group = case.data.groups[g]
    of = "" if group == OVERALL else f" in {group}" + (f" and {more} more segment values" if more else "")
    text = f"the split is not that of the traffic in force{of}: {_counts(split, g)}, evidence {odds(log_e[g].max())}"
    if not case.policy.exposure:
        remedy = "find where units are lost or sent; if the traffic was another, state it under `exposure`"
    else:
        remedy = "find where units are lost or sent, or correct `exposure`"
    remedy += "; what was compared until then stays in doubt: begin a new attempt under another candidate name"
    return Health(CODE, FAIL, f"{text}: {remedy}", int(split.n[g].sum()))


def _passed(split: _Split, bar: float) -> Health:
    text = f"the split is that of the traffic in force: {_counts(split, 0)}"
    return Health(CODE, PASS, f"{text}; {_smallest(split, bar)}", int(split.n[0].sum()))


def _smallest(split: _Split, bar: float) -> str:
    """The smallest loss of candidate units, from the launch on, that would have been seen by now."""
    n, p = split.n[0], split.share
    if not n.sum():
        return f"no loss would have been seen by now, for want of {split.noun}"
    share = float((n * p).sum() / n.sum())
    for percent in range(99, 0, -1):
        lost = percent / 100.0
        # A share of its target: the candidate's units are cut, the baseline's are all there.
        psi = lost * (1.0 - share) / (1.0 - lost * share)
        expected = count_increments(n * shifted_share(p, psi), n, p, np.array(SPLIT)).sum(0)
        # Half of the prior is on the launch.
        if float(log_sum_exp(expected)) - np.log(2.0 * len(SPLIT)) >= bar:
            return f"a candidate's share of {lost:.2f} of its target should have been seen by now"
    return f"no loss would have been seen by now, for want of {split.noun}"
