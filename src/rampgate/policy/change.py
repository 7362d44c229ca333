"""The watch that is kept after the last phase, when no baseline is left beside the candidate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from rampgate.policy.metric import Section, as_tuple
from rampgate.policy.names import Key
from rampgate.policy.problem import refuse, shown
from rampgate.policy.values import Day

_ALERTS = re.compile(r"(\d{1,3})\s+(?:per|a)\s+(year|quarter|month)")


@dataclass(frozen=True)
class Alerts:
    """How many false alerts are accepted: ``1 per year``."""

    count: int
    span: Literal["year", "quarter", "month"]

    _A_YEAR: ClassVar[dict[str, int]] = {"year": 1, "quarter": 4, "month": 12}

    @property
    def a_year(self) -> float:
        """Their number in a year."""
        return float(self.count * self._A_YEAR[self.span])

    def __str__(self) -> str:
        return f"{self.count} per {self.span}"

    def words(self) -> str:
        """As in a sentence: ``1 false alert per year``."""
        return f"{self.count} false alert{'' if self.count == 1 else 's'} per {self.span}"

    @classmethod
    def parse(cls, value: object) -> Alerts:
        """Read ``1 per year``; ValueError when it says no rate."""
        if isinstance(value, Alerts):
            return value
        found = _ALERTS.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None or int(found[1]) == 0:
            raise refuse(f"{shown(value)} is no rate of false alerts", "write 1 per year, or 2 per quarter")
        span: Any = found[2]
        return cls(int(found[1]), span)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = {
            "type": "string",
            "pattern": r"^\s*\d{1,3}\s+(per|a)\s+(year|quarter|month)\s*$",
            "examples": ["1 per year", "2 per quarter"],
        }
        return core_schema.no_info_plain_validator_function(
            cls.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(str),
            metadata={"pydantic_js_functions": [lambda _schema, _handler: dict(schema)]},
        )


class AfterReference(Section):
    """Days whose law the watched days are held against."""

    from_: Day = Field(alias="from", description="First day of the reference.")
    to: Day = Field(description="Day after the last of the reference; it is watched from then on.")


class After(Section):
    """What is watched once the candidate has all of the traffic."""

    false_alerts: Alerts = Field(Alerts(1, "year"), description="False alerts that are accepted, over all metrics.")
    metrics: Annotated[tuple[Key, ...], BeforeValidator(as_tuple)] = Field(
        ("kpi",), description="What is watched: kpi, or names of metrics."
    )
    reference: AfterReference | None = Field(
        None, description="Days of both versions that say how days differ; all before the last phase when left out."
    )
    then: Literal["hold", "rollback"] = Field("hold", description="What a change does.")
