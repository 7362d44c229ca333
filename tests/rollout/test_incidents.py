"""Incidents from end to end: opened by the decision's own record, reviewed, and what the next attempt waits for."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.rollout.people import approved, project
from tests.rollout.reviewed import review_all, written
from tests.rollout.tables import POLICY, ramp, tickets, write_policy
from tests.rollout.test_verify import rewrite

import rampgate
from rampgate.errors import UsageError
from rampgate.incident.values import Incident
from rampgate.judge.decide import judge
from rampgate.judge.decision import Decision
from rampgate.judge.moved import moved
from rampgate.ledger import Ledger, Record, digest, export
from rampgate.people import People, new_key
from rampgate.rollout.approve import approve
from rampgate.rollout.archive import question
from rampgate.rollout.evaluate import case_of
from rampgate.rollout.human import decide
from rampgate.rollout.incidents import incidents
from rampgate.rollout.reviews import (
    assign,
    close,
    done,
    false_alarm,
    join,
    link,
    note,
    propose,
    submit,
    text_of,
)
from rampgate.rollout.signed import INCIDENT, REVIEW, Draft, Named, Signer, append_signed, key_of
from rampgate.rollout.told import facts_of, proposed, timeline
from rampgate.rollout.verify import verify_ledger

HARM = tickets(days=40, harm=0.3)
#: The candidate is taken back; one with another name and without the harm comes on the 17th.
NEXT = HARM.copy()
NEXT.loc[(NEXT.opened_at >= "2026-01-17"), "override"] = tickets(days=40).override
NEXT.loc[(NEXT.opened_at >= "2026-01-17") & (NEXT.version == "v2"), "version"] = "v3"
AGAIN = {**POLICY, "candidate": "v3"}


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "rampgate.db")


UNSIGNED = "it is not signed, and records before it are, or a look before it knew keys to sign with"


def look(book: Ledger, day: int, frame: Any = HARM, policy: Any = None) -> Decision:
    return rampgate.check(policy or POLICY, events=frame, as_of=datetime(2026, 1, day, tzinfo=UTC), ledger=book)


def only(book: Ledger) -> Incident:
    (one,) = incidents(book).found.values()
    return one


def whole(book: Ledger) -> bool:
    result = verify_ledger(book)
    assert result.ok, (result.first_bad, result.problem)
    return True


def codes(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.reasons}


def test_the_record_of_a_rollback_is_the_opening_of_an_incident(book: Ledger) -> None:
    decision = look(book, 12)
    assert decision.decision == "rollback"
    one = only(book)
    assert [fire.record for fire in one.fires] == [decision.decision_id]  # the very record: there is no moment between
    assert len(list(book.records())) == 1
    assert {c.id for c in one.failed} == {c.id for c in decision.criteria if c.verdict == "FAIL"}
    assert (one.state, one.rolled_back) == ("open", one.fires[0])


def test_fires_of_one_cause_join(book: Ledger) -> None:
    for day in (12, 13, 14):
        look(book, day)
    assert len(only(book).fires) == 3


@pytest.fixture
def fired(book: Ledger) -> Ledger:
    look(book, 8)
    look(book, 17)
    return book


def test_the_next_attempt_waits_for_the_review(fired: Ledger) -> None:
    one = only(fired)
    for day in (26, 27):
        decision = look(fired, day, NEXT, AGAIN)
        assert (decision.attempt, decision.decision) == (2, "hold")
        assert "open_review" in codes(decision)
        assert f"the review of incident {one.short} to be closed" in [w.what for w in decision.waiting_for]
    assert whole(fired)
    review_all(fired)
    after = look(fired, 27, NEXT, AGAIN)  # the same rows on the same day, and another answer
    assert "open_review" not in codes(after)
    assert after.decision == "go"
    assert look(fired, 27, NEXT, AGAIN).decision_id == after.decision_id
    assert whole(fired)


def test_harm_is_judged_whatever_is_to_be_reviewed(fired: Ledger) -> None:
    bad = NEXT.copy()
    later = (bad.opened_at >= "2026-01-19") & (bad.version == "v3")
    bad.loc[later, "override"] = True
    decision = look(fired, 27, bad, AGAIN)
    assert (decision.attempt, decision.decision) == (2, "rollback")
    assert "open_review" in codes(decision)
    assert [one.attempt for one in incidents(fired).found.values()] == [1, 2]
    assert whole(fired)


def test_resume_after_a_rollback_waits_as_well_and_nobody_goes_on_past_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch, "dana", "lee", "sam")
    book, policy = Ledger.open(tmp_path / "rampgate.db"), write_policy(tmp_path)
    look(book, 12, policy=policy)
    decide("triage", "resume", "the prompt is mended", "lee", book, as_of="2026-01-13")
    mended = HARM.where(HARM.opened_at < "2026-01-14", tickets(days=40))
    decision = look(book, 22, mended, policy)
    assert (decision.attempt, decision.decision) == (2, "hold")
    assert "open_review" in codes(decision)
    with pytest.raises(UsageError, match="no single person can go past"):
        decide("triage", "go", "it will be fine", "lee", book)
    review_all(book)
    assert look(book, 22, mended, policy).decision == "go"
    assert whole(book)


def test_notes_and_evidence_are_records_and_change_no_answer(fired: Ledger, tmp_path: Path) -> None:
    before = look(fired, 17)
    one = only(fired)
    log = tmp_path / "model.log"
    log.write_text("error")
    note(fired, one.short, "  the  prompt lost a line ", "kim")
    link(fired, one.short, str(log), "kim", text="the log of that day")
    link(fired, "last", "https://example.com/7", "kim")
    assert look(fired, 17).decision_id == before.decision_id
    assert [act.says.get("text") for act in only(fired).acts] == ["the prompt lost a line", "the log of that day", ""]
    assert only(fired).acts[1].says["sha256"] == digest(b"error")
    assert whole(fired)
    # Nothing of it moves the state.
    records = list(fired.records())
    assert records[-1].state() == records[1].state()


def test_a_review_is_kept_word_for_word_and_exported(fired: Ledger, tmp_path: Path) -> None:
    one = only(fired)
    path = written(tmp_path, one.short)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + "\r\n## Über uns\r\n\r\nmore\r\n".encode())
    submit(fired, path, "lee")
    after = only(fired)
    assert (after.state, after.owner) == ("in review", "lee")
    assert after.review is not None
    assert after.review.says["sha256"] == digest(path.read_bytes())
    assert text_of(fired, after).encode() == path.read_bytes()
    assert after.review.says["document"] in {digest(line.rstrip(b"\n")) for line in export(fired)}
    assert whole(fired)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (lambda b, f: submit(b, f / "nothing.md", "lee"), "cannot be read"),
        (lambda b, f: submit(b, _with(f, b, "## Impact\n\nMany tickets.\n", ""), "lee"), "section 'Impact' is missing"),
        (lambda b, f: submit(b, written(f, only(b).id, days=-1), "lee"), r"review.md:\d+: the due date .* is past"),
        (lambda b, f: submit(b, written(f, "0123456789ab"), "lee"), "no incident has this id"),
        (lambda b, f: submit(b, _with(f, b, "lost", "l\xf6st", "latin-1"), "lee"), "line 20 is no UTF-8 text"),
        (lambda b, f: close(b, only(b).id, "sam"), "no review of incident .* was submitted"),
        (lambda b, f: false_alarm(b, only(b).id, "noise", "sam"), "has no owner"),
        (lambda b, f: done(b, only(b).id, 1, "sam"), "has 0 actions"),
        (lambda b, f: note(b, only(b).id, "  ", "sam"), "says nothing"),
        (lambda b, f: note(b, only(b).id, "x", "sam", state="traced"), "no state that a note can give"),
        (lambda b, f: note(b, "abc", "x", "sam"), "no incident has this id"),
        (lambda b, f: note(b, only(b).id, "x", "a|b"), "cannot be used as a name"),
        (lambda b, f: assign(b, only(b).id, " ", "sam"), "is not a name"),
        (lambda b, f: link(b, only(b).id, str(f / "nothing.log"), "sam"), "cannot be read"),
        (lambda b, f: join(b, only(b).id, only(b).id, "sam"), "was joined to"),
        (lambda b, f: propose(b, only(b).id, write_policy(f, rollout="another"), "sam"), "of rollout another"),
    ],
)
def test_what_is_wrong_records_nothing(
    fired: Ledger, tmp_path: Path, what: Callable[[Ledger, Path], Any], says: str
) -> None:
    before = [record.sha256 for record in fired.records()]
    with pytest.raises(UsageError, match=says) as wrong:
        what(fired, tmp_path)
    assert "remedy" in str(wrong.value)
    assert [record.sha256 for record in fired.records()] == before


def _with(folder: Path, book: Ledger, old: str, new: str, encoding: str = "utf-8") -> Path:
    path = written(folder, only(book).id)
    path.write_bytes(path.read_text().replace(old, new).encode(encoding))
    return path


def test_closing_twice_and_after_a_false_alarm_records_nothing(fired: Ledger) -> None:
    review_all(fired)
    one, count = only(fired), len(list(fired.records()))
    for what in (
        lambda: close(fired, one.id, "sam"),
        lambda: false_alarm(fired, one.id, "noise", "sam"),
        lambda: assign(fired, one.id, "kim", "kim"),
        lambda: submit(fired, written(fired.path.parent, one.id), "lee"),
    ):
        with pytest.raises(UsageError, match="was closed by sam"):
            what()
    assert len(list(fired.records())) == count
    note(fired, one.id, "it came up again in April", "kim")
    done(fired, one.id, 1, "lee", text="https://example.com/8")
    assert [act.act for act in only(fired).acts[-2:]] == ["note", "done"]
    assert whole(fired)


def test_a_false_alarm_is_closed_as_one(fired: Ledger) -> None:
    one = only(fired)
    assign(fired, one.id, "lee", "lee")
    with pytest.raises(UsageError, match="owns this incident"):
        false_alarm(fired, one.id, "the labels were wrong", "lee")
    false_alarm(fired, one.id, "the labels were wrong", "sam")
    assert (only(fired).state, only(fired).false_alarm) == ("closed", True)
    assert "open_review" not in codes(look(fired, 26, NEXT, AGAIN))
    assert whole(fired)


def test_who_has_a_key_signs_and_a_name_alone_is_then_not_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch, "lee", "sam")
    book = Ledger.open(tmp_path / "rampgate.db")
    look(book, 12)
    one = only(book)
    with pytest.raises(UsageError, match="nobody called 'kim'"):
        note(book, one.id, "x", "kim")
    with pytest.raises(UsageError, match="nobody called 'kim'"):
        assign(book, one.id, "kim", "lee")
    path = written(tmp_path, one.id, "kim")
    with pytest.raises(UsageError, match=r"2 errors; nothing was recorded\n.*review.md:4: nobody called 'kim'"):
        submit(book, path, "lee")
    review_all(book)
    assert all(record.entry()["signature"] for record in book.records() if record.kind != "decision")
    assert whole(book)
    (tmp_path / "rampgate.toml").unlink()
    with pytest.raises(UsageError, match=r"no rampgate.toml says whose signature counts"):
        note(book, one.id, "x", "lee")


def _unsigned(content: dict[str, Any]) -> None:
    content["entry"]["signature"] = content["entry"]["statement"]["public_key"] = None
    _keyed(content)


def _keyed(content: dict[str, Any]) -> None:
    content["key"] = key_of(content["kind"], content["entry"]["statement"])


def _says(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content["entry"]["statement"].update(changes)
        _keyed(content)

    return change


@pytest.mark.parametrize(
    ("at", "change", "problem"),
    [
        (6, _says(person="lee"), "owns this review"),  # the close
        (6, _says(incident="0" * 64), "no incident 00000000"),
        (6, _says(act="bury"), "nobody can 'bury'"),
        (5, _says(causes=[]), "needs an owner, a cause"),  # the review
        (5, _says(sha256="0" * 64), "not the one that was signed"),
        (5, lambda c: c["state"].update(status="complete"), "which it does not change"),
        (7, lambda c: c["entry"]["inputs"].pop("reviews"), "says nothing of open reviews"),
        (3, lambda c: c["entry"]["inputs"].update(reviews=[]), "judged again, the decision differs"),
    ],
)
def test_what_is_forged_is_found(fired: Ledger, at: int, change: Any, problem: str) -> None:
    look(fired, 26, NEXT, AGAIN)
    review_all(fired)
    look(fired, 27, NEXT, AGAIN)
    assert [record.kind for record in fired.records()][3:] == ["incident", "review", "review", "decision"]
    rewrite(fired.path, change, at)
    result = verify_ledger(Ledger.open(fired.path))
    assert not result.ok
    assert result.first_bad == at
    assert problem in str(result.problem)


def test_a_decision_that_leaves_a_review_out_and_is_whole_in_itself_is_found(fired: Ledger) -> None:
    look(fired, 26, NEXT, AGAIN)

    def change(content: dict[str, Any]) -> None:
        entry = content["entry"]
        entry["inputs"]["reviews"] = []
        case = case_of(entry["inputs"], fired)
        decision = judge(case)
        entry["decision"] = decision.content()
        content["state"] = moved(case, decision).to_dict()
        content["key"] = question(case, entry["source"]["digest"])
        assert decision.decision == "go"

    rewrite(fired.path, change, 3)
    result = verify_ledger(Ledger.open(fired.path))
    assert (result.first_bad, result.problem) == (3, "the reviews that it takes for open are not those that were")


def test_a_name_alone_after_a_signature_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch, "lee", "sam")
    book = Ledger.open(tmp_path / "rampgate.db")
    look(book, 12)
    assign(book, only(book).id, "lee", "sam")
    note(book, only(book).id, "x", "sam")
    rewrite(book.path, _unsigned, 3)
    result = verify_ledger(Ledger.open(book.path))
    assert (result.first_bad, result.problem) == (3, UNSIGNED)


def test_a_name_alone_after_a_look_that_knew_keys_is_refused_and_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch, "lee", "sam")
    book = Ledger.open(tmp_path / "rampgate.db")
    look(book, 12, policy=write_policy(tmp_path))
    one, toml = only(book), tmp_path / "rampgate.toml"
    text = toml.read_text()
    toml.unlink()
    with pytest.raises(UsageError, match="says whose signature counts"):
        note(book, one.id, "all is well", "sam")
    toml.write_text(text)

    def forge(last: Record | None) -> Draft:
        assert last is not None
        return Draft({"incident": one.id, "act": "note", "text": "all is well"}, last.state(), {})

    append_signed(book, "triage", INCIDENT, Named("sam"), forge)
    result = verify_ledger(book)
    assert (result.first_bad, result.problem) == (2, UNSIGNED)


def test_no_look_is_silent_of_reviews(fired: Ledger) -> None:
    rewrite(fired.path, lambda content: content["entry"]["inputs"].pop("reviews"), 1)
    result = verify_ledger(Ledger.open(fired.path))
    assert result.first_bad == 1
    assert "it says nothing of open reviews" in str(result.problem)


def test_a_close_that_nobody_known_signed_lets_nothing_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Appended by somebody who can write to the file: by a name alone, or with a key that the project does not know."""
    project(tmp_path, monkeypatch, "lee", "sam")
    book, policy = Ledger.open(tmp_path / "rampgate.db"), write_policy(tmp_path)
    look(book, 17, policy=policy)
    assign(book, only(book).id, "lee", "lee")
    write_policy(tmp_path, candidate="v3")
    one, stranger = only(book), new_key(tmp_path / "stranger.pem")

    def forge(last: Record | None) -> Draft:
        assert last is not None
        return Draft({"incident": one.id, "act": "false_alarm", "because": "noise"}, last.state(), {})

    for signer in (Named("sam"), Signer("sam", stranger, People("nowhere", ()))):
        append_signed(book, "triage", REVIEW, signer, forge)
        assert only(book).state == "open"
        assert "open_review" in codes(look(book, 26, NEXT, policy))
    assert not verify_ledger(book).ok
    false_alarm(book, one.id, "the labels were wrong", "sam")
    assert "open_review" not in codes(look(book, 26, NEXT, policy))


