"""The judge's numbers for many rollouts and all their looks at once; a look of one rollout is told from the same ones.

Evidence is a path: what a look sees of the periods that are old enough is the beginning of the path of the whole run.
So each number is computed once over all periods, and a look reads it at the last period that is old enough by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np

from rampgate.aggregate.marginals import OVERALL, Arm
from rampgate.aggregate.moments import BASELINE, CANDIDATE, Floats, Ints, Period
from rampgate.estimate.alone import FLOOR
from rampgate.estimate.metric import KPI
from rampgate.estimate.process import Steps
from rampgate.judge.batch_balance import by_balance
from rampgate.judge.batch_budget import not_within_budget
from rampgate.judge.batch_point import TOO_LITTLE_DATA, point_alarms
from rampgate.judge.case import Data
from rampgate.judge.criteria import Criterion, criteria, group_weights
from rampgate.judge.flow import Flow, may_be_silent
from rampgate.judge.gate import counted_metrics, stays_until
from rampgate.judge.labels import all_missing, missing_evidence
from rampgate.judge.ripe import is_ripe
from rampgate.judge.sequential import alphas, compared
from rampgate.judge.split import STRAGGLERS, split_evidence
from rampgate.judge.volume import USUAL, sudden
from rampgate.judge.weigh import Weighed, bound_to_pass, family_log_e, family_of, process_of, weigh
from rampgate.policy import Phase, Policy

Flags = np.ndarray


@dataclass(frozen=True)
class Calendar:
    """When a run is looked at: after each of its periods.

    Attributes
    ----------
    booked : how many periods are old enough at each look, by metric and for the KPI, (look,)
    past : days and units of the periods before the start
    """

    policy: Policy
    periods: tuple[Period, ...]
    booked: Mapping[str, Ints]
    past: tuple[tuple[Period, float], ...] = ()

    @classmethod
    def of(cls, policy: Policy, periods: Sequence[Period], past: Sequence[tuple[Period, float]] = ()) -> Calendar:
        booked = {
            # A metric without an age is booked with its period; what is to come is never old enough.
            name: np.array(
                [int(is_ripe(policy, name, periods[: t + 1], p.end).sum()) for t, p in enumerate(periods)],
                dtype=np.int64,
            )
            for name in (KPI, *policy.metrics)
        }
        return cls(policy, tuple(periods), {**booked, FLOOR: booked[KPI]}, tuple(past))

    def until(self, count: int) -> Calendar:
        """The same of the first periods."""
        booked = {name: looks[:count] for name, looks in self.booked.items()}
        return Calendar(self.policy, self.periods[:count], booked, self.past)

    @cached_property
    def looks(self) -> tuple[datetime, ...]:
        """The moment of each look, in the policy's zone."""
        return tuple(p.end.astimezone(self.policy.zone) for p in self.periods)

    def stayed(self, phase: Phase) -> Flags:
        """Whether a phase that began with a period has lasted long enough at a look, (begin, look)."""
        launch = self.periods[0].start.astimezone(self.policy.zone)
        since = (launch, *self.looks[:-1])
        due = [stays_until(self.policy, phase, moment) for moment in since]
        return np.array([[look >= end for look in self.looks] for end in due], dtype=bool)

    def weeks(self, units: Floats) -> Floats:
        """Units of the whole weeks before each look, the last first, (..., look, week); NaN where there is none."""
        before = np.array([n for _, n in self.past])
        whole = np.concatenate([np.broadcast_to(before, (*units.shape[:-1], len(before))), units], axis=-1)
        days = [*(p.day for p, _ in self.past), *(p.day for p in self.periods)]
        out = np.full((*units.shape, 2 + USUAL), np.nan)
        for t, look in enumerate(self.looks):
            ages = np.array([(look.date() - day).days for day in days[: len(before) + t + 1]])
            seen = whole[..., : len(ages)]
            for k in range(min(int(ages.max()) // 7, 2 + USUAL)):
                out[..., t, k] = seen[..., (ages > 7 * k) & (ages <= 7 * k + 7)].sum(-1)
        return out


def at_looks(path: np.ndarray, booked: Ints, empty: float | bool = 0.0) -> np.ndarray:
    """The value of a path (..., period) at the last period that is booked at each look, (..., look)."""
    if np.array_equal(booked, np.arange(1, path.shape[-1] + 1)):
        return path
    return np.where(booked > 0, path[..., np.maximum(booked - 1, 0)], empty)


def ever(
    paths: Sequence[Floats], booked: Sequence[Ints], combine: Callable[[Sequence[Floats]], Floats], bar: float
) -> Flags:
    """Whether evidence that is combined from several paths had reached a bar by each look, (..., look).

    A path that is not booked further stays where it is: what is not there yet changes no evidence. So paths of one age
    are combined period by period, and where ages differ each look adds the periods that only some have booked.
    """
    least, most = np.min(booked, axis=0), np.max(booked, axis=0)
    together = np.maximum.accumulate(combine(list(paths)) >= bar, axis=-1)
    hit = np.asarray(at_looks(together, least, False))
    for more in range(int((most - least).max())):
        at = [np.minimum(least + more + 1, b) for b in booked]
        hit = hit | (combine([at_looks(path, end) for path, end in zip(paths, at, strict=True)]) >= bar)
    return np.maximum.accumulate(hit, axis=-1)


@dataclass(frozen=True)
class Batch:
    """Rollouts of one policy that are in the same phase, each since its own period.

    Attributes
    ----------
    data : (rollout, group, period), all periods old enough
    phase : from 1
    begin : the first period of the phase, (rollout,)
    share : the candidate's share of traffic as the ledger knows it, (rollout, period); NaN where it does not
    """

    data: Data
    calendar: Calendar
    phase: int
    begin: Ints
    share: Floats

    @property
    def policy(self) -> Policy:
        return self.data.policy

    @property
    def rule(self) -> Phase:
        return self.policy.phases[self.phase - 1]

    @cached_property
    def overall(self) -> Data:
        """All units together alone, so that what is asked of them is not computed for every segment value."""
        data = self.data
        run, history = ((_everybody(c), _everybody(b)) for c, b in (data.run, data.history))
        lives = {name: one.pick([0]) for name, one in data.lives.items()}
        quantiles = {name: one.pick([0]) for name, one in data.quantiles.items()}
        return replace(
            data, groups=(OVERALL,), first={}, run=run, history=history, lives=lives, quantiles=quantiles, made={}
        )  # fmt: skip

    @cached_property
    def weighed(self) -> tuple[Weighed, ...]:
        """Every criterion with its evidence after each period, (rollout, period)."""
        rules = criteria(self.policy, group_weights(self.data.segments, self.data.first))
        everybody = [rule for rule in rules if rule.group == OVERALL]
        found = (
            *weigh(self.overall, everybody),
            *weigh(self.data, [rule for rule in rules if rule.group != OVERALL]),
        )
        broken = next((w for w in found if w.error is not None), None)
        if broken is not None:
            raise ValueError(f"{broken.criterion.id} could not be judged: {broken.error}")
        return found

    def log_e(self, weighed: Weighed) -> Floats:
        """A criterion's log-evidence at each look, (rollout, look)."""
        return at_looks(weighed.log_e, self.booked(weighed.criterion))

    def booked(self, criterion: Criterion) -> Ints:
        """How many periods of a criterion's evidence are there at each look, (look,)."""
        if self.policy.tests_hazard(criterion.metric):
            return np.arange(1, self.share.shape[-1] + 1)  # its evidence stands by the look that books it
        return self.calendar.booked[criterion.measure]

    def known(self, name: str, arm: int) -> Floats:
        """Known units of an arm (0 candidate, 1 baseline) since the phase began, at each look, (rollout, look)."""
        total = self.overall.known_by_period(name)[arm][..., 0, :].cumsum(-1)
        return np.maximum(at_looks(total, self.calendar.booked[name]) - self._before(total), 0.0)

    def compared_units(self, name: str, arm: int) -> Floats:
        """As `known`; of a pace the units that have passed the first age."""
        if not self.policy.tests_hazard(name):
            return self.known(name, arm)
        lives = self.overall.lives[name]
        total = lives.units[CANDIDATE if arm == 0 else BASELINE][..., 0, :].cumsum(-1)
        passed = np.searchsorted(lives.booked[:, 0], np.arange(total.shape[-1]), side="right")
        return np.maximum(at_looks(total, passed) - self._before(total), 0.0)

    def _before(self, total: Floats) -> Floats:
        """The value of a running total at the end of the period before the phase, (rollout, 1)."""
        at = np.take_along_axis(total, np.maximum(self.begin - 1, 0)[:, None], axis=-1)
        return np.where(self.begin[:, None] > 0, at, 0.0)


@dataclass(frozen=True)
class Verdicts:
    """What follows at each look, (rollout, look) each.

    Attributes
    ----------
    rollback : whether a rollback criterion has failed
    holds : reasons to hold, by code
    failing : whether a guardrail, the floor or a segment's guardrail has failed, which no time mends
    """

    rollback: Flags
    holds: Mapping[str, Flags]
    failing: Flags

    @property
    def hold(self) -> Flags:
        return np.asarray(np.any(list(self.holds.values()), axis=0))


def _everybody(arm: Arm) -> Arm:
    cut = {name: getattr(arm, name)[..., :1, :, :] for name in ("mean", "comoment", "low", "high")}
    return replace(arm, n=arm.n[..., :1, :], **cut)


def verdicts(batch: Batch) -> Verdicts:
    """Judge every look of a batch. Looks before a rollout's phase began say nothing."""
    return by_balance(batch, _verdicts) if batch.data.with_covariate else _verdicts(batch)


def _verdicts(batch: Batch) -> Verdicts:
    point = batch.policy.evidence == "point"
    alarms = point_alarms(batch) if point else _alarms(batch)
    holds = {code: alarms[code] for code in ("guardrail", FLOOR, "segment")}
    failing = np.any(list(holds.values()), axis=0)
    stays = batch.calendar.stayed(batch.rule)[batch.begin]
    holds |= {
        "minimum_duration": ~stays,
        "minimum_units": _few_units(batch),
        TOO_LITTLE_DATA: alarms[TOO_LITTLE_DATA] if point else _not_compared(batch),
        **_health(batch),
    }
    # What follows is asked only where nothing else holds: it is dear, and changes nothing elsewhere.
    open_ = ~np.any(list(holds.values()), axis=0) & ~alarms["rollback"]
    if batch.rule.go == "non_inferior" and not point:
        holds["inconclusive"] = _not_shown(batch)
    elif batch.rule.go == "within_budget":
        holds["budget"] = not_within_budget(batch, open_)
    return Verdicts(alarms["rollback"], holds, failing)


def _alarms(batch: Batch) -> dict[str, Flags]:
    """Whether each family of criteria has reached its budget by each look."""
    out = {}
    for family, alpha in alphas(batch.policy).items():
        members = family_of(family, batch.weighed)
        if not members:
            out[family] = np.zeros(batch.share.shape, dtype=bool)
            continue
        booked = [batch.booked(w.criterion) for w in members]

        def combined(paths: Sequence[Floats], members: list[Weighed] = members) -> Floats:
            return family_log_e([replace(w, log_e=path) for w, path in zip(members, paths, strict=True)])

        out[family] = ever([w.log_e for w in members], booked, combined, float(np.log(1.0 / alpha)))
    return out


def _few_units(batch: Batch) -> Flags:
    least = np.min([batch.known(name, 0) for name in counted_metrics(batch.policy)], axis=0)
    return np.asarray(least < batch.rule.minimum_units)


def _not_compared(batch: Batch) -> Flags:
    """Whether a criterion about all units lacks known ones in the phase."""
    rules = {(w.criterion.kind, w.criterion.metric) for w in batch.weighed if w.criterion.group == OVERALL}
    each = [compared(batch.rule, kind, *(batch.compared_units(name, arm) for arm in (0, 1))) for kind, name in rules]
    return np.asarray(~np.all(each, axis=0))


def _not_shown(batch: Batch) -> Flags:
    """Whether something that the phase requires is not yet shown non-inferior."""
    required = list(batch.policy.required(batch.rule))
    if KPI in required and batch.policy.kpi.floor is not None:
        required.append(FLOOR)
    bar = np.log(1.0 / batch.policy.error_budget.false_go)
    shown = []
    for name in required:
        margin, size = bound_to_pass(batch.policy, name)
        bets = process_of(batch.overall, name, margin, size or margin, -1, groups=[0])
        assert isinstance(bets, Steps)
        path = bets.since(batch.begin)[..., 0, :]
        shown.append(at_looks(path, batch.calendar.booked[name]) >= bar)
    return np.asarray(~np.all(shown, axis=0))


def _health(batch: Batch) -> dict[str, Flags]:
    """The checks that chance can fail: the split, missing labels, silence and volume."""
    data, policy = batch.overall, batch.policy
    units = [arm.n[..., 0, :] for arm in data.run]
    out = {"sample_ratio": _split(batch), "missing_labels": _missing(batch)}
    out["volume"] = sudden(batch.calendar.weeks(units[0] + units[1]))
    stale, unknown = [], []
    whole = np.arange(1, units[0].shape[-1] + 1)
    for arm, beside in ((0, 1), (1, 0)):
        silent = np.zeros(units[arm].shape, dtype=bool)
        if not batch.rule.alone:
            silent = _silent(batch, units[arm], units[beside], whole)
        stale.append(silent)
        for name in policy.judged_metrics():
            # Units that are too young do not count for a label that should be there.
            booked = batch.calendar.booked[name]
            for role, of in (("known", None), ("event", "known")):
                if f"{name}:{role}" in data.run[arm].components:
                    counts = [_came(a, name, r) for a in (data.run[arm], data.history[1]) for r in (role, of)]
                    quiet = _silent(batch, counts[0], counts[1], booked, (counts[2], counts[3]))
                    unknown.append(quiet & ~silent)
    out["stale"] = np.any(stale, axis=0)
    out["missing_labels"] = out["missing_labels"] | np.any(unknown, axis=0)
    return out


def _came(arm: Arm, name: str, role: str | None) -> Floats:
    """Units of an arm that have something, (..., period); all of them without a role."""
    return arm.n[..., 0, :] if role is None else arm.total(f"{name}:{role}")[..., 0, :]


def _silent(
    batch: Batch, came: Floats, beside: Floats, booked: Ints, before: tuple[Floats, Floats] | None = None
) -> Flags:
    """Whether a flow is silent at each look, (rollout, look).

    Whether it may be is reckoned for all at once; that is rare, and then each is looked at by itself.
    """
    past = [p for p, _ in batch.calendar.past] if before is not None else []
    then = [np.zeros(0), np.zeros(0)] if before is None else list(before)
    rate = float(then[0].sum() / then[1].sum()) if then[1].sum() > 0 else 0.0
    out = at_looks(may_be_silent(came, beside, rate), booked, False)
    for r, look in zip(*np.nonzero(out), strict=True):
        n = booked[look]
        run = (batch.calendar.periods[:n], came[r, :n], beside[r, :n])
        out[r, look] = Flow.of((past, then[0], then[1]), run).silent
    return out


def _split(batch: Batch) -> Flags:
    share = np.minimum(batch.share, 1.0 - STRAGGLERS)
    known = ~np.isnan(share)
    n_c, n_b = (arm.n * known[..., None, :] for arm in batch.data.run)
    found = split_evidence(batch.data, n_c, n_c + n_b, np.where(known, share, 0.5)[..., None, :])
    bar = np.log(1.0 / batch.policy.error_budget.sample_ratio)
    return np.asarray(np.maximum.accumulate(found.total >= bar, axis=-1))


def _missing(batch: Batch) -> Flags:
    names = batch.policy.judged_metrics()
    paths = [missing_evidence(batch.overall, name) for name in names]
    booked = [batch.calendar.booked[name] for name in names]
    return ever(paths, booked, all_missing, float(np.log(1.0 / batch.policy.error_budget.missing_labels)))
