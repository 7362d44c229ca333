"""A simulation in the terminal, on a page and in a notebook: the same cells, escaped, and drawn as they are."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console
from tests.report.cases import NAME
from tests.simulation.tables import policy, table

from rampgate import simulate
from rampgate.report.markdown import markdown
from rampgate.report.page import render
from rampgate.report.simulated import costs, finding, section, stops
from rampgate.report.simulated_chart import MOST, stopped_chart, told
from rampgate.report.simulated_view import longer, notebook, simulation_view
from rampgate.simulation.table import Simulation


@pytest.fixture(scope="module")
def found() -> Simulation:
    return simulate(policy(), table(days=21), rollouts=20, days=21, workers=1)


def test_the_same_cells_stand_everywhere(found: Simulation) -> None:
    sink = StringIO()
    Console(file=sink, width=80).print(simulation_view(found))
    words, page, cell = sink.getvalue(), markdown("t", (section(found),), None), notebook(found)
    for one in found.scenarios:
        for text in (*stops(one), *costs(one)):
            assert text in words
            assert text in page
            assert text in cell
    assert max(map(len, words.splitlines())) <= 80
    assert finding(found) in cell


def test_names_are_shown_and_not_run(found: Simulation) -> None:
    nasty = replace(found, rollout=NAME, advice=(NAME,))
    for html in (notebook(nasty), render("t", (section(nasty),))):
        assert NAME not in html
        assert "&lt;script&gt;" in html


def test_the_picture_has_a_line_per_scenario_that_starts_with_the_harmless_one(found: Simulation) -> None:
    lines = told(found)
    assert lines[0].name == "harmless"
    assert 1 < len(lines) <= MOST
    rows = next(iter(stopped_chart(found).to_dict(validate=True)["datasets"].values()))
    assert len(rows) == len(lines) * len(found.scenarios[0].by_day[0])
    for one in lines:
        drawn = [row["value"] for row in rows if row["scenario"] == one.name]
        assert drawn == pytest.approx([100 * share for share in one.by_day[0]], rel=1e-5)


def test_what_more_rollouts_would_add_is_said(found: Simulation) -> None:
    assert "--rollouts 10000 makes the errors 22.4 times smaller" in str(longer(found, 3.0))
    assert str(longer(replace(found, rollouts=10_000), 3.0)) == ""
