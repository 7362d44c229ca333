"""`verify`: a ledger of today and of earlier versions, and every way in which it can differ."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger.support import raw, with_triggers, without_triggers
from tests.rollout.tables import POLICY, tickets

import rampgate
from rampgate.errors import NewerLedger
from rampgate.judge.state import State
from rampgate.ledger import GENESIS, Ledger, canonical, digest
from rampgate.rollout import evaluate
from rampgate.rollout.looks import first_phase
from rampgate.rollout.verify import verify_ledger
from rampgate.rollout.verify.decision import without_words

OLD = sorted((Path(__file__).parents[1] / "data" / "ledgers").glob("*.db.gz"))


@pytest.fixture(scope="session")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of three looks."""
    path = tmp_path_factory.mktemp("looked") / "rampgate.db"
    frame, book = tickets(days=12), Ledger.open(path)
    for day in (8, 12, 13):
        rampgate.check(POLICY, events=frame, as_of=f"2026-01-{day:02}", ledger=book)
    return path


@pytest.fixture
def copy(looked: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(looked, tmp_path / "rampgate.db"))


def found(path: Path) -> Any:
    return verify_ledger(Ledger.open(path, create=False))


def with_people(path: Path) -> Path:
    """Lay a file with the keys that a ledger's records name beside it, as their project had it."""
    said = [record.entry().get("statement", {}) for record in Ledger.open(path, create=False).records()]
    keys = {(one["person"], one["public_key"]) for one in said if one}
    entries = [f'[[people]]\nname = "{person}"\nkey = "{public}"\n' for person, public in sorted(keys)]
    (path.parent / "rampgate.toml").write_text("".join(entries))
    return path


@pytest.mark.parametrize("old", OLD, ids=lambda path: path.name)
def test_a_ledger_of_an_earlier_version_verifies(old: Path, tmp_path: Path) -> None:
    path = tmp_path / "rampgate.db"
    path.write_bytes(gzip.decompress(old.read_bytes()))
    said: list[str] = []
    result = verify_ledger(Ledger.open(with_people(path), create=False), said.append)
    assert (result.ok, result.first_bad, result.problem) == (True, None, None)
    decisions = sum(record.kind == "decision" for record in Ledger.open(path).records())
    assert result.records == len(said) - 1
    assert result.recomputed + result.older == decisions
    assert said[:2] == ["record 1", "record 2"]


def test_a_whole_ledger(looked: Path) -> None:
    result = found(looked)
    assert result.to_dict() == {
        "records": 3,
        "ok": True,
        "first_bad": None,
        "problem": None,
        "head": [record.sha256 for record in Ledger.open(looked).records()][-1],
        "recomputed": 3,
        "reworded": 0,
        "older": 0,
        "checkpoints": 0,
        "unheld": 0,
        "compared": 0,
    }


