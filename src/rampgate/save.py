"""A file that is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from rampgate.errors import UsageError

_SQLITE = b"SQLite format 3"


def refuse_existing(path: Path, force: bool) -> None:
    """A file that somebody may have worked on is not overwritten unasked, and a ledger or other database never."""
    if path.is_dir():
        raise UsageError("this is a folder", where=str(path), remedy="name the file that is to be written")
    if _is_database(path):
        raise UsageError(
            "the file is a database, which may be a ledger, and is never overwritten",
            where=str(path),
            remedy="name another with --out",
        )
    if path.exists() and not force:
        raise UsageError(
            "the file exists and is not overwritten", where=str(path), remedy="name another with --out, or use --force"
        )
    if not path.parent.is_dir():
        raise UsageError("there is no such folder", where=str(path.parent), remedy="make it, or name another --out")


def save(text: str, path: Path, force: bool = False, remedy: str = "name another file with --out") -> None:
    """Write a text file beside itself first, then put it into place.

    Parameters
    ----------
    remedy : what else can be done where the file cannot be written
    """
    refuse_existing(path, force)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            Path(name).chmod(_mode(path))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(
            f"the file cannot be written ({error.strerror})",
            where=str(path),
            remedy=f"give this user permission to write there, or {remedy}",
        ) from error


def _is_database(path: Path) -> bool:
    """Whether it is a file of SQLite, as ledgers are."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False  # not there, or not to be read: what follows says so


def _mode(path: Path) -> int:
    """That of the file which is replaced, or of any new file."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
