"""Everything that is told of a rollout, gathered from its ledger alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rampgate.aggregate.moments import Intake
from rampgate.errors import UsageError
from rampgate.estimate import STATISTICS
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision
from rampgate.judge.still_open import LifePath, life_paths
from rampgate.judge.trace import Trace, trace
from rampgate.ledger import Ledger, Record, canonical
from rampgate.policy import Policy
from rampgate.rollout.archive import restore
from rampgate.rollout.evaluate import decision_of


@dataclass(frozen=True)
class Attempt:
    """An earlier attempt of the rollout, in a line."""

    number: int
    candidate: str
    first: datetime
    last: datetime
    looks: int
    decision: str
    why: str


@dataclass(frozen=True)
class Dossier:
    """The last decision of a rollout and what it rests on.

    Attributes
    ----------
    decisions : every decision of the present attempt, oldest first; the last is `decision`
    attempts : earlier attempts, oldest first
    policy : as it was recorded with the decision
    started : whether a row of the candidate had been seen
    versions : what made the decision
    source : digest of everything that was read for it
    recorded_at : when it was written down
    trace : how evidence and effects came about
    same : whether the decision, judged again from the ledger by this version, is the recorded one to the last byte
    lives : how units come through, of each time to an event
    """

    decisions: tuple[Decision, ...]
    attempts: tuple[Attempt, ...]
    policy: Policy
    intake: Intake
    started: bool
    versions: Mapping[str, Any]
    source: str
    recorded_at: str
    trace: Trace
    same: bool
    lives: tuple[LifePath, ...] = ()

    @property
    def decision(self) -> Decision:
        """The decision that is told."""
        return self.decisions[-1]

    @property
    def arms(self) -> tuple[str, str]:
        """Baseline and candidate by their names in the data."""
        return self.policy.baseline, self.policy.candidate

    @property
    def other_statistics(self) -> bool:
        """Whether the recorded decision was made by other statistics than this version's."""
        return self.versions.get("statistics") != STATISTICS


def dossier(ledger: Ledger, rollout: str) -> Dossier:
    """Gather what the ledger holds of a rollout.

    Raises
    ------
    UsageError : the ledger has no decision of it
    """
    decisions: list[Decision] = []
    candidates: dict[int, str] = {}
    last: Record | None = None
    for record in ledger.records(rollout):
        if record.kind == "decision":
            last = record
            decisions.append(decision_of(record))
            candidates[record.attempt] = record.state()["candidate"]
    if last is None:
        held = ", ".join(ledger.rollouts()) or "no rollout"
        raise UsageError(
            f"the ledger has no decision of rollout {rollout!r}; it holds {held}",
            where=str(ledger.path),
            remedy="judge a first look with `rampgate check`, or name another ledger with --ledger",
        )
    entry = last.entry()
    case = restore(entry["inputs"], ledger.document)
    return Dossier(
        tuple(d for d in decisions if d.attempt == last.attempt),
        tuple(_attempt(number, candidates[number], decisions) for number in candidates if number != last.attempt),
        case.policy,
        case.intake,
        case.state.start is not None,
        entry["versions"],
        entry["source"]["digest"],
        last.recorded_at,
        trace(case),
        canonical(judge(case).content()) == canonical(entry["decision"]),
        # What cannot be counted is no picture; the decision on the same case says why.
        life_paths(case) if decisions[-1].open else (),
    )


def _attempt(number: int, candidate: str, decisions: list[Decision]) -> Attempt:
    own = [d for d in decisions if d.attempt == number]
    end = own[-1]
    why = end.reasons[0].message if end.reasons else ""
    return Attempt(number, candidate, own[0].look, end.look, len(own), end.decision, why)
