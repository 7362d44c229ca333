"""Drift for people: in the terminal with small distributions, and in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from rampgate.judge.drift_words import NAMES, WHOSE
from rampgate.judge.drifted import ACT, WARN, Drifted, DriftTable
from rampgate.report.fragment import BADGE, SOFT, escaped, framed, items, table
from rampgate.report.sheet import Column, Sheet
from rampgate.report.spark import spark
from rampgate.report.terminal import VERDICT_STYLES, indented
from rampgate.report.words import ABSENT, printable

LEGEND = """\
PSI with its 95 % interval; it acts only beyond what chance alone makes of it.
p: of KS for numbers, chi-square for categories; shown, never acted upon."""
#: Rows of a column, the latest; the others are in the JSON.
MOST_ROWS = 16
#: Bins in a line of blocks.
MOST_BINS = 24
_SAID = {ACT: "acts", WARN: "warns"}


def drift_view(found: DriftTable, quiet: bool = False) -> RenderableType:
    """The verdict, every column with its distances, and the distributions of those that moved."""
    head = _head(found)
    if quiet:
        return head
    parts: list[RenderableType] = [head, *(indented(line) for line in _lines(found))]
    for column in dict.fromkeys(row.column for row in found.rows):
        rows = [row for row in found.rows if row.column == column]
        parts += _column(rows)
    parts += [Text(""), Text(LEGEND, "dim"), *(indented(note, "dim") for note in found.notes)]
    return Group(*parts)


def _column(rows: Sequence[Drifted]) -> list[RenderableType]:
    """One column: its distances by window and version, and the distributions of the last window."""
    last = rows[-1]
    title = Text.assemble(
        (f"\n{printable(last.column)}", "bold"), f"  {last.kind}, {last.reference_units:,} in the reference"
    )
    latest = [row for row in rows if row.start == last.start]
    return [title, distances_table(rows[-MOST_ROWS:]), *map(Distribution, latest)]


def _head(found: DriftTable) -> Text:
    word, style = ("DRIFT", "bold red") if found.acts else ("NO DRIFT", "bold green")
    return Text.assemble((word, style), f"  {found.of}")


def _lines(found: DriftTable) -> list[str]:
    """What reached its threshold: the latest window of each column that did, and whose it is."""
    out = []
    for column in dict.fromkeys(row.column for row in found.rows if row.level == ACT):
        rows = [row for row in found.rows if row.column == column]
        last = [row for row in rows if row.level == ACT][-1]
        windows = len({row.window for row in rows}), len({row.window for row in rows if row.level == ACT})
        where = (
            f" in {last.window} ({windows[1]} of {windows[0]} windows act), {WHOSE[last.whose]}" if last.window else ""
        )
        far = ", ".join(_distance(last, measure) for measure in last.over)
        new = f"; {last.message}" if last.message else ""
        gone = f"; gone: {', '.join(last.vanished[:3])}" if last.vanished else ""
        out.append(f"{column} moved{where if last.window else ''}: {far}{new}{gone}")
    return out


def _distance(row: Drifted, measure: str) -> str:
    return f"{NAMES[measure]} {_number(row.value(measure))}"


def _number(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.3f}" if abs(value) < 100 else f"{value:.3g}"


def _interval(row: Drifted) -> str:
    if row.lower is None or row.upper is None:
        return ABSENT
    return f"{row.lower:.2f}-{row.upper:.2f}"


def distances_table(rows: Sequence[Drifted]) -> Sheet:
    """One line per window and version of a column."""
    numeric, windows = rows[-1].kind == "numeric", any(row.window for row in rows)
    said = [Column("window", "word"), Column("version", "name")] if windows else []
    far = [Column("KS"), Column("W/sd")] if numeric else [Column("JS")]
    noise = [] if windows else [Column("noise")]
    sheet = Sheet(
        [
            *said,
            *map(Column, ("n", "PSI", "95 %")),
            *noise,
            *far,
            *map(Column, ("p", "miss.")),
            Column("verdict", "word"),
        ]
    )
    for row in rows:
        distances = (row.ks, row.wasserstein_scaled) if numeric else (row.js,)
        told = _SAID.get(row.level or "", row.verdict)
        sheet.add(
            *((row.window, row.variant) if windows else ()),
            _units(row.units),
            _number(row.psi),
            _interval(row),
            *(() if windows else (_number(row.noise.get("psi")),)),
            *map(_number, distances),
            _p(row.p_value),
            ABSENT if row.missing is None else f"{100 * row.missing:.3g}%",
            Text(told, "yellow" if row.level == WARN else VERDICT_STYLES[row.verdict]),
        )
    return sheet


def _p(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.0e}" if value < 0.001 else f"{value:.3f}"


def _units(count: int) -> str:
    if count < 10_000:
        return f"{count}"
    return f"{count / 1000:.0f}k" if count < 10_000_000 else f"{count / 1e6:.0f}M"


class Distribution:
    """The shares of reference and window as two lines of blocks, on one scale; words where there are no blocks."""

    def __init__(self, row: Drifted) -> None:
        self.row = row

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        row = self.row
        known = [share for _, *both in row.bins for share in both if share is not None]
        if options.ascii_only or not known:
            return
        bins = row.bins[:MOST_BINS]
        name = f"reference of {row.column}" if row.window else "reference"
        ends = f"{bins[0][0]} .. {bins[-1][0]}" if row.kind == "numeric" else ", ".join(label for label, *_ in bins[:3])
        now = f"{row.window} {row.variant}" if row.window else "current"
        for shares, told in (([b[1] for b in bins], name), ([b[2] for b in bins], f"{now}: {ends}")):
            yield Text(f"  {spark(shares, 0.0, max(known)):{MOST_BINS}}  {told}", no_wrap=True, overflow="ellipsis")


def notebook(found: DriftTable) -> str:
    """The table, in a notebook."""
    word, colour = ("DRIFT", "#b3261e") if found.acts else ("NO DRIFT", "#1d7a37")
    head = (
        f'<p style="margin:.3em 0"><span style="{BADGE};background:{colour}">{word}</span> {escaped(found.of)}</p>'
        f'<p style="{SOFT}">{escaped(LEGEND)}</p>'
    )
    heads = (
        "column",
        "window",
        "version",
        "units",
        "PSI",
        "95 %",
        "noise",
        "JS",
        "KS",
        "W/sd",
        "p",
        "missing",
        "verdict",
    )
    rows = [
        (
            row.column,
            row.window,
            row.variant,
            f"{row.units:,}",
            _number(row.psi),
            _interval(row),
            _number(row.noise.get("psi")),
            _number(row.js),
            _number(row.ks),
            _number(row.wasserstein_scaled),
            ABSENT if row.p_value is None else f"{row.p_value:.2g}",
            ABSENT if row.missing is None else f"{100 * row.missing:.3g} %",
            _SAID.get(row.level or "", row.verdict),
        )
        for row in found.rows[-4 * MOST_ROWS :]
    ]
    return framed(head, items(_lines(found)), table("Distances from the reference", heads, rows, range(3, 12)))
