"""A person decides otherwise: each way, who may, and that the gate goes on judging and showing it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.rollout.people import approved, project
from tests.rollout.reviewed import review_all
from tests.rollout.tables import ramp, tickets, write_policy
from tests.rollout.test_verify import rewrite

import rampgate
from rampgate.errors import UsageError
from rampgate.judge.decision import Decision
from rampgate.judge.state import State
from rampgate.ledger import Ledger
from rampgate.report.dossier import dossier
from rampgate.report.explained import explain_record
from rampgate.report.markdown import markdown
from rampgate.report.sections import hero, sections
from rampgate.rollout.approve import approve
from rampgate.rollout.human import Decided, decide
from rampgate.rollout.verify import verify_ledger

FINE, HARM = tickets(days=40, traffic=ramp), tickets(days=40, traffic=ramp, harm=0.3)
STEADY = tickets(days=40)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return project(tmp_path, monkeypatch, "dana", "lee", "sam", "kim")


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "rampgate.db")


def look(policy: Path, book: Ledger, day: int, frame: Any = FINE) -> Decision:
    return rampgate.check(policy, events=frame, as_of=datetime(2026, 1, day, tzinfo=UTC), ledger=book)


def order(book: Ledger, what: str, person: str, day: int, because: str = "it must be so") -> Decided:
    return decide("triage", what, because, person, book, as_of=date(2026, 1, day))


def state(book: Ledger) -> State:
    last = book.last("triage")
    assert last is not None
    return State.from_dict(last.state())


def said(decision: Decision) -> list[tuple[str, str]]:
    return [(r.verdict, r.message) for r in decision.reasons if r.code == "decided_by_person"]


def whole(book: Ledger) -> bool:
    result = verify_ledger(book)
    assert result.ok, (result.first_bad, result.problem)
    return True


def under_approval(folder: Path, book: Ledger, **rules: Any) -> Path:
    policy = approved(folder, rules)
    for name in ("lee", "sam"):
        approve(policy, name, book)
    return policy


def test_a_person_holds_and_lets_go(folder: Path, book: Ledger) -> None:
    policy = write_policy(folder)
    look(policy, book, 8)
    order(book, "hold", "kim", 9, "the help desk   is short of people")
    decision = look(policy, book, 12)
    assert decision.decision == "hold"
    assert said(decision) == [
        (
            "FAIL",
            "held by kim on 2026-01-09: the help desk is short of people; `rampgate resume` lets the gate decide again",
        )
    ]
    assert "a person to resume" in [w.what for w in decision.waiting_for]
    with pytest.raises(UsageError, match="held by a person already"):
        order(book, "hold", "lee", 12)
    resumed = order(book, "resume", "lee", 12)
    assert (resumed.state.attempt, resumed.state.orders) == (1, ())
    assert look(policy, book, 12).decision == "go"
    assert whole(book)


def test_a_person_s_hold_outlives_a_changed_candidate(folder: Path, book: Ledger) -> None:
    policy, frame = write_policy(folder), FINE.copy()
    frame.loc[(frame.version == "v2") & (frame.index % 2 == 0), "version"] = "v3"
    look(policy, book, 8, frame)
    order(book, "hold", "kim", 9)
    write_policy(folder, candidate="v3")
    decision = look(policy, book, 15, frame)
    assert decision.attempt == 2
    assert said(decision)[0][1].startswith("held by kim on 2026-01-09")
    assert whole(book)


def test_a_person_s_hold_hides_no_harm(folder: Path, book: Ledger) -> None:
    policy = write_policy(folder)
    look(policy, book, 6)
    order(book, "hold", "kim", 6)
    assert look(policy, book, 12, HARM).decision == "rollback"
    assert whole(book)


def test_a_person_rolls_back(folder: Path, book: Ledger) -> None:
    policy = write_policy(folder)
    look(policy, book, 8)
    done = order(book, "rollback", "dana", 9, "customers complain")
    assert done.to_dict()["phase"] == {"index": 1, "of": 3, "traffic": 0.0}
    decision = look(policy, book, 12)
    assert decision.decision == "rollback"
    assert decision.reasons[0].message.startswith("rolled back by dana on 2026-01-09: customers complain; to try again")
    with pytest.raises(UsageError, match="rolled back already"):
        order(book, "rollback", "kim", 12)
    with pytest.raises(UsageError, match="more than to hold"):
        order(book, "hold", "kim", 12)
    assert whole(book)


def test_a_person_goes_on_past_a_hold_by_one_phase(folder: Path, book: Ledger) -> None:
    policy = write_policy(folder)
    assert look(policy, book, 8).decision == "hold"
    done = order(book, "go", "lee", 8, "the board wants it")
    assert done.order.past == ("minimum_duration",)
    assert state(book).phases[-1] == (2, datetime(2026, 1, 8, tzinfo=UTC))
    with pytest.raises(UsageError, match="the gate does not hold this phase"):
        order(book, "go", "lee", 8)
    decision = look(policy, book, 9)
    assert (decision.decision, decision.phase.index) == ("hold", 2)
    assert ("PASS", "gone on past a hold (minimum_duration) by lee on 2026-01-08: the board wants it") in said(decision)
    assert whole(book)


def test_the_last_phase_can_be_completed_by_a_person(folder: Path, book: Ledger) -> None:
    policy = write_policy(folder, phases=[{"traffic": "30%", "at_least": "90d"}])
    look(policy, book, 8)
    assert order(book, "go", "lee", 8).state.status == "complete"
    with pytest.raises(UsageError, match="the rollout is complete"):
        order(book, "go", "lee", 8)
    assert look(policy, book, 12, HARM).decision == "rollback"
    assert whole(book)


def test_nobody_goes_past_a_missing_approval_alone(folder: Path, book: Ledger) -> None:
    policy = approved(folder)
    look(policy, book, 12)
    with pytest.raises(UsageError, match="the policy is not approved, which no single person can go past"):
        order(book, "go", "lee", 12)
    look(policy, book, 13, HARM)
    with pytest.raises(UsageError, match="nobody can go on past its rollback"):
        order(book, "go", "lee", 13)
    assert len(list(book.records())) == 2


def test_going_on_past_a_rollback_takes_the_approvals_and_stays_red(folder: Path, book: Ledger) -> None:
    policy = under_approval(folder, book)
    assert look(policy, book, 12, HARM).decision == "rollback"
    first = order(book, "go", "lee", 13, "the harm was another system's")
    assert (first.order.in_force, first.order.needed, first.state.status) == (False, 2, "rolled_back")
    pending = look(policy, book, 13, HARM)
    assert pending.decision == "rollback"
    assert any(message.startswith("1 of 2 agreed to go on past the rollback: lee on") for _, message in said(pending))
    with pytest.raises(UsageError, match="lee has agreed to this already"):
        order(book, "go", "lee", 13)
    second = order(book, "go", "sam", 14, "and is mended")
    assert (second.order.in_force, second.order.by, second.state.status) == (True, ("lee", "sam"), "running")
    assert set(second.order.past) == {"rollback:override", "rollback:kpi"}
    for day in (15, 20):
        decision = look(policy, book, day, HARM)
        assert decision.decision == "hold"
        red = [message for verdict, message in said(decision) if verdict == "FAIL"]
        assert len(red) == 2
        assert all("by lee and sam on 2026-01-14: the harm was another system's; and is mended" in m for m in red)
        assert {c.verdict for c in decision.criteria if c.kind == "rollback"} == {"FAIL"}
    assert decision.phase.since == datetime(2026, 1, 14, tzinfo=UTC)
    record = book.last("triage", "decision")
    assert record is not None
    told = " ".join(s for part in explain_record(record, book.document).sections for s in part.sentences)
    assert "people decided to go on although what would end the rollout is broken" in told
    text = markdown("", sections(dossier(book, "triage")))
    assert "What people signed" in text
    assert "the harm was another system's" in text
    page = hero(dossier(book, "triage"))
    assert [item.tone for item in page.reasons if "goes on past" in item.text] == ["rollback", "rollback"]
    assert whole(book)


def test_only_what_was_gone_past_is_set_aside(folder: Path, book: Ledger) -> None:
    """Another criterion that breaks later still rolls back."""
    policy = under_approval(folder, book, required=1)
    look(policy, book, 12, HARM)
    order(book, "go", "lee", 12)
    worse = HARM.copy()
    bad = (worse.version == "v2") & (worse.opened_at >= "2026-01-14")
    worse.loc[bad, "right"] = False
    write_policy(
        folder,
        approval={"author": "dana", "approvers": ["lee", "sam"]},
        rollback={"override": {"worse_by": "1pp"}, "kpi": {"worse_by": "1pp"}, "right": {"worse_by": "1pp"}},
    )
    approve(policy, "lee", book)
    decision = look(policy, book, 20, worse)
    assert decision.decision == "rollback"
    assert decision.reasons[0].metric == "right"
    assert whole(book)


@pytest.mark.parametrize("person", ["dana", "kim"])
def test_only_approvers_let_it_go_on_and_anybody_holds(folder: Path, book: Ledger, person: str) -> None:
    policy = under_approval(folder, book)
    look(policy, book, 8)
    for what in ("go", "resume"):
        with pytest.raises(UsageError, match="is not among the approvers of the policy"):
            order(book, what, person, 8)
    assert order(book, "hold", person, 8).order.in_force


def test_without_approvals_in_the_policy_nobody_goes_past_a_rollback(folder: Path, book: Ledger) -> None:
    look(write_policy(folder), book, 12, HARM)
    with pytest.raises(UsageError, match="states no approvals for going on past a rollback"):
        order(book, "go", "lee", 12)


def test_resume_after_a_rollback_is_a_new_attempt_that_shows_the_old_one(folder: Path, book: Ledger) -> None:
    policy = write_policy(folder)
    look(policy, book, 12, HARM)
    done = order(book, "resume", "lee", 13, "the prompt is mended")
    assert (done.state.attempt, done.state.start, done.state.status) == (2, date(2026, 1, 14), "running")
    mended = tickets(days=40, harm=0.3)
    mended = mended.where(mended.opened_at < "2026-01-14", STEADY)
    first = look(policy, book, 14, mended)
    assert (first.attempt, first.decision, first.phase.index) == (2, "hold", 1)
    assert "open_review" in {reason.code for reason in first.reasons}
    review_all(book)
    later = look(policy, book, 21, mended)
    assert (later.attempt, later.decision) == (2, "go")
    assert later.phase.since == datetime(2026, 1, 14, tzinfo=UTC)
    [(verdict, message)] = said(later)
    assert verdict == "PASS"
    assert message.startswith(
        "attempt 2 was begun by lee on 2026-01-13: the prompt is mended; the one before was rolled"
    )
    assert "evidence" in message
    page = dossier(book, "triage")
    assert [(a.number, a.decision) for a in page.attempts] == [(1, "rollback")]
    assert whole(book)


def test_a_resumed_attempt_rolls_back_on_its_own_evidence(folder: Path, book: Ledger) -> None:
    policy = write_policy(folder)
    look(policy, book, 12, HARM)
    order(book, "resume", "lee", 13)
    decision = look(policy, book, 20, HARM)
    assert (decision.attempt, decision.decision) == (2, "rollback")
    assert order(book, "resume", "lee", 21).state.attempt == 3
    assert whole(book)


def test_days_that_were_split_in_one_attempt_are_whole_in_the_next(folder: Path, book: Ledger) -> None:
    """Their documents say the number of the stage, which begins anew: the old ones are not the new ones."""
    policy = write_policy(folder)
    look(policy, book, 8)
    order(book, "go", "lee", 8)
    look(policy, book, 10)
    order(book, "rollback", "lee", 10)
    order(book, "resume", "lee", 10)
    look(policy, book, 12)
    assert whole(book)


def test_what_cannot_be_decided_is_refused_and_nothing_is_recorded(folder: Path, book: Ledger) -> None:
    with pytest.raises(UsageError, match="nothing has been decided on a rollout 'triage' yet"):
        order(book, "hold", "lee", 8)
    policy = write_policy(folder)
    look(policy, book, 12)
    refused = [
        ("hold", "eve", 13, "why", "nobody called 'eve'"),
        ("hold", "lee", 13, "  ", "no reason is given"),
        ("stop", "lee", 13, "why", "'stop' is no decision"),
        ("hold", "lee", 11, "why", "is before what was decided last"),
        ("go", "lee", 13, "why", "the gate does not hold this phase"),
        ("resume", "lee", 13, "why", "neither rolled back nor held"),
    ]
    for what, person, day, because, says in refused:
        with pytest.raises(UsageError, match=says):
            order(book, what, person, day, because)
    with pytest.raises(UsageError, match="in the future"):
        decide("triage", "hold", "why", "lee", book, as_of="2999-01-01")
    with pytest.raises(UsageError, match="nothing has been decided on a rollout 'other'"):
        decide("other", "hold", "why", "lee", book)
    assert len(list(book.records())) == 1
    order(book, "hold", "lee", 14)
    with pytest.raises(UsageError, match="before the last decision"):
        look(policy, book, 13)


def test_a_forged_decision_of_a_person_is_found(folder: Path, book: Ledger) -> None:
    policy = write_policy(folder)
    look(policy, book, 8)
    order(book, "hold", "lee", 8)

    def forge(content: Any) -> None:
        content["state"] = {**content["state"], "orders": []}

    rewrite(book.path, forge, at=2)
    result = verify_ledger(book)
    assert (result.ok, result.first_bad) == (False, 2)
    assert "not the one that it leads to" in str(result.problem)


def test_status_history_and_the_commands(folder: Path, run: Any) -> None:
    policy, ledger = write_policy(folder), ["--ledger", folder / "rampgate.db"]
    FINE.to_csv(folder / "tickets.csv", index=False)
    assert run("check", policy, "--as-of", "2026-01-08")[0] == 10
    code, out, _ = run(
        "decide", "triage", "go", "--because", "the board", "--as", "lee", "--as-of", "2026-01-08", *ledger
    )
    assert code == 0
    assert out.split("\n")[0] == "GO  triage, by lee on 2026-01-08: the board"
    assert "gone past: minimum_duration" in out
    [row] = json.loads(run("status", "--json", *ledger)[1])["rollouts"]
    assert row["phase"] == {"index": 2, "of": 3, "traffic": 0.5}
    assert row["orders"][0]["by"] == ["lee"]
    assert "decided by a person: go past minimum_duration by lee" in " ".join(run("status", *ledger)[1].split())
    told = json.loads(run("history", "--json", *ledger)[1])
    assert [one["decision"] for one in told["by_people"]] == ["go"]
    assert "GO by person" in run("history", *ledger)[1]
    assert run("verify", *ledger)[0] == 0
    code, out, _ = run("decide", "triage", "go", "--because", "x", "--as", "nobody", "--json", *ledger)
    assert (code, json.loads(out)["exit_code"]) == (2, 2)
    code, out, _ = run(
        "decide", "triage", "rollback", "--because", "x", "--as", "kim", "--as-of", "2026-01-09", *ledger
    )
    assert "candidate v2 should have 0 % of traffic" in out
    code, out, _ = run("resume", "triage", "--because", "y", "--as", "lee", "--as-of", "2026-01-10", "--json", *ledger)
    assert json.loads(out)["attempt"] == 2
    identity = told["by_people"][0]["record_id"]
    assert "because: the board" in run("show", identity, *ledger)[1]
    assert json.loads(run("show", identity, "--json", *ledger)[1])["person"] == "lee"
    assert "of kind human, not a decision" in run("explain", identity, *ledger)[2]
