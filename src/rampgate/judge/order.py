"""A person's decision that is in force in an attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

HOLD, ROLLBACK, GO, RESUME = "hold", "rollback", "go", "resume"


@dataclass(frozen=True)
class Order:
    """What a person decided otherwise than the gate.

    Attributes
    ----------
    decision : hold, rollback, go or resume
    by : who, in the order in which they signed
    as_of : since when it holds
    because : the reason, of each who signed
    past : what was gone past: criteria by their id, or codes of reasons to hold
    needed : how many must sign before it is in force
    seen : the reason for the rollback that was gone past, or after which an attempt began
    gap : since when the candidate had no traffic, of what ended a rollback
    """

    decision: str
    by: tuple[str, ...]
    as_of: datetime
    because: tuple[str, ...]
    past: tuple[str, ...] = ()
    needed: int = 1
    seen: str | None = None
    gap: datetime | None = None

    @property
    def in_force(self) -> bool:
        """Whether enough people have signed."""
        return len(self.by) >= self.needed

    @property
    def told(self) -> str:
        """Who and when, and why: ``lee and sam on 2026-03-01: the harm was another system's``."""
        *most, last = self.by
        names = f"{', '.join(most)} and {last}" if most else last
        return f"{names} on {self.as_of:%Y-%m-%d}: {'; '.join(dict.fromkeys(self.because))}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "decision": self.decision,
            "by": list(self.by),
            "as_of": self.as_of.isoformat(),
            "because": list(self.because),
            "past": list(self.past),
            "needed": self.needed,
            "seen": self.seen,
            "gap": self.gap.isoformat() if self.gap else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Order:
        lists = {name: tuple(data[name]) for name in ("by", "because", "past")}
        gap = datetime.fromisoformat(data["gap"]) if data["gap"] else None
        return cls(**{**data, **lists, "as_of": datetime.fromisoformat(data["as_of"]), "gap": gap})


@dataclass(frozen=True)
class Unheeded:
    """What stands in the record as a person's decision, and is not taken for one.

    Attributes
    ----------
    record : SHA-256 of its record; empty where it is about all of them
    why : in words
    """

    record: str
    why: str
