"""Sources that consist of parts which change as a whole, such as files, and what tells that one has not changed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from rampgate.source.engine import Engine
from rampgate.source.files import Located

#: Bytes that are read of the beginning and of the end of a file: names and magic numbers, and Parquet's own directory.
_HEAD, _TAIL = 4096, 16384
#: Clocks of file systems are coarse: what was written so few seconds ago might be written again and look the same.
SETTLED_AFTER = 2.0


class Part(NamedTuple):
    """A part of a source.

    Attributes
    ----------
    name : what the column says that `Parted.only` adds
    digest : another one when its rows may be others
    settled : whether a later change is sure to give another digest
    """

    name: str
    digest: str
    settled: bool


@runtime_checkable
class Parted(Engine, Protocol):
    """An `Engine` whose rows lie in parts.

    Attributes
    ----------
    made_by : str
        What else answers depend on: the engine's version, and the columns as it sees them.
    opened : tuple of Part
        The parts as they were before the engine opened them: of a file that was replaced since it may hold the old one.
    """

    made_by: str
    opened: tuple[Part, ...]

    def parts(self) -> tuple[Part, ...]:
        """The parts as they are now; none where nothing tells whether they have changed."""
        ...

    def only(self, places: Sequence[int], label: str) -> Engine | None:
        """The rows of some parts, with the name of each row's part in a column ``label``.

        None where a part read alone would not give what it gives among the others, as its columns differ.
        The engine lives as long as this one and is not closed.
        """
        ...


def state_of(path: Path) -> Part:
    """What a file is now: where it lies, its size, when it was written or moved, and a digest of its two ends.

    The time of change cannot be set back, as that of modification can: a file whose times were kept is noticed.

    Raises
    ------
    OSError
        When it is gone.
    """
    now = time.time()
    with path.open("rb") as file:
        ends = file.read(_HEAD)
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        ends += file.read(_TAIL)
    stat = path.stat()
    facts = (str(path), stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    digest = hashlib.sha256(repr(facts).encode() + ends).hexdigest()
    return Part(str(path), digest, max(stat.st_mtime, stat.st_ctime) < now - SETTLED_AFTER)


def parts_of(files: Located) -> tuple[Part, ...]:
    """The files as they are now; a DuckDB file with its log is one part. Nothing when one is gone."""
    try:
        if files.kind != "duckdb":
            return tuple(map(state_of, files.paths))
        path = files.paths[0]
        log = path.with_name(f"{path.name}.wal")
        return (joined(str(path), [state_of(one) for one in (path, log) if one.exists()]),)
    except OSError:
        return ()


def joined(name: str, parts: Sequence[Part]) -> Part:
    """Several files that are one part, such as a database and its log."""
    digest = hashlib.sha256(" ".join(part.digest for part in parts).encode()).hexdigest()
    return Part(name, digest, all(part.settled for part in parts))
