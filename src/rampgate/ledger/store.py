"""The ledger in its database: one transaction per record, with the state and the documents it brings along."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from rampgate.errors import LedgerError, LedgerMoved, UsageError
from rampgate.ledger.chain import GENESIS, link
from rampgate.ledger.database import Database
from rampgate.ledger.place import open_database
from rampgate.ledger.record import Record, check_bytes, digest
from rampgate.ledger.schema import strange
from rampgate.ledger.sqlite import SQLite
from rampgate.ledger.tables import ensure_tables

_METADATA = sa.MetaData()
_RECORDS = sa.Table(
    "records",
    _METADATA,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rollout", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("previous_sha256", sa.String(64), nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.UniqueConstraint("key", name="records_key"),
    sa.UniqueConstraint("sha256", name="records_sha256"),
    sa.Index("records_rollout", "rollout", "sequence"),
)
_DOCUMENTS = sa.Table(
    "documents",
    _METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

_PAGE = 100  # records read in one transaction; a long read would keep writers waiting
_AT_ONCE = 500  # values in one IN (...); SQLite before 3.32 takes no more than 999


class Ledger:
    """An append-only ledger in SQLite or PostgreSQL. Every record names the SHA-256 of the one before it.

    Many processes may use one ledger. A record is written whole or not at all, together with the
    state in it and its documents; nothing in the ledger is ever changed or deleted.

    Use `open`; an instance holds no connection, so it needs no closing and survives a fork.

    Attributes
    ----------
    where : str
        Path or URL for people; never with a password.
    folder : Path
        Where the project that it belongs to is looked for: that of its file, or the present one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._engine = database.engine
        self.where = database.name
        self.folder = database.folder

    @classmethod
    def open(cls, where: str | Path, create: bool = True) -> Ledger:
        """Open the ledger at a path, or at a URL: ``sqlite:///path`` or ``postgresql://user@host/database``.

        Parameters
        ----------
        where : str or Path
            A URL of PostgreSQL is one as libpq reads it, and may end with ``?schema=NAME``.
        create : bool
            Whether a ledger that does not exist yet is made.

        Raises
        ------
        LedgerError
            There is none and ``create`` is false; what is there is no ledger, or one of a newer version; it cannot be
            read or written, or its server cannot be reached.
        """
        database = open_database(where, create=create)
        ensure_tables(database, create=create)
        return cls(database)

    @property
    def path(self) -> Path:
        """The file of a ledger in SQLite; `where` names every ledger.

        Raises
        ------
        UsageError
            It is on a server.
        """
        if isinstance(self._database, SQLite):
            return self._database.path
        raise UsageError("this ledger is no file", where=self.where, remedy="name it by its URL")

    def last(self, rollout: str, kind: str | Collection[str] | None = None) -> Record | None:
        """Return the rollout's last record, or its last of a kind or of some kinds.

        Its ``state()`` and ``sha256`` belong together. Who appends takes both from one call without a kind: the state
        to go on from, the hash as ``expected_head``.
        """
        with self._transaction() as connection:
            return _last(connection, rollout, kind)

    def head(self) -> Record | None:
        """Return the ledger's last record, whatever its rollout."""
        with self._transaction() as connection:
            return _last(connection, None)

    def state(self, rollout: str) -> dict[str, Any] | None:
        """Return where the rollout stands after its last record; None for a rollout without any."""
        record = self.last(rollout)
        return None if record is None else record.state()

    def find(self, key: str) -> Record | None:
        """Return the record with this key, if there is one."""
        with self._transaction() as connection:
            return _find(connection, key)

    def get(self, id_or_prefix: str) -> Record:
        """Return the record whose SHA-256 begins with these four or more hexadecimal digits.

        Raises
        ------
        UsageError
            It is no such prefix, no record has it, or several have.
        """
        prefix = id_or_prefix.lower()
        if not re.fullmatch(r"[0-9a-f]{4,64}", prefix):
            raise UsageError(
                "a decision's id is 4 to 64 hexadecimal digits",
                where=repr(id_or_prefix),
                remedy="copy it from `rampgate history`",
            )
        # "g" sorts just after "f": a range, which the index serves.
        query = sa.select(_RECORDS).where(_RECORDS.c.sha256.between(prefix, prefix + "g")).limit(2)
        with self._transaction() as connection:
            found = [_record(row) for row in connection.execute(query)]
        if len(found) == 1:
            return found[0]
        raise UsageError(
            "several records begin with this id" if found else "no record has this id",
            where=f"{self.where}, {id_or_prefix}",
            remedy="give more digits" if found else "copy it from `rampgate history`",
        )

    def records(self, rollout: str | None = None, kind: str | None = None) -> Iterator[Record]:
        """Yield the records in order, of one rollout or kind or of all, up to the last at the time of the call."""
        return (_record(row) for row in self._rows(rollout, (), kind))

    def first_of_attempts(self, rollout: str, kind: str) -> list[Record]:
        """Return the first record of a kind of each attempt of a rollout, in order."""
        mine = _of(sa.select(sa.func.min(_RECORDS.c.sequence)), rollout, kind).group_by(_RECORDS.c.attempt)
        query = sa.select(_RECORDS).where(_RECORDS.c.sequence.in_(mine)).order_by(_RECORDS.c.sequence)
        with self._transaction() as connection:
            return [_record(row) for row in connection.execute(query)]

    def before(self, rollout: str) -> dict[str, str | None]:
        """Return the id of each record of a rollout with that of the rollout's record before it."""
        query = sa.select(_RECORDS.c.sha256).where(_RECORDS.c.rollout == rollout).order_by(_RECORDS.c.sequence)
        with self._transaction() as connection:
            ids = list(connection.scalars(query))
        return dict(zip(ids, [None, *ids], strict=False))

    def latest_before(self, sequence: int) -> datetime | None:
        """Return the latest ``recorded_at`` of the records before one; reads all of them, so ask seldom."""
        query = sa.select(_RECORDS.c.recorded_at).where(_RECORDS.c.sequence < sequence)
        with self._transaction() as connection:
            return max(map(datetime.fromisoformat, connection.scalars(query)), default=None)

    def excerpts(self, rollout: str, paths: Sequence[str]) -> Iterator[list[Any]]:
        """Yield chosen values of each record of a rollout, in order; a long history is told without reading all of it.

        Parameters
        ----------
        rollout : str
        paths : sequence of str
            Two or more SQL/JSON paths into `Record.content`, such as ``$.entry.decision.look``; what a record lacks
            is None.

        Raises
        ------
        LedgerError
            A record's bytes are no longer those that were recorded.
        """
        columns, pick = self._database.picking(_RECORDS.c.body, paths)
        for row in self._rows(rollout, columns):
            check_bytes(_bytes(row.body), row.sha256, row.sequence)
            yield pick(row)

    def rollouts(self) -> list[str]:
        """Return the names of the rollouts, in the order of their first records; what is no rollout's is left out."""
        names = sa.select(_RECORDS.c.rollout).where(~_RECORDS.c.rollout.startswith(":"))
        first = sa.func.min(_RECORDS.c.sequence)
        with self._transaction() as connection:
            return list(connection.scalars(names.group_by(_RECORDS.c.rollout).order_by(first)))

    def document(self, sha256: str) -> bytes:
        """Return the document with this SHA-256.

        Raises
        ------
        LedgerError
            The ledger does not have it, or its bytes are no longer those that were recorded.
        """
        return self.documents([sha256])[sha256]

    def documents(self, sha256s: Iterable[str]) -> dict[str, bytes]:
        """Return the documents with these SHA-256s by their SHA-256, all of them or none.

        Raises
        ------
        LedgerError
            The ledger does not have one, or its bytes are no longer those that were recorded.
        """
        wanted, found = sorted(set(sha256s)), dict[str, bytes]()
        with self._transaction() as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                some = _DOCUMENTS.c.sha256.in_(wanted[start : start + _AT_ONCE])
                found |= {row.sha256: _bytes(row.body) for row in connection.execute(sa.select(_DOCUMENTS).where(some))}
        for sha256 in wanted:
            body = found.get(sha256)
            if body is None or digest(body) != sha256:
                what = "is not in the ledger" if body is None else "was altered after it was recorded"
                raise LedgerError(
                    f"document {sha256} {what}",
                    where=self.where,
                    remedy="restore the ledger from a backup; the decisions that name it cannot be recomputed",
                )
        return found

    def all_documents(self) -> Iterator[tuple[str, bytes]]:
        """Yield every document with the SHA-256 under which it is kept, unchecked, in the order of the SHA-256s."""
        after = ""
        while True:
            some = sa.select(_DOCUMENTS).where(_DOCUMENTS.c.sha256 > after).order_by(_DOCUMENTS.c.sha256).limit(_PAGE)
            with self._transaction() as connection:
                rows = [(row.sha256, _bytes(row.body)) for row in connection.execute(some)]
            yield from rows
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def unguarded(self) -> list[str]:
        """Return the names of the triggers against changes that are not there, or not as they were made."""
        with self._transaction() as connection:
            return self._database.unguarded(connection)

    def has_documents(self, sha256s: Iterable[str]) -> set[str]:
        """Return those of the SHA-256s whose documents are in the ledger already."""
        with self._transaction() as connection:
            return _present(connection, sha256s)

    def count(self, last: int) -> int:
        """Return how many records have this number or a lower one, those among them that no reader reaches too."""
        query = sa.select(sa.func.count()).select_from(_RECORDS).where(_RECORDS.c.sequence <= last)
        with self._transaction() as connection:
            return connection.scalar(query) or 0

    def strange(self) -> list[str]:
        """Return in words what of the tables is gone, added or another one."""
        with self._transaction() as connection:
            return strange(connection, (_RECORDS, _DOCUMENTS))

    def append(
        self,
        *,
        rollout: str,
        attempt: int,
        kind: str,
        key: str,
        body: Mapping[str, Any],
        documents: Mapping[str, bytes],
        state: Mapping[str, Any],
        expected_head: str | None,
        recorded_at: str,
    ) -> Record:
        """Append a record with the state it leads to and the documents it names, in one transaction.

        Parameters
        ----------
        rollout : str
        attempt : int
            From 1.
        kind : str
            ``"decision"``.
        key : str
            What was asked (see `look_key`). If it was recorded before, that record is returned and
            nothing is written.
        body : mapping
            What is recorded, as JSON values; `Record.entry` gives it back.
        documents : mapping of str to bytes
            By SHA-256. Those in the ledger already are skipped, and may be left out.
        state : mapping
            Where the rollout stands after this record, as JSON values.
        expected_head : str or None
            SHA-256 of the rollout's last record when its state was read; None if it had none.
        recorded_at : str
            ISO 8601 with an offset.

        Raises
        ------
        LedgerMoved
            The rollout's last record is another one: read the state again and judge again.
        LedgerError
            The record cannot be written. The ledger is as it was.
        """
        _check_documents(documents)
        with self._transaction(write=True) as connection:
            if (before := _find(connection, key)) is not None:
                _check_found(before, rollout, attempt, kind)
                return before
            _check_head(connection, rollout, expected_head)
            head = _last(connection, None)
            record = link(
                sequence=1 if head is None else head.sequence + 1,
                previous_sha256=GENESIS if head is None else head.sha256,
                rollout=rollout,
                attempt=attempt,
                kind=kind,
                key=key,
                entry=body,
                state=state,
                recorded_at=recorded_at,
            )
            _add_documents(connection, documents)
            connection.execute(sa.insert(_RECORDS), [vars(record)])
            _check_written(connection, record, documents)
        return record

    def _transaction(self, *, write: bool = False) -> AbstractContextManager[sa.Connection]:
        return self._database.transaction(write=write)

    def _rows(
        self, rollout: str | None, further: Sequence[sa.ColumnElement[Any]], kind: str | None = None
    ) -> Iterator[sa.Row[Any]]:
        """The rows of records with further columns, up to the last record at the time of the call."""
        with self._transaction() as connection:
            end = connection.scalar(sa.select(sa.func.max(_RECORDS.c.sequence))) or 0
        query = _of(sa.select(_RECORDS, *further), rollout, kind)
        return self._pages(query.order_by(_RECORDS.c.sequence).limit(_PAGE), end)

    def _pages(self, query: sa.Select[Any], end: int) -> Iterator[sa.Row[Any]]:
        after = 0
        while True:
            with self._transaction() as connection:
                rows = connection.execute(query.where(_RECORDS.c.sequence.between(after + 1, end))).all()
            yield from rows
            if len(rows) < _PAGE:
                return
            after = rows[-1].sequence


