"""SQL that turns a column of any type into text, a number, or a time, as sqlglot expressions.

Every name is a quoted identifier and every value a literal; nothing is pasted into a string of SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlglot import exp

from rampgate.aggregate.moments import OTHERS, UNKNOWN
from rampgate.source import ColumnType
from rampgate.source.dialect import data_type

#: A number beyond this is taken for a mistake, as infinity is: its square is no number any more.
LIMIT = 1e150
TRUE_WORDS = ("1", "t", "true", "y", "yes")
FALSE_WORDS = ("0", "f", "false", "n", "no")
#: What people and programs write where there is no number or time.
NOTHING_WORDS = ("", "nan", "na", "n/a", "n.a.", "#n/a", "null", "none", "nat", "<na>", "unknown")

_DAY = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$"
_ISO = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_OFFSET = r"[0-9]:[0-9]{2}.*([zZ]|[+-][0-9]{2}(:?[0-9]{2})?|[A-Za-z][A-Za-z_/+-]+[0-9]*)$"
#: Numbers with a decimal comma: points group thousands, and are believed only where nothing else can be meant.
_COMMA = r"^[+-]?([0-9]*,[0-9]+|[0-9]+|[1-9][0-9]{0,2}((\.[0-9]{3})+,[0-9]+|(\.[0-9]{3}){2,}))(e[+-]?[0-9]+)?$"


class Number(NamedTuple):
    """A finite number or NULL, and whether something stood there that is no number (never NULL)."""

    value: exp.Expr
    bad: exp.Expr


def column(name: str, table: str = "events") -> exp.Expr:
    """A quoted column of a relation."""
    return exp.column(name, table=table, quoted=True)


def cast(value: exp.Expr, to: str) -> exp.Expr:
    """``CAST(value AS to)``."""
    return exp.Cast(this=value.copy(), to=data_type(to))


def text_of(value: exp.Expr, kind: ColumnType) -> exp.Expr:
    """The value as text; NULL, NaN and empty text are NULL; 1.0 is ``1``, as a frame with gaps makes it."""
    if kind == "number":
        whole = exp.And(
            this=exp.EQ(this=value.copy(), expression=exp.Floor(this=value.copy())),
            expression=exp.LT(this=exp.Abs(this=value.copy()), expression=exp.Literal.number("1e15")),
        )
        return case(
            (whole, cast(cast(value, "bigint"), "text")),
            otherwise=cast(_not_nan(value), "text"),
        )
    if kind == "text":
        return exp.Nullif(this=cast(value, "text"), expression=exp.Literal.string(""))
    return cast(value, "text")


def segment_of(value: exp.Expr, kind: ColumnType) -> exp.Expr:
    """The value of a segment. For text in one step, which engines do once per distinct value."""
    unknown = exp.Literal.string(UNKNOWN)
    if kind != "text":
        return coalesce(text_of(value, kind), unknown)
    text = cast(value, "text")
    return case((exp.NEQ(this=text.copy(), expression=exp.Literal.string("")), text), otherwise=unknown)


def literals(values: Sequence[str]) -> list[exp.Expr]:
    """Texts as they stand in a query."""
    return [exp.Literal.string(value) for value in values]


def told_of(value: exp.Expr, apart: Sequence[str]) -> exp.Expr:
    """The value of a segment where only some are told apart; all of them where none are named."""
    if not apart:
        return value
    return case((exp.In(this=value, expressions=literals(apart)), value.copy()), otherwise=exp.Literal.string(OTHERS))


def number_of(value: exp.Expr, kind: ColumnType) -> Number:
    """The value as a double.

    Booleans are 1 and 0, also as words; NaN and the usual words for nothing are unknown; infinities, numbers
    beyond `LIMIT` and other text are bad.
    """
    if kind == "boolean":
        return Number(cast(cast(value, "int"), "double"), exp.false())
    if kind == "integer":
        return Number(cast(value, "double"), exp.false())
    if kind in ("number", "decimal"):  # PostgreSQL's decimals know NaN and infinity too
        double = cast(value, "double")
        bad = exp.GT(this=exp.Abs(this=_not_nan(double)), expression=_limit())
        return Number(finite(double), coalesce(bad, exp.false()))
    text = word_of(value)
    return number_in(text, parsed_word(text))


def word_of(value: exp.Expr) -> exp.Expr:
    """Text in lower case without spaces around it."""
    return exp.Lower(this=exp.Trim(this=cast(value, "text")))


def parsed_word(word: exp.Expr, decimal: str = ".") -> exp.Expr:
    """What a word says as a double: yes and no are 1 and 0; NULL where it says no number."""
    return case(
        (_among(word, TRUE_WORDS), exp.Literal.number("1.0")),
        (_among(word, FALSE_WORDS), exp.Literal.number("0.0")),
        otherwise=parsed_number(word, decimal),
    )


def parsed_number(text: exp.Expr, decimal: str = ".") -> exp.Expr:
    """What a text says as a double, words apart; NULL where it says no number."""
    return exp.TryCast(this=_pointed(text) if decimal == "," else text.copy(), to=data_type("double"))


def _pointed(word: exp.Expr) -> exp.Expr:
    """A number with a decimal comma as one with a point; NULL for a number that is written otherwise.

    ``1.234`` may be a thousand and more, or one and a bit: it is no number here.
    """
    bare: exp.Expr = exp.Replace(
        this=word.copy(), expression=exp.Literal.string("."), replacement=exp.Literal.string("")
    )
    bare = exp.Replace(this=bare, expression=exp.Literal.string(","), replacement=exp.Literal.string("."))
    return case((_matches(word, _COMMA), bare))


def number_in(word: exp.Expr, parsed: exp.Expr) -> Number:
    """The number that a word says, given what it was parsed to."""
    something = exp.Not(this=_among(word, NOTHING_WORDS))
    nonsense = exp.And(this=something, expression=exp.Is(this=finite(parsed), expression=exp.null()))
    return Number(finite(parsed), coalesce(nonsense, exp.false()))


def truth(number: Number) -> Number:
    """1, 0 or NULL; any other number is bad."""
    binary = exp.In(this=number.value.copy(), expressions=[exp.Literal.number("0"), exp.Literal.number("1")])
    out_of_range = coalesce(exp.Not(this=binary.copy()), exp.false())
    bad = out_of_range if number.bad == exp.false() else exp.Or(this=number.bad, expression=out_of_range)
    return Number(case((binary, number.value.copy())), bad)


def count(number: Number) -> Number:
    """A number that counts something, or NULL; a negative one is bad."""
    negative = coalesce(exp.LT(this=number.value.copy(), expression=exp.Literal.number("0")), exp.false())
    bad = negative if number.bad == exp.false() else exp.Or(this=number.bad, expression=negative)
    return Number(case((exp.GTE(this=number.value.copy(), expression=exp.Literal.number("0")), number.value)), bad)


def clipped(value: exp.Expr, bounds: tuple[float, float]) -> exp.Expr:
    """A number moved to the nearer bound where it lies beyond one; NULL where it is unknown."""
    low, high = (cast(exp.Literal.string(repr(bound)), "double") for bound in bounds)
    below = exp.LT(this=value.copy(), expression=low)
    return case((below, low), (exp.GT(this=value.copy(), expression=high), high), otherwise=value)


def above(value: exp.Expr, bound: float) -> exp.Expr:
    """1 where a number is above the bound, 0 where it is not, NULL where it is unknown."""
    over = exp.GT(this=value.copy(), expression=cast(exp.Literal.string(repr(bound)), "double"))
    return case((over, exp.Literal.number("1.0")), (known(value), exp.Literal.number("0.0")))


def equality(value: exp.Expr, kind: ColumnType, wanted: str) -> exp.Expr:
    """1 where the value, as text, is the one wanted, 0 where it is another, NULL where it is unknown."""
    text = text_of(value, kind)
    if kind == "boolean":
        wanted = wanted.lower()
    equal = exp.EQ(this=text.copy(), expression=exp.Literal.string(wanted))
    other = exp.Not(this=exp.Is(this=text.copy(), expression=exp.null()))
    return case((equal, exp.Literal.number("1.0")), (other, exp.Literal.number("0.0")))


def time_text(value: exp.Expr) -> exp.Expr:
    """Text that should be a time, trimmed; the usual words for nothing are NULL."""
    trimmed = exp.Trim(this=cast(value, "text"))
    nothing = _among(exp.Lower(this=trimmed.copy()), NOTHING_WORDS)
    return case((exp.Not(this=nothing), trimmed))


class TimeForms(NamedTuple):
    """Tests of which form a trimmed text has; at most the first that is true applies."""

    day: exp.Expr
    zoned: exp.Expr
    naive: exp.Expr


def time_forms(text: exp.Expr, parsed: exp.Expr) -> TimeForms:
    """Whether a text is a day, a time with an offset from UTC, or a time without one."""
    valid = exp.And(
        this=exp.Not(this=exp.Is(this=parsed.copy(), expression=exp.null())), expression=_matches(text, _ISO)
    )
    return TimeForms(
        exp.And(this=valid.copy(), expression=_matches(text, _DAY)),
        exp.And(this=valid.copy(), expression=_matches(text, _OFFSET)),
        valid,
    )


def case(*branches: tuple[exp.Expr, exp.Expr], otherwise: exp.Expr | None = None) -> exp.Expr:
    """``CASE WHEN ... THEN ... ELSE ... END``."""
    ifs = [exp.If(this=test.copy(), true=result.copy()) for test, result in branches]
    return exp.Case(ifs=ifs, default=None if otherwise is None else otherwise.copy())


def coalesce(value: exp.Expr, otherwise: exp.Expr) -> exp.Expr:
    """``COALESCE(value, otherwise)``."""
    return exp.Coalesce(this=value.copy(), expressions=[otherwise.copy()])


def is_null(value: exp.Expr) -> exp.Expr:
    """``value IS NULL``."""
    return exp.Is(this=value.copy(), expression=exp.null())


def known(value: exp.Expr) -> exp.Expr:
    """``NOT value IS NULL``."""
    return exp.Not(this=is_null(value))


def _matches(text: exp.Expr, pattern: str) -> exp.Expr:
    return exp.RegexpLike(this=text.copy(), expression=exp.Literal.string(pattern))


def _among(text: exp.Expr, words: tuple[str, ...]) -> exp.Expr:
    return exp.In(this=text.copy(), expressions=[exp.Literal.string(word) for word in words])


def _limit() -> exp.Expr:
    return exp.Literal.number(repr(LIMIT))


def _not_nan(value: exp.Expr) -> exp.Expr:
    return exp.Nullif(this=value.copy(), expression=cast(exp.Literal.string("NaN"), "double"))


def finite(value: exp.Expr) -> exp.Expr:
    """The value, or NULL if it is NaN, infinite or beyond the limit. SQL sorts NaN above all numbers."""
    return case((exp.LTE(this=exp.Abs(this=value.copy()), expression=_limit()), value))


def seconds_of(count: int) -> exp.Expr:
    """An interval of so many seconds."""
    return exp.Interval(this=exp.Literal.string(str(count)), unit=exp.var("SECOND"))


def part(name: str) -> exp.Expr:
    """A column of our own making."""
    return exp.column(name)


def named(value: exp.Expr, name: str) -> exp.Expr:
    """``value AS name``."""
    return exp.Alias(this=value, alias=exp.to_identifier(name))


def joined(*parts: exp.Expr | str) -> exp.Expr:
    """Texts one after the other; NULL where one is."""
    texts = [exp.Literal.string(p) if isinstance(p, str) else p for p in parts]
    out = texts[0]
    for text in texts[1:]:
        out = exp.DPipe(this=out, expression=text)
    return out
