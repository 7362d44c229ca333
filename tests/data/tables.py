"""Real tables that are dealt to two arms, and the weekly shares published with them."""

from __future__ import annotations

import csv
import hashlib
from datetime import date
from pathlib import Path

import pandas as pd

DATA = Path(__file__).parent


def split(frame: pd.DataFrame, unit: str, share: float = 0.3) -> pd.DataFrame:
    """Give each unit to an arm by a hash of its name."""
    bucket = frame[unit].map(lambda name: int(hashlib.sha256(str(name).encode()).hexdigest()[:8], 16) / 2**32)
    return frame.assign(version=bucket.lt(share).map({True: "v2", False: "v1"}))


def reference(folder: str, column: str) -> dict[date, tuple[int, float]]:
    """Monday -> (n, share) of the published weekly table, which pandas made."""
    with (DATA / folder / "weekly_reference.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {
        date.fromisocalendar(int(r["week"][:4]), int(r["week"][6:]), 1): (int(r["n"]), float(r[column])) for r in rows
    }
