"""How text says a time where it is not ISO 8601: strptime forms and epochs.

Forms are kept to directives whose meaning no engine and no language setting changes, and to those that fix a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from rampgate.policy.problem import refuse, shown

#: Seconds, milliseconds and microseconds since 1970, and how many of them are a second.
EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}

_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)
#: What a form must say, and the directives that say it; each at most once.
_PARTS = {"year": "Yy", "month": "mbB", "day": "d", "hour": "HI", "minute": "M", "second": "S", "offset": "z"}
_KNOWN = "YymbBdHIMSfpz"
_REMEDY = 'write it as "%d/%m/%Y %H:%M", with %Y %y %m %b %B %d %H %I %p %M %S %f %z, or epoch_s, epoch_ms, epoch_us'
#: An example in which no two parts are alike.
_SAMPLE = datetime(2026, 2, 3, 14, 5, 9, 500_000)  # noqa: DTZ001  (a form decides about zones)

TimeKind = Literal["day", "zoned", "naive"]


def parse_time_format(value: object) -> tuple[str, ...]:
    """One form, or several of which the first that fits applies."""
    forms = value if isinstance(value, (list, tuple)) else [value]
    if not forms:
        raise refuse("there is no form of time", _REMEDY)
    checked = tuple(_checked(form) for form in forms)
    _refuse_rivals(checked)
    return checked


def _checked(form: object) -> str:
    if not isinstance(form, str) or not form.strip():
        raise refuse(f"{shown(form)} is not a form of time", _REMEDY)
    if form in EPOCHS:
        return form
    found = _DIRECTIVE.findall(form)
    unknown = sorted(set(found) - set(_KNOWN))
    if unknown:
        raise refuse(f"%{unknown[0]} is no part of a form of time", _REMEDY)
    if form != form.strip() or form.count("%") != len(found):
        raise refuse(f"{shown(form)} is not a form of time", _REMEDY)
    for part, letters in _PARTS.items():
        count = sum(found.count(letter) for letter in letters)
        if count > 1 or (count == 0 and part in ("year", "month", "day")):
            raise refuse(f"{shown(form)} says {'two' if count else 'no'} {part}{'s' if count else ''}", _REMEDY)
    _check_clock(form, found)
    return form


def _check_clock(form: str, found: list[str]) -> None:
    """Hours, minutes and seconds in a form must hang together."""
    if ("I" in found) != ("p" in found):
        raise refuse(f"{shown(form)} has one of %I and %p", "write %I with %p (02:05 PM), or %H (14:05)")
    needs = {"M": "HI", "S": "M", "f": "S", "z": "HI"}
    for letter, before in needs.items():
        if letter in found and not set(before) & set(found):
            raise refuse(f"{shown(form)} has %{letter} without %{before[0]}", _REMEDY)


def _refuse_rivals(forms: Iterable[str]) -> None:
    """Two forms that the same text fits, meaning two times: 03/02 would be one or the other by their order."""
    seen: dict[str, str] = {}
    for form in forms:
        shape = re.sub(r"\s+", " ", re.sub(r"%[ymdHIMS]", "%0", form).replace("%B", "%b"))
        if shape in seen:
            raise refuse(
                f"{shown(form)} and {shown(seen[shape])} read the same text as different times",
                "give the one that the table is written in",
            )
        seen[shape] = form


def time_kind(form: str) -> TimeKind:
    """Whether a form says a day, a time with an offset from UTC (as an epoch is), or a time without one."""
    found = _DIRECTIVE.findall(form)
    if form in EPOCHS or "z" in found:
        return "zoned"
    return "naive" if set("HI") & set(found) else "day"


def example(form: str) -> str:
    """3 February 2026, five minutes past two, in this form."""
    if form in EPOCHS:
        return str(1_770_127_509 * EPOCHS[form])
    # Month names in English whatever the language of this machine.
    text = form.replace("%b", "Feb").replace("%B", "February").replace("%p", "PM").replace("%z", "+01:00")
    return _SAMPLE.strftime(text)


def _written(forms: tuple[str, ...] | None) -> Any:
    return None if forms is None else forms[0] if len(forms) == 1 else list(forms)


_SCHEMA = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
    "examples": ["%d/%m/%Y %H:%M", "epoch_s", ["%d.%m.%Y", "%d.%m.%Y %H:%M"]],
}
TimeFormat = Annotated[
    tuple[str, ...], PlainValidator(parse_time_format), PlainSerializer(_written), WithJsonSchema(_SCHEMA)
]
