"""What metrics need, merged and sorted."""

from __future__ import annotations

from typing import Any

from tests.aggregate.support import METRICS, policy

from rampgate.aggregate.needs import needs
from rampgate.policy import Policy


def test_components_by_metric() -> None:
    found = needs(policy())
    assert [c.name for c in found.components] == [
        "escalation_ok:numerator", "escalation_ok:denominator", "escalation_ok:known", "hours:value", "hours:known",
        "override:value", "override:known", "right:value", "right:known",
    ]  # fmt: skip
    assert [c.name for c in found.components if not c.binary] == [
        "escalation_ok:numerator", "escalation_ok:denominator", "hours:value",
    ]  # fmt: skip
    assert found.metrics == ("escalation_ok", "hours", "override", "right")
    assert found.segments == ("queue",)
    assert found.of("hours") == (3, 4)


def test_pairs_of_the_kpi_and_of_other_means_and_ratios() -> None:
    everything = needs(policy())
    kpi = range(3, 9)
    assert set(everything.pairs) == {(i, j) for i in kpi for j in kpi if i <= j} | {
        (i, j) for i in range(3) for j in range(3) if i <= j
    }
    assert list(everything.pairs) == sorted(everything.pairs)
    few = needs(policy(kpi={"weights": {"right": 1}}))
    names = [c.name for c in few.components]
    assert {names[i].split(":")[0] for pair in few.pairs for i in pair} == {"escalation_ok", "hours", "right"}


def test_the_order_of_keys_changes_nothing() -> None:
    """A policy read back from a record has its keys sorted; what is asked must be the same."""
    turned: dict[str, Any] = dict(reversed(METRICS.items()))
    assert needs(policy(metrics=turned)) == needs(policy()) == needs(Policy.from_canonical(policy().canonical()))
