"""Whether each phase of a policy can open on its source's history: what ``validate`` asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rampgate.errors import DataError, NotJudgedYet
from rampgate.policy import Policy
from rampgate.policy.values import percent
from rampgate.simulation.baseline import from_source
from rampgate.simulation.opening import ENOUGH, opening
from rampgate.simulation.simulate import refuse_not_simulated
from rampgate.simulation.table import TIMES, Figure

#: Rollouts: enough to tell a phase that opens from one that does not, in a second or two.
ROLLOUTS = 100
#: Errors by which a chance must be too small before a policy is refused for it.
SURE = 2.0


@dataclass(frozen=True)
class Openings:
    """The chance of each phase but the last to open for a harmless candidate; ``why`` when it was not simulated."""

    policy: Policy
    figures: tuple[Figure, ...]
    why: str | None = None

    def problems(self) -> list[str]:
        """Phases that are surely too seldom open."""
        return [self._told(i) for i, f in enumerate(self.figures) if _below(f, SURE)]

    def warnings(self) -> list[str]:
        """Phases that may be, or why nothing is known."""
        if self.why is not None:
            return [f"whether phases can open was not simulated: {self.why}"]
        return [self._told(i) for i, f in enumerate(self.figures) if _below(f, 0.0) and not _below(f, SURE)]

    def to_dict(self) -> list[dict[str, Any]]:
        return [{"phase": index, **figure.to_dict()} for index, figure in enumerate(self.figures, start=1)]

    def _told(self, index: int) -> str:
        phase, figure = self.policy.phases[index], self.figures[index]
        return (
            f"phase {index + 1} ({percent(phase.traffic)} of traffic, {phase.go}) opens for "
            f"{figure.estimate or 0.0:.0%} of harmless candidates within {TIMES} times its shortest stay of "
            f"{phase.at_least}, and should for {ENOUGH:.0%}: `rampgate simulate --scenario harmless` says what would "
            "open it"
        )


def _below(figure: Figure, errors: float) -> bool:
    if figure.estimate is None or figure.error is None:
        return False
    return figure.estimate + errors * figure.error < ENOUGH


def openings(policy: Policy, events: Any = None) -> Openings:
    """Simulate each phase's chance to open; what cannot be simulated is said, and no error."""
    try:
        refuse_not_simulated(policy)
        baseline = from_source(policy, events)
    except (NotJudgedYet, DataError) as error:
        return Openings(policy, (), error.what)
    return Openings(policy, opening(baseline.policy, baseline, ROLLOUTS)[:-1])
