"""Whose keys count at a look: those of the project's file, until they are retired, and nobody else's."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.rollout.people import add, approved, clock, project
from tests.rollout.tables import ramp, tickets, write_policy
from tests.rollout.test_approvals import codes, look, whole, why
from tests.rollout.test_verify import rewrite

from rampgate.errors import UsageError
from rampgate.ledger import Ledger
from rampgate.rollout.approve import approve
from rampgate.rollout.known import nobody
from rampgate.rollout.verify import verify_ledger


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return project(tmp_path, monkeypatch)


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "rampgate.db")


def retire(folder: Path, name: str, day: str) -> None:
    toml = folder / "rampgate.toml"
    toml.write_text(toml.read_text().replace(f'name = "{name}"', f'name = "{name}"\nretired = {day}'))


def test_a_retired_key_counts_for_what_it_signed_before(
    folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = approved(folder, {"required": 1})
    with monkeypatch.context() as then:
        then.setattr("rampgate.rollout.signed.datetime", clock(datetime(2026, 1, 6, 12, tzinfo=UTC)))
        approve(policy, "lee", book)
    retire(folder, "lee", "2026-01-07")
    assert look(policy, book).decision == "go"
    assert whole(book)
    with pytest.raises(UsageError, match="is not one that lee signs with"):
        approve(policy, "lee", book)
    text = (folder / "rampgate.toml").read_text()
    (folder / "rampgate.toml").write_text(text.replace("2026-01-07", "2026-01-06"))
    decision = look(policy, book, 13)
    assert (decision.decision, decision.to_dict()["approval"]["by"]) == ("hold", [])
    void = "the approval of lee in record 1 counts for nothing: it is signed as lee on 2026-01-06 with a key that was"
    assert void in why(decision)
    result = verify_ledger(book)
    assert result.first_bad == 1
    assert "signed as lee on 2026-01-06 with a key that was retired on 2026-01-06" in str(result.problem)
    (folder / "rampgate.toml").write_text(text)
    assert whole(book)


@pytest.mark.parametrize("says", ["2026-12-31T00:00:00+00:00", "2025-06-01T00:00:00+00:00"])
def test_a_retired_key_signs_nothing_after_whatever_the_time_it_says(
    folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    """A thief says that he signed before: the chain says after what."""
    policy, text = approved(folder, {"required": 1}), (folder / "rampgate.toml").read_text()
    look(policy, book, 8)
    with monkeypatch.context() as then:
        then.setattr("rampgate.rollout.signed.datetime", clock(datetime.fromisoformat(says)))
        approve(policy, "lee", book)
    (folder / "rampgate.toml").write_text(text)
    retire(folder, "lee", "2026-01-01")
    decision = look(policy, book)
    assert (decision.decision, decision.to_dict()["approval"]["by"]) == ("hold", [])
    result = verify_ledger(book)
    assert (result.ok, result.first_bad) == (False, 2)
    assert "with a key that was retired on 2026-01-01" in str(result.problem)


def test_a_key_that_is_to_be_retired_signs_until_then(folder: Path, book: Ledger) -> None:
    policy = approved(folder, {"required": 1})
    retire(folder, "lee", "2999-01-01")
    approve(policy, "lee", book)
    assert look(policy, book).decision == "go"


def test_an_approval_with_a_stranger_s_key_counts_for_nothing_and_is_found(folder: Path, book: Ledger) -> None:
    """Not even to say by which policy harm is judged."""
    policy, toml = approved(folder), folder / "rampgate.toml"
    approve(policy, "lee", book)
    approve(policy, "sam", book)
    text, lax = toml.read_text(), {"override": {"worse_by": "90pp"}, "kpi": {"worse_by": "90pp"}}
    approved(folder, rollback=lax)
    for name in ("lee", "sam"):
        add(folder, name, folder / f"mallory-{name}.pem")
        approve(policy, name, book, folder / f"mallory-{name}.pem")
    toml.write_text(text)
    decision = look(policy, book, 12, tickets(days=40, traffic=ramp, harm=0.3))
    assert decision.decision == "rollback"
    assert "was changed since it was approved" in why(decision)
    assert "the approval of sam in record 4 counts for nothing" in why(decision)
    result = verify_ledger(book)
    assert (result.ok, result.first_bad) == (False, 3)
    assert "with a key that" in str(result.problem)


def test_without_the_project_s_keys_no_signature_is_taken_for_somebody_s(folder: Path, book: Ledger, run: Any) -> None:
    """Anybody can make a key and write its name into a record."""
    policy = approved(folder, {"required": 1})
    approve(policy, "lee", book)
    look(policy, book)
    assert run("verify", "--ledger", book.path)[0] == 0
    (folder / "rampgate.toml").unlink()
    result = verify_ledger(book)
    assert (result.ok, result.problem, result.first_bad, result.unheld) == (False, None, None, 1)
    code, out, _ = run("verify", "--ledger", book.path)
    assert code == 1
    assert out.startswith("NOT CHECKED: whose 1 signature")
    assert "lay the project's rampgate.toml beside the ledger" in " ".join(out.split())
    assert "\nWHOLE" not in out
    told = json.loads(run("verify", "--ledger", book.path, "--json")[1])
    assert (told["ok"], told["unheld"]) == (False, 1)


def test_the_keys_of_the_look_before_stand_in_for_a_file_that_is_gone(folder: Path, book: Ledger) -> None:
    """They say by which policy harm is judged, and let nothing go on."""
    policy, toml = approved(folder, {"required": 1}), folder / "rampgate.toml"
    approve(policy, "lee", book)
    look(policy, book, 8)
    text, lax = toml.read_text(), {"override": {"worse_by": "90pp"}, "kpi": {"worse_by": "90pp"}}
    toml.unlink()
    approved(folder, {"required": 1}, rollback=lax)
    decision = look(policy, book, 12, tickets(days=40, traffic=ramp, harm=0.3))
    assert decision.decision == "rollback"
    assert "no rampgate.toml names the keys" in why(decision)
    toml.write_text(text)
    assert whole(book)


def test_the_people_that_a_look_knew_are_those_that_its_record_names(folder: Path, book: Ledger) -> None:
    policy = approved(folder, {"required": 1})
    approve(policy, "lee", book)
    assert look(policy, book).decision == "go"
    assert whole(book)

    def forget(content: Any) -> None:
        del content["entry"]["inputs"]["people"]

    rewrite(book.path, forget, at=2)
    result = verify_ledger(book)
    assert (result.ok, result.first_bad) == (False, 2)


@pytest.mark.parametrize("required", [True, None, False])
def test_a_project_with_people_asks_every_policy_for_approvers(
    folder: Path, book: Ledger, required: bool | None
) -> None:
    """So nobody leaves its approvals by another rollout's name; the file may say otherwise, and is reviewed."""
    toml, policy = folder / "rampgate.toml", approved(folder, {"required": 1})
    people = toml.read_text().removeprefix("approval_required = false\n")
    toml.write_text(people if required is None else f"approval_required = {str(required).lower()}\n{people}")
    assert look(policy, book).decision == "hold"
    renamed = write_policy(folder, rollout="triage2")
    decision = look(renamed, book)
    assert whole(book)
    if required is False:
        assert decision.decision == "go"
        return
    assert decision.decision == "hold"
    assert "names nobody who approves it, and rampgate.toml asks for that" in why(decision)
    assert "approval_required = false" in why(decision)
    assert look(renamed, book, 20, tickets(days=40, traffic=ramp, harm=0.3)).decision == "rollback"
    other = write_policy(folder, rollout="triage3")
    look(other, book)
    toml.write_text(f"approval_required = false\n{people}")
    assert "not_approved" not in codes(look(other, book, 13))  # asked for by the project alone, and no more
    assert whole(book)


