"""The watch on the page and in the terminal: the decision's numbers, both pictures with their tables."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

from rampgate.report.after import after
from rampgate.report.after_chart import days_chart, detector_chart
from rampgate.report.blocks import Figures, Table
from rampgate.report.dossier import Dossier
from rampgate.report.drawing import Unit, svg_of
from rampgate.report.markdown import markdown
from rampgate.report.page import page
from rampgate.report.sections import sections
from rampgate.report.terminal import decision_view

Tell = Callable[[str], Dossier]


@pytest.fixture
def found(tell: Tell) -> Dossier:
    return tell("after")


def test_the_section_says_what_the_decision_does(found: Dossier) -> None:
    assert found.decision.decision == "hold"
    assert [one.to_dict() for one in found.watched] == list(found.decision.after)
    [section] = after(found)
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert [row[-1].text for row in table.rows] == [entry["verdict"] for entry in found.decision.after]
    figures = [figure for block in section.blocks if isinstance(block, Figures) for figure in block.figures]
    assert len(figures) == 4
    assert all(figure.table is not None and figure.draw is not None for figure in figures)
    assert 'id="after-the-last-phase"' in page(found)
    assert "e-detector after each day" in markdown("title", sections(found))


def test_the_pictures_hold_the_days_and_the_alarm(found: Dossier) -> None:
    one = found.watched[1]
    assert one.change is not None
    assert one.change.onset is not None
    assert one.series is not None
    days, values = one.watched_days, one.series.values[one.series.rows.watched].tolist()
    band = [(0.1, 0.2)] * len(days)
    onset = days[one.change.onset.row]
    chart = days_chart(days, values, band, Unit(share=True), onset)
    drawn = [row for rows in chart.to_dict(validate=True)["datasets"].values() for row in rows if "usual" in row]
    assert [row["value"] for row in drawn] == pytest.approx([100 * value for value in values], rel=1e-5)
    assert f"onset {onset.day} " in svg_of(chart)
    path = detector_chart(days, one.change.log_r.tolist(), one.threshold)
    rows = [row for rows in path.to_dict(validate=True)["datasets"].values() for row in rows]
    assert any(row.get("text", "").startswith("alarms at ") for row in rows)
    assert svg_of(path).startswith("<svg")


def test_the_terminal_has_a_table_and_fits(found: Dossier) -> None:
    out = StringIO()
    Console(file=out, width=80).print(decision_view(found.decision))
    text = out.getvalue()
    assert "Days since the last phase began, against those before" in text
    assert max(map(len, text.splitlines())) <= 80


def test_nothing_is_said_where_nothing_is_watched(tell: Tell) -> None:
    assert after(tell("go")) == ()
