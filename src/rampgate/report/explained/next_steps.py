"""What follows from a decision: for the traffic, for time, and for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rampgate.judge.case import Case
from rampgate.judge.decision import COMPLETE, ERROR, FAIL, GO, ROLLBACK, Decision, traffic_after
from rampgate.policy import Policy, sentences
from rampgate.report.explained import told
from rampgate.report.explained.worst import Worst
from rampgate.report.words import date_of, percent

#: Limits: what has broken one stays broken while the evidence is counted over the whole rollout.
_LIMITS = ("guardrail", "segment", "floor")
_NEW_NAME = (
    "put the changed version on the traffic under a new name, and write that name under `candidate` in the policy: it "
    "is a new attempt, whose evidence begins anew and whose number is shown"
)


def next_steps(decision: Decision, case: Case, worst: Mapping[str, Worst | None]) -> Iterator[str]:
    """Sentences on what happens next."""
    share = percent(traffic_after(decision.decision, decision.phase.to_dict()))
    if decision.decision == GO:
        yield f"Give the candidate {share} of traffic now."
        yield _phase(case.policy, decision.phase.index + 1)
    elif decision.decision == COMPLETE:
        yield (
            f"Leave the candidate at {share} of traffic, and go on looking: a harm that begins later can still send "
            "it back."
        )
    elif decision.decision == ROLLBACK:
        yield f"Give the candidate {share} of traffic now; the baseline takes all of it."
        yield from _after_rollback(decision, worst)
    else:
        yield f"Leave the candidate at {share} of traffic, and look again."
        yield from _hold(decision, case)


def _phase(policy: Policy, index: int) -> str:
    """What a phase asks for, in the words of the policy."""
    return next(text for text in sentences(policy) if text.startswith(f"Phase {index},"))


def _after_rollback(decision: Decision, worst: Mapping[str, Worst | None]) -> Iterator[str]:
    ended = [c for c in decision.criteria if c.kind == "rollback" and c.verdict == FAIL]
    hints = []
    since = sorted({c.onset for c in ended if c.onset is not None})
    if since:
        hints.append(f"what changed around {since[0]}")
    places = [str(found.group) for c in ended if (found := worst.get(c.id)) is not None]
    places += [str(c.group) for c in ended if c.group.column is not None]
    if places:
        hints.append(f"what is particular to {told.listed(list(dict.fromkeys(places)))}")
    look_for = f", beginning with {told.listed(hints)}" if hints else ""
    yield f"People should find the cause{look_for}; then mend it and test it."
    yield (
        "What was learned is written down: `rampgate review new last` drafts the review, and the next attempt waits "
        "until somebody else has read and closed it."
    )
    yield f"To try again, {_NEW_NAME}."


def _hold(decision: Decision, case: Case) -> Iterator[str]:
    """What a hold waits for, and what only people can do."""
    for item in decision.waiting_for:
        when = f", expected on {date_of(item.expected_at)}" if item.expected_at else ""
        yield f"It waits for: {told.plain(item.what)[:-1]}{when}."
    broken = [r for r in decision.reasons if r.code in _LIMITS and r.verdict == FAIL]
    mended = [r for r in decision.reasons if r not in broken and r.verdict in (FAIL, ERROR)]
    if mended:
        codes = told.listed(list(dict.fromkeys(r.code.replace("_", " ") for r in mended)))
        yield f"Time alone mends nothing of this: {codes}. People must do what is written above, and look again."
    if broken and case.policy.evidence == "point":
        yield "A broken limit is judged anew in the next complete window; people should see meanwhile why it broke."
    elif broken:
        yield (
            "A limit that is broken once stays broken for this candidate, so waiting does not help: people should find "
            f"the cause and mend it, and then {_NEW_NAME}. They may also widen the limit in the policy, which the "
            "next decision will say."
        )
    if not (broken or mended or decision.waiting_for):
        yield "Nothing is to be done until the next look."
