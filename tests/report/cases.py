"""Rollouts that a report must be able to tell, each in a ledger of its own, also the nasty ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tests.rollout.tables import POLICY, tickets

import rampgate
from rampgate.ledger import Ledger
from rampgate.report.dossier import Dossier, dossier

#: Names that a page must show and not run.
SCRIPT = "<script>alert('x')</script>"
BREAKOUT = '</script><img src=x onerror="alert(1)">&amp;{{ 1237*1213 }}|`_*'
NAME = SCRIPT


def looked(folder: Path, frame: pd.DataFrame, days: list[str], **changes: Any) -> Ledger:
    """Looks at the table on these days, in a new ledger."""
    book = Ledger.open(folder / "rampgate.db")
    policy = {key: value for key, value in {**POLICY, **changes}.items() if value is not None}
    for day in days:
        rampgate.check(policy, events=frame, as_of=day, ledger=book)
    return book


def go(folder: Path) -> Ledger:
    return looked(folder, tickets(), ["2026-01-07", "2026-01-12"])


def hold(folder: Path) -> Ledger:
    """The minimum duration is waited for, and the units."""
    phases = [{**POLICY["phases"][0], "minimum_units": 5000}, *POLICY["phases"][1:]]
    return looked(folder, tickets(), ["2026-01-08"], phases=phases)


def rollback(folder: Path) -> Ledger:
    frame = tickets(days=40, harm=0.2, from_day=12)
    return looked(folder, frame, [str(day.date()) for day in pd.date_range("2026-01-06", "2026-01-24")])


def no_candidate(folder: Path) -> Ledger:
    late = tickets(traffic=lambda day: np.where(day >= 20, 0.3, 0.0))
    return looked(folder, late, ["2026-01-12"])


def no_period(folder: Path) -> Ledger:
    """The start lies on the day of the look: nothing is complete."""
    return looked(folder, tickets(), ["2026-01-05"], start="2026-01-05")


def one_period(folder: Path) -> Ledger:
    return looked(folder, tickets(), ["2026-01-06"])


def point(folder: Path) -> Ledger:
    return looked(folder, tickets(harm=0.3), ["2026-01-12"], evidence="point")


def error(folder: Path) -> Ledger:
    """A column of garbage: its metric is not judged."""
    frame = tickets().assign(override="often")
    return looked(folder, frame, ["2026-01-12"])


def third_variant(folder: Path) -> Ledger:
    frame = tickets()
    frame.loc[::7, "version"] = SCRIPT
    return looked(folder, frame, ["2026-01-12"])


def hostile(folder: Path) -> Ledger:
    """Markup wherever a name can stand."""
    frame = tickets(days=40, harm=0.3, from_day=4).rename(columns={"queue": SCRIPT})
    frame[SCRIPT] = frame[SCRIPT].map({"network": BREAKOUT, "mail": SCRIPT, "desk": "#1a5fb4"})
    frame["version"] = frame["version"].map({"v1": "base" + BREAKOUT, "v2": SCRIPT})
    return looked(
        folder,
        frame,
        ["2026-01-10", "2026-01-16"],
        rollout=NAME,
        baseline="base" + BREAKOUT,
        candidate=SCRIPT,
        segments={"by": [SCRIPT], "guardrails": {"override": {"margin": "10pp"}}, "minimum_units": 50},
    )


def number(folder: Path) -> Ledger:
    """A metric that is no share, without a range, and a relative margin."""
    rng = np.random.default_rng(3)
    frame = tickets()
    frame["minutes"] = rng.gamma(2.0, 30.0, len(frame))
    metrics = {**POLICY["metrics"], "minutes": {"kind": "mean", "column": "minutes", "better": "lower"}}
    guardrails = {"minutes": {"margin": "10%"}}
    return looked(folder, frame, ["2026-01-20"], metrics=metrics, guardrails=guardrails, segments=None)


def times(folder: Path) -> Ledger:
    """Times to an event, some units still open, and a test of the pace that rolls back."""
    frame = tickets(days=12)
    rng = np.random.default_rng(5)
    slow = np.where(frame.version == "v2", 1.5, 1.0)
    closed = frame.opened_at + pd.to_timedelta(rng.exponential(31.0, len(frame)) * slow, unit="h").round("s")
    frame["closed_at"] = closed.where(rng.random(len(frame)) < 0.97)
    spell = {"kind": "time_to_event", "from": "opened_at", "to": "closed_at"}
    metrics = {
        **POLICY["metrics"],
        "hours": {**spell, "mean_up_to": "72h", "better": "lower", "test": "hazard"},
        "solved": {**spell, "within": "72h"},
    }
    rollback = {"hours": {"worse_by": 0, "expect": "30%"}, "kpi": {"worse_by": "1pp"}}
    return looked(folder, frame, ["2026-01-06", "2026-01-14"], metrics=metrics, rollback=rollback)


def after(folder: Path) -> Ledger:
    """The candidate alone, beside days that hung together before it, and a change of the world in its second week."""
    ramp = np.concatenate([np.zeros(42), np.full(14, 0.5), np.ones(28)])
    frame = tickets(days=84, traffic=lambda day: ramp[day])
    worse = np.random.default_rng(7).random(len(frame)) < np.where(frame.opened_at >= "2026-03-12", 0.1, 0.0)
    frame["override"] |= worse
    phases = [{"traffic": "50%", "at_least": "7d"}, {"traffic": "100%"}]
    drift = {"after": {"metrics": ["kpi", "override"]}}
    exposure = [{"from": "2026-02-16", "traffic": "50%"}, {"from": "2026-03-02", "traffic": "100%"}]
    changes: dict[str, Any] = {"phases": phases, "drift": drift, "exposure": exposure, "segments": None}
    return looked(folder, frame, ["2026-03-10", "2026-03-30"], **changes)


def second_attempt(folder: Path) -> Ledger:
    frame = tickets(days=20, harm=0.4)
    book = looked(folder, frame, ["2026-01-12"])
    again = tickets(days=20, seed=2, start="2026-01-26")
    again["version"] = again["version"].replace("v2", "v3")
    again["ticket"] = "N" + again["ticket"]
    rows = pd.concat([frame, again])
    rampgate.check({**POLICY, "candidate": "v3"}, events=rows, as_of="2026-02-10", ledger=book)
    return book


def year(folder: Path) -> Ledger:
    """A year of days, with many segment values and metrics."""
    frame = tickets(days=365, per_day=60, start="2025-01-06")
    rng = np.random.default_rng(4)
    frame["queue"] = [f"queue {i}" for i in rng.integers(0, 40, len(frame))]
    metrics = dict(POLICY["metrics"])
    for i in range(10):
        frame[f"extra{i}"] = rng.random(len(frame)) < 0.3
        metrics[f"extra{i}"] = {"kind": "proportion", "column": f"extra{i}"}
    days = [str(day.date()) for day in pd.date_range("2025-01-13", "2026-01-06", freq="119D")]
    rollback = {f"extra{i}": {"worse_by": "1pp"} for i in range(10)}
    return looked(folder, frame, days, metrics=metrics, rollback=rollback)


CASES: dict[str, Callable[[Path], Ledger]] = {
    made.__name__: made
    for made in (
        go, hold, rollback, no_candidate, no_period, one_period, point, error, third_variant, hostile, number,
        times, after, second_attempt, year,
    )
}  # fmt: skip


#: Those that take no time.
QUICK = [name for name in CASES if name != "year"]


def told(name: str, folder: Path) -> Dossier:
    """The dossier of a case."""
    folder.mkdir(parents=True, exist_ok=True)
    book = CASES[name](folder)
    return dossier(book, book.rollouts()[0])
