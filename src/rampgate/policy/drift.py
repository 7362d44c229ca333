"""The policy's section on drift: what is watched, against what, and from where on it counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from rampgate.policy.change import After
from rampgate.policy.frozen import FrozenDict, freeze
from rampgate.policy.metric import Section
from rampgate.policy.names import Key, Text
from rampgate.policy.problem import refuse, shown
from rampgate.policy.values import Day, Share

#: Distances that a threshold may be given for, in the order in which they are told.
Measure = Literal["psi", "js", "ks", "wasserstein", "wasserstein_scaled", "missing"]
MEASURES: tuple[Measure, ...] = ("psi", "js", "ks", "wasserstein", "wasserstein_scaled", "missing")
#: Those that only numbers have.
NUMERIC_ONLY = ("ks", "wasserstein", "wasserstein_scaled")
#: Where the policy says nothing: the population stability index at which credit scoring speaks of a shift (Siddiqi
#: 2006 has .1 and .25), and a tenth of the rows that are missing more than in the reference.
PSI, MISSING = 0.2, 0.1
#: Share of a threshold from which on it is said, where the policy does not say.
WARN = 0.5

_RATE = re.compile(r"(\d+(?:\.\d*)?)\s*per\s+(year|quarter|month|week)")
_A_YEAR = {"year": 1.0, "quarter": 4.0, "month": 12.0, "week": 365.25 / 7.0}


def parse_rate(value: object) -> float:
    """``1 per year`` as alarms a year; a bare number counts a year."""
    found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is not None:
        number = float(found[1]) * _A_YEAR[found[2]]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    else:
        number = 0.0
    if not 0 < number <= _A_YEAR["week"]:
        remedy = "write how many false alarms are accepted, as 1 per year, 1 per quarter or 2 per month"
        raise refuse(f"{shown(value)} is not a rate of false alarms", remedy)
    return number


Rate = Annotated[
    float,
    PlainValidator(parse_rate),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^\s*\d+(\.\d*)?\s*per\s+(year|quarter|month|week)\s*$"},
            ],
            "examples": ["1 per year"],
        }
    ),
]
Level = Annotated[float, Field(gt=0)]
_WARN_SCHEMA = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "object", "additionalProperties": {"type": "number", "exclusiveMinimum": 0}},
    ]
}


class DriftReference(Section):
    """What the windows are compared with."""

    from_: Day | None = Field(None, alias="from", description="First day of the reference.")
    to: Day | None = Field(None, description="Day after the last of the reference.")
    file: Text | None = Field(None, description="A file with the reference rows, beside the policy.")


def _known(warn: dict[str, float]) -> dict[str, float]:
    unknown = [name for name in warn if name not in MEASURES]
    if unknown:
        raise refuse(f'"{unknown[0]}" is not a distance', f"name some of these: {', '.join(MEASURES)}")
    return freeze(warn)


class DriftAlert(Section):
    """Distances at which the drift of a column holds the rollout; the index at 0.2 where none is given."""

    kind: Literal["numeric", "categorical"] | None = Field(
        None, description="What the column holds; told from its type when left out."
    )
    psi: Level | None = Field(None, description="Population stability index, over tenths of the reference.")
    js: Level | None = Field(None, description="Jensen-Shannon distance, from 0 to 1 (base 2).")
    ks: Level | None = Field(None, description="Kolmogorov-Smirnov distance, of numbers.")
    wasserstein: Level | None = Field(None, description="Wasserstein-1 distance in the column's own unit, of numbers.")
    wasserstein_scaled: Level | None = Field(
        None, description="The same in standard deviations of the reference, of numbers."
    )
    missing: Share = Field(MISSING, description="How much larger or smaller the share of missing values is.")
    warn: Annotated[dict[str, Level], AfterValidator(_known), WithJsonSchema(_WARN_SCHEMA)] | None = Field(
        None, description="From where it is said: a distance, as 0.1, or several by name; half of the threshold."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_warning(cls, value: object) -> object:
        """A bare number is a distance of the measure that has a threshold."""
        if not isinstance(value, dict) or not isinstance(value.get("warn"), (int, float, str)):
            return value
        of = [name for name in MEASURES if name != "missing" and name in value] or ["psi"]
        if len(of) > 1:
            example = ", ".join(f"{name}: 0.1" for name in of)
            raise refuse(f"warn could be a distance of {' or '.join(of)}", f"write warn: {{{example}}}")
        return {**value, "warn": {of[0]: value["warn"]}}

    def given(self) -> dict[str, float]:
        """The thresholds that the policy gives, that of missing values apart."""
        named = {name: getattr(self, name) for name in MEASURES if name != "missing"}
        return {name: level for name, level in named.items() if level is not None}

    def warned(self, levels: Mapping[str, float]) -> dict[str, float]:
        """From where a distance is said, given where it acts."""
        return {name: (self.warn or {}).get(name, WARN * level) for name, level in levels.items()}


def _reference(value: object) -> object:
    if isinstance(value, str):
        return None if value == "baseline" else {"file": value}
    return value


class Drift(Section):
    """Alert thresholds on inputs, scores and metrics."""

    reference: Annotated[DriftReference | None, BeforeValidator(_reference)] = Field(
        None, description="Days of the baseline, a file, or baseline: all of its days before the start."
    )
    columns: Annotated[dict[Key, DriftAlert], AfterValidator(freeze)] = Field(
        FrozenDict(), description="What is watched: columns, or metrics by their name."
    )
    false_alerts: Rate | None = Field(
        None,
        description="Thresholds are found in the reference, so that this many windows alarm falsely: 1 per year.",
    )
    rollback: bool = Field(False, description="Whether drift of the candidate alone rolls back; else it holds.")
    after: After | None = Field(None, description="The watch over days once no baseline is left.")

    def levels(self, name: str) -> dict[str, float]:
        """Where a column acts, by measure; without a distance where it is to be found in the reference."""
        alert = self.columns[name]
        given = alert.given()
        if not given and self.false_alerts is None:
            given = {"psi": PSI}
        return {**given, "missing": alert.missing}

    def calibrated(self, name: str) -> bool:
        """Whether a column's threshold is found in the reference."""
        return self.false_alerts is not None and not self.columns[name].given()
