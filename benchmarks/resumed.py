"""Long runs that go on where they were: each finished part is a line of a file, and draws the same numbers always."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Result = dict[str, Any]
SEED = 20261125


def measured(key: str, count: int, measure: Callable[[np.random.Generator, int], Mapping[str, Any]]) -> Result:
    """One part's figures with its key, rollouts and seconds; its draws depend on the key alone."""
    rng = np.random.default_rng([SEED, zlib.crc32(key.encode())])
    begun = time.perf_counter()
    figures = measure(rng, count)
    return {"key": key, "rollouts": count, "seconds": round(time.perf_counter() - begun, 1), **figures}


def kept(results: Path) -> dict[str, Result]:
    """Results of earlier runs by key."""
    if not results.exists():
        return {}
    lines = (json.loads(line) for line in results.read_text("utf-8").splitlines())
    return {line["key"]: line for line in lines}


def keep(results: Path, found: Iterable[Result], total: int, told: Callable[[Result], str] = lambda _: "") -> None:
    """Write each result as soon as it is there, and say so.

    Parameters
    ----------
    total : how many there will be
    told : a figure to show beside its name
    """
    with results.open("a", encoding="utf-8") as file:
        for number, one in enumerate(found, start=1):
            file.write(json.dumps(one) + "\n")
            file.flush()
            print(f"{number}/{total}  {told(one)}{one['seconds']:5.1f} s  {one['key']}", flush=True)
