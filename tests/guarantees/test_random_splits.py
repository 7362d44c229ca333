"""On real tickets with nothing different the gate stays within its budget; the pooled rule does not.

The level of the ServiceNow log moves by 70 points within six weeks (see its weekly_reference.csv), which is what
fools a pooled comparison over a ramp.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from tests.guarantees.splits import Log, as_data, split, weekly_ramp

from rampgate.aggregate.marginals import Moments
from rampgate.demo.tickets import load
from rampgate.judge.criteria import criteria
from rampgate.judge.weigh import family_log_e, weigh
from rampgate.policy import Policy, load_policy

DRAWS = 500
RAMP = [0.10, 0.25, 0.50]


def servicenow() -> Log:
    tickets = load()
    columns = {
        "met_sla": [t.met_sla for t in tickets],
        "reassigned": [t.reassigned for t in tickets],
        "reopened": [t.reopened for t in tickets],
    }
    names, values = [], []
    for name, column in columns.items():
        names += [f"{name}:value", f"{name}:known"]
        values += [np.array(column, dtype=float), np.ones(len(tickets))]
    days = np.array([t.day for t in tickets], dtype=object)
    return Log(days, tuple(names), np.array(values).T)


def policy(worse_by: str) -> Policy:
    return load_policy(
        {
            "metrics": {
                "met_sla": {"kind": "proportion", "column": "met_sla"},
                "reassigned": {"kind": "proportion", "column": "reassigned", "better": "lower"},
                "reopened": {"kind": "proportion", "column": "reopened", "better": "lower"},
            },
            "kpi": {"weights": {"met_sla": 0.5, "reassigned": 0.3, "reopened": 0.2}},
            "rollback": {
                name: {"worse_by": 0 if worse_by == "0" else worse_by} for name in ("met_sla", "reassigned", "kpi")
            },
            "phases": [{"traffic": 0.1}, {"traffic": 0.25}, {"traffic": 0.5}],
        }
    )


@pytest.fixture(scope="module")
def log() -> Log:
    return servicenow()


@pytest.fixture(scope="module")
def draws(log: Log) -> Moments:
    ramp = weekly_ramp(log.calendar, RAMP)
    return split(log, ramp, DRAWS, np.random.default_rng(20161103))


def rolled_back(log: Log, draws: Moments, worse_by: str) -> float:
    """Share of the draws whose rollback family ever reaches its bar, over daily looks."""
    chosen = policy(worse_by)
    weighed = weigh(as_data(chosen, draws, log.calendar), criteria(chosen, {}))
    assert [w.error for w in weighed if w.error] == []
    members = [w for w in weighed if w.criterion.family == "rollback"]
    return float((family_log_e(members) >= np.log(20)).any(-1).mean())


def test_harmless_splits_are_rolled_back_within_the_budget(log: Log, draws: Moments, record_property) -> None:
    at_zero = rolled_back(log, draws, "0")
    at_five = rolled_back(log, draws, "5pp")
    error = float(np.sqrt(0.05 * 0.95 / DRAWS))
    record_property(
        "figure",
        f"{DRAWS} random splits of {len(log.days)} real tickets, nothing different: rolled back {at_zero:.1%} at "
        f"worse_by 0 and {at_five:.1%} at 5pp (budget 5 %, Monte-Carlo error {error:.1%}); the pooled weekly z-test "
        f"calls {pooled(log, draws)}",
    )
    assert at_zero <= 0.05 + 3 * error
    assert at_five == 0


def pooled(log: Log, draws: Moments) -> str:
    """Share of the draws that a pooled weekly z-test over the ramp ever calls worse, and at the end better."""
    y = (draws.n[..., 0] * draws.mean[..., 0, 0]).cumsum(1)
    n = draws.n[..., 0].cumsum(1)
    share = y.sum(-1) / n.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (y[..., 1] / n[..., 1] - y[..., 0] / n[..., 0]) / np.sqrt(share * (1 - share) * (1 / n).sum(-1))
    weekly = [t for t, day in enumerate(log.calendar) if day.weekday() == 6]
    worse = float((z[:, weekly] < -1.96).any(1).mean())
    better = float((z[:, -1] > 1.96).mean())
    return f"{worse:.0%} worse at some week and {better:.0%} better at the end"


def test_the_pooled_rule_is_fooled_in_both_directions(log: Log, draws: Moments) -> None:
    # statistics of the design, 2,000 draws: "worse" in 100 % of draws and at the end "better" in 100 %.
    assert pooled(log, draws) == "100% worse at some week and 100% better at the end"


def test_calendar_of_the_log(log: Log) -> None:
    assert log.calendar[0] == date(2016, 2, 29)
    assert len(log.days) == 11774
