"""Random splits of the real ServiceNow log as cases: nothing differs between the arms but chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import rampgate
from rampgate.aggregate.calendar import local_midnight
from rampgate.aggregate.moments import Cells, Intake, Period
from rampgate.judge.case import Case
from rampgate.judge.state import State
from rampgate.policy import Policy, load_policy

SHIPPED = Path(rampgate.__file__).parent / "demo" / "data" / "incidents.csv.gz"
BINARY = ("made_sla", "reopened")
METRICS = (*BINARY, "moves")
SEGMENTS = ("priority", "category")
Floats = np.ndarray[Any, Any]
#: Categories with fewer incidents are taken as one.
LARGE = 500


def policy(segments: tuple[str, ...] = SEGMENTS) -> Policy:
    return load_policy(
        {
            "baseline": "v1",
            "candidate": "v2",
            "source": {"unit": "number", "time": "opened_at", "variant": "version"},
            "metrics": {
                "made_sla": {"kind": "proportion", "column": "made_sla"},
                "reopened": {"kind": "proportion", "column": "reopened", "better": "lower"},
                "moves": {"kind": "mean", "column": "moves", "better": "lower"},
            },
            "kpi": {"weights": {"made_sla": 0.5, "reopened": 0.5}},
            "phases": [{"traffic": 1.0}],
            **({"segments": {"by": list(segments)}} if segments else {}),
        }
    )


@dataclass(frozen=True)
class Log:
    """Units of the log: place of the day, values (unit, metric), segment values (unit, column)."""

    days: list[date]
    day: Floats
    values: Floats
    segments: Floats

    @classmethod
    def read(cls) -> Log:
        frame = pd.read_csv(SHIPPED, dtype={"priority": str, "category": str})
        day = pd.to_datetime(frame.opened_at).dt.date
        days = sorted(set(day))
        values = np.column_stack([frame.made_sla, frame.reopen_count > 0, frame.reassignment_count]).astype(float)
        counts = frame.category.fillna("(unknown)").map(frame.category.fillna("(unknown)").value_counts())
        frame["category"] = frame.category.where(counts >= LARGE, "others")
        segments = frame[list(SEGMENTS)].astype(str).to_numpy()
        return cls(days, np.searchsorted(np.array(days), day.to_numpy()), values, segments)


def ramp(log: Log, shares: list[float]) -> Floats:
    """The candidate's share for each unit: one per week, the last one from then on."""
    week = np.array([(day - log.days[0]).days // 7 for day in log.days])
    of_day: Floats = np.array(shares)[np.minimum(week, len(shares) - 1)]
    return np.asarray(of_day[log.day])


def case_of(
    log: Log, candidate: Floats, harm: Callable[[Floats], Floats] | None = None, rules: Policy | None = None
) -> Case:
    """One split; ``harm`` turns the candidate's values into others."""
    rules = rules or policy()
    values = log.values.copy()
    if harm is not None:
        values[candidate] = harm(values[candidate])
    start = log.days[0]
    days = [start + timedelta(days=i) for i in range((log.days[-1] - start).days + 1)]
    place = np.array([(day - start).days for day in log.days])[log.day]
    look = local_midnight(days[-1] + timedelta(days=1), rules.zone)
    n = len(values)
    intake = Intake(n, n, 0, 0, 0, 0, 0, (), 0, None, (), look - timedelta(minutes=1))
    made = cells(days, place, candidate.astype(int), values, log.segments if rules.segments else log.segments[:, :0])
    return Case(rules, made, intake, State(candidate="v2", start=start), look, look)


def cells(days: list[date], place: Floats, arm: Floats, values: Floats, segments: Floats) -> Cells:
    """The finest cells in numpy; every value is known."""
    codes = [np.unique(column, return_inverse=True) for column in segments.T]
    keys = np.column_stack([place, arm, *(code for _, code in codes)])
    rows, inverse = np.unique(keys, axis=0, return_inverse=True)
    inverse, width = inverse.ravel(), len(rows)
    matrix = np.column_stack([x for column in values.T for x in (column, np.ones(len(column)))])
    n = np.bincount(inverse, minlength=width).astype(float)
    mean = np.column_stack([np.bincount(inverse, x, width) for x in matrix.T]) / n[:, None]
    centred = matrix - mean[inverse]
    names = tuple(f"{name}:{part}" for name in METRICS for part in ("value", "known"))
    pairs = tuple((i, j) for i in range(len(names)) for j in range(i, len(names)))
    comoment = np.column_stack([np.bincount(inverse, centred[:, i] * centred[:, j], width) for i, j in pairs])
    low, high = np.full((width, len(names)), np.inf), np.full((width, len(names)), -np.inf)
    np.minimum.at(low, inverse, matrix)
    np.maximum.at(high, inverse, matrix)
    labels = [found[rows[:, 2 + i]] for i, (found, _) in enumerate(codes)]
    place_, arm_ = (rows[:, i].astype(np.int64) for i in (0, 1))
    return Cells(
        names, pairs, tuple(_period(day) for day in days), SEGMENTS[: len(codes)], place_, arm_,
        tuple(tuple(str(x) for x in values) for values in zip(*labels, strict=True)) if labels else ((),) * width,
        n, mean, np.asarray(comoment), low, high, np.zeros((width, len(METRICS)), dtype=np.int64), ("0",) * width,
    )  # fmt: skip


def _period(day: date) -> Period:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Period(day, 0, start, start + timedelta(days=1))
