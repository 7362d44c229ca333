"""Where a rollout stands between looks, and how a decision moves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from rampgate.aggregate.drift_bins import ReferenceCounts
from rampgate.aggregate.marginals import Group
from rampgate.judge.decision import COMPLETE, FAIL, GO, ROLLBACK, Decision
from rampgate.judge.order import Order

RUNNING, COMPLETED, ROLLED_BACK = "running", "complete", "rolled_back"


@dataclass(frozen=True)
class Seen:
    """Known units per arm that earlier looks rested on, up to ``through``; they must not vanish later."""

    through: datetime
    units: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Threshold:
    """Where a quantile's units are counted as bad, fixed before the first unit that is compared.

    Attributes
    ----------
    first : start of the first period that is compared
    ends : of the overall and of each segment value, the bin at whose end the threshold lies
    """

    first: datetime
    ends: Mapping[Group, int]

    def to_dict(self) -> dict[str, Any]:
        ends = [[group.column, group.value, end] for group, end in self.ends.items()]
        return {"first": self.first.isoformat(), "ends": ends}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Threshold:
        ends = {Group(column, value): end for column, value, end in data["ends"]}
        return cls(datetime.fromisoformat(data["first"]), ends)


@dataclass(frozen=True)
class State:
    """A rollout between two looks.

    Attributes
    ----------
    attempt : 1 for the first candidate, one more for each changed candidate
    candidate : the variant that this attempt rolls out
    start : local day of the first evidence, fixed by the first look that saw a candidate row
    phases : (index from 1, since when) of every phase entered in this attempt
    status : running, complete or rolled_back
    rolled_back_at : ``as_of`` of the decision that rolled back
    policy_sha256 : the policy of the look before, empty at the first
    traffic : that policy's traffic in the phase in force now; None at the first look
    failed : criteria that failed at the look before
    seen : what earlier looks rested on
    bounds : of values, by column, as the first look took them from the reference; they never move in an attempt
    thresholds : of quantiles, by what they are taken of, as the first look that compared them found them; likewise
    drift : what drift is measured from, by name, as the first look that watched it found it; likewise
    apart : the values that are told apart, of segment columns that have too many; more join, and none leaves
    orders : what people decided otherwise than the gate, as far as it is in force or waits for more names
    """

    attempt: int = 1
    candidate: str = ""
    start: date | None = None
    phases: tuple[tuple[int, datetime], ...] = ()
    status: str = RUNNING
    rolled_back_at: datetime | None = None
    policy_sha256: str = ""
    traffic: float | None = None
    failed: tuple[str, ...] = ()
    seen: Seen | None = None
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    drift: Mapping[str, ReferenceCounts] = field(default_factory=dict)
    apart: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()

    @property
    def phase(self) -> int:
        """Index of the phase in force, from 1."""
        return self.phases[-1][0] if self.phases else 1

    @property
    def since(self) -> datetime | None:
        """When the phase in force began."""
        return self.phases[-1][1] if self.phases else None

    def to_dict(self) -> dict[str, Any]:
        return {
            "attempt": self.attempt,
            "candidate": self.candidate,
            "start": self.start.isoformat() if self.start else None,
            "phases": [[index, since.isoformat()] for index, since in self.phases],
            "status": self.status,
            "rolled_back_at": self.rolled_back_at.isoformat() if self.rolled_back_at else None,
            "policy_sha256": self.policy_sha256,
            "traffic": self.traffic,
            "failed": list(self.failed),
            "seen": {"through": self.seen.through.isoformat(), "units": dict(self.seen.units)} if self.seen else None,
            # Only where there are some: a record without them has the bytes that it always had.
            **({"bounds": {column: list(ends) for column, ends in self.bounds.items()}} if self.bounds else {}),
            **({"thresholds": {name: t.to_dict() for name, t in self.thresholds.items()}} if self.thresholds else {}),
            **({"drift": {name: kept.to_dict() for name, kept in self.drift.items()}} if self.drift else {}),
            **({"apart": {column: list(values) for column, values in self.apart.items()}} if self.apart else {}),
            **({"orders": [order.to_dict() for order in self.orders]} if self.orders else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> State:
        seen = data["seen"]
        return cls(
            attempt=data["attempt"],
            candidate=data["candidate"],
            start=date.fromisoformat(data["start"]) if data["start"] else None,
            phases=tuple((index, datetime.fromisoformat(since)) for index, since in data["phases"]),
            status=data["status"],
            rolled_back_at=datetime.fromisoformat(data["rolled_back_at"]) if data["rolled_back_at"] else None,
            policy_sha256=data["policy_sha256"],
            traffic=data["traffic"],
            failed=tuple(data["failed"]),
            seen=Seen(datetime.fromisoformat(seen["through"]), seen["units"]) if seen else None,
            bounds={column: (low, high) for column, (low, high) in data.get("bounds", {}).items()},
            thresholds={name: Threshold.from_dict(kept) for name, kept in data.get("thresholds", {}).items()},
            drift={name: ReferenceCounts.from_dict(name, kept) for name, kept in data.get("drift", {}).items()},
            apart={column: tuple(values) for column, values in data.get("apart", {}).items()},
            orders=tuple(Order.from_dict(order) for order in data.get("orders", ())),
        )


def after(
    state: State, decision: Decision, seen: Seen | None, thresholds: Mapping[str, Threshold] | None = None
) -> State:
    """The state that a decision leads to. Only GO moves the phase, and only by one."""
    moved = replace(
        state,
        seen=seen,
        thresholds=state.thresholds if thresholds is None else thresholds,
        policy_sha256=decision.policy_sha256,
        traffic=decision.phase.traffic,
        failed=tuple(c.id for c in decision.criteria if c.verdict == FAIL),
    )
    if decision.decision == ROLLBACK and state.status != ROLLED_BACK:
        return replace(moved, status=ROLLED_BACK, rolled_back_at=decision.as_of)
    if decision.decision == GO:
        phases = (*state.phases, (state.phase + 1, decision.as_of))
        return replace(moved, phases=phases, traffic=decision.phase.next_traffic)
    if decision.decision == COMPLETE and state.status == RUNNING:
        return replace(moved, status=COMPLETED)
    return moved
