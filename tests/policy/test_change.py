"""The watch after the last phase in a policy: what it may say, what it means, and what contradicts it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.policy.support import load

from rampgate.errors import PolicyError
from rampgate.policy import not_judged, sentences
from rampgate.policy.change import Alerts

PHASES = [{"traffic": "50%"}, {"traffic": "100%"}]


def watched(after: dict[str, Any], phases: list[dict[str, Any]] | None = None) -> Any:
    return load(drift={"after": after}, phases=phases or PHASES)


def test_its_defaults() -> None:
    after = watched({}).drift.after
    assert (str(after.false_alerts), after.metrics, after.reference, after.then) == (
        "1 per year",
        ("kpi",),
        None,
        "hold",
    )
    assert not_judged(watched({})) == []


@pytest.mark.parametrize(("text", "a_year"), [("1 per year", 1), ("2 per quarter", 8), ("1 a month", 12)])
def test_rates_of_false_alerts(text: str, a_year: float) -> None:
    assert Alerts.parse(text).a_year == a_year
    assert Alerts.parse(str(Alerts.parse(text))) == Alerts.parse(text)


@pytest.mark.parametrize("text", ["0 per year", "often", 1, "1 per day"])
def test_what_is_no_rate(text: Any) -> None:
    with pytest.raises(PolicyError, match="no rate of false alerts"):
        watched({"false_alerts": text})


def test_it_is_a_sentence() -> None:
    told = " ".join(sentences(watched({"metrics": ["kpi", "accuracy"], "false_alerts": "2 per quarter"})))
    assert "the days of the KPI and accuracy are held against the law of all days before it" in told
    assert "at most 2 false alerts per quarter" in told
    assert "holds the rollout, and never rolls back" in told
    days = {"from": "2026-03-02", "to": "2026-05-04"}
    told = " ".join(sentences(watched({"reference": days, "then": "rollback"})))
    assert "those from 2026-03-02 to before 2026-05-04" in told
    assert "A change in either direction rolls back" in told


@pytest.mark.parametrize(
    ("after", "phases", "message"),
    [
        ({}, [{"traffic": "50%"}, {"traffic": "100%", "holdout": "2%"}], "keeps a holdout"),
        ({}, [{"traffic": "10%"}, {"traffic": "50%"}], "leaves a baseline"),
        ({"metrics": []}, None, "nothing is watched"),
        ({"metrics": ["acuracy"]}, None, "accuracy"),
        ({"metrics": ["kpi", "kpi"]}, None, "kpi"),
        ({"reference": {"from": "2026-03-02", "to": "2026-03-02"}}, None, "is not after"),
    ],
)
def test_contradictions(after: dict[str, Any], phases: list[dict[str, Any]] | None, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        watched(after, phases)


def test_a_quantile_is_no_series_of_days() -> None:
    slow = {"kind": "quantile", "column": "hours", "q": 0.9, "better": "lower"}
    accuracy = {"kind": "proportion", "column": "correct"}
    with pytest.raises(PolicyError, match="no day tells well"):
        load(metrics={"accuracy": accuracy, "slow": slow}, phases=PHASES, drift={"after": {"metrics": ["slow"]}})
