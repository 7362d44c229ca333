"""Everything that is told of a rollout, gathered from its ledger alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from rampgate.aggregate.moments import Intake
from rampgate.errors import UsageError
from rampgate.estimate import STATISTICS
from rampgate.judge.decide import judge
from rampgate.judge.decision import Brief, Decision
from rampgate.judge.still_open import LifePath, life_paths
from rampgate.judge.trace import Trace, trace
from rampgate.ledger import Ledger
from rampgate.policy import Policy
from rampgate.report.book import people_rows
from rampgate.rollout.evaluate import case_of, decision_of
from rampgate.rollout.verify import same_decision

#: Where a record keeps what a `Brief` is made of, in its order.
BRIEF = (
    "$.attempt",
    *(f"$.entry.decision.{part}" for part in ("look", "decision", "phase", "kpi", "reasons[0]")),
)


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
    decision : the last one, which is told
    decisions : every decision of the present attempt in brief, oldest first; the last is `decision`
    attempts : earlier attempts, oldest first
    policy : as it was recorded with the decision
    started : whether a row of the candidate had been seen
    versions : what made the decision
    source : digest of everything that was read for it
    recorded_at : when it was written down
    trace : how evidence and effects came about
    same : whether the decision, judged again from the ledger by this version, is the recorded one, words apart
    lives : how units come through, of each time to an event
    people : what people signed for the rollout, oldest first, as `history` has it
    """

    decision: Decision
    decisions: tuple[Brief, ...]
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
    people: tuple[Mapping[str, Any], ...] = ()

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
    history = _history(ledger, rollout)
    last = ledger.find(history[-1].key) if history else None
    if last is None:
        held = ", ".join(ledger.rollouts()) or "no rollout"
        raise UsageError(
            f"the ledger has no decision of rollout {rollout!r}; it holds {held}",
            where=str(ledger.path),
            remedy="judge a first look with `rampgate check`, or name another ledger with --ledger",
        )
    entry = last.entry()
    case, decision = case_of(entry["inputs"], ledger), decision_of(last)
    return Dossier(
        decision,
        tuple(past.brief for past in history if past.brief.attempt == last.attempt),
        tuple(_attempts([past for past in history if past.brief.attempt != last.attempt])),
        case.policy,
        case.intake,
        case.state.start is not None,
        entry["versions"],
        entry["source"]["digest"],
        last.recorded_at,
        trace(case),
        same_decision(judge(case).content(), entry["decision"]),
        # What cannot be counted is no picture; the decision on the same case says why.
        life_paths(case) if decision.open else (),
        tuple(people_rows(ledger, rollout)),
    )


@dataclass(frozen=True)
class _Past:
    key: str
    candidate: str
    brief: Brief


def _history(ledger: Ledger, rollout: str) -> list[_Past]:
    """Every decision of a rollout in brief, oldest first."""
    rows = ledger.excerpts(rollout, ("$.kind", "$.key", "$.state.candidate", *BRIEF))
    return [_Past(key, candidate, Brief.of(*parts)) for kind, key, candidate, *parts in rows if kind == "decision"]


def _attempts(history: list[_Past]) -> Iterator[Attempt]:
    for number, looks in groupby(history, key=lambda past: past.brief.attempt):
        own = list(looks)
        first, end = own[0].brief, own[-1].brief
        why = end.reasons[0].message if end.reasons else ""
        yield Attempt(number, own[-1].candidate, first.look, end.look, len(own), end.decision, why)
