"""What an earlier attempt left behind: incidents whose review is not closed, for which the next attempt waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rampgate.judge.decision import FAIL, Reason, Waiting
from rampgate.judge.gate import Demand

_SHORT = 8


@dataclass(frozen=True)
class OpenReview:
    """An incident that wants its review.

    Attributes
    ----------
    incident : its id
    attempt : in which it fired
    opened : the look at which it fired first
    what : it is about
    """

    incident: str
    attempt: int
    opened: str
    what: str

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> OpenReview:
        return cls(**data)


def unreviewed(reviews: Iterable[OpenReview] | None) -> list[Demand]:
    """What the rollout waits for before an attempt may go on; rollback criteria wait for none of it."""
    return [
        Demand(
            Reason(
                "open_review",
                FAIL,
                f"incident {one.incident[:_SHORT]} of attempt {one.attempt} ({one.what}, {one.opened[:10]}) is not "
                f"reviewed yet: `rampgate review new {one.incident[:_SHORT]}` drafts the review, and this attempt goes "
                "on once it is closed",
            ),
            Waiting(f"the review of incident {one.incident[:_SHORT]} to be closed", None),
        )
        for one in reviews or ()
    ]
