"""The model's validation errors in the words of the policy file."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rampgate.policy.metric import Section
from rampgate.policy.model import Policy
from rampgate.policy.problem import KeyPath, Problem, did_you_mean, kind_of, shown

_EXPECTED = {
    "string_type": ("text", "write one name"),
    "int_type": ("a whole number", "write it without quotes, as 500"),
    "float_type": ("a number", "write it without quotes, as 0.5"),
    "finite_number": ("a finite number", "write a number, as 0.5"),
    "dict_type": ("a mapping", "write it as {key: value}"),
    "model_type": ("a mapping", "write it as {key: value}"),
    "model_attributes_type": ("a mapping", "write it as {key: value}"),
    "tuple_type": ("a list", "write it as [first, second], or one item a line after a dash"),
}
_COMPARED = {"greater_than": "above", "greater_than_equal": "at least", "less_than": "below"}


def explain(error: ValidationError) -> list[Problem]:
    """Every validation error as a problem of the file."""
    return [_problem(detail) for detail in error.errors(include_url=False)]


def unknown_keys(error: ValidationError) -> list[KeyPath]:
    """Paths of the keys that the model does not know."""
    return [_resolve(item["loc"])[0] for item in error.errors() if item["type"] == "extra_forbidden"]


def _problem(detail: ErrorDetails) -> Problem:
    path, section = _resolve(detail["loc"])
    kind, found, context = detail["type"], detail["input"], detail.get("ctx", {})
    last = str(path[-1]) if path else ""
    if kind == "rampgate":
        return Problem(path, context["what"], context["remedy"])
    if kind == "extra_forbidden":
        known = _keys(section)
        return Problem(path, f'unknown key "{last}"', did_you_mean(last, known, "the keys here are"))
    if kind == "missing":
        description = _keys(section).get(last)
        return Problem(path[:-1], f'"{last}" is missing', f'add "{last}"' + (f": {description}" if description else ""))
    if kind == "union_tag_not_found":
        return Problem(path, '"kind" is missing', f"add one of these: {_listed(_kinds())}")
    if kind == "union_tag_invalid":
        word = str(context["tag"])
        return Problem(
            (*path, "kind"),
            f"{shown(word)} is not a kind of metric",
            did_you_mean(word, _kinds(), "the kinds are"),
        )
    if kind == "literal_error":
        choices = _choices(section, last)
        remedy = did_you_mean(str(found), choices, "write one of these")
        return Problem(path, f"{shown(found)} is not one of {_listed(choices)}", remedy)
    if kind == "too_short":
        return Problem(path, "is empty", "give it at least one entry")
    if kind in _COMPARED:
        bound = next(iter(value for key, value in context.items() if key in ("gt", "ge", "lt")))
        return Problem(path, f"{shown(found)} is out of range", f"write a number {_COMPARED[kind]} {bound:g}")
    expected, remedy = _EXPECTED.get(kind, (detail["msg"], "see the JSON Schema of a policy"))
    return Problem(path, f"expected {expected}, found {kind_of(found)}", remedy)


def _listed(words: Any) -> str:
    return ", ".join(words)


# --- from a validation error's location to the key in the file --------------------------


def _resolve(loc: tuple[int | str, ...]) -> tuple[KeyPath, type[Section] | None]:
    """The path in the file and the section that it stands in.

    A location also names the member of a union that was tried (the metric's kind), which
    is no key.
    """
    path: list[str | int] = []
    section: type[Section] | None = None
    current: Any = Policy
    for step in loc:
        current = _bare(current)
        if _is_union(current):
            current = next((one for one in get_args(current) if _tag(one) == step), None)
            section = current
            continue
        path.append(step)
        if isinstance(current, type) and issubclass(current, Section):
            section = current
            field = next((f for name, f in current.model_fields.items() if (f.alias or name) == step), None)
            current = field.annotation if field else None
        else:  # a mapping's value or a list's item
            section = None
            current = get_args(current)[-1 if get_origin(current) is dict else 0] if get_args(current) else None
    return tuple(path), section


def _bare(annotation: Any) -> Any:
    """The annotation without its metadata and without ``| None``."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
            continue
        if _is_union(annotation):
            rest = [one for one in get_args(annotation) if one is not type(None)]
            if len(rest) == 1:
                annotation = rest[0]
                continue
        return annotation


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _tag(metric: Any) -> str | None:
    field = getattr(metric, "model_fields", {}).get("kind")
    return str(get_args(field.annotation)[0]) if field else None


def _kinds() -> list[str]:
    metrics = get_args(_bare(Policy.model_fields["metrics"].annotation))[1]
    return [str(_tag(one)) for one in get_args(_bare(metrics))]


def _keys(section: type[Section] | None) -> Mapping[str, str | None]:
    fields = section.model_fields if section else {}
    return {field.alias or name: field.description for name, field in fields.items()}


def _choices(section: type[Section] | None, key: str) -> list[str]:
    assert section is not None
    return [str(choice) for choice in get_args(_bare(section.model_fields[key].annotation))]
