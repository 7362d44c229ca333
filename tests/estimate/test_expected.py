"""Shares expected by scores: against scikit-learn, by simulation, and where they are known to fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rampgate.errors import UsageError
from rampgate.estimate import expected_share
from rampgate.estimate.expected import rising

SCORES = json.loads((Path(__file__).parents[1] / "reference" / "scores.json").read_text("utf-8"))


@pytest.mark.parametrize("case", SCORES["isotonic"], ids=lambda case: case["name"])
def test_the_rising_shares_are_those_of_scikit_learn(case: dict[str, Any]) -> None:
    shares, units = rising(np.array(case["true"]), np.array(case["known"]))
    # Both solve the same least squares; sums differ in their last bits.
    np.testing.assert_allclose(shares, case["fitted"], atol=1e-12)
    assert (np.diff(shares) >= 0).all()
    assert units.min() >= 1


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), min_size=1, max_size=40))
def test_rising_keeps_the_sum_and_what_rises_already(pairs: list[tuple[int, int]]) -> None:
    true, known = (np.array([min(a, b) for a, b in pairs], dtype=float), np.array([b for _, b in pairs], dtype=float))
    shares, _ = rising(true, known)
    assert (shares * known).sum() == pytest.approx(true.sum())
    assert (np.diff(shares) >= -1e-12).all()
    again, _ = rising(shares * known, known)
    np.testing.assert_allclose(again, shares, atol=1e-9)


def world(rng: np.random.Generator, units: int, hard: float = 1.5, trust: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Scores and outcomes of units: ``hard`` makes units harder, ``trust`` is how much of a score comes true."""
    scores = rng.beta(5, hard, units)
    return scores, rng.random(units) < trust * scores


def test_harder_units_are_seen_and_the_interval_holds() -> None:
    """Covariate shift: scores fall and still mean the same. 400 draws, level 95 %."""
    rng, inside, shifts = np.random.default_rng(1), 0, []
    for _ in range(400):
        past, known = world(rng, 2000)
        now, hidden = world(rng, 500, hard=3.0)
        found = expected_share(past, known, now)
        inside += found.lower <= hidden.mean() <= found.upper
        shifts.append(found.value - hidden.mean())
    # Three Monte-Carlo errors of a share of 95 % are 3.3 points.
    assert inside / 400 >= 0.95 - 3.3e-2
    assert abs(np.mean(shifts)) < 0.01


def test_concept_drift_is_not_seen() -> None:
    """Its known failure: scores stay and no longer come true as often. The estimate stays too, far from the truth."""
    rng, inside = np.random.default_rng(2), 0
    for _ in range(100):
        past, known = world(rng, 2000)
        now, hidden = world(rng, 500, trust=0.7)
        found = expected_share(past, known, now)
        inside += found.lower <= hidden.mean() <= found.upper
        assert found.value == pytest.approx(known.mean(), abs=0.06)
    assert inside <= 5


def test_scores_beyond_the_reference_are_told() -> None:
    rng = np.random.default_rng(3)
    past, known = world(rng, 500)
    found = expected_share(past, known, np.array([0.0, 0.5, 1.0, 1.0]))
    assert found.beyond == 0.75
    assert "not observed" in repr(found)


@pytest.mark.parametrize(
    ("past", "outcomes", "now", "message"),
    [
        (np.ones(50), np.ones(50), np.ones(3), "50 known outcomes"),
        (np.ones(150), np.full(150, 2.0), np.ones(3), "neither 0 nor 1"),
        (np.ones(150), np.ones(149), np.ones(3), "150 scores and 149 outcomes"),
        (np.ones(150), np.ones(150), np.ones(0), "no score"),
        (np.full(150, np.nan), np.ones(150), np.ones(3), "NaN"),
    ],
)
def test_what_says_nothing_is_refused(past: Any, outcomes: Any, now: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        expected_share(past, outcomes, now)
