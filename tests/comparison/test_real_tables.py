"""Two real ticket logs: weekly shares as published beside them, and a comparison computed a second time in pandas."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.comparison.splits import SHIPPED
from tests.data.tables import DATA, reference, split

import rampgate
from rampgate.comparison.table import compare_under
from rampgate.comparison.values import Comparison
from rampgate.policy import load_policy


def weekly(found: Comparison, metric: str) -> dict[date, tuple[int, float]]:
    """Known units and share of both arms together in each week, from the plain values."""
    out = {}
    for week in found.weeks:
        m = next(m for m in week.window.metrics if m.name == metric)
        parts = ((m.n_baseline, m.raw_baseline), (m.n_candidate, m.raw_candidate))
        total = sum(count * value for count, value in parts if count and value is not None)
        out[week.window.start.date()] = (m.n_baseline + m.n_candidate, total / (m.n_baseline + m.n_candidate))
    return out


def policy(unit: str, time: str, metrics: dict[str, Any], **changes: Any) -> rampgate.Policy:
    return load_policy(
        {
            "baseline": "v1",
            "candidate": "v2",
            "source": {"unit": unit, "time": time, "variant": "version"},
            "metrics": metrics,
            "kpi": {"weights": {next(iter(metrics)): 1.0}},
            "phases": [{"traffic": 1.0}],
            **changes,
        }
    )


@pytest.fixture(scope="module")
def incidents() -> pd.DataFrame:
    frame = split(pd.read_csv(SHIPPED), "number")
    return frame.assign(reopened=frame.reopen_count > 0)


SERVICENOW = {
    "made_sla": {"kind": "proportion", "column": "made_sla"},
    "reopened": {"kind": "proportion", "column": "reopened", "better": "lower"},
    "moves": {"kind": "mean", "column": "reassignment_count", "better": "lower"},
}


def test_servicenow_weekly_shares(incidents: pd.DataFrame) -> None:
    rules = policy("number", "opened_at", SERVICENOW, segments={"by": ["priority"]})
    found = compare_under(rules, incidents)
    for name, column in (("made_sla", "made_sla"), ("reopened", "reopened"), ("moves", "reassign_mean")):
        expected = reference("servicenow_incidents_2016", column)
        got = weekly(found, name)
        assert got.keys() == expected.keys()
        for week, (n, value) in expected.items():
            assert got[week][0] == n
            # The published table has ten decimals; sums of thousands of units leave 1e-8.
            assert got[week][1] == pytest.approx(value, abs=1e-8)
    assert found.verdict == "no difference shown"
    assert [w.code for w in found.warnings] == []


def test_boston_311_weekly_shares_of_known_cases() -> None:
    """Cases without a flag (open within their target) are unknown, and counted in no share."""
    raw = pd.read_csv(DATA / "boston311_2015" / "boston311_2015_h1.csv.gz", dtype=str)
    metrics = {"on_time": {"kind": "proportion", "column": "on_time", "equals": "ONTIME"}}
    rules = policy("case_id", "open_dt", metrics, segments={"by": ["source"]})
    found = compare_under(rules, split(raw, "case_id"))
    expected = reference("boston311_2015", "on_time")
    got = weekly(found, "on_time")
    assert got.keys() == expected.keys()
    for week, (n, value) in expected.items():
        assert got[week][0] == n
        assert got[week][1] == pytest.approx(value, abs=1e-8)
    [overall] = found.metrics
    assert overall.estimate.n_baseline + overall.estimate.n_candidate == int(raw.on_time.notna().sum())
    assert sum(sum(week.units) for week in found.weeks) == len(raw) == found.intake.used
    assert found.verdict == "no difference shown"


def by_hand(frame: pd.DataFrame, column: str) -> tuple[float, float, float]:
    """Baseline, candidate and difference of a column, weighted over days as Mantel and Haenszel did, in pandas."""
    day = pd.to_datetime(frame.opened_at).dt.date
    table = frame.assign(day=day).groupby(["day", "version"])[column].agg(["count", "mean"]).unstack()
    n, mean = table["count"].fillna(0), table["mean"].fillna(0)
    weight = n.v1 * n.v2 / (n.v1 + n.v2)
    b, c = (float((weight * mean[arm]).sum() / weight.sum()) for arm in ("v1", "v2"))
    return b, c, c - b


@pytest.mark.parametrize("column", ["made_sla", "reopened", "reassignment_count"])
def test_the_difference_is_the_one_within_days(incidents: pd.DataFrame, column: str) -> None:
    name = {"reassignment_count": "moves"}.get(column, column)
    found = compare_under(policy("number", "opened_at", SERVICENOW), incidents)
    row = next(r.estimate for r in found.metrics if r.estimate.name == name)
    values = by_hand(incidents.astype({column: float}), column)
    assert (row.baseline, row.candidate, row.difference) == pytest.approx(values, abs=1e-12)
    arms = incidents.astype({column: float}).groupby("version")[column]
    assert (row.raw_baseline, row.raw_candidate) == pytest.approx(tuple(arms.mean()), abs=1e-12)
    assert (row.n_baseline, row.n_candidate) == tuple(arms.count())


def test_one_metric_has_the_interval_of_the_gate(incidents: pd.DataFrame) -> None:
    """With nothing to correct for, it is what `check` shows when the rollout begins on the same day."""
    rules = policy("number", "opened_at", {"made_sla": SERVICENOW["made_sla"]})
    [row] = compare_under(rules, incidents).metrics
    decision = rampgate.check(rules, events=incidents, as_of="2016-04-11")
    gate = next(m for m in decision.metrics if m.name == "made_sla")
    assert row.estimate.level == gate.level == 0.95
    ends = (row.estimate.lower, row.estimate.upper, row.estimate.difference)
    # A decision keeps ten digits.
    assert ends == pytest.approx((gate.lower, gate.upper, gate.difference), rel=1e-8)


def test_what_an_interval_costs_beside_a_fixed_one(incidents: pd.DataFrame) -> None:
    """It is never narrower than the classical interval of the same estimate, and less than twice as wide."""
    [row] = compare_under(policy("number", "opened_at", {"made_sla": SERVICENOW["made_sla"]}), incidents).metrics
    frame = incidents.assign(day=pd.to_datetime(incidents.opened_at).dt.date, y=incidents.made_sla.astype(float))
    table = frame.groupby(["day", "version"]).y.agg(["count", "mean"]).unstack()
    n, p = table["count"], table["mean"]
    weight = n.v1 * n.v2 / (n.v1 + n.v2)
    variance = (weight**2 * (p.v1 * (1 - p.v1) / n.v1 + p.v2 * (1 - p.v2) / n.v2)).sum() / weight.sum() ** 2
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    assert row.estimate.lower is not None
    assert row.estimate.upper is not None
    assert 1.0 < (row.estimate.upper - row.estimate.lower) / (2 * half) < 2.0
