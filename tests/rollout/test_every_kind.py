"""Looks at a table with a metric of every kind: no warning comes out of one, as warnings are errors here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import rampgate

START, DAYS, PAST = pd.Timestamp("2026-01-05"), 21, 14
METRICS: dict[str, dict[str, Any]] = {
    "ok": {"kind": "proportion", "column": "ok"},
    "known": {"kind": "proportion", "column": "ok", "known_at": "labelled", "matures_after": "72h"},
    "mean": {"kind": "mean", "column": "x", "better": "lower", "best": 0, "worst": 100},
    "cut": {"kind": "mean", "column": "x", "better": "lower", "bounds": [0, 9]},
    "less": {"kind": "mean", "column": "x", "better": "lower", "covariate": "before"},
    "good": {"kind": "ratio", "numerator": "top", "denominator": "bottom"},
    "solved": {"kind": "time_to_event", "from": "opened", "to": "closed", "within": "72h"},
    "hours": {"kind": "time_to_event", "from": "opened", "to": "closed", "mean_up_to": "72h", "better": "lower"},
    "pace": {"kind": "time_to_event", "from": "opened", "to": "closed", "within": "72h", "test": "hazard"},
    "missed": {"kind": "rare_event", "column": "rare"},
    "p90": {"kind": "quantile", "column": "x", "q": 0.9, "better": "lower"},
    "above": {"kind": "share_above", "column": "x", "above": 3, "better": "lower"},
}
#: What is not judged by cluster.
BY_UNIT = ("less", "pace", "p90")


def table(per_day: int, people: int, size: float) -> pd.DataFrame:
    """Units of people of whom a tenth have the candidate, and a third after a week; with ``size`` 0 no event comes."""
    rng = np.random.default_rng(3)
    day = np.repeat(np.arange(-PAST, DAYS), per_day)
    n, person = len(day), np.arange(len(day)) % people
    opened = START + pd.to_timedelta(day * 1440 + rng.integers(0, 1440, n), unit="min")
    x, bottom = size * rng.lognormal(0, 1, n), rng.integers(1, 4, n)
    return pd.DataFrame(
        {
            "ticket": np.arange(n),
            "opened": opened,
            "version": np.where((day >= 0) & (person < people / np.where(day < 7, 10, 3)), "v2", "v1"),
            "person": person.astype(str),
            "queue": rng.choice(["a", "b"], n),
            "ok": rng.random(n) < 0.9,
            "x": x,
            "before": x + rng.normal(0, 1, n),
            "bottom": bottom,
            "top": bottom * (rng.random(n) < 0.8),
            "rare": rng.random(n) < 0.005 * size,
            "closed": opened + pd.to_timedelta(rng.exponential(20, n), unit="h"),
            "labelled": opened + pd.to_timedelta(rng.exponential(5, n), unit="h"),
        }
    )


@pytest.mark.parametrize("people", [None, 40, 7])
@pytest.mark.parametrize(("per_day", "size"), [(200, 1.0), (200, 0.0), (8, 1.0)])
def test_no_look_warns_or_breaks(people: int | None, per_day: int, size: float) -> None:
    metrics = {name: rule for name, rule in METRICS.items() if people is None or name not in BY_UNIT}
    cluster = {"cluster": "person"} if people else {}
    points = ("ok", "known", "solved", "good", "above")
    policy = {
        "baseline": "v1",
        "candidate": "v2",
        "start": "2026-01-05",
        "source": {"unit": "ticket", "time": "opened", "variant": "version", **cluster},
        "metrics": metrics,
        "kpi": {"weights": {"ok": 0.5, "mean": 0.2, "good": 0.3}, "margin": "10pp"},
        "rollback": {name: {"worse_by": 0} for name in (*metrics, "kpi")},
        "guardrails": {n: {"margin": "5pp" if n in points else "10%"} for n in metrics if n != "pace"},
        "segments": {"by": ["queue"], "guardrails": {"kpi": {"margin": "5pp"}}, "minimum_units": 20},
        "phases": [{"traffic": "10%"}, {"traffic": "33%"}, {"traffic": "100%"}],
        "exposure": [{"from": "2026-01-05", "traffic": "10%"}, {"from": "2026-01-12", "traffic": "33%"}],
    }
    frame = table(per_day, people or 40, size)
    for day in (1, 4, 21):
        decision = rampgate.check(policy, events=frame, as_of=str((START + pd.Timedelta(days=day)).date()), ledger=None)
        assert not [r.message for r in decision.reasons if r.code == "error"]
        assert not [c.id for c in decision.criteria if c.verdict == "ERROR"]
