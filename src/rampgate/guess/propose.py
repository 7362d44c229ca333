"""The proposal itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rampgate.guess.values import Given, Guess


def guess(events: str | Path | Any, given: Given = Given(), rollout: str | None = None) -> Guess:  # noqa: B008
    """Propose a policy for a table.

    Parameters
    ----------
    events : path, pattern, ``file.duckdb#table``, frame of pandas, Polars or Arrow, or an open engine
    given : what the user said; the rest is guessed
    rollout : name of the rollout; made of the file's name if left out

    Raises
    ------
    UsageError
        When something cannot be guessed safely, or what was given does not fit; it names the flag.
    SourceError, DataError
        When the table cannot be read, or has no rows.
    """
    raise NotImplementedError
