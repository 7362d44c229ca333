"""Which metric and segment a drop of the weighted KPI is made of, in words."""

from __future__ import annotations

from rampgate.estimate.decompose import Decomposition, Part, decompose
from rampgate.judge.case import Data

#: A part that explains less of a drop than this is not named.
NAMED = 0.2


def attribution(data: Data, periods: slice) -> str | None:
    """``override explains 71 % of the drop (in queue=network alone 55 %)``; None where the KPI did not drop.

    Shares of parts that point the same way can add up to more than the whole where others point against it.
    """
    split = decompose(data.policy, data.run, data.groups, periods)
    if split is None or split.difference >= 0:
        return None
    name = min(split.metrics, key=lambda metric: split.metrics[metric])
    said = f"{name} explains {_share(split, split.metrics[name])} of the drop"
    inside = [part for parts in split.segments.values() for part in parts if part.kind == "within"]
    worst = min((part for part in inside if part.metric == name), key=lambda part: part.amount, default=None)
    if worst is not None and split.share(worst.amount) >= NAMED:
        said += f" (in {worst.group} alone {_share(split, worst.amount)})"
    mixes = {column: _mix(parts) for column, parts in split.segments.items()}
    column = min(mixes, key=lambda column: mixes[column], default=None)
    if column is not None and split.share(mixes[column]) >= NAMED:
        said += f"; a change in the mix of {column} explains {_share(split, mixes[column])}"
    return said


def _mix(parts: tuple[Part, ...]) -> float:
    return sum(part.amount for part in parts if part.kind == "mix")


def _share(split: Decomposition, amount: float) -> str:
    return f"{100 * split.share(amount):.0f} %"
