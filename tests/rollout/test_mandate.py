"""What a decision says of people, where somebody changed the code that decided: `verify` derives it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.rollout.people import approved, clock, project
from tests.rollout.tables import ramp, tickets, write_policy
from tests.rollout.test_approvals import look

from rampgate.judge.mandate import Mandate
from rampgate.ledger import Ledger
from rampgate.people import People
from rampgate.rollout import approvals, evaluate, orders
from rampgate.rollout.approvals import Ruling
from rampgate.rollout.approve import approve
from rampgate.rollout.known import Known, known_people
from rampgate.rollout.orders import Stands
from rampgate.rollout.verify import verify_ledger

HARM = tickets(days=40, traffic=ramp, harm=0.3)
LAX = {"override": {"worse_by": "90pp"}, "kpi": {"worse_by": "90pp"}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return project(tmp_path, monkeypatch, "dana", "lee", "sam", "kim")


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "rampgate.db")


def agreed(folder: Path, book: Ledger, **rules: Any) -> Path:
    policy = approved(folder, {"required": 1, **rules})
    approve(policy, "lee", book)
    return policy


def differs(book: Ledger, at: int, says: str) -> bool:
    result = verify_ledger(book)
    assert (result.ok, result.first_bad) == (False, at), result.problem
    assert says in str(result.problem)
    return True


def test_any_policy_may_not_judge(folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit that tolerates everything judges by itself, and says that it is not approved."""
    policy, honest = agreed(folder, book), approvals.ruling
    approved(folder, {"required": 1}, rollback=LAX)
    monkeypatch.setattr(evaluate, "ruling", lambda given, *rest: Ruling(given, honest(given, *rest).mandate))
    assert look(policy, book, 12, HARM).decision == "hold"
    monkeypatch.undo()
    assert differs(book, 2, "judged by another policy than the one that is approved")


def test_expired_approvals_are_not_passed_off(folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as then:
        then.setattr("rampgate.rollout.signed.datetime", clock(datetime(2026, 1, 2, tzinfo=UTC)))
        policy = agreed(folder, book, expires="1d")
        then.setattr(approvals, "expired", lambda *_: None)
        assert look(policy, book).decision == "go"
    assert differs(book, 2, "the approvals of the policy expired on 2026-01-03")


@pytest.mark.parametrize("claim", ["by nobody", "by an unapproved one", "of another policy", "none are asked for"])
def test_approvals_are_not_made_up(folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch, claim: str) -> None:
    policy, honest = agreed(folder, book), approvals.ruling
    if claim == "by an unapproved one":
        policy = approved(folder, {"required": 2})
    elif claim == "of another policy":
        policy = approved(folder, {"required": 1}, guardrails={"override": {"margin": "6pp"}})

    def ruling(given: Any, *rest: Any) -> Ruling:
        found = honest(given, *rest).mandate
        assert found is not None
        if claim == "none are asked for":
            return Ruling(given, None)
        by = () if claim == "by nobody" else found.by
        return Ruling(given, Mandate(found.given, found.given, 0 if claim == "by nobody" else 1, by, None))

    monkeypatch.setattr(evaluate, "ruling", ruling)
    look(policy, book)
    monkeypatch.undo()
    assert verify_ledger(book).first_bad == 2


def test_who_is_not_obeyed_is_not_chosen(folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's hold is left out of sight, or called somebody else's."""
    from rampgate.rollout.human import decide

    policy, honest = write_policy(folder), orders.heed
    look(policy, book, 8)
    decide("triage", "hold", "wait", "kim", book, as_of="2026-01-08")

    def heed(last: Any, records: Any, *rest: Any) -> Stands:
        return replace(honest(last, (), *rest), unheeded=())

    monkeypatch.setattr(evaluate, "heed", heed)
    assert look(policy, book).decision == "go"
    monkeypatch.undo()
    assert differs(book, 3, "the look did not begin where the rollout stood")


def test_keys_that_were_not_read_are_those_of_the_look_before(
    folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, honest = agreed(folder, book), known_people
    look(policy, book, 8)

    def known(*rest: Any) -> Known:
        found = honest(*rest)
        assert found.people is not None
        return Known(People("elsewhere", found.people.keys[:1]), "the disk is gone")

    monkeypatch.setattr(evaluate, "known_people", known)
    assert look(policy, book).decision == "hold"
    monkeypatch.undo()
    assert differs(book, 3, "neither those of a file nor those of the look before it")


def test_what_was_changed_is_not_kept_quiet(folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = write_policy(folder)
    look(policy, book, 10)
    write_policy(folder, rollback=LAX)
    monkeypatch.setattr(evaluate, "changed_criteria", lambda *_: ())
    look(policy, book)
    monkeypatch.undo()
    assert differs(book, 2, "the criteria that it says were changed are not those that were")


def test_a_look_sees_what_was_over(folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = write_policy(folder)
    monkeypatch.setattr(evaluate, "look_at", lambda *_: datetime(2026, 1, 11, tzinfo=UTC))
    look(policy, book)
    monkeypatch.undo()
    assert differs(book, 1, "not the end of the last complete period")
