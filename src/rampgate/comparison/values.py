"""What a comparison consists of, and its JSON form (the contract of ``compare --json``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rampgate.aggregate.moments import Intake
from rampgate.judge.decision import Estimate, Window
from rampgate.judge.numbers import rounded, stamp
from rampgate.policy import Policy
from rampgate.shown import Shown

if TYPE_CHECKING:
    from rampgate.guess import Note

WORSE, BETTER, NOT_SHOWN, NOT_COMPARED = "worse", "better", "no difference shown", "cannot be compared"


def _both(units: tuple[int, int]) -> dict[str, int]:
    return {"baseline": units[0], "candidate": units[1]}


@dataclass(frozen=True)
class Finding:
    """Something that a reader must know before believing the numbers: a code, and a sentence."""

    code: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True)
class Compared:
    """One metric of one group of units, with its verdict.

    Attributes
    ----------
    estimate : its level is that of the family that it belongs to, so that all intervals of a family hold together
    sentence : the same in words
    log_odds : log-evidence that the candidate is worse, less that it is better; "worst first" is by it
    units : known units of baseline and candidate that the difference rests on: those of days that have both
    """

    estimate: Estimate
    verdict: str
    sentence: str
    log_odds: float
    units: tuple[int, int]

    def to_dict(self) -> dict[str, Any]:
        said = {"verdict": self.verdict, "sentence": self.sentence}
        return {**self.estimate.to_dict(), **said, "units_compared": _both(self.units)}


@dataclass(frozen=True)
class Family:
    """How many comparisons share an error budget, and the level of each: a Bonferroni correction."""

    size: int
    level: float

    def to_dict(self) -> dict[str, Any]:
        return {"size": self.size, "level": rounded(self.level)}


@dataclass(frozen=True)
class Segments:
    """Segment values, strongest evidence of harm first.

    Attributes
    ----------
    rows : one per metric and segment value that has ``minimum_units`` known units in both arms
    too_small : segment values without any such metric
    """

    rows: tuple[Compared, ...]
    family: Family
    minimum_units: int
    too_small: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "rows": [row.to_dict() for row in self.rows],
            "family": self.family.to_dict(),
            "minimum_units": self.minimum_units,
            "too_small": list(self.too_small),
        }


@dataclass(frozen=True)
class Week:
    """A window of both arms.

    Attributes
    ----------
    units : all units of baseline and candidate, known or not
    compared : of each metric, the known units of both that its difference in this window rests on
    """

    window: Window
    units: tuple[int, int]
    compared: Mapping[str, tuple[int, int]]

    @property
    def share(self) -> float | None:
        """The candidate's share of the units."""
        return self.units[1] / sum(self.units) if sum(self.units) else None

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.window.to_dict(),
            "units": _both(self.units),
            "units_compared": {name: _both(units) for name, units in self.compared.items()},
            "candidate_share": rounded(self.share),
        }


@dataclass(frozen=True)
class Arm:
    """Where one arm's units lie: first and last day, all units, and those on days that both arms have."""

    first: date | None
    last: date | None
    units: int
    shared: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
            "units": self.units,
            "units_on_shared_days": self.shared,
        }


@dataclass(frozen=True)
class Span:
    """The time that was compared: whole local days from ``start`` to before ``end``.

    Attributes
    ----------
    end : the midnight after the last row, or the last one before ``as_of``
    newest : time of the newest row in the span
    days : days with any unit
    shared_days : days with units of both arms: only these are compared
    """

    start: date
    end: datetime
    newest: datetime | None
    days: int
    shared_days: int
    baseline: Arm
    candidate: Arm

    @property
    def last_day(self) -> date:
        """The day before the end."""
        return self.end.date() - timedelta(days=1)

    def to_dict(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "end": stamp(self.end),
            "newest": stamp(self.newest) if self.newest else None,
            "days": self.days,
            "shared_days": self.shared_days,
            "baseline": self.baseline.to_dict(),
            "candidate": self.candidate.to_dict(),
        }


@dataclass(frozen=True)
class Comparison(Shown):
    """Baseline against candidate in a table.

    Attributes
    ----------
    source : what holds the rows
    policy : says what the columns mean, which the user gave or which was guessed
    verdict : ``worse``, ``better``, ``no difference shown`` or ``cannot be compared``
    headline : the verdict as a sentence
    details : what follows from it, sentence by sentence
    metrics : overall; the weighted KPI first where several metrics make it up
    weeks : windows with units, oldest first
    warnings : what may make the numbers mean something else
    limits : what no table can say of itself
    notes, left_out : how the columns were understood, where that was guessed
    """

    source: str
    policy: Policy
    verdict: str
    headline: str
    details: tuple[str, ...]
    span: Span
    metrics: tuple[Compared, ...]
    family: Family
    weeks: tuple[Week, ...]
    segments: Segments
    intake: Intake
    warnings: tuple[Finding, ...]
    limits: tuple[str, ...]
    notes: tuple[Note, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        days = f"{self.span.shared_days} of {self.span.days} days with both"
        return f"<Comparison {self.verdict}: {self.candidate} against {self.baseline}, {days}>"

    @property
    def baseline(self) -> str:
        return self.policy.baseline

    @property
    def candidate(self) -> str:
        return self.policy.candidate

    def to_dict(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "baseline": self.baseline,
            "candidate": self.candidate,
            "verdict": self.verdict,
            "headline": self.headline,
            "details": list(self.details),
            "span": self.span.to_dict(),
            "metrics": [row.to_dict() for row in self.metrics],
            "family": self.family.to_dict(),
            "windows": [week.to_dict() for week in self.weeks],
            "segments": self.segments.to_dict(),
            "rows": rows_of(self.intake),
            "warnings": [finding.to_dict() for finding in self.warnings],
            "limits": list(self.limits),
            "columns": columns_of(self.policy),
            "notes": [
                {"role": n.role, "value": n.value, "why": n.why, "flag": n.flag, "guessed": n.guessed}
                for n in self.notes
            ],
            "left_out": [{"column": column, "why": why} for column, why in self.left_out],
        }


def rows_of(intake: Intake) -> dict[str, Any]:
    """What became of each row."""
    return {
        "read": intake.rows,
        "used": intake.used,
        "before_the_span": intake.history,
        "after_the_span": intake.after_as_of,
        "without_unit": intake.null_unit,
        "without_time": intake.null_time,
        "without_variant": intake.null_variant,
        "repeated_units": intake.duplicate_units,
        "other_variants": [{"variant": name, "rows": n} for name, n in intake.other_variants],
        "malformed": [{"metric": name, "values": n, "example": text} for name, n, text in intake.malformed],
    }


def columns_of(policy: Policy) -> dict[str, Any]:
    """Which column was taken for what."""
    source = policy.source
    return {
        "unit": source.unit,
        "time": source.time,
        "variant": source.variant,
        "timezone": policy.timezone,
        "metrics": {
            name: {"kind": metric.kind, "columns": list(metric.columns()), "better": metric.better}
            for name, metric in policy.metrics.items()
        },
        "weights": dict(policy.kpi.weights),
        "segments": list(policy.segments.by) if policy.segments is not None else [],
    }
