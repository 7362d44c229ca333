"""One recorded decision against what its record holds: the same inputs must give it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rampgate import __version__
from rampgate.aggregate.drift_bins import ReferenceCounts
from rampgate.estimate import STATISTICS
from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision
from rampgate.judge.moved import moved
from rampgate.judge.orders import next_candidate
from rampgate.judge.state import State, after
from rampgate.ledger import Record, canonical
from rampgate.rollout.archive import question, restore, source_digest
from rampgate.rollout.looks import first_phase

#: Keys whose text is for people and may be put better by a later version; what it is about stands beside it.
WORDS = frozenset({"message", "what"})


@dataclass(frozen=True)
class Recomputed:
    """What came of judging a record again.

    Attributes
    ----------
    problem : what differs, or None
    words : whether the words are the same too
    older : whether it was decided by earlier statistics, so that nothing was judged again
    """

    problem: str | None = None
    words: bool = True
    older: bool = False


def without_words(value: Any) -> Any:
    """A decision without what is only said: every number, code, verdict and moment remains."""
    if isinstance(value, Mapping):
        return {key: without_words(item) for key, item in value.items() if key not in WORDS}
    return [without_words(item) for item in value] if isinstance(value, (list, tuple)) else value


def same_decision(found: Mapping[str, Any], recorded: Mapping[str, Any]) -> bool:
    """Whether two decisions are the same bytes, apart from their words."""
    return canonical(without_words(found)) == canonical(without_words(recorded))


def same_version(entry: Mapping[str, Any]) -> bool:
    """Whether a record was made by this very version, whose words are the same too."""
    return bool(entry["versions"] == {"rampgate": __version__, "statistics": STATISTICS})


def recompute(record: Record, before: State | None, read: Callable[[str], bytes]) -> Recomputed:
    """Judge a decision again.

    Parameters
    ----------
    record : a decision, whose bytes are whole
    before : where the rollout stood before it; None for its first look
    read : SHA-256 -> bytes of a document
    """
    entry = record.entry()
    case = restore(entry["inputs"], read)
    problem = _frame(record, entry, case) or _continues(case.state, before) or _begins(case, before)
    if problem is not None:
        return Recomputed(problem)
    if entry["versions"]["statistics"] < STATISTICS:
        return Recomputed(_moved_on(case, entry, record), older=True)
    decision = judge(case)
    content = decision.content()
    if not same_decision(content, entry["decision"]):
        return Recomputed(f"judged again, the decision differs in {_difference(content, entry['decision'])}")
    if canonical(moved(case, decision).to_dict()) != canonical(record.state()):
        return Recomputed("the state after it is not the one that the decision leads to")
    words = canonical(content) == canonical(entry["decision"])
    if not words and same_version(entry):
        return Recomputed("judged again by the version that decided it, the decision is put in other words")
    return Recomputed(words=words)


def _moved_on(case: Case, entry: Mapping[str, Any], record: Record) -> str | None:
    """Whether a decision that is not judged again led to where its record says that the rollout stands."""
    decided = Decision.from_dict({**entry["decision"], "decision_id": "", "previous_sha256": ""})
    led, said = after(case.state, decided, None), State.from_dict(record.state())
    where = ("attempt", "candidate", "start", "phases", "status", "rolled_back_at", "traffic")
    differing = [name for name in where if getattr(led, name) != getattr(said, name)]
    return (
        f"the state after it is not the one that the decision leads to: {', '.join(differing)}" if differing else None
    )


def _frame(record: Record, entry: Mapping[str, Any], case: Case) -> str | None:
    """What the record says twice: rollout, attempt, policy, source and key."""
    policy, decision = case.policy, entry["decision"]
    source = source_digest(case.cells, case.intake)
    key = question(case, source)
    told = {
        "the rollout": (record.rollout, policy.rollout, decision["rollout"]),
        "the attempt": (record.attempt, case.state.attempt, decision["attempt"]),
        "the policy": (entry["policy_sha256"], policy.sha256(), decision["policy_sha256"], entry["inputs"]["policy"]),
        "the digest of the source": (entry["source"]["digest"], source),
    }
    for what, values in told.items():
        if len(set(values)) > 1:
            return f"{what} is not the same in all parts of the record"
    if record.key != key and not record.key.startswith(f"{key}|"):
        return "the key is not that of the question"
    return None


def _continues(state: State, before: State | None) -> str | None:
    """Whether a look began where the rollout stood: it may fix what was open, and begin another candidate's attempt."""
    if before is None:
        stood = State(candidate=state.candidate)
    elif state.candidate != before.candidate:
        stood = next_candidate(before, state.candidate)
    else:
        stood = before
    begun = replace(
        stood,
        start=stood.start or state.start,
        phases=stood.phases or state.phases[:1],
        bounds={**state.bounds, **stood.bounds},
        drift={**state.drift, **{name: _stays(state.drift.get(name), r) for name, r in stood.drift.items()}},
        apart=state.apart if _grown(stood.apart, state.apart) else stood.apart,
    )
    return None if state == begun else "the look did not begin where the rollout stood after the record before it"


def _begins(case: Case, before: State | None) -> str | None:
    """Whether an attempt is of the policy's candidate, and began where its policy lets it begin.

    Without ``start`` in the policy its first day is that of the candidate's first row, which only the source knows.
    """
    policy, state = case.policy, case.state
    if state.candidate != policy.candidate:
        return f"it was judged for {state.candidate}, and its policy is of {policy.candidate}"
    stood = before if before is not None and before.attempt == state.attempt else State()
    if state.start is None:
        return "it is in a phase before it has a first day" if state.phases else None
    if stood.start is None and policy.start is not None:
        first = state.start == policy.start if state.attempt == 1 else state.start >= policy.start
        if not first:
            return f"its evidence begins on {state.start}, and its policy says {policy.start}"
    if not stood.phases and state.phases != (first_phase(policy, state.start, case.as_of),):
        return "it began in another phase than the first, or since another moment"
    return None


def _grown(before: Mapping[str, tuple[str, ...]], now: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether what was told apart still is: more values may join where some were chosen, and none goes."""
    return all(
        now.get(column, ())[: len(values)] == values and bool(values) == bool(now.get(column, ()))
        for column, values in before.items()
    )


def _stays(now: ReferenceCounts | None, stood: ReferenceCounts) -> ReferenceCounts:
    """What a reference of drift must be: as it stood, split further where that is asked.

    Another one is right where another is asked for, or where the one that stood has no known value.
    """
    if now is None:
        return stood
    return stood.grown(now) if now.of == stood.of and stood.known > 0 else now


def _difference(found: Mapping[str, Any], recorded: Mapping[str, Any]) -> str:
    """The first keys that differ, words apart."""
    keys = sorted(found.keys() | recorded.keys())
    differing = [key for key in keys if without_words(found.get(key)) != without_words(recorded.get(key))]
    return ", ".join(differing[:5])
