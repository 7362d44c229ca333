"""What is judged at a look: the inputs, and the dense arrays made from them once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rampgate.aggregate.clusters import Clusters, clusters_of
from rampgate.aggregate.marginals import OVERALL, Arm, Group, groups_of, marginals
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Cells, Floats, Intake, Period
from rampgate.estimate.alone import FLOOR, Alone
from rampgate.estimate.cluster_sums import clustered
from rampgate.estimate.contrast import Contrast, Means, take
from rampgate.estimate.covariate import imbalance, slopes
from rampgate.estimate.evidence import onset_prior
from rampgate.estimate.interval import effect
from rampgate.estimate.metric import KPI, contrast, known_units
from rampgate.estimate.quantiles import Heights, Quantiles, with_columns
from rampgate.estimate.reference import Scale, own_or, scale
from rampgate.judge.beyond import quantiles_of
from rampgate.judge.lives import Lives
from rampgate.judge.ripe import is_ripe
from rampgate.judge.state import State
from rampgate.policy import Margin, Mean, Phase, Policy, Quantile

if TYPE_CHECKING:
    from rampgate.judge.mandate import Mandate
    from rampgate.judge.order import Unheeded
    from rampgate.judge.reviews import OpenReview


@dataclass(frozen=True)
class Case:
    """Everything a decision depends on.

    Attributes
    ----------
    cells : cells of complete periods before ``look``, history included
    state : the rollout before this look; ``state.start`` is None until a candidate row was seen
    look : end of the last complete period
    steered : whether the phases of ``state`` were really in force; in a replay they are hypothetical
    mandate : what is known of approvals; None where none are asked for, and in a replay
    changed : criteria that are not those of the look before, where the policy was changed
    unheeded : what stands in the record as a person's decision in this attempt, and is not taken for one
    reviews : what earlier attempts left to be reviewed; None where nobody has asked, as in a replay
    """

    policy: Policy
    cells: Cells
    intake: Intake
    state: State
    as_of: datetime
    look: datetime
    steered: bool = True
    mandate: Mandate | None = None
    changed: tuple[str, ...] | None = None
    unheeded: tuple[Unheeded, ...] = ()
    reviews: tuple[OpenReview, ...] | None = None

    @property
    def phase(self) -> Phase:
        """The policy's phase in force; its last where the rollout has gone further than the policy."""
        return self.policy.phases[min(self.state.phase, len(self.policy.phases)) - 1]

    @cached_property
    def data(self) -> Data:
        return Data.of(self)


