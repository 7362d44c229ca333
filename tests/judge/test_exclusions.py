"""Rows that cannot be used are held against the arm that may have lost them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.judge.build import case, units

from rampgate.aggregate.moments import CANDIDATE
from rampgate.judge.decide import judge


@pytest.mark.parametrize("field", ["missing_candidate", "null_variant"])
def test_exclusions_are_held_against_the_candidates_own_rows(field: str) -> None:
    made = units(traffic=0.01)
    own = float((made.arm == CANDIDATE).sum())
    lost: dict[str, Any] = {"null_unit": 6} if field == "missing_candidate" else {}
    assert 0.01 * own < 6 < 0.01 * len(made.arm)
    change: dict[str, Any] = {field: 6, **lost}
    decision = judge(case(made, **change))
    [reason] = [r for r in decision.reasons if "excluded" in r.message]
    assert (decision.decision, reason.code, reason.verdict) == ("hold", "too_little_data", "FAIL")
    assert f"6 of them may be the candidate's, {6 / (own + 6):.1%} of its rows" in reason.message
    # A handful is no reason yet, whatever share of a few rows it is.
    less: dict[str, Any] = dict.fromkeys(change, 3)
    few = judge(case(made, **less))
    assert not [r for r in few.reasons if "excluded" in r.message]


@pytest.mark.parametrize("name", ["v9", "shadow 1", "V2 ", "3", "no", "a,b", "größe", '"x"'])
def test_the_advice_to_ignore_a_version_reads_back_as_that_version(name: str) -> None:
    [reason] = [r for r in judge(case(units(), other_variants=((name, 12),))).reasons if "ignore: " in r.message]
    advice = reason.message.partition("ignore: ")[2].partition(" under source")[0]
    assert yaml.safe_load(advice) == [name]
