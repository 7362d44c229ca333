"""``rampgate.toml``: the people of a project with their public keys, its ledger, and what its looks may keep.

Whoever may change it decides whose word counts. Where people are listed, every policy of the project must name who
approves it, unless the file says otherwise; a nearer file that lists nobody does not take that back.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from rampgate.errors import UsageError
from rampgate.people.keys import public_bytes
from rampgate.policy.names import parse_name

PROJECT = "rampgate.toml"
_EXAMPLE = 'write entries as [[people]] with name = "lee" and key = "ed25519:...", as `rampgate key new` prints them'
_LEDGER = 'write the path or URL before the first [[people]], as ledger = "postgresql://gate@db.example/rampgate"'


@dataclass(frozen=True)
class Key:
    """A public key of a person; from the day on which it is retired (00:00 UTC) it signs nothing more."""

    person: str
    public: str
    retired: date | None = None

    def signs(self, at: datetime) -> bool:
        """Whether what was signed at a moment counts."""
        return self.retired is None or at < datetime.combine(self.retired, time(), UTC)


@dataclass(frozen=True)
class People:
    """Whose signatures count.

    Attributes
    ----------
    where : the file they are from
    approval_required : whether every policy of the project must name who approves it
    """

    where: str
    keys: tuple[Key, ...]
    approval_required: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody, once."""
        return tuple(dict.fromkeys(key.person for key in self.keys))

    def stranger(self, person: str, public: str, at: datetime) -> str | None:
        """Why what a key signed at a moment is not that person's word, or None.

        Parameters
        ----------
        at : no earlier than it was really signed
        """
        mine = [key for key in self.keys if (key.person, key.public) == (person, public)]
        if not mine:
            return f"it is signed as {person} with a key that {self.where} does not know for them"
        if not any(key.signs(at) for key in mine):
            return f"it is signed as {person} on {at:%Y-%m-%d} with a key that was retired on {mine[0].retired}"
        return None

    def retired(self, public: str) -> bool:
        """Whether a key is one that was retired."""
        return any(key.public == public and key.retired is not None for key in self.keys)

    def to_dict(self) -> dict[str, Any]:
        """As a record keeps it: without the place, which is another one on every machine."""
        entries = [
            {"name": key.person, "key": key.public, "retired": key.retired.isoformat() if key.retired else None}
            for key in self.keys
        ]
        return {"approval_required": self.approval_required, "people": entries}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str) -> People:
        """The people of a record; parameters as the attributes."""
        keys = tuple(
            Key(one["name"], one["key"], date.fromisoformat(one["retired"]) if one["retired"] else None)
            for one in data["people"]
        )
        return cls(where, keys, data["approval_required"])

    def refuse_stranger(self, person: str, public: str) -> None:
        """Refuse to sign as somebody with a key that is not theirs.

        Raises
        ------
        UsageError
        """
        if person not in self.names:
            raise UsageError(
                f"nobody called {person!r} is among the people of this project",
                where=self.where,
                remedy=f"the people are {', '.join(self.names) or 'none yet'}; {_EXAMPLE}",
            )
        if self.stranger(person, public, datetime.now(UTC)) is not None:
            raise UsageError(
                f"the key {public} is not one that {person} signs with",
                where=self.where,
                remedy=f"name another key with --key, or let it be added to {PROJECT}",
            )


def find_project(start: Path) -> Path | None:
    """The file of the project that a folder belongs to: the nearest ``rampgate.toml`` in it or above it."""
    return next(_files(start), None)


def _files(start: Path) -> Iterator[Path]:
    """Every ``rampgate.toml`` in a folder or above it, the nearest first."""
    here = start.resolve()
    return (path for folder in (here, *here.parents) if (path := folder / PROJECT).is_file())


def find_people(start: Path) -> People | None:
    """The people of the project that a folder belongs to; None where no file names any or asks for approvals.

    A file that names nobody hides nothing: those of the nearest one above that does are the people, and approvals are
    asked for where one of the files on the way asks for them.

    Raises
    ------
    UsageError
        A file on the way says something that no project's file says.
    """
    found: People | None = None
    for path in _files(start):
        content = read_project(path)
        if not {"people", "approval_required"} & content.keys():
            continue
        here = _people(path, content)
        asked = here.approval_required or (found is not None and found.approval_required)
        if here.keys:
            return replace(here, approval_required=asked)
        found = replace(found or here, approval_required=asked)
    return found


