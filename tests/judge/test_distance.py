"""A column against its reference: what acts, what is only said, and what cannot be told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rampgate.aggregate.drift_bins import Categories, Edges
from rampgate.judge.distance import distances, row_of

BINS = Edges("score", (1.0, 2.0, 3.0), (0, 1), (0.5, 1.5, 2.5, 3.0), 1.0)
KINDS = Categories("kind", ("a", "b", "c"), more=False)
LEVELS = {"psi": 0.2, "missing": 0.1}
WARN = {"psi": 0.1, "missing": 0.05}


def row(bins, reference, current, missing=(0.0, 0.0), levels=LEVELS):
    found = distances(bins, np.array(reference, dtype=float), np.array(current, dtype=float), missing)
    return row_of(bins.name, bins.kind, found, levels, WARN)


def test_a_far_window_acts_and_a_near_one_passes():
    assert row(BINS, [400, 300, 300, 0], [100, 300, 600, 0]).verdict == "FAIL"
    near = row(BINS, [400, 300, 300, 0], [390, 310, 300, 0])
    assert (near.verdict, near.level) == ("PASS", None)


def test_the_same_shares_of_few_units_are_uncertain():
    many, few = row(BINS, [400, 300, 300, 0], [100, 300, 600, 0]), row(BINS, [400, 300, 300, 0], [2, 6, 12, 0])
    assert few.psi == pytest.approx(many.psi)
    assert (many.verdict, few.verdict, few.level) == ("FAIL", "INCONCLUSIVE", None)
    assert few.over == ("psi",)


def test_a_distance_on_its_way_is_said():
    found = row(BINS, [4000, 3000, 3000, 0], [2500, 3200, 4300, 0])
    assert found.psi is not None
    assert 0.1 < found.psi < 0.2
    assert (found.verdict, found.level) == ("PASS", "warn")


def test_large_samples_are_significant_and_near():
    """What is acted upon is how far it is, not how sure one is that it is not at the very same place."""
    found = row(BINS, [400_000, 300_000, 300_000, 0], [404_000, 300_000, 296_000, 0])
    assert found.p_value is not None
    assert found.p_value < 1e-6
    assert (found.verdict, found.level) == ("PASS", None)


def test_missing_values_act_by_themselves():
    found = row(BINS, [400, 300, 300, 0], [320, 240, 240, 0], missing=(0.0, 200.0))
    assert found.over == ("missing",)
    assert found.missing == pytest.approx(0.2)
    assert found.psi == pytest.approx(0.0, abs=1e-9)


def test_new_and_vanished_categories_are_told():
    found = row(KINDS, [500, 400, 100, 0], [500, 0, 100, 300])
    assert found.new == pytest.approx(1 / 3)
    assert found.vanished == ("b",)
    assert found.ks is None
    # One unit was to be expected: that it did not come says nothing.
    assert row(KINDS, [500, 499, 1, 0], [500, 500, 0, 0]).vanished == ()


def test_of_pooled_categories_nobody_knows_which_are_new():
    pooled = Categories("kind", ("a", "b", "c"), more=True)
    assert row(pooled, [500, 400, 100, 50], [500, 400, 100, 90]).new is None


@pytest.mark.parametrize("bins", [BINS, KINDS])
@pytest.mark.parametrize(
    ("reference", "current"), [([0] * 4, [1, 2, 3, 0]), ([1, 2, 3, 0], [0] * 4), ([0] * 4, [0] * 4)]
)
def test_nothing_known_is_no_data_and_no_exception(bins, reference, current):
    found = row(bins, reference, current, missing=(5.0, 5.0))
    assert found.verdict == "NO_DATA"
    assert (found.psi, found.js, found.ks, found.wasserstein) == (None,) * 4


def test_a_constant_that_moves_is_infinitely_far_in_its_own_deviations():
    constant = Edges("x", (4.9, 5.0, 6.0), (0, 1), (4.8, 5.0, 5.5, 6.0), 0.0)
    levels = {"wasserstein_scaled": 0.5}
    still, moved = (row(constant, [0, 100, 0, 0], c, levels=levels) for c in ([0, 90, 0, 0], [0, 0, 0, 90]))
    assert (still.verdict, still.wasserstein_scaled) == ("PASS", 0.0)
    assert (moved.verdict, moved.wasserstein_scaled) == ("FAIL", None)


def test_rows_survive_their_json_form():
    import json

    from rampgate.judge.drifted import Drifted

    for found in (
        row(BINS, [4, 3, 3, 0], [1, 3, 6, 0]),
        row(KINDS, [5, 4, 1, 0], [5, 0, 1, 3]),
        row(KINDS, [0] * 4, [0] * 4),
    ):
        data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert Drifted.from_dict(data).to_dict() == data
        assert not any(isinstance(x, float) and math.isnan(x) for x in data.values())
