"""Numbers, days and times that are written as text, for engines that have no cast that gives NULL.

A pattern says of a text that an engine's own cast will take it, down to the days of February, so that no row can stop
a query. The patterns keep to what every engine's regular expressions understand: no look-ahead, no backslash.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

#: Digits enough for any number that is written out, few enough that no power of ten leaves the range of a double.
NUMBER = (
    r"^[+-]?([0-9]{1,100}([.][0-9]{0,100})?|[.][0-9]{1,100})([eE][+-]?[0-9]{1,2})?$"
    r"|^[+-]?([0-9]{1,20}([.][0-9]{0,20})?|[.][0-9]{1,20})[eE][+-]?(1[0-9]{2}|2[0-7][0-9])$"
)
_YEAR = "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_LEAP = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
_DAYS = (
    (_YEAR, "(0?[13578]|1[02])", "(0?[1-9]|[12][0-9]|3[01])"),
    (_YEAR, "(0?[469]|11)", "(0?[1-9]|[12][0-9]|30)"),
    (_YEAR, "0?2", "(0?[1-9]|1[0-9]|2[0-8])"),
    (_LEAP, "0?2", "29"),
)
_DATE = f"({'|'.join('[-/]'.join(parts) for parts in _DAYS)})"
_TIME = "(2[0-3]|[01]?[0-9]):[0-5]?[0-9](:[0-5]?[0-9]([.][0-9]+)?)?"
_OFFSET = "(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"
#: A day that there is.
DAY = f"^{_DATE}$"
#: An ISO 8601 time: day, and perhaps time of day, and perhaps offset from UTC.
ISO = f"^{_DATE}((T| +){_TIME}{_OFFSET}?)?$"

_DIRECTIVES = {
    "Y": "([1-9][0-9]{3})", "y": "([0-9]{2})",
    "m": "(1[0-2]|0?[1-9])", "b": "([a-z]{3})", "B": "([a-z]{3,9})", "d": "(3[01]|[12][0-9]|0?[1-9])",
    "H": "(2[0-3]|[01]?[0-9])", "I": "(1[0-2]|0?[1-9])", "p": "(am|pm)",
    "M": "([0-5]?[0-9])", "S": "([0-5]?[0-9])", "f": "([0-9]{1,6})", "z": f"{_OFFSET}",
}  # fmt: skip
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
#: Letters that stand for the same part of a time.
_ALIKE = {"y": "Y", "b": "m", "B": "m", "I": "H"}
_PIECE = re.compile(r"%(.)|(.)", re.DOTALL)
#: Two digits of a year from here on are of the last century, as in Python and in POSIX.
_PIVOT = "69"

Read = Callable[[exp.Expr], exp.Expr]


def matches(text: exp.Expr, pattern: str) -> exp.Expr:
    """Whether a text has a pattern."""
    return exp.RegexpLike(this=text.copy(), expression=exp.Literal.string(pattern))


def where_it_is(text: exp.Expr, pattern: str, value: exp.Expr) -> exp.Expr:
    """A value made of a text where the text has the pattern, else NULL."""
    return exp.Case(ifs=[exp.If(this=matches(text, pattern), true=value)])


def in_form(value: exp.Expr, form: str, read: Read, mark: str) -> exp.Expr:
    r"""Text in a strptime form as a timestamp: rewritten as an ISO 8601 time, which the engine reads.

    Parameters
    ----------
    value : the text
    form : checked by the policy: year, month and day, and a clock that hangs together
    read : makes a timestamp in UTC of ISO 8601 text, NULL where it is none
    mark : what the engine puts before the number of a group in a replacement, ``\\`` or ``$``
    """
    named = any(letter in form for letter in ("%b", "%B", "%p"))
    text: exp.Expr = exp.Lower(this=value.copy()) if named else value.copy()
    pattern, groups = _pattern(form, lower=named)
    at = read(_iso(text, pattern, groups, form, mark))
    if "%p" not in form:
        return at
    noon, after = (_pattern(form, lower=True, **only)[0] for only in ({"I": "(12)", "p": "(am)"}, _AFTER_NOON))
    shift = exp.Case(
        ifs=[exp.If(this=matches(text, noon), true=_hours(-12)), exp.If(this=matches(text, after), true=_hours(12))],
        default=_hours(0),
    )
    return exp.Add(this=at, expression=shift)


_AFTER_NOON = {"I": "(1[01]|0?[1-9])", "p": "(pm)"}


def _pattern(form: str, lower: bool, **only: str) -> tuple[str, dict[str, int]]:
    """The pattern of a form, and which group holds each part; ``only`` narrows some of them."""
    out, groups, count = "", dict[str, int](), 0
    for found in _PIECE.finditer(form):
        letter, plain = found.groups()
        if letter is None:
            out += _plain(plain.lower() if lower else plain)
            continue
        piece = only.get(letter, _DIRECTIVES[letter])
        groups[_ALIKE.get(letter, letter)] = count + 1
        count += piece.count("(")
        out += piece
    return f"^{out}$", groups


def _plain(letter: str) -> str:
    if letter == " ":
        return " +"
    return f"[{letter}]" if letter in ".*+?()[{|$" else f"\\{letter}" if letter in "]}\\^" else letter


def _iso(text: exp.Expr, pattern: str, groups: dict[str, int], form: str, mark: str) -> exp.Expr:
    """The text as ISO 8601; NULL where it has not the pattern."""

    def part(letter: str, before: str = "") -> str:
        return f"{before}{mark}{groups[letter]}" if letter in groups else ""

    clock = "".join([f" {part('H')}", part("M", ":") or ":00", part("S", ":"), part("f", "."), part("z")])
    template = f"{part('Y')}-{part('m')}-{part('d')}{clock if 'H' in groups else ''}"
    out: exp.Expr = exp.RegexpReplace(
        this=text.copy(), expression=exp.Literal.string(pattern), replacement=exp.Literal.string(template)
    )
    if "%b" in form or "%B" in form:
        for number, name in enumerate(_MONTHS, 1):
            short = name[:3] if "%b" in form else name
            out = exp.Replace(
                this=out,
                expression=exp.Literal.string(f"-{short}-"),
                replacement=exp.Literal.string(f"-{number:02d}-"),
            )
    if "%y" in form:
        digits = exp.Substring(this=out, start=exp.Literal.number(1), length=exp.Literal.number(2))
        last = exp.GTE(this=digits, expression=exp.Literal.string(_PIVOT))
        century = exp.Case(ifs=[exp.If(this=last, true=exp.Literal.string("19"))], default=exp.Literal.string("20"))
        out = exp.DPipe(this=century, expression=out.copy())
    return where_it_is(text, pattern, out)


def _hours(count: int) -> exp.Expr:
    return exp.Interval(this=exp.Literal.string(str(count)), unit=exp.var("HOUR"))
