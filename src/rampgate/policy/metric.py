"""The kinds of metric that a policy may define."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rampgate.policy.names import Text
from rampgate.policy.problem import refuse, shown
from rampgate.policy.values import Duration, Span


def as_tuple(value: object) -> object:
    """A YAML list as a tuple, which strict types ask for."""
    return tuple(value) if isinstance(value, list) else value


def as_bounds(value: object) -> object:
    """Two numbers, or the word that stands for those of the reference."""
    if isinstance(value, str) and value != "reference":
        raise refuse(f"{shown(value)} are no bounds", "write [0, 480], or reference")
    return as_tuple(value)


class Section(BaseModel):
    """Base of every part of a policy: frozen, nothing converted in silence, no unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_by_alias=True,
        validate_by_name=False,
        serialize_by_alias=True,
    )


class _Metric(Section):
    better: Literal["higher", "lower"] = Field("higher", description="Which direction is good.")
    best: float | None = Field(None, description="The value that counts as 1 in the KPI; needs `worst`.")
    worst: float | None = Field(None, description="The value that counts as 0 in the KPI; needs `best`.")
    matures_after: Span | None = Field(None, description="Age at which a unit's outcome is final, as 72h.")
    known_at: Text | None = Field(None, description="Column with the time at which the label arrived.")

    @property
    def rate(self) -> bool:
        """Whether the value is a share from 0 to 1, so that points (``2pp``) mean something."""
        return False

    @property
    def binary(self) -> bool:
        """Whether each known unit counts 0 or 1."""
        return False

    @property
    def maturity(self) -> Duration | None:
        """Age at which a unit's outcome is final; None where it is known with its row."""
        return self.matures_after

    @property
    def range(self) -> tuple[float, float] | None:
        """The smallest and largest value that a unit can count for; None where nothing holds it."""
        return (0.0, 1.0) if self.binary else None

    @property
    def span(self) -> float:
        """How much one unit can be worse than another; 0 where nothing says so."""
        if self.range is not None:
            return self.range[1] - self.range[0]
        return abs(self.best - self.worst) if self.best is not None and self.worst is not None else 0.0

    @property
    def by_hazard(self) -> bool:
        """Whether its rollback criteria test the pace of events at every age, and not the value."""
        return False

    @property
    def scaled(self) -> bool:
        """Whether `best` and `worst` say how the value enters the KPI."""
        return self.best is not None and self.worst is not None

    def columns(self) -> tuple[str, ...]:
        """The columns that the metric reads, each once."""
        extra = () if self.known_at is None else (self.known_at,)
        return tuple(dict.fromkeys((*self._own_columns(), *extra)))

    def _own_columns(self) -> tuple[str, ...]:
        raise NotImplementedError


class Proportion(_Metric):
    """Share of true among the units whose value is known."""

    kind: Literal["proportion"] = Field(description="Share of true among the known.")
    column: Text = Field(description="Column of true and false (or 1 and 0), or any column with `equals`.")
    equals: Text | None = Field(None, description="Count the rows whose value, as text, is this one.")
    score: Text | None = Field(
        None,
        description="Column of the model's own probability, 0 to 1, that it will be true: what is to be expected while "
        "outcomes are awaited is shown, and never judged.",
    )

    @property
    def binary(self) -> bool:
        return True

    @property
    def rate(self) -> bool:
        return True

    def _own_columns(self) -> tuple[str, ...]:
        return (self.column,)


class Mean(_Metric):
    """Mean among the units whose value is known."""

    kind: Literal["mean"] = Field(description="Mean of a number among the known.")
    column: Text = Field(description="Column of numbers.")
    bounds: Annotated[tuple[float, float] | Literal["reference"], BeforeValidator(as_bounds)] | None = Field(
        None,
        description="Values beyond these count as the nearer one, as [0, 480], or reference: as the baseline's before "
        "the start were; then the proof is exact.",
    )
    covariate: Text | None = Field(
        None, description="Column of a number known before exposure, which explains part of the differences."
    )

    @property
    def range(self) -> tuple[float, float] | None:
        return self.bounds if isinstance(self.bounds, tuple) else None

    def _own_columns(self) -> tuple[str, ...]:
        return (self.column,) if self.covariate is None else (self.column, self.covariate)


