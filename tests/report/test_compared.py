"""A comparison in the terminal fits 80 columns, needs no colour, and says its verdict first."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from tests.rollout.tables import POLICY, tickets

from rampgate.comparison.table import compare_under
from rampgate.comparison.values import Comparison
from rampgate.comparison.words import percent
from rampgate.policy import load_policy
from rampgate.report.compared import comparison_view, leading, of_week
from rampgate.report.words import interval, number, signed

LONG = "network and telephony of the northern region"


def compared(kind: str) -> Comparison:
    harm = {"worse": 0.09, "better": -0.09}.get(kind, 0.0)
    frame = tickets(days=60, harm=harm).replace({"queue": {"network": LONG}})
    if kind == "apart":
        frame["version"] = np.where(frame.opened_at < "2026-02-01", "v1", "v2")
    if kind == "uneven":
        frame.loc[frame.queue == "mail", "version"] = "v2"
    return compare_under(load_policy(POLICY), frame)


def text(found: Comparison, width: int = 80) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, no_color=True).print(comparison_view(found))
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


@pytest.mark.parametrize("width", [100, 79, 60, 40])
@pytest.mark.parametrize("kind", ["worse", "apart"])
def test_at_any_width_every_number_is_there(kind: str, width: int) -> None:
    """What does not fit side by side stands below; nothing is cut without a word."""
    found = compared(kind)
    lines = text(found, width)
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    words = " ".join(" ".join(lines).replace(",", " ").split())
    for row in [*(row.estimate for row in found.metrics), *(of_week(week, leading(found)) for week in found.weeks)]:
        for value in (number(row.baseline), number(row.candidate), signed(row.difference)):
            assert f" {value} " in f" {words} ", (row.name, value)
        assert interval(row.lower, row.upper) in words
    for week in found.weeks:
        assert percent(week.share or 0.0) in words


def test_the_units_shown_are_those_compared() -> None:
    """The old version ends, and the new one goes on: only the common days are compared, and counted."""
    frame = tickets(days=28)
    day = (frame.opened_at - pd.Timestamp("2026-01-05")).dt.days
    frame = frame[np.where(frame.version == "v1", day < 14, day >= 7)]
    found = compare_under(load_policy(POLICY), frame)
    common = frame[frame.opened_at.between("2026-01-12", "2026-01-19", inclusive="left")].version.value_counts()
    both = f"{common.v1}/{common.v2}"
    lines = text(found)
    top = lines.index("Overall, on the same days")
    assert [line.split()[-1] for line in lines[top + 2 : top + 5]] == [both] * 3
    weeks = lines.index("Weighted KPI by week (* not complete)")
    assert [line.split()[-3] for line in lines[weeks + 2 : weeks + 6]] == ["none", both, "none", "none"]
    assert [row.units for row in found.metrics] == [(common.v1, common.v2)] * 3
    assert {key: sum(week.to_dict()["units_compared"][key]["candidate"] for week in found.weeks)
            for key in ("kpi", "right")} == {"kpi": common.v2, "right": common.v2}  # fmt: skip
    parts = [row for row in found.segments.rows if row.estimate.name == "right"]
    assert sum(row.units[1] for row in parts) == common.v2


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
