"""Names in a policy: of columns and variants, which others chose, and its own, of metrics and people."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from rampgate.policy.problem import kind_of, refuse, shown


def parse_text(value: object) -> str:
    """Non-empty text. Whole numbers and true/false are text here: a variant may be called 2."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        raise refuse(
            f"{shown(value)} was read as a number, whose spelling is lost",
            f'write it in quotes, as "{value}"',
        )
    text = str(value) if isinstance(value, int) else value
    if not isinstance(text, str):
        raise refuse(f"expected text, found {kind_of(value)}", "write one name")
    if not text.strip() or any(0xD800 <= ord(letter) < 0xE000 or letter == "\0" for letter in text):
        raise refuse(f"{text[:40]!a} is not a name", "write a name with letters or digits in it")
    return text


def parse_name(value: object) -> str:
    """Text for something this policy names itself; kept to what can stand in ids and tables."""
    text = parse_text(value)
    if text != text.strip() or not text.isprintable() or set(text) & set(":|") or len(text) > 100:
        raise refuse(
            f"{shown(text)} cannot be used as a name",
            'use at most 100 printable characters, without ":" and "|" and without spaces at the ends',
        )
    return text


_TEXT_SCHEMA = {"type": ["string", "integer", "boolean"]}
Text = Annotated[str, PlainValidator(parse_text), WithJsonSchema(_TEXT_SCHEMA)]
Name = Annotated[str, PlainValidator(parse_name), WithJsonSchema(_TEXT_SCHEMA)]
Key = Annotated[str, PlainValidator(parse_name), WithJsonSchema({"type": "string"})]
