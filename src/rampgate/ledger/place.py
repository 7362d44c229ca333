"""Where a ledger is: the file that a path or URL names, and what is said when it is not there."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from rampgate.errors import LedgerError, UsageError


def path_of(where: str | Path) -> Path:
    """Return the file that a path or URL names. A URL is not repeated in errors: it may hold a password."""
    if isinstance(where, Path) or "://" not in where:
        return Path(where)
    try:
        url = sa.make_url(where)
    except (ArgumentError, ValueError):
        raise UsageError("the ledger's URL cannot be read", remedy="write a path, or sqlite:///path") from None
    if url.get_backend_name() != "sqlite":
        raise UsageError(
            "this version keeps its ledger in SQLite only",
            where=f"{url.get_backend_name()}://",
            remedy="write a path, or sqlite:///path",
        )
    if not url.database or url.database == ":memory:" or url.host or url.query:
        raise UsageError(
            "the ledger's URL must name a file and nothing else",
            where=url.render_as_string(hide_password=True),
            remedy="write a path, or sqlite:///path; in Python ledger=None keeps no ledger",
        )
    return Path(url.database)


def ensure_file(path: Path, *, create: bool) -> None:
    """Make an empty file of a ledger that does not exist yet where ``create``; refuse what cannot be one."""
    try:
        if path.is_dir():
            raise LedgerError(
                "this is a directory", where=str(path), remedy=f"name a file, as in {path / 'rampgate.db'}"
            )
        if path.exists():
            return
        if not create:
            raise missing(path, "there is no such file")
        # An empty file is a new ledger, so a process killed here leaves nothing half-made.
        path.touch()
    except FileNotFoundError as error:
        raise LedgerError(
            "the ledger's directory does not exist", where=str(path.parent), remedy="make the directory first"
        ) from error
    except OSError as error:
        raise LedgerError(
            f"the ledger cannot be opened ({error.strerror})",
            where=str(path),
            remedy="give this user permission to read and write the file and its directory",
        ) from error


def missing(path: Path, what: str) -> LedgerError:
    """The error of a ledger that is not there."""
    return LedgerError(
        f"there is no ledger here: {what}",
        where=str(path),
        remedy="run `rampgate check` first, or name the ledger with --ledger",
    )
