"""By what right a policy judges: who approved it, and what stands against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rampgate.judge.decision import FAIL, Reason, Waiting
from rampgate.judge.gate import Demand


@dataclass(frozen=True)
class Approver:
    """One approval that counts: whose, when, in which record, and on which simulation, if on any."""

    person: str
    at: str
    record: str
    simulation: str | None = None


@dataclass(frozen=True)
class Mandate:
    """What a look knows of the approvals of its rollout.

    Attributes
    ----------
    given : SHA-256 of the policy that was asked about
    approved : SHA-256 of the policy that is approved; None while there is none
    required : approvals that the policy given asks for; 0 where it is the project that asks for a policy with some
    by : those that it has
    problem : why the rollout may not go on; None when the policy given is approved
    """

    given: str
    approved: str | None
    required: int
    by: tuple[Approver, ...] = ()
    problem: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "by": [vars(one) for one in self.by]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Mandate:
        return cls(**{**data, "by": tuple(Approver(**one) for one in data["by"])})


def lacking(mandate: Mandate | None) -> list[Demand]:
    """What the rollout waits for before it may go on; rollback criteria wait for none of it."""
    if mandate is None or mandate.problem is None:
        return []
    missing = max(1, mandate.required - len(mandate.by))
    what = f"{missing} approval{'' if missing == 1 else 's'} of the policy"
    return [Demand(Reason("not_approved", FAIL, mandate.problem), Waiting(what, None))]
