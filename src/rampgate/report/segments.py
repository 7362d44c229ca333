"""Segments in a report: each value of each segment column, strongest evidence of harm first."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.estimate.metric import KPI
from rampgate.judge.decision import Decision, Estimate
from rampgate.report import pictures
from rampgate.report.blocks import Block, Cell, Fold, Table, Text
from rampgate.report.dossier import Dossier


def segments(dossier: Dossier) -> Iterator[Block]:
    """Every segment column: what is worst, and a heat table that shows where data are too few."""
    rules = dossier.policy.segments
    if rules is None:
        yield Text("The policy names no segments.")
        return
    if why := pictures.nothing_yet(dossier):
        yield Text(f"Nothing to show yet, because {why}.")
        return
    metrics = tuple(dict.fromkeys((*rules.guardrails, *rules.rollback, KPI, *dossier.policy.kpi.weights)))
    for column in rules.by:
        yield from _column(dossier, column, metrics, rules.minimum_units)


def _column(dossier: Dossier, column: str, metrics: tuple[str, ...], least: int) -> Iterator[Block]:
    """One segment column: a picture of its first judged metric, and a heat table of all."""
    groups = _by_group(dossier.decision, column)
    if not groups:
        yield Text(f"Nothing to show of {column}, because its values could not be estimated.")
        return
    enough = {value: min(_sizes_of(rows)) >= least for value, rows in groups.items()}
    strength = _strengths(dossier.decision, column)
    order = sorted(groups, key=lambda value: (enough[value], strength.get(value, (False, 0.0))), reverse=True)
    judged = [groups[value][metrics[0]] for value in order if enough[value]]
    figure = pictures.forest(dossier, column, metrics[0], judged)
    if figure is not None:
        yield figure
    small = [value for value in order if not enough[value]]
    if small:
        yield Text(
            f"Too little data in {len(small)} of {len(order)} values of {column}: "
            f"fewer than {least} known units in an arm. They neither pass nor hold: {_some(small)}."
        )
    failed = {
        (c.metric, str(c.group.value))
        for c in dossier.decision.criteria
        if c.verdict == "FAIL" and c.group.column == column
    }
    heads = (column, "#units, baseline / candidate", *(f"#{pictures.title_of(name)}" for name in metrics))
    rows = {value: _segment_row(dossier, value, groups[value], metrics, enough[value], failed) for value in order}
    first = [value for value in order if enough[value]][: pictures.MOST_SEGMENTS] or order[:3]
    caption = f"Difference by {column}, strongest evidence of harm first; shaded by its size against the margin"
    yield Table.of(caption, heads, [rows[value] for value in first])
    rest = [value for value in order if value not in first]
    if rest:
        title = f"{len(rest)} further {'value' if len(rest) == 1 else 'values'} of {column}"
        yield Fold(title, (Table.of(title, heads, [rows[value] for value in rest]),))


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _by_group(decision: Decision, column: str) -> dict[str, dict[str, Estimate]]:
    found: dict[str, dict[str, Estimate]] = {}
    for m in decision.metrics:
        if m.group.column == column:
            found.setdefault(str(m.group.value), {})[m.name] = m
    return found


def _sizes_of(rows: dict[str, Estimate]) -> tuple[int, int]:
    return max(m.n_baseline for m in rows.values()), max(m.n_candidate for m in rows.values())


def _strengths(decision: Decision, column: str) -> dict[str, tuple[bool, float]]:
    found: dict[str, tuple[bool, float]] = {}
    for c in decision.criteria:
        if c.group.column == column:
            value, mine = str(c.group.value), (c.verdict == "FAIL", c.e_value or 0.0)
            found[value] = max(found.get(value, mine), mine)
    return found


def _segment_row(
    dossier: Dossier,
    value: str,
    rows: dict[str, Estimate],
    metrics: tuple[str, ...],
    enough: bool,
    failed: set[tuple[str, str]],
) -> tuple[str | Cell, ...]:
    n_b, n_c = _sizes_of(rows)
    units = Cell(f"{n_b:,} / {n_c:,}", "" if enough else "muted", "" if enough else "too little data")
    return (value, units, *(_heat(dossier, rows[name], enough, (name, value) in failed) for name in metrics))


def _heat(dossier: Dossier, row: Estimate, enough: bool, failed: bool) -> Cell:
    """A difference, shaded by its size against the metric's margin where there are data enough to judge it."""
    unit = pictures.unit_of(dossier.policy, row.name)
    text = unit.difference(row.difference)
    if row.difference is None or not enough:
        return Cell(text, "muted")
    margin = next((abs(b.difference) for b in pictures.bounds(dossier, row.name) if b.kind == "guardrail"), None)
    size = (
        row.difference
        / (margin or 0.05)
        * (-1 if row.name != KPI and dossier.policy.metrics[row.name].better == "lower" else 1)
    )
    steps = (0.5, 1.0, 2.0)
    heat = sum(abs(size) >= step for step in steps) * (1 if size > 0 else -1)
    return Cell(
        text,
        "rollback" if failed else "",
        unit.interval(row.lower, row.upper) + (", beyond its bound" if failed else ""),
        heat,
    )
