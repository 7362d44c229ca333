"""A quantile is tested as the share of units beyond a threshold that was fixed before they came, and shown as itself.

Within a period the share of the candidate beyond ``T + m`` is compared with the share of the baseline beyond ``T``: if
the candidate's values are the baseline's moved by at most ``m``, the first is at most the second, whatever ``T`` is and
however the level moves. So nothing rests on the quantile of a period, which is biased with few units, nor on a
density. All arrays are (..., period) or (group, ...), bad units are counted, and edges are those of the histogram.

References
----------
Woodruff 1952 (intervals of quantiles by inversion).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from rampgate.aggregate.binned import Binned
from rampgate.aggregate.histogram import Magnitudes
from rampgate.aggregate.marginals import Moments
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Floats, Ints
from rampgate.estimate.contrast import Proportions, divide
from rampgate.estimate.evidence import log_sum_exp
from rampgate.estimate.interval import log_increments
from rampgate.estimate.reference import ENOUGH, Scale
from rampgate.policy import Margin, Quantile

#: Units that a reference should have beyond its threshold.
BEYOND = 20.0
_ROUNDING = 1e-9


def units_needed(q: float) -> float:
    """Known units from which a threshold is fixed."""
    return max(ENOUGH, float(np.ceil(BEYOND / min(q, 1.0 - q) - _ROUNDING)))


def quantile_at(counts: Floats, q: float) -> Ints:
    """Place of the bin that holds the q-quantile, (...), of counts (..., bin); 0 where there is no unit."""
    share = divide(np.cumsum(counts, axis=-1), counts.sum(-1, keepdims=True))
    return np.asarray(np.argmax(share >= q - _ROUNDING, axis=-1), dtype=np.int64)


class Fixed(NamedTuple):
    """Thresholds of an earlier look: the first period of the run that is compared by them, and the bins, (group,)."""

    first: int
    threshold: Ints


@dataclass(frozen=True)
class Quantiles:
    """A metric of kind quantile: where its thresholds lie, and the units of the run.

    Attributes
    ----------
    bins : how values are binned
    above : whether values above the threshold are the bad ones
    run : units since the start, of periods old enough
    threshold : bin at whose end the threshold lies, (group,)
    first : the first period of the run that is tested; those before gave the threshold where history did not
    reference : units that gave the threshold: bins (bin,), counts (group, bin)
    """

    bins: Magnitudes
    q: float
    above: bool
    run: Binned
    threshold: Ints
    first: int
    reference: tuple[Ints, Floats]

    @classmethod
    def of(cls, name: str, metric: Quantile, past: Binned, run: Binned, fixed: Fixed | None = None) -> Quantiles:
        """Fix the thresholds: from the baseline's history, else from the first periods of the run, both arms.

        Parameters
        ----------
        past : the baseline's units before the start
        run : units since the start
        fixed : thresholds that an earlier look compared by; they stay, whatever became known of the time before
        """
        least = units_needed(metric.q)
        first, source, arms = 0, past, slice(BASELINE, BASELINE + 1)
        if fixed is not None:
            first = fixed.first
        elif past.at_most()[..., 0].sum() < least:
            so_far = np.cumsum(run.at_most()[..., 0].sum(-1))
            first = min(int(np.searchsorted(so_far, least - _ROUNDING)) + 1, run.periods)
        if first:
            source, arms = run.only(np.arange(run.periods) < first), slice(None)
        bins, units = source.dense(0)
        counts = [units[:, arms].sum((0, 1))]
        for group in range(1, len(run.groups)):
            own, units = source.dense(group)
            each = np.zeros(len(bins))
            each[np.searchsorted(bins, own)] = units[:, arms].sum((0, 1))
            # A segment with too little history of its own has the threshold of everybody.
            counts.append(each if source is past and each.sum() >= least else counts[0])
        every = np.stack(counts)
        above = metric.better == "lower"
        at = bins[quantile_at(every, metric.q)] if len(bins) else np.zeros(len(counts), dtype=np.int64)
        # The bin that holds the quantile is on the good side, so that values which are all equal can get worse.
        threshold = fixed.threshold if fixed is not None else at if above else at - 1
        return cls(Magnitudes(name), metric.q, above, run, threshold, first, (bins, every))

    def pick(self, places: Sequence[int]) -> Quantiles:
        """The same of some of the groups."""
        at = list(places)
        bins, counts = self.reference
        return replace(self, run=self.run.pick(at), threshold=self.threshold[at], reference=(bins, counts[at]))

    @property
    def fixed(self) -> bool:
        """Whether the thresholds are known by now."""
        return self.first < self.run.periods

    def values(self) -> Floats:
        """The thresholds in the metric's unit, (group,)."""
        return self.bins.upper(self.threshold)

    def edges(self, harm: Floats, cautious: bool) -> list[int]:
        """Bins at whose end the threshold lies when it is moved by a harm, (group,).

        ``cautious`` says on which side of an end: further in the direction of harm, or less far.
        """
        moved = self.values() + (harm if self.above else -harm)
        # Without harm it is the threshold itself, to the last bit.
        return [
            int(t) if h == 0 else self.bins.place(float(x), cautious == self.above)
            for t, x, h in zip(self.threshold, moved, np.broadcast_to(harm, moved.shape), strict=True)
        ]

    def harm(self, margin: Margin) -> Floats:
        """A margin in the metric's unit, (group,)."""
        return np.full(len(self.threshold), margin.value) * (np.abs(self.values()) if margin.relative else 1.0)

    def bad(self, edges: Sequence[int]) -> Floats:
        """Units beyond edges in the periods that are tested, (period, arm, group)."""
        below = self.run.at_most(edges)
        return self._tested(self.run.at_most() - below if self.above else below)

    def _tested(self, units: Floats) -> Floats:
        return units * (np.arange(self.run.periods) >= self.first)[:, None, None]

    def columns(self, margins: Sequence[Margin]) -> dict[str, Floats]:
        """What the contrasts are made of, by the end of its name: units, each (period, arm, group).

        ``tested`` counts those that are known, ``at`` those beyond the threshold, ``far:<margin>`` and
        ``near:<margin>`` those beyond it by the margin, with the edge on either side.
        """
        bad = {part: self.bad(ends) for part, ends in self.ends(margins).items()}
        return {"tested": self._tested(self.run.at_most()), **bad}

    def ends(self, margins: Sequence[Margin]) -> dict[str, list[int]]:
        """The bins beyond whose ends units are bad, by the end of the column's name, (group,) each."""
        out = {"at": self.threshold.tolist()}
        for margin in margins:
            for side in ("far", "near"):
                out[f"{side}:{margin}"] = self.edges(self.harm(margin), side == "far")
        return out

    def beyond(self, harm: float) -> Proportions:
        """The contrast of the run against a harm in the metric's unit, (group, period)."""
        known, base = self._tested(self.run.at_most()), self.bad(self.threshold.tolist())
        moved = self.bad(self.edges(np.full(len(self.threshold), harm), cautious=True))
        return Proportions(
            known[:, CANDIDATE].T, moved[:, CANDIDATE].T, known[:, BASELINE].T, base[:, BASELINE].T
        )  # fmt: skip

    def scale(self) -> Scale:
        """Variance and level of a bad unit by the reference, (group, 1)."""
        n, share = self._share(self.threshold)
        bad = 1.0 - share if self.above else share
        return Scale(((n * share * (1.0 - share) + 0.25) / (n + 1.0))[:, None], bad[:, None])

    def _share(self, ends: Ints) -> tuple[Floats, Floats]:
        """Units of the reference, and their share at or below bins, (group,) each."""
        bins, counts = self.reference
        n = counts.sum(-1)
        return n, divide((counts * (bins <= np.asarray(ends)[:, None])).sum(-1), n)

    def expected(self, harm: Margin) -> Floats:
        """A harm as a share of units: those of the reference that would move beyond the threshold, (group, 1)."""
        size = self.harm(harm)
        moved = self.values() + (-size if self.above else size)
        there = np.array([self.bins.place(float(x), not self.above) for x in moved], dtype=np.int64)
        return np.abs(self._share(self.threshold)[1] - self._share(there)[1])[:, None]

    def heights(self, group: int) -> Heights:
        """The histogram of a group over the run."""
        bins, units = self.run.dense(group)
        return Heights(self.bins, self.q, bins, units[:, CANDIDATE], units[:, BASELINE])


