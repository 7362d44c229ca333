"""The baseline's units as they came, counted by sort: what a unit of a simulated rollout is drawn from.

A sort is a period, a combination of segment values, the value of every component, and the bin of what is judged by its
histogram. No name, time or text of a unit leaves the engine, and of metrics that are 0 or 1 there are few sorts however
many units there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlglot import exp

from rampgate.aggregate.apart import Apart
from rampgate.aggregate.calendar import local_day
from rampgate.aggregate.histogram import NOWHERE
from rampgate.aggregate.moments import BASELINE, Cells, Floats, Ints
from rampgate.aggregate.needs import Bins, Component
from rampgate.aggregate.read import question
from rampgate.aggregate.rows import Question, bin_name, coded, value_of
from rampgate.aggregate.typed import named, part
from rampgate.policy import Policy, Quantile
from rampgate.source import Array, Engine

#: Units that are asked for at most where a metric is a magnitude, so that nearly each is a sort of its own.
MOST = 150_000


@dataclass(frozen=True)
class Sorts:
    """Sorts of units of the baseline.

    Attributes
    ----------
    components : names, as of `Cells`
    period : index into the cells' periods, (sort,)
    segments : values of the segment columns, a tuple per sort
    values : of the components, 0 where the metric is unknown, (sort, component)
    count : units, (sort,)
    binned : metrics that are judged by their histogram
    bins : of these, ``NOWHERE`` where the metric is unknown, (sort, metric)
    part : 1 where every unit was counted, else the share of them that was
    """

    components: tuple[str, ...]
    period: Ints
    segments: tuple[tuple[str, ...], ...]
    values: Floats
    count: Floats
    binned: tuple[str, ...]
    bins: Ints
    part: float = 1.0


def sorts(policy: Policy, engine: Engine, as_of: datetime, cells: Cells, apart: Apart) -> Sorts:
    """The sorts of the baseline's units before a moment.

    Parameters
    ----------
    as_of : as of `read`, which gave the cells
    cells : what was read, whose periods the sorts are of
    apart : the values that `read` told apart
    """
    ask = question(policy, engine, (), as_of, local_day(as_of, policy.zone))
    ask = replace(ask, needs=replace(ask.needs, segments=cells.segments), apart=apart)
    thin = 1
    if any(not component.binary for component in ask.needs.components) or _binned(ask):
        thin = max(1, -(-int(cells.n[cells.arm == BASELINE].sum()) // MOST))
    return _sorts(ask, engine.query(_query(ask, thin)), cells, thin)


def _columns(ask: Question) -> list[tuple[str, Component]]:
    """The values that tell sorts apart: whether a metric is known is told by its value."""
    return [(f"x{i}", c) for i, c in enumerate(ask.needs.components) if c.role != "known"]


def _binned(ask: Question) -> list[Bins]:
    """The histograms that something is judged by: of quantiles, and of ages where the pace of events is tested."""
    policy = ask.policy
    judged = {n for n, metric in policy.metrics.items() if isinstance(metric, Quantile) or policy.tests_hazard(n)}
    return [bins for bins in ask.needs.histograms if bins.metric in judged]


def _query(ask: Question, thin: int) -> exp.Select:
    segments = [f"seg_{i}" for i in range(len(ask.needs.segments))]
    keys = ["period", *segments]
    valued = (
        exp.Select()
        .select(
            *(part(key) for key in keys),
            *(named(value_of(ask, component), name) for name, component in _columns(ask)),
            *(
                named(exp.Coalesce(this=part(bin_name(ask, b)), expressions=[exp.Literal.number(NOWHERE)]), f"b{i}")
                for i, b in enumerate(_binned(ask))
            ),
        )
        .from_(coded(ask).subquery("coded", copy=False), copy=False)
        .where(exp.EQ(this=part("role"), expression=exp.Literal.number(BASELINE)), copy=False)
    )
    if thin > 1:
        left = exp.Mod(this=part("hash"), expression=exp.Literal.number(thin))
        valued = valued.where(exp.EQ(this=left, expression=exp.Literal.number(0)), copy=False)
    every = [*keys, *(name for name, _ in _columns(ask)), *(f"b{i}" for i in range(len(_binned(ask))))]
    return (
        exp.Select()
        .select(*(part(key) for key in every), named(exp.Count(this=exp.Star()), "n"))
        .from_(valued.subquery("valued", copy=False), copy=False)
        .group_by(*(part(key) for key in every), copy=False)
        .order_by(*(part(key) for key in every), copy=False)
    )


def _sorts(ask: Question, answer: dict[str, Array], cells: Cells, thin: int) -> Sorts:
    names = [answer[f"seg_{i}"] for i in range(len(ask.needs.segments))]
    count = answer["n"].astype(np.float64)
    segments = tuple(zip(*names, strict=True)) if names else ((),) * len(count)
    raw = {component.name: answer[name].astype(np.float64) for name, component in _columns(ask)}
    values = np.zeros((len(count), len(ask.needs.components)))
    for i, component in enumerate(ask.needs.components):
        if component.role == "known":
            values[:, i] = _known(ask, component.metric, raw, answer)
        else:
            values[:, i] = np.nan_to_num(raw[component.name], nan=0.0)
    return Sorts(
        tuple(component.name for component in ask.needs.components),
        _places(answer["period"], cells, ask),
        segments,
        values,
        count,
        tuple(b.metric for b in _binned(ask)),
        np.array([answer[f"b{i}"] for i in range(len(_binned(ask)))], dtype=np.int64)
        .reshape(len(_binned(ask)), len(count))
        .T,
        1.0 if thin == 1 else float(count.sum() / cells.n[cells.arm == BASELINE].sum()),
    )


def _known(ask: Question, metric: str, raw: dict[str, Floats], answer: dict[str, Array]) -> np.ndarray:
    """Whether a metric is known: of a quantile where it has a bin, else where it has a value."""
    place = next((i for i, b in enumerate(_binned(ask)) if b.metric == metric), None)
    if isinstance(ask.policy.metrics[metric], Quantile):
        return np.asarray(answer[f"b{place}"] != NOWHERE)
    own = next(c for c in ask.needs.components if c.metric == metric and c.role != "known")
    return np.asarray(~np.isnan(raw[own.name]))


def _places(days: Array, cells: Cells, ask: Question) -> Ints:
    """The cells' period that begins on each day."""
    zone = ask.policy.zone
    first = {local_day(period.start, zone): place for place, period in enumerate(cells.periods)}
    return np.array([first[day] for day in days.astype("datetime64[D]").tolist()], dtype=np.int64)


def of_periods(found: Sorts, keep: Sequence[int]) -> Sorts:
    """The sorts of some periods, which are counted anew in the order given."""
    place = {period: t for t, period in enumerate(keep)}
    rows = np.flatnonzero(np.isin(found.period, list(keep)))
    return Sorts(
        found.components,
        np.array([place[int(p)] for p in found.period[rows]], dtype=np.int64),
        tuple(found.segments[r] for r in rows),
        found.values[rows],
        found.count[rows],
        found.binned,
        found.bins[rows],
        found.part,
    )
