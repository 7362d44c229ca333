"""One arm against a fixed value: the candidate's own KPI and its floor.

There is nothing to compare with, so what moves both arms moves this too: a floor is about what users get, whoever is to
blame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rampgate.aggregate.moments import Floats
from rampgate.estimate.contrast import SMALL_UNITS, Means, divide, own_variance, unseen

#: What the evidence of a floor is about, where others have the name of a metric.
FLOOR = "floor"


@dataclass(frozen=True)
class Alone:
    """The mean of a value z per unit of the candidate, harm positive; asked at a margin m, ``s = n (a - m)``.

    Parameters
    ----------
    n_c : known units of the candidate, (..., period)
    a_c : their mean, harm positive
    ss_c : sum of squared deviations from it
    spread : largest |z| of a unit in the period
    sign : 1 when more of the metric is harm; ``sign * a_c`` is the metric itself
    ranged : whether ``spread`` bounds every unit there could be, and not only those seen
    """

    n_c: Floats
    a_c: Floats
    ss_c: Floats
    spread: Floats
    sign: int = 1
    ranged: bool = False

    @classmethod
    def of(cls, both: Means) -> Alone:
        """The candidate of a contrast, without its baseline."""
        return cls(both.n_c, both.a_c, both.ss_c, both.spread, both.sign, both.ranged)

    @property
    def n_b(self) -> Floats:
        return np.zeros_like(self.n_c)

    @property
    def weight(self) -> Floats:
        return self.n_c

    @property
    def effect(self) -> Floats:
        return np.where(self.n_c > 0, self.a_c, 0.0)

    @property
    def bound(self) -> Floats:
        return self.spread

    @property
    def bounded(self) -> np.ndarray:
        return np.asarray(self.n_c < SMALL_UNITS)

    def levels(self) -> tuple[Floats, Floats]:
        return self.sign * self.a_c, np.zeros_like(self.a_c)

    def variance(self, margin: float | Floats) -> Floats:
        """The larger of the variance about the tested mean and the arm's own, with what has not shown yet."""
        about = self.ss_c + self.n_c * (self.a_c - margin) ** 2
        null = divide(about, np.maximum(self.n_c, 1.0))
        own, freedom = own_variance(self.ss_c, self.n_c)
        more = unseen(self.n_c * (margin - self.a_c), np.cumsum(self.n_c, axis=-1), self.spread)
        return self.n_c * (np.maximum(np.where(freedom > 0, own, 0.0), null) + more)