@dataclass(frozen=True)
class Between:
    """Quantiles of both arms and what lies between them, in the metric's unit, (cut,); NaN where unknown."""

    baseline: Floats
    candidate: Floats
    difference: Floats
    lower: Floats
    upper: Floats
    weight: Floats


@dataclass(frozen=True)
class Heights:
    """Units of one group by period and bin, (period, bin)."""

    bins: Magnitudes
    q: float
    ends: Ints
    c: Floats
    b: Floats

    def raw(self, within: Floats) -> tuple[float, float]:
        """Plain quantiles of baseline and candidate over some periods, (period,); NaN without a unit."""
        baseline, candidate = (self._value(within @ counts) for counts in (self.b, self.c))
        return baseline, candidate

    def _value(self, counts: Floats) -> float:
        if not counts.sum() > 0:
            return float("nan")
        return float(self.bins.middle(self.ends[[quantile_at(counts, self.q)]])[0])

    def _weights(self, within: Floats) -> Floats:
        n_c, n_b = self.c.sum(-1), self.b.sum(-1)
        return within * divide(n_c * n_b, n_c + n_b)

    def places(self, within: Floats) -> tuple[Ints, Ints]:
        """Places of the bins of both quantiles, candidate and baseline, with the weights of the comparison, (cut,)."""
        h = self._weights(within)
        c, b = (quantile_at(h @ divide(x, x.sum(-1, keepdims=True)), self.q) for x in (self.c, self.b))
        return c, b

    def between(self, within: Floats, bets: Floats | None = None, alpha: float = 0.05) -> Between:
        """Quantiles over some periods, weighted as the comparison is, so that they subtract.

        Parameters
        ----------
        within : (cut, period), 1 where a period counts
        bets : (period, grid); no interval without
        alpha : 1 - coverage of the interval

        The interval is that of Woodruff: the edges at which the evidence does not tell the candidate's share from the
        baseline's at its own quantile, and the other way round, whichever is wider. It is asymptotic, since that
        quantile is an estimate.
        """
        weight = self._weights(within).sum(-1)
        nothing = np.full(len(weight), np.nan)
        if not len(self.ends):
            return Between(nothing, nothing, nothing, nothing, nothing, weight)
        k_c, k_b = self.places(within)
        c, b = (np.where(weight > 0, self.bins.middle(self.ends[k]), np.nan) for k in (k_c, k_b))
        if bets is None:
            return Between(b, c, c - b, nothing, nothing, weight)
        low, high = self._ends((self.c, self.b), (k_c, k_b), within, bets, alpha)
        # The same with the arms exchanged: where one density is steeper, the other tells the uncertainty.
        low_b, high_b = self._ends((self.b, self.c), (k_b, k_c), within, bets, alpha)
        lower, upper = np.minimum(low, -high_b), np.maximum(high, -low_b)
        some = weight > 0
        return Between(b, c, c - b, np.where(some, lower, np.nan), np.where(some, upper, np.nan), weight)

    def _ends(
        self, arms: tuple[Floats, Floats], at: tuple[Ints, Ints], within: Floats, bets: Floats, alpha: float
    ) -> tuple[Floats, Floats]:
        """How far the first arm's quantile may lie from the second's: the edges neither one-sided process rejects."""
        below = [np.concatenate([np.zeros((len(x), 1)), np.cumsum(x, axis=-1)], axis=-1) for x in arms]
        n = [x.sum(-1) for x in arms]
        fixed = n[1] - below[1][:, at[1] + 1].T
        bar, top = np.log(2.0 / alpha) + np.log(bets.shape[-1]), len(self.ends) - 1

        def out(edge: Ints, direction: int) -> np.ndarray:
            """Whether the first arm's share beyond an edge is told from the second's beyond its quantile."""
            there = below[0][:, np.minimum(edge, top) + 1].T
            n_x, x, n_y, y = np.broadcast_arrays(n[0], n[0] - there, n[1], fixed)
            made = Proportions(n_x, x, n_y, y)
            total = (log_increments(made, 0.0, bets, direction) * within[..., None]).sum(-2)
            return np.asarray(log_sum_exp(total) >= bar)

        first = _last(lambda edge: out(edge, 1), np.full_like(at[0], -1), at[0])
        last = -_last(lambda edge: out(-edge, -1), np.full_like(at[0], -top - 1), -at[0])
        upper = self.bins.upper(self.ends)
        zero = upper[at[1]]
        lower = np.where(first < 0, -np.inf, upper[np.maximum(first, 0)] - zero)
        return lower, np.where(last > top, np.inf, upper[np.minimum(last, top)] - zero)


def _last(holds: Callable[[Ints], np.ndarray], low: Ints, high: Ints) -> Ints:
    """The last place from ``low`` on, which is taken to hold, up to ``high``, at which a test holds; by bisection."""
    low, high = low.copy(), high.copy()
    while (high - low > 1).any():
        middle = (low + high) // 2
        true = holds(middle)
        low, high = np.where(true, middle, low), np.where(true, high, middle)
    return low


def with_columns(moments: Moments, columns: dict[str, Floats]) -> Moments:
    """Moments with more components that are 0 or 1 in every unit, given as units (period, variant, group)."""
    if not columns:
        return moments
    share = np.stack([divide(units, moments.n) for units in columns.values()], axis=-1)
    more = [np.concatenate([old, new], axis=-1) for old, new in (
        (moments.mean, share), (moments.low, np.zeros_like(share)), (moments.high, np.ones_like(share)),
    )]  # fmt: skip
    names = (*moments.components, *columns)
    return replace(moments, components=names, mean=more[0], low=more[1], high=more[2])
