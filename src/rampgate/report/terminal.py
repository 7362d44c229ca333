"""Decisions in the terminal: tables that fit 80 columns, where colour is never the only sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rampgate.aggregate.marginals import OVERALL
from rampgate.judge.decision import Decision, Estimate, Judged, StillOpen, Window, traffic_after
from rampgate.report.sheet import Column, Sheet
from rampgate.report.spark import spark
from rampgate.report.words import (
    ABSENT,
    approved_by,
    date_of,
    hours,
    interval,
    level_range,
    moment_of,
    not_checked,
    number,
    odds,
    percent,
    printable,
    signed,
)

WIDTH = 80
STYLES = {"go": "bold green", "complete": "bold green", "hold": "bold yellow", "rollback": "bold red"}
VERDICT_STYLES = {
    "PASS": "green",
    "FAIL": "red",
    "ERROR": "red",
    "NO_DATA": "yellow",
    "INCONCLUSIVE": "default",
}
LEGEND = """\
evidence: odds against harm within the bound, now; p: 1 over the highest so far.
INCONCLUSIVE: no proof either way; it holds only where the phase asks for proof."""
#: The units that a difference rests on.
COMPARED = Column("compared", full="units compared")
#: Segment values shown; the others are in the JSON.
MOST_SEGMENTS = 8
#: Windows in a line of blocks: the last ones.
MOST_WINDOWS = 40


def console(stderr: bool = False, quiet: bool = False) -> Console:
    """A console of at most 80 columns that obeys NO_COLOR and takes what it prints as it is."""
    made = Console(stderr=stderr, quiet=quiet, highlight=False, markup=False, emoji=False)
    if made.width > WIDTH:
        made.width = WIDTH
    return made


def word(decision: str) -> Text:
    """The decision in capitals."""
    return Text(decision.upper(), STYLES[decision])


def indented(text: str, style: str = "") -> RenderableType:
    """A paragraph two columns in, also where it wraps."""
    return Padding(Text(printable(text), style), (0, 0, 0, 2))


def decision_view(decision: Decision) -> RenderableType:
    """One look, whole: the verdict and its reasons first, the numbers after."""
    parts: list[RenderableType] = [_head(decision), reasons_view(decision)]
    parts += [_title("Metrics, baseline against candidate"), estimates_table(_overall(decision))]
    segments = _segments(decision)
    if segments:
        parts += [_title("Segments, strongest evidence of harm first"), estimates_table(segments, named=True)]
    parts += [_title("Criteria"), criteria_table(decision.criteria)]
    if any(c.e_value is not None for c in decision.criteria):
        parts.append(Text(LEGEND, "dim"))
    if decision.windows:
        parts += [_title("Weighted KPI by window (* not complete)"), windows_table(decision)]
        parts.append(Weeks(decision.windows))
    if decision.open:
        parts += [_title("Still open (shown, never judged)"), open_table(decision.open)]
    if decision.after:
        parts += [_title("Days since the last phase began, against those before"), after_table(decision.after)]
    if decision.by_score:
        parts += [_title("Estimated from scores (not observed, judged by nothing)"), scores_table(decision.by_score)]
    parts += list(_waiting(decision))
    if decision.decision_id:
        parts.append(Text(f"\ndecision {decision.decision_id[:12]}", "dim"))
    return Group(*parts)


def after_table(days: Sequence[Mapping[str, Any]]) -> Sheet:
    """The watch once no baseline is left."""
    sheet = Sheet((Column("metric", "name"), Column("since", "word"), Column("onset", "word"),
                   Column("e-detector"), Column("alarms at"), Column("verdict", "word")))  # fmt: skip
    for entry in days:
        onset = "-" if entry["onset"] is None else entry["onset"]["likeliest"]
        numbers = (number(entry["e_detector"]), number(entry["threshold"]))
        verdict = Text(entry["verdict"], VERDICT_STYLES[entry["verdict"]])
        sheet.add(entry["metric"], entry["watched_from"], onset, *numbers, verdict)
    return sheet


def scores_table(rows: Sequence[Mapping[str, Any]]) -> Sheet:
    """What is expected while outcomes are awaited."""
    sheet = Sheet((Column("metric", "name"), Column("version", "word"), Column("awaited"), Column("estimate"),
                   Column("interval"), Column("learnt from")))  # fmt: skip
    for row in rows:
        told = (
            (percent(row["value"]), level_range(row["lower"], row["upper"])) if row["value"] is not None else ("-", "-")
        )
        sheet.add(row["metric"], row["variant"], f"{row['awaited']:,}", *told, f"{row['calibrated_on']:,}")
    return sheet


def _title(text: str) -> RenderableType:
    return Text(f"\n{text}", "bold")


def verdict_line(decision: Decision) -> Text:
    """The verdict, of what and when: all that ``--quiet`` prints."""
    of = f"  {printable(decision.rollout)}, look of {moment_of(decision.look)}"
    return Text.assemble(word(decision.decision), of)


def _head(decision: Decision) -> RenderableType:
    phase = decision.phase
    since = f" since {date_of(phase.since)}" if phase.since else ""
    where = f"phase {phase.index} of {phase.of}: {percent(phase.traffic)} of traffic{since}"
    attempt = f", attempt {decision.attempt}" if decision.attempt > 1 else ""
    share = percent(traffic_after(decision.decision, phase.to_dict()))
    should = Text(f"the candidate should now have {share} of traffic")
    agreed = approved_by(decision.approval)
    return Group(
        verdict_line(decision), Text(where + attempt, "dim"), should, *([Text(agreed, "dim")] if agreed else [])
    )


def reasons_view(decision: Decision) -> RenderableType:
    """Every reason as a line: code, then sentence; last, and no reason, what could not be checked."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for reason in decision.reasons:
        table.add_row(Text(reason.code, VERDICT_STYLES[reason.verdict]), Text(printable(reason.message)))
    if left := not_checked(decision.health):
        table.add_row(Text("not checked", "dim"), Text(printable(left), "dim"))
    return Group(Text(""), table)