def test_a_look_of_changed_code_that_knows_nobody_after_one_that_knew_keys(
    folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = write_policy(folder)
    look(policy, book, 8)
    monkeypatch.setattr("rampgate.rollout.evaluate.known_people", lambda *_: nobody())
    look(policy, book)
    result = verify_ledger(book)
    assert (result.first_bad, result.problem) == (2, "it knew nobody's keys, and a look before it did")


def test_a_first_decision_is_of_no_earlier_statistics_than_what_was_signed_before_it(
    folder: Path, book: Ledger
) -> None:
    policy = approved(folder, {"required": 1})
    approve(policy, "lee", book)
    look(policy, book)
    rewrite(book.path, lambda content: content["entry"]["versions"].update(statistics=4), at=2)
    result = verify_ledger(book)
    assert result.first_bad == 2
    assert "made by statistics 4, and a record before it by" in str(result.problem)


@pytest.mark.parametrize("toml", ["approval_required = true\n", "approval_required = true\npeople = []\n"])
def test_a_project_that_asks_for_approvals_and_names_nobody_gets_none(folder: Path, book: Ledger, toml: str) -> None:
    (folder / "rampgate.toml").write_text(toml)
    decision = look(write_policy(folder), book)
    assert (decision.decision, "not_approved" in codes(decision)) == ("hold", True)
    assert "names nobody who approves it, and rampgate.toml asks for that" in why(decision)
    assert look(approved(folder, {"required": 1}, rollout="other"), book).decision == "hold"
    assert whole(book)


def test_a_nearer_file_without_people_hides_none(folder: Path, book: Ledger) -> None:
    toml, inner = folder / "rampgate.toml", folder / "inner"
    toml.write_text(toml.read_text().removeprefix("approval_required = false\n"))
    inner.mkdir()
    (inner / "rampgate.toml").write_text("[store]\nmegabytes = 0\n")
    assert look(write_policy(inner), book).decision == "hold"


def test_a_policy_that_was_replaced_by_void_approvals_is_approved_again(folder: Path, book: Ledger) -> None:
    toml, other = folder / "rampgate.toml", {"guardrails": {"override": {"margin": "6pp"}}}
    add(folder, "kim", folder / "keys" / "kim.pem")
    rules = {"approvers": ["lee", "sam", "kim"]}
    for person in ("sam", "kim"):
        approve(approved(folder, rules), person, book)
    for person in ("lee", "sam"):
        approve(approved(folder, rules, **other), person, book)
    before, _, after = toml.read_text().partition('[[people]]\nname = "lee"')
    toml.write_text(before + after[after.index("[[people]]") :])
    decision = look(approved(folder, rules), book, 12)
    assert decision.decision == "hold"
    assert "was replaced by another one since it was approved: it has 0 of 2 approvals" in why(decision)
    assert [one.person for one in approve(approved(folder, rules), "sam", book).by] == ["sam"]
    assert "not_approved" in codes(look(approved(folder, rules), book, 13))
    assert approve(approved(folder, rules), "kim", book).problem is None
    assert "not_approved" not in codes(look(approved(folder, rules), book, 14))
    # Whose key is not known any more, of them `verify` says so; the looks themselves are derived as they were.
    assert verify_ledger(book).first_bad == 3
