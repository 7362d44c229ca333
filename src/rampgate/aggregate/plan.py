"""The queries of a look, in their order, from an engine that writes them and runs none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from sqlglot import exp

from rampgate.aggregate.apart import at_most
from rampgate.aggregate.calendar import local_day
from rampgate.aggregate.query import aggregate_query, histogram_query
from rampgate.aggregate.read import question
from rampgate.aggregate.survey import origins, repeats
from rampgate.aggregate.units import counted_once
from rampgate.policy import Mean, Policy, Ratio, TimeToEvent
from rampgate.source import Array, Column, ColumnType
from rampgate.source.dialect import Dialect
from rampgate.source.emit import Emitter

#: How long before the look a rollout is taken to have begun where nothing says when it did.
_BEGUN = timedelta(days=14)


@dataclass(frozen=True)
class Planned:
    """One query of a look.

    Attributes
    ----------
    why : what it is asked for, and when, if not always
    sql : as it would be run
    """

    why: str
    sql: str


@dataclass(frozen=True)
class Plan:
    """The queries of a look.

    Attributes
    ----------
    queries : in the order in which they would be run
    taken : what was taken for granted to write them
    """

    queries: tuple[Planned, ...]
    taken: tuple[str, ...]


def plan(
    policy: Policy,
    said: Dialect,
    relation: exp.Expr,
    columns: Sequence[Column],
    as_of: datetime,
    switches: Sequence[datetime] = (),
    start: date | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    near: bool = False,
) -> Plan:
    """What a look would run.

    Parameters
    ----------
    policy, switches, as_of, start, bounds : as of `read`
    said : how the queries are written
    relation, columns : the rows
    near : the rows lie on this machine, so that hashes of units may leave the engine
    """
    taken: list[str] = []
    begun = as_of.astimezone(UTC) - _BEGUN
    if start is None and policy.start is None:
        taken.append(f"the candidate's first row is taken to be of {local_day(begun, policy.zone)}")
    unfixed = {_column(policy, name): (0.0, 1.0) for name in policy.unfixed()}
    if unfixed and unfixed.keys() - (bounds or {}).keys():
        taken.append("bounds that the reference is asked for first are taken to be 0 and 1")
    policy = policy.with_bounds({**unfixed, **(bounds or {})}) if unfixed else policy
    emitter = Emitter(said, relation, columns, policy.source.events or "the rows", lambda names: _answer(names, begun))
    ask = question(policy, emitter, tuple(switches), as_of, start)
    if ask.needs.segments:
        at_most(ask)
        taken.append("segment columns are taken to have no more values than the policy tells apart")
    if policy.drift is not None:
        taken.append("what drift is measured from is asked too, and is not shown here")
    if near:
        taken.append("parts of the source that an earlier look has read are not read again: the others are asked alone")
        counted_once(ask)
    else:
        repeats(ask)
    origins(ask)
    queries = [Planned(_why(select), emitter.sql(select)) for select in emitter.asked]
    for again, when in ((False, ""), (True, ", where units repeat")):
        queries.append(Planned(f"the cells{when}", emitter.sql(aggregate_query(ask, again))))
        if ask.needs.histograms:
            queries.append(Planned(f"the histograms of the cells{when}", emitter.sql(histogram_query(ask, again))))
    return Plan(tuple(queries), tuple(taken))


def _why(select: exp.Expr) -> str:
    """What one of the small questions is asked for, by what it answers."""
    names = {one.alias_or_name for one in select.expressions}
    if "form" in names:
        return "in which form the time column says times"
    if "n_0" in names:
        return "how many values the segment columns have"
    if "first" in names:
        return "the candidate's first row"
    if "hash" in names:
        return "whether a unit has two rows"
    if names == {"n"}:
        return "rows"
    return "rows and units since the start" if "units" in names else "where values lie that are far from 0"


def _column(policy: Policy, name: str) -> str:
    metric = policy.metrics[name]
    assert isinstance(metric, Mean)
    return metric.column


def _answer(names: tuple[str, ...], begun: datetime) -> dict[str, Array]:
    """What a source answers that has one candidate row, and nothing that is odd."""
    first = np.array([np.datetime64(begun.replace(tzinfo=None), "us")])
    count = 0 if "form" in names else 1
    return {name: (first if name == "first" else np.zeros(1, dtype=np.int64))[:count] for name in names}


def assumed_columns(policy: Policy) -> tuple[Column, ...]:
    """The columns that a policy names, of the types that it seems to take them for."""
    source = policy.source
    found: dict[str, ColumnType] = {}

    def take(kind: ColumnType, *names: str | None) -> None:
        for name in names:
            if name is not None:
                found.setdefault(name, kind)

    take("text" if source.time_format else "timestamptz", source.time)
    take("text", source.unit, source.variant, source.cluster, *(policy.segments.by if policy.segments else ()))
    for metric in policy.metrics.values():
        take("timestamptz", metric.known_at)
        if isinstance(metric, TimeToEvent):
            take("timestamptz", metric.from_, metric.to)
        elif isinstance(metric, Ratio) or metric.kind in ("mean", "quantile", "share_above"):
            take("number", *metric.columns())
        else:
            take("text" if getattr(metric, "equals", None) is not None else "boolean", *metric.columns())
    return tuple(Column(name, kind) for name, kind in found.items())
