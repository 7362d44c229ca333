"""A ledger from its first record to its last; the first that differs is named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rampgate.errors import LedgerError, NewerLedger, RampgateError
from rampgate.ledger import GENESIS, Ledger, Record, canonical, digest
from rampgate.people import People, find_people
from rampgate.rollout.approvals import Given, asked_before
from rampgate.rollout.archive import named
from rampgate.rollout.checkpoint import Checkpoint, fork
from rampgate.rollout.incidents import kpi_parts
from rampgate.rollout.newer import refuse_newer
from rampgate.rollout.signed import APPROVAL, CHECKPOINT, HUMAN, INCIDENT, REVIEW
from rampgate.rollout.verify.decision import recompute
from rampgate.rollout.verify.incidents import Told, document_problem, unsigned_problem
from rampgate.rollout.verify.mandate import Heard, known_at, moments_problem, people_problem, stood
from rampgate.rollout.verify.signed import order_problem, signed_problem, unchanged_problem


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes
    ----------
    records : records that are whole, in order, up to the first that is not
    ok : whether all of the ledger is, and its signatures were held against the keys of the project's people
    first_bad : sequence of the first record that differs; None where none does, or where no record is to blame
    problem : what is wrong
    head : SHA-256 of the last whole record
    recomputed : decisions that were judged again
    reworded : those of them whose words another version put differently
    older : decisions of earlier statistics, whose numbers this version cannot judge again
    checkpoints : those in the ledger, and those kept elsewhere, that it agrees with
    unheld : signatures that were held against the keys that their records name, which anybody can make
    compared : records of other copies that were held against it
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
    unheld: int = 0
    compared: int = 0

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
    heard: dict[str, Heard] = field(default_factory=lambda: defaultdict(Heard))
    latest: datetime | None = None
    unheld: int = 0
    ids: dict[int, str] = field(default_factory=dict)
    checkpoints: int = 0
    compared: int = 0
    documents: dict[str, bytes] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    recomputed: int = 0
    reworded: int = 0
    older: int = 0
    statistics: int = 0
    signed: bool = False
    asked: bool = False
    told: dict[str, Told] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parts = kpi_parts(self.read)

    def tells(self, rollout: str) -> Told:
        """What the records of a rollout told of incidents so far."""
        return self.told.setdefault(rollout, Told(self.parts))

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
    people : whose signatures count; those of the ledger's folder or above it, else of the present one, when left out.
        Without any no ledger with signatures is `ok`
    checkpoints : that were kept elsewhere
    others : copies of the ledger or exports, of which it must be the continuation

    Raises
    ------
    NewerLedger
        The ledger, or a record in it, is of a newer version.
    """
    walk = _Walk(book, people or find_people(book.folder) or find_people(Path()))
    problem: str | None = None
    first_bad: int | None = None
    try:
        for record in book.records():
            say(f"record {walk.sequence + 1}")
            _one(walk, record)
        say("documents")
        problem = _beside(walk) or _documents(walk)
        found = None if problem is not None else _elsewhere(walk, checkpoints, others)
        if found is not None:
            first_bad, problem = found
        problem = problem or _unguarded(book) or _strange(book)
    except NewerLedger:
        raise
    except _DiffersError as error:
        problem, first_bad = str(error), walk.sequence + 1
    except LedgerError as error:
        problem, first_bad = error.what, walk.sequence + 1
    return Verification(
        walk.sequence,
        problem is None and not walk.unheld,
        first_bad,
        problem,
        walk.head,
        walk.recomputed,
        walk.reworded,
        walk.older,
        walk.checkpoints,
        walk.unheld,
        walk.compared,
    )


def _one(walk: _Walk, record: Record) -> None:
    expected = walk.sequence + 1
    if record.sequence != expected:
        raise _DiffersError(f"record {expected} is not there; record {record.sequence} follows")
    if record.previous_sha256 != walk.head:
        raise _DiffersError("it does not name the SHA-256 of the record before it")
    try:
        refuse_newer(record)
        if canonical(record.content()) != record.body:
            _demand("its bytes are not the canonical ones of what it says")
        _onward(walk, record)
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
    at = datetime.fromisoformat(record.recorded_at)
    walk.latest = at if walk.latest is None else max(walk.latest, at)


