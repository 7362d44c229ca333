"""The reference of the policy file, made from its JSON Schema and from a policy that has every key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from tests.docs.runner import sections

from rampgate.policy import Alerts, Duration, Margin, load_policy, schema
from rampgate.policy.document import read_yaml
from rampgate.policy.drift import Rate
from rampgate.policy.judged import _unjudged as unjudged
from rampgate.policy.names import Key, Name, Text
from rampgate.policy.values import Day, Moment, Risk, Share, Span, Weight, Window

EVERY_KEY = Path(__file__).with_name("every_key.yaml")
SCHEMA = schema()

HEAD = """\
# Policy

<!-- made by `python -m tests.docs.refresh` from the policy's model; edit the descriptions there -->

Every key that a policy file may have. A policy must give `metrics`, `kpi: weights` and `phases`; everything else has
a default, and `rampgate validate` prints those that hold. An unknown key, a value that is impossible and sections that
contradict each other are errors with file and line. [Write a policy](../how-to/policy.md) goes through it step by step;
`rampgate schema` prints the same as a JSON Schema, so that editors complete it.

## Values

| kind | written as | note |
|---|---|---|
| share | `10%` or `0.1` | |
| margin | `2pp`, `10%` or `0.2` | percentage points; a share of the baseline's value; the metric's own unit |
| duration | `90m`, `72h`, `7d`, `2w` | whole numbers; days are calendar days in `timezone` |
| rate | `1 per year`, `2 per month` or `4` | per year, quarter, month or week; a bare number counts a year |
| day | `2026-01-05` | |
| moment | `2026-01-05` or `2026-01-05T12:00` | local to `timezone`, unless it names its offset |
| window | `week` or `30d` | ISO weeks, or days counted from the start |
| text | `v2` | a whole number, true and false are text here; a number with a point is put in quotes |
| name | `triage-copilot` | text of at most 100 printable characters, without `:` and <code>&#124;</code> |

"""

#: The words for each type of value, by its schema.
_WORDS: tuple[tuple[Any, str], ...] = (
    (Share, "share"), (Weight, "share"), (Risk, "share"), (Margin, "margin"), (Duration, "duration"),
    (Span, "duration"), (Window, "window"), (Day, "day"), (Moment, "moment"), (Text, "text"), (Name, "text"),
    (Key, "name"), (Alerts, "rate"), (Rate, "rate"),
)  # fmt: skip


def _bare(rule: Mapping[str, Any]) -> str:
    """A rule without what is no part of its type."""
    return json.dumps({k: v for k, v in rule.items() if k not in ("title", "description", "default")}, sort_keys=True)


VALUES = {_bare(TypeAdapter(kind).json_schema()): word for kind, word in reversed(_WORDS)}


def policy_page() -> str:
    """The page, whole."""
    example, *others = _documents()
    refused = _refused(example)
    parts = [HEAD, "## The policy\n\n", _table(SCHEMA, "", refused), _example(example, [*SCHEMA["properties"]][:3])]
    done: set[str] = set()
    for key, rule in SCHEMA["properties"].items():
        found = list(_sections(rule, key))
        if not found:
            continue
        for path, section in found:
            if section in done:
                continue
            done.add(section)
            parts += _section(path, SCHEMA["$defs"][section], refused)
        if key == "metrics":
            parts.append(_metrics(example, refused))
            continue
        examples = [text for text in (example, *others) if key in sections(text)]
        parts += [_example(text, [key], "or" if text is not example else "") for text in examples]
    return "".join(parts).rstrip() + "\n"


def _documents() -> list[str]:
    """The policy with every key, and sections that take the place of some of its."""
    text = EVERY_KEY.read_text("utf-8")
    return text[text.index("rollout:") :].split("---\n")


def _sections(rule: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """``$defs`` that a key's value is made of, each with its path; metrics, which are of kinds, stand apart."""
    if "$ref" in rule:
        name = rule["$ref"].removeprefix("#/$defs/")
        yield path, name
        for key, inner in SCHEMA["$defs"][name]["properties"].items():
            yield from _sections(inner, f"{path}.{key}")
    elif "items" in rule:
        yield from _sections(rule["items"], path)
    elif "oneOf" in rule.get("additionalProperties", {}):
        yield path, "Proportion"
    elif isinstance(rule.get("additionalProperties"), dict):
        yield from _sections(rule["additionalProperties"], path)


