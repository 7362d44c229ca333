"""The cases of tests/data/oracles: numbers from other projects' tests, from tables and from R."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rampgate.estimate import KaplanMeier, Sample, goodness_of_fit, log_rank, two_means, two_proportions
from rampgate.estimate.difference import Difference
from rampgate.estimate.distances import hellinger

DATA = Path(__file__).parents[1] / "data"
CASES: dict[str, dict[str, Any]] = {
    case["id"]: case for case in json.loads((DATA / "oracles" / "oracle_cases_public.json").read_text("utf-8"))
}

#: Cases of quantities that this version does not compute, and why.
NOT_COMPUTED = {
    "proportion_diff-004": "Fisher's exact test: the gate's proportions are bounded increments, exact in another way",
    "confidence_sequence-002": "an asymptotic sequence of the relative difference; its estimate is checked below",
    "multiplicity-001": "false discovery rates: the gate's families are weighted sums of e-values",
    "confseq-001": "normal-mixture boundary: plug-in radii miss at low rates (statistics, 4)",
    "confseq-005": "normal-mixture boundary",
    "confseq-016": "a sequence for one proportion: the gate compares two",
    **dict.fromkeys(
        (f"group_sequential-{n}" for n in ("007", "008", "011", "012", "023")),
        "planned looks: evidence here may be looked at any time",
    ),
    "power-003": "exact power of one binomial: planning is by simulation",
    "effect_size-002": "common-language effect size: not shown",
    **dict.fromkeys(
        ("weighted_score-001", "weighted_score-005", "weighted_score-008"),
        "a share of passed checks: the weighted KPI is a number with an interval",
    ),
    "decision_table-001": "a peer's rule of counting failures: verdicts are tested in tests/judge",
    "decision_table-004": "a peer's rule of counting inconclusive runs",
}


def of_sums(arm: dict[str, float]) -> Sample:
    n, total, squares = arm["n"], arm["sum"], arm["sum_squares"]
    return Sample(n, total / n, (squares - total**2 / n) / (n - 1))


def welch(inputs: dict[str, Any], level: float = 0.95) -> Difference:
    return two_means(of_sums(inputs["b"]), of_sums(inputs["a"]), level=level)


def mean_diff(inputs: dict[str, Any]) -> list[Any]:
    d = welch(inputs)
    return [d.difference, d.standard_error, d.lower, d.upper, d.p_value]


def mean_diff_one_sided(inputs: dict[str, Any]) -> list[Any]:
    d = welch(inputs, level=1 - 2 * inputs["alpha"])
    # Against b < a: the mass below t, and t is positive here.
    return [d.difference, d.upper, 1 - d.p_value / 2]


def wald(inputs: dict[str, Any]) -> list[Any]:
    c, b = inputs["treatment"], inputs["control"]
    d = two_proportions(c["successes"], c["n"], b["successes"], b["n"], level=inputs["confidence"], interval="wald")
    return [d.difference, d.lower, d.upper, d.p_value]


def arms() -> list[tuple[np.ndarray, np.ndarray]]:
    with (DATA / "survival" / "lung.csv").open(encoding="utf-8") as file:
        rows = [(row["sex"], float(row["time"]), float(row["event"])) for row in csv.DictReader(file)]
    return [
        (np.array([t for s, t, _ in rows if s == sex]), np.array([e for s, _, e in rows if s == sex])) for sex in "12"
    ]


def kaplan_meier(inputs: dict[str, Any]) -> list[Any]:
    return [float(s) for arm in arms() for s in KaplanMeier.of(*arm).at(inputs["times"])]


def rmst(inputs: dict[str, Any]) -> list[Any]:
    curves = [KaplanMeier.of(*arm) for arm in arms()]
    return [f(inputs["tau"]) for curve in curves for f in (curve.restricted_mean, curve.restricted_mean_error)]


def logrank(inputs: dict[str, Any]) -> list[Any]:
    d = log_rank(*arms()[1], *arms()[0])
    return [d.statistic**2, d.p_value]


def srm(inputs: dict[str, Any]) -> list[Any]:
    return [goodness_of_fit(inputs["observed"], inputs["weights"]).p_value]


def hellinger_distance(inputs: dict[str, Any]) -> list[Any]:
    counts = (np.array(inputs[key], dtype=float) for key in ("reference_counts", "current_counts"))
    return [float(hellinger(*counts))]


COMPUTED: dict[str, Callable[[dict[str, Any]], list[Any]]] = {
    "mean_diff-002": mean_diff,
    "mean_diff-006": mean_diff_one_sided,
    "proportion_diff-008": wald,
    "kaplan_meier-001": kaplan_meier,
    "rmst-002": rmst,
    "logrank-001": logrank,
    "srm-004": srm,
    "drift_cat-002": hellinger_distance,
}


def test_every_case_is_computed_or_says_why_not() -> None:
    assert len(CASES) == 26
    assert {*COMPUTED, *NOT_COMPUTED} == set(CASES)


@pytest.mark.parametrize("name", COMPUTED)
def test_case(name: str) -> None:
    case = CASES[name]
    # Tolerances are the cases' own: the digits that their sources print.
    assert COMPUTED[name](case["inputs"]) == pytest.approx(np.ravel(case["expected"]), rel=0, abs=case["tolerance"])


def test_the_estimate_of_the_relative_case() -> None:
    case = CASES["confidence_sequence-002"]
    a, b = case["inputs"]["a"], case["inputs"]["b"]
    found = two_proportions(b["successes"], b["n"], a["successes"], a["n"])
    assert found.relative == pytest.approx(case["expected"][0], rel=0, abs=case["tolerance"])
