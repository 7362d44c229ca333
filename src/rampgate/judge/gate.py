"""What a phase demands besides its criteria: time and size, with the date when they should be reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from rampgate.aggregate.marginals import OVERALL
from rampgate.estimate.evidence import log_sum_exp
from rampgate.estimate.increments import effect_grid
from rampgate.estimate.interval import costs
from rampgate.judge.case import Case, Data
from rampgate.judge.decision import FAIL, INCONCLUSIVE, NO_DATA, Reason, Waiting
from rampgate.judge.findings import called
from rampgate.judge.weigh import absolute, bets

#: Days of the present phase from which today's volume is taken.
VOLUME_DAYS = 7
#: Beyond this a forecast is "not at this volume".
HORIZON_DAYS = 3 * 365


@dataclass(frozen=True)
class Demand:
    """A demand of the phase that is not met yet."""

    reason: Reason
    waiting: Waiting


def demands(case: Case) -> list[Demand]:
    """Minimum duration and minimum size of the phase in force."""
    state, policy = case.state, case.policy
    if state.since is None:
        text = f"no row of candidate {policy.candidate!r} before this look"
        return [Demand(Reason("too_little_data", NO_DATA, text), Waiting("the first row of the candidate", None))]
    phase = case.phase
    out = _moved(case)
    due = phase.at_least.after(state.since, policy.zone)
    if case.look < due:
        text = f"phase {state.phase} lasts at least {phase.at_least}: until {due:%Y-%m-%d %H:%M}"
        out.append(
            Demand(
                Reason("minimum_duration", INCONCLUSIVE, text),
                Waiting(f"{phase.at_least} in this phase", due),
            )
        )
    units, name = known_candidate_units(case)
    if units < phase.minimum_units:
        text = f"{units:.0f} of {phase.minimum_units} candidate units with known {name} in phase {state.phase}"
        when = _units_reached(case, name, phase.minimum_units - units)
        what = f"{phase.minimum_units} candidate units with known {name}" + ("" if when else " (not at this volume)")
        out.append(Demand(Reason("minimum_units", INCONCLUSIVE, text), Waiting(what, when)))
    return out


def _moved(case: Case) -> list[Demand]:
    """A policy whose phases no longer are those that the rollout went through."""
    state, count = case.state, len(case.policy.phases)
    if state.phase > count:
        text = f"this rollout has reached phase {state.phase}, and the policy has {count}"
    elif state.traffic is not None and abs(case.phase.traffic - state.traffic) > 1e-9:
        now, then = f"{100 * case.phase.traffic:.4g} %", f"{100 * state.traffic:.4g} %"
        text = f"phase {state.phase} was {then} of traffic at the look before, and is {now} in this policy"
    else:
        return []
    remedy = "put the phases back, or begin a new attempt under another candidate name"
    return [
        Demand(
            Reason("not_approved", FAIL, f"{text}: {remedy}"),
            Waiting("the phases that the rollout has been through", None),
        )
    ]


def known_candidate_units(case: Case) -> tuple[float, str]:
    """Known candidate units in this phase: of the judged metric that is known least; ratios only if all are."""
    data, policy = case.data, case.policy
    names = policy.judged_metrics()
    plain = [n for n in names if policy.metrics[n].kind != "ratio"] or list(names)
    counts = {name: float(data.known(name, data.phase_begin)[0][0]) for name in plain}
    least = min(counts, key=lambda name: counts[name])
    return counts[least], least


def _recent(case: Case, data: Data) -> tuple[slice, float]:
    """The last days of this phase, and how many calendar days they cover."""
    since = case.state.since
    assert since is not None
    begin = max(since, case.look - timedelta(days=VOLUME_DAYS))
    first = next((t for t, p in enumerate(data.periods) if p.start >= begin), len(data.periods))
    days = (case.look - begin) / timedelta(days=1)
    return slice(max(first, data.phase_begin), None), days


def _units_reached(case: Case, name: str, missing: float) -> datetime | None:
    recent, days = _recent(case, case.data)
    units = float(case.data.known_by_period(name)[0][0, recent].sum())
    if days <= 0 or units <= 0:
        return None
    wait = missing / (units / days)
    return case.look + timedelta(days=float(np.ceil(wait))) if wait <= HORIZON_DAYS else None


def passing_expected(case: Case, metric: str) -> Waiting:
    """When a required metric should pass at today's volume, if the candidate truly equals the baseline."""
    policy, data = case.policy, case.data
    margin = policy.margins()[metric]
    what = f"{called(metric, OVERALL)} shown within {margin} of the baseline"
    recent, days = _recent(case, data)
    contrast = data.contrast(metric, margin)
    if days <= 0 or not len(data.periods[recent]):
        return Waiting(f"{what} (no volume in this phase yet)", None)
    every = bets(data.scale(metric), margin, data.reach(metric))
    lambdas = every[0]
    weight = contrast.weight[0]
    spent = contrast.variance(absolute(margin))[0][:, None] * costs(contrast, every, -1)[0]
    gain = lambdas * (weight * (absolute(margin) - contrast.effect[0]))[:, None]
    now = (gain - spent)[data.phase_begin :].sum(0)
    # With no true difference a period gains lambda h m on average (a relative margin m is left in r).
    level = data.scale(metric).level[0, -1]
    size = margin.value * level if margin.relative else margin.value
    daily = (lambdas * weight[:, None] * size - spent)[recent].sum(0) / days
    bar = np.log(1.0 / policy.error_budget.false_go)
    ahead = np.arange(1, HORIZON_DAYS + 1)
    path = log_sum_exp(now + ahead[:, None] * daily) - np.log(len(effect_grid()))
    reached = np.flatnonzero(path >= bar)
    assumed = "if the candidate equals the baseline"
    if not len(reached):
        return Waiting(f"{what} (not at this volume, even {assumed})", None)
    return Waiting(f"{what} ({assumed})", case.look + timedelta(days=int(ahead[reached[0]])))
