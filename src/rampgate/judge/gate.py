"""What a phase demands besides its criteria: time and size, with the date when they should be reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from rampgate.estimate.alone import FLOOR
from rampgate.estimate.metric import KPI, parts_of
from rampgate.judge.case import Case
from rampgate.judge.decision import FAIL, INCONCLUSIVE, NO_DATA, Reason, Waiting
from rampgate.policy import Phase, Policy

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
    due = stays_until(policy, phase, state.since)
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


def stays_until(policy: Policy, phase: Phase, since: datetime) -> datetime:
    """When a phase that began at a moment has lasted as long as it must."""
    return phase.at_least.after(since, policy.zone).astimezone(policy.zone)


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
    data = case.data
    counts = {name: float(data.known(name, data.phase_begin)[0][0]) for name in counted_metrics(case.policy)}
    least = min(counts, key=lambda name: counts[name])
    return counts[least], least


def counted_metrics(policy: Policy) -> list[str]:
    """The metrics whose known units a phase's minimum size counts, the least of them: ratios only if all are."""
    names = policy.judged_metrics()
    return [n for n in names if policy.metrics[n].kind != "ratio"] or list(names)


def look_days(case: Case) -> int:
    """Days between two looks."""
    return 7 if case.policy.source.look == "week" else 1


def recent_days(case: Case, since: datetime) -> tuple[slice, float]:
    """The periods of the last days, none before ``since``, and how many calendar days they cover."""
    begin = max(since, case.look - timedelta(days=VOLUME_DAYS))
    first = next((t for t, p in enumerate(case.data.periods) if p.start >= begin), len(case.data.periods))
    return slice(first, None), (case.look - begin) / timedelta(days=1)


def candidate_rate(case: Case, name: str) -> float:
    """Candidate units a day with a known metric, over the last days of this phase; 0 before its first period.

    Of a metric that takes time, the units of those days as far as units that are old enough are known.
    """
    assert case.state.since is not None
    recent, days = recent_days(case, case.state.since)
    if days <= 0:
        return 0.0
    known = case.data.known_by_period(name)[0][0]
    if case.policy.metrics[name].maturity is None:
        return float(known[recent].sum()) / days
    units, ripe = case.data.run[0].n[0], case.data.ripe[name][0]
    booked = float(units[ripe].sum())
    return float(units[recent].sum()) / days * (float(known.sum()) / booked if booked else 1.0)


def booking_looks(case: Case, name: str, begin: int) -> int:
    """Looks by which a metric's outcomes come later than its units, less those that have passed for units on hand.

    Parameters
    ----------
    name : a metric or the KPI
    begin : the first period that counts; past the last for a phase to come
    """
    parts = parts_of(case.policy, name)
    ages = [age.timedelta for part in parts if (age := case.policy.metrics[part].maturity) is not None]
    length = timedelta(days=look_days(case))
    waiting = int(np.count_nonzero(~case.data.ripe[KPI if name == FLOOR else name][0][begin:]))
    return -(-max(ages, default=timedelta(0)) // length) - waiting


def _units_reached(case: Case, name: str, missing: float) -> datetime | None:
    rate = candidate_rate(case, name)
    if rate <= 0:
        return None
    wait = max(0.0, missing / rate + booking_looks(case, name, case.data.phase_begin) * look_days(case))
    return case.look + timedelta(days=float(np.ceil(wait))) if wait <= HORIZON_DAYS else None
