"""The incidents of rollouts, derived from records in their order. Nothing else says that there is one.

A criterion that fails opens an incident, or joins the one of its cause that is open in the same attempt. A cause is a
metric, whatever its segments and criteria; the KPI has the cause of a metric that it is made of. What goes on failing
after its incident was closed is no new one; what had come right and fails again is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rampgate.errors import UsageError
from rampgate.incident.rules import refuse
from rampgate.incident.values import CLOSED, JOIN, SHORT, Act, Failed, Fire, Incident, identity

#: SHA-256 of a policy -> the metrics that its KPI is made of.
Parts = Callable[[str], Collection[str]]
_ROLLED_BACK = "rolled_back"


@dataclass(frozen=True)
class Look:
    """What is read of a decision.

    Attributes
    ----------
    failed : the criteria that failed
    before : ids of those that had failed at the attempt's look before
    stood : the rollout's status before the look
    """

    record: str
    rollout: str
    attempt: int
    candidate: str
    policy: str
    look: str
    decision: str
    failed: tuple[Failed, ...]
    before: frozenset[str]
    stood: str

    @classmethod
    def made(
        cls, record: str, rollout: str, decision: Mapping[str, Any], state: Mapping[str, Any], policy: str
    ) -> Look:
        """The look that a decision tells of.

        Parameters
        ----------
        record : its id
        decision : as it was recorded
        state : before it
        policy : SHA-256 of the policy that judged
        """
        failed = [Failed(c["id"], c["kind"], c["metric"], c["segment"]) for c in decision["criteria"] if _failed(c)]
        began = decision["decision"] == "rollback" and state["status"] != _ROLLED_BACK
        if began and not any(one.kind == "rollback" for one in failed):
            failed += _further(decision["reasons"])
        return cls(
            record, rollout, decision["attempt"], state["candidate"], policy, decision["look"], decision["decision"],
            tuple(failed), frozenset(state["failed"]), state["status"],
        )  # fmt: skip


def _failed(row: Mapping[str, Any]) -> bool:
    return bool(row["verdict"] == "FAIL")


def _further(reasons: Sequence[Mapping[str, Any]]) -> list[Failed]:
    """What rolled back and is no criterion with a bound: drift that the policy rolls back for."""
    drifted = [one for one in reasons if one["code"] == "drift" and one["metric"] is not None and _failed(one)]
    return [Failed(f"drift:{one['metric']}", "rollback", one["metric"], one["segment"]) for one in drifted]


@dataclass
class Incidents:
    """Every incident of some rollouts, in the order in which they were opened, by id."""

    parts: Parts
    found: dict[str, Incident] = field(default_factory=dict)

    def looked(self, look: Look) -> None:
        """Take in a decision."""
        # A single metric says more than the KPI that it is part of, and opens what the KPI joins.
        for failed in sorted(look.failed, key=lambda one: one.metric == "kpi"):
            self._fired(self._place(look, failed), Fire(look.record, look.look, look.decision, (failed,)))
        if look.decision == "rollback" and look.stood != _ROLLED_BACK:
            self._rolled_back(look)

    def ordered(self, look: Look, person: str) -> None:
        """Take in a person's rollback, which joins what is open in the attempt."""
        self._rolled_back(look, person)

    def acted(self, incident: str, act: Act) -> None:
        """Take in what a person recorded.

        Raises
        ------
        UsageError
            There is no such incident, or it does not stand where this could be done.
        """
        refuse(self.get(incident), act, self)
        before = self.found[incident]
        joined = str(act.says["to"]) if act.act == JOIN else before.joined
        self.found[incident] = replace(before, acts=(*before.acts, act), joined=joined)

    def get(self, incident: str) -> Incident:
        """The incident with this id.

        Raises
        ------
        UsageError
            There is none.
        """
        if incident not in self.found:
            raise UsageError(f"no incident {incident[:SHORT]} in this ledger", remedy="see `rampgate incident list`")
        return self.found[incident]

    def root(self, incident: Incident) -> Incident:
        """The incident that this one was joined to, or itself."""
        while incident.joined is not None:
            incident = self.found[incident.joined]
        return incident

    def closed(self, incident: Incident) -> bool:
        """Whether its review, or that of the incident it was joined to, is closed."""
        return self.root(incident).state == CLOSED

    def unreviewed(self, rollout: str, before: int) -> list[Incident]:
        """Incidents of earlier attempts that still want a review; one that was joined is told by the other."""
        mine = (one for one in self.found.values() if one.rollout == rollout and one.attempt < before)
        return list({root.id: root for root in map(self.root, mine) if root.state != CLOSED}.values())

    def _mine(self, look: Look) -> list[Incident]:
        return [one for one in self.found.values() if (one.rollout, one.attempt) == (look.rollout, look.attempt)]

    def _place(self, look: Look, failed: Failed) -> str:
        """The incident that a failed criterion belongs to: one that is open, the one it never left, or a new one."""
        cause = [one for one in self._mine(look) if self._same_cause(failed.metric, one)]
        for one in cause:
            if not self.closed(one):
                return one.id
        had = [one.id for one in cause if any(known.id == failed.id for known in one.failed)]
        return had[-1] if had and failed.id in look.before else self._open(look, failed.id)

    def _same_cause(self, metric: str, incident: Incident) -> bool:
        """Whether a metric is one of an incident's, or the KPI of one, or part of its KPI."""
        names = incident.metrics
        if metric in names:
            return True
        if metric == "kpi":
            return any(name in self.parts(incident.policy) for name in names)
        return "kpi" in names and metric in self.parts(incident.policy)

    def _rolled_back(self, look: Look, person: str | None = None) -> None:
        """The incidents whose criteria took the traffic away; of a rollback that none tells of, the first open one."""
        mine = self._mine(look)
        taken = [one.id for one in mine if one.fires[-1].record == look.record and one.fires[-1].rolls_back]
        if not taken:
            still_open = next((one.id for one in mine if not self.closed(one)), None)
            taken = [still_open or self._open(look, "")]
            self._fired(taken[0], Fire(look.record, look.look, look.decision, person=person))
        for name in taken:
            before = self.found[name]
            self.found[name] = replace(before, rolled_back=before.rolled_back or before.fires[-1])

    def _open(self, look: Look, cause: str) -> str:
        name = identity(look.record, cause)
        self.found[name] = Incident(name, look.rollout, look.attempt, look.candidate, look.policy, ())
        return name

    def _fired(self, name: str, fire: Fire) -> None:
        before = self.found[name]
        fires = before.fires
        if fires and fires[-1].record == fire.record:
            fires, fire = fires[:-1], replace(fires[-1], failed=(*fires[-1].failed, *fire.failed))
        self.found[name] = replace(before, fires=(*fires, fire))
