"""Approved before launch: what counts, what does not, and that harm is judged whatever is approved."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.ledger.support import raw, without_triggers
from tests.rollout.people import RULES, add, approved, clock, project
from tests.rollout.tables import POLICY, ramp, tickets, write_policy
from tests.rollout.test_verify import rewrite

import rampgate
from rampgate.errors import LedgerError, UsageError
from rampgate.judge.decision import Decision
from rampgate.ledger import Ledger
from rampgate.rollout.approve import approve
from rampgate.rollout.verify import verify_ledger


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return project(tmp_path, monkeypatch)


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "rampgate.db")


FRAME = tickets(days=40, traffic=ramp)


def look(policy: Path, book: Ledger | None, day: int = 12, frame: Any = FRAME) -> Decision:
    return rampgate.check(policy, events=frame, as_of=datetime(2026, 1, day, tzinfo=UTC), ledger=book)


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def why(decision: Decision) -> str:
    return next(reason.message for reason in decision.reasons if reason.code == "not_approved")


def whole(book: Ledger) -> bool:
    result = verify_ledger(book)
    assert result.ok, result.problem
    return True


def test_an_unapproved_policy_holds_and_says_what_is_missing(folder: Path, book: Ledger) -> None:
    policy = approved(folder)
    decision = look(policy, book)
    assert decision.decision == "hold"
    assert "is not approved: it has 0 of 2 approvals; lee or sam may approve it" in why(decision)
    assert [w.what for w in decision.waiting_for] == ["2 approvals of the policy"]
    approve(policy, "lee", book)
    decision = look(policy, book)
    assert decision.decision == "hold"
    assert "it has 1 of 2 approvals (lee); sam may approve it" in why(decision)
    assert look(policy, None).decision == "hold"
    assert whole(book)


def test_an_approved_policy_goes_on_and_the_decision_names_who_approved(folder: Path, book: Ledger) -> None:
    policy = approved(folder)
    agreed = [approve(policy, name, book) for name in ("lee", "sam")]
    assert [a.problem is None for a in agreed] == [False, True]
    decision = look(policy, book)
    assert decision.decision == "go"
    shown = decision.to_dict()["approval"]
    assert (shown["required"], shown["problem"]) == (2, None)
    assert [(one["person"], one["record"]) for one in shown["by"]] == [
        ("lee", agreed[0].record),
        ("sam", agreed[1].record),
    ]
    assert Decision.from_dict(decision.to_dict()) == decision
    assert whole(book)
    assert "approval" not in look(write_policy(folder, rollout="other"), book).to_dict()


def test_comments_and_order_do_not_matter_and_meaning_does(folder: Path, book: Ledger) -> None:
    policy = approved(folder, {"required": 1})
    approve(policy, "lee", book)
    content = json.loads(policy.read_text())
    policy.write_text(json.dumps(dict(reversed(content.items()))))
    assert look(policy, book).decision == "go"
    policy.write_text(json.dumps({**content, "rollback": {"override": {"worse_by": "9pp"}}}))
    decision = look(policy, book, 20)
    assert decision.decision == "hold"
    assert "rollback.override.worse_by: 1pp to 9pp (looser)" in why(decision)
    assert "judged by the approved one until then" in why(decision)
    assert whole(book)


def test_harm_is_judged_by_the_last_approved_policy(folder: Path, book: Ledger) -> None:
    """An edit that tolerates everything, and that takes the approval out, saves nothing."""
    policy = approved(folder, {"required": 1})
    approve(policy, "lee", book)
    frame = tickets(days=40, traffic=ramp, harm=0.3)
    lax = {"override": {"worse_by": "90pp"}, "kpi": {"worse_by": "90pp"}}
    for rules in (RULES, None):
        write_policy(folder, rollback=lax, approval=rules)
        decision = look(policy, book, 12, frame)
        assert decision.decision == "rollback"
        assert "not_approved" in codes(decision)
    assert whole(book)


def test_harm_is_judged_by_the_policy_given_where_none_was_ever_approved(folder: Path, book: Ledger) -> None:
    decision = look(approved(folder), book, 12, tickets(harm=0.3))
    assert decision.decision == "rollback"
    assert "not_approved" in codes(decision)


def test_approval_cannot_be_left_by_taking_it_out(folder: Path, book: Ledger) -> None:
    assert look(approved(folder), book, 8).decision == "hold"
    decision = look(write_policy(folder), book)
    assert decision.decision == "hold"
    assert "this rollout is under approval" in why(decision)
    assert whole(book)


def test_a_new_version_needs_new_approval_and_the_old_one_counts_no_more(folder: Path, book: Ledger) -> None:
    policy = approved(folder, {"required": 1})
    approve(policy, "lee", book)
    assert look(policy, book).decision == "go"
    approved(folder, {"required": 1}, guardrails={"override": {"margin": "6pp"}})
    assert look(policy, book, 13).decision == "hold"
    agreed = approve(policy, "sam", book)
    assert [str(change) for change in agreed.changes or ()] == ["guardrails.override.margin: 5pp to 6pp (looser)"]
    decision = look(policy, book, 14)
    assert "not_approved" not in codes(decision)
    said = next(r.message for r in decision.reasons if r.code == "decided_by_person")
    assert "judged anew, on all days since the start: guardrail:override; the evidence of every other" in said
    approved(folder, {"required": 1})  # the old one again, whose approval was replaced
    assert "was changed since it was approved" in why(look(policy, book, 15))
    approve(policy, "lee", book)
    assert "not_approved" not in codes(look(policy, book, 16))
    assert whole(book)


def test_a_change_beside_the_criteria_lets_all_evidence_go_on(folder: Path, book: Ledger) -> None:
    policy = write_policy(folder)
    before = look(policy, book)
    write_policy(folder, phases=[*POLICY["phases"][:2], {"traffic": "90%"}, {"traffic": "100%"}])
    after = look(policy, book, 13)
    said = next(r.message for r in after.reasons if r.code == "decided_by_person")
    assert "no criterion is another one, and all evidence so far goes on" in said
    assert before.decision == "go"
    assert whole(book)


def test_an_approval_expires_and_can_be_renewed(folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = approved(folder, {"required": 1, "expires": "5d"})

    monkeypatch.setattr("rampgate.rollout.signed.datetime", clock(datetime(2026, 1, 6, 12, tzinfo=UTC)))
    approve(policy, "lee", book)
    assert "not_approved" not in codes(look(policy, book, 11))
    decision = look(policy, book, 12)
    assert "the approvals of the policy expired on 2026-01-11, 5d after they were given; renew them" in why(decision)
    monkeypatch.undo()
    approve(policy, "lee", book, folder / "keys" / "lee.pem")
    assert look(policy, book, 12).decision == "go"
    assert whole(book)


def test_the_next_candidate_can_be_approved_while_this_one_runs(folder: Path, book: Ledger) -> None:
    policy = approved(folder, {"required": 1})
    approve(policy, "lee", book)
    assert look(policy, book).decision == "go"
    approved(folder, {"required": 1}, candidate="v3")
    approve(policy, "lee", book)
    approved(folder, {"required": 1})
    assert "not_approved" not in codes(look(policy, book, 13))
    assert whole(book)


def test_an_unapproved_candidate_leaves_no_evidence_behind(folder: Path, book: Ledger) -> None:
    """A rollback is not escaped by naming another candidate for a look, nor by coming back."""
    policy, frame = approved(folder, {"required": 1}), tickets(days=40, traffic=ramp, harm=0.3)
    approve(policy, "lee", book)
    assert look(policy, book, 12, frame).decision == "rollback"
    approved(folder, {"required": 1}, candidate="v3")
    decision = look(policy, book, 13, frame)
    assert (decision.decision, decision.attempt) == ("rollback", 1)
    assert "is not approved" in why(decision)
    approved(folder, {"required": 1})
    decision = look(policy, book, 14, frame)
    assert (decision.decision, decision.attempt) == ("rollback", 1)
    assert whole(book)


def test_a_candidate_that_was_left_is_taken_up_again_with_new_approvals(folder: Path, book: Ledger) -> None:
    policy, frame = approved(folder, {"required": 1}), FRAME.copy()
    frame.loc[(frame.version == "v2") & (frame.index % 2 == 0), "version"] = "v3"
    approve(policy, "lee", book)
    assert "not_approved" not in codes(look(policy, book, 8, frame))
    approved(folder, {"required": 1}, candidate="v3")
    approve(policy, "lee", book)
    decision = look(policy, book, 9, frame)
    assert (decision.attempt, "not_approved" in codes(decision)) == (2, False)
    approved(folder, {"required": 1})
    decision = look(policy, book, 10, frame)
    assert (decision.attempt, decision.decision) == (2, "hold")
    assert "it has 0 of 1 approvals" in why(decision)
    approve(policy, "lee", book)
    decision = look(policy, book, 11, frame)
    assert (decision.attempt, "not_approved" in codes(decision)) == (3, False)
    assert whole(book)


@pytest.mark.parametrize("how", ["gone", "broken", "other key"])
def test_without_the_public_keys_nothing_is_approved_and_harm_is_judged(folder: Path, book: Ledger, how: str) -> None:
    policy, toml = approved(folder, {"required": 1}), folder / "rampgate.toml"
    text = toml.read_text()
    approve(policy, "lee", book)
    if how == "gone":
        toml.unlink()
    elif how == "broken":
        toml.write_text("[[people]\n")
    else:
        toml.unlink()
        add(folder, "lee", folder / "new.pem")
    decision = look(policy, book)
    assert decision.decision == "hold"
    assert {
        "gone": "no rampgate.toml names the keys",
        "broken": "whose signatures count cannot be read",
        "other key": "it has 0 of 1 approvals",
    }[how] in why(decision)
    assert look(policy, book, 20, tickets(harm=0.3)).decision == "rollback"
    toml.write_text(text)
    assert whole(book)


def test_a_changed_file_of_keys_is_another_question(folder: Path, book: Ledger) -> None:
    policy, toml = approved(folder, {"required": 1}), folder / "rampgate.toml"
    approve(policy, "lee", book)
    text = toml.read_text()
    toml.unlink()
    assert look(policy, book).decision == "hold"
    toml.write_text(text)
    assert look(policy, book).decision == "go"


def test_approving_twice_is_one_record(folder: Path, book: Ledger) -> None:
    policy = approved(folder, {"required": 1})
    first = approve(policy, "lee", book)
    assert approve(policy, "lee", book).record == first.record
    assert len(list(book.records())) == 1


@pytest.mark.parametrize(
    ("person", "says"),
    [
        ("dana", "dana wrote the policy and cannot approve it"),
        ("eve", "eve is not among the approvers"),
        ("kim", "nobody called 'kim' is among the people of this project"),
    ],
)
def test_who_may_not_approve_is_told_so_and_nothing_is_recorded(
    folder: Path, book: Ledger, person: str, says: str
) -> None:
    policy = approved(folder, {"approvers": ["lee", "kim"]})
    with pytest.raises(UsageError, match=says):
        approve(policy, person, book)
    assert list(book.records()) == []


def test_a_key_of_somebody_else_or_none_or_an_open_one_is_refused(folder: Path, book: Ledger) -> None:
    policy, keys = approved(folder), folder / "keys"
    with pytest.raises(UsageError, match="is not one that lee signs with"):
        approve(policy, "lee", book, keys / "sam.pem")
    with pytest.raises(UsageError, match="there is no key to sign with"):
        approve(policy, "lee", book, keys / "none.pem")
    (keys / "lee.pem").chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP)
    with pytest.raises(UsageError, match="others can read this key"):
        approve(policy, "lee", book)
    with pytest.raises(UsageError, match="names nobody who approves it"):
        approve(write_policy(folder), "lee", book)
    assert list(book.records()) == []


def test_a_forged_approval_counts_for_nothing_and_is_found(folder: Path, book: Ledger) -> None:
    """Somebody who can write to the file, and has no key of the approvers."""
    policy = approved(folder, {"required": 1})
    approve(policy, "lee", book)

    def forge(content: Any) -> None:
        content["entry"]["statement"]["person"] = "sam"

    rewrite(book.path, forge)
    assert look(policy, book).decision == "hold"
    result = verify_ledger(book)
    assert (result.ok, result.first_bad) == (False, 1)
    assert "the signature is not that of the key it names" in str(result.problem)


def test_a_signature_cannot_be_used_a_second_time(folder: Path, book: Ledger) -> None:
    policy = approved(folder, {"required": 1})
    approve(policy, "lee", book)
    approved(folder, {"required": 1}, guardrails={"override": {"margin": "6pp"}})
    approve(policy, "lee", book)
    first, second = book.records()
    entry = first.entry()
    again = book.append(
        rollout="triage",
        attempt=1,
        kind="approval",
        key="triage|approval|again",
        body=entry,
        documents={},
        state={},
        expected_head=second.sha256,
        recorded_at=first.recorded_at,
    )
    result = verify_ledger(book)
    assert (result.ok, result.first_bad) == (False, again.sequence)
    assert "signed for another place" in str(result.problem)
    approved(folder, {"required": 1})
    assert look(policy, book).decision == "hold"


def test_a_decision_that_claims_approvals_is_found(folder: Path, book: Ledger) -> None:
    policy = approved(folder, {"required": 1})
    look(policy, book, 8)
    approve(policy, "lee", book)
    assert look(policy, book).decision == "go"

    def claim(content: Any) -> None:
        content["entry"]["inputs"]["mandate"]["problem"] = None

    rewrite(book.path, claim)
    result = verify_ledger(book)
    assert (result.ok, result.first_bad) == (False, 1)


def test_a_look_that_comes_between_is_signed_after(folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    policy, append = approved(folder, {"required": 1}), book.append
    calls: list[str] = []

    def slow(**record: Any) -> Any:
        if not calls:
            calls.append(record["kind"])
            look(policy, Ledger.open(book.path), 8)
        return append(**record)

    monkeypatch.setattr(book, "append", slow)
    approve(policy, "lee", book)
    assert calls == ["approval"]
    assert [record.kind for record in book.records()] == ["decision", "approval"]
    assert whole(book)


def test_an_approval_that_nobody_could_have_signed_is_no_approval(folder: Path, book: Ledger) -> None:
    policy = approved(folder, {"required": 1})
    book.append(
        rollout="triage",
        attempt=1,
        kind="approval",
        key="triage|approval|x",
        body={"versions": {}, "statement": {"after": None}},
        documents={},
        state={},
        expected_head=None,
        recorded_at="2026-01-05T00:00:00+00:00",
    )
    assert look(policy, book).decision == "hold"
    assert verify_ledger(book).first_bad == 1


def test_validate_says_who_has_no_key(folder: Path, run: Any) -> None:
    tickets(days=20).to_csv(folder / "tickets.csv", index=False)
    policy = approved(folder, {"approvers": ["lee", "kim"]})
    told = json.loads(run("validate", policy, "--json")[1])
    assert any("kim has no key in" in line for line in told["warnings"])
    (folder / "rampgate.toml").unlink()
    told = json.loads(run("validate", policy, "--json")[1])
    assert any("no rampgate.toml names the keys" in line for line in told["warnings"])


def test_secrets_are_nowhere(folder: Path, book: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    policy = approved(folder, {"required": 1})
    approve(policy, "lee", book)
    look(policy, book)
    secret = (folder / "keys" / "lee.pem").read_text().splitlines()[1]
    assert len(secret) > 40
    assert secret.encode() not in book.path.read_bytes()
    from rampgate.people import read_key

    key = read_key(folder / "keys" / "lee.pem")
    assert secret not in repr(key)
    assert "_own" not in repr(key)


def test_a_ledger_that_cannot_be_written_is_an_error(folder: Path, book: Ledger) -> None:
    policy = approved(folder, {"required": 1})
    without_triggers(book.path)
    raw(book.path, "DROP TABLE records")
    with pytest.raises(LedgerError):
        approve(policy, "lee", book)
