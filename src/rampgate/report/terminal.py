"""Decisions in the terminal: tables that fit 80 columns, where colour is never the only sign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rampgate.aggregate.marginals import OVERALL
from rampgate.judge.decision import Decision, Estimate, Judged, traffic_after
from rampgate.report.words import date_of, interval, moment_of, number, odds, percent, signed

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
#: Segment values shown; the others are in the JSON.
MOST_SEGMENTS = 8


def console(stderr: bool = False) -> Console:
    """A console of at most 80 columns that obeys NO_COLOR."""
    made = Console(stderr=stderr, highlight=False)
    return Console(stderr=stderr, highlight=False, width=min(made.width, WIDTH)) if made.width > WIDTH else made


def word(decision: str) -> Text:
    """The decision in capitals."""
    return Text(decision.upper(), STYLES[decision])


def indented(text: str, style: str = "") -> RenderableType:
    """A paragraph two columns in, also where it wraps."""
    return Padding(Text(text, style), (0, 0, 0, 2))


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
    parts += list(_waiting(decision))
    if decision.decision_id:
        parts.append(Text(f"\ndecision {decision.decision_id[:12]}", "dim"))
    return Group(*parts)


def _title(text: str) -> RenderableType:
    return Text(f"\n{text}", "bold")


def _head(decision: Decision) -> RenderableType:
    phase = decision.phase
    line = Text.assemble(word(decision.decision), f"  {decision.rollout}, look of {moment_of(decision.look)}")
    since = f" since {date_of(phase.since)}" if phase.since else ""
    where = f"phase {phase.index} of {phase.of}: {percent(phase.traffic)} of traffic{since}"
    attempt = f", attempt {decision.attempt}" if decision.attempt > 1 else ""
    share = percent(traffic_after(decision.decision, phase.to_dict()))
    return Group(line, Text(where + attempt, "dim"), Text(f"the candidate should now have {share} of traffic"))


def reasons_view(decision: Decision) -> RenderableType:
    """Every reason as a line: code, then sentence."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column()
    for reason in decision.reasons:
        table.add_row(Text(reason.code, VERDICT_STYLES[reason.verdict]), Text(reason.message))
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


def estimates_table(rows: Sequence[Estimate], named: bool = False) -> Table:
    """Both arms, their difference and its confidence sequence; a segment stands below its metric."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("metric" if not named else "metric, segment", overflow="fold", max_width=22)
    for name in ("baseline", "candid.", "differ.", "95 % interval", "units b/c"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name if row.group == OVERALL else f"{row.name}, {row.group}",
            number(row.baseline),
            number(row.candidate),
            signed(row.difference),
            interval(row.lower, row.upper),
            f"{row.n_baseline}/{row.n_candidate}",
        )
    return table


def criteria_table(criteria: Iterable[Judged]) -> Table:
    """Overall criteria, and those of segments that say something."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("criterion", overflow="fold", max_width=40)
    for name in ("bound", "evidence", "p", "verdict"):
        table.add_column(name, justify="right", no_wrap=True)
    quiet = 0
    for c in criteria:
        if c.group != OVERALL and c.verdict not in ("FAIL", "ERROR"):
            quiet += 1
            continue
        e = "-" if c.e_value is None else odds(c.e_value)
        p = "-" if c.p_value is None else f"{c.p_value:.2g}"
        table.add_row(c.id, c.bound_text, e, p, Text(c.verdict, VERDICT_STYLES[c.verdict]))
    if quiet:
        table.add_row(Text(f"and {quiet} of segments, no finding", "dim"), "", "", "", "")
    return table


def windows_table(decision: Decision) -> Table:
    """The weighted KPI of both arms in each window; a star marks a window that is not complete."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("from", no_wrap=True)
    for name in ("baseline", "candidate", "difference", "95 % interval", "units b/c"):
        table.add_column(name, justify="right", no_wrap=True)
    for w in decision.windows:
        k = w.kpi
        table.add_row(
            date_of(w.start) + ("" if w.complete else " *"),
            number(k.baseline),
            number(k.candidate),
            signed(k.difference),
            interval(k.lower, k.upper),
            f"{max(m.n_baseline for m in w.metrics)}/{max(m.n_candidate for m in w.metrics)}",
        )
    return table


def _waiting(decision: Decision) -> Iterable[RenderableType]:
    if not decision.waiting_for:
        return
    yield _title("Waiting for")
    for item in decision.waiting_for:
        when = f": expected {date_of(item.expected_at)}" if item.expected_at else ""
        yield indented(f"{item.what}{when}")


def looks_table(decisions: Iterable[Decision]) -> Table:
    """One line per look: where it stood, what was decided, and the first reason."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for name in ("look", "traffic", "decision", "KPI difference"):
        table.add_column(name, no_wrap=True)
    table.add_column("first reason", no_wrap=True)
    for d in decisions:
        code = d.reasons[0].code if d.reasons else ""
        table.add_row(date_of(d.look), percent(d.phase.traffic), word(d.decision), signed(d.kpi.difference), code)
    return table


def replay_view(decisions: Sequence[Decision]) -> RenderableType:
    """Every look in a line, and the last one's reasons in full."""
    return Group(
        looks_table(decisions), _title(f"Last look, {date_of(decisions[-1].look)}"), reasons_view(decisions[-1])
    )
