"""One look, from rows to a recorded decision."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from rampgate import __version__
from rampgate.aggregate.calendar import local_midnight
from rampgate.aggregate.moments import CANDIDATE, Cells
from rampgate.aggregate.read import read
from rampgate.aggregate.store import Store
from rampgate.errors import LedgerMoved, UsageError
from rampgate.estimate import STATISTICS
from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision
from rampgate.judge.moved import moved
from rampgate.judge.orders import next_candidate
from rampgate.judge.state import State
from rampgate.ledger import Ledger, Record, digest
from rampgate.policy import Policy, load_policy, refuse_not_judged
from rampgate.policy.diff import criteria_changed
from rampgate.rollout.approvals import Ruling, ruling
from rampgate.rollout.archive import inputs, named, question, restore, source_digest
from rampgate.rollout.incidents import open_reviews
from rampgate.rollout.known import Known, known_people
from rampgate.rollout.looks import first_phase, look_at, parse_moment, refuse_future, switches
from rampgate.rollout.newer import refuse_newer
from rampgate.rollout.orders import Stands, heed
from rampgate.rollout.rows import events_engine
from rampgate.rollout.signed import APPROVAL, HUMAN
from rampgate.source import Engine

#: What answers, or may change the answer to, a question; notes on incidents do neither.
ANSWERS = ("decision", APPROVAL, HUMAN)
#: Other processes may record first; each time the look is judged again on their state.
TRIES = 20


def check(
    policy: Policy | str | Path | Mapping[str, Any],
    events: Any = None,
    as_of: str | date | datetime | None = None,
    ledger: Ledger | str | Path | None = None,
    store: Store | str | Path | None = None,
) -> Decision:
    """Judge one look and record it.

    Parameters
    ----------
    policy : a policy, its file, or its content
    events : frame, path or engine; the policy's ``source.events`` when left out
    as_of : the moment of the look; now when left out. Complete periods before it are judged
    ledger : path or URL; None stands for an empty ledger that is not written
    store : a folder in which what is read of files is kept for later looks; None to read every row

    Returns
    -------
    Decision; the one recorded before if the same question was asked of the same rows.

    Raises
    ------
    PolicyError, ColumnError, UsageError : the question is wrong (exit code 2)
    SourceError, DataError, LedgerError : it could not be judged (exit code 1); nothing was recorded
    """
    policy = load_policy(policy)
    refuse_not_judged(policy)
    moment = parse_moment(as_of, policy.zone)
    refuse_future(moment)
    book = Ledger.open(ledger) if isinstance(ledger, (str, Path)) else ledger
    kept = Store(Path(store)) if isinstance(store, (str, Path)) else store
    return _look(policy, events, moment, book, kept)


def _look(given: Policy, events: Any, as_of: datetime, book: Ledger | None, store: Store | None) -> Decision:
    for _ in range(TRIES):
        last = book.last(given.rollout) if book is not None else None
        if last is not None:
            refuse_newer(last)
        look = book.last(given.rollout, "decision") if book is not None else None
        known = known_people(given, book, look)
        ruled = ruling(given, book, as_of, known)
        refuse_not_judged(ruled.policy)
        stands = None if look is None or book is None else _stands(look, book, known)
        engine = events_engine(ruled.policy, events)
        try:
            case = _case(ruled, engine, look, stands, as_of, book, known, store)
        finally:
            if engine is not events:
                engine.close()
        if book is None:
            return Decision.from_dict(judge(case).to_dict())  # the numbers are those that would be recorded
        try:
            return recorded(case, book, last, given, known)
        except LedgerMoved:
            continue
    raise LedgerMoved(
        f"{TRIES} other looks were recorded while this one was judged",
        where=given.rollout,
        remedy="look again when fewer processes do",
    )


def _stands(look: Record, book: Ledger, known: Known) -> Stands:
    """Where the rollout stands after its last look and what people decided since."""
    records = book.records(look.rollout, HUMAN)
    return heed(look, records, known, lambda one: book.latest_before(one.sequence), book.document)


def _case(
    ruled: Ruling,
    engine: Engine,
    look: Record | None,
    stands: Stands | None,
    as_of: datetime,
    book: Ledger | None,
    known: Known,
    store: Store | None,
) -> Case:
    """What is judged: by which policy, from where the rollout stands, with what is known of people and changes."""
    policy = ruled.policy
    state = current_state(policy, look, as_of, None if stands is None else stands.state)
    case = read_case(policy, engine, state, as_of, store)
    changed = None if book is None else changed_criteria(policy, state, book.document)
    reviews = None if book is None else open_reviews(book, policy.rollout, state.attempt, known)
    unheeded = () if stands is None else stands.unheeded
    return replace(case, mandate=ruled.mandate, changed=changed, unheeded=unheeded, reviews=reviews)


def changed_criteria(policy: Policy, state: State, read: Callable[[str], bytes]) -> tuple[str, ...] | None:
    """Criteria that are not those of the look before; None where its policy is the same.

    Parameters
    ----------
    read : SHA-256 -> bytes of a document
    """
    if state.policy_sha256 in ("", policy.sha256()):
        return None
    return criteria_changed(Policy.from_canonical(json.loads(read(state.policy_sha256))), policy)


def current_state(policy: Policy, look: Record | None, as_of: datetime, stood: State | None = None) -> State:
    """Where the rollout stands: as its last look and people left it, or at the beginning of a new attempt.

    Parameters
    ----------
    look : the last look; None before the first
    stood : where people left it; where the look did when left out
    """
    if look is None:  # the policy may be approved
        return State(candidate=policy.candidate)
    state = stood if stood is not None else State.from_dict(look.state())
    recorded = datetime.fromisoformat(look.entry()["inputs"]["as_of"])
    recorded = max([recorded, *(order.as_of for order in state.orders)])
    if as_of < recorded:
        raise UsageError(
            f"as_of {as_of.isoformat()} is before the last decision of this rollout, {recorded.isoformat()}",
            where=policy.rollout,
            remedy="`rampgate replay` shows what would have been decided at earlier looks; to begin anew, give another "
            "--ledger or another rollout name",
        )
    if state.candidate != policy.candidate:
        # What was seen of another candidate is no evidence for this one, and neither is the day of the change.
        return next_candidate(state, policy.candidate)
    return state


def read_case(policy: Policy, engine: Engine, state: State, as_of: datetime, store: Store | None = None) -> Case:
    """Read what the look needs and fix the start and the first phase when they are not fixed yet."""
    look = look_at(policy, as_of)
    if state.start is None and state.attempt > 1:
        state = replace(state, start=_new_start(policy, engine, look, store))
    fixed = state.start if state.start is not None or state.attempt > 1 else policy.start
    steps, apart = switches(policy, state), _told_apart(policy, state)
    found = read(policy, engine, steps, look, fixed, state.bounds, state.drift, store, apart)
    cells, intake, start = found.cells, found.intake, found.start
    if state.start is None and state.attempt == 1 and start is not None and _begun(policy, cells):
        state = replace(state, start=start)
    if state.start is not None:
        told = found.apart if local_midnight(state.start, policy.zone) < found.look else state.apart
        state = replace(state, bounds=found.bounds, drift=found.drift, apart=told)
    if not state.phases and state.start is not None:
        state = replace(state, phases=(first_phase(policy, state.start, as_of),))
    return Case(policy, cells, intake, state, as_of, look)


def _told_apart(policy: Policy, state: State) -> Mapping[str, tuple[str, ...]] | None:
    """The segment values that are fixed; None where no look has seen the run yet, so that they are to be chosen.

    Looks before the launch choose among the history's values for themselves and fix nothing.
    """
    if state.apart:
        return state.apart
    if state.start is None or state.seen is None:
        return None
    return state.apart if local_midnight(state.start, policy.zone) < state.seen.through else None


def _begun(policy: Policy, cells: Cells) -> bool:
    """Whether the evidence has a first day: the policy names it, or a candidate row was seen."""
    return policy.start is not None or bool((cells.arm == CANDIDATE).any())


def _new_start(policy: Policy, engine: Engine, look: datetime, store: Store | None) -> date | None:
    """First day of a later attempt: the one after its candidate's first row, when the old one is out of the way.

    ``start`` in the policy is the first attempt's, unless it was moved past that day.
    """
    first = read(policy.model_copy(update={"start": None}), engine, (), look, store=store).start
    if first is None:
        return None
    day = first + timedelta(days=1)
    return max(day, policy.start) if policy.start is not None else day


def recorded(
    case: Case, book: Ledger, last: Record | None, given: Policy | None = None, known: Known | None = None
) -> Decision:
    """Judge a case and record it, unless this very look is recorded already.

    Parameters
    ----------
    last : the rollout's last record, from which the case's state was taken
    given : the policy that was asked about, where it is not the case's own
    known : the project's people at the look

    Raises
    ------
    LedgerMoved : another look was recorded meanwhile
    """
    policy, state = case.policy, case.state
    source = source_digest(case.cells, case.intake)
    key = question(case, source)
    answer = last if last is None or last.kind in ANSWERS else book.last(policy.rollout, ANSWERS)
    if answer is not None and _answers(answer, key, case):
        return decision_of(answer)
    if last is not None and book.find(key) is not None:
        # Others were recorded since: what was decided before them is no answer to what holds now.
        key = f"{key}|{last.sha256}"
    decision = judge(case)
    before = book.last(policy.rollout, "decision")
    body, documents = inputs(case, before.entry()["inputs"] if before is not None else None)
    if given is not None:
        documents[given.sha256()] = given.canonical_json()
    if known is not None and (known.people is not None or case.mandate is not None or case.unheeded):
        body["people"] = known.to_dict()
        keys = known.document()
        documents |= {} if keys is None else {digest(keys): keys}
    entry = {
        "versions": {"rampgate": __version__, "statistics": STATISTICS},
        "policy_sha256": policy.sha256(),
        "source": {"digest": source},
        "inputs": body,
        "decision": decision.content(),
    }
    record = book.append(
        rollout=policy.rollout,
        attempt=state.attempt,
        kind="decision",
        key=key,
        body=entry,
        documents=documents,
        state=moved(case, decision).to_dict(),
        expected_head=last.sha256 if last is not None else None,
        recorded_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return decision_of(record)


def _answers(record: Record, key: str, case: Case) -> bool:
    """Whether a record is the answer to a question: of the same rows, while the same reviews were open."""
    if record.key != key and not record.key.startswith(f"{key}|"):
        return False
    then = {one["incident"] for one in record.entry()["inputs"].get("reviews", ())}
    return then == {one.incident for one in case.reviews or ()}


def decision_of(record: Record) -> Decision:
    """The decision as it was recorded, with its place in the ledger."""
    return Decision.from_dict(
        {
            **record.entry()["decision"],
            "decision_id": record.sha256,
            "previous_sha256": record.previous_sha256,
        }
    )


def recompute(record: Record, ledger: Ledger) -> Decision:
    """Judge a record again from what the ledger stored with it; ``content()`` must equal what was recorded."""
    return judge(case_of(record.entry()["inputs"], ledger))


def case_of(body: Mapping[str, Any], ledger: Ledger) -> Case:
    """The case of a record from its ``inputs``, whose documents are read together."""
    return restore(body, ledger.documents(named(body)).__getitem__)
