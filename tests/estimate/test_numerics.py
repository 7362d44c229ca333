"""Nothing is NaN, and what is returned is defined, at the ends of what can be asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Literal

import numpy as np
import pytest
from tests.estimate.rows import moments

from rampgate.estimate import (
    Sample,
    confidence_sequence,
    cuped,
    evidence,
    kaplan_meier,
    log_rank_counts,
    mantel_haenszel,
    quantile,
    rare_evidence,
    ratio,
    sample_ratio,
    two_means,
    two_proportions,
)
from rampgate.estimate import interval as sequences
from rampgate.estimate.contrast import Contrast, Means, Proportions, Ratios, take
from rampgate.estimate.evidence import log_evidence
from rampgate.estimate.interval import log_increments
from rampgate.estimate.metric import contrast
from rampgate.estimate.reference import effect_bets, scale, usual_effect
from rampgate.policy import Policy, load_policy

BILLION = 1e9

#: Units and bad outcomes per period, (n_c, y_c, n_b, y_b).
COUNTS: dict[str, list[tuple[float, float, float, float]]] = {
    "one unit in each arm": [(1, 0, 1, 1)],
    "one unit in an arm": [(1, 1, 500, 20), (1, 0, 499, 0)],
    "a billion units": [(BILLION, 1.5e8, BILLION, 1.5e8), (BILLION, 1.6e8, BILLION, 1.5e8)],
    "a billion against one": [(1, 1, BILLION, 5)],
    "no candidate on a day": [(0, 0, 300, 30), (30, 3, 270, 30)],
    "no baseline on a day": [(30, 3, 0, 0), (30, 3, 270, 30)],
    "no candidate at all": [(0, 0, 300, 30)] * 3,
    "nobody": [(0, 0, 0, 0)] * 2,
    "all outcomes bad": [(40, 40, 60, 60)] * 3,
    "no outcome bad": [(40, 0, 60, 0)] * 3,
    "opposite": [(40, 40, 60, 0)] * 3,
    "identical arms": [(50, 5, 50, 5)] * 10,
}
MARGINS = (-1.0, -0.3, 0.0, 1e-9, 0.02, 1.0)


def columns(rows: Sequence[tuple[float, ...]]) -> list[np.ndarray]:
    return [np.array(x, dtype=float) for x in zip(*rows, strict=True)]


def proportions(rows: list[tuple[float, float, float, float]], r: float) -> Contrast:
    n_c, y_c, n_b, y_b = columns(rows)
    return Proportions(n_c, y_c, n_b, y_b, ratio=r)


def means(rows: list[tuple[float, float, float, float]], r: float) -> Contrast:
    """The same outcomes as values 0 and 1 around a mean of a billion."""
    n_c, y_c, n_b, y_b = columns(rows)
    (p, q) = (np.where(n > 0, y / np.maximum(n, 1), 0.0) for n, y in ((n_c, y_c), (n_b, y_b)))
    return Means(n_c, n_b, BILLION + p, BILLION + q, n_c * p * (1 - p), n_b * q * (1 - q), np.ones_like(p), ratio=r)


def ratios(rows: list[tuple[float, float, float, float]], r: float) -> Contrast:
    """The same outcomes over denominators of 1."""
    n_c, y_c, n_b, y_b = columns(rows)
    zero = np.zeros_like(n_c)
    yy_c, yy_b = (y - np.where(n > 0, y * y / np.maximum(n, 1), 0.0) for n, y in ((n_c, y_c), (n_b, y_b)))
    spread = np.ones_like(n_c)
    return Ratios(n_c, n_b, n_c, n_b, y_c, y_b, zero, zero, yy_c, zero, zero, yy_b, spread, ratio=r)


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("kind", [proportions, means, ratios])
@pytest.mark.parametrize("r", [1.0, 1.1, 0.9])
def test_every_contrast_is_defined(name: str, kind: Callable[..., Contrast], r: float) -> None:
    run = kind(COUNTS[name], r)
    known = scale(take(run, slice(0, 0)), run, 1.0)
    bets = effect_bets(known, usual_effect(known), 1.0)
    for margin in MARGINS:
        assert (run.variance(margin) >= 0).all()
        for direction in (1, -1):
            increments = log_increments(run, margin, bets, direction)
            assert not np.isnan(increments).any()
            found = log_evidence(increments, np.eye(1, len(COUNTS[name]))[0] * 0.5)
            assert not np.isnan(found).any()
    assert np.isfinite([run.weight, run.effect, run.bound, *run.levels()]).all()
    lower, upper = sequences.confidence_sequence(run, bets, 0.05, np.inf if kind is means else 1.0)
    both = bool((run.weight > 0).any())
    assert np.isnan([lower, upper]).tolist() == [not both] * 2
    if both:
        centre = float(sequences.effect(run))
        # A mean near a billion is known to 1.2e-7; a rate's interval is cut at -1 and 1.
        slack, centre = (1e-6, centre) if kind is means else (1e-9, float(np.clip(centre, -1, 1)))
        assert lower - slack <= centre <= upper + slack


# --- from rows: weights, unknown values, a large mean -----------------------------------


def policy(weight: float, centre: float) -> Policy:
    metrics: dict[str, Any] = {
        "right": {"kind": "proportion", "column": "right"},
        "csat": {"kind": "mean", "column": "csat", "best": centre + 5, "worst": centre + 1},
    }
    weights = {"right": 1 - weight, "csat": weight}
    return load_policy({"metrics": metrics, "kpi": {"weights": weights}, "phases": [{"traffic": "50%"}]})


def unit_rows(seed: int, n: int, centre: float, known: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    has = (rng.random(n) < known).astype(float)
    csat = (centre + rng.integers(1, 6, n)) * has
    right = (rng.random(n) < 0.8).astype(float)
    return {"right:value": right, "right:known": np.ones(n), "csat:value": csat, "csat:known": has}


@pytest.mark.parametrize("weight", [1e-6, 0.5, 1 - 1e-6])
@pytest.mark.parametrize("known", [1.0, 0.5, 0.0])
def test_kpi_is_defined_for_small_weights_and_unknown_values(weight: float, known: float) -> None:
    days = [(unit_rows(t, 200, 0.0, known), unit_rows(50 + t, 40, 0.0, known)) for t in range(4)]
    m = moments(days)
    run = take(contrast(policy(weight, 0.0), "kpi", m.arm(1), m.arm(0)), slice(None), 0)
    assert np.isfinite([run.weight, run.effect, run.bound, *run.levels()]).all()
    # Even if nearly all weight is on what nobody knows, something else still varies.
    assert (run.variance(0.0) > 0).all()


@pytest.mark.parametrize("name", ["csat", "kpi"])
@pytest.mark.parametrize("known", [1.0, 0.4])
@pytest.mark.parametrize("centre", [1e3, 1e6])
def test_a_large_mean_changes_nothing(name: str, known: float, centre: float) -> None:
    """The same values about 0 and about a million standard deviations: effects, bounds and variances are the same.

    A mean of 1e6 is known to 1e-10; where values are unknown, squares of 1e12 leave 3 digits after the point of each
    unit's.
    """

    def made(at: float) -> Contrast:
        days = [(unit_rows(t, 200, at, known), unit_rows(50 + t, 40, at, known)) for t in range(4)]
        m = moments(days)
        return take(contrast(policy(0.5, at), name, m.arm(1), m.arm(0)), slice(None), 0)

    plain, shifted = made(0.0), made(centre)
    assert shifted.effect == pytest.approx(plain.effect, abs=1e-8)
    assert shifted.bound == pytest.approx(plain.bound, abs=1e-8)
    assert shifted.variance(0.05) == pytest.approx(plain.variance(0.05), rel=5e-3)


@pytest.mark.parametrize("name", ["csat", "kpi"])
@pytest.mark.parametrize("known", [1.0, 0.4])
def test_digits_lost_to_a_mean_of_a_billion_never_look_like_certainty(name: str, known: float) -> None:
    made = []
    for at in (0.0, BILLION):
        days = [(unit_rows(t, 200, at, known), unit_rows(50 + t, 40, at, known)) for t in range(4)]
        m = moments(days)
        made.append(take(contrast(policy(0.5, at), name, m.arm(1), m.arm(0)), slice(None), 0))
    plain, shifted = made
    assert shifted.effect == pytest.approx(plain.effect, abs=1e-5)
    assert (shifted.variance(0.05) >= 0.9 * plain.variance(0.05)).all()


# --- the public functions ---------------------------------------------------------------


def defined(result: Any) -> None:
    for field in fields(result):
        value = getattr(result, field.name)
        if not isinstance(value, str):
            assert not np.isnan(value).any(), f"{field.name} of {result}"


@pytest.mark.parametrize("name", COUNTS)
def test_public_functions_of_counts_are_defined(name: str) -> None:
    n_c, y_c, n_b, y_b = columns(COUNTS[name])
    some = (n_c > 0) & (n_b > 0)
    ways: tuple[Literal["score", "wald"], ...] = ("score", "wald")
    for way in ways:
        if some.any():
            found = two_proportions(y_c[some], n_c[some], y_b[some], n_b[some], interval=way)
            defined(found)
            assert (found.lower <= found.difference).all()
            assert (found.difference <= found.upper).all()
            assert (found.relative_lower <= found.relative).all()
            assert (found.relative <= found.relative_upper).all()
    if some.any():
        pooled = mantel_haenszel(y_c, n_c, y_b, n_b)
        defined(pooled)
        assert pooled.lower < pooled.difference or pooled.difference == -1
        assert pooled.upper > pooled.difference or pooled.difference == 1
    defined(log_rank_counts(y_c, n_c, y_b, n_b))
    defined(kaplan_meier(y_c, n_c - y_c, np.arange(len(n_c) + 1.0)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.isnan(evidence(y_c, n_c, y_b, n_b, worse_by=0.01, expect=0.02).log_e).any()
        assert not np.isnan(rare_evidence(y_c, n_c, y_b, n_b).log_e).any()
        found_ = confidence_sequence(y_c, n_c, y_b, n_b)
    assert np.isnan(found_.lower).tolist() == (np.cumsum(some) == 0).tolist()
    if (n_c + n_b).sum():
        defined(sample_ratio(n_c, n_b, 0.5))


MEANS: dict[str, tuple[Any, Any]] = {
    "one unit in each arm": ([3.0], [2.0]),
    "one unit in an arm": ([3.0], [2.0, 2.5, 4.0]),
    "no variance": ([2.0, 2.0], [2.0, 2.0, 2.0]),
    "no variance and a difference": ([3.0, 3.0], [2.0, 2.0, 2.0]),
    "one arm varies": ([3.0, 3.0], [2.0, 4.0, 2.0]),
    "around 0": ([-1.0, 1.0], [-1.0, 1.0]),
    "a billion units": (Sample(BILLION, 3.001, 1.0), Sample(BILLION, 3.0, 1.0)),
}


@pytest.mark.parametrize("name", MEANS)
def test_means_are_defined(name: str) -> None:
    found = two_means(*MEANS[name])
    defined(found)
    assert found.lower <= found.difference <= found.upper
    if not isinstance(MEANS[name][0], Sample):
        c, b = MEANS[name]
        defined(ratio(c, np.ones(len(c)), b, np.ones(len(b))))
        defined(cuped(c, np.ones(len(c)), b, np.ones(len(b))))


def test_what_one_unit_says() -> None:
    nothing = two_means([3.0], [2.0])
    assert [float(x) for x in (nothing.lower, nothing.upper, nothing.p_value)] == [-np.inf, np.inf, 1.0]
    certain = two_means([3.0, 3.0], [2.0, 2.0])
    assert [float(x) for x in (certain.lower, certain.upper, certain.p_value)] == [1.0, 1.0, 0.0]


def test_a_mean_of_a_billion_keeps_its_digits() -> None:
    rng = np.random.default_rng(3)
    c, b = rng.normal(0.3, 1, 500), rng.normal(0, 1, 700)
    plain, shifted = two_means(c, b), two_means(BILLION + c, BILLION + b)
    # Values near a billion are themselves rounded to 1.2e-7.
    for name in ("difference", "standard_error", "lower", "upper", "p_value"):
        assert getattr(shifted, name) == pytest.approx(getattr(plain, name), abs=1e-6)
    assert shifted.relative_lower * BILLION == pytest.approx(plain.lower, abs=1e-6)


def test_percentiles_of_one_unit_and_of_a_billion() -> None:
    assert quantile([0, 1, 0], [1, 2, 4, 8], 0.5).value == pytest.approx(8**0.5)
    many = quantile([BILLION, BILLION], [0, 1, 2], 0.5)
    assert many.value == pytest.approx(1.0)
    assert many.upper - many.lower < 1e-4