def test_a_policy_that_a_review_led_to_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch, "dana", "lee", "sam")
    book, policy = Ledger.open(tmp_path / "rampgate.db"), approved(tmp_path)
    for name in ("lee", "sam"):
        approve(policy, name, book)
    look(book, 12, policy=policy)
    one = only(book)
    stricter = approved(tmp_path, candidate="v3", guardrails={"override": {"margin": "3pp"}})
    propose(book, one.id, stricter, "lee")
    (found,) = proposed(book, only(book))
    assert (found.approved_by, found.first_look) == ((), None)
    assert any("override" in str(change) for change in found.changes)
    for name in ("lee", "sam"):
        approve(stricter, name, book)
    review_all(book)
    look(book, 26, NEXT, stricter)
    (found,) = proposed(book, only(book))
    assert (set(found.approved_by), str(found.first_look)[:10]) == ({"lee", "sam"}, "2026-01-26")
    assert whole(book)


def test_the_facts_are_those_of_the_rows(book: Ledger) -> None:
    """Units and harm against a computation from the rows with pandas."""
    late = tickets(days=40, traffic=ramp, harm=0.3, from_day=8)
    look(book, 8, late)
    decisions = [look(book, day, late) for day in range(13, 22)]
    last = next(d for d in decisions if d.decision == "rollback")
    facts = facts_of(book, only(book))
    assert facts is not None
    assert facts.onset is not None
    assert facts.onset.lower <= "2026-01-13" <= facts.onset.upper  # day 8 is the 13th
    assert facts.onset.day == next(c.onset for c in last.criteria if c.id == "rollback:override")
    seen = late[late.opened_at < str(last.look.date())]
    mine = seen[seen.version == "v2"]
    units = {one.since: one.units for one in facts.exposed}
    since = str(last.phase.since)[:10]
    assert units["launch"] == len(mine)
    assert units["phase"] == (mine.opened_at >= since).sum()
    days = seen[seen.opened_at >= since].groupby([seen.opened_at.dt.date, "version"]).override.agg(["mean", "size"])
    means, sizes = days["mean"].unstack(), days["size"].unstack()
    weight = sizes.v1 * sizes.v2 / (sizes.v1 + sizes.v2)
    harm = (weight * (means.v2 - means.v1)).sum() / weight.sum() * sizes.v2.sum()
    told = next(h for h in facts.harmed if (h.metric, h.segment, h.since) == ("override", None, "phase"))
    # The same sums in another order: the last bits of a double differ.
    assert told.estimate == pytest.approx(harm, rel=1e-9)
    assert told.lower is not None
    assert told.upper is not None
    assert told.lower < harm < told.upper
    parts = [one for one in facts.made_of if one.kind == "metric"]
    total = next(one for one in facts.made_of if one.kind == "whole")
    assert sum(one.amount for one in parts) == pytest.approx(total.amount, abs=1e-12)
    json.dumps(facts.to_dict(), allow_nan=False)


