"""JSON Schema of a policy file, so that editors complete and check it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from rampgate.policy.change import Alerts
from rampgate.policy.model import Policy
from rampgate.policy.values import Duration, Margin


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a policy file."""
    generated = Policy.model_json_schema(by_alias=True, schema_generator=_Generator)
    return {"$schema": _Generator.schema_dialect, **generated, "title": "rampgate policy"}


class _Generator(GenerateJsonSchema):
    """Defaults as they are written in a file, and no null: loading refuses an empty value."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        default = _written(schema.get("default"))
        return inner if default is None else {**inner, "default": default}


def _written(value: Any) -> Any:
    if isinstance(value, Margin):
        return value.canonical()
    if isinstance(value, Duration | Alerts):
        return str(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, dict):
        return {key: _written(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
