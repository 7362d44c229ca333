"""What a record tells of an incident: since when, how much, what it is made of, what else moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rampgate.aggregate.marginals import OVERALL, Group
from rampgate.aggregate.moments import Floats
from rampgate.estimate.decompose import Decomposition, decompose
from rampgate.estimate.metric import KPI
from rampgate.incident.harmed import Harmed, exposed, harmed, spans
from rampgate.incident.onset import Since, since
from rampgate.incident.values import Failed, Incident
from rampgate.judge.case import Case
from rampgate.judge.numbers import rounded
from rampgate.judge.show import Raw

#: Parts of the KPI's difference by segment value that are told.
MOST_PARTS = 6
#: A share of units that moved by less is not told, nor is a smaller change of the baseline's values.
MOVED = 0.02


@dataclass(frozen=True)
class Exposed:
    """Candidate units since a beginning."""

    since: str
    day: str
    units: int


@dataclass(frozen=True)
class Made:
    """A part of the KPI's difference since the onset; ``share`` of the whole, None where nothing differs."""

    metric: str
    segment: Mapping[str, str] | None
    kind: str
    amount: float
    share: float | None


@dataclass(frozen=True)
class Moved:
    """What else moved: the volume, the mix of segments, the baseline itself, and what drifted."""

    what: str
    verdict: str
    message: str


@dataclass(frozen=True)
class Facts:
    """All that one decision's case tells of an incident.

    Attributes
    ----------
    look : end of what it rests on
    fired : the criteria with their evidence, as the decision has them
    """

    look: str
    fired: tuple[Mapping[str, Any], ...]
    onset: Since | None
    exposed: tuple[Exposed, ...]
    harmed: tuple[Harmed, ...]
    made_of: tuple[Made, ...]
    moved: tuple[Moved, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "look": self.look,
            "fired": [dict(one) for one in self.fired],
            "onset": None if self.onset is None else self.onset.to_dict(),
            "exposed": [dict(vars(one)) for one in self.exposed],
            "harmed": [one.to_dict() for one in self.harmed],
            "made_of": [
                {**vars(one), "amount": rounded(one.amount), "share": rounded(one.share)} for one in self.made_of
            ],
            "moved": [dict(vars(one)) for one in self.moved],
        }


def facts(case: Case, decision: Mapping[str, Any], incident: Incident) -> Facts:
    """What a decision's case tells of an incident.

    Parameters
    ----------
    case : as it was restored from the decision's record
    decision : as it was recorded
    """
    data = case.data
    mine = {one.id for one in incident.failed}
    fired = tuple(one for one in decision["criteria"] if one["id"] in mine and one["verdict"] == "FAIL")
    leading = incident.leading
    began = None if leading is None else since(case, leading.id)
    held = next((fire.look for fire in incident.fires if fire.decision == "hold"), None)
    over = spans(case, None if began is None else began.period, held)
    days = [period.day.isoformat() for period in data.periods]
    seen = tuple(Exposed(one.since, days[one.begin], exposed(case, one)) for one in over if one.begin < len(days))
    return Facts(
        decision["look"],
        fired,
        began,
        seen,
        tuple(harmed(case, [(one.metric, group_of(one)) for one in incident.failed], over)),
        tuple(_made_of(case, began)),
        tuple(_moved(case, decision, began)),
    )


def group_of(failed: Failed) -> Group:
    """The segment value that a criterion is about."""
    return Group(*next(iter(failed.segment.items()))) if failed.segment else OVERALL


def _made_of(case: Case, began: Since | None) -> Iterator[Made]:
    """The KPI's difference since the onset, by metric and by segment value, the largest parts first."""
    data = case.data
    split = decompose(data.policy, data.run, data.groups, slice(0 if began is None else began.period, None))
    if split is None:
        return
    yield _made(split, KPI, None, "whole", split.difference)
    for name, amount in sorted(split.metrics.items(), key=lambda item: -abs(item[1])):
        yield _made(split, name, None, "metric", amount)
    for column, parts in split.segments.items():
        within = sorted((one for one in parts if one.kind == "within"), key=lambda one: -abs(one.amount))
        for one in within[:MOST_PARTS]:
            yield _made(split, one.metric, {column: str(one.group.value)}, "within", one.amount)
        mix = sum(one.amount for one in parts if one.kind == "mix")
        yield _made(split, KPI, {column: "mix"}, "mix", mix)


def _made(split: Decomposition, metric: str, segment: Mapping[str, str] | None, kind: str, amount: float) -> Made:
    return Made(metric, segment, kind, amount, split.share(amount) if split.difference else None)


def _moved(case: Case, decision: Mapping[str, Any], began: Since | None) -> Iterator[Moved]:
    for check in decision["health"]:
        if check["code"] == "volume":
            yield Moved("volume", check["verdict"], check["message"])
    yield from _mix(case, began)
    yield from _baseline(case, began)
    for found in decision["drift"]:
        if found["level"] is not None:
            said = found["message"] or f"{found['column']} of the {found['variant']} moved"
            yield Moved("drift", found["verdict"], f"{said} ({found['window']}, {found['variant']})")


def _mix(case: Case, began: Since | None) -> Iterator[Moved]:
    """Segment values whose share of all units is another one since the onset, the largest change of each column."""
    data = case.data
    if began is None or began.period == 0:
        return
    n = data.run[0].n + data.run[1].n
    then, now = (_shares(n[:, part]) for part in (slice(0, began.period), slice(began.period, None)))
    for column in dict.fromkeys(group.column for group in data.segments):
        places = [g for g, group in enumerate(data.groups) if group.column == column]
        most = max(places, key=lambda g: abs(now[g] - then[g]))
        if abs(now[most] - then[most]) >= MOVED:
            text = f"{data.groups[most]}: {100 * then[most]:.1f} % of the units before, {100 * now[most]:.1f} % since"
            yield Moved("mix", "INCONCLUSIVE", text)
        else:
            yield Moved("mix", "PASS", f"{column}: no value's share of the units moved by {100 * MOVED:.0f} points")


def _shares(n: Floats) -> Floats:
    total = n.sum(-1)
    return np.asarray(total / total[0]) if total[0] > 0 else np.zeros(len(total))


def _baseline(case: Case, began: Since | None) -> Iterator[Moved]:
    """Rates of the baseline itself, before the onset and since: what moves there is not the candidate's doing."""
    data = case.data
    if began is None or began.period == 0:
        return
    then, now = (Raw.of(data, part) for part in (slice(0, began.period), slice(began.period, None)))
    for name in data.policy.metrics:
        if name in data.quantiles or not data.policy.metrics[name].rate:
            continue
        before, after = then.value(name, 0)[0], now.value(name, 0)[0]
        if np.isfinite(before) and np.isfinite(after) and abs(after - before) >= MOVED:
            text = f"{name} of the baseline: {100 * before:.1f} % before, {100 * after:.1f} % since"
            yield Moved("baseline", "INCONCLUSIVE", text)
