"""What simulated rollouts say of a policy, each figure with its Monte-Carlo error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rampgate.aggregate.moments import Floats, Ints
from rampgate.judge.numbers import rounded
from rampgate.ledger import canonical, digest
from rampgate.policy import Policy
from rampgate.shown import Shown
from rampgate.simulation.scenario import Scenario

#: Within so many times its shortest stay a phase should open.
TIMES = 4


@dataclass(frozen=True)
class Figure:
    """An estimate and its Monte-Carlo standard error; None where nothing can be said."""

    estimate: float | None
    error: float | None

    def to_dict(self) -> dict[str, float | None]:
        return {"estimate": rounded(self.estimate), "error": rounded(self.error)}

    @property
    def percent(self) -> str:
        """A share in a sentence: ``61±5 %``."""
        if self.estimate is None or self.error is None:
            return "an unknown share"
        return f"{100 * self.estimate:.0f}±{100 * self.error:.0f} %"

    @classmethod
    def share(cls, flags: np.ndarray) -> Figure:
        """The share of rollouts of which something is true; none seen is not none there could be."""
        n = len(flags)
        if not n:
            return cls(None, None)
        p = (float(flags.sum()) + 1.0) / (n + 2.0)
        return cls(float(flags.mean()), float(np.sqrt(p * (1.0 - p) / n)))

    @classmethod
    def mean(cls, values: Floats) -> Figure:
        """A mean over rollouts."""
        if len(values) < 2:
            return cls(None, None)
        return cls(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))

    @classmethod
    def quantile(cls, values: Floats, q: float) -> Figure:
        """A quantile over rollouts, infinity where it never comes; the error from the order of the values."""
        n = len(values)
        if not n:
            return cls(None, None)
        found, low, high = (
            float(np.quantile(values, level, method="higher"))
            for level in (q, *(min(max(q + side * np.sqrt(q * (1.0 - q) / n), 0.0), 1.0) for side in (-1.0, 1.0)))
        )
        if not np.isfinite(found):
            return cls(None, None)
        # Where the upper one never comes, the lower one alone says how sure it is.
        return cls(found, 0.5 * (high - low) if np.isfinite(high) else found - low)


@dataclass(frozen=True)
class Counted:
    """What is kept of each rollout of a scenario, (rollout,) each; looks count from 0, ``periods`` means never.

    Attributes
    ----------
    begin : the period with which what is different begins
    harmed : extra bad outcomes until the rollback or the horizon, and those while a failed criterion held it
    """

    rolled: Ints
    failed: Ints
    left: Ints
    begin: Ints
    harmed: Floats
    on_hold: Floats

    @classmethod
    def joined(cls, parts: Sequence[Counted]) -> Counted:
        names = ("rolled", "failed", "left", "begin", "harmed", "on_hold")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class Outcome:
    """One scenario.

    Attributes
    ----------
    false_rollback : rolled back though nothing is worse than tolerated, or before it was
    missed : harm beyond the bound that was not rolled back by the horizon, or of a guardrail neither that nor held;
        None where there is no such harm
    stopped : rolled back, or held by a failed guardrail, floor or segment, by the horizon
    days_to_rollback : median and 90 % of rollouts, in days since the harm began
    harmed, harmed_on_hold : extra bad outcomes of a rollout, and the part while a failed criterion held it; None where
        no metric of good and bad outcomes is worse
    passed : the share that leaves each phase by the horizon, of all rollouts
    opened : of those that came into each phase, the share that left it within four times its shortest stay
    days_to_full : days until the last phase begins, median and 90 %
    by_day : the share stopped by each look, and rolled back by it, for the picture
    """

    name: str
    says: str
    harmless: bool
    criterion: str | None
    false_rollback: Figure
    missed: Figure
    stopped: Figure
    days_to_rollback: tuple[Figure, Figure]
    harmed: Figure
    harmed_on_hold: Figure
    passed: tuple[Figure, ...]
    opened: tuple[Figure, ...]
    days_to_full: tuple[Figure, Figure]
    by_day: tuple[tuple[float, ...], tuple[float, ...]]

    @property
    def weeks_to_full(self) -> float | None:
        """Median weeks until the last phase begins."""
        days = self.days_to_full[0].estimate
        return None if days is None else days / 7.0

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "says": self.says,
            "harmless": self.harmless,
            "criterion": self.criterion,
            **{key: getattr(self, key).to_dict() for key in ("false_rollback", "missed", "stopped")},
            "days_to_rollback": _ends(self.days_to_rollback),
            "harmed": self.harmed.to_dict(),
            "harmed_on_hold": self.harmed_on_hold.to_dict(),
            "passed": [figure.to_dict() for figure in self.passed],
            "opened": [figure.to_dict() for figure in self.opened],
            "days_to_full": _ends(self.days_to_full),
            "stopped_by_look": [rounded(share) for share in self.by_day[0]],
            "rolled_back_by_look": [rounded(share) for share in self.by_day[1]],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Outcome:
        def one(key: str) -> Figure:
            return Figure(**data[key])

        def two(key: str) -> tuple[Figure, Figure]:
            return Figure(**data[key]["median"]), Figure(**data[key]["p90"])

        def many(key: str) -> tuple[Figure, ...]:
            return tuple(Figure(**item) for item in data[key])

        return cls(
            data["name"],
            data["says"],
            data["harmless"],
            data["criterion"],
            one("false_rollback"),
            one("missed"),
            one("stopped"),
            two("days_to_rollback"),
            one("harmed"),
            one("harmed_on_hold"),
            many("passed"),
            many("opened"),
            two("days_to_full"),
            (tuple(data["stopped_by_look"]), tuple(data["rolled_back_by_look"])),
        )


def _ends(pair: tuple[Figure, Figure]) -> dict[str, Any]:
    return {"median": pair[0].to_dict(), "p90": pair[1].to_dict()}


def outcome(policy: Policy, scenario: Scenario, counted: Counted, periods: int, days: int) -> Outcome:
    """What a scenario's rollouts say.

    Parameters
    ----------
    periods : looks until the horizon
    days : between looks
    """
    rolled, begin, nothing = counted.rolled, counted.begin, Figure(None, None)
    early = (rolled < begin) if not scenario.harmless else (rolled < periods)
    met = ~(rolled < begin)
    counts = bool(scenario.changes) and not scenario.both
    wait = np.where(rolled < periods, (rolled + 1.0 - begin) * days, np.inf)[met]
    stopped = np.minimum(rolled, counted.failed)
    entered = np.column_stack([np.zeros(len(rolled)), counted.left[:, :-1] + 1.0])
    full = np.where(entered[:, -1] <= periods - 1, entered[:, -1] * days, np.inf)
    bad = counts and bool((counted.harmed > 0).any())
    # A guardrail holds; only a rollback criterion rolls back.
    caught = rolled if scenario.criterion is None or scenario.criterion.startswith("rollback") else stopped
    looks = np.arange(periods)
    return Outcome(
        scenario.name,
        scenario.says,
        scenario.harmless,
        scenario.criterion,
        Figure.share(early),
        nothing if scenario.harmless else Figure.share(caught[met] >= periods),
        Figure.share(stopped < periods),
        (Figure.quantile(wait, 0.5), Figure.quantile(wait, 0.9)) if counts else (nothing, nothing),
        Figure.mean(counted.harmed) if bad else nothing,
        Figure.mean(counted.on_hold) if bad else nothing,
        tuple(Figure.share(left < periods) for left in counted.left.T),
        tuple(_opened(policy, index, entered, counted, periods, days) for index in range(len(policy.phases))),
        (Figure.quantile(full, 0.5), Figure.quantile(full, 0.9)),
        (
            tuple(float((stopped <= look).mean()) for look in looks),
            tuple(float((rolled <= look).mean()) for look in looks),
        ),
    )


def _opened(policy: Policy, index: int, entered: Floats, counted: Counted, periods: int, days: int) -> Figure:
    """The share that leaves a phase within four times its shortest stay, of those that could have by the horizon."""
    limit = max(TIMES * policy.phases[index].at_least.timedelta.total_seconds() / 86400.0, days)
    came = entered[:, index] <= periods - 1
    stay = (counted.left[:, index] + 1.0 - entered[:, index]) * days
    # Who came late is not watched for as long as that, whether he left by the horizon or not: to count only those who
    # did would say that everybody does.
    whole = came & (entered[:, index] * days + limit <= periods * days)
    return Figure.share(((counted.left[:, index] < periods) & (stay <= limit))[whole])


@dataclass(frozen=True, repr=False)
class Simulation(Shown):
    """The table of a policy's scenarios.

    Attributes
    ----------
    rollouts : of each scenario
    days : until the horizon
    supposed : what the baseline was taken to be, in sentences
    advice : where the policy cannot work, and what would
    """

    rollout: str
    policy_sha256: str
    rollouts: int
    seed: int
    days: int
    per_day: float
    traffic: tuple[float, ...]
    supposed: tuple[str, ...]
    scenarios: tuple[Outcome, ...]
    advice: tuple[str, ...]

    def __repr__(self) -> str:
        first = self.scenarios[0].false_rollback
        error = "" if first.estimate is None or first.error is None else f"{first.estimate:.1%} +/- {first.error:.1%}"
        return (
            f"<Simulation of {self.rollout}: {len(self.scenarios)} scenarios of {self.rollouts} rollouts, "
            f"false rollback {error}>"
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON, with the SHA-256 of its own canonical form: a file that was edited, or cut short, is none."""
        told = {
            "rollout": self.rollout,
            "policy_sha256": self.policy_sha256,
            "rollouts": self.rollouts,
            "seed": self.seed,
            "days": self.days,
            "per_day": rounded(self.per_day),
            "traffic": list(self.traffic),
            "supposed": list(self.supposed),
            "scenarios": [scenario.to_dict() for scenario in self.scenarios],
            "advice": list(self.advice),
        }
        return {**told, "sha256": digest(canonical(told))}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Simulation:
        """A table read back from its JSON form."""
        return cls(
            rollout=data["rollout"],
            policy_sha256=data["policy_sha256"],
            rollouts=data["rollouts"],
            seed=data["seed"],
            days=data["days"],
            per_day=data["per_day"],
            traffic=tuple(data["traffic"]),
            supposed=tuple(data["supposed"]),
            scenarios=tuple(Outcome.from_dict(scenario) for scenario in data["scenarios"]),
            advice=tuple(data["advice"]),
        )
