"""The rules side by side on the same rollouts, and what is told of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from benchmarks.gate_contest.cases import Case
from benchmarks.gate_contest.designs import DESIGNS
from benchmarks.gate_contest.draws import Kind
from benchmarks.gate_contest.rules.gate import gate, gate_with_horizon
from benchmarks.gate_contest.rules.group_sequential import SPENDING, group_sequential
from benchmarks.gate_contest.rules.growthbook import safe_rollout
from benchmarks.gate_contest.rules.kayenta import kayenta
from benchmarks.gate_contest.rules.limits import knows_onset, knows_prior
from benchmarks.gate_contest.rules.pooled import pooled_z
from benchmarks.gate_contest.rules.thresholds import ARGO_FAILURE_LIMIT, FLAGGER_THRESHOLD, failed_checks, point
from benchmarks.guarantees.measure import first

CHUNK = 250
Rule = Callable[[Case], np.ndarray]
GATE, HORIZON = "rampgate", "rampgate, declared horizon"
KAYENTA = "Mann-Whitney (Kayenta)"
ONSET, PRIOR = "limit: knows onset and size", "limit: knows size and the onset's prior"


def rules() -> dict[str, Rule]:
    """Every rule in every design it can have, by name."""
    out: dict[str, Rule] = {GATE: gate, HORIZON: gate_with_horizon}
    comparing: dict[str, Callable[[Case, str], np.ndarray]] = {
        "point threshold": point,
        KAYENTA: kayenta,
        "z-test every week": pooled_z,
        **{name: partial(group_sequential, name=name) for name in SPENDING},
        "asymptotic confidence sequence (GrowthBook)": safe_rollout,
    }
    for name, compare in comparing.items():
        # Ranks have no estimate that could be stratified.
        for design in DESIGNS[:2] if name == KAYENTA else DESIGNS:
            out[f"{name}, {design}"] = _in(compare, design)
    out["candidate's limit, 4th failure (Argo Rollouts)"] = partial(failed_checks, most=ARGO_FAILURE_LIMIT)
    out["candidate's limit, 10th failure (Flagger)"] = partial(failed_checks, most=FLAGGER_THRESHOLD - 1)
    return out


def _in(rule: Callable[[Case, str], np.ndarray], design: str) -> Rule:
    return lambda case: rule(case, design)


@dataclass(frozen=True)
class Told:
    """Of one rule and many rollouts: the day it stopped each, from 0, ``days`` for never, and the harm done by then."""

    stop: np.ndarray
    begin: np.ndarray
    harm: np.ndarray
    days: int
    harmless: bool

    def figures(self) -> dict[str, float | None]:
        """Shares, the median delay and the average harm, the latter with its Monte-Carlo error."""
        stopped = self.stop < self.days
        if self.harmless:
            return {"false": float(stopped.mean())}
        left = self.stop >= self.begin
        if not left.any():
            return {"before": 1.0, "caught": None, "delay": None, "harmed": None, "error": None}
        stop, begin, harm = self.stop[left], self.begin[left], self.harm[left]
        delay = float(np.median(np.where(stop < self.days, stop - begin + 1.0, np.inf)))
        return {
            "before": float(1.0 - left.mean()),
            "caught": float((stop < self.days).mean()),
            "delay": delay if np.isfinite(delay) else None,
            "harmed": float(harm.mean()),
            "error": float(harm.std() / np.sqrt(len(harm))),
        }

    def pull(self) -> np.ndarray:
        """What each rollout adds to the log of the average harm of those not stopped before it, (rollout,).

        Their mean is 0, and the root of their mean square over the root of their number is the error of that log.
        """
        left = self.stop >= self.begin
        centre = float(self.harm[left].mean())
        return np.asarray(left * (self.harm - centre) / (left.mean() * centre))

    def times_error(self, limit: Told) -> float | None:
        """The Monte-Carlo error of the average harm as a multiple of a limit's, on the same rollouts (delta method)."""
        if any(not (one.stop >= one.begin).any() or not one.harm[one.stop >= one.begin].any() for one in (self, limit)):
            return None
        times = self.harm[self.stop >= self.begin].mean() / limit.harm[limit.stop >= limit.begin].mean()
        apart = self.pull() - limit.pull()
        return float(times * apart.std() / np.sqrt(len(apart)))


def told(case: Case, fires: np.ndarray, harmless: bool) -> Told:
    """What a rule did in one batch."""
    day = first(fires)
    stop = np.where(day > 0, day - 1, case.days)
    done = np.take_along_axis(case.harm, np.minimum(stop, case.days - 1)[:, None], axis=1)[:, 0]
    return Told(stop, case.begin, done, case.days, harmless)


def batches(kind: Kind, rng: np.random.Generator, count: int, harm: float, late: bool) -> Iterator[Case]:
    """The rollouts, a chunk at a time."""
    for begin in range(0, count, CHUNK):
        yield kind.case(rng, min(CHUNK, count - begin), harm, late)


def joined(parts: list[Told]) -> Told:
    """All batches of one rule."""
    stop, begin, harm = (np.concatenate([getattr(p, name) for p in parts]) for name in ("stop", "begin", "harm"))
    return Told(stop, begin, harm, parts[0].days, parts[0].harmless)


def contest(
    kind: Kind, rng: np.random.Generator, count: int, harm: float, late: bool, harmless: bool, every: dict[str, Rule]
) -> dict[str, dict[str, float | None]]:
    """Figures of every rule and of both limits."""
    found: dict[str, list[Told]] = {}
    asked = {**every, ONSET: knows_onset}
    if late:
        asked[PRIOR] = partial(knows_prior, first=kind.onsets[0], last=kind.onsets[1])
    for case in batches(kind, rng, count, harm, late):
        for name, rule in asked.items():
            found.setdefault(name, []).append(told(case, rule(case), harmless))
    every_one = {name: joined(parts) for name, parts in found.items()}
    out = {name: one.figures() for name, one in every_one.items()}
    for limit in () if harmless else (name for name in (ONSET, PRIOR) if name in every_one):
        for name, one in every_one.items():
            out[name][times_error_of(limit)] = one.times_error(every_one[limit])
    return out


def times_error_of(limit: str) -> str:
    """What the error of a multiple of a limit's harm is kept as."""
    return f"error of times {limit.removeprefix('limit: ')}"
