"""A plain sentence for every reason code of the contract."""

from __future__ import annotations

from rampgate.judge.decision import Reason
from rampgate.report.explained.told import plain

#: What each code means, whatever the case; the recorded message says the case.
MEANINGS: dict[str, str] = {
    "rollback": "A limit whose breach ends the rollout is broken",
    "guardrail": "A limit that must hold before the rollout may go on is broken",
    "floor": "The candidate's own weighted KPI lies below the lowest value that the policy accepts",
    "segment": "In one part of the units a limit that must hold there is broken",
    "sample_ratio": "The units were not split between the versions as the traffic says, so the versions may have had "
    "different work",
    "missing_labels": "Outcomes are missing, or came after a look had rested on their days, so what is known may "
    "mislead",
    "stale": "Rows that should be there are not: the source, or one of the versions, has none of late",
    "volume": "The number of units is not what it should be",
    "duplicate_units": "Some units have more than one row, and only the first of each was counted",
    "crossed_units": "Some units were handled by both versions, so their outcomes belong to neither alone",
    "drift": "The days, or what comes in, have changed beyond what the policy allows",
    "too_little_data": "Data that a part of the judgement needs are not there",
    "minimum_duration": "The phase has not lasted as long as the policy asks",
    "minimum_units": "The phase has not had as many units of the candidate as the policy asks",
    "budget": "The harm to be expected in the next phase is more than the policy accepts",
    "inconclusive": "The phase asks for proof that the candidate is not much worse, and the proof is not there yet; "
    "that is no sign of harm",
    "not_approved": "The policy in use has not been agreed on as it must be before the rollout may go on",
    "open_review": "The review of an earlier incident has not been closed",
    "decided_by_person": "A person has decided or changed something",
    "error": "Something could not be judged or does not add up, and what cannot be judged never counts as passed",
    "all_clear": "Everything that the phase asks for is there, and nothing failed",
}
STAYS = "The rollout has ended, and does not begin again by itself"
UNKNOWN = "The gate gives a reason that this version of rampgate has no words for ({code})"


def meaning(reason: Reason) -> str:
    """What a reason's code means."""
    if reason.code == "rollback" and reason.metric is None:  # no limit: what was decided at an earlier look
        return STAYS
    return MEANINGS.get(reason.code, UNKNOWN.format(code=reason.code))


def sentence(reason: Reason) -> str:
    """A reason in words: what its code means, and what was recorded of the case."""
    return f"{meaning(reason)}: {plain(reason.message)}"
