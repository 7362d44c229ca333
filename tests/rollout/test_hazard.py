"""`test: hazard` from rows to decisions: what each look knew, replay of the whole table, and records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.rollout.test_arrival import POLICY, as_known, table

import rampgate
from rampgate.ledger import Ledger, canonical
from rampgate.rollout.evaluate import recompute

PACED: dict[str, Any] = {
    **POLICY,
    "metrics": {**POLICY["metrics"], "hours": {**POLICY["metrics"]["hours"], "test": "hazard"}},
    "rollback": {"hours": {"worse_by": 0, "expect": "20%"}},
    "segments": {"by": ["queue"], "rollback": {"hours": {"worse_by": 0}}},
}


def queued(slower: float) -> pd.DataFrame:
    frame = table(days=14, slower=slower)
    frame["queue"] = [("mail", "desk", "network")[i % 3] for i in range(len(frame))]
    return frame


@pytest.mark.parametrize("slower", [1.0, 1.5])
def test_replay_of_the_whole_table_equals_looks_at_what_was_known(slower: float, tmp_path: Path) -> None:
    frame = queued(slower)
    book = Ledger.open(tmp_path / "rampgate.db")
    replayed = rampgate.replay(PACED, events=frame)
    for expected in replayed:
        moment = pd.Timestamp(expected.as_of).tz_localize(None)
        found = rampgate.check(PACED, events=as_known(frame, moment), as_of=expected.as_of, ledger=book)
        assert [c.to_dict() for c in found.criteria] == [c.to_dict() for c in expected.criteria]
        if "open" in expected.content():
            assert found.content()["open"] == expected.content()["open"]
    assert replayed[-1].decision == ("rollback" if slower > 1 else "hold")
    for record in book.records("resolving"):
        assert canonical(recompute(record, book).content()) == canonical(record.entry()["decision"])


def test_events_that_are_written_after_a_look_had_rested_on_their_step_hold(tmp_path: Path) -> None:
    """A feed that is a day behind: days that no share would rest on for two more days."""
    frame, book = queued(1.0), Ledger.open(tmp_path / "rampgate.db")
    rules = {**PACED, "rollback": {"hours": {"worse_by": 0}, "kpi": {"worse_by": "60pp"}}}
    behind = as_known(frame, pd.Timestamp("2026-01-13"))
    behind["closed"] = behind.closed.where(behind.closed < "2026-01-12")
    first = rampgate.check(rules, events=behind, as_of="2026-01-13", ledger=book)
    assert not any("came after" in r.message for r in first.reasons)
    late = rampgate.check(rules, events=as_known(frame, pd.Timestamp("2026-01-14")), as_of="2026-01-14", ledger=book)
    assert late.decision == "hold"
    assert any("look when all events until the look are written" in r.message for r in late.reasons)


def test_slower_work_is_rolled_back_before_the_mean_would_be() -> None:
    """Two days of exposure, of which no unit has reached the 48 hours of the mean."""
    frame = queued(4.0)
    tested = {k: v for k, v in PACED.items() if k != "segments"}
    paced = rampgate.replay({**tested, "rollback": {"hours": {"worse_by": 0, "expect": "200%"}}}, events=frame)[-1]
    plain = {**POLICY, "rollback": {"hours": {"worse_by": 0}}}
    waited = rampgate.replay(plain, events=frame)[-1]
    assert paced.decision == waited.decision == "rollback"
    assert paced.look < pd.Timestamp("2026-01-08", tz="UTC") <= waited.look
    assert "in the pace of its events" in paced.reasons[0].message