def _section(path: str, section: Mapping[str, Any], refused: Mapping[str, str]) -> list[str]:
    if path == "metrics":
        return []
    level = "##" if "." not in path else "###"
    return [f"{level} `{path}`\n\n{section['description']}\n\n", _table(section, path, refused)]


def _kinds() -> dict[str, Mapping[str, Any]]:
    """Every kind of metric, in the model's order."""
    rule = SCHEMA["properties"]["metrics"]["additionalProperties"]
    kinds = {ref: kind for kind, ref in rule["discriminator"]["mapping"].items()}
    return {kinds[one["$ref"]]: SCHEMA["$defs"][one["$ref"].removeprefix("#/$defs/")] for one in rule["oneOf"]}


def _common() -> dict[str, Any]:
    """The keys of every kind of metric, as the first kind has them."""
    first, *others = (kind["properties"] for kind in _kinds().values())
    return {key: rule for key, rule in first.items() if key != "kind" and all(key in other for other in others)}


def _metrics(example: str, refused: Mapping[str, str]) -> str:
    """The keys of every metric, and those of each kind with its lines of the example."""
    common = _common()
    head = (
        "## `metrics`\n\nOne line per metric: its name, then how it is made of columns. Every kind has these keys:\n\n"
    )
    parts = [head, _table({"properties": common}, "metrics", refused)]
    lines = sections(example)["metrics"].splitlines(keepends=True)
    for kind, section in _kinds().items():
        own = {k: v for k, v in section["properties"].items() if k != "kind" and v != common.get(k)}
        note = f" Refused by this version: {refused[kind]}." if kind in refused else ""
        parts.append(f"### `kind: {kind}`\n\n{section['description']}{note}\n\n")
        parts.append(_table({**section, "properties": own}, "metrics", refused))
        parts.append(_fenced("".join([lines[0], *(line for line in lines[1:] if f"kind: {kind}," in line)])))
    return "".join(parts)


def _table(section: Mapping[str, Any], path: str, refused: Mapping[str, str]) -> str:
    lines = ["| key | value | default | what it says |", "|---|---|---|---|"]
    for key, rule in section["properties"].items():
        full = f"{path}.{key}" if path else key
        needed = key in section.get("required", ())
        default = "**must be given**" if needed else _default(rule)
        lines.append(f"| `{key}` | {_type(rule, full)} | {default} | {_description(rule, refused.get(full))} |")
    return "\n".join(lines) + "\n\n"


def _description(rule: Mapping[str, Any], refused: str | None) -> str:
    text = rule.get("description") or SCHEMA["$defs"][rule["$ref"].removeprefix("#/$defs/")]["description"]
    return f"{text} Refused by this version: {refused}." if refused else str(text)


def _default(rule: Mapping[str, Any]) -> str:
    if "default" not in rule or rule["default"] in ({}, []):
        return "none"
    value = rule["default"]
    if isinstance(value, dict):
        return "see there" if "$ref" in rule else f"`{_written(value)}`"
    return f"`{value:.0%}`" if _bare_type(rule) == "share" else f"`{value}`"


