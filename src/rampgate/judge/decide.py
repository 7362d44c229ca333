"""The judge: one pure function from a case to a decision.

Precedence is ROLLBACK over HOLD over GO. Rollback criteria are judged first and whatever else is missing, waiting
or broken; GO needs every other check to have been made and passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from rampgate.aggregate.marginals import OVERALL
from rampgate.estimate.alone import FLOOR
from rampgate.estimate.metric import KPI
from rampgate.judge.by_score import ByScore, by_score
from rampgate.judge.case import Case
from rampgate.judge.change import Watched, change_reasons, changes
from rampgate.judge.clear import all_clear
from rampgate.judge.decision import (
    COMPLETE,
    ERROR,
    FAIL,
    GO,
    HOLD,
    INCONCLUSIVE,
    NO_DATA,
    PASS,
    ROLLBACK,
    Budget,
    Decision,
    Estimate,
    Health,
    PhaseView,
    Reason,
    StillOpen,
    Waiting,
    Window,
)
from rampgate.judge.disagree import disagreements
from rampgate.judge.drift import Found, drift
from rampgate.judge.findings import Findings
from rampgate.judge.forecast import budget_expected, passing_expected, pilot_expected
from rampgate.judge.gate import Demand, demands
from rampgate.judge.harm import budget_reasons, budgets, overspent
from rampgate.judge.health import forgotten, health
from rampgate.judge.mandate import lacking
from rampgate.judge.orders import gone_past, held, rolled_back_by, still_rolling_back, uncertain
from rampgate.judge.point import point
from rampgate.judge.reviews import unreviewed
from rampgate.judge.sequential import sequential
from rampgate.judge.show import LEVEL, all_estimates, windows
from rampgate.judge.state import COMPLETED, ROLLED_BACK
from rampgate.judge.still_open import still_open

#: Order of reasons to hold; what only time will bring stands last.
_URGENCY = {FAIL: 0, ERROR: 0, NO_DATA: 1, INCONCLUSIVE: 2}
Part = TypeVar("Part")
#: The KPI overall, and all estimates.
Shown = tuple[Estimate, tuple[Estimate, ...]]


def judge(case: Case) -> Decision:
    """Decide one look.

    Parameters
    ----------
    case : the inputs; nothing else is read

    Returns
    -------
    Decision, without its place in a ledger
    """
    policy, state = case.policy, case.state
    findings = point(case) if policy.evidence == "point" else sequential(case)
    far, unmeasured = _safely(lambda: drift(case), Found(), "drift")
    findings = replace(findings, rollback=(*findings.rollback, *far.rollback))
    said = gone_past(state, findings.rollback)
    findings = replace(findings, rollback=still_rolling_back(state, findings.rollback))
    unwatched: tuple[Watched, ...] = ()
    watched, lost = _safely(lambda: changes(case), unwatched, "the watch after the last phase")
    back, waits = change_reasons(case, watched)
    findings = replace(findings, rollback=(*findings.rollback, *back))
    no_checks: tuple[Health, ...] = ()
    no_demands: list[Demand] = []
    no_windows: tuple[Window, ...] = ()
    none_open: tuple[StillOpen, ...] = ()
    nothing: Shown = (Estimate(KPI, OVERALL, None, None, None, None, None, LEVEL, 0, 0), ())
    checks, broken = _safely(lambda: health(case), no_checks, "the health of the data")
    wanted, late = _safely(lambda: demands(case), no_demands, "the phase's demands")
    shown, unseen = _safely(lambda: all_estimates(case), nothing, "the estimates")
    no_notes: tuple[Reason, ...] = ()
    mixed, unmixed = _safely(lambda: tuple(disagreements(case, shown[1])), no_notes, "the mix of segments")
    seen, unread = _safely(lambda: windows(case), no_windows, "the windows")
    no_budgets: tuple[Budget, ...] = ()
    spent, uncounted = _safely(lambda: budgets(case), no_budgets, "the harm budget")
    none_awaited: tuple[ByScore, ...] = ()
    awaited, unscored = _safely(lambda: by_score(case), none_awaited, "what scores say")
    opened, unopened = _safely(lambda: still_open(case), none_open, "the units still open")
    wanted = [
        *held(state),
        *uncertain(case.unheeded),
        *lacking(case.mandate),
        *unreviewed(case.reviews),
        *wanted,
        *far.holds,
        *waits,
    ]
    holds = [
        *(d.reason for d in wanted),
        *findings.holds,
        *budget_reasons(case, spent),
        *(Reason(h.code, h.verdict, h.message) for h in checks if h.verdict in (FAIL, ERROR, NO_DATA)),
        *(
            reason
            for reason in (broken, late, lost, unseen, unmixed, unread, uncounted, unopened, unmeasured, unscored)
            if reason is not None
        ),
    ]
    failed = {c.id for c in findings.criteria if c.verdict == FAIL}
    nothing_gone: list[str] = []
    gone, unknown = _safely(lambda: forgotten(case, failed), nothing_gone, "what failed before")
    holds += [Reason("guardrail", FAIL, f"{name} failed at the look before, and rows are gone since") for name in gone]
    holds += [unknown] if unknown is not None else []
    findings = replace(findings, notes=(*findings.notes, *mixed, *far.notes))
    decision = _decision(case, findings, holds)
    return Decision(
        rollout=policy.rollout,
        attempt=state.attempt,
        as_of=case.as_of,
        look=case.look,
        policy_sha256=policy.sha256(),
        phase=_phase(case),
        decision=decision,
        reasons=tuple(_reasons(case, decision, replace(findings, notes=(*said, *findings.notes)), holds, shown, spent)),
        kpi=shown[0],
        metrics=shown[1],
        criteria=findings.criteria,
        windows=seen,
        health=checks,
        waiting_for=tuple(_waiting(case, decision, [d.waiting for d in wanted], holds)),
        drift=far.rows,
        after=tuple(one.to_dict() for one in watched),
        by_score=tuple(one.to_dict() for one in awaited),
        budgets=spent,
        open=opened,
        approval=None if case.mandate is None else case.mandate.to_dict(),
    )


def _safely(compute: Callable[[], Part], fallback: Part, what: str) -> tuple[Part, Reason | None]:
    """A part of the decision that may fail without stopping the rollback criteria; its failure is a reason to hold."""
    try:
        return compute(), None
    except Exception as error:  # noqa: BLE001 - becomes a reason to hold; the rollback criteria stand
        text = f"{what} could not be computed: {type(error).__name__}: {error}"
        return fallback, Reason("error", ERROR, text)


def _decision(case: Case, findings: Findings, holds: list[Reason]) -> str:
    if findings.rollback or case.state.status == ROLLED_BACK:
        return ROLLBACK
    if holds:
        return HOLD
    return COMPLETE if case.state.phase >= len(case.policy.phases) else GO


def _phase(case: Case) -> PhaseView:
    phases, index = case.policy.phases, case.state.phase
    following = phases[index].traffic if index < len(phases) else None
    return PhaseView(index, case.phase.traffic, len(phases), case.state.since, following)


def _reasons(
    case: Case,
    decision: str,
    findings: Findings,
    holds: list[Reason],
    shown: Shown,
    spent: tuple[Budget, ...],
) -> Iterable[Reason]:
    """Every reason, the deciding ones first."""
    yield from findings.rollback
    if case.state.status == ROLLED_BACK and case.state.rolled_back_at is not None:
        day = f"{case.state.rolled_back_at:%Y-%m-%d}"
        order = rolled_back_by(case.state)
        by = f"rolled back by {order.told}" if order is not None else f"rolled back on {day}"
        text = f"{by}; to try again, give the changed version a new name under candidate"
        yield Reason("rollback", FAIL, text)
    if decision in (GO, COMPLETE):
        yield Reason("all_clear", PASS, all_clear(case, decision, shown[1], spent))
    # The same words need not be said of two criteria; what is wrong comes before what is merely awaited.
    said = {(reason.code, reason.message): reason for reason in holds}
    yield from sorted(said.values(), key=lambda reason: _URGENCY.get(reason.verdict, 2))
    if decision == HOLD:
        yield from overspent(case, spent)
    yield from findings.notes
    yield from _changed(case)


def _changed(case: Case) -> Iterable[Reason]:
    """That the policy is not the one of the look before, and what becomes of the evidence."""
    now, then = case.policy.sha256(), case.state.policy_sha256
    if not then or then == now:
        return
    text = f"the policy was changed since the look before (sha256 {then[:8]} to {now[:8]}); "
    if case.changed is None:
        text += "all evidence is judged by the new one"
    elif not case.changed:
        text += "no criterion is another one, and all evidence so far goes on"
    else:
        names = ", ".join(case.changed[:5]) + (", ..." if len(case.changed) > 5 else "")
        text += f"judged anew, on all days since the start: {names}; the evidence of every other criterion goes on"
    yield Reason("decided_by_person", PASS, text)


def _waiting(case: Case, decision: str, waits: list[Waiting], holds: list[Reason]) -> Iterable[Waiting]:
    if decision != HOLD or case.state.status == COMPLETED:
        return
    yield from waits
    for reason in holds:
        if reason.verdict == INCONCLUSIVE and reason.metric is not None:
            metric = FLOOR if reason.code == FLOOR else reason.metric
            within = reason.code == "budget"
            plain = Waiting(f"{metric} shown within its {'budget' if within else 'margin'}", None)
            ask = partial(budget_expected if within else passing_expected, case, metric)
            forecast, broken = _safely(ask, plain, "the forecast")
            # The rollout holds already; that its date is unknown, and why, is said where the date would stand.
            yield forecast if broken is None else replace(plain, what=f"{plain.what} ({broken.message})")
    unfixed = {n for n, found in case.data.quantiles.items() if not found.fixed}
    for name in sorted(unfixed & {str(reason.metric) for reason in holds if reason.code == "too_little_data"}):
        plain = Waiting(f"the threshold of {name}", None)
        forecast, broken = _safely(partial(pilot_expected, case, name), plain, "the forecast")
        yield forecast if broken is None else replace(plain, what=f"{plain.what} ({broken.message})")
