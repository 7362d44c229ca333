"""One column of one version in a window against its reference: every distance, what noise makes of it, the verdict.

Effects are acted upon, and not their significance: a distance must reach its threshold, and be larger than noise alone
makes it once in a thousand windows of this size. A p-value is shown beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.drift_bins import Categories, Drawn, Edges, ReferenceCounts
from rampgate.aggregate.moments import Floats
from rampgate.estimate.distances import (
    Alarm,
    chi_square,
    jensen_shannon,
    jensen_shannon_noise,
    kolmogorov_smirnov,
    kolmogorov_smirnov_noise,
    kolmogorov_smirnov_p,
    psi,
    psi_expected,
    psi_interval,
    psi_noise,
    shares,
    wasserstein,
    wasserstein_noise,
)
from rampgate.estimate.distributions import normal_quantile
from rampgate.judge.decision import FAIL, INCONCLUSIVE, NO_DATA, PASS
from rampgate.judge.drifted import ACT, WARN, Drifted
from rampgate.judge.show import none_if_nan

#: Windows in which nothing moves of which one has a distance that noise alone makes so large.
ONCE_IN = 1000.0
#: Distances that a row holds by name.
SHOWN = ("psi", "js", "ks", "wasserstein", "wasserstein_scaled")
#: Categories of the reference of which fewer units were to be expected have not vanished.
EXPECTED = 5.0
#: Units of a window that has none too few.
LARGE = 1e7


@dataclass(frozen=True)
class Distances:
    """Distances of a window from a reference, by measure; NaN where one of the two is not known.

    Attributes
    ----------
    values, noise : by measure; ``wasserstein_scaled`` is infinite where the reference does not vary and the window does
    expected, lower, upper : of the population stability index
    new : share of known units whose category the reference does not have; None where that cannot be told
    vanished : categories of the reference that the window does not have
    """

    values: Mapping[str, float]
    noise: Mapping[str, float]
    expected: float
    lower: float
    upper: float
    p_value: float
    missing: float
    missing_reference: float
    bins: tuple[tuple[str, float, float], ...]
    new: float | None = None
    vanished: tuple[str, ...] = ()


def distances(bins: Drawn, reference: Floats, current: Floats, missing: tuple[float, float]) -> Distances:
    """Compare counts by bin.

    Parameters
    ----------
    reference, current : (bin,)
    missing : units without a value in the reference and in the window
    """
    few = bins.few(reference), bins.few(current)
    interval = psi_interval(*few)
    was, now = (float(m / n) if (n := counts.sum() + m) else math.nan
                for m, counts in zip(missing, (reference, current), strict=True))  # fmt: skip
    values = {"psi": float(psi(*few)), "js": float(jensen_shannon(*few)), "missing": abs(now - was)}
    noise = {
        "psi": float(psi_noise(*few, ONCE_IN)),
        "js": float(jensen_shannon_noise(*few, ONCE_IN)),
        "missing": missing_noise(reference, current, missing),
    }
    new: float | None = None
    vanished: tuple[str, ...] = ()
    if isinstance(bins, Edges):
        values |= _numeric(bins, reference, current)
        noise |= _numeric_noise(bins, reference, current)
        p_value = kolmogorov_smirnov_p(values["ks"], float(reference.sum()), float(current.sum()))
    else:
        p_value = chi_square(*few).p_value
        new, vanished = _come_and_gone(bins, reference, current)
    parts = zip(bins.labels(), *(shares(counts) for counts in few), strict=True)
    shown = tuple((label, float(a), float(b)) for label, a, b in parts if not (a == 0 and b == 0))
    ends = float(interval.lower), float(interval.upper)
    return Distances(values, noise, float(psi_expected(*few)), *ends, p_value, now, was, shown, new, vanished)


def _numeric(bins: Edges, reference: Floats, current: Floats) -> dict[str, float]:
    raw = float(wasserstein(reference, current, np.array(bins.centers)))
    scaled = raw / bins.deviation if bins.deviation else (math.inf if raw > 0 else 0.0 * raw)
    return {"ks": float(kolmogorov_smirnov(reference, current)), "wasserstein": raw, "wasserstein_scaled": scaled}


def _numeric_noise(bins: Edges, reference: Floats, current: Floats) -> dict[str, float]:
    raw = float(wasserstein_noise(reference, current, np.array(bins.centers), ONCE_IN))
    return {
        "ks": float(kolmogorov_smirnov_noise(reference, current, ONCE_IN)),
        "wasserstein": raw,
        "wasserstein_scaled": raw / bins.deviation if bins.deviation else 0.0,
    }


def missing_noise(reference: Floats, current: Floats, missing: tuple[float, float]) -> float:
    """How far two shares of missing values are apart by chance."""
    n, m = (float(counts.sum()) + gone for counts, gone in zip((reference, current), missing, strict=True))
    if not n or not m:
        return math.nan
    pooled = sum(missing) / (n + m)
    return normal_quantile(1.0 - 1.0 / ONCE_IN) * math.sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m))


def _come_and_gone(bins: Categories, reference: Floats, current: Floats) -> tuple[float | None, tuple[str, ...]]:
    n, m = float(reference.sum()), float(current.sum())
    if not n or not m:
        return None, ()
    gone = tuple(
        value
        for value, was, now in zip(bins.values, reference, current, strict=False)
        if now == 0 and was / n * m >= EXPECTED
    )
    return (None if bins.more else float(current[-1] / m)), gone


def thresholds(
    levels: Mapping[str, float], few: tuple[Floats, Floats], alarm: tuple[Alarm, int] | None
) -> dict[str, float]:
    """Where each measure acts: as the policy gives it, or as the reference's own windows do.

    Parameters
    ----------
    few : counts of reference and window in the merged bins
    alarm : what was found in the reference's windows, and the place of the column among those it was found for
    """
    if alarm is None:
        return dict(levels)
    return {"psi": float(alarm[0].level(alarm[1], *few)), **levels}


def row_of(
    name: str,
    kind: str,
    found: Distances,
    levels: Mapping[str, float],
    warn: Mapping[str, float],
    calibrated: bool = False,
) -> Drifted:
    """Distances with their verdict, as a row without window and version.

    Parameters
    ----------
    levels, warn : by measure, from where on it acts and is said
    calibrated : whether the threshold of the index was found in the reference, and has its noise in it
    """
    reached = [measure for measure, level in levels.items() if found.values.get(measure, math.nan) >= level]
    beyond = [
        m for m in levels if found.values.get(m, math.nan) > found.noise.get(m, 0.0) or (calibrated and m == "psi")
    ]
    acts = tuple(measure for measure in reached if measure in beyond)
    warns = any(found.values.get(m, math.nan) >= warn.get(m, math.inf) for m in beyond)
    some = not math.isnan(found.values["psi"])
    return Drifted(
        column=name,
        window="",
        variant="",
        **{measure: none_if_nan(found.values.get(measure, math.nan)) for measure in SHOWN},  # type: ignore[arg-type]
        verdict=NO_DATA if not some else FAIL if acts else INCONCLUSIVE if reached else PASS,
        level=ACT if acts else WARN if warns else None,
        kind=kind,
        start=None,
        end=None,
        units=0,
        reference_units=0,
        lower=none_if_nan(found.lower),
        upper=none_if_nan(found.upper),
        expected=none_if_nan(found.expected),
        p_value=none_if_nan(found.p_value),
        missing=none_if_nan(found.missing),
        missing_reference=none_if_nan(found.missing_reference),
        noise={measure: none_if_nan(value) for measure, value in found.noise.items()},
        thresholds={measure: none_if_nan(value) for measure, value in levels.items()},
        warnings={measure: none_if_nan(value) for measure, value in warn.items()},
        over=acts or tuple(reached),
        new=found.new,
        vanished=found.vanished,
        bins=tuple((label, none_if_nan(was), none_if_nan(now)) for label, was, now in found.bins),
    )


def units_needed(reference: ReferenceCounts, level: float) -> int | None:
    """Units from which on a population stability index is beyond noise; None where the reference is too small for it.

    For windows with the reference's shares, to a hundredth.
    """
    few = reference.bins.few(np.array(reference.counts, dtype=float))
    units = np.geomspace(10.0, LARGE, 1400)
    noise = psi_noise(few, units[:, None] * shares(few), ONCE_IN)
    enough = np.flatnonzero(noise < level)
    return int(np.ceil(units[enough[0]])) if len(enough) else None


def tells(reference: ReferenceCounts, levels: Mapping[str, float]) -> bool:
    """Whether there is a window, however large, in which a distance at its threshold is beyond noise.

    A reference of a few rows is as noisy itself, and nothing that moves can be told from that. Missing values, and
    thresholds that are found in the reference, are not asked about.
    """
    asked = {measure: level for measure, level in levels.items() if measure != "missing"}
    before = np.array(reference.counts, dtype=float)
    noise = distances(reference.bins, before, before / before.sum() * LARGE, (0.0, 0.0)).noise
    return not asked or any(noise[measure] < level for measure, level in asked.items())


def known(reference: ReferenceCounts | None) -> bool:
    """Whether there is anything to be away from."""
    return reference is not None and reference.known > 0
