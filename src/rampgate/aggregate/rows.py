"""The rows as the policy means them, as sqlglot selects: typed, coded, and without repeated units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from sqlglot import exp

from rampgate.aggregate.arrival import Clock, Fault
from rampgate.aggregate.calendar import Look
from rampgate.aggregate.drift_bins import Categories, Edges, Watched
from rampgate.aggregate.histogram import Ages, Scores
from rampgate.aggregate.moments import CANDIDATE
from rampgate.aggregate.needs import Bins, Component, Needs
from rampgate.aggregate.roles import role_of
from rampgate.aggregate.steps import moment_of, period_of, slot_of
from rampgate.aggregate.times import local_midnight, moment
from rampgate.aggregate.typed import (
    Number,
    above,
    case,
    cast,
    clipped,
    coalesce,
    column,
    count,
    equality,
    joined,
    known,
    named,
    number_in,
    number_of,
    parsed_word,
    part,
    segment_of,
    text_of,
    told_of,
    truth,
    word_of,
)
from rampgate.policy import Mean, Policy, Proportion, RareEvent, Ratio, ShareAbove, TimeToEvent
from rampgate.source import ColumnType, Engine

if TYPE_CHECKING:
    from rampgate.aggregate.kept import Kept


@dataclass(frozen=True)
class Question:
    """What is asked of the rows.

    Attributes
    ----------
    types : type of each column of the source
    dated : the time column holds local days without a time of day
    before : end of the last complete period
    cuts : instants at which periods are split, sorted
    start : beginning of the rollout; None while there is no candidate
    kept : what is known of parts of the source from earlier looks, where it has parts
    label : the column that says which part a row is of, where answers are asked for by part
    apart : the values that are told apart, of segment columns that have too many
    """

    policy: Policy
    needs: Needs
    engine: Engine
    types: Mapping[str, ColumnType]
    dated: bool
    before: datetime
    cuts: tuple[datetime, ...] = ()
    start: datetime | None = None
    kept: Kept | None = None
    label: str | None = None
    apart: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def look(self) -> Look:
        """Day or week."""
        return self.policy.source.look

    @property
    def cluster(self) -> str | None:
        """The column of what was assigned as a whole, if not the unit was."""
        return self.policy.source.cluster

    @property
    def clock(self) -> Clock:
        """Reads the other columns of times."""
        return Clock(self.policy, self.engine, self.types)

    @cached_property
    def flagged(self) -> tuple[int, ...]:
        """Metrics whose columns can hold something that is no value."""
        return tuple(m for m in range(len(self.needs.metrics)) if _bad(self, m) != exp.false())

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The columns of text that metrics read as numbers."""
        names = {name for m in range(len(self.needs.metrics)) for name in _number_columns(self, m)}
        names |= {one.column for one in self.needs.watched if one.kind == "numeric"}
        names |= set(scored(self).values())
        return tuple(sorted(name for name in names if self.types[name] == "text"))


def coded(ask: Question, shown: Sequence[int] = ()) -> exp.Select:
    """One row per row: ``role``, ``period``, ``slot``, and what `typed_rows` gives, with a hash."""
    at, before = part("at"), moment_of(ask.before, ask)
    period = case((exp.LT(this=at.copy(), expression=before), period_of(ask)))
    values = [item for m in range(len(ask.needs.metrics)) for item in counting(ask, m)]
    values += [named(_counted_bin(ask, bins), bin_name(ask, bins)) for bins in ask.needs.histograms]
    values += [part(name) for name in ask.needs.watched_names]
    flags = [part(f"bad{m}") for m in flagged(ask)]
    select = exp.Select().select(
        named(role_of(ask), "role"),
        named(period, "period"),
        named(slot_of(ask), "slot"),
        *(part(f"seg_{i}") for i in range(len(ask.needs.segments))),
        part("unit"),
        part("variant"),
        part("at"),
        *map(part, _aside(ask)),
        *values,
        *flags,
        *(part(f"text{m}") for m in shown),
        named(ask.engine.row_hash([part("unit"), part("at"), *_hashed(ask)]), "hash"),
    )
    return select.from_(typed_rows(ask, shown).subquery("typed", copy=False), copy=False)


