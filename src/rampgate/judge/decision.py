"""The values a decision consists of, and their JSON form (the contract of ``--json``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.judge.drifted import Drifted
from rampgate.judge.numbers import rounded, stamp
from rampgate.shown import Shown

PASS, FAIL, INCONCLUSIVE, NO_DATA, ERROR = "PASS", "FAIL", "INCONCLUSIVE", "NO_DATA", "ERROR"
GO, HOLD, ROLLBACK, COMPLETE = "go", "hold", "rollback", "complete"

#: An e-value beyond any use is recorded as this, since JSON has no infinity.
LARGEST = 1e300


@dataclass(frozen=True)
class Reason:
    """Why: a code of the contract, the verdict behind it, and a sentence."""

    code: str
    verdict: str
    message: str
    metric: str | None = None
    group: Group = OVERALL

    def to_dict(self) -> dict[str, Any]:
        segment = self.group.segment
        return {
            "code": self.code,
            "verdict": self.verdict,
            "metric": self.metric,
            "segment": segment,
            "message": self.message,
        }


@dataclass(frozen=True)
class Estimate:
    """One metric in both arms; ``baseline`` and ``candidate`` carry the weights of ``difference``.

    ``raw_baseline`` and ``raw_candidate`` are the plain values over all units, which a ramp may mislead. Both and the
    units are not recorded of the KPI of a window: there they are None and 0.
    """

    name: str
    group: Group
    baseline: float | None
    candidate: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    level: float
    n_baseline: int
    n_candidate: int
    raw_baseline: float | None = None
    raw_candidate: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "segment": self.group.segment,
            **self.interval(),
            "n_baseline": self.n_baseline,
            "n_candidate": self.n_candidate,
            "raw_baseline": rounded(self.raw_baseline),
            "raw_candidate": rounded(self.raw_candidate),
        }

    def interval(self) -> dict[str, Any]:
        return {
            "baseline": rounded(self.baseline),
            "candidate": rounded(self.candidate),
            "difference": rounded(self.difference),
            "lower": rounded(self.lower),
            "upper": rounded(self.upper),
            "level": self.level,
        }


@dataclass(frozen=True)
class Judged:
    """A criterion with its evidence and verdict."""

    id: str
    kind: str
    metric: str
    group: Group
    bound: float
    bound_text: str
    verdict: str
    e_value: float | None
    p_value: float | None
    onset: str | None = None
    effect_since_onset: float | None = None
    message: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "metric": self.metric,
            "segment": self.group.segment,
            "bound": self.bound,
            "bound_text": self.bound_text,
            "e_value": None if self.e_value is None else rounded(min(self.e_value, LARGEST)),
            "p_value": rounded(self.p_value),
            "verdict": self.verdict,
            "onset": self.onset,
            "effect_since_onset": rounded(self.effect_since_onset),
            "message": self.message,
        }


@dataclass(frozen=True)
class Budget:
    """Harm of one metric in counts: accepted, spent so far, and the most that the next phase may add.

    ``per_unit`` bounds the harm of a unit in the current phase; ``pending`` units were exposed and are too young to
    count, ``units`` is how many the next phase should have.
    """

    metric: str
    budget: float
    so_far: float | None
    per_unit: float | None
    pending: float
    units: float | None
    projected: float | None
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        numbers = ("budget", "so_far", "per_unit", "pending", "units", "projected")
        return {"metric": self.metric, **{n: rounded(getattr(self, n)) for n in numbers}, "verdict": self.verdict}


@dataclass(frozen=True)
class Window:
    """A week (or n days) of both arms, merged from its periods."""

    start: datetime
    end: datetime
    complete: bool
    kpi: Estimate
    metrics: tuple[Estimate, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "from": stamp(self.start),
            "to": stamp(self.end),
            "complete": self.complete,
            "kpi": self.kpi.interval(),
            "metrics": [m.to_dict() for m in self.metrics],
        }


@dataclass(frozen=True)
class StillOpen:
    """How far the units of one arm are with an event that takes time, as far as all units of their period have got.

    Attributes
    ----------
    units : with a known clock, since the start; ``events + open + past_limit``
    events : that came by the age that their period has reached
    open : without one, and not past the limit; what they do next is not known
    past_limit : without an event at the limit: a miss already
    age : in hours; the highest that units of both arms have reached, None before the first
    at_risk : units seen open at the beginning of the step that ends at ``age``
    share : with the event by ``age`` (Kaplan-Meier over all periods), with its interval at ``level``
    restricted_mean : mean of min(time, ``age``) in hours
    """

    metric: str
    group: Group
    variant: str
    units: int
    events: int
    open: int
    past_limit: int
    age: float | None
    at_risk: int
    share: float | None
    lower: float | None
    upper: float | None
    level: float
    restricted_mean: float | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "segment": self.group.segment,
            "variant": self.variant,
            "units": self.units,
            "events": self.events,
            "open": self.open,
            "past_limit": self.past_limit,
            "age": rounded(self.age),
            "at_risk": self.at_risk,
            "share": rounded(self.share),
            "lower": rounded(self.lower),
            "upper": rounded(self.upper),
            "level": self.level,
            "restricted_mean": rounded(self.restricted_mean),
        }


@dataclass(frozen=True)
class PhaseView:
    """The phase that was judged; ``index`` counts from 1."""

    index: int
    traffic: float
    of: int
    since: datetime | None
    next_traffic: float | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "traffic": self.traffic,
            "of": self.of,
            "since": stamp(self.since) if self.since else None,
            "next_traffic": self.next_traffic,
        }


def traffic_after(decision: str, phase: Mapping[str, Any]) -> float:
    """The share of traffic that the candidate should have after a decision.

    Parameters
    ----------
    decision : go, hold, rollback or complete
    phase : the phase that was judged, as in the JSON form
    """
    if decision == ROLLBACK:
        return 0.0
    following = phase["next_traffic"]
    return float(following if decision == GO and following is not None else phase["traffic"])


@dataclass(frozen=True)
class Waiting:
    """What a HOLD waits for, and when it should have it."""

    what: str
    expected_at: datetime | None

    def to_dict(self) -> dict[str, Any]:
        return {"what": self.what, "expected_at": stamp(self.expected_at) if self.expected_at else None}


@dataclass(frozen=True)
class Health:
    """A check of the data themselves, judged before the outcomes."""

    code: str
    verdict: str
    message: str
    count: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, "verdict": self.verdict, "message": self.message, "count": self.count}


@dataclass(frozen=True, repr=False)
class Decision(Shown):
    """What the gate says at one look, with everything it rests on."""

    rollout: str
    attempt: int
    as_of: datetime
    look: datetime
    policy_sha256: str
    phase: PhaseView
    decision: str
    reasons: tuple[Reason, ...]
    kpi: Estimate
    metrics: tuple[Estimate, ...]
    criteria: tuple[Judged, ...]
    windows: tuple[Window, ...]
    health: tuple[Health, ...]
    waiting_for: tuple[Waiting, ...]
    drift: tuple[Drifted, ...] = ()
    budgets: tuple[Budget, ...] = ()
    open: tuple[StillOpen, ...] = field(default=())
    approval: Mapping[str, Any] | None = None
    after: tuple[Mapping[str, Any], ...] = ()
    by_score: tuple[Mapping[str, Any], ...] = ()
    decision_id: str | None = None
    previous_sha256: str | None = None

    def __repr__(self) -> str:
        phase = f"phase {self.phase.index} of {self.phase.of}"
        return f"<Decision {self.decision}: {self.rollout}, look of {self.look:%Y-%m-%d %H:%M}, {phase}>"

    def content(self) -> dict[str, Any]:
        """What is recorded: everything but the place in the ledger."""
        whole = self.to_dict()
        del whole["decision_id"], whole["previous_sha256"]
        return whole

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Decision:
        """A decision read back from its JSON form."""
        return _decision(data)

    def to_dict(self) -> dict[str, Any]:
        return {
            "rollout": self.rollout,
            "attempt": self.attempt,
            "as_of": stamp(self.as_of),
            "look": stamp(self.look),
            "policy_sha256": self.policy_sha256,
            "phase": self.phase.to_dict(),
            "decision": self.decision,
            "reasons": [r.to_dict() for r in self.reasons],
            "kpi": self.kpi.interval(),
            "metrics": [m.to_dict() for m in self.metrics],
            "criteria": [c.to_dict() for c in self.criteria],
            "windows": [w.to_dict() for w in self.windows],
            # Without a time to an event there is nothing to say, and records from before it stay as they are.
            **({"open": [o.to_dict() for o in self.open]} if self.open else {}),
            "drift": [d.to_dict() for d in self.drift],
            "health": [h.to_dict() for h in self.health],
            "waiting_for": [w.to_dict() for w in self.waiting_for],
            # Only where the policy has budgets: records of those that have none stay as they were.
            **({"budgets": [b.to_dict() for b in self.budgets]} if self.budgets else {}),
            # Only where days are watched after the last phase.
            **({"after": [dict(one) for one in self.after]} if self.after else {}),
            # Only where a metric has a score.
            **({"by_score": [dict(one) for one in self.by_score]} if self.by_score else {}),
            # Only where a policy asks for approvals.
            **({"approval": dict(self.approval)} if self.approval is not None else {}),
            "decision_id": self.decision_id,
            "previous_sha256": self.previous_sha256,
        }


@dataclass(frozen=True)
class Brief:
    """What the way of a rollout is told from: a decision without its evidence, by the names that `Decision` has.

    Attributes
    ----------
    reasons : the first one, if there is any
    """

    attempt: int
    look: datetime
    decision: str
    phase: PhaseView
    kpi: Estimate
    reasons: tuple[Reason, ...]

    @classmethod
    def of(cls, attempt: int, look: str, decision: str, phase: Any, kpi: Any, reason: Any) -> Brief:
        """A brief from these parts of a decision's JSON form; ``reason`` is None where none was given."""
        reasons = () if reason is None else (_reason(reason),)
        moment = datetime.fromisoformat(look)
        return cls(attempt, moment, decision, _phase(phase), _estimate(kpi, "kpi"), reasons)


