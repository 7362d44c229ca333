"""The paths of a report against the decisions themselves: each point is what the look of that day said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.judge.build import case, policy, units

from rampgate.aggregate.marginals import OVERALL
from rampgate.judge.case import Case
from rampgate.judge.decide import judge
from rampgate.judge.trace import trace
from rampgate.rollout.replay import up_to

SEGMENTS = {"by": ["queue"], "guardrails": {"override": {"margin": "5pp"}}, "minimum_units": 20}


def shorter(made: Case, days: int) -> Case:
    """The same rollout as it was after so many periods."""
    look = made.cells.periods[days - 1].end
    return replace(made, cells=up_to(made.cells, look), look=look, as_of=look)


@pytest.fixture(scope="module")
def long() -> Case:
    harm = lambda day, queue: np.where((day >= 8) & (queue == "mail"), 0.4, 0.0)  # noqa: E731
    rules = policy(segments=SEGMENTS)
    return case(units(days=14, traffic=0.4, queues=("desk", "mail"), harm=harm), days=14, rules=rules)


@pytest.mark.parametrize("days", [1, 2, 7, 11, 14])
def test_each_point_is_what_the_look_of_that_day_said(long: Case, days: int) -> None:
    paths, then = trace(long), judge(shorter(long, days))
    at = days - 1
    by_id = {path.id: path for path in paths.evidence}
    assert set(by_id) == {c.id for c in then.criteria}
    for criterion in then.criteria:
        assert criterion.e_value is not None
        assert by_id[criterion.id].e_values[at] == pytest.approx(criterion.e_value, rel=1e-9)
    shown = {m.name: m for m in then.metrics if m.group == OVERALL}
    assert [path.metric for path in paths.effects] == list(shown)
    for path in paths.effects:
        row = shown[path.metric]
        for found, said in zip(
            (path.difference, path.lower, path.upper), (row.difference, row.lower, row.upper), strict=True
        ):
            assert found[at] == pytest.approx(said, rel=1e-8)


def test_a_family_reaches_its_threshold_on_the_day_that_its_first_criterion_fails(long: Case) -> None:
    rollback = next(path for path in trace(long).families if path.family == "rollback")
    assert rollback.threshold == pytest.approx(20)
    crossed = next(t for t, e in enumerate(rollback.e_values) if e >= rollback.threshold)
    looks = [judge(shorter(long, days)).decision for days in range(1, 15)]
    assert looks.index("rollback") == crossed


def test_the_family_is_the_weighted_sum_of_its_criteria(long: Case) -> None:
    paths = trace(long)
    for family in paths.families:
        members = [path for path in paths.evidence if path.family == family.family]
        shares = [family.threshold / path.threshold for path in members]
        total = (1 - sum(shares)) + sum(w * np.array(p.e_values) for w, p in zip(shares, members, strict=True))
        assert family.e_values == pytest.approx(total, rel=1e-9)


def test_ends_are_those_of_the_periods(long: Case) -> None:
    assert trace(long).ends == tuple(period.end for period in long.cells.periods)


@pytest.mark.parametrize("most", [1, 3, 5, 13, 14])
def test_effects_of_a_long_run_are_those_of_some_of_its_periods(
    long: Case, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    whole = {path.metric: path for path in trace(long).effects}
    monkeypatch.setattr("rampgate.judge.trace.MOST_EFFECTS", most)
    for path in trace(long).effects:
        every = whole[path.metric]
        assert len(path.ends) <= most
        assert path.ends[-1] == every.ends[-1]
        kept = [every.ends.index(end) for end in path.ends]
        for few, many in ((path.difference, every.difference), (path.lower, every.lower), (path.upper, every.upper)):
            # Roots of several looks are sought together, until the last of them is found.
            assert few == pytest.approx([many[t] for t in kept], rel=1e-7)


def test_point_policies_weigh_nothing() -> None:
    paths = trace(case(units(), rules=policy(evidence="point")))
    assert (paths.evidence, paths.families) == ((), ())
    assert len(paths.ends) == len(paths.effects[0].difference) == 10


def test_nothing_before_the_first_candidate(long: Case) -> None:
    paths = trace(replace(long, state=replace(long.state, start=None)))
    assert (paths.ends, paths.evidence, paths.families, paths.effects) == ((), (), (), ())


def test_a_criterion_that_cannot_be_computed_has_no_path() -> None:
    made = case(units())
    made.data.made["override", "scale"] = None
    paths = trace(made)
    assert {path.id for path in paths.evidence} == {"rollback:kpi", "guardrail:kpi"}
    assert [path.metric for path in paths.effects] == ["kpi", "right"]
    assert {c.id for c in judge(made).criteria if c.verdict == "ERROR"} == {"rollback:override", "guardrail:override"}
