"""Two real ticket logs, end to end: weekly shares as published beside them, open cases, a harmless split."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.data.tables import DATA, reference, split

import rampgate
from rampgate.judge.decision import Decision

SHIPPED = Path(rampgate.__file__).parent / "demo" / "data" / "incidents.csv.gz"
PHASES = [{"traffic": 0.1, "at_least": "7d"}, {"traffic": 0.5, "at_least": "7d"}, {"traffic": 1.0}]


def weekly(decision: Decision, metric: str) -> dict[date, tuple[int, float]]:
    """Units and share of both arms together in each window, from the raw values."""
    out = {}
    for window in decision.windows:
        m = next(m for m in window.metrics if m.name == metric)
        n = m.n_baseline + m.n_candidate
        parts = ((m.n_baseline, m.raw_baseline), (m.n_candidate, m.raw_candidate))
        total = sum(count * value for count, value in parts if count and value is not None)
        out[window.start.date()] = (n, total / n)
    return out


def policy(unit: str, time: str, metrics: dict[str, Any], weight_on: str, **changes: Any) -> dict[str, Any]:
    return {
        "baseline": "v1",
        "candidate": "v2",
        "source": {"unit": unit, "time": time, "variant": "version"},
        "metrics": metrics,
        "kpi": {"weights": {weight_on: 1.0}, "margin": "10pp"},
        "phases": PHASES,
        **changes,
    }


def test_servicenow_weekly_shares() -> None:
    frame = split(pd.read_csv(SHIPPED), "number")
    frame["reopened"] = frame.reopen_count > 0
    metrics = {
        "made_sla": {"kind": "proportion", "column": "made_sla"},
        "reopened": {"kind": "proportion", "column": "reopened", "better": "lower"},
        "moves": {"kind": "mean", "column": "reassignment_count", "better": "lower"},
    }
    rules = policy("number", "opened_at", metrics, "made_sla", segments={"by": ["priority"]})
    decision = rampgate.check(rules, events=frame, as_of="2016-04-11")
    for name, column in (("made_sla", "made_sla"), ("reopened", "reopened"), ("moves", "reassign_mean")):
        expected = reference("servicenow_incidents_2016", column)
        got = weekly(decision, name)
        assert got.keys() == expected.keys()
        for week, (n, value) in expected.items():
            assert got[week][0] == n
            assert got[week][1] == pytest.approx(value, abs=1e-8)
    assert decision.decision == "go"


def test_boston_311_weekly_shares_and_open_cases() -> None:
    """Cases without a flag (open within their target) are unknown: not met, not missed, and counted nowhere."""
    raw = pd.read_csv(DATA / "boston311_2015" / "boston311_2015_h1.csv.gz", dtype=str)
    frame = split(raw, "case_id")
    metrics = {"on_time": {"kind": "proportion", "column": "on_time", "equals": "ONTIME"}}
    segments = {"by": ["source"], "guardrails": {"on_time": {"margin": "20pp"}}}
    rules = policy("case_id", "open_dt", metrics, "on_time", segments=segments, timezone="UTC")
    decision = rampgate.check(rules, events=frame, as_of="2015-07-01")
    expected = reference("boston311_2015", "on_time")
    got = weekly(decision, "on_time")
    assert got.keys() == expected.keys()
    for week, (n, value) in expected.items():
        assert got[week][0] == n
        assert got[week][1] == pytest.approx(value, abs=1e-8)
    overall = next(m for m in decision.metrics if m.name == "on_time" and m.group.column is None)
    assert overall.n_baseline + overall.n_candidate == int(raw.on_time.notna().sum())
    assert len(raw) - (overall.n_baseline + overall.n_candidate) == int(raw.on_time.isna().sum())
    assert decision.decision in {"go", "hold"}
    assert "rollback" not in {r.code for r in decision.reasons}


def test_boston_311_as_a_semicolon_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    raw = pd.read_csv(DATA / "boston311_2015" / "boston311_2015_h1.csv.gz", dtype=str).head(8000)
    frame = split(raw, "case_id")
    path = tmp_path / "cases.csv"
    frame.to_csv(path, sep=";", index=False, encoding="utf-8-sig")
    metrics = {"on_time": {"kind": "proportion", "column": "on_time", "equals": "ONTIME"}}
    rules = policy("case_id", "open_dt", metrics, "on_time")
    as_file = rampgate.check(rules, events=path, as_of="2015-01-25")
    as_frame = rampgate.check(rules, events=frame, as_of="2015-01-25")
    assert as_file.to_dict() == as_frame.to_dict()