def _overall(decision: Decision) -> list[Estimate]:
    return [m for m in decision.metrics if m.group == OVERALL]


def _segments(decision: Decision) -> list[Estimate]:
    """Estimates of the segments that are large enough to be judged: failed ones first, then by evidence."""
    evidence: dict[tuple[str, object], tuple[bool, float]] = {}
    for c in decision.criteria:
        if c.group != OVERALL and c.verdict != "NO_DATA":
            evidence[c.metric, c.group] = max(evidence.get((c.metric, c.group), (False, -1.0)), _strength(c))
    rows = [m for m in decision.metrics if (m.name, m.group) in evidence and m.difference is not None]
    rows.sort(key=lambda m: evidence[m.name, m.group], reverse=True)
    return rows[:MOST_SEGMENTS]


def _strength(criterion: Judged) -> tuple[bool, float]:
    return criterion.verdict == "FAIL", criterion.e_value or 0.0


def estimates_table(
    rows: Sequence[Estimate], named: bool = False, compared: Sequence[tuple[int, int]] | None = None
) -> Sheet:
    """Both arms, their difference and its confidence sequence; a segment stands below its metric.

    Parameters
    ----------
    compared : units of both that each difference rests on, where they are not all known units
    """
    units = [(row.n_baseline, row.n_candidate) for row in rows] if compared is None else compared
    last = Column("units b/c", full="units of both") if compared is None else COMPARED
    head = Column("metric, segment" if named else "metric", "name")
    arms = (Column("baseline"), Column("candid.", full="candidate"), Column("differ.", full="difference"))
    sheet = Sheet([head, *arms, Column("95 % interval"), last])
    for row, (baseline, candidate) in zip(rows, units, strict=True):
        sheet.add(
            row.name if row.group == OVERALL else f"{row.name}, {row.group}",
            number(row.baseline),
            number(row.candidate),
            signed(row.difference),
            interval(row.lower, row.upper),
            f"{baseline}/{candidate}",
        )
    return sheet


def criteria_table(criteria: Iterable[Judged]) -> RenderableType:
    """Overall criteria, and those of segments that say something."""
    sheet = Sheet([Column("criterion", "name"), *map(Column, ("bound", "evidence", "p", "verdict"))])
    quiet = 0
    for c in criteria:
        if c.group != OVERALL and c.verdict not in ("FAIL", "ERROR"):
            quiet += 1
            continue
        e = "-" if c.e_value is None else odds(c.e_value)
        p = "-" if c.p_value is None else f"{c.p_value:.2g}"
        sheet.add(c.id, c.bound_text, e, p, Text(c.verdict, VERDICT_STYLES[c.verdict]))
    return Group(sheet, Text(f"and {quiet} of segments, no finding", "dim")) if quiet else sheet


