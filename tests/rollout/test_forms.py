"""A rollout of a table in other forms is the rollout of the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.rollout.tables import POLICY, tickets

from rampgate.policy import load_policy
from rampgate.rollout.evaluate import check


def policy(**source: Any) -> Any:
    hours = {"kind": "mean", "column": "hours", "better": "lower", "best": 0, "worst": 10}
    return load_policy(
        {**POLICY, "metrics": {**POLICY["metrics"], "hours": hours}, "source": {**POLICY["source"], **source},
         "guardrails": {"hours": {"margin": 1}}}
    )  # fmt: skip


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d.%m.%y %H:%M"])
def test_a_european_file_gives_the_decision_of_the_frame(tmp_path: Path, form: str) -> None:
    frame = tickets(days=12)
    frame["hours"] = (frame.index % 80) / 8
    wanted = check(policy(), frame, "2026-01-16").to_dict()
    text = frame.assign(
        opened_at=frame["opened_at"].dt.strftime(form), hours=[f"{h}".replace(".", ",") for h in frame["hours"]]
    )
    text.to_csv(tmp_path / "t.csv", sep=";", index=False, encoding="utf-8-sig")
    chosen = policy(time_format=form, decimal=",")
    found = check(chosen, tmp_path / "t.csv", "2026-01-16").to_dict()
    for key in ("decision", "reasons", "kpi", "metrics", "criteria", "health"):
        assert found[key] == wanted[key], key
    # The same policy reads the frame, whose columns say themselves what they are.
    assert check(chosen, frame, "2026-01-16").to_dict()["metrics"] == wanted["metrics"]


def test_a_decimal_comma_without_the_key_holds_and_names_it() -> None:
    frame = tickets(days=12)
    frame["hours"] = ["3,5", "2"] * (len(frame) // 2)
    decision = check(policy(), frame, "2026-01-16")
    assert decision.decision == "hold"
    message = next(h.message for h in decision.health if h.verdict == "ERROR")
    assert (
        "values of column 'hours' are not of its kind, such as '3,5': where the comma is a decimal mark write"
        in message
    )
    assert "decimal: ',' under source" in message
