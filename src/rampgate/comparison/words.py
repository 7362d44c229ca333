"""What the numbers say, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rampgate.aggregate.marginals import OVERALL
from rampgate.comparison.values import BETTER, NOT_COMPARED, NOT_SHOWN, WORSE, Compared, Family, Segments, Span
from rampgate.estimate.metric import KPI
from rampgate.judge.decision import Estimate
from rampgate.judge.findings import amount, called, in_points
from rampgate.policy import Policy

#: Metrics named in the one sentence; the others have theirs in the details.
MOST_NAMED = 3


def lower_is_better(policy: Policy, metric: str) -> bool:
    """Whether more of a metric is harm; of the KPI it never is."""
    return metric != KPI and policy.metrics[metric].better == "lower"


def level(policy: Policy, metric: str, value: float) -> str:
    """A value of a metric: ``71.2 %`` for a share."""
    return f"{100 * value:.1f} %" if metric != KPI and in_points(policy, metric) else f"{value:.4g}"


def percent(share: float) -> str:
    """A share of units; a few of very many are not none, and almost all are not all."""
    if 0 < share < 0.001:
        return "less than 0.1 %"
    if 0.999 < share < 1:
        return "more than 99.9 %"
    return f"{100 * share:.3g} %"


def listed(parts: Sequence[str], most: int = MOST_NAMED) -> str:
    """``a, b and c``, or the first few ``and 4 more``."""
    if len(parts) > most:
        return f"{', '.join(parts[:most])} and {len(parts) - most} more"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def ends(policy: Policy, row: Estimate) -> str:
    """An interval in the words of its metric: ``-2.1 to +3.0 points``."""
    if row.lower is None and row.upper is None:
        return "any size"
    low, high = ("no end" if x is None else amount(policy, row.name, x, signed=True) for x in (row.lower, row.upper))
    unit = " points"
    return f"{low.removesuffix(unit)} to {high}" if low.endswith(unit) and high.endswith(unit) else f"{low} to {high}"


def estimate_verdict(policy: Policy, row: Estimate) -> str:
    """What the interval of a metric says."""
    if row.difference is None:
        return NOT_COMPARED
    less = row.upper is not None and row.upper < 0
    more = row.lower is not None and row.lower > 0
    if not (less or more):
        return NOT_SHOWN
    return WORSE if more == lower_is_better(policy, row.name) else BETTER


def sentence(policy: Policy, row: Estimate, verdict: str) -> str:
    """One metric of one group, in words."""
    name = called(row.name, row.group)
    if verdict == NOT_COMPARED:
        return f"{name} cannot be compared: {_lacking(row)}"
    assert row.baseline is not None
    assert row.candidate is not None
    assert row.difference is not None
    if lower_is_better(policy, row.name):
        name += " (lower is better)"
    arms = f"{level(policy, row.name, row.candidate)} against {level(policy, row.name, row.baseline)} on the same days"
    seen = f"{arms}, {amount(policy, row.name, row.difference, signed=True)}"
    bounds = ends(policy, row)
    if verdict != NOT_SHOWN:
        return f"{name} is {verdict}: {seen}, at 95 % within {bounds}"
    if row.lower is None and row.upper is None:
        return f"{name}: no difference shown; {seen}; there are too few values to see one of any size"
    return f"{name}: no difference shown; {seen}; one outside {bounds} would have been seen"


def _lacking(row: Estimate) -> str:
    if not row.n_baseline and not row.n_candidate:
        return "it has no known value in either arm"
    if not min(row.n_baseline, row.n_candidate):
        arm = "candidate" if row.n_baseline else "baseline"
        return f"it has no known value in the {arm}"
    return "no day has known values in both arms"


def headline(policy: Policy, verdict: str, rows: Sequence[Compared], span: Span) -> str:
    """The verdict as one sentence."""
    b, c = policy.baseline, policy.candidate
    if verdict == NOT_COMPARED:
        return _not_compared(b, c, span)
    if verdict == NOT_SHOWN:
        return f"No difference shown between {b} and {c}{_would_have_been_seen(policy, rows)}"
    worse = [_by(policy, row) for row in rows if row.verdict == WORSE]
    better = [_by(policy, row) for row in rows if row.verdict == BETTER]
    if worse and better:
        return f"{c} is worse than {b}: {listed(worse)}; and better: {listed(better)}"
    return f"{c} is {verdict} than {b}: {listed(worse or better)}"


def _would_have_been_seen(policy: Policy, rows: Sequence[Compared]) -> str:
    """What "no difference shown" leaves open."""
    shown = [row.estimate for row in rows if row.verdict == NOT_SHOWN]
    bounds = [
        f"{called(e.name, OVERALL)} {ends(policy, e)}" for e in shown if e.lower is not None or e.upper is not None
    ]
    if not bounds:
        return ": there are too few values to see one of any size"
    return f"; a difference beyond these bounds would have been seen: {listed(bounds)}"


def _by(policy: Policy, row: Compared) -> str:
    """``override by 4.1 points (19.2 % against 15.1 %)``."""
    e = row.estimate
    assert e.difference is not None
    assert e.candidate is not None
    assert e.baseline is not None
    size = amount(policy, e.name, abs(e.difference))
    arms = f"{level(policy, e.name, e.candidate)} against {level(policy, e.name, e.baseline)}"
    return f"{called(e.name, OVERALL)} by {size} ({arms})"


def _not_compared(b: str, c: str, span: Span) -> str:
    for name, arm in ((b, span.baseline), (c, span.candidate)):
        if not arm.units:
            return f"{b} and {c} cannot be compared: there is no usable row of {name} before {span.end:%Y-%m-%d %H:%M}"
    if not span.shared_days:
        changed = "what changed with time and what changed with the version cannot be told apart"
        return f"{b} and {c} never ran on the same day: {changed}"
    return f"{b} and {c} cannot be compared: no metric has known values of both on the same day"


def details(policy: Policy, verdict: str, family: Family, segments: Segments, span: Span, doubted: bool) -> list[str]:
    """What follows from the verdict.

    Parameters
    ----------
    doubted : whether a warning says that the arms are not alike
    """
    out = list(_noise(policy, verdict, family, span))
    if doubted and verdict != NOT_COMPARED:
        out.append("But the arms are not alike: what differs need not be the version's doing; see the warnings")
    if segments.family.size:
        out.append(_worst(segments))
    if segments.too_small and verdict != NOT_COMPARED:
        least = f"fewer than {segments.minimum_units} known units in an arm"
        out.append(f"Too small to be compared ({least}): {listed(segments.too_small)}")
    return out


def _noise(policy: Policy, verdict: str, family: Family, span: Span) -> Iterator[str]:
    if verdict in (WORSE, BETTER):
        many = "this" if family.size == 1 else f"any of these {family.size} metrics"
        chance = f"if nothing differed, {many} would be called different in at most 5 of 100 such tables"
        yield f"That is more than noise: {chance}"
    elif verdict == NOT_SHOWN:
        yield "What is seen is no more than noise makes. That is no proof that nothing differs: see the intervals"
    elif min(span.baseline.units, span.candidate.units) > 0 and not span.shared_days:
        yield from _apart(policy, span)


def _apart(policy: Policy, span: Span) -> Iterator[str]:
    """Before and after: where each arm lies, and what to do."""
    b, c = span.baseline, span.candidate
    assert b.first is not None
    assert b.last is not None
    assert c.first is not None
    assert c.last is not None
    yield (
        f"{policy.baseline} ran from {b.first} to {b.last} ({b.units} units), {policy.candidate} from {c.first} to "
        f"{c.last} ({c.units} units); the tables show plain values, and no verdict can be drawn from them"
    )
    if b.first <= c.last and c.first <= b.last:
        yield "Their days alternate: with so few units a day, or whole days given to one version, no day has both"
    yield "To know, run both at the same time and let chance decide which units go to which, from a small share on"


def _worst(segments: Segments) -> str:
    """What the segments show, held to a level that lets the worst of many be picked."""
    size, worse = segments.family.size, [row for row in segments.rows if row.verdict == WORSE]
    level_ = f"{100 * segments.family.level:.4g} %"
    held = f"; each of {size} comparisons by segment is held to {level_}, since the worst of many is bad by chance"
    if not worse:
        return f"No segment is shown to be worse{held}"
    names = listed([called(row.estimate.name, row.estimate.group) for row in worse])
    return f"Worse by segment: {names}{held}"
