"""What only somebody outside the ledger can know: that it was cut off, rewritten as a whole, or continued twice."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.ledger.support import raw, with_triggers, without_triggers
from tests.rollout.people import add, project
from tests.rollout.tables import POLICY, tickets
from tests.rollout.test_verify import rewrite

import rampgate
from rampgate.errors import LedgerError, UsageError
from rampgate.ledger import Ledger
from rampgate.ledger.export import write
from rampgate.people import find_people
from rampgate.rollout.checkpoint import LEDGER, checkpoint, fork, read_checkpoint, text_of
from rampgate.rollout.verify import Verification, verify_ledger

FRAME = tickets(days=20)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    project(tmp_path, monkeypatch)
    book = Ledger.open(tmp_path / "rampgate.db")
    for day in (8, 12, 13):
        look(book, day)
    return book


def look(book: Ledger, day: int, frame: Any = FRAME) -> str:
    found = rampgate.check(POLICY, events=frame, as_of=datetime(2026, 1, day, tzinfo=UTC), ledger=book)
    return str(found.decision_id)


def kept(book: Ledger) -> Path:
    path = book.path.with_name("checkpoint.json")
    path.write_text(text_of(checkpoint(book, "lee")))
    return path


def found(book: Ledger, *checkpoints: Path, others: tuple[Path, ...] = ()) -> Verification:
    people = find_people(book.path.parent)
    return verify_ledger(book, people=people, checkpoints=[read_checkpoint(p) for p in checkpoints], others=others)


def test_a_checkpoint_is_a_record_and_a_file(book: Ledger) -> None:
    path = kept(book)
    assert book.rollouts() == ["triage"]
    result = found(book, path)
    assert (result.ok, result.records, result.checkpoints) == (True, 4, 2)
    record = book.last(LEDGER)
    assert record is not None
    assert record.entry()["statement"]["sequence"] == 3
    before = look(book, 13)
    assert len(list(book.records())) == 4  # a checkpoint changes no rollout: the same question, the same record
    assert before == [r.sha256 for r in book.records()][2]
    look(book, 14)
    checkpoint(book, "sam")
    assert found(book, path).checkpoints == 3


def test_a_ledger_that_was_cut_off(book: Ledger) -> None:
    path = kept(book)
    for at in (4, 3):
        without_triggers(book.path)
        raw(book.path, f"DELETE FROM records WHERE sequence >= {at}")
        documents = {sha for record in book.records() for sha in _named(record.content())}
        for sha, _ in list(book.all_documents()):
            if sha not in documents:
                raw(book.path, f"DELETE FROM documents WHERE sha256 = '{sha}'")
        with_triggers(book.path)
        assert found(book).ok
        result = found(book, path)
        assert result.ok == (at == 4)
    assert result.first_bad == 3
    assert "lee saw record 3 on" in str(result.problem)
    assert "the ledger ends with record 2: it was cut off" in str(result.problem)


def _named(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(_named(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_named(item) for item in value))
    return {value} if isinstance(value, str) else set()


def test_a_chain_that_was_rewritten_as_a_whole(book: Ledger) -> None:
    """Another moment, the rest linked anew: nothing in the ledger contradicts it."""
    path = kept(book)
    without_triggers(book.path)
    raw(book.path, "DELETE FROM records WHERE sequence = 4")
    rewrite(book.path, lambda content: content.update(recorded_at="2026-01-01T00:00:00+00:00"))
    assert found(book).ok
    result = found(book, path)
    assert (result.ok, result.first_bad) == (False, 3)
    assert "it was another one: the ledger was rewritten" in str(result.problem)


def test_a_copy_that_is_continued_twice(book: Ledger, tmp_path: Path) -> None:
    copy = Ledger.open(Path(shutil.copy(book.path, tmp_path / "copy.db")))
    assert found(book, others=(copy.path,)).ok
    look(book, 15)
    assert found(book, others=(copy.path,)).ok  # an older copy is no fork
    result = found(copy, others=(book.path,))
    assert (result.ok, result.first_bad) == (False, 4)
    assert "has 1 more: this ledger was cut off, or is an older copy" in str(result.problem)
    look(copy, 16)
    path = kept(copy)
    assert found(book).ok
    assert found(copy).ok
    write(copy, tmp_path / "copy.jsonl")
    for other in (copy.path, tmp_path / "copy.jsonl"):
        result = found(book, others=(other,))
        assert (result.ok, result.first_bad) == (False, 4)
        assert "from record 4 on it is another one" in str(result.problem)
    assert "it was another one" in str(found(book, path).problem)


def test_checkpoints_that_prove_nothing(book: Ledger, tmp_path: Path) -> None:
    path = kept(book)
    told = json.loads(path.read_text())
    told["statement"]["person"] = "sam"
    path.write_text(json.dumps(told))
    assert "is not signed with the key it names" in str(found(book, path).problem)
    toml = tmp_path / "rampgate.toml"
    text = toml.read_text()
    add(tmp_path, "lee", tmp_path / "mallory.pem")
    record = checkpoint(book, "lee", tmp_path / "mallory.pem")
    path.write_text(text_of(record))
    toml.write_text(text)
    result = found(book, path)
    assert (result.ok, result.first_bad) == (False, 5)
    for text in ("no JSON", "[]", "{}", '{"statement": {}, "signature": ""}'):
        path.write_text(text)
        with pytest.raises(UsageError, match="this is no checkpoint"):
            found(book, path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_checkpoint(tmp_path / "none.json")
    path.write_text("no JSON")
    with pytest.raises(LedgerError, match="neither a ledger nor an export"):
        fork({}, path)
    with pytest.raises(UsageError, match="cannot be read"):
        fork({}, tmp_path / "none.db")


THINGS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=4,
)


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_checkpoint_that_is_changed_anywhere_is_refused_in_words(
    data: st.DataObject, one: Path, tmp_path: Path
) -> None:
    """Every key taken out, added, or with anything else under it."""
    told = json.loads(one.read_text())
    held = data.draw(st.sampled_from([told, told["statement"]]))
    key = data.draw(st.sampled_from(sorted(held)))
    new = data.draw(THINGS | st.just(...))
    assume(new is ... or new != held[key])
    if new is ...:
        del held[key]
    else:
        held[data.draw(st.sampled_from([key, "more"]))] = new
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(told))
    assert refusal(path).startswith((f"{path}: this is no checkpoint: ", "the checkpoint of "))


def refusal(path: Path) -> str:
    """What is said of a checkpoint that is none."""
    try:
        found = read_checkpoint(path)
    except UsageError as error:
        return str(error)
    problem = found.problem({1: "0" * 64}, None)
    return "" if problem is None or "is not signed with the key it names" not in problem[1] else problem[1]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in its file."""
    folder = tmp_path_factory.mktemp("one")
    with pytest.MonkeyPatch.context() as patched:
        project(folder, patched)
        book = Ledger.open(folder / "rampgate.db")
        look(book, 8)
        return kept(book)


