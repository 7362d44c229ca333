"""A comparison in the terminal fits 80 columns, needs no colour, and says its verdict first."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from rich.console import Console
from tests.rollout.tables import POLICY, tickets

from rampgate.comparison.table import compare_under
from rampgate.comparison.values import Comparison
from rampgate.policy import load_policy
from rampgate.report.compared import comparison_view, leading

LONG = "network and telephony of the northern region"


def compared(kind: str) -> Comparison:
    harm = {"worse": 0.09, "better": -0.09}.get(kind, 0.0)
    frame = tickets(days=60, harm=harm).replace({"queue": {"network": LONG}})
    if kind == "apart":
        frame["version"] = np.where(frame.opened_at < "2026-02-01", "v1", "v2")
    if kind == "uneven":
        frame.loc[frame.queue == "mail", "version"] = "v2"
    return compare_under(load_policy(POLICY), frame)


def text(found: Comparison) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=80, no_color=True).print(comparison_view(found))
    return out.getvalue().splitlines()


BEGINS = {
    "worse": "v2 is WORSE than v1: ",
    "better": "v2 is BETTER than v1: ",
    "same": "NO DIFFERENCE SHOWN between v1 and v2; ",
    "apart": "CANNOT BE COMPARED  v1 and v2 never ran on the same day",
    "uneven": "NO DIFFERENCE SHOWN between v1 and v2; ",
}


@pytest.mark.parametrize("kind", BEGINS)
def test_the_verdict_stands_first_in_80_columns_and_no_number_is_cut(kind: str) -> None:
    lines = text(compared(kind))
    assert lines[0].startswith(BEGINS[kind])
    assert max(map(len, lines)) <= 80
    assert not any("\x1b[" in line for line in lines)
    for line in lines:
        # Only names may be cut; a cut number would end in an ellipsis after a digit.
        assert not any(a.isdigit() and b == "…" for a, b in pairwise(line)), line


def test_warnings_stand_before_the_tables() -> None:
    lines = text(compared("uneven"))
    assert lines.index("Beware") < lines.index("Overall, on the same days")


def test_without_a_common_day_no_difference_and_no_segment_is_shown() -> None:
    lines = text(compared("apart"))
    assert "Plain values of each version" in lines
    assert not any("Segments" in line for line in lines)
    assert not any("95 %" in line and "together" in line for line in lines)


def test_the_weeks_are_those_of_the_metric_behind_the_verdict() -> None:
    assert [leading(compared(kind)) for kind in ("worse", "better")] == ["override", "override"]
    assert leading(compared("same")) == "kpi"
