"""A comparison in the terminal: the answer in one sentence, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from rampgate.comparison.values import BETTER, NOT_COMPARED, NOT_SHOWN, WORSE, Compared, Comparison, Family, Week
from rampgate.comparison.words import percent
from rampgate.estimate.metric import KPI
from rampgate.judge.decision import Estimate
from rampgate.report.guessed import notes_table
from rampgate.report.sheet import Column, Sheet
from rampgate.report.spark import spark
from rampgate.report.terminal import COMPARED, MOST_SEGMENTS, estimates_table, indented
from rampgate.report.words import ABSENT, date_of, interval, moment_of, number, printable, signed

STYLES = {WORSE: "bold red", BETTER: "bold green", NOT_SHOWN: "bold", NOT_COMPARED: "bold yellow"}
#: Weeks in the table, the latest; the others are in the JSON.
MOST_WEEKS = 16
#: Weeks in a line of bars, the latest.
MOST_BARS = 20
#: Room for a metric's and an arm's name beside their bars.
MOST_NAME, MOST_ARM = 18, 16


def comparison_view(found: Comparison) -> RenderableType:
    """The whole comparison."""
    parts: list[RenderableType] = [head(found), *(indented(f"{line}.") for line in found.details)]
    parts += _listed("Beware", [w.message for w in found.warnings], "yellow")
    parts += [_title("Overall, on the same days" if found.span.shared_days else "Plain values of each version")]
    parts += [_estimates(found, found.metrics), *_together(found.family)]
    parts += [indented(f"{row.sentence}.") for row in found.metrics if found.span.shared_days]
    parts += [*_weeks(found), *_segments(found), *_rows(found), *_guesses(found)]
    parts += _listed("What the table cannot say", found.limits)
    return Group(*parts)


def _title(text: str) -> RenderableType:
    return Text(f"\n{text}", "bold")


def head(found: Comparison) -> RenderableType:
    """The one sentence, with its verdict in capitals."""
    begin = {NOT_SHOWN: "", NOT_COMPARED: None}.get(found.verdict, f"{found.candidate} is ")
    if begin is None:
        return Text.assemble((found.verdict.upper(), STYLES[found.verdict]), f"  {found.headline}.")
    rest = found.headline[len(begin) + len(found.verdict) :]
    return Text.assemble(begin, (found.verdict.upper(), STYLES[found.verdict]), f"{rest}.")


def _listed(title: str, lines: Iterable[str], style: str = "") -> list[RenderableType]:
    """Sentences, each with a dash before it."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column()
    for line in lines:
        table.add_row(Text("-", style), Text(f"{line}."))
    return [_title(title), table] if table.row_count else []


def _together(family: Family) -> list[RenderableType]:
    """What the intervals of a table promise."""
    often = "however often they are looked at"
    if not family.size:
        return []
    if family.size == 1:
        return [Text("The interval holds however often it is looked at.", "dim")]
    each = f"each with {100 * family.level:.4g} %"
    return [Text(f"All {family.size} intervals hold together with 95 % ({each}), {often}.", "dim")]


def _estimates(found: Comparison, rows: Sequence[Compared], named: bool = False) -> Sheet:
    """Rows with the units that were compared; with all units where the values are plain, as nothing was."""
    compared = [row.units for row in rows] if found.span.shared_days else None
    return estimates_table([row.estimate for row in rows], named, compared)


def _segments(found: Comparison) -> list[RenderableType]:
    """The worst segments, and in words those that are shown to be different; colour is not the only sign."""
    rows = [row for row in found.segments.rows if row.verdict != NOT_COMPARED][:MOST_SEGMENTS]
    if not rows:
        return []
    table = _estimates(found, rows, named=True)
    shown = [indented(f"{row.sentence}.") for row in rows if row.verdict in (WORSE, BETTER)]
    return [_title("Segments, strongest evidence of harm first"), table, *_together(found.segments.family), *shown]


def _weeks(found: Comparison) -> list[RenderableType]:
    if not found.weeks:
        return []
    name = leading(found)
    parts = [_title(f"{metric_called(name)} by {window_of(found)} (* not complete)"), weeks_table(found.weeks, name)]
    if len(found.weeks) > MOST_WEEKS:
        parts.append(Text(f"and {len(found.weeks) - MOST_WEEKS} before; --json has all", "dim"))
    if found.span.shared_days:
        parts.append(Text("Each interval holds for its own row: of many one may miss by chance.", "dim"))
    if len(found.weeks) > 1:
        parts.append(Bars(found))
    return parts


def metric_called(name: str) -> str:
    """A metric as a title names it."""
    return "Weighted KPI" if name == KPI else name


