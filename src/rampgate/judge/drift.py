"""Drift: whether the windows of a rollout are like their reference, and whose it is where they are not.

What a comparison of the arms says holds for the work that both have. Where that work is no longer what it was, the
rollout waits: drift holds, and rolls back only where the policy says so and the candidate alone has moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from rampgate.aggregate.calendar import local_midnight
from rampgate.aggregate.drift_reference import window_days
from rampgate.judge.case import Case
from rampgate.judge.decision import FAIL, INCONCLUSIVE, NO_DATA, PASS, Reason, Waiting
from rampgate.judge.distance import known, tells, units_needed
from rampgate.judge.drift_tables import Span, Tables
from rampgate.judge.drift_words import mixed, moved, nothing, too_few, too_small, warned
from rampgate.judge.drifted import ONE_CANDIDATE, WARN, Drifted
from rampgate.judge.gate import Demand
from rampgate.judge.show import window_bounds

#: Stands for windows where only the reference is asked for.
_ANY = Span("", date.min, date.min, ())


@dataclass(frozen=True)
class Found:
    """What was found in the latest complete window of each column, and what follows.

    ``rollback`` rolls back whatever else is true, ``holds`` keep the phase, ``notes`` are only said.
    """

    rows: tuple[Drifted, ...] = ()
    rollback: tuple[Reason, ...] = ()
    holds: tuple[Demand, ...] = ()
    notes: tuple[Reason, ...] = ()


def drift(case: Case) -> Found:
    """Judge the latest complete window of every watched column."""
    policy = case.policy
    if policy.drift is None or case.state.start is None:
        return Found()
    found = Found()
    tables = Tables(case)
    for name in policy.drift.columns:
        spans = tables.spans(name)
        rows = tables.rows(name, spans[-1]) if spans else ()
        found = _joined(found, _follows(case, name, spans, rows))
    return found


def every_window(case: Case) -> tuple[Drifted, ...]:
    """Every complete window since the start that has rows, of every watched column, oldest first."""
    if case.policy.drift is None or case.state.start is None:
        return ()
    tables = Tables(case)
    found = [
        (span.first, row)
        for name in case.policy.drift.columns
        for span in tables.spans(name)
        if tables.units[list(span.periods)].any()
        for row in tables.rows(name, span)
    ]
    return tuple(row for _, row in sorted(found, key=lambda pair: pair[0]))


def problems(case: Case) -> list[str]:
    """What would hold every look for lack of a reference."""
    drift = case.policy.drift
    if drift is None or (case.state.start is None and not case.state.drift):
        return []
    found = [(name, _lacking(case, name, [_ANY])) for name in drift.columns]
    return [demand.reason.message for _, demand in found if demand is not None]


def without(case: Case, name: str) -> str | None:
    """That a column has no reference, or one that is too small to tell anything by."""
    found = case.state.drift.get(name)
    if found is None or not known(found):
        return nothing(case.policy, name)
    levels = {} if case.policy.drift is None else case.policy.drift.levels(name)
    return None if tells(found, levels) else too_small(case.policy, name, found.units)


def smallest(case: Case) -> list[str]:
    """From how many units on a distance that acts is more than chance makes of it, by column."""
    drift, out = case.policy.drift, []
    for name in () if drift is None else drift.columns:
        reference, level = case.state.drift.get(name), drift.levels(name).get("psi") if drift is not None else None
        if reference is None or level is None or not known(reference):
            continue
        least = units_needed(reference, level)
        if least is None:  # which holds, and is among the problems
            continue
        told = f"from {least:,} units of a version in a window on; in fewer it is said and does not hold"
        out.append(f"{name}: a PSI of {level:g} is told from chance {told}")
    return out


def _joined(one: Found, other: Found) -> Found:
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return Found(*(first + second for first, second in pairs))


def _follows(case: Case, name: str, spans: Sequence[Span], rows: Sequence[Drifted]) -> Found:
    """What the rows of one column's latest window lead to."""
    assert case.policy.drift is not None
    kept = tuple(rows)
    failed = [row for row in rows if row.verdict == FAIL]
    lacking = _lacking(case, name, spans)
    if lacking is not None and not failed:
        return Found(kept, holds=(lacking,))
    silent = [row for row in rows if row.psi is None]
    if silent:
        text = f"{name} has no known value in {silent[0].window} of the {' and the '.join(r.variant for r in silent)}"
        wait = Waiting(f"a complete window with values of {name}", _next_end(case))
        return Found(kept, holds=(Demand(Reason("drift", NO_DATA, text, name), wait),))
    notes = [Reason("drift", INCONCLUSIVE, too_few(row), name) for row in rows if row.verdict == INCONCLUSIVE]
    notes += [Reason("drift", PASS, warned(row), name) for row in rows if row.level == WARN]
    if not failed:
        return Found(kept, notes=tuple(notes))
    reason = Reason("drift", FAIL, moved(failed) + mixed(failed), name)
    if case.policy.drift.rollback and failed[0].whose == ONE_CANDIDATE:
        return Found(kept, rollback=(reason,), notes=tuple(notes))
    wait = Waiting(f"a complete window in which {name} is near its reference", _next_end(case))
    return Found(kept, holds=(Demand(reason, wait),), notes=tuple(notes))


def _lacking(case: Case, name: str, spans: Sequence[Span]) -> Demand | None:
    """What is missing before a column can be judged at all."""
    reference = case.policy.drift.reference if case.policy.drift is not None else None
    if reference is not None and reference.to is not None:
        over = local_midnight(reference.to, case.policy.zone)
        if over > case.look:
            text = f"the reference of {name} is not over before {reference.to}"
            return Demand(Reason("drift", NO_DATA, text, name), Waiting("the end of drift's reference", over))
    lacking = without(case, name)
    if lacking is not None:
        return Demand(Reason("drift", NO_DATA, lacking, name), Waiting(f"a reference for {name}", None))
    if not spans:
        text = f"no complete window yet in which {name} could have moved"
        return Demand(Reason("drift", NO_DATA, text, name), Waiting("the first complete window", _next_end(case)))
    return None


def _next_end(case: Case) -> datetime:
    """When the window that the look lies in is complete."""
    policy, start = case.policy, case.state.start
    assert start is not None
    look = case.look.astimezone(policy.zone).date()
    bounds = window_bounds(policy.source.window, start, max(look, start))
    days = window_days(policy)
    # A window that the start cuts short is never complete.
    ends = [last for first, last in bounds if first >= start and last > look]
    last = ends[0] if ends else date.fromordinal(bounds[-1][1].toordinal() + days)
    return local_midnight(last, policy.zone)
