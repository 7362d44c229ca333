from __future__ import annotations

import json
import math
from dataclasses import replace
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rampgate.errors import LedgerError, UsageError
from rampgate.ledger import GENESIS, Record, canonical, digest, link, look_key

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=5)


def linked(entry: dict[str, Any] | None = None, **more: Any) -> Record:
    values: dict[str, Any] = {
        "sequence": 1,
        "previous_sha256": GENESIS,
        "rollout": "triage",
        "attempt": 1,
        "kind": "decision",
        "key": "k",
        "entry": entry or {},
        "state": {"phase": 1},
        "recorded_at": "2026-01-05T00:00:00Z",
    }
    return link(**(values | more))


class Verdict(StrEnum):
    PASS = "pass"


class Code(IntEnum):
    HOLD = 10


def test_canonical_bytes_of_a_known_value() -> None:
    value = {"b": [1, 2.0, 1e-7, 1e16, -0.0], "a": {"ü": "€\n", "A": None}, "": (True, False)}
    assert canonical(value) == ('{"":[true,false],"a":{"A":null,"ü":"€\\n"},"b":[1,2.0,1e-07,1e+16,-0.0]}'.encode())


@given(JSON)
def test_reading_and_writing_again_gives_the_same_bytes(value: Any) -> None:
    assert canonical(json.loads(canonical(value))) == canonical(value)


@given(OBJECT, st.randoms())
def test_the_order_of_keys_does_not_matter(value: dict[str, Any], random: Any) -> None:
    names = list(value)
    random.shuffle(names)
    assert canonical({name: value[name] for name in names}) == canonical(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_every_bit(value: float) -> None:
    assert json.loads(canonical(value)).hex() == value.hex()


def test_subclasses_of_plain_types_are_written_as_those() -> None:
    assert canonical([Verdict.PASS, Code.HOLD, np.float64(0.1)]) == b'["pass",10,0.1]'


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [0.0, math.nan]}, r"value\.a\[1\] is nan"),
        ({"a": math.inf}, r"value\.a is inf"),
        ([-math.inf], r"value\[0\] is -inf"),
        ({"a": np.float64("nan")}, r"value\.a is nan"),
        ({1: "a"}, "key 1, which is not text"),
        ({"x": {None: 1}}, r"value\.x has the key None"),
        ({True: 1, "True": 2}, "key True"),
        ({"a": {1, 2}}, r"value\.a is of type set"),
        ({"a": b"bytes"}, r"value\.a is of type bytes"),
        ({"a": np.int64(3)}, r"value\.a is of type int64"),
        ({"a": MappingProxyType({"b": 1})}, r"value\.a is a mappingproxy, not a dict"),
    ],
)
def test_what_has_no_canonical_form_is_refused_with_its_place(value: Any, place: str) -> None:
    with pytest.raises(LedgerError, match=place):
        canonical(value)


def test_text_and_numbers_beyond_all_bounds_are_refused() -> None:
    for value, reason in (("\ud800", "surrogates not allowed"), (10**5000, "Exceeds the limit")):
        with pytest.raises(LedgerError, match=reason):
            canonical([value])


def test_a_cycle_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(LedgerError, match="cannot be written"):
        canonical(value)


@given(OBJECT, OBJECT)
def test_entry_and_state_come_back_as_they_were_given(entry: dict[str, Any], state: dict[str, Any]) -> None:
    record = linked(entry, state=state)
    record.check()
    assert canonical(record.entry()) == canonical(entry)
    assert canonical(record.state()) == canonical(state)
    assert record.sha256 == digest(record.body)
    assert canonical(record.content()) == record.body


def test_an_entry_may_use_the_names_of_the_envelope() -> None:
    entry = {"sequence": 99, "rollout": "other", "state": "hold", "previous_sha256": "x"}
    record = linked(entry)
    assert record.entry() == entry
    assert record.content()["sequence"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"rollout": ""},
        {"kind": ""},
        {"key": ""},
        {"attempt": 0},
        {"attempt": 2**31},
        {"recorded_at": "2026-01-05T00:00:00"},
        {"recorded_at": "yesterday"},
    ],
)
def test_a_record_without_its_parts_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(LedgerError, match="nothing was recorded"):
        linked(**wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sequence", 2),
        ("rollout", "other"),
        ("attempt", 2),
        ("kind", "approval"),
        ("key", "other"),
        ("previous_sha256", "1" * 64),
        ("recorded_at", "2026-01-06T00:00:00Z"),
    ],
)
def test_a_column_that_differs_from_the_bytes_is_noticed(name: str, value: Any) -> None:
    changes: dict[str, Any] = {name: value}
    with pytest.raises(LedgerError, match=f"column {name} says"):
        replace(linked(), **changes).check()


@given(st.data())
def test_no_byte_of_a_record_can_change_unnoticed(data: st.DataObject) -> None:
    record = linked({"decision": "rollback"})
    position = data.draw(st.integers(0, len(record.body) - 1))
    byte = data.draw(st.integers(0, 255))
    assume(record.body[position] != byte)
    altered = record.body[:position] + bytes([byte]) + record.body[position + 1 :]
    with pytest.raises(LedgerError, match="SHA-256"):
        replace(record, body=altered).check()


@pytest.mark.parametrize("body", [b"", b"[1]", b"not json", b"\xff", b'{"format":2}', b"{}"])
def test_bytes_that_are_no_record_of_this_format_are_refused(body: bytes) -> None:
    with pytest.raises(LedgerError, match=r"no JSON object|format"):
        replace(linked(), body=body, sha256=digest(body)).check()


def test_a_look_key_names_its_parts_and_is_unambiguous() -> None:
    assert look_key("triage", 2, "2026-01-05", "p", "s") == "triage|2|2026-01-05|p|s"
    with pytest.raises(UsageError, match=r"holds a \|"):
        look_key("triage", 2, "2026|01", "p", "s")


PART = st.text(st.characters(exclude_characters="|"), max_size=4)


@given(*[st.tuples(TEXT | st.just("a|1"), st.integers(1, 3), PART, PART, PART) for _ in range(2)])
def test_different_questions_have_different_keys(
    one: tuple[str, int, str, str, str], other: tuple[str, int, str, str, str]
) -> None:
    assert (look_key(*one) == look_key(*other)) == (one == other)