def _hashed(ask: Question) -> list[exp.Expr]:
    """The values as they enter the hash: what is no value counts as infinity, which no value is.

    So the hash does not depend on whether a column's type allows what is no value.
    """
    bad, infinity = flagged(ask), cast(exp.Literal.string("Infinity"), "double")
    times = [part(name) for m in range(len(ask.needs.metrics)) for name in _time_names(ask, m)]
    # What has a value is not all that an age says; a magnitude's bin follows from its value.
    times += [part(bin_name(ask, bins)) for bins in ask.needs.histograms if isinstance(bins, Ages)]
    times += [part(name) for name in (*ask.needs.watched_names, *(name for name, _ in _scores(ask)))]
    return times + [
        case((part(f"bad{m}"), infinity), otherwise=part(name)) if m in bad else part(name)
        for m in range(len(ask.needs.metrics))
        for name in value_names(ask, m)
    ]


def typed_rows(ask: Question, shown: Sequence[int] = ()) -> exp.Select:
    """One row per row: ``unit``, ``at``, ``variant`` and ``seg_<i>``; values and flags per metric.

    ``at`` is a timestamp in UTC, or a local day. Metric m has ``value<m>`` (a ratio ``top<m>`` and
    ``bottom<m>``), NULL where it is unknown, and if it is among `flagged` also ``bad<m>``, whether something
    else stood there; for the metrics in `shown` ``text<m>`` is what stood there. ``arrived<m>`` is when its label
    came, where the policy names a column for it, and ``begun<m>`` when its clock began, where that is not ``at``.
    ``cluster`` is there where the policy names one.
    """
    source, types = ask.policy.source, ask.types
    segments = [
        named(told_of(segment_of(column(name), types[name]), ask.apart.get(name, ())), f"seg_{i}")
        for i, name in enumerate(ask.needs.segments)
    ]
    select = exp.Select().select(
        named(text_of(column(source.unit), types[source.unit]), "unit"),
        named(at_of(ask), "at"),
        named(text_of(column(source.variant), types[source.variant]), "variant"),
        *aside_of(ask),
        *segments,
        *(item for m in range(len(ask.needs.metrics)) for item in _values(ask, m)),
        *(item for m in range(len(ask.needs.metrics)) for item in _times(ask, m)),
        *(named(_aged(ask, bins), bin_name(ask, bins)) for bins in ask.needs.histograms if isinstance(bins, Ages)),
        *(named(number.value, name) for name, number in _scores(ask)),
        *(named(_watched(ask, w), name) for w, name in zip(ask.needs.watched, ask.needs.watched_names, strict=True)),
        *(named(_bad(ask, m), f"bad{m}") for m in flagged(ask)),
        *(named(_bad_text(ask, m), f"text{m}") for m in shown),
    )
    return select.from_(_prepared(ask), copy=False)


def _prepared(ask: Question) -> exp.Expr:
    """The rows, with each column of text that should hold numbers also as a word and as what the word says.

    Each step is a select of its own, so that an engine reads a word once and not in every place that needs it.
    """
    texts = ask.texts
    if not texts:
        return relation(ask.engine)
    decimal = ask.policy.source.decimal
    every = exp.Column(this=exp.Star(), table=exp.to_identifier("events"))
    words = [named(word_of(column(name)), _own(ask, "word", i)) for i, name in enumerate(texts)]
    worded = exp.Select().select(every.copy(), *words).from_(relation(ask.engine)).subquery("events", copy=False)
    parsed = [
        named(parsed_word(part(_own(ask, "word", i)), decimal), _own(ask, "parsed", i)) for i in range(len(texts))
    ]
    return exp.Select().select(every, *parsed).from_(worded, copy=False).subquery("events", copy=False)


def _own(ask: Question, what: str, i: int) -> str:
    """A name for a column of our own beside those of the source."""
    name = f"{what}{i}"
    taken = {column_.lower() for column_ in ask.types}
    while name in taken:
        name = f"_{name}"
    return name


