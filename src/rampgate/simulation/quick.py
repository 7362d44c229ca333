"""What a policy would do at today's volume, quickly: what each bound catches, and whether each phase opens at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rampgate.errors import DataError, NotJudgedYet, UsageError
from rampgate.policy import Policy
from rampgate.simulation.advice import not_opening
from rampgate.simulation.baseline import days_of, from_source
from rampgate.simulation.opening import ENOUGH, enough_looks
from rampgate.simulation.scenario import scenarios
from rampgate.simulation.simulate import DAYS, refuse_not_simulated
from rampgate.simulation.table import Figure, Outcome, outcome
from rampgate.simulation.work import work

#: Rollouts of each scenario: enough to tell 80 % from 60.
ROLLOUTS = 100
SEED = 1
#: Errors by which a chance to open must be too small before a policy is refused for it.
SURE = 2.0


@dataclass(frozen=True)
class Quick:
    """A short simulation.

    Attributes
    ----------
    catches : what each bound will and will not catch, in sentences
    opening : the chance of each phase but the last to open for a harmless candidate in time
    never : phases that surely open for too few, with what would mend it
    doubtful : phases that may
    why : why nothing was simulated, if it was not
    """

    catches: tuple[str, ...] = ()
    opening: tuple[Figure, ...] = ()
    never: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    why: str | None = None

    def to_dict(self) -> dict[str, Any]:
        phases = [{"phase": index, **figure.to_dict()} for index, figure in enumerate(self.opening, start=1)]
        return {"opening": phases, "catches": list(self.catches), "why": self.why}


def quick(policy: Policy, events: Any = None) -> Quick:
    """Simulate harmless candidates, and for each bound harm that must be caught.

    Where the policy or its history cannot be simulated the result says why; that is no fault of the policy.
    """
    try:
        refuse_not_simulated(policy)
        baseline = from_source(policy, events)
    except (NotJudgedYet, DataError, UsageError) as error:
        return Quick(why=str(error).split("\n", 1)[0])
    every = scenarios(baseline)[0]
    tried = [(i, s) for i, s in enumerate(every) if s.name == "harmless" or s.name.endswith("-expect-start")]
    periods = DAYS // days_of(policy)
    # Whether phases open is watched for as long as that may take; harm for as long as `simulate` does.
    longest = max(periods, enough_looks(policy))
    (harmless,) = work(baseline, tried[:1], ROLLOUTS, longest, SEED)
    rest = work(baseline, tried[1:], ROLLOUTS, periods, SEED) if tried[1:] else ()
    found = [
        outcome(policy, tried[0][1], harmless, longest, days_of(policy)),
        *(outcome(policy, one, made, periods, days_of(policy)) for (_, one), made in zip(tried[1:], rest, strict=True)),
    ]
    catches = tuple(_caught(one, baseline.per_day) for one in found[1:])
    opened = found[0].opened[:-1]
    said = tuple(not_opening(baseline, found, SEED))
    never, doubtful = (
        tuple(line for phase, line in said if _below(opened[phase], SURE) == surely) for surely in (True, False)
    )
    return Quick(catches, opened, never, doubtful)


def _below(figure: Figure, errors: float) -> bool:
    return figure.estimate is not None and figure.estimate + errors * (figure.error or 0.0) < ENOUGH


def _caught(one: Outcome, per_day: float) -> str:
    """What becomes of harm that a bound is there for."""
    missed, error = one.missed.estimate, one.missed.error
    half, done = one.days_to_rollback[0].estimate, "rolled back"
    if one.criterion is not None and not one.criterion.startswith("rollback"):
        half, done = None, "held"
    if missed is None or error is None:
        return f"{one.says}: cannot be told"
    when = f", half of all by day {half:.0f}" if half is not None else ""
    share = f"{100 * (1 - missed):.0f} % (± {100 * error:.0f})"
    return f"{one.says}: {share} are {done} within {DAYS} days{when}, at {per_day:,.0f} units a day"
