"""Watched columns by window and version, each against its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from rampgate.aggregate.calendar import local_midnight, midnight
from rampgate.aggregate.drift_bins import Edges, ReferenceCounts, tally_name
from rampgate.aggregate.drift_reference import window_days
from rampgate.aggregate.marginals import OVERALL, Group, groups_of, tallied
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Floats
from rampgate.estimate.distances import Alarm, alarm, mix_part, psi, psi_noise
from rampgate.judge.case import Case
from rampgate.judge.decision import FAIL, NO_DATA
from rampgate.judge.distance import ONCE_IN, distances, known, missing_noise, row_of, tells, thresholds
from rampgate.judge.drifted import ONE_BASELINE, ONE_CANDIDATE, WORLD, Drifted
from rampgate.judge.ripe import is_ripe
from rampgate.judge.show import none_if_nan, window_bounds


@dataclass(frozen=True)
class Span:
    """A complete window: its name, its days, and the periods of the run that lie in it."""

    name: str
    first: date
    last: date
    periods: tuple[int, ...]


class Tables:
    """Counts of the watched columns by window, made once."""

    def __init__(self, case: Case) -> None:
        self.case, self.policy = case, case.policy
        assert case.state.start is not None
        start = case.state.start
        self.run = [t for t, period in enumerate(case.cells.periods) if period.day >= start]
        self.units = self._units()
        self.alarm = _alarm(case)
        self.fine: dict[str, Floats] = {}

    def _units(self) -> Floats:
        """Units of the run, (period, arm)."""
        cells, out = self.case.cells, np.zeros((len(self.case.cells.periods), 2))
        np.add.at(out, (cells.period, cells.arm), cells.n)
        return out[self.run]

    def spans(self, name: str) -> list[Span]:
        """Complete windows since the start in which a column's values are old enough."""
        case, policy, start = self.case, self.policy, self.case.state.start
        assert start is not None
        periods = [case.cells.periods[t] for t in self.run]
        if not periods:
            return []
        column, days = policy.watched_column(name), [period.day for period in periods]
        of = [metric for metric, rule in policy.metrics.items() if column in rule.columns()]
        ripe = np.all(
            [np.ones(len(periods), dtype=bool), *(is_ripe(policy, m, periods, case.look) for m in of)], axis=0
        )
        out = []
        for first, last in window_bounds(policy.source.window, start, days[-1]):
            inside = tuple(t for t, day in enumerate(days) if first <= day < last)
            whole = first >= start and midnight(last, policy.zone) <= case.look
            if inside and whole and ripe[list(inside)].all():
                out.append(Span(self._called(first), first, last, inside))
        return out

    def _called(self, first: date) -> str:
        if self.policy.source.window != "week":
            return first.isoformat()
        year, week, _ = first.isocalendar()
        return f"{year}-W{week:02d}"

    def counts(self, name: str) -> Floats:
        """Units by bin, (period of the run, arm, bin)."""
        if name not in self.fine:
            size = self.case.state.drift[name].bins.size
            made = tallied(self.case.cells, [OVERALL], self.run, tally_name(name), np.arange(size - 1))
            self.fine[name] = made[:, :, 0]
        return self.fine[name]

    def rows(self, name: str, span: Span) -> tuple[Drifted, ...]:
        """Both versions of a column in a window; a baseline without a unit there is none."""
        reference = self.case.state.drift.get(name)
        if reference is None or not known(reference):
            return ()
        inside = list(span.periods)
        counts, units = self.counts(name)[inside].sum(0), self.units[inside].sum(0)
        arms = [arm for arm in (CANDIDATE, BASELINE) if units[arm] or arm == CANDIDATE]
        rows = {arm: self._row(name, span, reference, arm, counts[arm], float(units[arm])) for arm in arms}
        whose = _whose(rows, reference, counts, units)
        failed = {
            arm: self._with_mix(row, name, span, arm) if row.verdict == FAIL else row for arm, row in rows.items()
        }
        return tuple(replace(row, whose=whose if row.verdict == FAIL else None) for row in failed.values())

    def _row(
        self, name: str, span: Span, reference: ReferenceCounts, arm: int, counts: Floats, units: float
    ) -> Drifted:
        drift, policy = self.policy.drift, self.policy
        assert drift is not None
        before = np.array(reference.counts, dtype=float)
        found = distances(reference.bins, before, counts, (reference.missing, units - float(counts.sum())))
        own = (self.alarm[0], self.alarm[1].index(name)) if self.alarm and drift.calibrated(name) else None
        levels = thresholds(drift.levels(name), (reference.bins.few(before), reference.bins.few(counts)), own)
        warn = drift.columns[name].warned(levels)
        bare = row_of(name, reference.bins.kind, found, levels, warn, own is not None)
        return replace(
            bare,
            verdict=bare.verdict if bare.verdict == FAIL or tells(reference, drift.levels(name)) else NO_DATA,
            window=span.name,
            variant=policy.candidate if arm == CANDIDATE else policy.baseline,
            start=local_midnight(span.first, policy.zone),
            end=local_midnight(span.last, policy.zone),
            units=round(units),
            reference_units=reference.units,
        )

    def _with_mix(self, row: Drifted, name: str, span: Span, arm: int) -> Drifted:
        """The row, with how much of it is another mix of each segment column's values."""
        case, reference = self.case, self.case.state.drift[name]
        bins = reference.bins
        ends = np.array(bins.tenths, dtype=int) if isinstance(bins, Edges) else np.arange(bins.size - 1)
        groups = groups_of(case.cells)
        keep = [self.run[t] for t in span.periods]
        mix: dict[str, float | None] = {}
        for column, by in reference.segments.items():
            if column == self.policy.watched_column(name):
                continue
            own = [group for group in groups if group.column == column]
            now = tallied(case.cells, own, keep, tally_name(name), ends)[:, arm].sum(0)
            mix[column] = none_if_nan(_mix(own, now, by))
        return replace(row, mix=mix)


