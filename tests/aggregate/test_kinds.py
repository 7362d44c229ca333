"""However the rows are handed over, the cells are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.aggregate.support import KINDS, agree, look, policy, same, tickets


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_cells(tmp_path: Path, kind: str, zone: str) -> None:
    table, chosen = tickets(), policy(timezone=zone, start="2026-03-22")
    reading = look(KINDS[kind](table, tmp_path), chosen)
    plain = look(table, chosen)
    same(reading.cells, plain.cells)
    assert reading[1:] == plain[1:]
    agree(reading.cells, table, chosen)
    assert (reading.intake.used, reading.intake.rows) == (600, 600)
    assert reading.intake.malformed == ()
