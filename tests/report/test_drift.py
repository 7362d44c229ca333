"""Drift in a report: its words, its pictures and the numbers beside them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests.rollout.tables import POLICY
from tests.rollout.test_drift import scored, watching

import rampgate
from rampgate.judge.drifted import DriftTable
from rampgate.ledger import Ledger
from rampgate.report.blocks import Figure, Figures
from rampgate.report.dossier import dossier
from rampgate.report.drift_section import drift_section
from rampgate.report.drift_view import drift_view
from rampgate.report.terminal import console
from rampgate.rollout.drift import drift_of


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    book = Ledger.open(tmp_path_factory.mktemp("drift") / "rampgate.db")
    policy = watching(columns={"score": {}, "channel": {}})
    rampgate.check(policy, events=scored(3, candidate=1.0), as_of=date(2026, 1, 19), ledger=book)
    return book


def figures(book: Ledger) -> list[Figure]:
    [section] = drift_section(dossier(book, "triage"))
    return [figure for block in section.blocks if isinstance(block, Figures) for figure in block.figures]


def test_each_column_has_two_pictures_and_what_moved_comes_first(moved: Ledger) -> None:
    found = figures(moved)
    assert [figure.title for figure in found] == [
        "score: distance by window", "score: reference against 2026-W03",
        "channel: distance by window", "channel: reference against 2026-W03",
    ]  # fmt: skip
    assert "In the candidate alone." in found[0].finding
    assert "2 of 2 windows act" in found[0].finding
    assert "0 of 2 windows act" in found[2].finding


def test_pictures_are_drawn_and_their_tables_have_the_numbers(moved: Ledger) -> None:
    for figure in figures(moved):
        assert figure.draw is not None
        assert figure.draw().to_dict()["layer"]
        assert figure.table is not None
        assert figure.table.rows


def test_a_policy_that_watches_nothing_has_no_such_part(tmp_path: Path) -> None:
    book = Ledger.open(tmp_path / "rampgate.db")
    rampgate.check(POLICY, events=scored(2), as_of=date(2026, 1, 13), ledger=book)
    assert drift_section(dossier(book, "triage")) == ()


def test_the_terminal_shows_words_where_it_knows_no_blocks(moved: Ledger) -> None:
    table = drift_of(watching(), events=scored(2, world=1.0), as_of="2026-01-19")
    screen = console()
    with screen.capture() as got:
        screen.print(drift_view(table))
    text = got.get()
    assert "score moved in 2026-W03 (2 of 2 windows act)" in text
    assert "2026-W02" in text
    with screen.capture() as got:
        screen.print(drift_view(DriftTable((), "nothing")))
    assert "NO DRIFT" in got.get()