def windows_table(decision: Decision) -> Sheet:
    """The weighted KPI of both arms in each window; a star marks a window that is not complete."""
    numbers = ("baseline", "candidate", "difference", "95 % interval")
    sheet = Sheet([Column("from", "word"), *map(Column, numbers), Column("units b/c", full="units of both")])
    for w in decision.windows:
        k = w.kpi
        if not any(m.n_baseline or m.n_candidate for m in w.metrics):
            continue  # a window without a unit says nothing; the JSON has it
        sheet.add(
            date_of(w.start) + ("" if w.complete else " *"),
            number(k.baseline),
            number(k.candidate),
            signed(k.difference),
            interval(k.lower, k.upper),
            f"{max(m.n_baseline for m in w.metrics)}/{max(m.n_candidate for m in w.metrics)}",
        )
    return sheet


def open_table(rows: Sequence[StillOpen]) -> Sheet:
    """How far the units of both arms are with an event that takes time."""
    counts = (Column("open"), Column("past", full="past limit"), Column("age"))
    shares = (Column("event by", full="with the event by then"), Column("95 % interval"))
    sheet = Sheet([Column("metric", "name"), Column("arm", "word"), *counts, *shares])
    for row in rows:
        done = ABSENT if row.share is None else f"{100 * row.share:.1f} %"
        ends = level_range(row.lower, row.upper)
        sheet.add(row.metric, row.variant, f"{row.open}", f"{row.past_limit}", hours(row.age), done, ends)
    return sheet


class Weeks:
    """The weighted KPI of both arms as a line of blocks each, on one scale: one block per window.

    Nothing, and no title, is shown of fewer than two windows, or where the output knows no blocks: the numbers stand
    elsewhere.
    """

    def __init__(self, windows: Sequence[Window], title: RenderableType | None = None) -> None:
        self.windows = windows[-MOST_WINDOWS:]
        self.title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.ascii_only or len(self.windows) < 2:
            return
        windows = self.windows[-(options.max_width - 32) :]
        arms = {"baseline": [w.kpi.baseline for w in windows], "candidate": [w.kpi.candidate for w in windows]}
        known = [value for values in arms.values() for value in values if value is not None]
        if not known:
            return
        if self.title is not None:
            yield self.title
        for arm, values in arms.items():
            own = [value for value in values if value is not None]
            ends = f"  {number(min(own))} to {number(max(own))}" if own else "  -"
            star = "" if windows[-1].complete else "*"
            yield Text(f"{arm:9}  {spark(values, min(known), max(known))}{star}{ends}", no_wrap=True)


def _waiting(decision: Decision) -> Iterable[RenderableType]:
    if not decision.waiting_for:
        return
    yield _title("Waiting for")
    for item in decision.waiting_for:
        when = f": expected {date_of(item.expected_at)}" if item.expected_at else ""
        yield indented(f"{item.what}{when}")


def looks_table(decisions: Iterable[Decision]) -> Sheet:
    """One line per look: where it stood, what was decided, and the first reason."""
    words = ("look", "traffic", "decision", "KPI difference")
    sheet = Sheet([*(Column(title, "word") for title in words), Column("first reason", "name")])
    for d in decisions:
        code = d.reasons[0].code if d.reasons else ""
        sheet.add(date_of(d.look), percent(d.phase.traffic), word(d.decision), signed(d.kpi.difference), code)
    return sheet


def weeks_view(windows: Sequence[Window], of: str = "") -> RenderableType:
    """The line of blocks with its title, where there is something to show."""
    return Group(Weeks(windows, _title(f"Weighted KPI by window{of}"))) if len(windows) > 1 else Group()


def replay_view(decisions: Sequence[Decision]) -> RenderableType:
    """Every look in a line, and the last one's reasons in full."""
    last = decisions[-1]
    return Group(
        looks_table(decisions),
        weeks_view(last.windows),
        _title(f"Last look, {date_of(last.look)}"),
        reasons_view(last),
    )
