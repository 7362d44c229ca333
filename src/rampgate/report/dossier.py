"""Everything that is told of a rollout, gathered from its ledger alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from itertools import groupby
from typing import Any

from rampgate.aggregate.moments import Intake
from rampgate.errors import UsageError
from rampgate.estimate import STATISTICS
from rampgate.judge.case import Case
from rampgate.judge.change import Watched, changes
from rampgate.judge.decide import judge
from rampgate.judge.decision import Brief, Decision
from rampgate.judge.still_open import LifePath, life_paths
from rampgate.judge.trace import Trace, trace
from rampgate.ledger import Ledger
from rampgate.policy import Policy
from rampgate.report.book import people_rows
from rampgate.report.reviewed import Reviewed
from rampgate.rollout.archive import intake_of, policy_of
from rampgate.rollout.evaluate import case_of, decision_of
from rampgate.rollout.verify import same_decision
from rampgate.simulation.table import Simulation

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
    entry : as it was recorded
    restored : the case that was judged, from what the ledger stored; what rests on it is made when it is asked for
    simulation : what the policy does before a launch, where one is kept for it
    people : what people signed for the rollout, oldest first, as `history` has it
    reviewed : its incidents, which are read when they are asked for
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
    entry: Mapping[str, Any]
    restored: Callable[[], Case]
    people: tuple[Mapping[str, Any], ...] = ()
    simulation: Simulation | None = None
    reviewed: Reviewed | None = None

    @cached_property
    def case(self) -> Case:
        """The case that was judged."""
        return self.restored()

    @cached_property
    def trace(self) -> Trace:
        """How evidence and effects came about."""
        return trace(self.case)

    @cached_property
    def lives(self) -> tuple[LifePath, ...]:
        """How units come through, of each time to an event."""
        # What cannot be counted is no picture; the decision on the same case says why.
        return life_paths(self.case) if self.decision.open else ()

    @cached_property
    def watched(self) -> tuple[Watched, ...]:
        """The days of the last phase against those before, of each metric that the policy watches."""
        return changes(self.case)

    @cached_property
    def same(self) -> bool:
        """Whether the decision, judged again from the ledger by this version, is the recorded one, words apart."""
        return same_decision(judge(self.case).content(), self.entry["decision"])

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
            where=ledger.where,
            remedy="judge a first look with `rampgate check`, or name another ledger with --ledger",
        )
    entry = last.entry()
    body = entry["inputs"]
    return Dossier(
        decision_of(last),
        tuple(past.brief for past in history if past.brief.attempt == last.attempt),
        tuple(_attempts([past for past in history if past.brief.attempt != last.attempt])),
        policy_of(body, ledger.document),
        intake_of(body),
        body["state"]["start"] is not None,
        entry["versions"],
        entry["source"]["digest"],
        last.recorded_at,
        entry,
        partial(case_of, body, ledger),
        tuple(people_rows(ledger, rollout)),
        reviewed=Reviewed(ledger, rollout),
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
