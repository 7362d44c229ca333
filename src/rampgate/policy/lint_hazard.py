"""Rules about ``test: hazard``: it compares the pace of events, knows no margin, and can only roll back."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.policy.model import Policy, Rollback
from rampgate.policy.problem import KeyPath, Problem

_SECOND = "judge a second metric of the same columns, without test"


def hazard_problems(policy: Policy) -> Iterator[Problem]:
    """Every criterion that asks a test of the hazard for what it cannot say."""
    tested = [name for name in policy.metrics if policy.tests_hazard(name)]
    for name in tested:
        if policy.evidence == "point":
            yield Problem(
                ("metrics", name, "test"),
                "plain thresholds compare shares and means, and test: hazard compares the pace of events",
                "leave test out, or leave evidence: point out",
            )
        for path, rule in _rollbacks(policy, name):
            yield from _rollback(path, name, rule)
        for section, guardrails in _guardrails(policy):
            if name in guardrails:
                yield Problem(
                    (*section, name),
                    f"{name} has test: hazard, which has no margin and can only roll back",
                    f"take it out, or {_SECOND}",
                )
        for index, phase in enumerate(policy.phases):
            if name in (phase.require or ()):
                yield Problem(
                    ("phases", index, "require"),
                    f"{name} has test: hazard, which can only roll back and shows nothing non-inferior",
                    f"take it out, or {_SECOND}",
                )


def untested(policy: Policy) -> list[str]:
    """Metrics whose ``test`` changes nothing, since no rollback criterion is about them, as warnings."""
    return [
        f"metric {name} has test: hazard and is in no rollback criterion: the test changes nothing"
        for name in policy.metrics
        if policy.tests_hazard(name) and not any(_rollbacks(policy, name))
    ]


def _rollback(path: KeyPath, name: str, rule: Rollback) -> Iterator[Problem]:
    if rule.worse_by.value:
        yield Problem(
            (*path, "worse_by"),
            f"{name} has test: hazard, which knows no margin, and {rule.worse_by} are tolerated",
            f"write worse_by: 0, or {_SECOND}",
        )
    if rule.expect is None:
        return
    if not rule.expect.value:
        yield Problem((*path, "expect"), "a harm of 0 is none", "write the ratio of paces to be caught, as 20%")
    elif not rule.expect.relative:
        yield Problem(
            (*path, "expect"),
            f"{rule.expect} is absolute, and test: hazard compares the pace of events as a ratio",
            "write expect: 20%, a pace that is worse by a factor of 1.2",
        )


def _rollbacks(policy: Policy, name: str) -> Iterator[tuple[KeyPath, Rollback]]:
    if name in policy.rollback:
        yield ("rollback", name), policy.rollback[name]
    if policy.segments is not None and name in policy.segments.rollback:
        yield ("segments", "rollback", name), policy.segments.rollback[name]


def _guardrails(policy: Policy) -> Iterator[tuple[KeyPath, frozenset[str]]]:
    yield ("guardrails",), frozenset(policy.guardrails)
    if policy.segments is not None:
        yield ("segments", "guardrails"), frozenset(policy.segments.guardrails)
