"""Fixed-sample estimates against R, statsmodels and lifelines: numbers in r.json and python.json, scripts in scripts/.

A tolerance without another reason is 1e-9 relative: both sides work in doubles, and R's JSON has 15 digits.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from rampgate.estimate import (
    KaplanMeier,
    cuped,
    goodness_of_fit,
    log_edges,
    log_rank,
    mantel_haenszel,
    quantile,
    ratio,
    sample_ratio,
    two_means,
    two_proportions,
)
from rampgate.estimate.distributions import normal_quantile
from rampgate.estimate.fixed import wilson

HERE = Path(__file__).parent
R: dict[str, Any] = json.loads((HERE / "r.json").read_text("utf-8"))
PYTHON: dict[str, Any] = json.loads((HERE / "python.json").read_text("utf-8"))
CLOSE = 1e-9
Z = normal_quantile(0.95)


def close(expected: Any) -> Any:
    return pytest.approx(expected, rel=CLOSE, abs=1e-12)


def column(name: str) -> np.ndarray:
    with (HERE.parent / "data" / "survival" / "lung.csv").open(encoding="utf-8") as file:
        return np.array([float(row[name]) for row in csv.DictReader(file)])


TIME, EVENT, AGE = column("time"), column("event"), column("age")
MALE = column("sex") == 1


@pytest.mark.parametrize("case", R["proportions"], ids=lambda case: str(case["table"]))
def test_proportions_against_r(case: dict[str, Any]) -> None:
    found = two_proportions(*case["table"], interval="wald")
    assert found.p_value == close(case["p"])
    assert found.statistic**2 == close(case["chi2"])
    # prop.test cuts at -1 and 1, which none of these tables reaches.
    assert [found.lower, found.upper] == close(case["wald"])
    y_c, n_c, y_b, n_b = (np.asarray(float(x)) for x in case["table"])
    assert [list(wilson(y_c, n_c, Z)), list(wilson(y_b, n_b, Z))] == [close(ends) for ends in case["wilson"]]


@pytest.mark.parametrize("case", PYTHON["proportions"], ids=lambda case: str(case["table"]))
def test_proportions_against_statsmodels(case: dict[str, Any]) -> None:
    found = two_proportions(*case["table"])
    assert [found.lower, found.upper] == close(case["newcombe"])
    if "katz" in case:
        katz = two_proportions(*case["table"], interval="wald")
        assert [1 + katz.relative_lower, 1 + katz.relative_upper] == close(case["katz"])


def test_katz_against_metafor() -> None:
    katz = two_proportions(30, 120, 57, 380, interval="wald")
    centre, se = R["katz"]["log_ratio"], R["katz"]["se"]
    assert np.log1p([katz.relative, katz.relative_lower, katz.relative_upper]) == close(
        [centre, centre - Z * se, centre + Z * se]
    )


@pytest.mark.parametrize(
    "table", [(30, 120, 57, 380), (3, 10, 1, 12), (5000, 100_000, 4800, 100_000), (50, 50, 55, 60)]
)
def test_the_ratio_of_donner_and_zou_is_where_newcombes_interval_for_the_rest_reaches_0(
    table: tuple[int, int, int, int],
) -> None:
    """No package at hand has it; its defining equation is solved by SciPy."""
    c, b = table[0] / table[1], table[2] / table[3]
    (l_c, u_c), (l_b, u_b) = (
        [float(x) for x in wilson(np.asarray(float(y)), np.asarray(float(n)), Z)] for y, n in (table[:2], table[2:])
    )

    def low(r: float) -> float:
        return float(c - r * b - np.hypot(c - l_c, r * (u_b - b)))

    def high(r: float) -> float:
        return float(c - r * b + np.hypot(u_c - c, r * (b - l_b)))

    found = two_proportions(*table)
    assert 1 + found.relative_lower == close(brentq(low, 0, c / b, xtol=1e-14))
    assert 1 + found.relative_upper == close(brentq(high, c / b, 1e3, xtol=1e-14))


def test_strata_against_metafor() -> None:
    expected = R["mantel_haenszel"]
    counts = [[row[name] for row in expected["strata"]] for name in ("y_c", "n_c", "y_b", "n_b")]
    found = mantel_haenszel(*counts)
    assert found.difference == close(expected["difference"])
    assert found.standard_error == close(expected["se"])
    assert found.statistic**2 == close(expected["chi2"])
    assert found.p_value == close(expected["p"])
    centre, se = expected["log_ratio"], expected["log_ratio_se"]
    assert np.log1p([found.relative, found.relative_lower, found.relative_upper]) == close(
        [centre, centre - Z * se, centre + Z * se]
    )


def test_the_interval_over_strata_is_where_the_score_reaches_z() -> None:
    counts = [
        np.array([row[name] for row in R["mantel_haenszel"]["strata"]], float) for name in ("y_c", "n_c", "y_b", "n_b")
    ]
    found = mantel_haenszel(*counts)

    def beyond(m: float) -> float:
        score = variance = 0.0
        for y_c, n_c, y_b, n_b in zip(*counts, strict=True):
            n = n_c + n_b
            h = n_c * n_b / n
            q_b = min(max((y_c + y_b - n_c * m) / n, 0, -m), 1, 1 - m)
            score += h * (y_c / n_c - y_b / n_b - m)
            variance += h * h * ((q_b + m) * (1 - q_b - m) / n_c + q_b * (1 - q_b) / n_b)
        return float(abs(score) - Z * variance**0.5)

    centre = float(found.difference)
    assert found.lower == close(brentq(beyond, -0.5, centre, xtol=1e-14))
    assert found.upper == close(brentq(beyond, centre, 0.5, xtol=1e-14))


def test_welch_against_r_and_statsmodels() -> None:
    found, expected = two_means(AGE[~MALE], AGE[MALE]), R["welch"]
    assert found.difference == close(expected["difference"])
    assert found.standard_error == close(expected["se"])
    assert found.statistic == close(expected["t"])
    assert found.p_value == close(expected["p"])
    assert [found.lower, found.upper] == close(expected["interval"])
    assert [found.lower, found.upper] == close(PYTHON["means"]["welch"])
    small = two_means([3.1, 2.8, 3.9, 3.3], [2.9, 2.5, 3.0, 2.7, 2.6])
    assert small.p_value == close(R["welch_small"]["p"])
    assert [small.lower, small.upper] == close(R["welch_small"]["interval"])


def test_the_relative_interval_of_means_is_where_the_test_of_the_rest_reaches_its_bound() -> None:
    """Fieller's: the defining equation is solved by SciPy, with the critical value that the interval shows."""
    found = two_means(AGE[~MALE], AGE[MALE])
    critical = float((found.upper - found.difference) / found.standard_error)
    c, b = AGE[~MALE], AGE[MALE]
    v_c, v_b = c.var(ddof=1) / len(c), b.var(ddof=1) / len(b)

    def beyond(r: float) -> float:
        return float(abs(c.mean() - (1 + r) * b.mean()) - critical * np.sqrt(v_c + (1 + r) ** 2 * v_b))

    assert found.relative_lower == close(brentq(beyond, -0.5, float(found.relative), xtol=1e-15))
    assert found.relative_upper == close(brentq(beyond, float(found.relative), 0.5, xtol=1e-15))