def cell_keys(ask: Question) -> list[str]:
    """The columns that name a cell."""
    return ["role", "period", "slot", *(f"seg_{i}" for i in range(len(ask.needs.segments))), *_aside(ask)]


def _aside(ask: Question) -> list[str]:
    """The columns of `aside_of`."""
    return [name for name, asked in (("cluster", ask.cluster), ("part", ask.label)) if asked is not None]


def aside_of(ask: Question) -> list[exp.Expr]:
    """What was assigned as a whole, as text, if the policy names it, and the part of the source if it is asked for."""
    name = ask.cluster
    cluster = [] if name is None else [named(text_of(column(name), ask.types[name]), "cluster")]
    return [*cluster, *part_of(ask)]


def part_of(ask: Question) -> list[exp.Expr]:
    """The part of the source, if it is asked for."""
    return [] if ask.label is None else [named(column(ask.label), "part")]


def relation(engine: Engine) -> exp.Expr:
    """The rows, under the name ``events``."""
    return exp.alias_(engine.relation(), "events", table=True)


def at_of(ask: Question) -> exp.Expr:
    """The time column as a timestamp in UTC, or as a local day."""
    source = ask.policy.source
    return moment(source, ask.types[source.time], ask.engine, ask.dated)


def since_start(ask: Question) -> exp.Expr:
    """Whether a row is of an arm, before the look, and not history."""
    arm = exp.LTE(this=part("role"), expression=exp.Literal.number(CANDIDATE))
    return exp.and_(arm, after_start(ask))


def after_start(ask: Question) -> exp.Expr:
    """Whether a row is not history; nothing is before the rollout has started."""
    if ask.start is None:
        return exp.false()
    return exp.GTE(this=part("at"), expression=moment_of(ask.start, ask))


def flagged(ask: Question) -> tuple[int, ...]:
    """The metrics whose columns can hold something that is no value: text, and numbers that may be infinite."""
    return ask.flagged


def _times(ask: Question, m: int) -> list[exp.Expr]:
    """The times that decide whether a metric's value counts."""
    metric, read = ask.policy.metrics[ask.needs.metrics[m]], ask.clock.read
    columns = {f"arrived{m}": metric.known_at, f"begun{m}": getattr(metric, "from_", None)}
    return [named(read(str(columns[name])), name) for name in _time_names(ask, m)]


def _time_names(ask: Question, m: int) -> tuple[str, ...]:
    metric = ask.policy.metrics[ask.needs.metrics[m]]
    late_clock = isinstance(metric, TimeToEvent) and metric.from_ != ask.policy.source.time
    return (*((f"arrived{m}",) if metric.known_at else ()), *((f"begun{m}",) if late_clock else ()))


def counting(ask: Question, m: int) -> list[exp.Expr]:
    """The values of a metric as far as they count, and with ``late<m>`` those whose label came too late to."""
    names, metric = value_names(ask, m), ask.policy.metrics[ask.needs.metrics[m]]
    counts = _counts(ask, m)
    if counts is None:
        return [part(name) for name in names]
    out = [named(case((counts, part(name))), name) for name in names]
    if metric.known_at or isinstance(metric, TimeToEvent):
        late = exp.And(this=known(part(names[0])), expression=exp.Not(this=exp.Paren(this=counts.copy())))
        out.append(named(case((late, exp.Literal.number("1.0"))), f"late{m}"))
    return out


def _counts(ask: Question, m: int) -> exp.Expr | None:
    """Whether a metric's value came in time to count; None where that is no question."""
    tests = [_in_time(ask, m, time) for time in _time_names(ask, m)]
    return coalesce(exp.and_(*tests), exp.false()) if tests else None


def bin_name(ask: Question, bins: Bins) -> str:
    """The column that holds the bin of a metric, or of what is watched for drift."""
    if isinstance(bins, (Edges, Categories)):
        return f"drift{ask.needs.histograms.index(bins)}"
    return f"bin{ask.needs.metrics.index(bins.metric)}"


