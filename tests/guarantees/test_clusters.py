"""Assigned by cluster, budgets hold where the variance of units breaks them; more cells in benchmarks/clusters.py."""

from __future__ import annotations

import numpy as np
import pytest
from tests.guarantees.cluster_rollouts import Design, passed, rolled_back, rollouts

ROLLOUTS = 400
ERROR = float(np.sqrt(0.05 * 0.95 / ROLLOUTS))

DESIGNS = [
    Design([20], icc=0.05),
    Design([5], icc=0.05, sizes="unequal"),
    Design([20], icc=0.2, sizes="more if worse"),
    Design([5, 10, 20], icc=0.2, sizes="more if worse"),
    Design([5, 10, 20], icc=0.05, afresh=True),
]


def told(design: Design) -> str:
    ramp = "-".join(map(str, design.steps)) + (" drawn afresh" if design.afresh else "")
    return f"{ramp} of {design.clusters} clusters, ICC {design.icc:g}, sizes {design.sizes}"


@pytest.mark.parametrize("design", DESIGNS, ids=told)
@pytest.mark.parametrize("better", [False, True], ids=["worse", "better"])
def test_a_harmless_candidate_is_rarely_rolled_back(design: Design, better: bool, record_property) -> None:
    unit, made = rollouts(np.random.default_rng(1), design, ROLLOUTS, better=better)
    by_unit, by_cluster = rolled_back(unit)[0], rolled_back(made)[0]
    record_property(
        "figure",
        f"{told(design)}, {'better' if better else 'worse'} side: rolled back {by_cluster:.1%} by cluster, "
        f"{by_unit:.1%} by unit (budget 5 %, error {ERROR:.1%})",
    )
    assert by_cluster <= 0.05 + 2 * ERROR
    assert by_unit > 0.15


@pytest.mark.parametrize("design", DESIGNS, ids=told)
def test_at_the_margin(design: Design, record_property) -> None:
    """Exactly 5 points worse: neither rolled back at ``worse_by: 5pp`` nor shown to be within 5 points."""
    made = rollouts(np.random.default_rng(2), design, ROLLOUTS, harm=0.05)[1]
    back, go = rolled_back(made, 0.05)[0], passed(made, 0.05)
    record_property(
        "figure", f"{told(design)}, 5 points worse at a margin of 5: rolled back {back:.1%}, passed {go:.1%}"
    )
    assert back <= 0.05 + 2 * ERROR
    assert go <= 0.05 + 2 * ERROR


def test_harm_is_found_as_far_as_clusters_can_show_it(record_property) -> None:
    """Twenty a side at an ICC of 0.05 tell 5 points from none by two standard errors; 0.01 by four."""
    found = {
        icc: rolled_back(rollouts(np.random.default_rng(3), Design([20], icc=icc), ROLLOUTS, harm=0.05)[1])[0]
        for icc in (0.05, 0.01)
    }
    record_property("figure", f"20 of 40 clusters, +5 points found: ICC 0.05 {found[0.05]:.0%}, 0.01 {found[0.01]:.0%}")
    assert found[0.05] > 0.12
    assert found[0.01] > 0.75
