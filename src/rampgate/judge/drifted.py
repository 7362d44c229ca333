"""How far one column of one version is from its reference in one window, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from rampgate.judge.numbers import rounded, stamp
from rampgate.shown import Shown

ACT, WARN = "act", "warn"
#: Whose drift it is.
WORLD, ONE_CANDIDATE, ONE_BASELINE = "both", "candidate", "baseline"


@dataclass(frozen=True)
class Drifted:
    """A column of a version in a complete window, against its reference; numbers are None where nothing is known.

    Attributes
    ----------
    window : ``2016-W10``, or the first day of a window of days; empty where two tables are compared
    psi : with its interval at 95 %; ``expected`` is what noise alone would make of it on average
    p_value : Kolmogorov-Smirnov of numbers, chi-square of categories: shown, since most windows are large enough for
        anything to be significant; never acted upon
    noise : by measure, what it passes once in a thousand windows in which nothing moves
    thresholds, warnings : by measure, from where on it acts and is said
    over : measures that act
    whose : of both versions, of the candidate or of the baseline alone; None where nothing acts
    mix : by segment column, how much of ``psi`` is another mix of its values
    bins : what the merged bins hold, with the shares of reference and window
    """

    column: str
    window: str
    variant: str
    psi: float | None
    js: float | None
    ks: float | None
    wasserstein: float | None
    verdict: str
    level: str | None
    kind: str
    start: datetime | None
    end: datetime | None
    units: int
    reference_units: int
    lower: float | None = None
    upper: float | None = None
    expected: float | None = None
    wasserstein_scaled: float | None = None
    p_value: float | None = None
    missing: float | None = None
    missing_reference: float | None = None
    noise: Mapping[str, float | None] = field(default_factory=dict)
    thresholds: Mapping[str, float | None] = field(default_factory=dict)
    warnings: Mapping[str, float | None] = field(default_factory=dict)
    over: tuple[str, ...] = ()
    whose: str | None = None
    mix: Mapping[str, float | None] = field(default_factory=dict)
    new: float | None = None
    vanished: tuple[str, ...] = ()
    bins: tuple[tuple[str, float | None, float | None], ...] = ()
    message: str | None = None

    def value(self, measure: str) -> float | None:
        """A distance by name; of missing values, how far their share is from the reference's."""
        if measure == "missing":
            both = (self.missing, self.missing_reference)
            return None if None in both else abs(float(both[0] or 0.0) - float(both[1] or 0.0))
        found: float | None = getattr(self, measure)
        return found

    def to_dict(self) -> dict[str, Any]:
        data = asdict(self)
        for name, key in (("start", "from"), ("end", "to")):
            data[key] = None if data[name] is None else stamp(data.pop(name))
            data.pop(name, None)
        for name, value in data.items():
            if isinstance(value, float):
                data[name] = rounded(value)
            elif isinstance(value, tuple):
                data[name] = [list(item) if isinstance(item, tuple) else item for item in value]
        for name in ("noise", "thresholds", "warnings", "mix"):
            data[name] = {key: rounded(value) for key, value in data[name].items()}
        data["bins"] = [[label, rounded(was), rounded(now)] for label, was, now in self.bins]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Drifted:
        kept = {name: value for name, value in data.items() if name not in ("from", "to")}
        moments = {
            name: None if data[key] is None else datetime.fromisoformat(data[key])
            for name, key in (("start", "from"), ("end", "to"))
        }
        lists = {name: tuple(kept[name]) for name in ("over", "vanished")}
        bins = tuple((label, was, now) for label, was, now in kept["bins"])
        return cls(**{**kept, **moments, **lists, "bins": bins})


@dataclass(frozen=True, repr=False)
class DriftTable(Shown):
    """Columns against their references: of a rollout by window and version, or of two tables.

    Attributes
    ----------
    rows : oldest first
    of : what was compared with what
    notes : what could not be compared, and why
    """

    rows: tuple[Drifted, ...]
    of: str
    notes: tuple[str, ...] = ()

    @property
    def acts(self) -> bool:
        """Whether anything reaches the level at which it acts."""
        return any(row.level == ACT for row in self.rows)

    def __getitem__(self, column: str) -> Drifted:
        """The latest row of a column, the candidate's where there are two."""
        rows = [row for row in self.rows if row.column == column]
        if not rows:
            raise KeyError(column)
        return next(row for row in rows if row.start == rows[-1].start)

    def __repr__(self) -> str:
        acting = sorted({row.column for row in self.rows if row.level == ACT})
        told = ", ".join(acting) if acting else "nothing moved beyond its threshold"
        return f"<DriftTable {self.of}: {told}>"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"columns": [row.to_dict() for row in self.rows], "notes": list(self.notes)}
