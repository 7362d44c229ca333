"""What a decision compared, and what it left out."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.judge.case import Case
from rampgate.judge.decision import Decision, Reason
from rampgate.judge.findings import too_small
from rampgate.report.explained import told
from rampgate.report.explained.reasons import sentence
from rampgate.report.words import approved_by, date_of, percent


def compared(decision: Decision, case: Case) -> Iterator[str]:
    """Who with whom, how many units of each, when, and how."""
    policy, data, phase = case.policy, case.data, decision.phase
    yield (
        f"{policy.candidate}, the new version (the candidate), with {policy.baseline}, the version in use "
        f"(the baseline), in the rollout {decision.rollout}, attempt {decision.attempt}. A unit is one row of the "
        f"table, told from the others by its {policy.source.unit}."
    )
    candidate, baseline = (float(arm.n[0].sum()) for arm in data.run)
    if case.state.start is None or not candidate:
        yield "Not one unit of the candidate had been seen by this look, so nothing could be compared."
    else:
        last = data.periods[-1].end.astimezone(policy.zone)
        yield (
            f"From {case.state.start} until the end of the last whole {policy.source.look} before {date_of(last)}: "
            f"{told.counted(candidate, 'unit')} of the candidate and {baseline:,.0f} of the baseline."
        )
    if phase.since is not None:
        here = float(data.run[0].n[0, data.phase_begin :].sum())
        yield (
            f"The phase in force was {phase.index} of {phase.of}: the candidate with {percent(phase.traffic)} of "
            f"traffic since {date_of(phase.since)}, {told.counted(here, 'unit')} of it. A phase is a share of traffic "
            "and what must be true to leave it."
        )
    if policy.evidence == "point":
        window = next((w for w in reversed(decision.windows) if w.complete), None)
        which = f", {date_of(window.start)} until {date_of(window.end)}," if window is not None else ""
        yield (
            f"This policy compares plain values of the latest complete window{which} with thresholds; it asks "
            "nothing about chance."
        )
    else:
        yield (
            f"Units are compared within each {policy.source.look} only, and the {policy.source.look}s are added up, so "
            "that a bad week of the whole company counts against neither version."
        )
    if agreed := approved_by(decision.approval):
        yield f"The policy: {agreed}."


def notes(decision: Decision, case: Case) -> list[Reason]:
    """Reasons that only say what was left out: segments with too little data neither hold nor pass."""
    notes = {note.message for note in too_small(case.policy, decision.criteria)}
    return [reason for reason in decision.reasons if reason.message in notes]


def left_out(decision: Decision, case: Case) -> Iterator[str]:
    """Segments, rows and checks that the verdict does not rest on."""
    for reason in notes(decision, case):
        yield sentence(reason)
    if case.intake.history and case.state.start is not None:
        yield (
            f"{case.intake.history:,} rows from before {case.state.start} are no evidence; they only say how much the "
            "numbers vary by themselves."
        )
    for check in decision.health:
        if check.verdict != "PASS" or check.count:
            yield f"{check.message[:1].upper()}{told.plain(check.message)[1:]}"
    passed = sum(check.verdict == "PASS" for check in decision.health)
    if decision.health:
        yield f"Of {told.counted(len(decision.health), 'check')} of the data themselves {passed} passed."
