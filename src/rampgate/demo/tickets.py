"""The shipped incidents, and their assignment to an arm by a stable hash."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import files
from pathlib import Path

COLUMNS = ("number", "opened_at", "variant", "met_sla", "reassigned", "reopened", "priority", "category")


@dataclass(frozen=True)
class Ticket:
    """One incident: when it was opened, what became of it, and where it belongs."""

    number: str
    opened_at: str
    met_sla: bool
    reassigned: bool
    reopened: bool
    priority: str
    category: str
    variant: str = ""

    @property
    def day(self) -> date:
        return date.fromisoformat(self.opened_at[:10])


def load() -> list[Ticket]:
    """All shipped incidents, oldest first."""
    packed = files("rampgate.demo").joinpath("data/incidents.csv.gz").read_bytes()
    rows = csv.DictReader(io.StringIO(gzip.decompress(packed).decode()))
    tickets = [
        Ticket(
            row["number"],
            row["opened_at"],
            row["made_sla"] == "true",
            int(row["reassignment_count"]) > 0,
            int(row["reopen_count"]) > 0,
            row["priority"],
            row["category"],
        )
        for row in rows
    ]
    return sorted(tickets, key=lambda t: (t.opened_at, t.number))


def share(text: str) -> float:
    """A number in [0, 1) that belongs to a text for good: SHA-256, the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def assign(tickets: Iterable[Ticket], traffic: float, salt: str) -> list[Ticket]:
    """Each ticket to the candidate if its share lies below the traffic, else to the baseline."""
    return [replace(t, variant="candidate" if share(f"{salt}:{t.number}") < traffic else "baseline") for t in tickets]


def append(path: Path, tickets: Sequence[Ticket]) -> None:
    """Add tickets to a CSV file, with a header if it is new."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(COLUMNS)
        writer.writerows([[_cell(getattr(t, column)) for column in COLUMNS] for t in tickets])


def _cell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
