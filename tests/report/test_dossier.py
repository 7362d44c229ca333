"""A dossier holds what the ledger holds, and nothing else is read for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.report.cases import QUICK, looked, told
from tests.rollout.tables import tickets

from rampgate.aggregate.marginals import OVERALL
from rampgate.errors import UsageError
from rampgate.estimate import STATISTICS
from rampgate.ledger import Ledger
from rampgate.report.dossier import Dossier, dossier
from rampgate.rollout.evaluate import decision_of


@pytest.mark.parametrize("name", QUICK)
def test_every_case_is_gathered_and_recomputed_to_the_same_decision(name: str, tmp_path: Path) -> None:
    found = told(name, tmp_path)
    book = Ledger.open(tmp_path / "rampgate.db", create=False)
    last = book.last(found.decision.rollout)
    assert last is not None
    assert found.decision == decision_of(last)
    assert found.same
    assert found.policy.sha256() == found.decision.policy_sha256
    assert found.versions["statistics"] == STATISTICS
    assert not found.other_statistics


def test_the_paths_end_where_the_decision_stands(tell: Callable[[str], Dossier]) -> None:
    found = tell("rollback")
    said = {c.id: c for c in found.decision.criteria}
    assert set(said) == {path.id for path in found.trace.evidence}
    for path in found.trace.evidence:
        assert path.e_values[-1] == pytest.approx(said[path.id].e_value, rel=1e-9)
    estimates = {m.name: m for m in found.decision.metrics if m.group == OVERALL}
    for effect in found.trace.effects:
        row = estimates[effect.metric]
        # The ends are roots found to 1e-8 of log-evidence, in another order of sums.
        ends = pytest.approx((row.difference, row.lower, row.upper), rel=1e-7)
        assert (effect.difference[-1], effect.lower[-1], effect.upper[-1]) == ends
    assert found.trace.ends[-1] == found.decision.look


def test_earlier_attempts_are_told_in_a_line(tmp_path: Path) -> None:
    found = told("second_attempt", tmp_path)
    assert {d.attempt for d in found.decisions} == {2}
    [first] = found.attempts
    assert (first.number, first.candidate, first.looks, first.decision) == (1, "v2", 1, "rollback")
    assert found.policy.candidate == "v3"


def test_a_rollout_without_a_decision_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    book = looked(tmp_path, tickets(), ["2026-01-12"])
    with pytest.raises(UsageError, match="'other'") as caught:
        dossier(book, "other")
    assert "triage" in str(caught.value)
    assert "rampgate check" in str(caught.value.remedy)
    assert caught.value.exit_code == 2


def test_a_rollout_whose_candidate_is_still_to_come_has_no_paths(tmp_path: Path) -> None:
    found = told("no_candidate", tmp_path)
    assert not found.started
    assert dataclasses.astuple(found.trace) == ((), (), (), ())
