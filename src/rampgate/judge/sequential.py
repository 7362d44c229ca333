"""Verdicts from evidence that may be looked at at any time (``evidence: sequential``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.aggregate.moments import Floats
from rampgate.estimate.alone import FLOOR
from rampgate.estimate.clustered import Clustered
from rampgate.estimate.metric import KPI, parts_of
from rampgate.estimate.process import Steps
from rampgate.estimate.quantiles import units_needed
from rampgate.judge.attribution import attribution
from rampgate.judge.case import Case, Data
from rampgate.judge.criteria import Criterion, criteria, group_weights
from rampgate.judge.decision import ERROR, FAIL, INCONCLUSIVE, NO_DATA, PASS, Judged, Reason
from rampgate.judge.findings import FEW_CLUSTERS, Findings, amount, called, hold_for, odds, pace, too_small
from rampgate.judge.labels import undeclared
from rampgate.judge.weigh import Fired, Onset, Weighed, fired, log_passing, onset, process_beyond, weigh
from rampgate.policy import MINIMUM_CLUSTERS, Phase, Policy


def sequential(case: Case) -> Findings:
    """Judge every criterion on its evidence so far."""
    data, policy = case.data, case.policy
    weighed = weighed_criteria(case)
    alarms = {family: fired(family, weighed, alpha) for family, alpha in alphas(policy).items()}
    passing = _Passing(data, np.log(1.0 / policy.error_budget.false_go))
    judged = tuple(_judge(case, w, alarms[w.criterion.family], passing) for w in weighed)
    broken = [j for j in judged if j.kind == "rollback" and j.verdict == FAIL]
    # A single metric says more than the KPI that it is part of; then the strongest evidence first.
    broken.sort(key=lambda j: (j.metric == KPI, -(j.e_value or 0.0)))
    rollback = tuple(Reason("rollback", FAIL, str(j.message), j.metric, j.group) for j in broken)
    holds = [reason for j in judged if (reason := hold_for(j)) is not None]
    return Findings(judged, rollback, (*holds, *_not_shown_safely(case, judged)), tuple(too_small(policy, judged)))


def weighed_criteria(case: Case) -> tuple[Weighed, ...]:
    """Every criterion of the policy with its evidence so far; weighed once, whoever asks."""
    data = case.data
    key = ("all", "criteria")  # no metric has this for its margin
    if key not in data.made:
        late = undeclared(case)
        every = criteria(case.policy, group_weights(data.segments, data.first))
        why = {c.id: late[name] for c in every for name in parts_of(case.policy, c.measure) if name in late}
        found = {w.criterion.id: w for w in weigh(data, [c for c in every if c.id not in why])}
        data.made[key] = tuple(found[c.id] if c.id in found else _unjudged(c, why[c.id]) for c in every)
    made: tuple[Weighed, ...] = data.made[key]
    return made


def _unjudged(c: Criterion, why: str) -> Weighed:
    """A criterion whose outcomes cannot be compared: those that came quickly in one arm, with others in the other."""
    return Weighed(c, np.zeros(0), Steps(np.zeros((0, 0))), why, NO_DATA)


def alphas(policy: Policy) -> dict[str, float]:
    """The error budget of each family of criteria."""
    budget = policy.error_budget
    return {
        "rollback": budget.false_rollback,
        "guardrail": budget.guardrail,
        "segment": budget.segment,
        FLOOR: budget.floor,
    }


class _Passing:
    """Non-inferiority per metric and margin, computed once for all groups."""

    def __init__(self, data: Data, bar: float) -> None:
        self.data, self.bar = data, bar
        self.known: dict[tuple[str, str], Floats] = {}

    def of(self, criterion: Criterion) -> bool:
        key = (criterion.measure, str(criterion.margin))
        if key not in self.known:
            size = criterion.expect if criterion.kind == FLOOR else None
            self.known[key] = log_passing(self.data, criterion.measure, criterion.margin, size)
        return bool(self.known[key][self.data.index([criterion.group])[0]] >= self.bar)


def _judge(case: Case, w: Weighed, alarm: Fired | None, passing: _Passing) -> Judged:
    """One criterion's verdict. Anything that goes wrong in it is an ERROR of this criterion alone."""
    if w.error is not None:
        return _judged(w, w.verdict, message=w.error)
    try:
        if alarm is not None and w.criterion.id in alarm.names:
            return _failed_safely(case, w)
        lacking = _lacking(case, w.criterion)
        if lacking:
            return _judged(w, NO_DATA, message=lacking)
        if w.criterion.kind in ("guardrail", FLOOR) and passing.of(w.criterion):
            return _judged(w, PASS)
        return _judged(w, INCONCLUSIVE)
    except Exception as error:  # noqa: BLE001 - the verdict says ERROR; the other criteria are judged
        return _judged(w, ERROR, message=f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class _Since:
    onset: str | None = None
    effect: float | None = None


def _judged(w: Weighed, verdict: str, since: _Since = _Since(), message: str | None = None) -> Judged:
    c = w.criterion
    e = None if w.error is not None else float(np.exp(min(w.current, 700.0)))
    p = None if w.error is not None else float(np.exp(-w.largest))
    return Judged(
        c.id,
        c.kind,
        c.metric,
        c.group,
        c.margin.value,
        str(c.margin),
        verdict,
        e,
        p,
        since.onset,
        since.effect,
        message,
    )


def _lacking(case: Case, c: Criterion) -> str | None:
    """Why a criterion has no data to stand on, if it has none."""
    data, policy = case.data, case.policy
    at = data.index([c.group])[0]
    if c.group != OVERALL:
        if c.kind == "rollback" or policy.segments is None:
            return _few_clusters(data, c.metric, at, 0)
        n_c, n_b = (float(x[at]) for x in data.known(c.metric))
        least = policy.segments.minimum_units
        if min(n_c, n_b) < least:
            return f"too little data: {n_b:.0f} and {n_c:.0f} of {least} units"
        return _few_clusters(data, c.metric, at, 0)
    if c.metric in data.quantiles and not data.quantiles[c.metric].fixed:
        return _unfixed(data, c.metric)
    known = data.lives[c.metric].begun if policy.tests_hazard(c.metric) else partial(data.known, c.metric)
    n_c, n_b = (float(x[at]) for x in known(data.phase_begin))
    if compared(case.phase, c.kind, n_c, n_b):
        return None if case.phase.alone else _few_clusters(data, c.metric, at, data.phase_begin)
    return f"baseline {n_b:.0f}, candidate {n_c:.0f} known units in this phase"


def compared(phase: Phase, kind: str, n_c: float | Floats, n_b: float | Floats) -> np.ndarray:
    """Whether a criterion about all units has some to stand on, of those known in its phase."""
    return (np.asarray(n_c) > 0) & ((np.asarray(n_b) > 0) | phase.alone | (kind == FLOOR))


def _unfixed(data: Data, metric: str) -> str:
    """Why a quantile is not compared yet."""
    found = data.quantiles[metric]
    units, least = found.run.at_most()[..., 0].sum(), units_needed(found.q)
    return (
        f"its threshold is fixed by the first {least:.0f} known units, where the baseline's history has fewer, and "
        f"{units:.0f} are there; what comes after them is compared"
    )


def _few_clusters(data: Data, metric: str, group: int, begin: int) -> str | None:
    """Why clusters since a period are too few to tell how they differ, if they are."""
    contrast = data.contrast(metric)
    if not isinstance(contrast, Clustered):
        return None
    if begin >= contrast.least.shape[-1]:
        return f"{FEW_CLUSTERS}: no complete period yet"
    found = int(contrast.least[group, begin, -1])
    if found >= MINIMUM_CLUSTERS:
        return None
    return f"{FEW_CLUSTERS}: {found} with known outcomes in the smaller arm, and {MINIMUM_CLUSTERS} are needed in each"


def _failed_safely(case: Case, w: Weighed) -> Judged:
    """FAIL, whatever becomes of the words for it."""
    try:
        return _failed(case, w)
    except Exception as error:  # noqa: BLE001 - the evidence stands; only its onset is not told
        beyond = f"worse than the baseline beyond the {w.criterion.margin} tolerated, evidence {odds(w.largest)}"
        text = f"{called(w.criterion.metric, w.criterion.group)} is {beyond} (onset unknown: {error})"
        return _judged(w, FAIL, message=text)


def _failed(case: Case, w: Weighed) -> Judged:
    """A criterion that fired, with its onset, the effect since then and the segment that shows most of it."""
    data, policy, c = case.data, case.policy, w.criterion
    since = onset(data, w)
    day = data.periods[since.period].day.isoformat()
    passed = since.end < len(data.periods)
    when = f"from {day} to {data.periods[since.end - 1].day}" if passed else f"since {day}"
    at_most = " at its highest" if passed else ""
    if c.kind == FLOOR:
        fell = f"{'was' if passed else 'is'} below the floor of {c.margin}: {-since.effect:.4g} {when}"
        return _judged(w, FAIL, _Since(day, since.effect), f"the candidate's own KPI {fell} (onset estimated)")
    message = (
        f"{called(c.metric, c.group)} {'was' if passed else 'is'} worse than the baseline {_how(policy, c, since)} "
        f"{when} (onset estimated), evidence {odds(w.largest)}{at_most}"
    )
    worst = worst_segment(data, c, since) if c.group == OVERALL else None
    if worst is not None:
        message += f"; worst in {worst[0]} (worse by {amount(policy, c.metric, worst[1])})"
    if c.metric == KPI and c.group == OVERALL:
        made_of = attribution(data, slice(since.period, since.end))
        message += f"; {made_of}" if made_of is not None else ""
    return _judged(w, FAIL, _Since(day, since.effect), message)


def _how(policy: Policy, c: Criterion, since: Onset) -> str:
    """In which way, and by how much, a criterion that fired is worse."""
    if policy.tests_hazard(c.metric):
        return f"in the pace of its events: at the same age they come {pace(policy, c.metric, since.effect)}"
    return f"beyond the {c.margin} tolerated: worse by {amount(policy, c.metric, since.effect)}"


def worst_segment(data: Data, c: Criterion, since: Onset) -> tuple[Group, float] | None:
    """The segment value that is most clearly worse since the onset than all units together, and its effect."""
    if not data.segments or data.policy.tests_hazard(c.metric):
        return None
    bet = process_beyond(data, c.metric, since.effect, c.expect)
    evidence = bet.final(since.period, since.end)[1:]
    at = int(np.argmax(evidence))
    if evidence[at] <= 0:
        return None
    return data.segments[at], data.harm(c.metric, since.period, since.end, at + 1)


def _not_shown_safely(case: Case, judged: tuple[Judged, ...]) -> list[Reason]:
    """What is not shown yet; where that cannot be said, the rollout holds."""
    try:
        return _not_shown(case, judged)
    except Exception as error:  # noqa: BLE001 - a reason to hold; the rollback criteria stand
        return [Reason("error", ERROR, f"what the phase requires could not be read: {type(error).__name__}: {error}")]


def _not_shown(case: Case, judged: tuple[Judged, ...]) -> list[Reason]:
    """Guardrails that the phase requires to be shown non-inferior and that are not yet."""
    policy = case.policy
    verdicts: Mapping[str, Judged] = {j.metric: j for j in judged if j.kind == "guardrail" and j.group == OVERALL}
    out = [
        Reason("floor", INCONCLUSIVE, f"the candidate's own KPI is not yet shown to be at least {j.bound_text}", KPI)
        for j in judged
        if j.kind == FLOOR and j.verdict == INCONCLUSIVE and KPI in policy.required(case.phase)
    ]
    for name in policy.required(case.phase):
        found = verdicts[name]
        if found.verdict == INCONCLUSIVE:
            near = f"within {found.bound_text} of the baseline in this phase"
            text = f"{called(name, OVERALL)} is not yet shown to be {near}"
            out.append(Reason("inconclusive", INCONCLUSIVE, text, name, OVERALL))
    return out
