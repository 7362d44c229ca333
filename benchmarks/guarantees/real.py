"""Real data: random splits of two ticket logs, in which nothing differs but chance, and 200 streams of experiments."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.guarantees.measure import Hits, family_path, first
from tests.guarantees.splits import as_data

from rampgate.aggregate.marginals import OVERALL, Group, Moments
from rampgate.aggregate.moments import Floats
from rampgate.demo.tickets import load
from rampgate.estimate.contrast import Means, take
from rampgate.estimate.evidence import log_sum_exp, onset_prior
from rampgate.estimate.interval import process
from rampgate.estimate.reference import scale
from rampgate.judge.weigh import bets
from rampgate.policy import Policy, load_policy

DATA = Path(__file__).parents[2] / "tests" / "data"
BAR = float(np.log(20.0))
DRAWS = 50
CAPPED = 720.0


@dataclass(frozen=True)
class Log:
    """Units of a real log.

    Attributes
    ----------
    day : days since the first, (unit,)
    values : component -> (unit,)
    segment : code of the segment value, (unit,)
    names : segment values
    """

    first: date
    day: np.ndarray
    values: dict[str, Floats]
    segment: np.ndarray
    names: tuple[str, ...]

    @property
    def calendar(self) -> list[date]:
        return [self.first + timedelta(days=t) for t in range(int(self.day.max()) + 1)]


def _log(days: list[date], columns: dict[str, list[Any]], segment: list[str]) -> Log:
    start = min(days)
    values: dict[str, Floats] = {}
    for name, column in columns.items():
        x = np.array([np.nan if v is None else float(v) for v in column])
        values |= {f"{name}:value": np.nan_to_num(x), f"{name}:known": (~np.isnan(x)).astype(float)}
    names, codes = np.unique(np.array(segment), return_inverse=True)
    return Log(start, np.array([(day - start).days for day in days]), values, codes, tuple(names.tolist()))


@cache
def servicenow() -> Log:
    """The shipped incidents."""
    tickets = load()
    outcomes = ("met_sla", "reassigned", "reopened")
    columns = {name: [getattr(t, name) for t in tickets] for name in outcomes}
    return _log([t.day for t in tickets], columns, [str(t.priority) for t in tickets])


@cache
def boston() -> Log:
    """Half a year of service requests; hours to close are cut at thirty days, and unknown while open."""
    with gzip.open(DATA / "boston311_2015" / "boston311_2015_h1.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    opened = [datetime.fromisoformat(row["open_dt"]) for row in rows]
    closed = [datetime.fromisoformat(row["closed_dt"]) if row["closed_dt"] else None for row in rows]
    hours = [
        None if end is None else min(CAPPED, max(0.0, (end - begin) / timedelta(hours=1)))
        for begin, end in zip(opened, closed, strict=True)
    ]
    columns = {"on_time": [row["on_time"] == "ONTIME" for row in rows], "hours": hours}
    return _log([begin.date() for begin in opened], columns, [row["department"] for row in rows])


def split(log: Log, ramp: Floats, draws: int, rng: np.random.Generator, by_segment: bool) -> Moments:
    """Random splits, each unit to the candidate with the traffic of its day."""
    names = tuple(log.values)
    x = np.stack([log.values[name] for name in names], axis=-1)
    pairs = tuple((i, j) for i in range(len(names)) for j in range(i, len(names)))
    one, other = np.array(pairs).T
    groups = 1 + (len(log.names) if by_segment else 0)
    days = len(log.calendar)
    n = np.zeros((draws, days, 2, groups))
    mean, comoment = np.zeros((*n.shape, len(names))), np.zeros((*n.shape, len(pairs)))
    low, high = np.zeros_like(mean), np.zeros_like(mean)
    for t in range(days):
        today = np.flatnonzero(log.day == t)
        candidate = rng.random((draws, len(today))) < ramp[t]
        for g in range(groups):
            inside = today if g == 0 else today[log.segment[today] == g - 1]
            if not len(inside):
                continue
            mine = candidate if g == 0 else candidate[:, log.segment[today] == g - 1]
            own = x[inside]
            for a, chosen in enumerate((~mine, mine)):
                count = chosen.sum(1).astype(float)
                safe = np.where(count > 0, count, 1.0)[:, None]
                average = (chosen @ own) / safe
                n[:, t, a, g], mean[:, t, a, g] = count, average
                products = chosen @ (own[:, one] * own[:, other])
                comoment[:, t, a, g] = products - count[:, None] * average[:, one] * average[:, other]
                low[:, t, a, g], high[:, t, a, g] = own.min(0), own.max(0)
    return Moments(names, pairs, n, mean, comoment, low, high)


METRICS: dict[str, dict[str, Any]] = {
    "met_sla": {"kind": "proportion", "column": "met_sla"},
    "reassigned": {"kind": "proportion", "column": "reassigned", "better": "lower"},
    "reopened": {"kind": "proportion", "column": "reopened", "better": "lower"},
    "on_time": {"kind": "proportion", "column": "on_time"},
    "hours": {
        "kind": "mean", "column": "hours", "better": "lower", "bounds": [0, CAPPED], "best": 0, "worst": CAPPED,
    },
}  # fmt: skip


def rules(names: tuple[str, ...], worse_by: dict[str, str | int], segments: bool) -> Policy:
    """A rollback criterion for each metric and for the KPI; by segment for the first metric."""
    first_rule = {"worse_by": worse_by[names[0]]}
    return load_policy({
        "metrics": {name: METRICS[name] for name in names},
        "kpi": {"weights": {name: 1 / len(names) for name in names}},
        "rollback": {**{name: {"worse_by": worse_by[name]} for name in names}, "kpi": {"worse_by": worse_by["kpi"]}},
        "phases": [{"traffic": "100%"}],
        **({"segments": {"by": ["s"], "rollback": {names[0]: first_rule}}} if segments else {}),
    })  # fmt: skip


def harmless(which: str, ramp: str, tolerated: bool, by_segment: bool, rng: np.random.Generator, count: int) -> Hits:
    """Rollbacks of random splits."""
    log = servicenow() if which == "ServiceNow" else boston()
    names = ("met_sla", "reassigned", "reopened") if which == "ServiceNow" else ("on_time", "hours")
    days = len(log.calendar)
    steps = {"10/25/50 %": [0.1, 0.25, 0.5], "10 %": [0.1], "1 %": [0.01]}[ramp]
    share = np.repeat(steps, -(-days // len(steps)))[:days]
    # Five points of a share, a day of the hours.
    worse_by: dict[str, str | int] = {name: 24 if name == "hours" else "5pp" for name in (*names, "kpi")}
    if not tolerated:
        worse_by = dict.fromkeys(worse_by, 0)
    policy = rules(names, worse_by, by_segment)
    groups = (OVERALL, *(Group("s", name) for name in log.names)) if by_segment else (OVERALL,)
    out = []
    for begin in range(0, count, DRAWS):
        moments = split(log, share, min(DRAWS, count - begin), rng, by_segment)
        out.append(first(family_path(as_data(policy, moments, log.calendar, groups=groups), "rollback") >= BAR))
    return Hits(np.concatenate(out))


def asos(which: str, _: np.random.Generator, count: int) -> Hits:
    """Streams whose difference is told from none at 5 %, on either side, at some look of the gate or of the z-test.

    Every look of a stream is an increment of its counts; nothing is drawn.
    """
    rows = _snapshots()
    days = []
    for looks in rows[:count]:
        t, c = (looks[:, 1 + 3 * a : 4 + 3 * a] for a in (1, 0))
        if which == "gate":
            days.append(_gate(t, c))
        else:
            with np.errstate(invalid="ignore"):  # two arms of nothing but zeros say nothing
                z = (t[:, 1] - c[:, 1]) / np.sqrt(t[:, 2] / t[:, 0] + c[:, 2] / c[:, 0])
            reached = np.abs(z) > 1.959964
            days.append(first((reached if which == "some" else reached[-1:])[None])[0])
    return Hits(np.array(days))


def _gate(t: Floats, c: Floats) -> int:
    """The look at which the stream is told from none, from 1; 0 for never."""
    arms = [_increments(x) for x in (t, c)]
    size = len(t)
    prior = onset_prior([date(2026, 1, 5) + timedelta(days=7 * k // 7) for k in range(size)], date(2026, 1, 5))
    sides = []
    for sign in (1, -1):
        (n_t, m_t, s_t), (n_c, m_c, s_c) = arms
        spread = np.full(size, 1e3 * max(np.sqrt(t[-1, 2]), 1e-9))
        made = Means(n_t, n_c, sign * m_t, sign * m_c, s_t, s_c, spread)
        lambdas = bets(scale(take(made, slice(0, 0)), made, 0.0), None)
        sides.append(process(made, 0.0, lambdas).evidence(prior))
    both = log_sum_exp(np.stack(sides, axis=-1)) - np.log(2.0)
    return int(first((both >= BAR)[None])[0])


def _increments(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Units, mean and squares about it between looks, from cumulative units, mean and variance."""
    n, total = x[:, 0], x[:, 0] * x[:, 1]
    squares = x[:, 2] * np.maximum(n - 1.0, 0.0) + total * x[:, 1]
    dn, ds, dq = (np.diff(v, prepend=0.0) for v in (n, total, squares))
    mean = np.where(dn > 0, ds / np.where(dn > 0, dn, 1.0), 0.0)
    return np.maximum(dn, 0.0), mean, np.maximum(dq - dn * mean**2, 0.0)


