"""What is shown of units that are not through yet: the pooled curve, units still open, and those past the limit.

Shown and never tested: the curve pools the periods, which a ramp misleads, and an estimate over its standard error is
no test, as the two are correlated (A/A at 90 % resolved: "better" in 99 %).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.marginals import OVERALL
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Floats
from rampgate.estimate.survival import KaplanMeier, kaplan_meier
from rampgate.judge.case import Case
from rampgate.judge.decision import StillOpen
from rampgate.judge.lives import Lives

LEVEL = 0.95
VARIANTS = {BASELINE: "baseline", CANDIDATE: "candidate"}


@dataclass(frozen=True)
class LifePath:
    """The share of units that have had the event by each age, all units together.

    Attributes
    ----------
    ages : in hours, from 0 to the limit, (age,)
    share, lower, upper : per variant, baseline first; None where nobody was that old, (variant, age)
    at_risk : units seen open at the beginning of the step that ends at each age after the first, (variant, age - 1)
    """

    metric: str
    ages: tuple[float, ...]
    share: tuple[tuple[float | None, ...], ...]
    lower: tuple[tuple[float | None, ...], ...]
    upper: tuple[tuple[float | None, ...], ...]
    at_risk: tuple[tuple[int, ...], ...]


def still_open(case: Case) -> tuple[StillOpen, ...]:
    """Both arms of every time to an event, all units together; nothing where no times were binned."""
    return tuple(row for name, lives in case.data.lives.items() for row in _rows(name, lives))


def life_paths(case: Case) -> tuple[LifePath, ...]:
    """The curves behind `still_open`."""
    return tuple(_path(name, lives) for name, lives in case.data.lives.items())


def curve_of(lives: Lives) -> KaplanMeier:
    """The survival curves of both arms over all periods, (variant,).

    A unit is censored at the last age that all units of its period have passed, whatever it has done since.
    """
    events, reached = lives.events[:, 0], lives.passed.sum(-1)
    left = lives.units[:, 0] - events.sum(-1)
    last = reached[:, None] - 1 == np.arange(len(lives.edges) - 1)
    return kaplan_meier(events.sum(-2), (left[..., None] * last).sum(-2), lives.edges)


def _rows(name: str, lives: Lives) -> Iterator[StillOpen]:
    curve = curve_of(lives)
    low, high = curve.interval(LEVEL)
    through = lives.passed.all(-1)
    units, events = lives.units[:, 0].sum(-1), lives.events[:, 0].sum((-2, -1))
    past = (lives.counts[:, 0, :, -1] * through).sum(-1)
    # Both arms are told at one age, the highest that units of both have reached.
    both = np.flatnonzero((curve.at_risk > 0).all(0))
    at = int(both[-1]) + 1 if len(both) else 0
    area = _area(curve)
    for variant, word in VARIANTS.items():
        s = float(curve.survival[variant, at])
        inside = 0.0 < s < 1.0
        yield StillOpen(
            name,
            OVERALL,
            word,
            round(units[variant]),
            round(events[variant]),
            round(units[variant] - events[variant] - past[variant]),
            round(past[variant]),
            float(lives.edges[at]) if at else None,
            round(curve.at_risk[variant, at - 1]) if at else 0,
            1.0 - s if at else None,
            1.0 - float(high[variant, at]) if inside else None,
            1.0 - float(low[variant, at]) if inside else None,
            LEVEL,
            float(area[variant, :at].sum()) if at else None,
        )


def _area(curve: KaplanMeier) -> Floats:
    """Area under the curve in each bin, (variant, bin): its events are taken to come in the middle of it."""
    s = curve.survival
    return np.asarray(0.5 * (s[..., :-1] + s[..., 1:]) * np.diff(curve.edges))


def _path(name: str, lives: Lives) -> LifePath:
    curve = curve_of(lives)
    low, high = curve.interval(LEVEL)
    begun = (curve.at_risk[..., :1] > 0).astype(bool)
    known = np.concatenate([begun, curve.at_risk > 0], axis=-1)

    def told(values: Floats) -> tuple[tuple[float | None, ...], ...]:
        return tuple(
            tuple(1.0 - float(x) if seen else None for x, seen in zip(*arm, strict=True))
            for arm in zip(values, known, strict=True)
        )

    ages = tuple(float(edge) for edge in lives.edges)
    at_risk = tuple(tuple(round(n) for n in arm) for arm in curve.at_risk)
    return LifePath(name, ages, told(curve.survival), told(high), told(low), at_risk)
