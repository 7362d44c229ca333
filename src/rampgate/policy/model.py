"""The policy: what must be true for a rollout to go on, hold or go back.

`rampgate.policy.load_policy` is the door: it adds the rules that need more than one key
to be seen. Defaults are part of the policy language. A policy's hash leaves them out, so
a default must never change its value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr

from rampgate.policy.drift import Drift
from rampgate.policy.frozen import FrozenDict, freeze
from rampgate.policy.metric import Mean, Metric, Section, as_tuple
from rampgate.policy.names import Key, Name, Text
from rampgate.policy.place import Place
from rampgate.policy.problem import Origin
from rampgate.policy.time_format import TimeFormat
from rampgate.policy.values import Day, Duration, Margin, Moment, Risk, Share, Span, Weight, Window, instant, percent
from rampgate.shown import Shown

KPI = "kpi"
REFERENCE = "reference"
# The kinds that a non-inferiority phase can wait for; for the others it would wait for years.
PROVABLE = ("proportion", "ratio", "mean")
# Those that it may wait for where the phase names them.
REQUIRABLE = (*PROVABLE, "quantile")
#: Clusters that each arm needs, where they are assigned.
MINIMUM_CLUSTERS = 5


_ListOf = BeforeValidator(as_tuple)
_Frozen = AfterValidator(freeze)


class Source(Section):
    """Where the rows are and what their columns mean."""

    events: Place | None = Field(
        None, description="File beside the policy, or postgresql:// or spark:// URL; none for a frame."
    )
    unit: Text = Field("unit", description="Column that identifies the unit, one row each.")
    time: Text = Field("time", description="Column of the time of exposure.")
    variant: Text = Field("variant", description="Column that says which version handled the unit.")
    cluster: Text | None = Field(
        None,
        description="Column of the team or customer that gets a version as a whole; none where units do.",
    )
    time_format: TimeFormat | None = Field(
        None, description='How text says times, as "%d/%m/%Y %H:%M" or epoch_s; ISO 8601 when left out.'
    )
    decimal: Literal[".", ","] = Field(".", description="The decimal mark of numbers in columns of text.")
    ignore: Annotated[tuple[Text, ...], _ListOf] = Field(
        (), description="Other versions whose rows are left out, and counted; any that is not named holds."
    )
    look: Literal["day", "week"] = Field("day", description="How often the gate may look.")
    window: Window = Field("week", description="What people read: week (ISO weeks) or days from the start, as 30d.")


class Kpi(Section):
    """Several metrics as one number."""

    weights: Annotated[dict[Key, Weight], _Frozen] = Field(description="Weight per metric; they sum to 1.")
    margin: Margin = Field(Margin(0.03, "points"), description="How much worse the candidate may be at most.")
    floor: Share | None = Field(None, description="The candidate's own KPI must not be below this.")


class Guardrail(Section):
    """A metric that must not become worse by more than a margin."""

    margin: Margin = Field(description="How much worse is still acceptable: 2pp, 10% or a bare number.")


class Rollback(Section):
    """A criterion that ends the rollout."""

    worse_by: Margin = Field(description="The largest harm tolerated: 1pp, 10% or a bare number.")
    expect: Margin | None = Field(None, description="The harm beyond `worse_by` that must be caught.")


_Guardrails = Annotated[dict[Key, Guardrail], _Frozen]
_Rollbacks = Annotated[dict[Key, Rollback], _Frozen]


class Segments(Section):
    """Criteria for each value of some columns, with their own error budget."""

    by: Annotated[tuple[Text, ...], _ListOf] = Field(min_length=1, description="Columns, as [queue, urgency].")
    guardrails: _Guardrails = Field(FrozenDict(), description="Margin per metric, in each segment.")
    rollback: _Rollbacks = Field(FrozenDict(), description="Rollback criteria, in each segment.")
    minimum_units: int = Field(200, ge=0, description="Below this many units per arm: too little data.")
    values: int = Field(
        200, ge=1, description="Most values of a column that are told apart; the others are judged as one, (others)."
    )
    combinations: int = Field(
        10_000,
        ge=1,
        description="Most combinations of values; columns of `by` beyond that are left out, which is said.",
    )


class Phase(Section):
    """A share of traffic and what must be true to leave it."""

    traffic: Share = Field(description="The candidate's share of traffic, as 10%.")
    at_least: Duration = Field(Duration(7, "d"), description="Shortest stay; 7d, in the last phase 0d.")
    minimum_units: int = Field(100, ge=0, description="Known candidate units needed; 100, in the last phase 0.")
    go: Literal["no_harm", "within_budget", "non_inferior"] = Field(
        "no_harm", description="What counts as enough to go on."
    )
    require: Annotated[tuple[Key, ...], _ListOf] | None = Field(
        None, description="What non_inferior must show: kpi and guardrails; all of them when left out."
    )
    holdout: Share | None = Field(None, description="Share that stays on the baseline at full traffic.")

    @property
    def share(self) -> float:
        """The candidate's share of units: its traffic less what is held out."""
        return min(self.traffic, 1.0 - (self.holdout or 0.0))

    @property
    def alone(self) -> bool:
        """Whether no baseline is left beside the candidate."""
        return self.traffic >= 1.0 and not self.holdout


