"""Units still open on the page: the decision's numbers, a curve per arm with its table, and nothing where none is."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

from rampgate.report.blocks import Figures, Table
from rampgate.report.dossier import Dossier
from rampgate.report.drawing import svg_of
from rampgate.report.explained.still_open import still_open as sentences
from rampgate.report.life_chart import life_chart
from rampgate.report.page import page
from rampgate.report.sections import sections
from rampgate.report.still_open import still_open
from rampgate.report.terminal import decision_view

Tell = Callable[[str], Dossier]


@pytest.fixture
def found(tell: Tell) -> Dossier:
    return tell("times")


def test_the_curves_are_those_of_the_decision(found: Dossier) -> None:
    assert [path.metric for path in found.lives] == ["hours", "solved"]
    for path in found.lives:
        rows = [row for row in found.decision.open if row.metric == path.metric]
        for side, row in enumerate(rows):
            assert row.age is not None
            at = path.ages.index(row.age)
            assert path.share[side][at] == pytest.approx(row.share)
            assert path.lower[side][at] == pytest.approx(row.lower)
            assert path.upper[side][at] == pytest.approx(row.upper)
        chart = life_chart(path, found.arms).to_dict(validate=True)
        drawn = [row for rows_ in chart["datasets"].values() for row in rows_ if "arm" in row]
        ends = {row["arm"]: row["value"] for row in drawn if row["at"] == path.ages[-1]}
        assert ends == {
            arm: pytest.approx(100 * (row.share or 0), rel=1e-5) for arm, row in zip(found.arms, rows, strict=True)
        }
        assert all(row["low"] <= row["value"] <= row["high"] for row in drawn)
        assert svg_of(life_chart(path, found.arms)).startswith("<svg")


def test_the_section_has_a_picture_and_the_numbers(found: Dossier) -> None:
    [section] = still_open(found)
    figures = next(block for block in section.blocks if isinstance(block, Figures))
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert len(figures.figures) == 2
    assert len(table.rows) == 4
    for figure in figures.figures:
        assert figure.table is not None
        assert len(figure.table.rows) == 25
    assert section.title in [s.title for s in sections(found)]
    assert 'id="still-open"' in page(found)


@pytest.mark.parametrize("name", ["rollback", "no_period"])
def test_without_such_a_metric_there_is_nothing(tell: Tell, name: str) -> None:
    told = tell(name)
    assert still_open(told) == ()
    assert list(sentences(told.decision)) == []
    assert "Still open" not in printed(told)


def printed(told: Dossier) -> str:
    made = Console(width=80, record=True, file=StringIO())
    made.print(decision_view(told.decision))
    return made.export_text()


def test_terminal_and_explanation_tell_both_arms(found: Dossier) -> None:
    text = printed(found)
    assert "Still open (shown, never judged)" in text
    for row in found.decision.open:
        assert f"{100 * (row.share or 0):.1f} %" in text
    first, second = sentences(found.decision)
    assert first.startswith("Of hours ")
    assert second.startswith("Of solved ")
    assert "past the limit, which is a miss" in first


def test_a_test_of_the_pace_draws_no_bound_on_the_mean(found: Dossier) -> None:
    text = page(found)
    assert "Rolls back if the pace of events of hours is worse" in text
    assert "rolls back beyond 0" not in text
