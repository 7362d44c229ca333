"""Rules about the watch after the last phase."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.policy.metric import Quantile
from rampgate.policy.model import KPI, Policy
from rampgate.policy.problem import KeyPath, Problem, repeated, unknown_metric


def change_problems(policy: Policy) -> Iterator[Problem]:
    """Everything that is wrong with ``drift.after``."""
    if policy.drift is None:
        return
    after = policy.drift.after
    if after is None:
        return
    path: KeyPath = ("drift", "after")
    last = policy.phases[-1]
    if last.holdout:
        yield Problem(
            path,
            "the last phase keeps a holdout, and the candidate goes on being compared with it",
            "leave after out, or the holdout",
        )
    elif not last.alone:
        yield Problem(
            path,
            "the last phase leaves a baseline, and the candidate goes on being compared with it",
            "leave after out, or end with a phase of 100%",
        )
    if not after.metrics:
        yield Problem((*path, "metrics"), "nothing is watched", "name kpi or metrics, or leave after out")
    yield from repeated((*path, "metrics"), after.metrics)
    for name in after.metrics:
        if name != KPI and name not in policy.metrics:
            yield unknown_metric((*path, "metrics"), name, [*policy.metrics, KPI])
        elif name != KPI and isinstance(policy.metrics[name], Quantile):
            yield Problem(
                (*path, "metrics"),
                f"{name} is a quantile, which no day tells well",
                "watch the share of units above a bound instead: {kind: share_above, column: hours, above: 72}",
            )
    reference = after.reference
    if reference is not None and reference.to <= reference.from_:
        yield Problem(
            (*path, "reference", "to"),
            f"{reference.to} is not after {reference.from_}",
            "write the day after the last one",
        )
