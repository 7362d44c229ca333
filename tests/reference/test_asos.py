"""The last look of 200 streams of real experiments: z, p-value and split (tests/data/asos_experiments)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from rampgate.estimate import Sample, goodness_of_fit, sample_ratio, two_means
from rampgate.estimate.distributions import normal_p

with (Path(__file__).parents[1] / "data" / "asos_experiments" / "final.csv").open(encoding="utf-8") as _file:
    ROWS = list(csv.DictReader(_file))


def column(name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in ROWS])


def test_z_and_p_of_every_stream() -> None:
    assert len(ROWS) == 200
    arms = [Sample(column(f"count_{a}"), column(f"mean_{a}"), column(f"variance_{a}")) for a in "tc"]
    found = two_means(*arms)
    # The reference prints ten digits.
    assert found.statistic == pytest.approx(column("z"), rel=1e-8)
    assert normal_p(found.statistic) == pytest.approx(column("p"), rel=1e-7)
    # Its p is the normal's; with 69,000 degrees of freedom and more, t's is that close.
    assert found.p_value == pytest.approx(column("p"), abs=1e-5)


def test_split_of_every_stream() -> None:
    for row, expected in zip(ROWS, column("srm_p"), strict=True):
        treated, control = float(row["count_t"]), float(row["count_c"])
        assert goodness_of_fit([treated, control], [1, 1]).p_value == pytest.approx(expected, rel=1e-7, abs=1e-300)
        assert sample_ratio([treated], [control], 0.5).chi_square_p == pytest.approx(expected, rel=1e-7, abs=1e-300)