def find_megabytes(start: Path) -> int | None:
    """How much the project that a folder belongs to lets looks keep; None where it does not say.

    Raises
    ------
    UsageError
        The file says it otherwise.
    """
    path = find_project(start)
    store = None if path is None else read_project(path).get("store")
    if store is None:
        return None
    megabytes = store.get("megabytes") if isinstance(store, Mapping) else None
    if type(megabytes) is not int or megabytes < 0 or len(store) > 1:
        remedy = "write [store] and below it megabytes = 500, or megabytes = 0 to keep nothing"
        raise UsageError("store says something else than megabytes", where=str(path), remedy=remedy)
    return megabytes


def find_ledger(start: Path) -> str | Path | None:
    """The ledger that the nearest ``rampgate.toml`` names; a path is taken from its folder. None where it names none.

    Raises
    ------
    UsageError
        What it says is neither a path nor a URL, or holds a password.
    """
    path = find_project(start)
    named = None if path is None else read_project(path).get("ledger")
    if path is None or named is None:
        return None
    if not isinstance(named, str) or not named:
        raise UsageError("the ledger is no text", where=str(path), remedy=_LEDGER)
    if "://" not in named:
        return path.parent / named
    if named.startswith("sqlite"):
        raise UsageError(
            "a ledger in a file is named by its path", where=str(path), remedy='write ledger = "rampgate.db"'
        )
    if re.search(r"://[^/?@]*:[^/@]*@|[?&](ssl)?password=", named):
        raise UsageError(
            "the ledger's URL holds a password, and this file is for many eyes",
            where=str(path),
            remedy="leave the password out; it is read from PGPASSWORD or ~/.pgpass",
        )
    return named


def read_project(path: Path) -> dict[str, Any]:
    """What a project's file says; its table ``review`` is for `rampgate.incident.settings`.

    Raises
    ------
    UsageError
        It cannot be read, or has a key that no project's file has.
    """
    where = str(path)
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"this cannot be read: {error}", where=where, remedy=_EXAMPLE) from None
    if unknown := content.keys() - {"people", "approval_required", "ledger", "review", "store"}:
        raise UsageError(f"there is no key {min(unknown)!r} here", where=where, remedy=f"{_EXAMPLE}; {_LEDGER}")
    return content


def entry(person: str, make: Callable[[], str]) -> str:
    """The entry of a new key for ``rampgate.toml``, ready to be appended.

    Parameters
    ----------
    make : makes the key, once the name is known to be one, and returns its public half

    Raises
    ------
    UsageError
        The name cannot be used.
    """
    try:
        name = parse_name(person)
    except PydanticCustomError as error:
        raise UsageError(error.message(), where="--as", remedy=_EXAMPLE) from None
    return f"[[people]]\nname = {json.dumps(name, ensure_ascii=False)}\nkey = {json.dumps(make())}\n"


def _people(path: Path, content: Mapping[str, Any]) -> People:
    where, entries = str(path), content.get("people", [])
    if not isinstance(entries, list):
        raise UsageError("people is no list of entries", where=where, remedy=_EXAMPLE)
    required = content.get("approval_required", bool(entries))
    if not isinstance(required, bool):
        remedy = "write approval_required = true or approval_required = false above the first [[people]]"
        raise UsageError(f"approval_required is {required!r}", where=where, remedy=remedy)
    keys = tuple(_key(entry, f"{where}, entry {number}") for number, entry in enumerate(entries, start=1))
    for key in keys:
        owners = {other.person for other in keys if other.public == key.public}
        if len(owners) > 1:
            what = f"{' and '.join(sorted(owners))} have the same key"
            raise UsageError(what, where=where, remedy="a key is one person's; take it out of the other entry")
    return People(where, keys, required)


def _key(entry: Any, where: str) -> Key:
    if not isinstance(entry, Mapping) or not {"name", "key"} <= entry.keys() <= {"name", "key", "retired"}:
        raise UsageError("an entry has a name and a key, and nothing else but retired", where=where, remedy=_EXAMPLE)
    retired = entry.get("retired")
    if retired is not None and type(retired) is not date:
        what = f"retired is {retired!r}"
        raise UsageError(what, where=where, remedy="write the day without quotes, as retired = 2026-05-01")
    if not isinstance(entry["key"], str):
        raise UsageError("the key is no text", where=where, remedy=_EXAMPLE)
    try:
        person = parse_name(entry["name"])
        public_bytes(entry["key"])
    except PydanticCustomError as error:
        raise UsageError(error.message(), where=where, remedy=_EXAMPLE) from None
    except ValueError as error:
        raise UsageError(str(error), where=where, remedy=_EXAMPLE) from None
    return Key(person, entry["key"], retired)