def window_of(found: Comparison) -> str:
    """How long a window is, in words."""
    window = found.policy.source.window
    return "week" if window == "week" else f"{window.count} days"


def leading(found: Comparison) -> str:
    """The metric that the verdict rests on most: of those with that verdict the one with the strongest evidence."""
    mine = [row for row in found.metrics if row.verdict == found.verdict]
    sign = -1 if found.verdict == BETTER else 1
    if found.verdict in (WORSE, BETTER):
        return max(mine, key=lambda row: sign * row.log_odds).estimate.name
    return found.metrics[0].estimate.name


def weeks_table(weeks: Sequence[Week], name: str) -> Sheet:
    """Both arms in each window, and the candidate's share of all units."""
    arms = (Column("baseline"), Column("candid.", full="candidate"), Column("differ.", full="difference"))
    share = Column("share c", full="candidate's share")
    sheet = Sheet([Column("from", "word"), *arms, Column("95 % interval"), COMPARED, share])
    for week in weeks[-MOST_WEEKS:]:
        row = of_week(week, name)
        compared = week.compared[name]
        sheet.add(
            date_of(week.window.start) + ("" if week.window.complete else " *"),
            number(row.baseline),
            number(row.candidate),
            signed(row.difference),
            interval(row.lower, row.upper),
            "none" if row.difference is None else f"{compared[0]}/{compared[1]}",
            ABSENT if week.share is None else percent(week.share),
        )
    return sheet


def of_week(week: Week, name: str) -> Estimate:
    """One metric in one week."""
    return week.window.kpi if name == KPI else next(m for m in week.window.metrics if m.name == name)


class Bars:
    """Each metric in both arms as a line of bars, the latest weeks, both on one scale.

    Names may be cut, and bars left out at the old end; the numbers of the scale never are.
    """

    def __init__(self, found: Comparison) -> None:
        self.found = found

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.ascii_only:
            return
        yield _title("Plain values over time, baseline above candidate")
        for row in self.found.metrics:
            weeks = [of_week(week, row.estimate.name) for week in self.found.weeks]
            yield from self._metric(metric_called(row.estimate.name), weeks, options.max_width)

    def _metric(self, name: str, weeks: Sequence[Estimate], width: int) -> Iterator[Text]:
        """One metric: its scale beside the bars, or above them where there is no room."""
        arms = [printable(arm) for arm in (self.found.baseline, self.found.candidate)]
        widest = min(MOST_ARM, max(map(cell_len, arms)))
        lines = [[week.raw_baseline for week in weeks], [week.raw_candidate for week in weeks]]
        known = [x for line in lines for x in line[-MOST_BARS:] if x is not None]
        if not known:
            return
        scale = f"{number(min(known))} to {number(max(known))}"
        wide = MOST_NAME + widest + MOST_BARS + len(scale) + 6 <= width
        if not wide:
            yield Text(f"{printable(name)}, {scale}")
        room = MOST_BARS if wide else max(1, min(MOST_BARS, width - widest - 2))
        for arm, line in zip(arms, lines, strict=True):
            first = line is lines[0]
            head = f"{set_cell_size(printable(name) if first else '', MOST_NAME)}  " if wide else ""
            bars = set_cell_size(spark(line[-room:], min(known), max(known)), min(room, len(weeks)))
            tail = f"  {scale}" if wide and first else ""
            yield Text(f"{head}{set_cell_size(arm, widest)}  {bars}{tail}".rstrip(), no_wrap=True)


def _rows(found: Comparison) -> list[RenderableType]:
    """Rows read and used, and the days they lie on."""
    intake, span = found.intake, found.span
    what = "are compared" if span.shared_days else "are of the two versions, and cannot be compared"
    lines = [
        f"{found.source}: {intake.used} of {intake.rows} rows {what}",
        f"{span.start} to {span.last_day}, {span.shared_days} of {span.days} days with rows have both versions",
    ]
    if span.newest is not None and span.newest.date() == span.last_day:
        lines.append(f"The last day counts as far as it goes: the newest row is of {moment_of(span.newest)}")
    if intake.other_variants:
        others = ", ".join(f"{name!r} ({n})" for name, n in intake.other_variants[:5])
        lines.append(f"Rows of other versions, left out: {others}")
    if intake.after_as_of:
        lines.append(f"{intake.after_as_of} rows lie after the last day compared")
    return _listed("Rows", lines)


def _guesses(found: Comparison) -> list[RenderableType]:
    """How the columns were understood, and the flag that changes it."""
    if not found.notes:
        return []
    parts: list[RenderableType] = [_title("What was guessed, and the flag that changes it"), notes_table(found.notes)]
    return parts + _listed("Columns left out", [f"{column}: {why}" for column, why in found.left_out])
