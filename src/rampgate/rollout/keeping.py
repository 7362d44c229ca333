"""Where looks keep what they read of a source: a folder beside the policy or the ledger."""

from __future__ import annotations

from pathlib import Path

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
