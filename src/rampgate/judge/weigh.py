"""Evidence for each criterion: the e-process against the harm tolerated, and where it began to grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.alone import FLOOR
from rampgate.estimate.contrast import Proportions, take
from rampgate.estimate.counts import RARE, count_increments, rare_share
from rampgate.estimate.evidence import log_sum_exp
from rampgate.estimate.interval import process
from rampgate.estimate.metric import KPI
from rampgate.estimate.process import Process, Steps
from rampgate.estimate.reference import Scale, effect_bets, usual_effect
from rampgate.judge.case import Data
from rampgate.judge.criteria import Criterion, positive
from rampgate.judge.decision import ERROR
from rampgate.policy import Margin, Policy

#: Places on the group axis.
Groups = slice | list[int]


@dataclass(frozen=True)
class Weighed:
    """A criterion and its log-evidence of harm after each period.

    ``log_e`` is (..., period) and empty when ``error`` says why there is none; ``verdict`` is what follows from that.
    """

    criterion: Criterion
    log_e: Floats
    process: Process
    error: str | None = None
    verdict: str = ERROR

    @property
    def current(self) -> float:
        return float(self.log_e[-1]) if len(self.log_e) else 0.0

    @property
    def largest(self) -> float:
        return max(0.0, float(np.max(self.log_e))) if len(self.log_e) else 0.0


def bets(scale: Scale, size: Margin | Floats | None, reach: float = 0.0) -> Floats:
    """Bets lambda = grid x mu, (..., period, grid), for an effect size that must be told from none.

    Parameters
    ----------
    size : an effect in the metric's unit or relative to its level, or one per group on the scale of the contrast; None
        for 0.2 standard deviations
    reach : how much one unit can be worse than another
    """
    usual = usual_effect(scale)
    if size is None:
        return effect_bets(scale, usual, reach)
    if isinstance(size, np.ndarray):
        return effect_bets(scale, np.where(size > 0, size, usual), reach)
    if size.relative:
        # Of a reference without a single event a share of its level is nothing; the bet must not be nothing too.
        return effect_bets(scale, np.where(scale.level > 0, size.value * scale.level, usual), reach)
    return effect_bets(scale, np.asarray(size.value), reach)


def bets_of(data: Data, metric: str, size: Margin | None, groups: Groups = slice(None)) -> Floats:
    """Bets on a metric of the run, (..., group, period or 1, grid)."""
    known, expected = data.scale(metric), data.expected(metric, size)
    some = Scale(known.variance[..., groups, :], known.level[..., groups, :])
    return bets(some, expected[groups] if isinstance(expected, np.ndarray) else expected, data.reach(metric))


def _absolute(data: Data, metric: str, margin: Margin) -> float:
    """The margin that is subtracted: a relative one, and that of a quantile, has moved into the contrast."""
    return 0.0 if margin.relative or metric in data.quantiles else margin.value


def weigh(data: Data, criteria: Sequence[Criterion]) -> tuple[Weighed, ...]:
    """Evidence of every criterion; one that raises becomes an error of its own and stops no other."""
    out: list[Weighed] = []
    for _, rule in groupby(criteria, key=lambda c: (c.kind, c.metric, c.margin, c.expect, c.group.column is None)):
        members = tuple(rule)
        try:
            out += _weigh_rule(data, members)
        except Exception as error:  # noqa: BLE001 - the gate must judge the others, and says ERROR for these
            text = f"{type(error).__name__}: {error}"
            out += [Weighed(member, np.zeros(0), Steps(np.zeros((0, 0))), text) for member in members]
    return tuple(out)


def _weigh_rule(data: Data, members: Sequence[Criterion]) -> list[Weighed]:
    """Evidence of criteria that differ only in their group."""
    rule = members[0]
    at = data.index([m.group for m in members])
    bet = process_of(data, rule.measure, rule.margin, rule.expect, groups=at)
    log_e = bet.evidence(data.prior)
    if np.isnan(log_e).any():
        raise FloatingPointError("the evidence is not a number")
    return [Weighed(m, log_e[..., i, :], bet.of(i)) for i, m in enumerate(members)]


def process_of(
    data: Data, metric: str, margin: Margin, size: Margin | None, direction: int = 1, groups: Groups = slice(None)
) -> Process:
    """The bets on a metric against a margin, (..., group, period, grid).

    Parameters
    ----------
    metric : a metric, the KPI, or the floor, whose margin is the KPI's smallest value
    margin : the largest harm tolerated
    size : the effect beyond it that the bets are made for; a rare event has its own grid
    direction : 1 against "harm at most ``margin``", -1 against "harm at least ``margin``"
    groups : places on the group axis; all when left out
    """
    data.need(metric)
    if data.policy.tests_hazard(metric):
        return Steps(_hazard_increments(data, metric, size, direction, groups))
    contrast = take(data.contrast(metric, margin, direction), slice(None), groups)
    if isinstance(contrast, Proportions) and data.policy.metrics[metric].kind == "rare_event":
        # More of the event is harm, or less of it; passing looks to the other side.
        psi = np.array(RARE) ** (contrast.sign * direction)
        share = rare_share(contrast.n_c, contrast.n_b, contrast.ratio)
        return Steps(count_increments(contrast.y_c, contrast.y_c + contrast.y_b, share, psi))
    if metric == FLOOR:
        return process(contrast, -margin.value, bets_of(data, KPI, size, groups), direction)
    return process(contrast, _absolute(data, metric, margin), bets_of(data, metric, size, groups), direction)


def process_beyond(data: Data, metric: str, harm: float, size: Margin | None) -> Process:
    """The bets against a harm that is no margin of the policy, in the metric's unit, (group, period, grid)."""
    moved = 0.0 if metric in data.quantiles else harm
    return process(data.beyond(metric, harm), moved, bets_of(data, metric, size))


