"""Which column is the time of a row, and how it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from rampgate.aggregate.rows import relation
from rampgate.aggregate.times import moment
from rampgate.aggregate.typed import case, column, known, named, time_text
from rampgate.errors import Unclear, UsageError
from rampgate.guess.profile import TIMES, Profile
from rampgate.guess.values import Given, Note
from rampgate.guess.words import ANY_TIME, LATER, OPENING, tells
from rampgate.policy import Source
from rampgate.policy.time_format import EPOCHS, example, parse_time_format
from rampgate.source import Engine

#: Share of a column's values that must look like times for it to be one.
_MOSTLY = 0.99
_YEAR_2000, _YEAR_2100 = 946_684_800, 4_102_444_800
_SHAPE = re.compile(
    r"(?P<a>\d{1,4})(?P<sep>[-/. ])(?P<b>\d{1,2}|[A-Za-z]{3,9})(?P=sep)(?P<c>\d{2,4})(?P<rest>[T, ].*)?"
)
_CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p")


@dataclass(frozen=True)
class Timing:
    """The time column.

    Attributes
    ----------
    name : of the column
    time_format : for the policy, None where it needs none
    notes : what was guessed of it
    others : further columns of times
    """

    name: str
    time_format: tuple[str, ...] | None
    notes: tuple[Note, ...]
    others: tuple[str, ...]


def is_time(one: Profile) -> bool:
    """Whether a column looks like times, in a form that may have to be found."""
    if one.type in TIMES:
        return True
    if one.known and max(one.iso, one.dates) >= _MOSTLY * one.known:
        return True
    return epoch_of(one) is not None


def epoch_of(one: Profile) -> str | None:
    """The unit in which a column of numbers counts since 1970, by its name and its range; or the digits of days."""
    if not one.numeric or one.whole < one.known or one.binary or not tells(one.name, (*ANY_TIME, *OPENING, *LATER)):
        return None
    if one.least >= 20000101 and one.most <= 20991231 and one.distinct > 1:
        return "%Y%m%d"
    for word, units in EPOCHS.items():
        if _YEAR_2000 * units <= one.least and one.most <= _YEAR_2100 * units:
            return word
    return None


def find_time(engine: Engine, columns: Mapping[str, Profile], given: Given, taken: Iterable[str] = ()) -> Timing:
    """The time column, given or guessed."""
    times = [one for one in columns.values() if is_time(one)]
    if given.time is not None:
        chosen, why = columns[given.time], "as given"
        if given.time_format is None and not is_time(chosen) and chosen.type in ("text", "boolean", "other"):
            raise UsageError(
                f"column {chosen.name!r} holds no times, but values such as {chosen.low!r}",
                where=engine.name,
                remedy="name another column with --time, or say how it writes times with --time-format",
            )
    else:
        chosen, why = _opening(engine, [one for one in times if one.name not in set(taken)], given)
    time_format, note = _format(engine, chosen, given)
    notes = [Note("time", chosen.name, why, "--time", given.time is None)]
    if note is not None:
        notes.append(note)
    return Timing(chosen.name, time_format, tuple(notes), tuple(t.name for t in times if t.name != chosen.name))


# --- which column -----------------------------------------------------------------------


def _opening(engine: Engine, times: Sequence[Profile], given: Given) -> tuple[Profile, str]:
    """The column that says when a row was opened, and why."""
    full = [one for one in times if one.known]
    if not full:
        raise Unclear("time", "no column holds times", where=engine.name, remedy="name it with --time")
    if len(full) == 1:
        return full[0], "the only column of times"
    ranked: dict[int, list[Profile]] = {}
    for one in full:
        later, opening = tells(one.name, LATER), tells(one.name, OPENING)
        ranked.setdefault(2 if opening and not later else 0 if later else 1, []).append(one)
    best = ranked[max(ranked)]
    if len(best) == 1:
        others = ", ".join(one.name for one in full if one is not best[0])
        return best[0], f"its name says when a row began, beside {others}"
    if first := _earliest(engine, best, given):
        return first, f"the earliest of {', '.join(one.name for one in best)} in nearly every row"
    raise Unclear(
        "time",
        f"{len(best)} columns may be the time of a row: {', '.join(repr(one.name) for one in best)}",
        where=engine.name,
        remedy="name the time at which a row was opened with --time",
        choices=tuple(one.name for one in best),
    )


def _earliest(engine: Engine, times: Sequence[Profile], given: Given) -> Profile | None:
    """The column that lies before all others in nearly every row, if it is as full as they are."""
    forms = {one.name: _quiet_format(engine, one, given) for one in times}
    at = {
        one.name: moment(Source(time=one.name, time_format=forms[one.name]), one.type, engine, False) for one in times
    }
    for one in times:
        asked = []
        others = [other for other in times if other is not one]
        for i, other in enumerate(others):
            both = exp.and_(known(at[one.name]), known(at[other.name]))
            before = exp.and_(both, exp.LTE(this=at[one.name].copy(), expression=at[other.name].copy()))
            asked += [named(exp.Count(this=case((test, exp.Literal.number(1)))), f"{name}{i}")
                      for name, test in (("both", both), ("before", before))]  # fmt: skip
        found = engine.query(exp.Select().select(*asked).from_(relation(engine)))
        fits = all(
            found[f"before{i}"][0] >= _MOSTLY * found[f"both{i}"][0] and one.filled >= 0.99 * other.filled
            for i, other in enumerate(others)
        )
        later = any(found[f"both{i}"][0] for i in range(len(others)))
        if fits and later and len({(p.low, p.high) for p in times}) > 1:
            return one
    return None


# --- in which form ------------------------------------------------------------------------


def _quiet_format(engine: Engine, one: Profile, given: Given) -> tuple[str, ...] | None:
    """The form, or None when it cannot be told: the column is then compared with nothing."""
    try:
        return _format(engine, one, Given(time_format=given.time_format))[0]
    except UsageError:
        return None


def _format(engine: Engine, one: Profile, given: Given) -> tuple[tuple[str, ...] | None, Note | None]:
    if given.time_format is not None:
        form = parse_time_format(split_forms(given.time_format))
        return form, Note("time_format", given.time_format, "as given", "--time-format", False)
    if one.type in TIMES or (one.known and one.iso == one.known):
        return None, None
    if word := epoch_of(one):
        what = "days as digits" if word == "%Y%m%d" else f"{_UNITS[word]} since 1970"
        return (word,), Note("time_format", word, f"the numbers of {one.name} are {what}", "--time-format", True)
    if one.type != "text":
        raise Unclear(
            "time_format",
            f"column {one.name!r} holds numbers, from {one.low} to {one.high}, and nothing says which times they are",
            where=engine.name,
            remedy="say it with --time-format: epoch_s, epoch_ms, epoch_us, or a form such as %Y%m%d",
        )
    if not one.dates:
        return None, None  # whoever reads the rows says what is wrong with them
    return _written(engine, one)


_UNITS = {"epoch_s": "seconds", "epoch_ms": "milliseconds", "epoch_us": "microseconds"}


def _written(engine: Engine, one: Profile) -> tuple[tuple[str, ...], Note]:
    """The form of text, if the values prove it."""
    orders = _orders(one)
    forms = [form for order in orders for form in order]
    if not forms:
        raise _unknown_form(engine, one)
    text = exp.column("text")
    asked = [
        named(exp.Count(this=case((known(engine.utc(text, "text", form)), exp.Literal.number(1)))), f"f{i}")
        for i, form in enumerate(forms)
    ]
    rows = exp.Select().select(named(time_text(column(one.name)), "text")).from_(relation(engine))
    found = engine.query(exp.Select().select(*asked).from_(rows.subquery("times")))
    counts = {form: int(found[f"f{i}"][0]) for i, form in enumerate(forms)}
    # Forms of one order that differ in their clock never fit the same text.
    able = [[f for f in order if counts[f]] for order in orders if sum(counts[f] for f in order) == one.known]
    if not able:
        raise _unknown_form(engine, one, max(counts, key=lambda form: counts[form]), max(counts.values()))
    if len(able) > 1:
        raise Unclear(
            "time_format",
            f"the times of column {one.name!r}, such as {one.low!r}, may be {' or '.join(_shown(f) for f in able)}: "
            "no value proves which",
            where=engine.name,
            remedy=f"say it with --time-format {_shown(able[0])} or --time-format {_shown(able[1])}",
            choices=tuple(forms_[0] for forms_ in able),
        )
    chosen = tuple(able[0])
    why = f"every value of {one.name} fits it" + (" and no other order of day and month" if len(orders) > 1 else "")
    value = " | ".join(chosen)
    return chosen, Note("time_format", value, f"{why}; {example(chosen[0])} is 3 February 2026", "--time-format", True)


def split_forms(text: str) -> list[str]:
    """The forms that a user gave, in their order."""
    return [form.strip() for form in text.split("|")]


def _shown(forms: Sequence[str]) -> str:
    return " and ".join(f'"{form}"' for form in forms)


def _unknown_form(engine: Engine, one: Profile, form: str = "", fits: int = 0) -> Unclear:
    near = f"; {fits} of {one.known} fit {form}" if fits else ""
    mend = "mend the other values, or " if fits else ""
    return Unclear(
        "time_format",
        f"the times of column {one.name!r}, from {one.low!r} to {one.high!r}, are in no form that is known{near}",
        where=engine.name,
        remedy=f'{mend}say it with --time-format, as "%d/%m/%Y %H:%M", or two forms as "%d/%m/%Y | %d/%m/%Y %H:%M"',
    )


def _orders(one: Profile) -> list[list[str]]:
    """Every order of day, month and year that the first and the last value may have, each with every clock."""
    found = [_SHAPE.fullmatch(text) for text in (one.low, one.high)]
    shapes = [shape for shape in found if shape]
    if not shapes:
        return []
    out: dict[str, list[str]] = {}
    # May is both a short and a long name: a longer one decides.
    longest = max((shape["b"] for shape in shapes), key=len)
    for shape in shapes:
        for day in _days(shape["a"], shape["sep"], longest if shape["b"].isalpha() else shape["b"], shape["c"]):
            order = re.sub(r"%[yY]", "%Y", day.replace("%B", "%b"))
            out.setdefault(order, [])
            out[order] += [form for form in _clocks(day, [s["rest"] or "" for s in shapes]) if form not in out[order]]
    return list(out.values())


def _days(a: str, sep: str, b: str, c: str) -> list[str]:
    """Forms of the date alone."""
    if len(a) > 2:
        return [sep.join(("%Y", "%m", "%d"))]
    years = ["%Y"] if len(c) == 4 else ["%y"]
    if b.isalpha():
        return [sep.join(("%d", "%B" if len(b) > 3 else "%b", year)) for year in years]
    orders = [sep.join(parts) for year in years for parts in (("%d", "%m", year), ("%m", "%d", year))]
    return orders + ([sep.join(("%y", "%m", "%d"))] if len(c) == 2 else [])


def _clocks(day: str, rests: Sequence[str]) -> list[str]:
    """The date alone and with every clock, as far as the separator and the offset are seen."""
    joints = sorted({rest[:2] if rest.startswith(", ") else rest[:1] for rest in rests if rest}) or [" "]
    ends = {""}
    for rest in rests:
        if found := re.search(r"( ?)[+-]\d\d:?\d\d$", rest):
            ends.add(f"{found[1]}%z")
        elif rest.endswith("Z"):
            ends.add("Z")
    return [day, *(f"{day}{joint}{clock}{end}" for joint in joints for clock in _CLOCKS for end in sorted(ends))]