def test_ratio_against_survey() -> None:
    """R's svyratio linearises the ratio of a sample of units: the delta method."""
    found = ratio(TIME[~MALE], AGE[~MALE], TIME[MALE], AGE[MALE])
    one, two = R["ratio"]["sex1"], R["ratio"]["sex2"]
    assert [found.baseline, found.candidate] == close([one["ratio"], two["ratio"]])
    assert found.standard_error == close(np.hypot(one["se"], two["se"]))
    assert found.upper - found.difference == close(Z * np.hypot(one["se"], two["se"]))


def test_cuped_against_least_squares() -> None:
    found = cuped(TIME[~MALE], AGE[~MALE], TIME[MALE], AGE[MALE])
    assert found.difference == close(R["cuped"]["difference"])
    assert found.difference == close(PYTHON["means"]["least_squares"])
    assert found.slope == close(R["cuped"]["slope"])
    # Its error is Welch's of what is left, by the test above.
    rest = TIME - found.slope * AGE
    assert found.standard_error == close(float(two_means(rest[~MALE], rest[MALE]).standard_error))


def curves() -> list[KaplanMeier]:
    return [KaplanMeier.of(TIME[sex], EVENT[sex]) for sex in (MALE, ~MALE)]


def test_kaplan_meier_against_r_and_lifelines() -> None:
    expected = R["kaplan_meier"]
    found = curves()
    assert np.concatenate([curve.at([180, 365, 540]) for curve in found]) == close(expected["survival"])
    assert np.concatenate([curve.error_at([180, 365, 540]) for curve in found]) == close(expected["se"])
    for curve, other in zip(found, PYTHON["survival"]["survival"], strict=True):
        assert curve.at([180, 365, 540]) == close(other)
    everybody = KaplanMeier.of(TIME, EVENT)
    low, high = everybody.interval()
    place = np.searchsorted(everybody.edges, [180, 365, 540], side="right") - 1
    assert low[place] == close(R["kaplan_meier_all"]["lower"])
    assert high[place] == close(R["kaplan_meier_all"]["upper"])


