"""What is said of drift."""

from __future__ import annotations

from collections.abc import Sequence

from rampgate.judge.drifted import ONE_BASELINE, ONE_CANDIDATE, WORLD, Drifted
from rampgate.policy import Policy

#: Distances by name, as they are told.
NAMES = {
    "psi": "PSI",
    "js": "Jensen-Shannon distance",
    "ks": "Kolmogorov-Smirnov distance",
    "wasserstein": "Wasserstein distance",
    "wasserstein_scaled": "Wasserstein distance in standard deviations",
    "missing": "share of missing values away by",
}
#: Whose drift it is, as it is told.
WHOSE = {
    WORLD: "in both versions: the world has moved, which is no sign against the candidate",
    ONE_CANDIDATE: "in the candidate alone",
    ONE_BASELINE: "in the baseline alone",
    None: "and no other version stands beside it to say whose it is",
}
#: Category names that are listed at most.
MOST = 3


def distance(row: Drifted, measure: str) -> str:
    """A distance with its threshold: ``PSI 0.93 (acts from 0.2)``."""
    value, level = row.value(measure), row.thresholds.get(measure)
    told = "unbounded" if value is None else f"{value:.3g}"
    return f"{NAMES[measure]} {told}" + ("" if level is None else f" (acts from {level:.3g})")


def moved(failed: Sequence[Drifted]) -> str:
    """That a column is away from its reference, how far, and whose it is."""
    first = failed[0]
    each = [f"{', '.join(distance(row, measure) for measure in row.over)} in {row.variant}" for row in failed]
    gone = f"; {_some(first.vanished)} no longer come" if first.vanished else ""
    new = f"; {first.new:.1%} have values that the reference has not" if first.new else ""
    return f"{first.column} moved in {first.window}, {WHOSE[first.whose]}: {'; '.join(each)}{new}{gone}"


def mixed(failed: Sequence[Drifted]) -> str:
    """How much of it is another mix of segments."""
    row = failed[0]
    if row.psi is None or not row.psi:
        return ""
    parts = [
        f"{100 * part / row.psi:.0f} % by the mix of {column}" for column, part in row.mix.items() if part is not None
    ]
    return f"; of it {', '.join(parts)}, the rest within their values" if parts else ""


def too_few(row: Drifted) -> str:
    """That a distance is beyond its threshold and chance alone may be why."""
    far = ", ".join(distance(row, measure) for measure in row.over)
    noise = ", ".join(f"{row.noise.get(measure) or 0.0:.3g}" for measure in row.over)
    side, units = (
        ("its reference", row.reference_units) if row.reference_units < row.units else (row.variant, row.units)
    )
    return (
        f"{row.column} may have moved in {row.window}, and {side} has too few units to say ({units}): "
        f"{far}; chance alone passes {noise} once in a thousand windows"
    )


def warned(row: Drifted) -> str:
    """That a distance is on its way."""
    far = [
        distance(row, measure)
        for measure, level in row.warnings.items()
        if level is not None and (value := row.value(measure)) is not None and value >= level
    ]
    return f"{row.column} is moving in {row.window} in {row.variant}: {', '.join(far)}"


def too_small(policy: Policy, name: str, units: int) -> str:
    """That a reference is so small that no window could be told from it."""
    levels = {} if policy.drift is None else policy.drift.levels(name)
    asked = " or ".join(f"{NAMES[measure]} {level:.3g}" for measure, level in levels.items() if measure != "missing")
    return (
        f"the reference of {name} has too few units ({units}): no window of any size tells {asked} from chance; "
        "name more days, or a file, under drift.reference"
    )


def nothing(policy: Policy, name: str) -> str:
    """That there is no reference."""
    drift = policy.drift
    reference = drift.reference if drift is not None else None
    if reference is None:
        where = "no row of the baseline before the start"
    elif reference.file is not None:
        where = f"no row of {reference.file}"
    else:
        where = f"no row of the baseline from {reference.from_} until {reference.to}"
    return f"{name} has no reference: {where} has a value; name days that have, or a file, under drift.reference"


def _some(values: Sequence[str]) -> str:
    return ", ".join(values[:MOST]) + (", ..." if len(values) > MOST else "")
