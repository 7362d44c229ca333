"""Whose decisions are obeyed at a look: those whose signature is theirs, made on what was newest, and no others."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.ledger.support import raw, with_triggers, without_triggers
from tests.rollout.people import clock, project
from tests.rollout.tables import tickets, write_policy
from tests.rollout.test_human import HARM, look, order, said, under_approval, whole

from rampgate.errors import UsageError
from rampgate.estimate import STATISTICS
from rampgate.judge.state import State
from rampgate.ledger import Ledger, canonical, digest
from rampgate.people import new_key, read_key
from rampgate.rollout.verify import verify_ledger


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return project(tmp_path, monkeypatch, "dana", "lee", "sam", "kim")


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "rampgate.db")


def forged(book: Ledger, folder: Path, what: str, key: Path | None = None, **changes: Any) -> None:
    """Append a person's decision as somebody does who can write to the file: with no signature, or a key of theirs."""
    last, now = book.last("triage"), datetime.now(UTC).isoformat(timespec="seconds")
    assert last is not None
    statement = {
        "what": "rampgate human",
        "rollout": "triage",
        "after": last.sha256,
        "person": "lee",
        "public_key": "ed25519:" + "A" * 43 + "=" if key is None else read_key(key).public,
        "at": now,
        "decision": what,
        "because": "trust me",
        "as_of": last.entry()["inputs"]["as_of"],
        "past": ["minimum_duration"],
        "needed": 1,
    }
    signature = "AAAA" if key is None else read_key(key).sign(canonical(statement))
    versions = {"rampgate": "0.1.0", "statistics": STATISTICS}
    book.append(
        rollout="triage",
        attempt=1,
        kind="human",
        key=f"triage|human|{digest(canonical(statement))}",
        body={"versions": versions, "statement": statement, "signature": signature},
        documents={},
        state={**last.state(), **changes},
        expected_head=last.sha256,
        recorded_at=now,
    )


@pytest.mark.parametrize("how", ["unsigned", "a stranger's key"])
def test_a_decision_that_is_nobody_s_is_not_obeyed(folder: Path, book: Ledger, how: str) -> None:
    """What its record says of the state counts for nothing, and the rollout holds as long as it stands there."""
    policy = write_policy(folder)
    assert look(policy, book, 8).decision == "hold"
    key = None if how == "unsigned" else folder / "mallory.pem"
    if key is not None:
        new_key(key)
    phases = [[1, "2026-01-05T00:00:00+00:00"], [2, "2026-01-08T00:00:00+00:00"]]
    forged(book, folder, "go", key, phases=phases)
    for day in (12, 13):
        decision = look(policy, book, day)
        assert (decision.decision, decision.phase.index) == ("hold", 1)
        [(verdict, message)] = said(decision)
        assert verdict == "FAIL"
        assert "the decision 'go' of 'lee' in record 2 is not obeyed" in message
    assert look(policy, book, 20, HARM).decision == "rollback"
    result = verify_ledger(book)
    assert (result.ok, result.first_bad) == (False, 2)


@pytest.mark.parametrize("kind", ["approval", "checkpoint", "human"])
def test_no_record_moves_a_rollout_but_by_what_was_signed(folder: Path, book: Ledger, kind: str) -> None:
    """A record of people that says another state than it leads to."""
    policy = under_approval(folder, book)
    assert look(policy, book, 12, HARM).decision == "rollback"
    last = book.last("triage")
    assert last is not None
    book.append(
        rollout="triage",
        attempt=1,
        kind=kind,
        key=f"triage|{kind}|x",
        body={"versions": {"rampgate": "0.1.0", "statistics": STATISTICS}, "statement": {}, "signature": ""},
        documents={},
        state={**last.state(), "status": "running", "rolled_back_at": None},
        expected_head=last.sha256,
        recorded_at=last.recorded_at,
    )
    assert look(policy, book, 13, HARM).decision == "rollback"


def test_a_decision_of_a_person_that_is_no_json_stops_no_look(folder: Path, book: Ledger) -> None:
    """Written past `append`, which takes no NaN: it is nobody's word, and harm is judged."""
    policy = under_approval(folder, book)
    look(policy, book, 8)
    order(book, "hold", "lee", 9)
    last = book.last("triage")
    assert last is not None
    content = last.content()
    content["entry"]["statement"]["z"] = float("nan")
    body = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    without_triggers(book.path)
    raw(book.path, f"UPDATE records SET body = x'{body.hex()}', sha256 = '{digest(body)}' WHERE key = '{last.key}'")
    with_triggers(book.path)
    assert look(policy, book, 12, HARM).decision == "rollback"
    result = verify_ledger(book)
    assert result.first_bad == last.sequence
    assert "NaN" in str(result.problem) or "nan" in str(result.problem)


