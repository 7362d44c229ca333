"""What a policy may say and this version cannot judge. Refused, so that nothing is ignored in silence."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.errors import NotJudgedYet
from rampgate.policy.metric import Mean
from rampgate.policy.model import Policy
from rampgate.policy.problem import Problem

_REMEDY = "take {this} out of the policy, or use a version of rampgate that judges {it}; nothing was judged"


def not_judged(policy: Policy) -> list[str]:
    """Each part of the policy that this version cannot judge, as a line of text."""
    return [str(policy.origin.error(problem)) for problem in _unjudged(policy)]


def refuse_not_judged(policy: Policy) -> None:
    """Raise `NotJudgedYet`, naming everything that this version cannot judge, with lines where known."""
    problems = list(_unjudged(policy))
    if not problems:
        return
    origin = policy.origin
    if len(problems) == 1:
        error = origin.error(problems[0])
        raise NotJudgedYet(error.what, where=error.where, remedy=_REMEDY.format(this="this", it="it"))
    what = f"{len(problems)} parts of the policy cannot be judged yet\n{origin.listed(problems)}"
    raise NotJudgedYet(what, where=origin.name or "policy", remedy=_REMEDY.format(this="these", it="them"))


def _unjudged(policy: Policy) -> Iterator[Problem]:
    beside = ", ".join(dict.fromkeys(_not_by_cluster(policy))) if policy.source.cluster is not None else ""
    if beside:
        yield Problem(("source", "cluster"), f"clusters cannot be judged yet beside {beside}")


def _not_by_cluster(policy: Policy) -> Iterator[str]:
    """What would be judged as if units were independent."""
    if policy.evidence == "point":
        return
    for metric in policy.metrics.values():
        if metric.kind == "quantile":
            yield "a quantile"
        elif metric.by_hazard:
            yield "test: hazard"
        elif isinstance(metric, Mean) and metric.covariate is not None:
            yield "a covariate"
    if policy.kpi.floor is not None:
        yield "a floor"
    if policy.harm_budget:
        yield "a harm budget"