def scored(ask: Question) -> dict[int, str]:
    """The columns of the model's own probabilities, by metric."""
    metrics = ((m, ask.policy.metrics[name]) for m, name in enumerate(ask.needs.metrics))
    return {m: one.score for m, one in metrics if isinstance(one, Proportion) and one.score is not None}


def _scores(ask: Question) -> list[tuple[str, Number]]:
    return [(f"score{m}", _number(ask, name)) for m, name in scored(ask).items()]


def _watched(ask: Question, one: Watched) -> exp.Expr:
    """A watched column as a number, or as text; what is neither is missing."""
    if one.kind == "categorical":
        return text_of(column(one.column), ask.types[one.column])
    return _number(ask, one.column).value


def _aged(ask: Question, bins: Ages) -> exp.Expr:
    metric = ask.policy.metrics[bins.metric]
    assert isinstance(metric, TimeToEvent)
    return ask.clock.age(metric, bins)


def _counted_bin(ask: Question, bins: Bins) -> exp.Expr:
    """The bin of a metric in the units whose value counts."""
    if isinstance(bins, (Edges, Categories)):
        return bins.sql(part(f"x{[one.name for one in ask.needs.watched].index(bins.name)}"))
    m = ask.needs.metrics.index(bins.metric)
    if isinstance(bins, Scores):
        outcome = part(f"value{m}") if (ripe := _counts(ask, m)) is None else case((ripe, part(f"value{m}")))
        return bins.sql(part(f"score{m}"), outcome)
    place = part(bin_name(ask, bins)) if isinstance(bins, Ages) else bins.sql(part(f"value{m}"))
    counts = _counts(ask, m)
    return place if counts is None else case((counts, place))


def _event(ask: Question, m: int) -> exp.Expr:
    """1 where a unit that counts had its event within the limit, else NULL."""
    metric = ask.policy.metrics[ask.needs.metrics[m]]
    assert isinstance(metric, TimeToEvent)
    half = exp.Literal.number("0.5")
    limit = cast(exp.Literal.string(repr(metric.range[1])), "double")
    value = part(f"value{m}")
    came = exp.GT(this=value, expression=half) if metric.binary else exp.LT(this=value, expression=limit)
    return case((came, exp.Literal.number("1.0")))


def _in_time(ask: Question, m: int, name: str) -> exp.Expr:
    """Whether a label was there, or a clock was through, at the age at which the period is booked."""
    metric = ask.policy.metrics[ask.needs.metrics[m]]
    maturity = metric.maturity
    if maturity is None:
        # Nobody says when labels are final: what came after the end of its own period is late.
        return exp.LTE(this=period_of(ask, part(name)), expression=period_of(ask))
    allowed = maturity.timedelta.total_seconds()
    if isinstance(metric, TimeToEvent) and name.startswith("begun"):
        allowed -= metric.limit.timedelta.total_seconds()
    # A day without a time of day may hold a unit of its last minute; a day has at least 23 hours.
    at = local_midnight(part("at"), ask.engine, ask.policy.timezone) if ask.dated else part("at")
    allowed += 23 * 3600.0 if ask.dated else 0.0
    return exp.LTE(
        this=ask.engine.elapsed(at, part(name)), expression=cast(exp.Literal.number(repr(allowed)), "double")
    )


def _numbers(ask: Question, m: int) -> list[tuple[str, Number]]:
    """The columns of a metric, read as numbers; none if it only compares text."""
    metric = ask.policy.metrics[ask.needs.metrics[m]]
    if isinstance(metric, TimeToEvent):
        return [(metric.to, ask.clock.event(metric))]
    if isinstance(metric, (Proportion, RareEvent)):
        if metric.equals is not None:
            return []
        number = _number(ask, metric.column)
        check = truth if isinstance(metric, Proportion) else count
        return [(metric.column, number if ask.types[metric.column] == "boolean" else check(number))]
    return [(name, _number(ask, name)) for name in _number_columns(ask, m)]