@cache
def _snapshots() -> list[Floats]:
    """Of each stream: time, then units, mean and variance of control and of treatment, by look."""
    streams: dict[tuple[str, str, str], list[list[float]]] = {}
    with gzip.open(DATA / "asos_experiments" / "snapshots.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if not all(row.values()):
                continue  # a snapshot without a variance, before there were two units
            key = (row["experiment_id"], row["variant_id"], row["metric_id"])
            numbers = [float(row[f"{what}_{arm}"]) for arm in "ct" for what in ("count", "mean", "variance")]
            streams.setdefault(key, []).append([float(row["time_since_start"]), *numbers])
    return [np.array(sorted(rows)) for rows in streams.values()]


Line = tuple[str, tuple[str, ...], float | None, Any, int]


def cells() -> Iterator[Line]:
    """Section, words, budget, what finds it, and how many rollouts."""
    section = "Random splits of real tickets: nothing differs but chance"
    for which in ("ServiceNow", "Boston 311"):
        for ramp, tolerated, by_segment in (
            ("10/25/50 %", False, False), ("10/25/50 %", True, False), ("10/25/50 %", False, True),
            ("10 %", False, False), ("1 %", False, False),
        ):  # fmt: skip
            told = (
                which, "and by segment" if by_segment else "overall",
                "`worse_by: 5pp`, a day for hours" if tolerated else "`worse_by: 0`", ramp,
            )  # fmt: skip
            yield section, told, 0.05, partial(harmless, which, ramp, tolerated, by_segment), 500
    section = "200 streams of 39 real experiments (ASOS): told from none at 5 %"
    tests = {
        "last": "z-test at the last look", "gate": "the gate's evidence at any look", "some": "z-test at some look",
    }  # fmt: skip
    for which, words in tests.items():
        yield section, (words, "", "", ""), None, partial(asos, which), 200
