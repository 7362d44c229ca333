from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rampgate.errors import LedgerError
from rampgate.ledger import GENESIS, Record, link, verify


def chain(length: int, remark: str = "") -> list[Record]:
    records: list[Record] = []
    for sequence in range(1, length + 1):
        record = link(
            sequence=sequence,
            previous_sha256=records[-1].sha256 if records else GENESIS,
            rollout="triage",
            attempt=1,
            kind="decision",
            key=f"look {sequence}",
            entry={"remark": remark},
            state={},
            recorded_at="2026-01-05T00:00:00Z",
        )
        records.append(record)
    return records


@given(st.integers(0, 20))
def test_a_whole_chain_verifies_and_is_counted(length: int) -> None:
    assert verify(chain(length)) == length


@given(st.permutations(range(6)))
def test_any_other_order_is_noticed(order: list[int]) -> None:
    assume(order != sorted(order))
    records = chain(6)
    with pytest.raises(LedgerError):
        verify(records[index] for index in order)


@given(st.integers(0, 4))
def test_a_record_that_is_left_out_is_noticed(missing: int) -> None:
    records = chain(6)
    del records[missing]
    with pytest.raises(LedgerError, match=f"in place of record {missing + 1}"):
        verify(records)


@given(st.integers(0, 4))
def test_a_record_of_another_chain_is_noticed_at_its_successor(at: int) -> None:
    records = chain(6)
    records[at] = chain(6, remark="rewritten")[at]
    with pytest.raises(LedgerError, match="does not name the SHA-256") as caught:
        verify(records)
    # A stranger in the middle does not follow its predecessor; in first place only its successor tells.
    assert caught.value.where == ("record 2" if at == 0 else f"record {at + 1}")


def test_an_altered_record_is_named() -> None:
    records = chain(5)
    records[2] = replace(records[2], body=records[2].body.replace(b"triage", b"triaga"))
    with pytest.raises(LedgerError, match="SHA-256 is not that") as caught:
        verify(records)
    assert caught.value.where == "record 3"
