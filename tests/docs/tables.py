"""What a page may take for granted in its folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from tests.rollout.tables import tickets


def lay(name: str, folder: Path) -> None:
    """Put what a page calls ``given`` into its folder."""
    if name != "tickets.csv":
        raise ValueError(f"nothing called {name!r} can be given; tests/docs/tables.py holds what can")
    readme_tickets().to_csv(folder / name, index=False, date_format="%Y-%m-%dT%H:%M:%S")


def readme_tickets() -> pd.DataFrame:
    """The tickets that the README speaks of: a tenth of them the candidate's in the first week, half from then on."""
    frame = tickets(days=20, per_day=300, traffic=lambda day: np.where(day < 7, 0.1, 0.5))
    names = {"ticket": "ticket_id", "version": "model_version", "right": "correct", "override": "overridden"}
    columns = ["ticket_id", "opened_at", "model_version", "correct", "overridden", "queue"]
    return frame.rename(columns=names)[columns].sort_values("opened_at")