_LAST_PHASE: dict[str, Any] = {"at_least": Duration(0, "d"), "minimum_units": 0}


def _last_stays_open(phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """Nothing needs to be waited for in the last phase: fill its defaults, still marked as not written."""
    *before, last = phases
    written = last.model_fields_set
    filled = {name: value for name, value in _LAST_PHASE.items() if name not in written}
    values = {name: getattr(last, name) for name in Phase.model_fields} | filled
    return (*before, Phase.model_construct(_fields_set=set(written), **values))


class ErrorBudget(Section):
    """How often the gate may be wrong."""

    false_rollback: Risk = Field(0.05, description="A good candidate is ever rolled back.")
    false_go: Risk = Field(0.05, description="A candidate worse by a margin passes a non_inferior phase.")
    guardrail: Risk = Field(0.05, description="A guardrail ever holds a candidate within its margin.")
    floor: Risk = Field(0.05, description="The floor ever holds a candidate above it.")
    segment: Risk = Field(0.05, description="A segment's guardrail ever holds a candidate within its margin.")
    sample_ratio: Risk = Field(0.01, description="The split is called wrong when it is right.")
    missing_labels: Risk = Field(0.01, description="Missing labels are called uneven when they are even.")
    crossed_units: Risk = Field(0.01, description="Units in both arms are called too many when they are not.")
    horizon: Span | None = Field(
        None, description="Time from the start in which harm is expected to begin, as 12w; no end when left out."
    )


class Exposure(Section):
    """Traffic that was in force from a day on, where the ledger does not know it."""

    from_: Moment = Field(alias="from", description="First day (or time) of this traffic.")
    traffic: Share = Field(description="The candidate's share of traffic, as 10%.")

    def start(self, zone: ZoneInfo) -> datetime:
        """The instant, in UTC, from which this traffic was in force."""
        return instant(self.from_, zone)


class Approval(Section):
    """Who wrote the policy and who must agree before launch."""

    author: Name = Field(description="Who wrote the policy; cannot approve it.")
    approvers: Annotated[tuple[Name, ...], _ListOf] = Field(min_length=1, description="Who may approve.")
    required: int = Field(1, ge=1, description="How many must approve.")
    expires: Span | None = Field(None, description="How long an approval counts, as 90d; for good when left out.")
    past_rollback: int | None = Field(
        None, ge=1, description="How many must agree to go on past a rollback; as many as `required` when left out."
    )

    @property
    def needed_past_rollback(self) -> int:
        """How many must agree to go on past a rollback."""
        return self.past_rollback or self.required


class Policy(Shown, Section):
    """What must be true for a rollout to go on, hold or go back."""

    rollout: Name = Field("rollout", description="Name of the rollout in the ledger.")
    baseline: Text = Field("baseline", description="Value of the variant column for the version in use.")
    candidate: Text = Field("candidate", description="Value of the variant column for the new version.")
    source: Source = Field(Source(), description="Where the rows are and what their columns mean.")
    start: Day | None = Field(None, description="First day of evidence; the day of the first candidate row.")
    timezone: Text = Field("UTC", description="IANA time zone in which days and weeks begin.")
    evidence: Literal["sequential", "point"] = Field(
        "sequential", description="sequential: error budgets hold over all looks; point: plain thresholds."
    )
    metrics: Annotated[dict[Key, Metric], _Frozen] = Field(min_length=1, description="Metrics by name.")
    kpi: Kpi = Field(description="Several metrics as one number.")
    guardrails: _Guardrails = Field(FrozenDict(), description="Margin per metric; beyond it the rollout holds.")
    rollback: _Rollbacks = Field(
        FrozenDict({KPI: Rollback(worse_by=Margin(0.0))}), description="Criteria that end the rollout."
    )
    segments: Segments | None = Field(None, description="Criteria per queue, urgency, geography.")
    drift: Drift | None = Field(None, description="Alert thresholds on inputs, scores and metrics.")
    harm_budget: Annotated[dict[Key, float], _Frozen] = Field(
        FrozenDict(), description="Extra bad outcomes accepted per metric, for within_budget."
    )
    phases: Annotated[tuple[Phase, ...], _ListOf, AfterValidator(_last_stays_open)] = Field(
        min_length=1, description="Rising shares of traffic."
    )
    exposure: Annotated[tuple[Exposure, ...], _ListOf] = Field(
        (), description="Traffic that was in force, for a rollout steered by hand."
    )
    error_budget: ErrorBudget = Field(ErrorBudget(), description="How often the gate may be wrong.")
    approval: Approval | None = Field(None, description="Who must agree before launch.")

    _origin: Origin = PrivateAttr(Origin())

    @property
    def path(self) -> Path | None:
        """The file it was loaded from; relative paths in the policy are beside it."""
        return self._origin.path

    @property
    def origin(self) -> Origin:
        """Where each key stands, for messages; no part of the policy's equality and hash."""
        return self._origin

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which days begin."""
        return ZoneInfo(self.timezone)

    @property
    def horizon_days(self) -> int | None:
        """Days from the start on which harm is expected to begin; None when the policy does not say."""
        return None if self.error_budget.horizon is None else self.error_budget.horizon.days

    def beside(self, other: Policy) -> Policy:
        """The same policy, whose relative paths are beside the file of another one."""
        policy = self.model_copy()
        policy._origin = other.origin
        return policy

    def tests_hazard(self, name: str) -> bool:
        """Whether the rollback criteria of a metric test the pace of its events."""
        return name in self.metrics and self.metrics[name].by_hazard

    def judged_metrics(self) -> tuple[str, ...]:
        """Metrics that some criterion is about, in the policy's order; the KPI's parts among them."""
        named = {*self.kpi.weights, *self.guardrails, *self.rollback, *self.harm_budget}
        if self.segments is not None:
            named |= {*self.segments.guardrails, *self.segments.rollback}
        return tuple(name for name in self.metrics if name in named)

    def watched_column(self, name: str) -> str:
        """The column of the source that drift watches under a name: that of the metric, where it is one's."""
        return self.metrics[name].columns()[0] if name in self.metrics else name

    def unfixed(self) -> tuple[str, ...]:
        """Metrics whose bounds are still to be taken from the reference."""
        return tuple(n for n, metric in self.metrics.items() if isinstance(metric, Mean) and metric.bounds == REFERENCE)

    def with_bounds(self, bounds: Mapping[str, tuple[float, float]]) -> Policy:
        """The policy with bounds that were taken from the reference, by column, in their place."""
        fixed = {
            name: metric.model_copy(update={"bounds": bounds[metric.column]})
            for name in self.unfixed()
            if isinstance(metric := self.metrics[name], Mean) and metric.column in bounds
        }
        return self.model_copy(update={"metrics": FrozenDict({**self.metrics, **fixed})}) if fixed else self

    def margins_of(self, name: str) -> tuple[Margin, ...]:
        """Every margin that a criterion has for a metric, overall or by segment, each once."""
        segments = self.segments
        rules: list[Mapping[str, Guardrail | Rollback]] = [self.guardrails, self.rollback]
        rules += [] if segments is None else [segments.guardrails, segments.rollback]
        found = [rule[name] for rule in rules if name in rule]
        return tuple(dict.fromkeys(r.margin if isinstance(r, Guardrail) else r.worse_by for r in found))

    def margins(self) -> dict[str, Margin]:
        """The overall guardrails' margins, the KPI's among them under ``"kpi"``."""
        return {KPI: self.kpi.margin, **{name: rail.margin for name, rail in self.guardrails.items()}}

    def required(self, phase: Phase) -> tuple[str, ...]:
        """What `phase` must see shown non-inferior; nothing unless it goes by ``non_inferior``."""
        if phase.go != "non_inferior":
            return ()
        if phase.require is not None:
            return phase.require
        provable = {KPI, *(name for name, metric in self.metrics.items() if metric.kind in PROVABLE)}
        return tuple(name for name in self.margins() if name in provable)

    def canonical(self) -> dict[str, Any]:
        """The policy as JSON values, without what equals its default.

        Comments, order and defaults that are spelled out make no difference. What a default
        depends on its place for (the last phase's) is always written.
        """
        content = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for written, phase in zip(content["phases"], self.phases, strict=True):
            written.update(at_least=str(phase.at_least), minimum_units=phase.minimum_units)
        return content

    def canonical_json(self) -> bytes:
        """`canonical` as bytes: sorted keys, no spaces, UTF-8."""
        text = json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()

    def sha256(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal: what approvals and records bind to."""
        return hashlib.sha256(self.canonical_json()).hexdigest()

    @classmethod
    def from_canonical(cls, content: Mapping[str, Any]) -> Policy:
        """The policy whose `canonical` this is, as read back from a record."""
        return cls.model_validate(dict(content))

    def __repr__(self) -> str:
        names = f"{self.candidate} against {self.baseline}"
        return f"<Policy {self.rollout}: {names}, phases of {', '.join(percent(p.traffic) for p in self.phases)}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self.canonical_json() == other.canonical_json()

    def __hash__(self) -> int:
        return hash(self.canonical_json())
