"""From a case to a comparison: the judge's estimates, with the level that as many of them need.

Pure: nothing is read, and nothing else is computed than what the gate computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rampgate.aggregate.calendar import local_midnight
from rampgate.aggregate.marginals import Group
from rampgate.aggregate.moments import Floats
from rampgate.comparison.checks import DOUBT, limits, warnings
from rampgate.comparison.values import (
    BETTER,
    NOT_COMPARED,
    NOT_SHOWN,
    WORSE,
    Arm,
    Compared,
    Comparison,
    Family,
    Segments,
    Span,
    Week,
)
from rampgate.comparison.words import details, estimate_verdict, headline, sentence
from rampgate.estimate.evidence import log_evidence_from
from rampgate.estimate.interval import log_increments
from rampgate.estimate.metric import KPI
from rampgate.judge.case import Case, Data
from rampgate.judge.decision import Estimate
from rampgate.judge.show import Cut, Raw, Shown, estimates, names, windows
from rampgate.policy import Policy

#: Chance that anything is called different in a family of comparisons in which nothing is.
BUDGET = 0.05
#: Known units of both arms that a segment value needs; every further comparison widens the intervals of the others.
FEWEST = 30


def assess(case: Case, source: str) -> Comparison:
    """Compare the arms of a case.

    Parameters
    ----------
    case : its state begins on the first day that is compared
    source : what to call the rows
    """
    policy, span = case.policy, spanned(case)
    rows, family = _overall(case)
    segments = _segments(case)
    verdict = overall_verdict([row.verdict for row in rows])
    found = warnings(case, span, rows, segments.rows)
    return Comparison(
        source=source,
        policy=policy,
        verdict=verdict,
        headline=headline(policy, verdict, rows, span),
        details=tuple(details(policy, verdict, family, segments, span, any(f.code in DOUBT for f in found))),
        span=span,
        metrics=rows,
        family=family,
        weeks=tuple(_weeks(case)),
        segments=segments,
        intake=case.intake,
        warnings=tuple(found),
        limits=tuple(limits(case, span, found)),
    )


def overall_verdict(verdicts: Sequence[str]) -> str:
    """Harm first: a candidate that is better in one metric and worse in another is worse."""
    for verdict in (WORSE, BETTER, NOT_SHOWN):
        if verdict in verdicts:
            return verdict
    return NOT_COMPARED


def spanned(case: Case) -> Span:
    """Where the units of both arms lie."""
    data = case.data
    assert case.state.start is not None
    n_c, n_b = (arm.n[0] for arm in data.run)
    days = np.array([period.day for period in data.periods])
    both = (n_b > 0) & (n_c > 0)

    def arm(n: np.ndarray) -> Arm:
        mine = days[n > 0]
        first, last = (mine[0], mine[-1]) if len(mine) else (None, None)
        return Arm(first, last, round(float(n.sum())), round(float(n[both].sum())))

    newest = case.intake.newest.astimezone(case.policy.zone) if case.intake.newest is not None else None
    used = int(((n_b > 0) | (n_c > 0)).sum())
    return Span(case.state.start, case.look, newest, used, int(both.sum()), arm(n_b), arm(n_c))


def shown_names(case: Case) -> tuple[str, ...]:
    """The metrics, after the KPI where it says more than one of them."""
    alone = len(case.policy.kpi.weights) == 1
    return names(case) if alone else (KPI, *names(case))


class _Row(NamedTuple):
    """A metric of a group: known units of baseline and candidate, those that are compared, and whether any day is."""

    name: str
    group: Group
    at: int
    known: tuple[float, float]
    compared: tuple[int, int]
    together: bool


def _rows(data: Data, name: str, places: Sequence[int]) -> list[_Row]:
    c, b = data.known(name)
    together = data.contrast(name).weight.sum(-1) > 0
    shared = [units.sum(-1) for units in _shared(data, name)]
    return [
        _Row(name, data.groups[g], g, (float(b[g]), float(c[g])), _rounded(shared, g), bool(together[g]))
        for g in places
    ]


def _shared(data: Data, name: str) -> tuple[Floats, Floats]:
    """Known units of baseline and candidate on the days that are compared, (group, period)."""
    both = data.contrast(name).weight > 0
    c, b = data.known_by_period(name)
    return b * both, c * both


def _rounded(arms: Sequence[Floats], at: int) -> tuple[int, int]:
    baseline, candidate = (round(float(arm[at])) for arm in arms)
    return baseline, candidate


def _family(rows: Sequence[_Row]) -> Family:
    """All that can be compared shares one budget."""
    size = sum(row.together and min(row.known) > 0 for row in rows)
    return Family(size, 1.0 - BUDGET / max(size, 1))


def _overall(case: Case) -> tuple[tuple[Compared, ...], Family]:
    rows = [row for name in shown_names(case) for row in _rows(case.data, name, [0])]
    family = _family(rows)
    return tuple(_compared(case, rows, family)), family


def _segments(case: Case) -> Segments:
    data, policy = case.data, case.policy
    least = FEWEST if policy.segments is None else max(1, min(FEWEST, policy.segments.minimum_units))
    every = [row for name in shown_names(case) for row in _rows(data, name, range(1, len(data.groups)))]
    rows = [row for row in every if min(row.known) >= least]
    family = _family(rows)
    found = _compared(case, rows, family)
    found.sort(key=lambda row: (row.verdict == NOT_COMPARED, -row.log_odds))
    large = {row.group for row in rows}
    small = tuple(str(group) for group in data.segments if group not in large)
    return Segments(tuple(found), family, least, small)


def _compared(case: Case, rows: Sequence[_Row], family: Family) -> list[Compared]:
    """Estimates of the rows at the family's level, one metric at a time."""
    data, policy, raw = case.data, case.policy, Raw.of(case.data)
    out = []
    for name in dict.fromkeys(row.name for row in rows):
        mine = [row for row in rows if row.name == name]
        shown = Shown.of(data, name).of_groups([row.at for row in mine])
        cuts = [Cut(row.group, raw.value(name, row.at), row.known) for row in mine]
        worse, better = (log_evidence_from(log_increments(shown.contrast, 0.0, shown.bets, way)) for way in (1, -1))
        found = zip(mine, estimates(shown, cuts, level=family.level), worse - better, strict=True)
        out += [_judged(policy, row, estimate, float(log_odds)) for row, estimate, log_odds in found]
    return out


def _judged(policy: Policy, row: _Row, estimate: Estimate, log_odds: float) -> Compared:
    verdict = estimate_verdict(policy, estimate)
    units = (0, 0) if verdict == NOT_COMPARED else row.compared
    return Compared(estimate, verdict, sentence(policy, estimate, verdict), log_odds, units)


def _weeks(case: Case) -> list[Week]:
    """Every window that has units."""
    data, zone = case.data, case.policy.zone
    n_c, n_b = (arm.n[0] for arm in data.run)
    shared = {name: [units[0] for units in _shared(data, name)] for name in (KPI, *names(case))}
    starts = np.array([local_midnight(period.day, zone) for period in data.periods])
    out = []
    for window in windows(case):
        inside = (starts >= window.start) & (starts < window.end)
        units = _within((n_b, n_c), inside)
        if sum(units):
            out.append(Week(window, units, {name: _within(arms, inside) for name, arms in shared.items()}))
    return out


def _within(arms: Sequence[Floats], inside: np.ndarray) -> tuple[int, int]:
    """Units of baseline and candidate in some periods."""
    return _rounded([arm[inside].sum(keepdims=True) for arm in arms], 0)
