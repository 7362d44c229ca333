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

#: Windows in which nothing moves of which one has a distance that noise alone makes so large.
ONCE_IN = 1000.0
#: Categories of the reference of which fewer units were to be expected have not vanished.
EXPECTED = 5.0


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
        "missing": _missing_noise(reference, current, missing),
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
    shown = tuple((label, float(a), float(b)) for label, a, b in parts if a > 0 or b > 0)
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


def _missing_noise(reference: Floats, current: Floats, missing: tuple[float, float]) -> float:
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


def thresholds(levels: Mapping[str, float], found: Distances, alarm: tuple[Alarm, int] | None) -> dict[str, float]:
    """Where each measure acts: as the policy gives it, or as the reference's own windows do."""
    if alarm is None:
        return dict(levels)
    return {"psi": float(alarm[0].level(alarm[1], np.array(found.expected))), **levels}


@dataclass(frozen=True)
class Judgement:
    """Measures beyond their threshold and beyond noise, beyond their threshold alone, and that are said."""

    acts: tuple[str, ...]
    uncertain: tuple[str, ...]
    warns: tuple[str, ...]


def judged(found: Distances, levels: Mapping[str, float], warn: Mapping[str, float], calibrated: bool) -> Judgement:
    """Which distances reach their threshold. A threshold found in the reference has its noise in it."""
    acts: list[str] = []
    uncertain: list[str] = []
    warns: list[str] = []
    for measure, level in levels.items():
        value, noise = found.values.get(measure, math.nan), found.noise.get(measure, 0.0)
        beyond = value > noise or (calibrated and measure == "psi")
        if value >= level:
            (acts if beyond else uncertain).append(measure)
        elif value >= warn.get(measure, math.inf) and beyond:
            warns.append(measure)
    return Judgement(tuple(acts), tuple(uncertain), tuple(warns))


def known(reference: ReferenceCounts | None) -> bool:
    """Whether there is anything to be away from."""
    return reference is not None and sum(reference.counts) > 0
