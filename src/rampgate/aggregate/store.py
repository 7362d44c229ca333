"""What was read of parts of a source, kept in a folder: small files of arrays, each written whole or not at all.

Nothing depends on it. Whatever is missing, cut short, changed, from another version or not to be read is read from the
source again; what cannot be written is not kept. Files are named for what they answer, so that several processes
write the same thing under one name, and whoever comes last wins.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rampgate.source import Array

_MAGIC = b"rampgate kept 2\n"
_CHECK = 16
_SUFFIX, _BEGUN = ".kept", ".begun"
#: Bytes that the folder may hold where nobody says otherwise.
LIMIT = 1_000_000_000


class Entry(NamedTuple):
    """Tables of arrays, and under what conditions they hold, as JSON."""

    meta: dict[str, Any]
    tables: dict[str, dict[str, Array]]


@dataclass
class Store:
    """A folder of entries.

    Parameters
    ----------
    folder : made when something is first kept
    limit : bytes; what was not used for longest goes first
    """

    folder: Path
    limit: int = LIMIT
    _used: set[str] = field(default_factory=set)
    _wrote: bool = False

    def get(self, name: str) -> Entry | None:
        """The entry of a name; None where there is none that is whole."""
        try:
            content = self._path(name).read_bytes()
            entry = _unpacked(content)
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None
        self._used.add(name)
        return entry

    def put(self, name: str, entry: Entry) -> None:
        """Keep an entry if that is possible."""
        try:
            self._make()
            handle, beside = tempfile.mkstemp(prefix=".", suffix=_BEGUN, dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_packed(entry))
                Path(beside).replace(self._path(name))
            except BaseException:
                Path(beside).unlink(missing_ok=True)
                raise
        except OSError:
            return
        self._used.add(name)
        self._wrote = True

    def _make(self) -> None:
        """The folder, which is nobody's to commit."""
        if not self.folder.is_dir():
            self.folder.mkdir(exist_ok=True)
            (self.folder / ".gitignore").write_text("*\n", "utf-8")

    def close(self) -> None:
        """Note what was used, and make room where the folder has become too large."""
        for name in self._used:
            with suppress(OSError):  # another look has made room meanwhile
                os.utime(self._path(name))
        if not self._wrote:
            return
        try:
            found = [(path, path.stat()) for path in self.folder.iterdir() if path.suffix in (_SUFFIX, _BEGUN)]
            total = sum(stat.st_size for _, stat in found)
            # What this look used goes last. What a process left unfinished goes first, or will.
            found.sort(key=lambda item: (item[0].stem in self._used, item[1].st_mtime))
            for path, stat in found:
                if total <= self.limit:
                    break
                path.unlink(missing_ok=True)
                total -= stat.st_size
        except OSError:
            return

    def size(self) -> tuple[int, int]:
        """Entries, and bytes that they take."""
        try:
            sizes = [path.stat().st_size for path in self.folder.iterdir() if path.suffix == _SUFFIX]
        except OSError:
            return 0, 0
        return len(sizes), sum(sizes)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{_SUFFIX}"


def _packed(entry: Entry) -> bytes:
    """Magic, length of the header, the header as JSON, the arrays, a check sum."""
    blocks: list[bytes] = []
    tables: dict[str, list[list[Any]]] = {}
    for table, columns in entry.tables.items():
        tables[table] = []
        for name, values in columns.items():
            words = None
            if values.dtype.kind == "O":
                place = {word: i for i, word in enumerate(dict.fromkeys(values.tolist()))}
                words = list(place)
                values = np.fromiter(map(place.__getitem__, values.tolist()), dtype=np.int64, count=len(values))
            tables[table].append([name, values.dtype.str, len(values), words])
            blocks.append(np.ascontiguousarray(values).tobytes())
    header = json.dumps({"meta": entry.meta, "tables": tables}).encode()
    content = b"".join((_MAGIC, len(header).to_bytes(8, "little"), header, *blocks))
    return content + _sum(content)


def _unpacked(content: bytes) -> Entry:
    """The entry that was packed.

    Raises
    ------
    ValueError, KeyError, TypeError, OverflowError
        When it is not whole.
    """
    body, check = memoryview(content)[:-_CHECK], content[-_CHECK:]
    if not content.startswith(_MAGIC) or _sum(body) != check:
        raise ValueError("not whole")
    at = len(_MAGIC) + 8
    length = int.from_bytes(body[len(_MAGIC) : at], "little")
    header = json.loads(bytes(body[at : at + length]))
    at += length
    tables: dict[str, dict[str, Array]] = {}
    for table, columns in header["tables"].items():
        tables[table] = {}
        for name, kind, count, words in columns:
            values = np.frombuffer(body, dtype=np.dtype(kind), count=count, offset=at)
            at += values.nbytes
            tables[table][name] = values if words is None else _worded(words, values)
    return Entry(header["meta"], tables)


def _worded(words: list[Any], codes: Array) -> Array:
    out = np.empty(len(words), dtype=object)
    out[:] = words
    return np.asarray(out[codes])


def _sum(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECK).digest()


def name_of(facts: Mapping[str, Any]) -> str:
    """The name of an entry, of everything that its content depends on."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:40]
