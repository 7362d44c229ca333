"""Outcomes that come late: each look knows what had arrived; replay gives the same from the whole table."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import rampgate
from rampgate.ledger import Ledger, canonical
from rampgate.rollout.evaluate import recompute

START = pd.Timestamp("2026-01-05")
POLICY: dict[str, Any] = {
    "rollout": "resolving",
    "baseline": "v1",
    "candidate": "v2",
    "source": {"unit": "ticket", "time": "opened", "variant": "version"},
    "metrics": {
        "solved": {"kind": "time_to_event", "from": "opened", "to": "closed", "within": "48h"},
        "hours": {"kind": "time_to_event", "from": "opened", "to": "closed", "mean_up_to": "48h", "better": "lower"},
        "liked": {"kind": "proportion", "column": "liked", "known_at": "asked", "matures_after": "72h"},
    },
    "kpi": {"weights": {"solved": 0.7, "liked": 0.3}, "margin": "8pp"},
    "rollback": {"solved": {"worse_by": "1pp", "expect": "8pp"}, "hours": {"worse_by": 1, "expect": 6}},
    "phases": [{"traffic": "30%", "at_least": "14d", "minimum_units": 100}],
}


def table(days: int = 24, slower: float = 1.0, seed: int = 3) -> pd.DataFrame:
    """Tickets with the times at which they were closed and their survey came back; some never."""
    rng = np.random.default_rng(seed)
    n = days * 150
    opened = START + pd.to_timedelta(np.sort(rng.integers(0, days * 86400, n)), unit="s")
    version = np.where(rng.random(n) < 0.3, "v2", "v1")
    hours = rng.exponential(24, n) * np.where(version == "v2", slower, 1.0)
    closed = (opened + pd.to_timedelta(hours, unit="h")).floor("s").to_series().reset_index(drop=True)
    asked = (opened + pd.to_timedelta(rng.exponential(40, n), unit="h")).floor("s").to_series().reset_index(drop=True)
    return pd.DataFrame(
        {
            "ticket": [f"T{i:05d}" for i in range(n)],
            "opened": opened,
            "version": version,
            "closed": closed.where(rng.random(n) < 0.95),
            "liked": rng.random(n) < 0.8,
            "asked": asked,
        }
    )


def as_known(frame: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """The table as it stood at a moment."""
    seen = frame[frame.opened < at].copy()
    seen["closed"] = seen.closed.where(seen.closed < at)
    seen["liked"] = seen.liked.astype(object).where(seen.asked < at)
    seen["asked"] = seen.asked.where(seen.asked < at)
    return seen


@pytest.mark.parametrize("slower", [1.0, 1.3])
def test_replay_of_the_whole_table_equals_looks_at_what_was_known(slower: float, tmp_path: Path) -> None:
    frame = table(slower=slower)
    book = Ledger.open(tmp_path / "rampgate.db")
    replayed = rampgate.replay(POLICY, events=frame)
    assert len(replayed) > 8
    for expected in replayed:
        got = rampgate.check(POLICY, as_known(frame, pd.Timestamp(expected.look.date())), expected.look.date(), book)
        left, right = got.content(), expected.content()
        (
            left.pop("health"),
            right.pop("health"),
        )  # what lies after the look, and the recorded split, are the check's alone
        assert left == right
    for record in book.records():
        assert canonical(recompute(record, book).content()) == canonical(record.entry()["decision"])
    if slower > 1:
        assert replayed[-1].decision == "rollback"
        return
    # At the last look, where the last outcomes are old enough, the newest row is more than three days old.
    assert [d.decision for d in replayed[-2:]] == ["complete", "hold"]
    assert replayed[-1].reasons[0].code == "stale"


def test_a_label_that_comes_when_it_counts_no_more_changes_nothing() -> None:
    frame = table()
    late = frame.copy()
    late.loc[late.asked - late.opened > pd.Timedelta(hours=72), "liked"] = False
    then = date(2026, 1, 20)
    one, two = (rampgate.check(POLICY, events=t, as_of=then) for t in (frame, late))
    assert [c.to_dict() for c in one.criteria] == [c.to_dict() for c in two.criteria]
    assert any("came after 72h" in h.message for h in one.health)


def test_late_labels_without_a_declared_age_hold_and_say_what_to_declare() -> None:
    metrics = {**POLICY["metrics"], "liked": {"kind": "proportion", "column": "liked", "known_at": "asked"}}
    decision = rampgate.check({**POLICY, "metrics": metrics}, events=table(), as_of="2026-01-20")
    assert decision.decision == "hold"
    [reason] = [r for r in decision.reasons if r.code == "missing_labels"]
    assert "write matures_after: 72h" in reason.message
    assert "metrics.liked" in reason.message


def test_the_same_file_as_text(tmp_path: Path) -> None:
    frame = table(days=12)
    frame.to_csv(tmp_path / "tickets.csv", index=False)
    then = START.date() + timedelta(days=11)
    one = rampgate.check(POLICY, events=frame, as_of=then)
    two = rampgate.check(POLICY, events=tmp_path / "tickets.csv", as_of=then)
    assert one.to_dict() == two.to_dict()