def test_the_timeline_tells_looks_people_and_acts_in_their_order(fired: Ledger) -> None:
    review_all(fired)
    told = [(entry.who, entry.what.split(":")[0].split(",")[0]) for entry in timeline(fired, only(fired))]
    assert told == [
        ("gate", told[0][1]),
        ("gate", told[1][1]),
        ("lee", "owner"),
        ("lee", "review submitted"),
        ("sam", "review closed"),
    ]
    assert told[1][1].startswith("ROLLBACK (phase")


def test_a_person_s_rollback_wants_its_review_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch, "lee", "sam")
    book, policy = Ledger.open(tmp_path / "rampgate.db"), write_policy(tmp_path)
    look(book, 8, tickets(days=40), policy)
    decide("triage", "rollback", "customers complain", "lee", book, as_of="2026-01-09")
    one = only(book)
    assert one.title == "rolled back by lee"
    facts = facts_of(book, one)
    assert facts is not None
    assert (facts.onset, facts.fired) == (None, ())
    decide("triage", "resume", "mended", "sam", book, as_of="2026-01-10")
    assert "open_review" in codes(look(book, 20, tickets(days=40), policy))
    review_all(book)
    assert "open_review" not in codes(look(book, 21, tickets(days=40), policy))
    assert whole(book)
