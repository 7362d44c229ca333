"""Outcomes that come late, estimated from the model's own scores: from rows to record, and never evidence."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from tests.rollout.tables import tickets

import rampgate
from rampgate.judge.decision import Decision
from rampgate.ledger import Ledger
from rampgate.report.by_score import by_score as section_of
from rampgate.report.dossier import dossier
from rampgate.report.terminal import decision_view
from rampgate.rollout.evaluate import recompute

POLICY: dict[str, Any] = {
    "rollout": "triage",
    "baseline": "v1",
    "candidate": "v2",
    "source": {"unit": "ticket", "time": "opened_at", "variant": "version"},
    "metrics": {
        "right": {"kind": "proportion", "column": "right", "matures_after": "7d", "score": "confidence"},
        "override": {"kind": "proportion", "column": "override", "better": "lower"},
    },
    "kpi": {"weights": {"right": 0.5, "override": 0.5}, "margin": "5pp"},
    "phases": [{"traffic": "50%", "at_least": "7d"}, {"traffic": "100%"}],
}
LOOK = "2026-02-02"


def scored(harder: float = 0.0, trust: float = 0.9) -> pd.DataFrame:
    """Four weeks; in the last of them work is ``harder``, and scores come true by ``trust``, which was .9 before."""
    frame = tickets(days=28, traffic=0.5)
    rng = np.random.default_rng(3)
    late = (frame.opened_at >= "2026-01-26").to_numpy()
    frame["confidence"] = np.clip(rng.beta(6, 1.5, len(frame)) - np.where(late, harder, 0.0), 0.0, 1.0)
    frame["right"] = rng.random(len(frame)) < frame.confidence * np.where(late, trust, 0.9)
    return frame


def candidate(decision: Decision) -> dict[str, Any]:
    return dict(next(row for row in decision.by_score if row["variant"] == "candidate"))


def realised(frame: pd.DataFrame) -> float:
    late = frame[(frame.opened_at >= "2026-01-26") & (frame.version == "v2")]
    return float(late.right.mean())


def look(frame: pd.DataFrame, **changes: Any) -> Decision:
    return rampgate.check({**POLICY, **changes}, events=frame, as_of=LOOK, ledger=None)


def test_harder_work_is_told_before_its_outcomes_are() -> None:
    frame = scored(harder=0.2)
    told = candidate(look(frame))
    assert told["estimate"] is True
    assert "not observed" in told["message"]
    assert told["awaited"] == int(((frame.opened_at >= "2026-01-26") & (frame.version == "v2")).sum())
    assert told["lower"] <= realised(frame) <= told["upper"]
    assert told["value"] < 0.9 * 0.8 - 0.1


def test_concept_drift_is_its_known_failure() -> None:
    frame = scored(trust=0.6)
    told = candidate(look(frame))
    assert told["value"] - realised(frame) > 0.15
    assert not told["lower"] <= realised(frame) <= told["upper"]


def test_outcomes_that_are_there_early_do_not_count() -> None:
    """Labels of periods that are too young are the quick ones: with or without them the estimate is the same."""
    frame = scored()
    hidden = frame.assign(right=frame.right.astype(object).where(frame.opened_at < "2026-01-26"))
    assert candidate(look(hidden))["value"] == candidate(look(frame))["value"]


def test_it_changes_nothing_that_is_judged() -> None:
    frame = scored(harder=0.3)
    plain = {**POLICY["metrics"], "right": {**POLICY["metrics"]["right"]}}
    del plain["right"]["score"]
    without, having = look(frame, metrics=plain), look(frame)
    assert without.by_score == ()
    assert "by_score" not in without.to_dict()
    for part in ("decision", "kpi", "metrics", "criteria", "windows", "health", "waiting_for"):
        assert getattr(having, part) == getattr(without, part)


def test_too_few_outcomes_say_nothing() -> None:
    frame = scored().assign(right=None)
    frame["right"] = frame["right"].astype("boolean")
    told = candidate(look(frame))
    assert (told["value"], told["calibrated_on"]) == (None, 0)
    assert "0 of 100 known outcomes" in told["message"]


def test_a_score_that_is_no_probability_is_in_no_estimate() -> None:
    frame = scored()
    frame["confidence"] *= 100
    assert candidate(look(frame))["awaited"] < 5


def test_a_missing_column_of_scores_is_an_error() -> None:
    with pytest.raises(rampgate.errors.ColumnError, match="confidence"):
        look(scored().drop(columns="confidence"))


def test_scores_as_text_are_read() -> None:
    frame = scored()
    text = frame.assign(confidence=frame.confidence.round(6).astype(str))
    assert candidate(look(text)) == candidate(look(frame.assign(confidence=frame.confidence.round(6))))


def test_it_is_recorded_recomputed_and_told(tmp_path: Path) -> None:
    book = Ledger.open(tmp_path / "rampgate.db")
    decision = rampgate.check(POLICY, events=scored(), as_of=LOOK, ledger=book)
    last = book.last("triage")
    assert last is not None
    assert recompute(last, book).content() == decision.content()
    [section] = section_of(dossier(book, "triage"))
    assert section.title == "Estimated from scores"
    out = StringIO()
    Console(file=out, width=80).print(decision_view(decision))
    assert "Estimated from scores (not observed, judged by nothing)" in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 80