@dataclass(frozen=True)
class Data:
    """Dense arrays of one case, (group, period): the run since the start, and the history before it.

    ``ripe`` says of each metric which periods of the run, and of the history, are old enough to be booked; ``lives``
    holds of each time to an event how far the units of each period of the run have got; ``quantiles`` has the
    thresholds of metrics of that kind, whose units beyond them are components of ``run``; ``clusters`` are those of the
    run and of the history, where the policy names any. ``broken`` says of a metric whose counts could not be made
    what went wrong. ``balanced`` are the means that are adjusted whatever their covariates say, where that is settled.
    """

    policy: Policy
    groups: tuple[Group, ...]
    first: dict[Group, int]
    periods: tuple[Period, ...]
    phase_begin: int
    prior: Floats
    run: tuple[Arm, Arm]
    history: tuple[Arm, Arm]
    ripe: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    lives: Mapping[str, Lives] = field(default_factory=dict)
    quantiles: Mapping[str, Quantiles] = field(default_factory=dict)
    clusters: tuple[Clusters, Clusters] | None = None
    broken: Mapping[str, Exception] = field(default_factory=dict)
    balanced: tuple[str, ...] | None = None
    made: dict[tuple[str, str], Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, case: Case) -> Data:
        start = case.state.start or date.max
        cells, since = case.cells, case.state.since
        run = [t for t, period in enumerate(cells.periods) if period.day >= start]
        past = [t for t, period in enumerate(cells.periods) if period.day < start]
        groups = groups_of(cells)
        periods, before = (tuple(cells.periods[t] for t in kept) for kept in (run, past))
        begin = next((t for t, p in enumerate(periods) if since is not None and p.start >= since), len(periods))
        ripe = {
            name: (is_ripe(case.policy, name, periods, case.look), is_ripe(case.policy, name, before, case.look))
            for name in (KPI, *case.policy.metrics)
        }
        quantiles: dict[str, Quantiles] = {}
        beyond: dict[str, Floats] = {}
        lives: dict[str, Lives] = {}
        broken: dict[str, Exception] = {}
        for name, metric in case.policy.metrics.items():
            try:
                if isinstance(metric, Quantile):
                    found = quantiles_of(case, name, groups, (past, run), ripe[name][0])
                    columns = found.columns(case.policy.margins_of(name))
                    beyond |= {f"{name}:{part}": units for part, units in columns.items()}
                    quantiles[name] = found
                elif (binned := Lives.of(case.policy, name, cells, groups, run)) is not None:
                    lives[name] = binned
            except Exception as error:  # noqa: BLE001 - raised again by whoever asks for this metric; others are judged
                broken[name] = error
        now, then = marginals(cells, groups, run), marginals(cells, groups, past)
        now = with_columns(now, beyond)
        return cls(
            case.policy.with_bounds(case.state.bounds),
            groups,
            _first_seen(groups, now.n, then.n),
            periods,
            begin,
            onset_prior([p.day for p in periods], start, case.policy.horizon_days) if periods else np.zeros(0),
            (now.arm(CANDIDATE), now.arm(BASELINE)),
            (_only_baseline(then.arm(CANDIDATE)), then.arm(BASELINE)),
            ripe,
            lives,
            quantiles,
            _clusters(cells, groups, run, past),
            broken,
        )

    @property
    def segments(self) -> tuple[Group, ...]:
        """The groups without the overall one."""
        return self.groups[1:]

    def need(self, name: str) -> None:
        """Raise what went wrong when a metric's counts were made, if anything did."""
        if name in self.broken:
            error = self.broken[name]
            raise ValueError(f"its units could not be counted: {type(error).__name__}: {error}") from error

    def contrast(self, name: str, margin: Margin | None = None, direction: int = 1) -> Contrast:
        """Contrast of a metric over the run, (group, period); ``direction`` as for `estimate.metric.contrast`."""
        self.need(name)
        # Only a relative margin changes the contrast itself, and any margin that of a quantile.
        moved = margin is not None and (margin.relative or name in self.quantiles)
        key = (name, f"{margin} {direction}" if moved else "")
        if key not in self.made:
            if name == FLOOR:
                self.made[key] = self._own()
            else:
                slope = self.slopes(name)[1] if name in self.adjusted else None
                unit = contrast(self.policy, name, *self.run_of(name), margin, direction, slope)
                self.made[key] = self._by_cluster(name, unit, self.run_of(name), 0)
        found: Contrast = self.made[key]
        return found

    def _by_cluster(self, name: str, base: Contrast, arms: tuple[Arm, Arm], when: int) -> Contrast:
        """The contrast by cluster, where the policy names what was assigned; of the run (0) or of the history (1)."""
        if self.clusters is None:
            return base
        return clustered(self.policy, name, base, arms, self.clusters[when], self.ripe[name][when])

    def _own(self) -> Alone:
        """The candidate's own KPI."""
        both = self.contrast(KPI)
        assert isinstance(both, Means)
        return Alone.of(both)

    def scale(self, name: str) -> Scale:
        """What the bets on a metric are scaled with, (group, period)."""
        key = (name, "scale")
        if key not in self.made:
            self.made[key] = self._scale(name)
        made: Scale = self.made[key]
        return made

    def _scale(self, name: str) -> Scale:
        if name in self.quantiles:
            return self.quantiles[name].scale()
        c, b = (_booked(arm, self.ripe[name][1]) for arm in self.history)
        slope = self.slopes(name)[0] if name in self.adjusted else None
        past = self._by_cluster(name, contrast(self.policy, name, c, b, slope=slope), (c, b), 1)
        run = self.contrast(name)
        own = scale(past, run, self.reach(name))
        overall = Scale(own.variance[..., :1, :], own.level[..., :1, :])
        units = (past.n_c + past.n_b).sum(-1, keepdims=True)
        return own_or(own, overall, units)

    def reach(self, name: str) -> float:
        """How much one unit can be worse than another; 0 where nobody has said."""
        if name == KPI:
            return 1.0
        return self.policy.metrics[name].span

    @property
    def adjusted(self) -> tuple[str, ...]:
        """The means that are taken less what a covariate explains."""
        if self.balanced is not None:
            return self.balanced
        return tuple(name for name in self.with_covariate if not self.unbalanced(name))

    @property
    def with_covariate(self) -> tuple[str, ...]:
        """The means for which the policy names a covariate."""
        return tuple(name for name, m in self.policy.metrics.items() if isinstance(m, Mean) and m.covariate is not None)

    def covariate_evidence(self, name: str) -> Floats:
        """Log-evidence that a mean's covariate is not alike in both arms, after each period, (..., period)."""
        key = (name, "covariate")
        if key not in self.made:
            self.made[key] = imbalance(name, self.history, self.run_of(name), self.prior)
        made: Floats = self.made[key]
        return made

    def unbalanced(self, name: str) -> bool:
        """Whether a covariate is told to differ between the arms, so that nothing may be adjusted by it."""
        return bool((self.covariate_evidence(name) >= self.bar_of_covariates()).any())

    def bar_of_covariates(self) -> float:
        """The log-evidence from which on a covariate is told to differ."""
        return float(np.log(len(self.with_covariate) / self.policy.error_budget.missing_labels))

    def slopes(self, name: str) -> tuple[Floats, Floats]:
        """What a unit of a mean's covariate changes, for the history, (group, 1), and for the run, (group, period)."""
        key = (name, "slopes")
        if key not in self.made:
            c, b = (_booked(arm, self.ripe[name][1]) for arm in self.history)
            self.made[key] = slopes(name, (c, b), self.run_of(name))
        made: tuple[Floats, Floats] = self.made[key]
        return made

    def expected(self, name: str, size: Margin | None) -> Margin | Floats | None:
        """An effect to be told from none on the scale of the contrast: of a quantile, a share of units, (group, 1)."""
        if size is None or name not in self.quantiles:
            return size
        return self.quantiles[name].expected(size)

    def harm(self, name: str, begin: int, end: int, group: int) -> float:
        """How much worse the candidate is over some periods, in the metric's unit; of a floor, its own KPI negated."""
        if self.policy.tests_hazard(name):
            return float(self.lives[name].harm(begin, end)[group])
        if name not in self.quantiles:
            return float(effect(take(self.contrast(name), slice(begin, end), group)))
        periods = np.arange(len(self.periods))
        within = ((periods >= begin) & (periods < end)).astype(float)
        worse = float(self.heights(name)[group].between(within[None]).difference[0])
        return worse if self.quantiles[name].above else -worse

    def heights(self, name: str) -> tuple[Heights, ...]:
        """The histogram of a quantile over the run, by group; none for other kinds."""
        if name not in self.quantiles:
            return ()
        key = (name, "heights")
        if key not in self.made:
            self.made[key] = tuple(self.quantiles[name].heights(g) for g in range(len(self.groups)))
        made: tuple[Heights, ...] = self.made[key]
        return made

    def beyond(self, name: str, harm: float) -> Contrast:
        """The contrast that is below 0 where a metric is worse by less than a harm in its unit, (group, period)."""
        return self.quantiles[name].beyond(harm) if name in self.quantiles else self.contrast(name)

    def known_by_period(self, name: str) -> tuple[Floats, Floats]:
        """Known units of candidate and baseline, (group, period)."""
        c, b = (known_units(self.policy, name, arm) for arm in self.run_of(name))
        return c, b

    def run_of(self, name: str) -> tuple[Arm, Arm]:
        """Candidate and baseline since the start, without the periods that are too young for a metric."""
        ripe = self.ripe[name][0]
        if ripe.all():
            return self.run
        c, b = (_booked(arm, ripe) for arm in self.run)
        return c, b

    def known(self, name: str, begin: int = 0) -> tuple[Floats, Floats]:
        """Known units of candidate and baseline per group since period ``begin``, (group,)."""
        c, b = (units[..., begin:].sum(-1) for units in self.known_by_period(name))
        return c, b

    def index(self, groups: Sequence[Group]) -> list[int]:
        """Places of groups on the group axis."""
        place = {group: g for g, group in enumerate(self.groups)}
        return [place[group] for group in groups]