class Ratio(_Metric):
    """Sum of the numerator over the sum of the denominator."""

    kind: Literal["ratio"] = Field(description="Sum of one column over the sum of another.")
    numerator: Text = Field(description="Column summed above the line.")
    denominator: Text = Field(description="Column summed below the line.")

    @property
    def rate(self) -> bool:
        # Nothing says what a ratio's unit is, unless its best or worst value lies outside 0 to 1.
        return all(0 <= end <= 1 for end in (self.best, self.worst) if end is not None)

    def _own_columns(self) -> tuple[str, ...]:
        return (self.numerator, self.denominator)


class TimeToEvent(_Metric):
    """Share of units with the event within a time, or the mean time up to a limit."""

    kind: Literal["time_to_event"] = Field(description="Time from one column to another; open units count.")
    from_: Text = Field(alias="from", description="Column of the time at which the clock starts.")
    to: Text = Field(description="Column of the time of the event; empty while it has not happened.")
    within: Span | None = Field(None, description="Share of units with the event by this age.")
    mean_up_to: Span | None = Field(None, description="Mean time to the event, cut at this age.")
    test: Literal["hazard"] | None = Field(
        None, description="hazard: roll back on the pace of events at every age, days before the value is final."
    )

    @property
    def rate(self) -> bool:
        return self.within is not None

    @property
    def binary(self) -> bool:
        return self.within is not None

    @property
    def by_hazard(self) -> bool:
        return self.test == "hazard"

    @property
    def event_is_good(self) -> bool:
        """Whether more events, or sooner ones, are what is wanted: a ticket resolved, and not a customer lost."""
        return self.better == ("higher" if self.within is not None else "lower")

    @property
    def limit(self) -> Duration:
        """The age at which the clock stops: that of ``within`` or of ``mean_up_to``."""
        limit = self.within or self.mean_up_to
        assert limit is not None  # the policy was checked
        return limit

    @property
    def maturity(self) -> Duration:
        return self.matures_after or self.limit

    @property
    def range(self) -> tuple[float, float]:
        return (0.0, 1.0 if self.within is not None else self.limit.timedelta / timedelta(hours=1))

    def _own_columns(self) -> tuple[str, ...]:
        return (self.from_, self.to)


class Quantile(_Metric):
    """A percentile of a magnitude."""

    kind: Literal["quantile"] = Field(description="Percentile of a number.")
    column: Text = Field(description="Column of numbers.")
    q: float = Field(gt=0, lt=1, description="Which percentile, as 0.95.")

    @property
    def span(self) -> float:
        # It is judged as the share of units beyond a threshold.
        return 1.0

    def _own_columns(self) -> tuple[str, ...]:
        return (self.column,)


class ShareAbove(_Metric):
    """Share of units above a bound."""

    kind: Literal["share_above"] = Field(description="Share of units above a bound.")
    better: Literal["higher", "lower"] = Field("lower", description="Which direction is good.")
    column: Text = Field(description="Column of numbers.")
    above: float = Field(description="The bound.")

    @property
    def binary(self) -> bool:
        return True

    @property
    def rate(self) -> bool:
        return True

    def _own_columns(self) -> tuple[str, ...]:
        return (self.column,)


class RareEvent(_Metric):
    """Units with at least one event, per unit; for rates below 2 %."""

    kind: Literal["rare_event"] = Field(description="Units with at least one event, for rates below 2 %.")
    better: Literal["higher", "lower"] = Field("lower", description="Which direction is good.")
    column: Text = Field(description="Column of true and false, of counts, or any column with `equals`.")
    equals: Text | None = Field(None, description="Count the rows whose value, as text, is this one.")

    @property
    def binary(self) -> bool:
        return True

    @property
    def rate(self) -> bool:
        return True

    def _own_columns(self) -> tuple[str, ...]:
        return (self.column,)


Metric = Annotated[
    Proportion | Mean | Ratio | TimeToEvent | Quantile | ShareAbove | RareEvent, Field(discriminator="kind")
]
