"""Cases made by hand: units as arrays, aggregated in numpy, for tests of the judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from rampgate.aggregate.moments import Cells, Intake, Period
from rampgate.judge.case import Case
from rampgate.judge.state import State
from rampgate.policy import Policy, load_policy

START = date(2026, 1, 5)


def policy(**changes: Any) -> Policy:
    """Two proportions and a KPI; every top-level key can be replaced."""
    content: dict[str, Any] = {
        "metrics": {
            "right": {"kind": "proportion", "column": "right"},
            "override": {"kind": "proportion", "column": "override", "better": "lower"},
        },
        "kpi": {"weights": {"right": 0.6, "override": 0.4}, "margin": "5pp"},
        "guardrails": {"override": {"margin": "5pp"}},
        "rollback": {"override": {"worse_by": "1pp", "expect": "4pp"}, "kpi": {"worse_by": "1pp"}},
        "phases": [
            {"traffic": "10%", "at_least": "7d", "minimum_units": 100},
            {"traffic": "50%", "at_least": "7d", "go": "non_inferior"},
            {"traffic": "100%"},
        ],
    }
    return load_policy({key: value for key, value in {**content, **changes}.items() if value is not None})


@dataclass(frozen=True)
class Units:
    """One row per unit: period, arm, segment values, and metric values (NaN is unknown)."""

    day: np.ndarray
    arm: np.ndarray
    metrics: Mapping[str, np.ndarray]
    segments: Mapping[str, np.ndarray] = field(default_factory=dict)

    def where(self, keep: np.ndarray) -> Units:
        return Units(
            self.day[keep],
            self.arm[keep],
            {name: x[keep] for name, x in self.metrics.items()},
            {name: x[keep] for name, x in self.segments.items()},
        )


def units(
    days: int = 10,
    per_day: int = 300,
    traffic: float = 0.1,
    rates: Mapping[str, tuple[float, float]] | None = None,
    seed: int = 1,
    queues: tuple[str, ...] = (),
    harm: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> Units:
    """Random units; ``rates`` are baseline's and candidate's. ``harm`` adds to override, given day and queue."""
    rates = {"right": (0.85, 0.85), "override": (0.15, 0.15)} if rates is None else rates
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), per_day)
    arm = (rng.random(len(day)) < traffic).astype(int)
    queue = rng.choice(np.array(queues or ("all",), dtype=object), len(day))
    metrics = {}
    for name, (base, cand) in rates.items():
        chance = np.where(arm == 1, cand, base)
        if harm is not None and name == "override":
            chance = chance + np.where(arm == 1, harm(day, queue), 0.0)
        metrics[name] = (rng.random(len(day)) < chance).astype(float)
    return Units(day, arm, metrics, {"queue": queue} if queues else {})


def cells(made: Units, days: int) -> Cells:
    """The finest cells of the units over ``days`` daily periods from START."""
    names = tuple(part for name in made.metrics for part in (f"{name}:value", f"{name}:known"))
    pairs = tuple((i, j) for i in range(len(names)) for j in range(i, len(names)))
    segments = tuple(made.segments)
    columns = []
    for x in made.metrics.values():
        known = ~np.isnan(x)
        columns += [np.where(known, x, 0.0), known.astype(float)]
    matrix = np.array(columns).T if columns else np.zeros((len(made.day), 0))
    labels = [made.segments[s] for s in segments]
    keys = sorted(set(zip(made.day.tolist(), made.arm.tolist(), *labels, strict=True)))
    rows = []
    for key in keys:
        inside = (made.day == key[0]) & (made.arm == key[1])
        for s, value in zip(segments, key[2:], strict=True):
            inside &= made.segments[s] == value
        x = matrix[inside]
        centred = x - x.mean(0)
        comoment = [float(centred[:, i] @ centred[:, j]) for i, j in pairs]
        rows.append((key, float(len(x)), x.mean(0), comoment, x.min(0), x.max(0)))
    k, p = len(names), len(pairs)
    return Cells(
        names,
        pairs,
        tuple(period(i) for i in range(days)),
        segments,
        np.array([r[0][0] for r in rows], dtype=np.int64),
        np.array([r[0][1] for r in rows], dtype=np.int64),
        tuple(tuple(r[0][2:]) for r in rows),
        np.array([r[1] for r in rows]),
        np.array([r[2] for r in rows]).reshape(len(rows), k),
        np.array([r[3] for r in rows]).reshape(len(rows), p),
        np.array([r[4] for r in rows]).reshape(len(rows), k),
        np.array([r[5] for r in rows]).reshape(len(rows), k),
        np.zeros((len(rows), len(made.metrics)), dtype=np.int64),
        tuple("0" for _ in rows),
    )


def midnight(day: int) -> datetime:
    return datetime(START.year, START.month, START.day, tzinfo=UTC) + timedelta(days=day)


def period(index: int) -> Period:
    return Period(START + timedelta(days=index), 0, midnight(index), midnight(index + 1))


def intake(made: Units, days: int, **changes: Any) -> Intake:
    n = len(made.day)
    newest = midnight(int(made.day.max())) + timedelta(hours=23) if n else None
    base = Intake(n, n, 0, 0, 0, 0, 0, (), 0, None, (), newest)
    return replace(base, **changes)


def state(phase: int = 1, since: int = 0, **changes: Any) -> State:
    phases = tuple((i + 1, midnight(0 if i + 1 < phase else since)) for i in range(phase))
    return replace(State(1, "candidate", START, phases), **changes)


def case(made: Units, days: int = 10, rules: Policy | None = None, at: State | None = None, **changes: Any) -> Case:
    """A look at the end of the last day."""
    look = midnight(days)
    return Case(rules or policy(), cells(made, days), intake(made, days, **changes), at or state(), look, look)
