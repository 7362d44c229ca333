"""Bounds from the reference over the looks of a rollout: they are fixed once, recorded, and said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import rampgate
from rampgate.errors import PolicyError
from rampgate.judge.state import State
from rampgate.ledger import Ledger
from rampgate.rollout.evaluate import recompute

START = "2026-01-05"
RULES: dict[str, Any] = {
    "baseline": "v1",
    "candidate": "v2",
    "start": START,
    "metrics": {
        "ok": {"kind": "proportion", "column": "ok"},
        "cut": {"kind": "mean", "column": "x", "better": "lower", "bounds": "reference"},
        "less": {"kind": "mean", "column": "y", "better": "lower", "covariate": "before"},
    },
    "kpi": {"weights": {"ok": 1}, "margin": "10pp"},
    "rollback": {"cut": {"worse_by": 0}, "less": {"worse_by": 0}},
    "phases": [{"traffic": "30%"}, {"traffic": "100%"}],
    "exposure": [{"from": START, "traffic": "30%"}],
}


def tickets(slower: float = 1.0, worse: float = 0.0, days: int = 21) -> pd.DataFrame:
    chance = np.random.default_rng(4)
    day = np.repeat(np.arange(-28, days), 100)
    candidate = (day >= 0) & (chance.random(len(day)) < 0.3)
    before = chance.normal(20, 5, len(day))
    return pd.DataFrame(
        {
            "unit": np.arange(len(day)),
            "time": pd.Timestamp(START) + pd.to_timedelta(day, "D") + pd.Timedelta("9h"),
            "variant": np.where(candidate, "v2", "v1"),
            "x": chance.lognormal(1, 2, len(day)) * np.where(candidate, slower, 1.0),
            "y": before / 5 + chance.normal(0, 0.5, len(day)) + worse * candidate,
            "before": before,
            "ok": chance.random(len(day)) < 0.95,
        }
    )


def test_bounds_never_move_in_an_attempt_and_a_record_recomputes(tmp_path: Path) -> None:
    book, frame = Ledger.open(tmp_path / "l.db"), tickets()
    kept = []
    for as_of in ("2026-01-12", "2026-01-19", "2026-01-26"):
        decision = rampgate.check(RULES, events=frame, as_of=as_of, ledger=book)
        last = book.last("rollout")
        assert last is not None
        kept.append(last.state()["bounds"])
        assert recompute(last, book).content() == decision.content()
        # Rows that arrive late in the history would give other bounds.
        frame.loc[frame.time < START, "x"] *= 1.5
    assert kept[0] == kept[1] == kept[2]
    low, high = kept[0]["x"]
    assert low == 0.0
    assert any(f"x is cut to 0 to {high:g}" in check.message for check in decision.health)


def test_replay_has_the_bounds_of_the_looks() -> None:
    frame = tickets(slower=1.3)
    last = rampgate.replay(RULES, events=frame, end="2026-01-26")[-1]
    once = rampgate.check(RULES, events=frame, as_of="2026-01-26", ledger=None)
    assert [c.to_dict() for c in once.criteria] == [c.to_dict() for c in last.criteria]


def test_a_state_without_bounds_has_the_bytes_that_it_always_had() -> None:
    assert "bounds" not in State().to_dict()
    state = State(bounds={"x": (0.0, 12.5)})
    assert State.from_dict(state.to_dict()) == state


def test_a_covariate_finds_what_is_hidden_without_it() -> None:
    frame = tickets(worse=0.12)
    decision = rampgate.check(RULES, events=frame, as_of="2026-01-26", ledger=None)
    [row] = [m for m in decision.metrics if m.name == "less"]
    plain = {**RULES, "metrics": {**RULES["metrics"], "less": {"kind": "mean", "column": "y", "better": "lower"}}}
    [without] = [m for m in rampgate.check(plain, events=frame, as_of="2026-01-26", ledger=None).metrics
                 if m.name == "less"]  # fmt: skip
    widths = [m.upper - m.lower for m in (row, without) if m.upper is not None and m.lower is not None]
    # The covariate explains 1 of 1.25 of the variance, which alone shrinks intervals to the root of a fifth, 0.45;
    # what one unit may weigh does not shrink, since the extremes of value and covariate are known only apart.
    assert 0.45 < widths[0] / widths[1] < 0.65
    assert (row.raw_baseline, row.raw_candidate) == (without.raw_baseline, without.raw_candidate)
    assert decision.decision == "rollback"


def test_too_little_history_is_an_error_of_the_policy_with_the_remedy() -> None:
    frame = tickets()
    with pytest.raises(PolicyError, match="500 known values of x before the start") as caught:
        rampgate.check(RULES, events=frame[frame.time >= "2025-12-31"], as_of="2026-01-26", ledger=None)
    assert caught.value.exit_code == 2
