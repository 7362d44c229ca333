"""The one pass of SQL: from rows of any shape to counts, sums and co-moments of the finest cells.

Three steps, each a select over the one before: *typed* (every column as what the policy says it is) and
*coded* (what becomes of the row, and its period), both in ``rows``, and *grouped* (the cells), here. Casts
stand inside and grouping outside, so that no engine groups by what it has not cast.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from rampgate.aggregate.first import first_rows
from rampgate.aggregate.histogram import NOWHERE
from rampgate.aggregate.moments import CANDIDATE
from rampgate.aggregate.needs import Component
from rampgate.aggregate.rows import Question, bin_name, cell_keys, coded, flagged, value_of
from rampgate.aggregate.typed import case, cast, coalesce, is_null, known, named, part


def aggregate_query(ask: Question, deduplicate: bool = False, origins: Mapping[int, float] | None = None) -> exp.Select:
    """The query of a look.

    Parameters
    ----------
    ask : what is asked
    deduplicate : keep only the first row of each unit since the start
    origins : per component a value that is subtracted before squares are taken; the nearer to the mean, the
        fewer digits of a small variance about a large mean are lost

    Returns
    -------
    A select with the columns ``role`` (0 baseline, 1 candidate, else why the row is not used), ``period``
    (first local day), ``slot`` (how many cuts came before), ``seg_<i>``, ``cluster`` if one is named, ``n``,
    ``sum_<i>`` per component,
    ``low_<i>`` and ``high_<i>`` per component that is not binary (over units that have a value), per pair
    that does not follow from the sums ``joint_<i>_<j>`` (sum of products of binary components) or
    ``cov_<i>_<j>`` (population covariance), ``bad_<m>`` per metric of `flagged`, ``newest``, where parts are asked
    for ``oldest``, ``hash_hi`` and ``hash_lo`` (sums over rows of the halves of a hash of what was used of the row).
    """
    rows = first_rows(ask) if deduplicate else coded(ask)
    keys = cell_keys(ask)
    select = exp.Select().select(
        *(part(key) for key in keys),
        named(exp.Count(this=exp.Star()), "n"),
        *_moments(ask, origins or {}),
        *(named(exp.Count(this=case((part(f"bad{m}"), exp.Literal.number(1)))), f"bad_{m}") for m in flagged(ask)),
        named(exp.Max(this=part("at")), "newest"),
        *(() if ask.label is None else (named(exp.Min(this=part("at")), "oldest"),)),
        *_digest(),
    )
    return select.from_(rows.subquery("coded", copy=False), copy=False).group_by(
        *(part(key) for key in keys), copy=False
    )


def histogram_query(ask: Question, deduplicate: bool = False) -> exp.Select:
    """Units in each bin of each histogram of the arms' cells, in one pass.

    Returns
    -------
    A select with the columns of `cell_keys`, ``of`` (place of the histogram in ``ask.needs.histograms``), ``bin``
    (``NOWHERE``: unknown) and ``n``.
    """
    rows = first_rows(ask) if deduplicate else coded(ask)
    keys = cell_keys(ask)
    names = [bin_name(ask, bins) for bins in ask.needs.histograms]
    # In the sets of the other histograms a bin is NULL, and so it is where a value is unknown.
    of = case(
        *(
            (exp.EQ(this=exp.Anonymous(this="GROUPING", expressions=[part(name)]), expression=exp.Literal.number(0)),
             exp.Literal.number(h))
            for h, name in enumerate(names)
        )
    )  # fmt: skip
    places = [*(part(name) for name in names), exp.Literal.number(NOWHERE)]
    place = exp.Coalesce(this=places[0], expressions=places[1:])
    sets = exp.GroupingSets(expressions=[exp.Tuple(expressions=[part(key) for key in (*keys, name)]) for name in names])
    select = exp.Select().select(
        *(part(key) for key in keys), named(of, "of"), named(place, "bin"), named(exp.Count(this=exp.Star()), "n")
    )
    arms = exp.LTE(this=part("role"), expression=exp.Literal.number(CANDIDATE))
    out = select.from_(rows.subquery("coded", copy=False), copy=False).where(arms, copy=False)
    out.set("group", exp.Group(grouping_sets=[sets]))
    return out


def _digest() -> list[exp.Expr]:
    """Sums of the upper and the lower halves of the rows' hashes; they do not depend on the order of rows."""
    row = part("hash")
    halves = {
        "hash_hi": exp.BitwiseRightShift(this=row, expression=exp.Literal.number(32)),
        "hash_lo": exp.BitwiseAnd(this=row.copy(), expression=exp.Literal.number(2**32 - 1)),
    }
    return [named(cast(exp.Sum(this=cast(half, "bigint")), "bigint"), name) for name, half in halves.items()]


def _moments(ask: Question, origins: Mapping[int, float]) -> list[exp.Expr]:
    """Sums, extremes and co-moments; what follows from the sums of binary components is left out."""
    out: list[exp.Expr] = []
    parts = ask.needs.components
    for i, component in enumerate(parts):
        value = value_of(ask, component)
        if component.role == "known":
            out.append(named(exp.Count(this=value), f"sum_{i}"))
        elif component.binary:
            out.append(named(exp.Sum(this=value), f"sum_{i}"))
        else:
            out.append(named(ask.engine.total(value), f"sum_{i}"))
            out.append(named(exp.Min(this=value.copy()), f"low_{i}"))
            out.append(named(exp.Max(this=value.copy()), f"high_{i}"))
    for i, j in ask.needs.pairs:
        if not follows(parts[i], parts[j]):
            out.append(_pair(ask, origins, i, j))
    return out


def follows(first: Component, second: Component) -> bool:
    """Whether the co-moment of two components follows from their sums.

    Within a metric it does, if one of them is ``known`` (a value is 0 where it is unknown) or both are
    binary.
    """
    same = first.metric == second.metric
    return same and ((first.binary and second.binary) or "known" in (first.role, second.role))


def _pair(ask: Question, origins: Mapping[int, float], i: int, j: int) -> exp.Expr:
    first, second = ask.needs.components[i], ask.needs.components[j]
    x, y = value_of(ask, first), value_of(ask, second)
    if first.binary and second.binary:
        return named(_joint(first, second, x, y), f"joint_{i}_{j}")
    x, y = _shifted(_filled(first, x), origins.get(i, 0.0)), _shifted(_filled(second, y), origins.get(j, 0.0))
    if i == j:
        return named(exp.VariancePop(this=x), f"cov_{i}_{j}")
    return named(exp.CovarPop(this=x, expression=y), f"cov_{i}_{j}")


def _joint(first: Component, second: Component, x: exp.Expr, y: exp.Expr) -> exp.Expr:
    """Sum over units of the product of two binary components."""
    if first.role == second.role == "value":
        return exp.Sum(this=exp.Mul(this=x, expression=y))
    if first.role == second.role:
        both = exp.And(this=known(x), expression=known(y))
        return exp.Count(this=case((both, exp.Literal.number(1))))
    value, other = (x, y) if first.role == "value" else (y, x)
    return exp.Sum(this=case((known(other), value)))


def _filled(component: Component, value: exp.Expr) -> exp.Expr:
    """The component in every unit: value or 0, or whether it is known."""
    if component.role == "known":
        return case((is_null(value), exp.Literal.number("0.0")), otherwise=exp.Literal.number("1.0"))
    return coalesce(value, exp.Literal.number("0.0"))


def _shifted(value: exp.Expr, origin: float) -> exp.Expr:
    return exp.Sub(this=value, expression=cast(exp.Literal.string(repr(origin)), "double")) if origin else value
