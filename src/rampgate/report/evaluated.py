"""The gate's own evaluation for people: how soon, how much, and how often for nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from rampgate.incident.stats import FALSE, Case, FalseRollbacks, Row, Stats
from rampgate.incident.values import SHORT
from rampgate.report.explained.told import counted
from rampgate.report.incident_words import count
from rampgate.report.sheet import Column, Sheet
from rampgate.report.terminal import indented

_JUDGED = {"harm": "harm", FALSE: "false alarm", "not_judged": "not judged"}


def stats_view(found: Stats) -> RenderableType:
    """All of it in tables that fit a terminal."""
    if not found.cases:
        return Group(Text("no incident in this ledger yet"), *_false(found.false_rollbacks))
    return Group(
        Text("Incidents", "bold"),
        _cases(found.cases),
        Text("\nBy metric and segment (medians; without false alarms)", "bold"),
        _rows(found.rows),
        *_false(found.false_rollbacks),
    )


def _cases(cases: tuple[Case, ...]) -> Sheet:
    columns = [
        Column("id", "word"),
        Column("what", "name"),
        Column("judged", "word"),
        Column("detect", full="detected"),
    ]
    sheet = Sheet([*columns, Column("back", full="rolled back"), Column("harmed"), Column("simulated")])
    for case in cases:
        expected = case.predicted
        sheet.add(
            case.incident[:SHORT],
            _where(case),
            _JUDGED[case.judged],
            _days(case.detect),
            _days(case.roll_back),
            f"{count(case.harmed)} ({count(case.lower)}-{count(case.upper)})" if case.harmed is not None else "-",
            count(None if expected is None else expected.harmed),
        )
    return sheet


def _where(case: Case | Row) -> str:
    if case.metric is None:
        return "all" if isinstance(case, Row) else "by a person"
    return case.metric if case.segment is None else f"{case.metric} in {', '.join(case.segment.values())}"


def _days(value: tuple[int, int, int] | None) -> str:
    """Days since the onset, with the ends that its uncertainty gives."""
    return "-" if value is None else f"{value[0]} d ({value[1]}-{value[2]})"


def _rows(found: tuple[Row, ...]) -> Sheet:
    columns = [Column("what", "name"), Column("incid.", full="incidents"), Column("harm"), Column("false")]
    further = [Column("open", full="not judged"), Column("detect", full="days to detect")]
    back, against = Column("back", full="days to rollback"), Column("against sim.", full="harmed / simulated")
    sheet = Sheet([*columns, *further, back, Column("harmed"), against])
    for row in found:
        compared = f"{count(row.compared_harmed)} / {count(row.predicted)}" if row.compared else "-"
        sheet.add(
            _where(row),
            *(str(number) for number in (row.incidents, row.harm, row.false_alarms, row.not_judged)),
            _day(row.days_to_detect),
            _day(row.days_to_rollback),
            count(row.harmed),
            compared,
        )
    return sheet


def _day(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _false(found: FalseRollbacks) -> Iterator[RenderableType]:
    yield Text("\nFalse rollbacks, as reviews have judged them", "bold")
    budgets = " and ".join(f"{100 * budget:.3g} %" for budget in found.budgets)
    if found.share is None:
        yield indented(
            "no attempt has come to its end, or was found to be rolled back for nothing: no share can be told"
        )
    else:
        ends = f"{100 * found.lower:.1f} to {100 * found.upper:.1f} %"
        yield indented(
            f"{found.false} of {counted(found.good, 'attempt')} taken for good: {100 * found.share:.1f} %, exact "
            f"{100 * found.level:.0f} % interval {ends} (Clopper and Pearson); the budget is {budgets}"
        )
    if found.not_judged and found.highest is not None:
        yield indented(
            f"{counted(found.not_judged, 'rollback')} not judged yet; if all were false, {100 * found.highest:.1f} %"
        )
    yield indented(f"{counted(found.harmed, 'attempt')} rolled back for harm, by their reviews")