def test_a_stolen_key_that_is_taken_out_sets_no_criterion_aside(folder: Path, book: Ledger) -> None:
    """What was gone past with its help rolls back again; with the day of the theft it stays as it was."""
    policy, toml = under_approval(folder, book), folder / "rampgate.toml"
    look(policy, book, 12, HARM)
    order(book, "go", "lee", 13)
    order(book, "go", "sam", 14)
    text = toml.read_text()
    toml.write_text(text.replace('name = "lee"', 'name = "lee"\nretired = 2999-01-01'))
    assert look(policy, book, 15, HARM).decision == "hold"
    toml.write_text("[[people]]".join(part for part in text.split("[[people]]") if '"lee"' not in part))
    decision = look(policy, book, 16, HARM)
    assert decision.decision == "rollback"
    assert any("of 'lee' in record" in message for _, message in said(decision))
    toml.write_text(text)
    assert whole(book)


@pytest.mark.parametrize("what", ["hold", "rollback"])
def test_what_stops_is_obeyed_where_no_keys_are_known(folder: Path, book: Ledger, what: str) -> None:
    policy, toml = write_policy(folder), folder / "rampgate.toml"
    look(policy, book, 8)
    text = toml.read_text()
    order(book, what, "lee", 9)
    toml.unlink()
    decision = look(policy, book, 12)
    assert decision.decision == what
    unsure = "what people decided in this attempt cannot be checked: no rampgate.toml names the keys"
    assert any(verdict == "FAIL" and message.startswith(unsure) for verdict, message in said(decision))
    toml.write_text(text)
    assert whole(book)


def test_nobody_goes_on_by_what_is_no_longer_the_newest(folder: Path, book: Ledger) -> None:
    policy = write_policy(folder)
    look(policy, book, 8)
    with pytest.raises(UsageError, match="last looked at what was known on 2026-01-08, and since then more is"):
        order(book, "go", "lee", 9)
    look(policy, book, 9)
    assert order(book, "go", "lee", 9).state.phase == 2
    assert whole(book)


def test_nobody_goes_on_by_approvals_that_have_expired(
    folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as then:
        then.setattr("rampgate.rollout.signed.datetime", clock(datetime(2026, 1, 5, tzinfo=UTC)))
        policy = under_approval(folder, book, expires="7d")
    assert look(policy, book, 11, HARM).decision == "rollback"
    for day, person in ((11, "lee"), (12, "sam")):
        if day == 12:
            with pytest.raises(UsageError, match="the approvals of the policy expired on 2026-01-12"):
                order(book, "go", person, day)
        else:
            order(book, "go", person, day)
    assert whole(book)


def test_nobody_goes_past_what_was_found_while_they_signed(
    folder: Path, book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who decides has read the last look; another one that comes between is not what they went past."""
    policy, append = write_policy(folder), book.append
    look(policy, book, 8)
    calls: list[str] = []

    def slow(**record: Any) -> Any:
        if not calls:
            calls.append(record["kind"])
            look(policy, Ledger.open(book.path), 8, tickets(days=40, seed=2))
        return append(**record)

    monkeypatch.setattr(book, "append", slow)
    with pytest.raises(UsageError, match="the gate looked again while this was signed"):
        order(book, "go", "lee", 8)
    assert [record.kind for record in book.records()] == ["decision", "decision"]
    calls.clear()
    order(book, "hold", "lee", 8)  # what stops is no worse for it
    assert whole(book)


def test_a_look_that_does_not_come_after_what_was_decided_is_found(folder: Path, book: Ledger) -> None:
    policy = write_policy(folder)
    look(policy, book, 11)
    with pytest.MonkeyPatch.context() as patched:
        state = "rampgate.rollout.evaluate.current_state"
        patched.setattr(state, lambda policy, look, as_of, stood=None: State.from_dict(look.state()))
        look(policy, book, 9)
    result = verify_ledger(book)
    assert (result.ok, result.first_bad) == (False, 2)
    assert "is before what was decided last" in str(result.problem)
