"""How a comparison shows itself in a notebook: the verdict, what to beware of, tables, the leading metric by week."""

from __future__ import annotations

from collections.abc import Sequence

from rampgate.comparison.values import BETTER, NOT_COMPARED, NOT_SHOWN, WORSE, Compared, Comparison, Week
from rampgate.comparison.words import percent
from rampgate.guess import Note
from rampgate.report.compared import MOST_WEEKS, leading, metric_called, of_week, window_of
from rampgate.report.fragment import BADGE, SOFT, escaped, figure, framed, items, table
from rampgate.report.notebook_charts import by_window
from rampgate.report.terminal import MOST_SEGMENTS
from rampgate.report.words import ABSENT, date_of, interval, number, signed

#: White on these is at least 4.5 to 1.
BADGES = {WORSE: "#b3261e", BETTER: "#1d7a37", NOT_SHOWN: "#5a5a5a", NOT_COMPARED: "#8a6500"}


def comparison(value: Comparison) -> str:
    """A comparison: the verdict and its warnings, the metrics, the weeks with a chart, and the worst segments."""
    name = leading(value)
    called = metric_called(name)
    caption = f"{called} by {window_of(value)}"
    several = len(value.weeks) > 1
    chart = by_window([(week.window, of_week(week, name)) for week in value.weeks], called) if several else ""
    return framed(
        _head(value),
        _titled("Beware", [f"{warning.message}." for warning in value.warnings]),
        _estimates(value, "Overall, on the same days" if value.span.shared_days else "Plain values", value.metrics),
        figure(chart, caption),
        _weeks(value, caption, name),
        _segments(value),
        _folded("What was guessed", [_guess(note) for note in value.notes]),
        _folded("What the table cannot say", [f"{line}." for line in value.limits]),
    )


def _head(value: Comparison) -> str:
    badge = f'<span style="{BADGE};background:{BADGES[value.verdict]}">{escaped(value.verdict.upper())}</span>'
    span = value.span
    where = (
        f"{value.source}: {value.candidate} against {value.baseline}, {span.start} to {span.last_day}, "
        f"{span.shared_days} of {span.days} days with both"
    )
    headline = f'<p style="margin:.3em 0">{badge} {escaped(value.headline)}.</p><p style="{SOFT}">{escaped(where)}</p>'
    return headline + items([f"{line}." for line in value.details])


def _titled(title: str, lines: Sequence[str]) -> str:
    return f"<p><b>{title}</b></p>{items(lines)}" if lines else ""


def _folded(title: str, lines: Sequence[str]) -> str:
    return f"<details><summary>{title}</summary>{items(lines)}</details>" if lines else ""


def _guess(note: Note) -> str:
    flag = f" ({note.flag})" if note.guessed and note.flag else ""
    return f"{note.role.replace('_', ' ')}: {note.value}; {note.why}{flag}"


def _estimates(value: Comparison, caption: str, rows: Sequence[Compared]) -> str:
    shared = bool(value.span.shared_days)
    cells = []
    for row in rows:
        e = row.estimate
        units = row.units if shared else (e.n_baseline, e.n_candidate)
        cells.append(
            (
                e.name if e.group.column is None else f"{e.name}, {e.group}",
                number(e.baseline),
                number(e.candidate),
                signed(e.difference),
                interval(e.lower, e.upper),
                f"{units[0]:,} / {units[1]:,}",
                row.verdict,
            )
        )
    units_head = "units compared" if shared else "units"
    heads = ("metric", value.baseline, value.candidate, "difference", "interval", units_head, "verdict")
    return table(caption, heads, cells, numbers=range(1, 6)) if cells else ""


def _weeks(value: Comparison, caption: str, name: str) -> str:
    share = f"share of {value.candidate}"
    heads = ("from", value.baseline, value.candidate, "difference", "95 % interval", "units compared", share)
    rows = [_week(week, name) for week in value.weeks[-MOST_WEEKS:]]
    before = len(value.weeks) - len(rows)
    more = f"; {before} before are in to_dict()" if before else ""
    return table(f"{caption} (* not complete{more})", heads, rows, numbers=range(1, 7)) if rows else ""


def _week(week: Week, name: str) -> tuple[str, ...]:
    row, units = of_week(week, name), week.compared[name]
    return (
        date_of(week.window.start) + ("" if week.window.complete else " *"),
        number(row.baseline),
        number(row.candidate),
        signed(row.difference),
        interval(row.lower, row.upper),
        "none" if row.difference is None else f"{units[0]:,} / {units[1]:,}",
        ABSENT if week.share is None else percent(week.share),
    )


def _segments(value: Comparison) -> str:
    rows = [row for row in value.segments.rows if row.verdict != NOT_COMPARED][:MOST_SEGMENTS]
    return _estimates(value, "Segments, strongest evidence of harm first", rows)
