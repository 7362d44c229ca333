"""Tables of the shapes that people have, made here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tests.rollout.tables import tickets

from rampgate.demo.tickets import append, assign, load

DATA = Path(__file__).parents[1] / "data"


def support(days: int = 20, seed: int = 1) -> pd.DataFrame:
    """Tickets with outcomes of every kind, a score, a duration, second times, free text and what leaks the version."""
    chance = np.random.default_rng(seed)
    frame = tickets(days=days, seed=seed).rename(columns={"ticket": "ticket_id", "version": "model_version"})
    n = len(frame)
    hours = np.round(chance.lognormal(1, 1, n), 1)
    return pd.DataFrame(
        {
            "row": range(n),
            "ticket_id": frame["ticket_id"],
            "opened_at": frame["opened_at"],
            "closed_at": frame["opened_at"] + pd.to_timedelta(hours, unit="h"),
            "model_version": frame["model_version"],
            "model_name": np.where(frame["model_version"] == "v1", "small", "large"),
            "correct": frame["right"],
            "overridden": np.where(frame["override"], "yes", "no"),
            "sla": np.where(chance.random(n) < 0.8, "MET", "MISSED"),
            "csat": chance.integers(1, 6, n),
            "handling_hours": hours,
            "confidence": np.round(chance.random(n), 3),
            "is_vip": chance.random(n) < 0.1,
            "queue": frame["queue"],
            "priority": chance.choice(["1 - High", "2 - Medium", "3 - Low"], n, p=[0.1, 0.6, 0.3]),
            "agent": chance.choice([f"agent {i}" for i in range(8)], n),
            "site": "Oslo",
            "summary": [
                f"{word} {i} is broken since this morning, please help" for i, word in enumerate(frame["queue"])
            ],
            "nothing": None,
        }
    )


def european(frame: pd.DataFrame) -> pd.DataFrame:
    """The same as a spreadsheet in Europe exports it: day first, decimal commas."""
    out = frame.copy()
    for column in ("opened_at", "closed_at"):
        out[column] = frame[column].dt.strftime("%d/%m/%Y %H:%M")
    out["handling_hours"] = [f"{hours:,.1f}".translate(str.maketrans(",.", ".,")) for hours in frame["handling_hours"]]
    return out


def plain(path: Path) -> Path:
    support().to_csv(path, index=False)
    return path


def semicolons(path: Path) -> Path:
    european(support()).to_csv(path, index=False, sep=";", encoding="utf-8-sig")
    return path


def parquet(path: Path) -> Path:
    path = path.with_suffix(".parquet")
    support().to_parquet(path)
    return path


def baseline_only(path: Path) -> Path:
    frame = support()
    frame[frame["model_version"] == "v1"].to_csv(path, index=False)
    return path


def demo(path: Path) -> Path:
    """The tickets of ``rampgate demo``, in its own columns."""
    append(path, assign(load(), 0.3, "a test"))
    return path


def boston(path: Path, form: str | None = None) -> Path:
    """Two of the channels through which people report, as the city has them, or in another form of time."""
    frame = pd.read_csv(DATA / "boston311_2015" / "boston311_2015_h1.csv.gz", dtype=str)
    frame = frame[frame["source"].isin(["Constituent Call", "Citizens Connect App"])]
    if form is None:
        frame.to_csv(path, index=False)
        return path
    for column in ("open_dt", "target_dt", "closed_dt"):
        frame[column] = pd.to_datetime(frame[column]).dt.strftime(form)
    frame.to_csv(path, index=False, sep=";", encoding="utf-8-sig")
    return path


#: Each writes a table at a path and returns where it is; with what has to be said of it.
TABLES: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "plain": (plain, {}),
    "semicolons": (semicolons, {}),
    "parquet": (parquet, {}),
    "baseline only": (baseline_only, {}),
    "demo": (demo, {}),
    "boston": (boston, {"baseline": "Constituent Call", "candidate": "Citizens Connect App"}),
    "boston, day first": (lambda path: boston(path, "%d/%m/%Y %H:%M:%S"), {"variant": "source"}),
}