@pytest.mark.parametrize("lacking", ["public_key", "what", "at", "sequence", "signature"])
def test_a_checkpoint_without_a_key_is_refused_by_the_command(
    run: Any, one: Path, tmp_path: Path, lacking: str
) -> None:
    told = json.loads(one.read_text())
    (told if lacking in told else told["statement"]).pop(lacking)
    path = tmp_path / "lacking.json"
    path.write_text(json.dumps(told))
    code, out, err = run("verify", "--ledger", one.parent / "rampgate.db", "--checkpoint", path)
    assert (code, out) == (2, "")
    assert "this is no checkpoint" in err


def test_text_that_is_none_is_no_checkpoint(one: Path, tmp_path: Path) -> None:
    told = json.loads(one.read_text())
    told["statement"]["person"] = "\ud800"
    path = tmp_path / "half.json"
    path.write_text(json.dumps(told))
    assert "this is no checkpoint: " in refusal(path)


def test_another_signed_word_is_no_checkpoint(book: Ledger, tmp_path: Path) -> None:
    """What a person signed for another end has a key and a signature too."""
    told = json.loads(kept(book).read_text())
    told["statement"]["rollout"] = "triage"
    path = tmp_path / "other.json"
    path.write_text(json.dumps(told))
    with pytest.raises(UsageError, match="a signed word on something else"):
        read_checkpoint(path)


def test_an_empty_ledger_has_nothing_to_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    with pytest.raises(UsageError, match="the ledger is empty"):
        checkpoint(Ledger.open(tmp_path / "rampgate.db"), "lee")


def test_the_command(run: Any, book: Ledger, tmp_path: Path) -> None:
    ledger, out = ["--ledger", book.path], tmp_path / "kept.json"
    code, text, _ = run("checkpoint", "--as", "lee", "--out", out, *ledger)
    assert code == 0
    assert text.startswith("record 3 is ")
    assert run("checkpoint", "--as", "lee", "--out", out, *ledger)[0] == 2
    assert len(list(book.records())) == 4
    assert json.loads(run("checkpoint", "--as", "lee", "--json", *ledger)[1])["sequence"] == 4
    assert "it agrees with 3 checkpoints" in run("verify", "--checkpoint", out, *ledger)[1]
    export, empty = tmp_path / "ledger.jsonl", tmp_path / "empty.jsonl"
    run("export", "--out", export, *ledger)
    empty.write_bytes(b"")
    assert "it agrees with 5 records of other copies" in run("verify", "--against", export, *ledger)[1]
    code, _, text = run("verify", "--against", empty, *ledger)
    assert code == 2
    assert "there is no record in it" in text
    other = tmp_path / "other.db"
    # Another day: the same look within the same second would be the same record.
    look(Ledger.open(other), 9)
    assert run("verify", "--checkpoint", out, "--ledger", other)[0] == 1
    assert run("verify", "--against", other, *ledger)[0] == 1
    assert run("status", *ledger)[0] == run("history", *ledger)[0] == 0