def test_an_empty_ledger_is_whole(tmp_path: Path) -> None:
    result = verify_ledger(Ledger.open(tmp_path / "rampgate.db"))
    assert (result.ok, result.records, result.head) == (True, 0, GENESIS)


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("UPDATE records SET recorded_at = '2026-01-01T00:00:00+00:00' WHERE sequence = 2", 2),
        ("UPDATE records SET kind = 'approval' WHERE sequence = 2", 2),
        ("UPDATE records SET body = body || ' ' WHERE sequence = 3", 3),
        ("UPDATE records SET sha256 = replace(sha256, substr(sha256, 1, 1), 'x') WHERE sequence = 1", 1),
        ("DELETE FROM records WHERE sequence = 1", 1),
        ("DELETE FROM records WHERE sequence = 2", 2),
        ("UPDATE records SET sequence = 9 WHERE sequence = 2", 2),
        ("UPDATE documents SET body = '{}' WHERE sha256 = (SELECT min(sha256) FROM documents)", None),
        ("DELETE FROM documents WHERE sha256 = (SELECT min(sha256) FROM documents)", None),
    ],
)
def test_what_was_altered_is_named(copy: Path, statement: str, first_bad: int | None) -> None:
    without_triggers(copy)
    raw(copy, statement)
    result = found(copy)
    assert not result.ok
    assert result.problem
    if first_bad is not None:
        assert (result.first_bad, result.records) == (first_bad, first_bad - 1)
    else:
        assert "document" in result.problem


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        (["DROP TRIGGER records_no_update"], "its trigger records_no_update is gone or another one"),
        (["DROP INDEX records_rollout"], "the index records_rollout is not there"),
        (["CREATE TABLE x (a)"], "there is a table x that no version of rampgate made"),
        (["CREATE VIEW v AS SELECT * FROM records"], "there is a view v that no version"),
        (
            ["CREATE TRIGGER quiet BEFORE INSERT ON records BEGIN SELECT RAISE(IGNORE); END"],
            "there is a trigger quiet that no version",
        ),
        (["CREATE UNIQUE INDEX mine ON records (rollout, attempt, sequence)"], " index mine that no version"),
        (["ALTER TABLE documents ADD COLUMN note TEXT"], "the table documents has a column note of somebody else"),
        (
            [
                "DROP TRIGGER documents_new",
                "CREATE TRIGGER documents_new BEFORE INSERT ON documents BEGIN SELECT 1; END",
            ],
            "its trigger documents_new is gone or another one",
        ),
    ],
)
def test_guards_that_were_taken_off_and_tables_that_were_added(copy: Path, statements: list[str], says: str) -> None:
    raw(copy, *statements)
    result = found(copy)
    assert (result.ok, result.first_bad, result.records) == (False, None, 3)
    assert says in str(result.problem)


@pytest.mark.parametrize("sequence", [0, -4])
def test_a_record_before_the_first_is_found(copy: Path, sequence: int) -> None:
    first = next(Ledger.open(copy).records())
    body = canonical({**first.content(), "sequence": sequence, "rollout": "other", "key": "k"})
    without_triggers(copy)
    columns = f"{sequence}, 'other', 1, 'decision', 'k', x'{body.hex()}', '{digest(body)}', '{GENESIS}'"
    raw(copy, f"INSERT INTO records VALUES ({columns}, '{first.recorded_at}')")
    with_triggers(copy)
    result = found(copy)
    assert (result.ok, result.records) == (False, 3)
    assert "1 more stand beside the records 1 to 3" in str(result.problem)


def test_a_document_that_no_record_names_is_found(copy: Path) -> None:
    raw(copy, f"INSERT INTO documents VALUES ('{digest(b'x')}', 'x')")
    result = found(copy)
    assert (result.ok, result.first_bad, result.records) == (False, None, 3)
    assert "is named by no record" in result.problem


def rewrite(path: Path, change: Any, at: int = 1) -> None:
    """Change a record as somebody would who knows how hashes are made: all later ones are linked anew."""
    without_triggers(path)
    previous = GENESIS
    for record in list(Ledger.open(path).records()):
        content = record.content()
        content["previous_sha256"] = previous
        if record.sequence == at:
            change(content)
        body = canonical(content)
        columns = ", ".join(f"{name} = '{content[name]}'" for name in ("rollout", "attempt", "kind", "key"))
        raw(
            path,
            f"UPDATE records SET {columns}, body = x'{body.hex()}', sha256 = '{digest(body)}', "
            f"previous_sha256 = '{previous}', recorded_at = '{content['recorded_at']}' "
            f"WHERE sequence = {record.sequence}",
        )
        previous = digest(body)
    with_triggers(path)


@cache
def leaves(path: Path) -> list[tuple[Any, ...]]:
    """Where every number, code and moment of the second record stands."""
    content = list(Ledger.open(path).records())[1].content()
    held = {name: content[name] for name in ("rollout", "attempt", "key", "entry", "state")}
    return list(_leaves(without_words(held), ()))


def _leaves(value: Any, at: tuple[Any, ...]) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None or not value:
        yield at
    else:
        for key, item in items:
            yield from _leaves(item, (*at, key))


def other(value: Any) -> Any:
    """Another value of the same kind, as a forger would choose it."""
    if isinstance(value, bool) or value is None:
        return 0.125 if value is None else not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("1" if value[-1:] != "1" else "2")
    return ["1"] if isinstance(value, list) else {"x": 1}


