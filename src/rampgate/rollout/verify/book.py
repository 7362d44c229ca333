"""A ledger from its first record to its last; the first that differs is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rampgate.errors import LedgerError, NewerLedger, RampgateError
from rampgate.incident.derive import Incidents
from rampgate.judge.state import State
from rampgate.ledger import GENESIS, Ledger, Record, digest
from rampgate.people import People
from rampgate.rollout.approvals import Given
from rampgate.rollout.archive import named
from rampgate.rollout.checkpoint import Checkpoint, fork
from rampgate.rollout.incidents import kpi_parts
from rampgate.rollout.newer import refuse_newer
from rampgate.rollout.signed import APPROVAL, CHECKPOINT, HUMAN, INCIDENT, REVIEW
from rampgate.rollout.verify.decision import recompute
from rampgate.rollout.verify.incidents import document_problem, reviews_problem, take_in, unsigned_problem
from rampgate.rollout.verify.signed import mandate_problem, order_problem, signed_problem, unchanged_problem


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes
    ----------
    records : records that are whole, in order, up to the first that is not
    ok : whether all of the ledger is
    first_bad : sequence of the first record that differs; None where none does, or where no record is to blame
    problem : what is wrong
    head : SHA-256 of the last whole record
    recomputed : decisions that were judged again
    reworded : those of them whose words another version put differently
    older : decisions of earlier statistics, whose numbers this version cannot judge again
    checkpoints : those in the ledger, and those kept elsewhere, that it agrees with
    """

    records: int
    ok: bool
    first_bad: int | None
    problem: str | None
    head: str
    recomputed: int
    reworded: int
    older: int
    checkpoints: int = 0

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass
class _Walk:
    """What is carried from record to record."""

    book: Ledger
    people: People | None = None
    sequence: int = 0
    head: str = GENESIS
    last: dict[str, Record] = field(default_factory=dict)
    looks: dict[str, Record] = field(default_factory=dict)
    approvals: dict[str, dict[str, Given]] = field(default_factory=dict)
    under_approval: set[str] = field(default_factory=set)
    ids: dict[int, str] = field(default_factory=dict)
    checkpoints: int = 0
    documents: dict[str, bytes] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    recomputed: int = 0
    reworded: int = 0
    older: int = 0
    statistics: int = 0
    asked: bool = False
    signed: bool = False

    def __post_init__(self) -> None:
        self.incidents = Incidents(kpi_parts(self.read))

    def read(self, sha256: str) -> bytes:
        """A document, read once: the periods of a rollout are named by all its later records."""
        if sha256 not in self.documents:
            self.documents[sha256] = self.book.document(sha256)
        return self.documents[sha256]


class _DiffersError(Exception):
    """A record is not what it says."""


def verify_ledger(
    book: Ledger,
    say: Callable[[str], None] = lambda _: None,
    people: People | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    others: Sequence[str | Path] = (),
) -> Verification:
    """Check the chain, every state and table, and judge every decision again.

    Parameters
    ----------
    book : the ledger
    say : is told how far it is
    people : whose signatures count; without them each is checked against the key that its record names
    checkpoints : that were kept elsewhere
    others : copies of the ledger or exports, of which it must be the continuation

    Raises
    ------
    NewerLedger
        The ledger, or a record in it, is of a newer version.
    """
    walk = _Walk(book, people)
    problem: str | None = None
    first_bad: int | None = None
    try:
        for record in book.records():
            say(f"record {walk.sequence + 1}")
            _one(walk, record)
        say("documents")
        problem = _documents(walk)
        found = None if problem is not None else _elsewhere(walk, checkpoints, others)
        if found is not None:
            first_bad, problem = found
        problem = problem or _unguarded(book)
    except NewerLedger:
        raise
    except _DiffersError as error:
        problem, first_bad = str(error), walk.sequence + 1
    except LedgerError as error:
        problem, first_bad = error.what, walk.sequence + 1
    return Verification(
        walk.sequence,
        problem is None,
        first_bad,
        problem,
        walk.head,
        walk.recomputed,
        walk.reworded,
        walk.older,
        walk.checkpoints,
    )


