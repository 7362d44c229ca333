"""A baseline described by hand has the levels that were said."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulation.tables import policy, value
from tests.simulation.test_draw import ALL_KINDS
from tests.simulation.test_same_decision import KINDS

from rampgate import simulate
from rampgate.errors import UsageError
from rampgate.simulation.assumed import assumed, read_assumed
from rampgate.simulation.levels import levels

SAID: dict[str, Any] = {
    "per_day": {"mon": 300, "tue": 300, "wed": 300, "thu": 300, "fri": 300, "sat": 50},
    "metrics": {
        "right": {"value": 0.85, "known": 0.9},
        "override": 0.15,
        "missed": 0.004,
        "score": {"value": 4.1, "sd": 0.8},
        "answered": {"value": 0.7, "denominator": 0.4},
        "hours": {"value": 20, "sd": 8},
    },
    "segments": {"queue": {"network": 0.5, "mail": 0.3, "other": 0.2}},
}


def test_levels_volume_and_segments_are_what_was_said():
    found = assumed(policy(**ALL_KINDS), SAID)
    for name, said in SAID["metrics"].items():
        wanted = said["value"] if isinstance(said, dict) else said
        # What is written out exactly is exact; what takes turns among a few hundred units is near.
        near = 1e-9 if name in ("override", "missed") else 0.02 * max(1.0, wanted)
        assert levels(found, name).mean == pytest.approx(wanted, abs=near), name
    assert levels(found, "score").sd == pytest.approx(0.8, rel=0.1)
    assert found.sorts.count.sum() == pytest.approx(1550)
    assert len(found.days) == 6
    known = found.sorts.values[:, found.components.index("right:known")] @ found.sorts.count / 1550
    assert known == pytest.approx(0.9, abs=0.02)
    for group, share in zip(found.groups[1:], (0.5, 0.3, 0.2), strict=True):
        every = zip(found.sorts.segments, found.sorts.count, strict=True)
        inside = sum(n for values, n in every if values == (group.value,))
        assert inside / 1550 == pytest.approx(share, abs=0.05)


def test_it_is_simulated_without_rows_or_history(tmp_path):
    file = tmp_path / "baseline.yaml"
    said = "per_day: 200\nmetrics: {right: 0.85, override: 0.15}\nsegments: {queue: {network: 0.6, mail: 0.4}}\n"
    file.write_text(said)
    chosen = ("harmless", "override-twice-start")
    found = simulate(policy(), assume=file, rollouts=200, days=42, scenario=chosen, workers=1)
    assert value(found.scenarios[0].false_rollback) <= 0.05
    assert value(found.scenarios[1].stopped) > 0.9
    assert found.per_day == pytest.approx(200)
    assert any("by hand" in line for line in found.supposed)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"per_day": 0}, "per_day"),
        ({"volume": 3}, "no key"),
        ({"metrics": {"right": 0.8}}, "metrics.override"),
        ({"metrics": {"right": 0.8, "override": 1.2}}, "no share"),
        ({"metrics": {"right": 0.8, "override": {"value": 0.1, "sd": 2}}}, "sd"),
        ({"metrics": {"right": 0.8, "overide": 0.1}}, "no metric"),
        ({"segments": {}}, "segments.queue"),
        ({"segments": {"queue": {"network": 0.5}}}, "sum to 1"),
    ],
)
def test_what_is_missing_or_impossible_is_named(change, named):
    said = {"per_day": 300, "metrics": {"right": 0.8, "override": 0.1}, "segments": {"queue": {"a": 0.5, "b": 0.5}}}
    with pytest.raises(UsageError, match=named) as refused:
        assumed(policy(), {**said, **change})
    assert refused.value.exit_code == 2
    assert refused.value.remedy


@pytest.mark.parametrize(("kind", "named"), [("quantiles", "metrics.p"), ("paces", "soon"), ("covariates", "score")])
def test_what_no_hand_can_describe_is_refused_with_the_reason(kind, named):
    with pytest.raises(UsageError, match=r"needs|fixes") as refused:
        simulate(policy(**KINDS[kind]), assume={"per_day": 100, "metrics": {}}, rollouts=20, days=28)
    assert named in str(refused.value.where)
    assert "rows" in str(refused.value.remedy)


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_assumed(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("[1, 2]")
    with pytest.raises(UsageError, match="no mapping"):
        read_assumed(tmp_path / "list.yaml")