def _record(row: sa.Row[Any]) -> Record:
    record = Record(**{**row._mapping, "body": _bytes(row.body)})
    record.check()
    return record


def _bytes(value: Any) -> bytes:
    # SQLite columns hold any type; what was altered must reach the check of its hash.
    return value if isinstance(value, bytes) else str(value).encode()


def _find(connection: sa.Connection, key: str) -> Record | None:
    row = connection.execute(sa.select(_RECORDS).where(_RECORDS.c.key == key)).one_or_none()
    return None if row is None else _record(row)


def _of(query: sa.Select[Any], rollout: str | None, kind: str | Collection[str] | None) -> sa.Select[Any]:
    if rollout is not None:
        query = query.where(_RECORDS.c.rollout == rollout)
    if kind is None:
        return query
    return query.where(_RECORDS.c.kind.in_([kind] if isinstance(kind, str) else sorted(kind)))


def _last(connection: sa.Connection, rollout: str | None, kind: str | Collection[str] | None = None) -> Record | None:
    query = _of(sa.select(_RECORDS), rollout, kind).order_by(_RECORDS.c.sequence.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else _record(row)


def _check_found(found: Record, rollout: str, attempt: int, kind: str) -> None:
    """A record that has the key of a question answers it only if it is a record of the same, with a place in order."""
    same = (found.rollout, found.attempt, found.kind) == (rollout, attempt, kind)
    if not same or found.sequence < 1:
        raise LedgerError(
            "a record of something else has the key of what was asked",
            where=f"record {found.sequence}, rollout {found.rollout}",
            remedy="run `rampgate verify`: somebody else than rampgate wrote it",
        )


def _check_head(connection: sa.Connection, rollout: str, expected: str | None) -> None:
    query = sa.select(_RECORDS.c.sha256).where(_RECORDS.c.rollout == rollout)
    head = connection.scalar(query.order_by(_RECORDS.c.sequence.desc()).limit(1))
    if head != expected:
        raise LedgerMoved(
            "another process has recorded for this rollout since its state was read",
            where=f"rollout {rollout}",
            remedy="check again: the decision must follow from the rollout's new state",
        )


def _check_written(connection: sa.Connection, record: Record, documents: Collection[str]) -> None:
    """A trigger or rule of somebody can swallow an insert without an error; what is not there is not told."""
    if _find(connection, record.key) != record or _present(connection, documents) != set(documents):
        raise LedgerError(
            "the database took the record without an error and does not have it",
            where=f"rollout {record.rollout}",
            remedy="run `rampgate verify`, which names triggers that are not the ledger's; nothing was recorded",
        )


def _present(connection: sa.Connection, sha256s: Iterable[str]) -> set[str]:
    wanted, present = sorted(set(sha256s)), set[str]()
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        present.update(connection.scalars(sa.select(_DOCUMENTS.c.sha256).where(_DOCUMENTS.c.sha256.in_(some))))
    return present


def _check_documents(documents: Mapping[str, bytes]) -> None:
    for sha256, body in documents.items():
        if digest(body) != sha256:
            raise LedgerError(
                f"a document is given as {sha256} and is {digest(body)}",
                remedy="this is a defect of the program that made the record; nothing was recorded",
            )


def _add_documents(connection: sa.Connection, documents: Mapping[str, bytes]) -> None:
    present = _present(connection, documents)
    rows = [{"sha256": name, "body": body} for name, body in documents.items() if name not in present]
    if rows:
        connection.execute(sa.insert(_DOCUMENTS), rows)
