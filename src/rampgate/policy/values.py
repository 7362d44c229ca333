"""Values of a policy: shares, margins, durations and days.

Each is parsed from what people write (``10%``, ``2pp``, ``7d``), is frozen, and has one
canonical text that parses back to an equal value.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal
from math import isfinite
from typing import Annotated, Any, ClassVar, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, GetCoreSchemaHandler, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from rampgate.policy.problem import refuse, shown

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_PERCENT = re.compile(rf"({_NUMBER})\s*%")
_POINTS = re.compile(rf"({_NUMBER})\s*pp")
_DURATION = re.compile(r"(-?\d+)\s*([mhdw])")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Moving the decimal point must be exact, so that 10% is the float 0.10 whatever the caller's decimal context.
_EXACT = Context(prec=800)
_CENTURY = dt.timedelta(days=36525)


def _number(value: object) -> float | None:
    """The finite number that `value` is, or None. A boolean is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number + 0.0 if isfinite(number) else None  # + 0.0 turns -0.0 into 0.0


def _hundredth(digits: str) -> float:
    return float(Decimal(digits).scaleb(-2, context=_EXACT)) + 0.0


def _hundredfold(value: float) -> str:
    return format(Decimal(repr(value)).scaleb(2, context=_EXACT).normalize(_EXACT), "f")


def percent(share: float) -> str:
    """A share as people read it: ``0.1`` is ``10%``."""
    return f"{_hundredfold(share)}%"


# --- shares -----------------------------------------------------------------------------


def _share_or_weight(value: object) -> float:
    number = _number(value)
    if number is None and isinstance(value, str) and (found := _PERCENT.fullmatch(value.strip())):
        number = _hundredth(found[1])
    if number is None or not isfinite(number):
        raise refuse(f"{shown(value)} is not a share", "write it as 10% or 0.10")
    if number < 0:
        raise refuse(f"{shown(value)} is negative", "write a share between 0% and 100%, as 10% or 0.10")
    return number


def parse_share(value: object) -> float:
    """``"10%"`` or ``0.10`` as a float from 0 to 1."""
    number = _share_or_weight(value)
    if number > 1:
        # A bare 10 is far more often ten per cent than a thousand.
        remedy = "write a share between 0% and 100%, as 10% or 0.10"
        if not isinstance(value, str) and number <= 100:
            remedy = f"write {number:g}% or {number / 100:g}"
        raise refuse(f"{shown(value)} is more than 100%", remedy)
    return number


def parse_weight(value: object) -> float:
    """A positive weight; that the weights sum to 1 is judged where all of them are known."""
    number = _share_or_weight(value)
    if number == 0:
        raise refuse("a weight of 0 weighs nothing", "leave the metric out of the weights, or give it a weight")
    return number


def parse_risk(value: object) -> float:
    """An error budget: a share strictly between 0 and 1."""
    number = parse_share(value)
    if not 0 < number < 1:
        raise refuse(
            f"an error budget of {percent(number)} can never be kept or never be spent",
            "write a share above 0% and below 100%, as 5%",
        )
    return number


_SHARE_SCHEMA = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "pattern": r"^\s*\d+(\.\d*)?\s*%\s*$"},
    ],
    "examples": ["10%", 0.1],
}

Share = Annotated[float, PlainValidator(parse_share), WithJsonSchema(_SHARE_SCHEMA)]
Weight = Annotated[float, PlainValidator(parse_weight), WithJsonSchema(_SHARE_SCHEMA)]
Risk = Annotated[float, PlainValidator(parse_risk), WithJsonSchema(_SHARE_SCHEMA)]


