"""What the user said, checked against the columns of the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from rampgate.errors import UsageError
from rampgate.guess.outcomes import Outcome, outcome_of
from rampgate.guess.profile import Profile
from rampgate.guess.times import split_forms
from rampgate.guess.values import Given
from rampgate.guess.words import direction, magnitude
from rampgate.policy import Metric, Proportion, Ratio
from rampgate.policy.time_format import parse_time_format
from rampgate.policy.values import zone_exists

_SCALE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")
_FORMS = (
    "write COLUMN, NAME=COLUMN, NAME=COLUMN==VALUE or NAME=TOP/BOTTOM, with :lower, :higher or :WORST..BEST after it"
)


def check_given(given: Given, columns: Mapping[str, Profile], where: str) -> None:
    """Refuse columns that do not exist, with the nearest name, and values that mean nothing."""
    for key in ("unit", "time", "variant"):
        if (name := getattr(given, key)) is not None:
            find_column(name, columns, where, f"--{key}")
    for name in given.segments or ():
        find_column(name, columns, where, "--segment")
    roles = [name for name in (given.unit, given.time, given.variant) if name is not None]
    if len(set(roles)) < len(roles):
        again = next(name for name in roles if roles.count(name) > 1)
        raise UsageError(
            f"column {again!r} is named twice", where="--unit, --time, --variant", remedy="name three columns"
        )
    if given.baseline is not None and given.baseline == given.candidate:
        raise UsageError(
            f"baseline and candidate are both {given.baseline!r}",
            where="--baseline, --candidate",
            remedy="name two values of the column of the version",
        )
    if given.timezone is not None and not zone_exists(given.timezone):
        raise UsageError(
            f"there is no time zone {given.timezone!r}", where="--timezone", remedy="write an IANA name, as Europe/Oslo"
        )
    if given.decimal not in (None, ".", ","):
        raise UsageError(f"{given.decimal!r} is no decimal mark", where="--decimal", remedy="write . or ,")
    if given.time_format is not None:
        _check_form(given.time_format)


def _check_form(form: str) -> None:
    try:
        parse_time_format(split_forms(form))
    except ValueError as error:
        context = getattr(error, "context", None) or {"what": str(error), "remedy": None}
        raise UsageError(context["what"], where="--time-format", remedy=context["remedy"]) from None


def find_column(name: str, columns: Mapping[str, Profile], where: str, flag: str) -> str:
    """The name itself, if there is such a column."""
    if name in columns:
        return name
    folded = {column.casefold(): column for column in columns}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    listed = ", ".join(list(columns)[:30]) + (f" and {len(columns) - 30} more" if len(columns) > 30 else "")
    raise UsageError(
        f"there is no column {name!r} ({flag})",
        where=where,
        remedy=f"did you mean {folded[close[0]]!r}?" if close else f"the columns are: {listed}",
    )


# --- metrics ----------------------------------------------------------------------------


def given_metric(text: str, columns: Mapping[str, Profile], where: str) -> Outcome:
    """One ``--metric``, as `Given` describes it."""
    rest, better, scale = _tail(text, columns)
    name, column, value, bottom = _parts(rest, columns)
    find = _finder(columns, where, text)
    if bottom is not None:
        return _ratio(name or f"{column}_per_{bottom}", find(column), find(bottom), better, scale)
    one = columns[find(column)]
    if value is not None:
        return _equal(name or column, one, value, better, where)
    return _single(name or column, one, better, scale, where)


def _finder(columns: Mapping[str, Profile], where: str, text: str) -> Callable[[str], str]:
    def find(name: str) -> str:
        if not name.strip():
            raise UsageError(f"{text!r} names no column", where="--metric", remedy=_FORMS)
        return find_column(name, columns, where, "--metric")

    return find


def _tail(text: str, columns: Mapping[str, Profile]) -> tuple[str, str | None, tuple[float, float] | None]:
    """The text without what stands after its last colons, and what that says."""
    better, scale = None, None
    while text not in columns and ":" in text:
        head, _, tail = text.rpartition(":")
        if tail in ("lower", "higher"):
            better = tail
        elif found := _SCALE.fullmatch(tail):
            scale = (float(found[1]), float(found[2]))
        else:
            break
        text = head
    return text, better, scale


def _parts(text: str, columns: Mapping[str, Profile]) -> tuple[str | None, str, str | None, str | None]:
    """Name, column, value and denominator."""
    if text in columns:
        return None, text, None, None
    value = None
    head, equal, tail = text.partition("==")
    if equal:
        text, value = head, tail
    name: str | None = None
    if text not in columns and "=" in text:
        name, _, text = text.partition("=")
    if value is None and text not in columns and "/" in text:
        top, _, bottom = text.partition("/")
        return name, top, None, bottom
    return name, text, value, None


def _content(kind: str, better: str, scale: tuple[float, float] | None, **columns: str) -> dict[str, Any]:
    content: dict[str, Any] = {"kind": kind, **columns}
    if better == "lower":
        content["better"] = "lower"
    if scale is not None:
        content |= {"best": scale[1], "worst": scale[0]}
    return content


def _better(said: str | None, scale: tuple[float, float] | None, told: str | None) -> tuple[str, str]:
    if scale is not None:
        better = "higher" if scale[1] > scale[0] else "lower"
        if said not in (None, better) or scale[0] == scale[1]:
            raise UsageError(
                f"the scale {scale[0]:g}..{scale[1]:g} contradicts {said or 'itself'}",
                where="--metric",
                remedy="write the worst value first, then the best, as 1..5",
            )
        return better, f"on a scale from {scale[0]:g} to {scale[1]:g} as given"
    if said is not None:
        return said, f"{said} is better as given"
    return told or "higher", f"by its name {told} is better" if told else "higher is taken to be better"


def _ratio(name: str, top: str, bottom: str, said: str | None, scale: tuple[float, float] | None) -> Outcome:
    better, why = _better(said, scale, direction(name) or direction(top))
    content = _content("ratio", better, scale, numerator=top, denominator=bottom)
    return Outcome(name, content, f"as given; {why}", True, 1.0, 0.5, 0.5)


def _equal(name: str, one: Profile, value: str, said: str | None, where: str) -> Outcome:
    counts = {known: n for known, n in one.values if known is not None}
    if counts and value not in counts:
        held = ", ".join(repr(known) for known in list(counts)[:8])
        raise UsageError(
            f"no row of column {one.name!r} is {value!r}", where=where, remedy=f"name one of its values: {held}"
        )
    better, why = _better(said, None, None)
    share = counts.get(value, 0) / one.known if one.known else 0.0
    content = _content("proportion", better, None, column=one.name, equals=value)
    spread = (share * (1 - share)) ** 0.5
    return Outcome(name, content, f"as given; {why}", True, one.filled, share, spread)


def _single(name: str, one: Profile, said: str | None, scale: tuple[float, float] | None, where: str) -> Outcome:
    guessed = outcome_of(one)
    if scale is None and isinstance(guessed, Outcome) and "best" not in guessed.content:
        better = said or str(guessed.content.get("better", "higher"))
        content = {key: value for key, value in guessed.content.items() if key != "better"}
        if better == "lower":
            content["better"] = "lower"
        why = guessed.why if said is None else f"as given; {said} is better"
        return Outcome(name, content, why, True, one.filled, guessed.mean, guessed.spread, guessed.least)
    if scale is None and isinstance(guessed, Outcome) and said in (None, guessed.content.get("better", "higher")):
        return Outcome(name, guessed.content, guessed.why, True, one.filled, one.mean, one.spread, one.least)
    if not one.numeric:
        values = f"; its values are {', '.join(map(repr, one.words[:5]))}" if one.words else ""
        raise UsageError(
            f"column {one.name!r} is no metric as it stands: "
            + (guessed if isinstance(guessed, str) else f"{one.known - one.numbers} values are no numbers")
            + values,
            where=where,
            remedy=f"say which value counts, as --metric {one.name}==VALUE, or name another column",
        )
    better, why = _better(said, scale, magnitude(one.name))
    kind = "proportion" if one.binary == one.known and scale is None else "mean"
    content = _content(kind, better, scale, column=one.name)
    return Outcome(name, content, f"as given; {why}", True, one.filled, one.mean, one.spread, one.least)


def spoken(name: str, metric: Metric) -> str:
    """A metric as `given_metric` reads it back."""
    if isinstance(metric, Ratio):
        text = f"{name}={metric.numerator}/{metric.denominator}"
    else:
        [column] = metric.columns()[:1]
        text = column if name == column else f"{name}={column}"
        if isinstance(metric, Proportion) and metric.equals is not None:
            text += f"=={metric.equals}"
    if metric.best is not None and metric.worst is not None:
        return f"{text}:{metric.worst:g}..{metric.best:g}"
    return f"{text}:{metric.better}"