def test_restricted_mean_against_r_and_lifelines() -> None:
    found = curves()
    assert [curve.restricted_mean(365) for curve in found] == close(R["restricted_mean"]["mean"])
    assert [curve.restricted_mean_error(365) for curve in found] == close(R["restricted_mean"]["se"])
    assert [curve.restricted_mean(365) for curve in found] == close(PYTHON["survival"]["restricted_mean"])


@pytest.mark.parametrize("stratified", [False, True])
def test_log_rank_against_r_and_lifelines(stratified: bool) -> None:
    old = AGE >= 65
    strata = {"strata_c": old[~MALE], "strata_b": old[MALE]} if stratified else {}
    found = log_rank(TIME[~MALE], EVENT[~MALE], TIME[MALE], EVENT[MALE], **strata)
    expected = R["log_rank_stratified" if stratified else "log_rank"]
    assert [found.observed, found.expected, found.variance] == close(
        [expected[k] for k in ("observed", "expected", "variance")]
    )
    assert found.statistic**2 == close(expected["chi2"])
    # Peto's one-step ratio of R's numbers.
    gap, variance = expected["observed"] - expected["expected"], expected["variance"]
    peto = [(gap + k * Z * variance**0.5) / variance for k in (0, -1, 1)]
    assert np.log([found.hazard_ratio, found.lower, found.upper]) == close(peto)
    if not stratified:
        assert [found.statistic**2, found.p_value] == close(PYTHON["survival"]["log_rank"])


def test_split_against_r() -> None:
    case = R["split"]
    assert goodness_of_fit(case["units"], case["weights"]).p_value == close(case["p"])
    assert sample_ratio([case["units"][0]], [case["units"][1]], 0.1).chi_square_p == close(case["p"])


def test_percentiles_against_survey() -> None:
    """R works on the times themselves: bins 1 % apart, and the gap to the next time seen, make up to 3 %."""
    edges = log_edges(1, 1100, error=0.005)
    units = np.histogram(TIME, edges)[0]
    for q, value, ends in zip(*(R["woodruff"][k] for k in ("q", "value", "interval")), strict=True):
        found = quantile(units, edges, q)
        assert [found.value, found.lower, found.upper] == pytest.approx([value, *ends], rel=0.03)
