"""Incidents and reviews in the report, as Markdown and HTML say the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.rollout.reviewed import review_all
from tests.rollout.tables import POLICY, tickets

import rampgate
from rampgate.ledger import Ledger
from rampgate.report.dossier import dossier
from rampgate.report.markdown import markdown
from rampgate.report.reviewed import section
from rampgate.rollout.incidents import incidents
from rampgate.rollout.reviews import assign, false_alarm


def told(book: Ledger) -> str:
    """The section as Markdown."""
    return markdown("x", section(dossier(book, "triage").reviewed))


def looked(folder: Path, harm: float) -> Ledger:
    book = Ledger.open(folder / "rampgate.db")
    rampgate.check(POLICY, events=tickets(days=20, harm=harm), as_of=datetime(2026, 1, 17, tzinfo=UTC), ledger=book)
    return book


def test_without_an_incident_there_is_no_section(tmp_path: Path) -> None:
    assert list(section(dossier(looked(tmp_path, 0.0), "triage").reviewed)) == []


def test_an_incident_is_told_with_its_review_as_it_was_submitted(tmp_path: Path) -> None:
    book = looked(tmp_path, 0.3)
    text = told(book)
    assert "## Incidents and reviews" in text
    assert "No review was submitted yet" in text
    assert "Units harmed" in text
    review_all(book)
    text = told(book)
    assert "closed by sam" in text
    assert "the prompt lost a line" in text
    assert "| 1 | test it | lee | prevent |" in text
    assert "review closed" in text


def test_a_false_alarm_is_told_with_its_reason(tmp_path: Path) -> None:
    book = looked(tmp_path, 0.3)
    (one,) = incidents(book).found.values()
    assign(book, one.id, "lee", "lee")
    false_alarm(book, one.id, "the labels were <wrong>", "sam")
    assert "Closed as a false alarm by sam" in told(book)
    assert "the labels were &lt;wrong&gt;" in told(book)