def _booked(arm: Arm, ripe: np.ndarray) -> Arm:
    """An arm with the periods that are too young taken for empty."""
    keep = ripe.astype(float)
    each = (arm.mean, arm.comoment, arm.low, arm.high)
    return Arm(arm.components, arm.pairs, arm.n * keep, *(values * keep[:, None] for values in each))


def _only_baseline(arm: Arm) -> Arm:
    """History is the baseline's: rows of the candidate before the start are no reference."""
    return Arm(
        arm.components, arm.pairs, np.zeros_like(arm.n), np.zeros_like(arm.mean), np.zeros_like(arm.comoment),
        np.zeros_like(arm.low), np.zeros_like(arm.high),
    )  # fmt: skip


def _clusters(
    cells: Cells, groups: Sequence[Group], run: Sequence[int], past: Sequence[int]
) -> tuple[Clusters, Clusters] | None:
    """Clusters of the run and of the history."""
    # History is the baseline's.
    before = clusters_of(cells.rows(np.flatnonzero(cells.arm == BASELINE)), groups, past)
    now = clusters_of(cells, groups, run)
    return None if now is None or before is None else (now, before)


def _first_seen(groups: Sequence[Group], n: Floats, history: Floats) -> dict[Group, int]:
    """Index of the first period of the run with units of each group; -1 for groups that history has.

    Those keep their weight when they come up again in the run: a weight never changes once evidence was weighed by it.
    """
    seen, before = n.sum(1) > 0, (history.sum(1) > 0).any(0) if len(history) else np.zeros(len(groups), dtype=bool)
    return {
        g: -1 if before[i] or not seen[:, i].any() else int(np.argmax(seen[:, i]))
        for i, g in enumerate(groups)
        if g != OVERALL
    }
