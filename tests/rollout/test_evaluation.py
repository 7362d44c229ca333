"""What is counted of attempts, from the records of looks and of people."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rollout.people import project
from tests.rollout.tables import write_policy
from tests.rollout.test_human import FINE, HARM, look, order, under_approval

from rampgate.ledger import Ledger
from rampgate.rollout.evaluation import evaluation
from rampgate.rollout.incidents import incidents
from rampgate.rollout.reviews import assign, false_alarm


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return project(tmp_path, monkeypatch, "dana", "lee", "sam", "kim")


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "rampgate.db")


def test_a_rollback_that_people_went_past_is_a_false_one_when_it_was_a_false_alarm(folder: Path, book: Ledger) -> None:
    policy = under_approval(folder, book)
    assert look(policy, book, 12, HARM).decision == "rollback"
    for person in ("lee", "sam"):
        order(book, "go", person, 13)
    assert look(policy, book, 15, HARM).decision == "hold"
    found = evaluation(book).false_rollbacks
    assert (found.good, found.false, found.not_judged) == (0, 0, 1)
    for one in incidents(book).found:
        assign(book, one, "sam", "sam")
        false_alarm(book, one, "the labels were wrong", "lee")
    found = evaluation(book).false_rollbacks
    assert (found.good, found.false, found.not_judged) == (1, 1, 0)


def test_a_rollback_by_a_person_alone_is_none_of_the_gate(folder: Path, book: Ledger) -> None:
    look(write_policy(folder), book, 8, FINE)
    order(book, "rollback", "lee", 9)
    look(write_policy(folder), book, 12, FINE)
    found = evaluation(book).false_rollbacks
    assert (found.good, found.false, found.harmed, found.not_judged) == (0, 0, 0, 0)