def _number_columns(ask: Question, m: int) -> tuple[str, ...]:
    """The columns that a metric reads as numbers."""
    metric = ask.policy.metrics[ask.needs.metrics[m]]
    if isinstance(metric, Ratio):
        return (metric.numerator, metric.denominator)
    if isinstance(metric, TimeToEvent) or getattr(metric, "equals", None) is not None:
        return ()
    if isinstance(metric, Mean) and metric.covariate is not None:
        return (metric.column, metric.covariate)
    return metric.columns()[:1]


def _number(ask: Question, name: str) -> Number:
    """A column read as a number; text as `_prepared` has parsed it."""
    texts = ask.texts
    if name not in texts:
        return number_of(column(name), ask.types[name])
    i = texts.index(name)
    return number_in(part(_own(ask, "word", i)), part(_own(ask, "parsed", i)))


def _values(ask: Question, m: int) -> list[exp.Expr]:
    """Values of a metric, NULL where they are unknown; of a ratio both or none."""
    metric = ask.policy.metrics[ask.needs.metrics[m]]
    names, numbers = value_names(ask, m), [number.value for _, number in _numbers(ask, m)]
    if isinstance(metric, Ratio):
        top, bottom = numbers
        numbers = [case((known(bottom), top)), case((known(top), bottom))]
    elif isinstance(metric, (Proportion, RareEvent)) and metric.equals is not None:
        numbers = [equality(column(metric.column), ask.types[metric.column], metric.equals)]
    elif isinstance(metric, Mean):
        numbers = _mean_values(metric, numbers)
    elif isinstance(metric, ShareAbove):
        numbers = [above(number, metric.above) for number in numbers]
    elif isinstance(metric, RareEvent):
        numbers = [above(number, 0.0) for number in numbers]
    return [named(number, name) for number, name in zip(numbers, names, strict=True)]


def _mean_values(metric: Mean, numbers: list[exp.Expr]) -> list[exp.Expr]:
    """The value within its bounds and, where there is one, the covariate of units whose value is known."""
    value, *beside = numbers
    if isinstance(metric.bounds, tuple):
        value = clipped(value, metric.bounds)
    return [value, *(case((known(numbers[0]), covariate)) for covariate in beside)]


def _bad(ask: Question, m: int) -> exp.Expr:
    """Whether something that is no value stood in one of a metric's columns."""
    bad = [fault.bad for fault in faults(ask, m)]
    return exp.or_(*bad) if bad else exp.false()


def faults(ask: Question, m: int) -> list[Fault]:
    """What can be wrong with a metric's columns; of a value that is not of its kind the words are none."""
    metric, clock = ask.policy.metrics[ask.needs.metrics[m]], ask.clock
    own = (
        clock.faults(metric)
        if isinstance(metric, TimeToEvent)
        else [Fault(number.bad, cast(column(name), "text"), "") for name, number in _numbers(ask, m)]
    )
    late = [] if metric.known_at is None else clock.unreadable(metric.known_at)
    return [fault for fault in (*own, *late) if fault.bad != exp.false()]


def _bad_text(ask: Question, m: int) -> exp.Expr:
    """What stood there, as text, after the number of the fault in `faults`."""
    return case(*((fault.bad, joined(f"{i} ", fault.text)) for i, fault in enumerate(faults(ask, m))))


def value_names(ask: Question, m: int) -> tuple[str, ...]:
    """The columns that hold the values of a metric."""
    metric = ask.policy.metrics[ask.needs.metrics[m]]
    if isinstance(metric, Ratio):
        return (f"top{m}", f"bottom{m}")
    adjusted = isinstance(metric, Mean) and metric.covariate is not None
    return (f"value{m}", f"covariate{m}") if adjusted else (f"value{m}",)


def value_of(ask: Question, component: Component) -> exp.Expr:
    """The column that a component is made of, NULL where it is unknown."""
    m = ask.needs.metrics.index(component.metric)
    if component.role == "late":
        return part(f"late{m}")
    if component.role == "event":
        return _event(ask, m)
    names = value_names(ask, m)
    if component.role == "covered":
        return case((known(part(names[1])), exp.Literal.number("1.0")))
    return part(names[1] if component.role in ("denominator", "covariate") else names[0])