def _onward(walk: _Walk, record: Record) -> None:
    """What earlier statistics decided is not judged again, so nobody may go back; signed records say theirs."""
    made = int(record.entry()["versions"]["statistics"])
    if made < walk.statistics:
        _demand(f"it says that it was made by statistics {made}, and a record before it by {walk.statistics}")
    walk.statistics = made


def _decision(walk: _Walk, record: Record) -> None:
    inputs, heard = record.entry()["inputs"], walk.heard[record.rollout]
    walk.known.update(named(inputs))
    known = known_at(record, heard, walk.read)
    stands = stood(known, heard, walk.read)
    found = recompute(record, None if stands is None else stands.state, walk.read)
    _demand(found.problem or people_problem(record, known, stands, heard, walk.read))
    _demand(moments_problem(record, heard, stands, walk.read))
    told = walk.tells(record.rollout)
    told.asked = walk.asked
    _demand(told.reviews_problem(record, known, lambda one: heard.latest.get(one.sha256)) or told.take(record))
    walk.asked = told.asked
    if heard.running not in (None, record.state()["candidate"]):
        heard.spend(str(heard.running))
    heard.under_approval |= asked_before(inputs)
    heard.keyed |= inputs.get("people", {}).get("keys") is not None
    heard.look = record
    walk.recomputed += not found.older
    walk.older += found.older
    walk.reworded += not found.words


def _approval(walk: _Walk, record: Record) -> None:
    given, heard = Given.of(record), walk.heard[record.rollout]
    _signed(walk, record)
    _demand(unchanged_problem(record, walk.last.get(record.rollout)))
    for sha256 in (given.policy_sha256, given.simulation):
        if sha256 is not None:
            walk.read(sha256)
            walk.known.add(sha256)
    heard.approvals.append(record)
    heard.under_approval = True


def _human(walk: _Walk, record: Record) -> None:
    heard = walk.heard[record.rollout]
    _signed(walk, record)
    _demand(order_problem(record, walk.last.get(record.rollout), heard.look, walk.read))
    _demand(walk.tells(record.rollout).take(record))
    heard.orders.append(record)


def _act(walk: _Walk, record: Record) -> None:
    """What a person recorded of an incident."""
    _signed(walk, record)
    _demand(unchanged_problem(record, walk.last.get(record.rollout)))
    signed = walk.signed or walk.heard[record.rollout].keyed
    _demand(unsigned_problem(record, signed) or walk.tells(record.rollout).take(record))
    problem, names = document_problem(record, walk.read)
    _demand(problem)
    walk.known.update(names)


def _signed(walk: _Walk, record: Record) -> None:
    """Check what is the same of all that people sign."""
    _demand(signed_problem(record, walk.last.get(record.rollout), walk.people, walk.latest))
    walk.heard[record.rollout].latest[record.sha256] = walk.latest
    walk.unheld += walk.people is None and record.entry()["signature"] is not None


def _demand(problem: str | None) -> None:
    if problem is not None:
        raise _DiffersError(problem)


def _checkpoint(walk: _Walk, record: Record) -> None:
    _signed(walk, record)
    _demand(unchanged_problem(record, walk.last.get(record.rollout)))
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
    for other in others:
        count, found = fork(walk.ids, other)
        walk.compared += count
        if found is not None:
            return found
    return None


def _beside(walk: _Walk) -> str | None:
    """No record stands before the first, where no reader in order comes by and a key would still find it."""
    more = walk.book.count(walk.sequence) - walk.sequence
    return f"{more} more stand beside the records 1 to {walk.sequence}: somebody inserted them" if more else None


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


def _strange(book: Ledger) -> str | None:
    """The database has the ledger's tables as they were made, and a file has nothing else."""
    said = book.strange()
    return f"{'; '.join(said[:3])}: somebody changed the database beside the records" if said else None


#: What is checked of each kind of record, beside its bytes and its place.
_KINDS: dict[str, Callable[[_Walk, Record], None]] = {
    "decision": _decision,
    APPROVAL: _approval,
    HUMAN: _human,
    CHECKPOINT: _checkpoint,
    INCIDENT: _act,
    REVIEW: _act,
}
