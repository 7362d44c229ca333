"""Where looks keep what they read of a source: a folder beside the policy or the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rampgate.aggregate.store import LIMIT, Store
from rampgate.people import find_megabytes

FOLDER = ".rampgate"


def store_beside(file: Path) -> Store | None:
    """The store beside a policy or a ledger, as ``rampgate.toml`` bounds it; None where it allows none.

    Raises
    ------
    UsageError
        When ``rampgate.toml`` cannot be read.
    """
    folder = file.resolve().parent
    megabytes = find_megabytes(folder)
    if megabytes == 0:
        return None
    return Store(folder / FOLDER, LIMIT if megabytes is None else megabytes * 1_000_000)


def kept_beside(ledger: str | Path) -> dict[str, Any] | None:
    """How much is kept beside a ledger, and how much may be; None where nothing is, or the ledger is no file."""
    if "://" in str(ledger):
        return None
    store = store_beside(Path(ledger))
    files, size = (0, 0) if store is None else store.size()
    return {"files": files, "bytes": size, "limit": store.limit} if store is not None and files else None
