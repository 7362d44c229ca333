from __future__ import annotations

from typing import Any

import pytest
from tests.policy.support import EXAMPLE, SMALL, edited, load

from rampgate.errors import NotJudgedYet
from rampgate.policy import load_policy, not_judged, refuse_not_judged


def test_the_example_of_the_design_is_judged():
    assert not_judged(load_policy(EXAMPLE)) == []


def test_what_is_not_judged_is_refused_with_its_line(tmp_path):
    path = tmp_path / "policy.yaml"
    more = "source: {cluster: team}\nharm_budget: {accuracy: 10}\nphases:"
    path.write_text(edited(("phases:", more)))
    with pytest.raises(NotJudgedYet) as caught:
        refuse_not_judged(load_policy(path))
    assert caught.value.exit_code == 2
    assert str(caught.value) == (
        f"{path}:9: source.cluster: clusters cannot be judged yet beside a harm budget\n"
        "  remedy: take this out of the policy, or use a version of rampgate that judges it; nothing was judged"
    )


def test_what_is_judged_is_not_refused():
    policies = [
        load_policy(SMALL),
        load(evidence="point", kpi={"weights": {"accuracy": 1}, "floor": 0.75}),
        load(
            metrics={
                "accuracy": {"kind": "proportion", "column": "status", "equals": "ok"},
                "csat": {"kind": "mean", "column": "csat", "best": 5, "worst": 1},
                "escalation": {"kind": "ratio", "numerator": "a", "denominator": "b"},
                "slow": {"kind": "share_above", "column": "hours", "above": 72, "better": "lower"},
                "missed": {"kind": "rare_event", "column": "missed"},
                "solved": {"kind": "time_to_event", "from": "opened", "to": "closed", "within": "72h"},
                "late": {"kind": "proportion", "column": "late", "known_at": "seen_at", "matures_after": "7d"},
            },
            guardrails={"csat": {"margin": 0.2}},
            segments={"by": ["queue"], "guardrails": {"kpi": {"margin": "5pp"}}},
            error_budget={
                "false_rollback": "1%",
                "false_go": "1%",
                "guardrail": "1%",
                "segment": "1%",
                "sample_ratio": "2%",
                "crossed_units": "2%",
            },
            phases=[{"traffic": "50%", "go": "non_inferior"}, {"traffic": 1, "holdout": "2%"}],
            exposure=[{"from": "2026-01-05", "traffic": "50%"}],
            drift={"columns": {"score": {"psi": 0.2}}},
        ),
    ]
    for policy in policies:
        assert not_judged(policy) == []
        refuse_not_judged(policy)


METRIC = {"kind": "proportion", "column": "correct"}


@pytest.mark.parametrize(
    ("sections", "where"),
    [
        ({"source": {"cluster": "team"}, "kpi": {"weights": {"accuracy": 1}, "floor": 0.5}}, "source.cluster"),
    ],
)
def test_each_part_that_is_not_judged(sections: dict[str, Any], where: str):
    [line] = not_judged(load(**sections))
    assert line.startswith(f"{where}: ")
    assert "cannot be judged yet" in line