def _written(value: Any) -> str:
    """A default as it would stand in a file."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_written(v)}" for k, v in value.items()) + "}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _bare_type(rule: Mapping[str, Any]) -> str | None:
    return VALUES.get(_bare(rule))


def _type(rule: Mapping[str, Any], path: str) -> str:
    """What a value is, in words, linked to where it is described."""
    known = _bare_type(rule)
    if known is not None:
        return known
    if "enum" in rule:
        return " or ".join(f"`{choice}`" for choice in rule["enum"])
    if "anyOf" in rule:
        return " or ".join(_type(choice, path) for choice in rule["anyOf"])
    if "prefixItems" in rule:
        return f"list of {len(rule['prefixItems'])} numbers"
    if "items" in rule:
        item = _type(rule["items"], path)
        return f"list of {item}s" if item in VALUES.values() else f"list of {item}"
    if "$ref" in rule:
        return _link(path, rule["$ref"].removeprefix("#/$defs/"))
    if "oneOf" in rule:
        return f"[metric](#{_anchor(path)})"
    if rule.get("type") == "object":
        return f"name: {_type(rule['additionalProperties'], path)}"
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "up to", "exclusiveMaximum": "below"}
    limits = [f"{words} {rule[key]:g}" for key, words in bounds.items() if key in rule]
    kinds = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}
    return " ".join([kinds[rule["type"]], *limits])


def _link(path: str, section: str) -> str:
    """A link to where a section is described, which is where it comes first."""
    for key, rule in SCHEMA["properties"].items():
        for place, name in _sections(rule, key):
            if name == section:
                return f"[{place}](#{_anchor(place)})"
    raise LookupError(f"{path}: no section {section}")


def _anchor(path: str) -> str:
    """The anchor of the heading that is a key's path; the site's tests follow every link."""
    return path.replace(".", "")


def _example(text: str, keys: list[str], word: str = "") -> str:
    """Sections of the policy that has every key."""
    return (f"{word}\n\n" if word else "") + _fenced("".join(sections(text)[key] for key in keys))


def _fenced(text: str) -> str:
    return f"<!-- not run: part of a policy that the tests load -->\n\n```yaml\n{text}```\n\n"


def _refused(example: str) -> dict[str, str]:
    """What this version cannot judge, by the key's path, and for kinds of metric by the kind."""
    policy = load_policy(example)
    found: dict[str, str] = {}
    for problem in unjudged(policy):
        steps = [str(step) for step in problem.path if not isinstance(step, int)]
        if steps[0] == "metrics" and len(steps) == 2:
            found.setdefault(str(policy.metrics[steps[1]].kind), problem.what)
        elif steps[0] == "metrics":
            found.setdefault(f"metrics.{steps[2]}", problem.what)
        else:
            found.setdefault(".".join(steps), problem.what)
    return found


def written_paths() -> set[str]:
    """Paths of all keys that the examples hold; names chosen by the user are left out."""
    return {path for text in _documents() for path in _paths(read_yaml(text).content, SCHEMA, "")}


def schema_paths() -> set[str]:
    """Paths of all keys that the schema knows."""
    return set(_known(SCHEMA, ""))


def _known(rule: Mapping[str, Any], path: str) -> Iterator[str]:
    if "$ref" in rule:
        rule = SCHEMA["$defs"][rule["$ref"].removeprefix("#/$defs/")]
    if "oneOf" in rule:
        yield from (f"{path}.{key}" for key in _common())
        for kind, one in _kinds().items():
            yield from (f"{path}({kind}).{key}" for key in one["properties"] if key not in _common())
        return
    for key, inner in rule.get("properties", {}).items():
        yield f"{path}.{key}"
        yield from _known(inner, f"{path}.{key}")
    if isinstance(inner := rule.get("items", rule.get("additionalProperties")), dict):
        yield from _known(inner, path)


def _paths(value: Any, rule: Mapping[str, Any], path: str) -> Iterator[str]:
    if "$ref" in rule:
        rule = SCHEMA["$defs"][rule["$ref"].removeprefix("#/$defs/")]
    if "oneOf" in rule:
        yield from (f"{path}.{key}" if key in _common() else f"{path}({value['kind']}).{key}" for key in value)
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, rule.get("items", {}), path)  # a list of plain values has no keys
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in rule.get("properties", {}):
                yield f"{path}.{key}"
                yield from _paths(inner, rule["properties"][key], f"{path}.{key}")
            else:
                yield from _paths(inner, rule["additionalProperties"], path)