def _hazard_increments(data: Data, metric: str, size: Margin | None, direction: int, groups: Groups) -> Floats:
    """Log-increments of the pace of events, whose ``size`` is a ratio less 1, (..., group, period, grid)."""
    if direction < 0:
        raise ValueError(f"{metric} has test: hazard, which shows nothing non-inferior")
    if metric not in data.lives:
        raise ValueError(f"the ages of {metric} were not counted when its rows were read")
    some = data.lives[metric].pick(range(len(data.groups))[groups] if isinstance(groups, slice) else groups)
    return some.increments(size.value if size is not None else None)


def log_passing(data: Data, metric: str, margin: Margin, size: Margin | None = None) -> Floats:
    """Log-evidence that a metric is *not* worse by the margin, from the current phase alone, (group,).

    The bets are made for a candidate better than the bound by ``size``, or by the margin itself. It is judged at its
    current value and knows no onset: a candidate good at first and bad later, or lucky for one
    stretch, must not pass.
    """
    return process_of(data, metric, margin, size or margin, -1).final(data.phase_begin)


def bound_to_pass(policy: Policy, metric: str) -> tuple[Margin, Margin | None]:
    """What a metric, the KPI or the floor must be shown to keep, and how far from it the bets expect it."""
    if metric == FLOOR:
        assert policy.kpi.floor is not None
        return Margin(policy.kpi.floor), positive(policy.kpi.margin)
    margin = policy.margins()[metric]
    return margin, margin


@dataclass(frozen=True)
class Onset:
    """Where the evidence of harm begins, and the effect since then. Selected by looking, so not an unbiased one.

    The effect is in the metric's unit; with ``test: hazard`` it is how many times as good the other pace is, less 1.
    ``end`` is one past the last period that tells of it. Where the evidence is gone by now, that is the one at which it
    was highest: what came later speaks for no harm, and says nothing of when it began.
    """

    period: int
    effect: float
    end: int


def onset(data: Data, weighed: Weighed) -> Onset:
    """The likely onset of a criterion that fired."""
    count = len(weighed.log_e)
    end = count if weighed.current > 0 else int(np.argmax(weighed.log_e)) + 1
    group = data.index([weighed.criterion.group])[0]
    # Before both arms have had a unit there is no evidence, and a tie between beginnings goes to the earliest.
    both = np.flatnonzero(data.contrast(weighed.criterion.measure).weight[..., group, :end] > 0)
    begin = max(weighed.process.onset(end), int(both[0]) if len(both) else 0)
    return Onset(begin, data.harm(weighed.criterion.measure, begin, end, group), end)


@dataclass(frozen=True)
class Fired:
    """A family of criteria whose weighted evidence reached its budget."""

    family: str
    period: int
    names: tuple[str, ...]


def family_log_e(members: Sequence[Weighed]) -> Floats:
    """``log(sum a_j E_j + what of the weights is not spent)`` after each period, (..., period)."""
    with np.errstate(divide="ignore"):
        terms = [np.log(w.criterion.weight) + w.log_e for w in members]
        unspent = max(0.0, 1.0 - sum(w.criterion.weight for w in members))
        terms.append(np.full_like(terms[0], np.log(unspent)))
    return log_sum_exp(np.stack(terms, axis=-1))


def family_of(family: str, weighed: Sequence[Weighed]) -> list[Weighed]:
    """The criteria that draw on one error budget and have evidence."""
    return [w for w in weighed if w.criterion.family == family and w.error is None and w.log_e.shape[-1]]


def fired(family: str, weighed: Sequence[Weighed], alpha: float) -> Fired | None:
    """Whether the family's evidence ever reached ``1 / alpha``, when, and which criteria carried it."""
    members = family_of(family, weighed)
    if not members:
        return None
    total = family_log_e(members)
    bar = np.log(1.0 / alpha)
    if not (total >= bar).any():
        return None
    when = int(np.argmax(total >= bar))
    share = {w.criterion.id: np.log(w.criterion.weight) + w.log_e[when] for w in members}
    leading = max(share, key=lambda name: share[name])
    alone = [w.criterion.id for w in members if np.log(w.criterion.weight) + w.largest >= bar]
    return Fired(family, when, tuple(dict.fromkeys([leading, *alone])))
