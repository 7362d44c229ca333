"""A test of the hazard has no margin and can only roll back: everything else that asks for it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.policy.support import load, refusal

from rampgate.policy import sentences, warnings

TESTED = {
    "kind": "time_to_event",
    "from": "opened_at",
    "to": "resolved_at",
    "mean_up_to": "72h",
    "better": "lower",
    "test": "hazard",
}
METRICS = {"accuracy": {"kind": "proportion", "column": "correct"}, "hours": TESTED}


@pytest.mark.parametrize("expect", [None, "20%", "150%"])
def test_a_rollback_without_a_margin_is_fine(expect: str | None) -> None:
    rule = {"worse_by": 0} if expect is None else {"worse_by": 0, "expect": expect}
    made = load(metrics=METRICS, rollback={"hours": rule})
    assert made.tests_hazard("hours")
    assert not made.tests_hazard("kpi")
    assert warnings(made) == []


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"rollback": {"hours": {"worse_by": 2}}}, "write worse_by: 0"),
        ({"rollback": {"hours": {"worse_by": "10%"}}}, "knows no margin"),
        ({"rollback": {"hours": {"worse_by": 0, "expect": 4}}}, "write expect: 20%"),
        ({"rollback": {"hours": {"worse_by": 0, "expect": "4pp"}}}, "write expect: 20%"),
        ({"rollback": {"hours": {"worse_by": 0, "expect": 0}}}, "a harm of 0 is none"),
        ({"guardrails": {"hours": {"margin": 4}}}, "can only roll back"),
        (
            {"segments": {"by": ["queue"], "guardrails": {"hours": {"margin": 4}}}},
            "can only roll back",
        ),
        (
            {"segments": {"by": ["queue"], "rollback": {"hours": {"worse_by": 1}}}},
            "write worse_by: 0",
        ),
        (
            {"phases": [{"traffic": "10%", "go": "non_inferior", "require": ["kpi", "hours"]}, {"traffic": "100%"}]},
            "shows nothing non-inferior",
        ),
        ({"rollback": {"hours": {"worse_by": 0}}, "evidence": "point"}, "plain thresholds compare shares and means"),
    ],
)
def test_what_it_cannot_say_is_refused(sections: dict[str, Any], words: str) -> None:
    assert words in refusal(metrics=METRICS, **sections)


def test_another_test_is_no_test() -> None:
    assert "hazard" in refusal(metrics={**METRICS, "hours": {**TESTED, "test": "logrank"}})


def test_a_test_that_changes_nothing_is_said() -> None:
    assert any("the test changes nothing" in text for text in warnings(load(metrics=METRICS)))


def test_sentences_say_that_the_mean_is_not_tested() -> None:
    said = " ".join(sentences(load(metrics=METRICS, rollback={"hours": {"worse_by": 0, "expect": "30%"}})))
    assert "events of hours come at a slower pace than the baseline's" in said
    assert "a pace that is worse by a factor of 1.3 is to be caught" in said
    assert "this value itself is not tested" in said
