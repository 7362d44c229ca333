"""Distances of a real model's columns against scikit-learn and statsmodels (tests/reference/distances.json)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rampgate
from rampgate.estimate.distances import chi_square, jensen_shannon

HERE = Path(__file__).parent
NUMBERS = json.loads((HERE / "distances.json").read_text("utf-8"))
TABLE = HERE.parent / "data" / "employment_ma_model" / "employment_ma_2015_2018.csv.gz"


@pytest.mark.parametrize("case", NUMBERS["categories"], ids=lambda case: case["column"])
def test_jensen_shannon_and_chi_square(case) -> None:
    one, other = np.array(case["counts"], dtype=float)
    # The root of a difference of logarithms near 1: ten digits of the divergence are five or six of the distance.
    assert jensen_shannon(one, other) == pytest.approx(case["js"], rel=1e-5)
    found = chi_square(one, other)
    assert found.statistic == pytest.approx(case["chi_square"], rel=1e-9)
    assert found.p_value == pytest.approx(case["p_value"], rel=1e-6)


def test_ten_bins_of_equal_share_and_the_shares_in_them() -> None:
    frame = pd.read_csv(TABLE)
    expected = NUMBERS["predicted_probability"]
    before, after = (frame[frame.year == year] for year in (2015, 2018))
    row = rampgate.drift(before, after, ["predicted_probability"])["predicted_probability"]
    assert [label.rsplit(" ", 1)[1] for label, *_ in row.bins[:-1]] == [f"{end:.6g}" for end in expected["ends"]]
    # A value at an end belongs to the bin below it here and above it there. At the first end lie 3 % of the units, so
    # that the first two bins are compared together; at the others a few of 12,000.
    for theirs, ours in ((expected["reference"], 1), (expected["current"], 2)):
        shares = np.array([one[ours] for one in row.bins], dtype=float)
        assert sum(shares[:2]) == pytest.approx(sum(theirs[:2]), abs=0.003)
        assert shares[2:] == pytest.approx(theirs[2:], abs=0.003)
