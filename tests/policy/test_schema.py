from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.policy.support import EXAMPLE, SMALL, small

from rampgate.policy import load_policy, schema
from rampgate.policy.document import read_yaml

SCHEMA = schema()


def test_it_is_json_schema_2020_12_and_json():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "rampgate policy"
    assert SCHEMA["required"] == ["metrics", "kpi", "phases"]
    json.dumps(SCHEMA, allow_nan=False)


def test_every_key_is_described_and_no_other_allowed():
    for section in (SCHEMA, *SCHEMA["$defs"].values()):
        assert section["additionalProperties"] is False
        for name, key in section["properties"].items():
            assert key.get("description") or "$ref" in key, name


def test_defaults_are_as_they_are_written_in_a_file():
    top, phase = SCHEMA["properties"], SCHEMA["$defs"]["Phase"]["properties"]
    assert phase["at_least"]["default"] == "7d"
    assert SCHEMA["$defs"]["Kpi"]["properties"]["margin"]["default"] == "3pp"
    assert top["rollback"]["default"] == {"kpi": {"worse_by": 0.0}}
    assert top["source"]["default"] == {
        "unit": "unit", "time": "time", "variant": "variant", "decimal": ".", "ignore": [], "look": "day",
        "window": "week",
    }  # fmt: skip
    assert '"null"' not in json.dumps(SCHEMA)


@pytest.mark.parametrize("text", [EXAMPLE.read_text(), SMALL], ids=["example", "small"])
def test_policies_that_load_satisfy_it(text):
    assert list(_violations(read_yaml(text).content, SCHEMA, "policy")) == []
    assert list(_violations(load_policy(text).canonical(), SCHEMA, "canonical")) == []


@pytest.mark.parametrize(
    "sections",
    [
        {"colour": 1},
        {"kpi": {"weights": {"accuracy": 1}, "margin": "7"}},
        {"phases": [{"traffic": "10"}]},
        {"phases": [{"traffic": 10}]},
        {"phases": []},
        {"phases": [{"traffic": "10%", "at_least": "-7d"}]},
        {"phases": [{"traffic": "10%", "go": "yes"}]},
        {"metrics": {"accuracy": {"kind": "proportion"}}},
        {"metrics": {"accuracy": {"kind": "other", "column": "x"}}},
        {"approval": None},
        {"start": 5},
    ],
)
def test_what_it_refuses_does_not_load(sections):
    content = small(**sections)
    assert list(_violations(content, SCHEMA, "policy")) != []
    with pytest.raises(Exception, match="remedy"):
        load_policy(content)


def _violations(value: Any, rule: dict[str, Any], where: str) -> Any:
    """The words of JSON Schema that the generated schema uses; any other word fails the test."""
    words = {
        "$ref": lambda word: _violations(value, _follow(word), where),
        "anyOf": lambda word: _none_or(all(list(_violations(value, one, where)) for one in word), where),
        "oneOf": lambda word: _none_or(sum(not list(_violations(value, one, where)) for one in word) != 1, where),
        "type": lambda word: _none_or(not _is(value, word), f"{where} is no {word}"),
        "enum": lambda word: _none_or(value not in word, where),
        "const": lambda word: _none_or(value != word, where),
        "pattern": lambda word: _none_or(isinstance(value, str) and not re.search(word, value), where),
        "minimum": lambda word: _none_or(_is(value, "number") and value < word, where),
        "maximum": lambda word: _none_or(_is(value, "number") and value > word, where),
        "exclusiveMinimum": lambda word: _none_or(_is(value, "number") and value <= word, where),
        "exclusiveMaximum": lambda word: _none_or(_is(value, "number") and value >= word, where),
        "minItems": lambda word: _none_or(isinstance(value, list) and len(value) < word, where),
        "minProperties": lambda word: _none_or(isinstance(value, dict) and len(value) < word, where),
        "required": lambda word: [f"{where} has no {key}" for key in word if key not in value],
        "items": lambda word: [x for i, item in enumerate(value) for x in _violations(item, word, f"{where}[{i}]")],
        "properties": lambda word: [
            x for key in word if key in value for x in _violations(value[key], word[key], f"{where}.{key}")
        ],
        "additionalProperties": lambda word: [
            x
            for key in value.keys() - rule.get("properties", {}).keys()
            for x in (_violations(value[key], word, f"{where}.{key}") if word else [f"{where}.{key} is unknown"])
        ],
    }
    silent = {"$schema", "$defs", "title", "description", "default", "examples", "format", "discriminator"}
    structure = {"required", "items", "properties", "additionalProperties"}
    fits = "type" not in rule or _is(value, rule["type"])
    for name, word in rule.items():
        if name not in silent and (fits or name not in structure):
            yield from words[name](word)


def _none_or(wrong: bool, where: str) -> list[str]:
    return [where] if wrong else []


def _follow(reference: str) -> dict[str, Any]:
    section: dict[str, Any] = SCHEMA["$defs"][reference.removeprefix("#/$defs/")]
    return section


def _is(value: Any, kinds: str | list[str]) -> bool:
    types: dict[str, Any] = {
        "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
    }  # fmt: skip
    return any(
        isinstance(value, types[kind]) and (kind == "boolean" or not isinstance(value, bool))
        for kind in ([kinds] if isinstance(kinds, str) else kinds)
    )