def forged(looked: Path, folder: Path, place: tuple[Any, ...]) -> tuple[Path, Any]:
    """A copy whose second record says something else at a place, and how it was changed."""

    def change(content: Any) -> None:
        held = content
        for step in place[:-1]:
            held = held[step]
        held[place[-1]] = other(held[place[-1]])

    return Path(shutil.copy(looked, folder / "forged.db")), change


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_field_that_is_changed_is_noticed(data: st.DataObject, looked: Path, tmp_path: Path) -> None:
    """Its bytes, and where the forger knows how they are hashed, the link from the record after it."""
    path, change = forged(looked, tmp_path, data.draw(st.sampled_from(leaves(looked))))
    [(body,)] = raw(path, "SELECT body FROM records WHERE sequence = 2")
    content = json.loads(body)
    change(content)
    new = canonical(content)
    without_triggers(path)
    raw(path, f"UPDATE records SET body = x'{new.hex()}' WHERE sequence = 2")
    assert (found(path).ok, found(path).first_bad) == (False, 2)
    raw(path, f"UPDATE records SET sha256 = '{digest(new)}' WHERE sequence = 2")
    assert not found(path).ok
    assert found(path).first_bad in (2, 3)


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_decision_that_is_rewritten_does_not_follow_from_its_inputs(
    data: st.DataObject, looked: Path, tmp_path: Path
) -> None:
    """The whole chain is linked anew. Inputs that lead to the same decision are for checkpoints to notice."""
    free = (("entry", "inputs"), ("entry", "versions"))
    place = data.draw(st.sampled_from([place for place in leaves(looked) if place[:2] not in free]))
    path, change = forged(looked, tmp_path, place)
    rewrite(path, change, at=2)
    result = found(path)
    assert not result.ok, place
    assert result.first_bad in (2, 3), (place, result.problem)


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of approvals, decisions of people, a checkpoint, and looks among them."""
    path = tmp_path_factory.mktemp("signed") / "rampgate.db"
    path.write_bytes(gzip.decompress([old for old in OLD if "people" in old.name][-1].read_bytes()))
    return with_people(path)


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_field_that_a_person_signed_is_protected(data: st.DataObject, signed: Path, tmp_path: Path) -> None:
    """The last record of each kind, with the chain linked anew; and anything at all in a chain that is not."""
    records = list(Ledger.open(signed).records())
    last = {record.kind: record for record in records}
    kind = data.draw(st.sampled_from(["approval", "human", "checkpoint"]))
    content = last[kind].content()
    held = {name: content[name] for name in ("rollout", "attempt", "kind", "key", "entry", "state")}
    place = data.draw(st.sampled_from([at for at in _leaves(held, ()) if at[:2] != ("entry", "versions")]))
    path, change = forged(signed, tmp_path, place)
    if place == ("kind",):
        change = lambda content: content.update(kind="human" if kind != "human" else "checkpoint")  # noqa: E731
    rewrite(path, change, at=last[kind].sequence)
    result = found(path)
    assert not result.ok, place
    assert result.first_bad is not None
    assert result.first_bad >= last[kind].sequence, (place, result.problem)


@pytest.mark.parametrize("version", ["0.0.9", None])
def test_words_of_another_version_do_not_matter_and_are_counted(copy: Path, version: str | None) -> None:
    """Those of this very version do: it would not have put them so."""

    def change(content: Any) -> None:
        content["entry"]["decision"]["reasons"][0]["message"] = "all is well, the candidate is better"
        content["entry"]["versions"]["rampgate"] = version or content["entry"]["versions"]["rampgate"]

    rewrite(copy, change, at=2)
    result = found(copy)
    if version is not None:
        assert (result.ok, result.recomputed, result.reworded) == (True, 3, 1)
    else:
        assert (result.ok, result.first_bad) == (False, 2)
        assert "the decision is put in other words" in str(result.problem)


def test_decisions_of_earlier_statistics_are_told_and_not_judged_again(copy: Path) -> None:
    def change(content: Any) -> None:
        content["entry"]["versions"]["statistics"] = 0
        content["entry"]["decision"]["kpi"]["difference"] = 0.5

    rewrite(copy, change, at=1)
    result = found(copy)
    assert (result.ok, result.recomputed, result.older) == (True, 2, 1)


def test_nobody_goes_back_to_earlier_statistics(copy: Path) -> None:
    """What they decided is not judged again: a forged decision would only have to claim them."""
    rewrite(copy, lambda content: content["entry"]["versions"].update(statistics=0), at=2)
    result = found(copy)
    assert (result.ok, result.first_bad) == (False, 2)
    assert "made by statistics 0, and a record before it by" in str(result.problem)


def test_a_decision_of_earlier_statistics_leads_where_its_record_says(copy: Path) -> None:
    def change(content: Any) -> None:
        content["entry"]["versions"]["statistics"] = 0
        content["state"]["phases"].append([2, "2026-01-12T00:00:00+00:00"])

    rewrite(copy, change, at=1)
    result = found(copy)
    assert (result.ok, result.first_bad) == (False, 1)
    assert "not the one that the decision leads to: phases" in str(result.problem)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["entry"]["versions"].update(statistics=99),
        lambda content: content.update(kind="prophecy"),
        lambda content: content.update(format=99),
    ],
)
def test_a_record_of_a_newer_version_is_refused(copy: Path, change: Any) -> None:
    rewrite(copy, change, at=3)
    with pytest.raises(NewerLedger) as caught:
        found(copy)
    assert str(caught.value).startswith("record 3: the record")
    with pytest.raises(NewerLedger):
        rampgate.check(POLICY, events=tickets(days=12), as_of="2026-01-14", ledger=copy)
    assert len(raw(copy, "SELECT * FROM records")) == 3


def test_the_command(run: Any, copy: Path) -> None:
    code, out, err = run("verify", "--json", "--ledger", copy)
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["records"], told["ok"], told["first_bad"]) == (3, True, None)
    code, out, _ = run("verify", "--ledger", copy)
    assert code == 0
    assert out.startswith("WHOLE: 3 records\n")
    without_triggers(copy)
    raw(copy, "UPDATE records SET attempt = 2 WHERE sequence = 2")
    code, out, _ = run("verify", "--ledger", copy)
    assert code == 1
    assert out.startswith("NOT WHOLE: record 2 differs\n")
    code, out, _ = run("verify", "--json", "--ledger", copy)
    assert (code, json.loads(out)["first_bad"]) == (1, 2)
    assert run("verify", "--ledger", copy.parent / "none.db")[0] == 1


def _in_last_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "first_phase", lambda policy, start, at: (3, first_phase(policy, start, at)[1]))


def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    real = evaluate.read_case

    def read_case(policy: Any, engine: Any, state: Any, *more: Any) -> Any:
        return real(policy, engine, replace(state, start=state.start or date(2026, 1, 8)), *more)

    monkeypatch.setattr(evaluate, "read_case", read_case)


def _of_another_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "current_state", lambda *_: State(candidate="v9"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_in_last_phase, "it began in another phase than the first"),
        (_later, "its evidence begins on 2026-01-08, and its policy says 2026-01-05"),
        (_of_another_candidate, "it was judged for v9, and its policy is of"),
    ],
)
def test_a_first_look_of_changed_code_that_begins_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, says: str
) -> None:
    path = tmp_path / "rampgate.db"
    change(monkeypatch)
    policy = {**POLICY, "start": "2026-01-05"}
    rampgate.check(policy, events=tickets(days=12), as_of="2026-01-13", ledger=path)
    result = found(path)
    assert (result.ok, result.first_bad) == (False, 1)
    assert says in str(result.problem)


def test_a_record_in_other_bytes_is_found(copy: Path) -> None:
    last = list(Ledger.open(copy).records())[-1]
    body = json.dumps(last.content(), indent=1).encode()
    without_triggers(copy)
    raw(copy, f"UPDATE records SET body = x'{body.hex()}', sha256 = '{digest(body)}' WHERE sequence = {last.sequence}")
    with_triggers(copy)
    result = found(copy)
    assert result.first_bad == last.sequence
    assert "not the canonical ones" in str(result.problem)