# --- margins ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Margin:
    """How much worse than the baseline: ``2pp``, ``0.5`` in the metric's unit, or ``10%`` of the baseline.

    Parameters
    ----------
    value : float
        In the metric's own unit (``2pp`` is 0.02), or for a relative margin as a share (``10%`` is 0.10).
    kind : {"absolute", "points", "relative"}
        How it was written. Zero means the same in each and is always ``absolute``.
    """

    value: float
    kind: Literal["absolute", "points", "relative"] = "absolute"

    def __post_init__(self) -> None:
        if self.value == 0:
            object.__setattr__(self, "value", 0.0)
            object.__setattr__(self, "kind", "absolute")

    @property
    def relative(self) -> bool:
        """Whether the margin is a share of the baseline's value."""
        return self.kind == "relative"

    def __str__(self) -> str:
        if self.kind == "absolute":
            return "0" if self.value == 0 else repr(self.value)
        return _hundredfold(self.value) + ("pp" if self.kind == "points" else "%")

    @classmethod
    def parse(cls, value: object) -> Margin:
        """Read what a policy says; ValueError when it says no margin."""
        if isinstance(value, Margin):
            margin = value
        elif (number := _number(value)) is not None:
            margin = cls(number)
        elif isinstance(value, str) and (found := _POINTS.fullmatch(value.strip())):
            margin = cls(_hundredth(found[1]), "points")
        elif isinstance(value, str) and (found := _PERCENT.fullmatch(value.strip())):
            margin = cls(_hundredth(found[1]), "relative")
        else:
            raise refuse(
                f"{shown(value)} is not a margin",
                "write 2pp (points), 10% (of the baseline) or a bare number in the metric's unit",
            )
        if margin.value < 0 or not isfinite(margin.value):
            raise refuse(f"{shown(value)} is negative", "write how much worse is allowed, as 0 or more: 2pp")
        return margin

    def canonical(self) -> float | str:
        """A number or text that `parse` reads back to an equal margin."""
        return self.value if self.kind == "absolute" else str(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return _plain(
            cls.parse,
            cls.canonical,
            {
                "anyOf": [
                    {"type": "number", "minimum": 0},
                    {"type": "string", "pattern": r"^\s*\d+(\.\d*)?\s*(pp|%)\s*$"},
                ],
                "examples": ["2pp", "10%", 0],
            },
        )


# --- durations --------------------------------------------------------------------------


@dataclass(frozen=True)
class Duration:
    """A whole number of minutes, hours, days or weeks: ``7d``.

    Days and weeks are calendar days in the policy's time zone, so a day in which clocks
    change has 23 or 25 hours.
    """

    count: int
    unit: Literal["m", "h", "d", "w"]

    _UNITS: ClassVar[dict[str, dt.timedelta]] = {
        "m": dt.timedelta(minutes=1),
        "h": dt.timedelta(hours=1),
        "d": dt.timedelta(days=1),
        "w": dt.timedelta(weeks=1),
    }

    @property
    def timedelta(self) -> dt.timedelta:
        """The length on days of 24 hours."""
        return self.count * self._UNITS[self.unit]

    @property
    def days(self) -> int | None:
        """Calendar days, or None for a duration of hours or minutes."""
        return {"d": self.count, "w": 7 * self.count}.get(self.unit)

    def after(self, start: datetime, zone: ZoneInfo) -> datetime:
        """The instant this long after `start`, in UTC; days are counted on the calendar of `zone`."""
        if start.tzinfo is None:
            raise ValueError("start must carry a time zone")
        if self.days is None:
            return start.astimezone(UTC) + self.timedelta
        # Adding to an aware local time moves the wall clock, which is what a calendar day does.
        return (start.astimezone(zone) + dt.timedelta(days=self.days)).astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    def words(self) -> str:
        """As in a sentence: ``7 days``."""
        noun = {"m": "minute", "h": "hour", "d": "day", "w": "week"}[self.unit]
        return f"{self.count} {noun}" + ("" if self.count == 1 else "s")

    @classmethod
    def parse(cls, value: object) -> Duration:
        """Read ``7d``; ValueError when it is no duration or negative."""
        if isinstance(value, Duration):
            return value
        found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise refuse(
                f"{shown(value)} is not a duration",
                "write a whole number with m, h, d or w: 90m, 72h, 7d, 2w",
            )
        if found[1].startswith("-"):
            raise refuse(f"{shown(value)} is a negative duration", "write a duration of 0d or more, as 7d")
        unit = cast(Literal["m", "h", "d", "w"], found[2])
        # Compared as a count: a timedelta of many digits overflows, and int() refuses thousands of them.
        if len(found[1]) > 12 or int(found[1]) > _CENTURY // cls._UNITS[unit]:
            raise refuse(f"{shown(value)} is longer than a century", "write a duration that can be waited for, as 7d")
        return cls(int(found[1]), unit)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return _plain(cls.parse, str, {"type": "string", "pattern": r"^\s*\d+\s*[mhdw]\s*$", "examples": ["7d", "72h"]})


def parse_span(value: object) -> Duration:
    """A duration longer than nothing."""
    duration = Duration.parse(value)
    if duration.count == 0:
        raise refuse(f"{shown(value)} is no time at all", "write a duration above 0, as 72h")
    return duration


def parse_window(value: object) -> Literal["week"] | Duration:
    """``week`` (ISO weeks) or a number of days counted from the start."""
    if value == "week":
        return "week"
    if isinstance(value, Duration) or (isinstance(value, str) and _DURATION.fullmatch(value.strip())):
        duration = Duration.parse(value)
        if duration.unit == "d" and duration.count > 0:
            return duration
    raise refuse(f"{shown(value)} is not a window", "write week (ISO weeks) or a number of days, as 30d")


Span = Annotated[Duration, AfterValidator(parse_span)]
Window = Annotated[
    Literal["week"] | Duration,
    PlainValidator(parse_window),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^(week|\d+\s*d)$", "examples": ["week", "30d"]}),
]


# --- days and instants ------------------------------------------------------------------


def parse_day(value: object) -> date:
    """``2026-01-05`` as a date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and _DAY.fullmatch(value.strip()):
            return date.fromisoformat(value.strip())
    except ValueError:
        pass  # a day that no calendar has, refused below with the others
    raise refuse(f"{shown(value)} is not a day", "write it as 2026-01-05")


def parse_moment(value: object) -> date | datetime:
    """A day, or an instant such as ``2026-01-05T12:00`` (local to the policy unless it has an offset)."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and len(value.strip()) > 10:
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            raise refuse(f"{shown(value)} is not a time", "write it as 2026-01-05 or 2026-01-05T12:00") from None
    return parse_day(value)


def instant(moment: date | datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a day's local midnight or of a time, local to `zone` unless it has an offset."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def zone_exists(name: str) -> bool:
    """Whether this machine knows the time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


_DAY_SCHEMA = {"type": "string", "format": "date", "examples": ["2026-01-05"]}
Day = Annotated[
    date, PlainValidator(parse_day), PlainSerializer(lambda day: day.isoformat()), WithJsonSchema(_DAY_SCHEMA)
]
Moment = Annotated[
    date | datetime,
    PlainValidator(parse_moment),
    PlainSerializer(lambda moment: moment.isoformat()),
    WithJsonSchema({"type": "string", "examples": ["2026-01-05", "2026-01-05T12:00"]}),
]


def _plain(parse: Any, write: Any, schema: dict[str, Any]) -> CoreSchema:
    return core_schema.no_info_plain_validator_function(
        parse,
        serialization=core_schema.plain_serializer_function_ser_schema(write),
        metadata={"pydantic_js_functions": [lambda _schema, _handler: dict(schema)]},
    )
