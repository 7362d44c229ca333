"""What the KPI's difference is made of: the parts told add up to it, and say where it lies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rampgate.report.blocks import Cell, Table
from rampgate.report.dossier import Dossier
from rampgate.report.made_of import made_of


def text(cell: str | Cell) -> str:
    return cell if isinstance(cell, str) else cell.text


def points(cell: str | Cell) -> float:
    return float(text(cell).replace("−", "-"))


@pytest.mark.parametrize("name", ["go", "hold", "rollback"])
def test_the_parts_add_up_to_the_difference(tell: Callable[[str], Dossier], name: str) -> None:
    dossier = tell(name)
    tables = [block for block in made_of(dossier) if isinstance(block, Table)]
    assert len(tables) == 1 + len(dossier.policy.segments.by if dossier.policy.segments else ())
    for table in tables:
        *parts, whole = table.rows
        assert text(whole[0]) == "the KPI"
        # Each is rounded to a tenth of a point.
        assert sum(points(row[1]) for row in parts) == pytest.approx(points(whole[1]), abs=0.05 * (len(parts) + 1))
    kpi = dossier.decision.kpi.difference
    failed = any(c.metric == "kpi" and c.verdict == "FAIL" for c in dossier.decision.criteria)
    if not failed:
        assert kpi is not None
        assert points(tables[0].rows[-1][1]) == pytest.approx(100 * kpi, abs=0.051)


def test_the_metric_that_fell_is_named_first(tell: Callable[[str], Dossier]) -> None:
    table = next(block for block in made_of(tell("rollback")) if isinstance(block, Table))
    first = table.rows[0]
    fell = [c.metric for c in tell("rollback").decision.criteria if c.verdict == "FAIL" and c.metric != "kpi"]
    assert text(first[0]) in fell
    assert points(first[1]) < 0


def test_before_a_unit_of_both_nothing_is_said(tell: Callable[[str], Dossier]) -> None:
    assert not list(made_of(tell("no_period")))
