"""Drift in a report: every watched column by window, and its distribution in the last one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from rampgate.judge.drift import every_window
from rampgate.judge.drift_words import WHOSE
from rampgate.judge.drifted import ACT, WARN, Drifted
from rampgate.report.blocks import TONES, Block, Cell, Figure, Figures, Fold, Section, Spark, Table, Text
from rampgate.report.dossier import Dossier
from rampgate.report.drift_chart import distance_chart, shares_chart
from rampgate.report.words import number

#: Columns whose pictures are shown at once, those that moved first, and windows in a picture.
MOST_AT_ONCE, MOST_WINDOWS = 3, 26
_SAID = {ACT: "acts", WARN: "said"}


def drift_section(dossier: Dossier) -> tuple[Section, ...]:
    """The part about drift; none where the policy watches nothing."""
    if dossier.policy.drift is None:
        return ()
    rows = every_window(dossier.case)
    if not rows:
        return (Section("Drift", (Text("Nothing to show yet, because no window is complete, or has a reference."),)),)
    return (Section("Drift", tuple(_blocks(dossier, rows))),)


def _blocks(dossier: Dossier, rows: Sequence[Drifted]) -> Iterator[Block]:
    yield Text(
        "How far each watched column of both versions is from its reference, window by window. It acts where the "
        "distance reaches its threshold and is more than chance alone makes of it; the p-value is shown beside it, as "
        "in large windows everything is significant.",
        "muted",
    )
    by_column: dict[str, list[Drifted]] = {}
    for row in rows:
        by_column.setdefault(row.column, []).append(row)
    order = sorted(by_column, key=lambda name: _rank(by_column[name]))
    figures = [figure for name in order for figure in _figures(dossier, by_column[name])]
    yield Figures(tuple(figures[: 2 * MOST_AT_ONCE]))
    if figures[2 * MOST_AT_ONCE :]:
        rest = tuple(figures[2 * MOST_AT_ONCE :])
        yield Fold(f"{len(rest) // 2} further columns", (Figures(rest),))


def _rank(rows: Sequence[Drifted]) -> tuple[bool, bool]:
    last = [row for row in rows if row.start == rows[-1].start]
    return not any(row.level == ACT for row in last), not any(row.level == WARN for row in last)


def _figures(dossier: Dossier, rows: Sequence[Drifted]) -> Iterator[Figure]:
    shown = [row for row in rows if row.start in sorted({r.start for r in rows if r.start})[-MOST_WINDOWS:]]
    last = next(row for row in shown if row.start == shown[-1].start)
    title = f"{last.column}: distance by window"
    heads = ("window", "version", "#units", "#PSI", "#interval", "#JS", "#KS", "#W/sd", "#p", "#missing", "says")
    table = Table.of(title, heads, [_cells(row) for row in shown])
    acting = {row.window for row in shown if row.level == ACT}
    whose = f" {WHOSE[last.whose][0].upper()}{WHOSE[last.whose][1:]}." if last.level == ACT else ""
    finding = (
        f"In {last.window} {last.variant} is at a PSI of {number(last.psi)} from the reference; "
        f"{len(acting)} of {len({row.window for row in shown})} windows act.{whose}"
    )
    sparks = tuple(Spark(arm, tuple(row.psi for row in shown if row.variant == arm)) for arm in dossier.arms)
    yield Figure(title, finding, partial(distance_chart, shown, dossier.arms), table, sparks)
    name = f"{last.column}: reference against {last.window}"
    shares = [(label, _share(was), _share(now)) for label, was, now in last.bins]
    bins = Table.of(name, ("value", "#reference", f"#{last.variant}"), shares)
    told = f"Shares of {last.reference_units:,} units of the reference and {last.units:,} of {last.variant}."
    draw = partial(shares_chart, last, last.variant) if last.bins else None
    both = (Spark("reference", tuple(b[1] for b in last.bins)), Spark(last.variant, tuple(b[2] for b in last.bins)))
    yield Figure(
        name, told if draw else f"Nothing to show, because {last.column} has no value there.", draw, bins, both
    )


def _cells(row: Drifted) -> tuple[str | Cell, ...]:
    said = _SAID.get(row.level or "", row.verdict)
    tone = "hold" if row.level == WARN else TONES[row.verdict]
    return (
        row.window, row.variant, f"{row.units:,}", number(row.psi), f"{number(row.lower)} to {number(row.upper)}",
        number(row.js), number(row.ks), number(row.wasserstein_scaled),
        "-" if row.p_value is None else f"{row.p_value:.2g}", _share(row.missing), Cell(said, tone),
    )  # fmt: skip


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.3g} %"