def _group(segment: Mapping[str, str] | None) -> Group:
    return Group(*next(iter(segment.items()))) if segment else OVERALL


def _estimate(data: Mapping[str, Any], name: str | None = None) -> Estimate:
    return Estimate(
        name or data["name"],
        _group(data.get("segment")),
        *(data[key] for key in ("baseline", "candidate", "difference", "lower", "upper", "level")),
        *(data.get(key, 0) for key in ("n_baseline", "n_candidate")),
        *(data.get(key) for key in ("raw_baseline", "raw_candidate")),
    )


def _whole_kpi(data: Mapping[str, Any]) -> Estimate:
    """The KPI overall, with the units and plain values that only its row among the metrics holds."""
    rows = (m for m in data["metrics"] if m["name"] == "kpi" and m["segment"] is None)
    return _estimate({**next(rows, {}), **data["kpi"]}, "kpi")


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _reason(data: Mapping[str, Any]) -> Reason:
    return Reason(data["code"], data["verdict"], data["message"], data["metric"], _group(data["segment"]))


def _phase(data: Mapping[str, Any]) -> PhaseView:
    return PhaseView(**{**data, "since": _moment(data["since"])})


def _decision(data: Mapping[str, Any]) -> Decision:
    return Decision(
        rollout=data["rollout"],
        attempt=data["attempt"],
        as_of=datetime.fromisoformat(data["as_of"]),
        look=datetime.fromisoformat(data["look"]),
        policy_sha256=data["policy_sha256"],
        phase=_phase(data["phase"]),
        decision=data["decision"],
        reasons=tuple(_reason(r) for r in data["reasons"]),
        kpi=_whole_kpi(data),
        metrics=tuple(_estimate(m) for m in data["metrics"]),
        criteria=tuple(
            Judged(group=_group(c["segment"]), **{k: v for k, v in c.items() if k != "segment"})
            for c in data["criteria"]
        ),
        windows=tuple(_window(w) for w in data["windows"]),
        health=tuple(Health(**h) for h in data["health"]),
        waiting_for=tuple(Waiting(w["what"], _moment(w["expected_at"])) for w in data["waiting_for"]),
        drift=tuple(Drifted.from_dict(d) for d in data["drift"]),
        budgets=tuple(Budget(**b) for b in data.get("budgets", ())),
        open=tuple(
            StillOpen(group=_group(o["segment"]), **{k: v for k, v in o.items() if k != "segment"})
            for o in data.get("open", ())
        ),
        approval=data.get("approval"),
        after=tuple(data.get("after", ())),
        by_score=tuple(data.get("by_score", ())),
        decision_id=data.get("decision_id"),
        previous_sha256=data.get("previous_sha256"),
    )


def _window(data: Mapping[str, Any]) -> Window:
    return Window(
        datetime.fromisoformat(data["from"]),
        datetime.fromisoformat(data["to"]),
        data["complete"],
        _estimate(data["kpi"], "kpi"),
        tuple(_estimate(m) for m in data["metrics"]),
    )