def _mix(groups: Sequence[Group], now: Floats, by: Mapping[str, tuple[int, ...]]) -> float:
    """The part of another mix, over the segment values of either side."""
    values = sorted({str(group.value) for group in groups} | set(by))
    place = {str(group.value): g for g, group in enumerate(groups)}
    nothing_here = np.zeros(now.shape[-1])
    current = np.array([now[place[value]] if value in place else nothing_here for value in values])
    before = np.array([by.get(value, nothing_here) for value in values], dtype=float)
    return mix_part(before, current)


def _alarm(case: Case) -> tuple[Alarm, list[str]] | None:
    """Thresholds found in the reference's own windows, and the columns they are for."""
    drift = case.policy.drift
    assert drift is not None
    names = [name for name in drift.columns if drift.calibrated(name) and known(case.state.drift.get(name))]
    if drift.false_alerts is None or not names:
        return None
    windows = [np.array(case.state.drift[name].windows, dtype=float) for name in names]
    rate = drift.false_alerts * window_days(case.policy) / 365.25
    return alarm(windows, rate), names


def _whose(rows: Mapping[int, Drifted], reference: ReferenceCounts, counts: Floats, units: Floats) -> str | None:
    """Of which versions it is: of one alone only if the versions differ from each other beyond noise.

    Parameters
    ----------
    counts, units : of the window, (arm, bin) and (arm,); units have a value or not
    """
    failed = [arm for arm, row in rows.items() if row.verdict == FAIL]
    if not failed or len(rows) < 2:  # with nobody beside it, nobody can say
        return None
    if len(failed) == 2:
        return WORLD
    alone = ONE_CANDIDATE if failed == [CANDIDATE] else ONE_BASELINE
    few = reference.bins.few(counts[BASELINE]), reference.bins.few(counts[CANDIDATE])
    if not (few[0].sum() and few[1].sum()):
        return alone
    over = rows[failed[0]].over
    # What is not over says nothing of whose it is: values alike, of which more are missing, and the other way round.
    apart = any(measure != "missing" for measure in over) and bool(psi(*few) > psi_noise(*few, ONCE_IN))
    return alone if apart or ("missing" in over and _missing_apart(counts, units)) else WORLD


def _missing_apart(counts: Floats, units: Floats) -> bool:
    """Whether the versions' shares of missing values differ from each other beyond noise."""
    gone = units - counts.sum(-1)
    noise = missing_noise(counts[BASELINE], counts[CANDIDATE], (float(gone[BASELINE]), float(gone[CANDIDATE])))
    return bool(abs(gone[CANDIDATE] / units[CANDIDATE] - gone[BASELINE] / units[BASELINE]) > noise)