def _one(walk: _Walk, record: Record) -> None:
    expected = walk.sequence + 1
    if record.sequence != expected:
        raise _DiffersError(f"record {expected} is not there; record {record.sequence} follows")
    if record.previous_sha256 != walk.head:
        raise _DiffersError("it does not name the SHA-256 of the record before it")
    try:
        refuse_newer(record)
        _KINDS[record.kind](walk, record)
        walk.signed = walk.signed or record.entry().get("signature") is not None
        walk.last[record.rollout] = record
    except (NewerLedger, _DiffersError):
        raise
    except (RampgateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        why = error.what if isinstance(error, RampgateError) else f"{type(error).__name__}: {error}"
        raise _DiffersError(f"it cannot be judged again: {why}") from error
    walk.sequence, walk.head = record.sequence, record.sha256
    walk.ids[record.sequence] = record.sha256


def _decision(walk: _Walk, record: Record) -> None:
    inputs = record.entry()["inputs"]
    walk.known.update(named(inputs))
    before = walk.last.get(record.rollout)
    stood = before.state() if before is not None else {}
    made = int(record.entry()["versions"]["statistics"])
    if made < walk.statistics:
        # What earlier statistics decided is not judged again, so nobody may go back to them.
        _demand(f"it says that it was decided by statistics {made}, and a record before it by {walk.statistics}")
    walk.statistics = made
    found = recompute(record, State.from_dict(stood) if stood else None, walk.read)
    approvals, under = walk.approvals.get(record.rollout, {}), record.rollout in walk.under_approval
    look = walk.looks.get(record.rollout)
    running = None if look is None else look.state()["candidate"]
    _demand(found.problem or mandate_problem(record, approvals, walk.read, under, running))
    if running not in (None, record.state()["candidate"]):
        # A candidate that was left for another one: its approvals are spent.
        walk.approvals[record.rollout] = {key: one for key, one in approvals.items() if one.candidate != running}
    if "mandate" in inputs:
        walk.under_approval.add(record.rollout)
    _demand(reviews_problem(record, walk.incidents, walk.asked) or take_in(record, walk.incidents, inputs["policy"]))
    walk.asked = walk.asked or "reviews" in inputs
    walk.looks[record.rollout] = record
    walk.recomputed += not found.older
    walk.older += found.older
    walk.reworded += not found.words


def _approval(walk: _Walk, record: Record) -> None:
    before, given = walk.last.get(record.rollout), Given.of(record)
    _demand(signed_problem(record, before, walk.people) or unchanged_problem(record, before))
    for sha256 in (given.policy_sha256, given.simulation):
        if sha256 is not None:
            walk.read(sha256)
            walk.known.add(sha256)
    walk.approvals.setdefault(record.rollout, {})[record.sha256] = given
    walk.under_approval.add(record.rollout)


def _human(walk: _Walk, record: Record) -> None:
    before, look = walk.last.get(record.rollout), walk.looks.get(record.rollout)
    _demand(signed_problem(record, before, walk.people) or order_problem(record, before, look, walk.read))
    _demand(take_in(record, walk.incidents, look.entry()["inputs"]["policy"] if look is not None else ""))


def _act(walk: _Walk, record: Record) -> None:
    """What a person recorded of an incident."""
    before = walk.last.get(record.rollout)
    _demand(signed_problem(record, before, walk.people) or unchanged_problem(record, before))
    _demand(unsigned_problem(record, walk.signed) or take_in(record, walk.incidents, ""))
    problem, names = document_problem(record, walk.read)
    _demand(problem)
    walk.known.update(names)


def _demand(problem: str | None) -> None:
    if problem is not None:
        raise _DiffersError(problem)


def _checkpoint(walk: _Walk, record: Record) -> None:
    before = walk.last.get(record.rollout)
    _demand(signed_problem(record, before, walk.people) or unchanged_problem(record, before))
    said = record.entry()["statement"]
    if walk.ids.get(said["sequence"]) != said["sha256"]:
        raise _DiffersError("it is a checkpoint of another ledger")
    walk.checkpoints += 1


def _elsewhere(
    walk: _Walk, checkpoints: Sequence[Checkpoint], others: Sequence[str | Path]
) -> tuple[int | None, str] | None:
    """What is known from elsewhere and is not so here."""
    for one in checkpoints:
        if (found := one.problem(walk.ids, walk.people)) is not None:
            return found
        walk.checkpoints += 1
    return next((found for other in others if (found := fork(walk.ids, other)) is not None), None)


def _documents(walk: _Walk) -> str | None:
    """Every document is what its SHA-256 says, and some record names it."""
    for sha256, body in walk.book.all_documents():
        if digest(body) != sha256:
            return f"document {sha256} was altered after it was recorded"
        if sha256 not in walk.known:
            return f"document {sha256} is named by no record"
    return None


def _unguarded(book: Ledger) -> str | None:
    """The database refuses changes by itself, as it did when the ledger was made."""
    if not (names := book.unguarded()):
        return None
    return (
        f"the database no longer refuses changes as it did: its trigger {names[0]} is gone or another one"
        + (f", and so are {len(names) - 1} more" if len(names) > 1 else "")
        + "; find out who took it off, and let the ledger's owner make it again"
    )


#: What is checked of each kind of record, beside its bytes and its place.
_KINDS: dict[str, Callable[[_Walk, Record], None]] = {
    "decision": _decision,
    APPROVAL: _approval,
    HUMAN: _human,
    CHECKPOINT: _checkpoint,
    INCIDENT: _act,
    REVIEW: _act,
}
