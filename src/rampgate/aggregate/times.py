"""SQL that reads the time column, in whatever form it says times."""

from __future__ import annotations

from sqlglot import exp

from rampgate.aggregate.typed import TimeForms, case, column, known, text_of, time_forms, time_text
from rampgate.policy import Source
from rampgate.policy.time_format import EPOCHS, time_kind
from rampgate.source import ColumnType, Engine
from rampgate.source.dialect import data_type

#: A column of one of these types says its times itself; ``time_format`` is for the others.
TYPED_TIMES = ("date", "timestamp", "timestamptz")


def forms_for(source: Source, kind: ColumnType) -> tuple[str, ...]:
    """The forms of the policy that apply to a time column of this type."""
    return source.time_format or () if kind not in TYPED_TIMES else ()


def time_value(source: Source, kind: ColumnType) -> exp.Expr:
    """The time column, as text where it is not of a type of times, or is a number of epoch units."""
    value = column(source.time)
    if kind in TYPED_TIMES:
        return value
    if kind == "text":
        return time_text(value)
    return value if set(forms_for(source, kind)) <= set(EPOCHS) else text_of(value, kind)


def _read_as(source: Source, kind: ColumnType) -> ColumnType:
    """The type that `time_value` gives."""
    return kind if set(forms_for(source, kind)) <= set(EPOCHS) else "text"


def moment(source: Source, kind: ColumnType, engine: Engine, dated: bool) -> exp.Expr:
    """The time column as a timestamp in UTC, or as a local day; NULL where no form fits."""
    value, forms = time_value(source, kind), forms_for(source, kind)
    if forms:
        at = _first(value, _read_as(source, kind), forms, engine)
        return exp.Cast(this=at, to=data_type("date")) if dated else at
    if dated:
        return exp.TryCast(this=value, to=data_type("date")) if kind == "text" else value
    return engine.utc(value, kind)


def instant(name: str, source: Source, kind: ColumnType, engine: Engine, zone: str) -> exp.Expr:
    """Any column of times as a timestamp in UTC; NULL where there is none or no form fits.

    A date is its local midnight.
    """
    if kind == "date":
        return local_midnight(column(name), engine, zone)
    if kind in TYPED_TIMES:
        return engine.utc(column(name), kind)
    forms = forms_for(source, kind)
    if not forms:
        text = time_text(column(name))
        read = engine.utc(text, "text")
        day = exp.TryCast(this=text.copy(), to=data_type("date"))
        return case((time_forms(text, read).day, local_midnight(day, engine, zone)), otherwise=read)
    if set(forms) <= set(EPOCHS):
        return _first(column(name), kind, forms, engine)
    text = time_text(column(name))
    each = [_in_form(text, form, engine, zone) for form in forms]
    return each[0] if len(each) == 1 else exp.Coalesce(this=each[0], expressions=each[1:])


def _in_form(text: exp.Expr, form: str, engine: Engine, zone: str) -> exp.Expr:
    """Text in one form as an instant; a day without a time of day is its local midnight."""
    read = engine.utc(text, "text", form)
    if time_kind(form) != "day":
        return read
    return local_midnight(exp.Cast(this=read, to=data_type("date")), engine, zone)


def local_midnight(day: exp.Expr, engine: Engine, zone: str) -> exp.Expr:
    """A local day as the instant of its midnight, a timestamp in UTC."""
    plain = exp.Cast(this=day.copy(), to=data_type("timestampntz"))
    return engine.utc(exp.AtTimeZone(this=plain, zone=exp.Literal.string(zone)), "timestamptz")


def _first(value: exp.Expr, kind: ColumnType, forms: tuple[str, ...], engine: Engine) -> exp.Expr:
    read = [engine.utc(value, kind, form) for form in forms]
    return read[0] if len(read) == 1 else exp.Coalesce(this=read[0], expressions=read[1:])


def forms_of_time(value: exp.Expr, source: Source, kind: ColumnType, engine: Engine) -> TimeForms:
    """Tests of whether a time, as `time_value` gives it, is a day, has an offset from UTC, or has none."""
    forms = forms_for(source, kind)
    if not forms:
        return time_forms(value, engine.utc(value, "text"))
    fits = {name: [known(engine.utc(value, _read_as(source, kind), form)) for form in forms if time_kind(form) == name]
            for name in ("day", "zoned", "naive")}  # fmt: skip
    day, zoned, naive = (exp.or_(*tests) if tests else exp.false() for tests in fits.values())
    return TimeForms(day, zoned, naive)
