"""The figures of a rollout's report: each with what it shows in words, its numbers, or why there is nothing to show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from functools import partial

from rampgate.aggregate.marginals import OVERALL
from rampgate.estimate.metric import KPI
from rampgate.judge.decision import Brief, Decision, Estimate, Judged, Window
from rampgate.judge.findings import called, in_points
from rampgate.judge.trace import EffectPath, EvidencePath, FamilyPath
from rampgate.policy import Margin, Policy
from rampgate.report import charts
from rampgate.report.blocks import SHAPES, TONES, Cell, Figure, Spark, Table
from rampgate.report.dossier import Dossier
from rampgate.report.drawing import Bound, Unit, thinned, told_odds
from rampgate.report.words import date_of, percent

#: Segment criteria that get a picture of their evidence, and values that get a line in a forest; tables have all.
MOST_SEGMENT_PATHS = 3
#: Rows of the table beside a picture, and windows in one of several pictures side by side.
MOST_ROWS, MOST_WINDOWS = 30, 26
MOST_SEGMENTS = 12

FAMILIES = {
    "rollback": "all rollback criteria",
    "guardrail": "all guardrails",
    "floor": "the floor",
    "segment": "all segment guardrails",
}


def unit_of(policy: Policy, metric: str) -> Unit:
    """How values of a metric are told."""
    return Unit(in_points(policy, metric))


def title_of(metric: str) -> str:
    """A metric as a title."""
    return "Weighted KPI" if metric == KPI else metric


def in_order(policy: Policy) -> tuple[str, ...]:
    """The metrics in the order of their pictures: those that are judged, then the others."""
    return tuple(dict.fromkeys((*_first(policy), *policy.judged_metrics(), *policy.metrics)))


def _first(policy: Policy) -> tuple[str, ...]:
    """The metrics that end or hold a rollout."""
    return tuple(name for name in (*policy.rollback, *policy.guardrails) if name != KPI)


def nothing_yet(dossier: Dossier) -> str:
    """Why there are no periods to show; empty when there are some."""
    if not dossier.started:
        return f"no row of the candidate {dossier.policy.candidate!r} was seen before this look"
    # Windows need no trace, which takes longer than they do.
    return (
        ""
        if dossier.decision.windows or dossier.trace.ends
        else "no period is complete since the candidate's first row"
    )


# --- the arms by window -----------------------------------------------------------------


def weekly(dossier: Dossier, metric: str, wide: bool = False) -> Figure:
    """Both arms of a metric by window."""
    windows = dossier.decision.windows
    return weekly_figure(windows, metric, dossier.arms, unit_of(dossier.policy, metric), wide, nothing_yet(dossier))


def weekly_figure(
    windows: Sequence[Window], metric: str, arms: tuple[str, str], unit: Unit, wide: bool = False, why: str = ""
) -> Figure:
    """Both arms of a metric (or ``kpi``) by window, from values."""
    rows = [(window, charts.window_estimate(window, metric)) for window in windows][
        -(2 * MOST_ROWS if wide else MOST_WINDOWS) :
    ]
    known = [(window, e) for window, e in rows if e.baseline is not None or e.candidate is not None]
    if not known:
        why = why or f"no window has a known {metric} in both arms"
        return Figure(title_of(metric), f"Nothing to show yet, because {why}.", None)
    window, last = known[-1]
    finding = (
        f"In the {'window' if window.complete else 'partial window'} from {date_of(window.start)} "
        f"{arms[1]} is at {unit.level(last.candidate)} and {arms[0]} at {unit.level(last.baseline)}: "
        f"a difference of {unit.difference(last.difference)}{unit.name} "
        f"({_coverage(last)} {unit.interval(last.lower, last.upper)})."
    )
    columns = ("window from", f"#{arms[0]}", f"#{arms[1]}", "#difference", "#interval", "#units", "window")
    some = "" if len(rows) == len(windows) else f", the latest {len(rows)} of {len(windows)}"
    table = Table.of(
        f"{title_of(metric)} by window{some}",
        columns,
        [
            (
                date_of(window.start),
                unit.level(e.baseline),
                unit.level(e.candidate),
                unit.difference(e.difference),
                unit.interval(e.lower, e.upper),
                _units(window, e),
                "complete" if window.complete else Cell("partial", "hold"),
            )
            for window, e in rows
        ],
    )
    sparks = (Spark(arms[0], tuple(e.baseline for _, e in rows)), Spark(arms[1], tuple(e.candidate for _, e in rows)))
    shown = [window for window, _ in known]
    draw = partial(charts.weekly, shown, metric, arms, unit, height=240 if wide else 190)
    return Figure(title_of(metric), finding, draw, table, sparks, wide)


def _coverage(estimate: Estimate) -> str:
    return f"{percent(estimate.level)} interval"


def _units(window: Window, e: Estimate) -> str:
    """Known units of both arms; the KPI has those of its best known metric."""
    of = window.metrics if e.name == KPI else (e,)
    return f"{max(m.n_baseline for m in of):,} / {max(m.n_candidate for m in of):,}"


# --- evidence ---------------------------------------------------------------------------


def evidence(dossier: Dossier) -> tuple[list[Figure], list[Figure]]:
    """Evidence over time, strongest first: every overall criterion, and a few of segments."""
    judged = {c.id: c for c in dossier.decision.criteria}
    paths = sorted(dossier.trace.evidence, key=lambda path: _rank(path, judged.get(path.id)), reverse=True)
    whole = [path for path in paths if path.group == OVERALL]
    weighed = {path.id for path in dossier.trace.evidence}
    silent = [c for c in judged.values() if c.group == OVERALL and c.id not in weighed]
    segments = [path for path in paths if path.group != OVERALL][:MOST_SEGMENT_PATHS]
    return (
        [*(_evidence(dossier, path, judged.get(path.id)) for path in whole), *(_not_weighed(c) for c in silent)],
        [_evidence(dossier, path, judged.get(path.id)) for path in segments],
    )


def _rank(path: EvidencePath, judged: Judged | None) -> tuple[bool, float]:
    return judged is not None and judged.verdict == "FAIL", max(path.e_values) / path.threshold


def _evidence(dossier: Dossier, path: EvidencePath, judged: Judged | None) -> Figure:
    onset = _onset(dossier, judged)
    does = "rolls back" if path.kind == "rollback" else "holds"
    worse = f"{called(path.metric, path.group)} is worse by more than {path.bound_text}"
    if dossier.policy.tests_hazard(path.metric):
        worse = f"the pace of events of {called(path.metric, path.group)} is worse"
    title = f"{does.capitalize()} if {worse}"
    finding = f"{_told(path)}{f', from {date_of(onset)} on' if onset else ''}."
    if judged is not None and judged.verdict == "FAIL" and max(path.e_values) < path.threshold:
        finding += " It carried the evidence of its whole error budget over the bar."
    return _evidence_figure(dossier, path, title, finding, onset)


def _told(path: EvidencePath | FamilyPath) -> str:
    now, most = path.e_values[-1], max(path.e_values)
    bar = told_odds(path.threshold)
    if most >= path.threshold:
        highest = "" if most == now else f", {told_odds(most)} at most"
        return f"Reached the bar of {bar}: evidence of harm is {told_odds(now)} now{highest}"
    what = "Evidence of harm is" if now > 1 else "No evidence of harm:"
    return f"{what} {told_odds(now)}, below the bar of {bar}"


def families(dossier: Dossier) -> Table:
    """Each error budget as a whole: the weighted sum of its criteria is what it is spent on."""
    rows = []
    for path in dossier.trace.families:
        count = sum(member.family == path.family for member in dossier.trace.evidence)
        highest = max(path.e_values)
        reached = Cell("reached", "rollback") if highest >= path.threshold else Cell("not reached", "muted")
        told = (told_odds(path.e_values[-1]), told_odds(highest), told_odds(path.threshold))
        rows.append((FAMILIES[path.family], str(count), *told, reached))
    heads = ("error budget", "#criteria", "#evidence now", "#highest so far", "#its bar", "bar")
    return Table.of("The weighted sum of the evidence of all criteria that share an error budget", heads, rows)


def _evidence_figure(
    dossier: Dossier, path: EvidencePath | FamilyPath, title: str, finding: str, onset: datetime | None
) -> Figure:
    ends = dossier.trace.ends
    rows = [(date_of(end), told_odds(e)) for end, e in zip(ends, path.e_values, strict=True)]
    table = sampled(f"{title}: evidence after each period", ("until", "#evidence of harm"), rows)
    draw = partial(charts.evidence, ends, path, onset)
    return Figure(title, finding, draw, table, (Spark("log of evidence", charts.logs(path.e_values)),))


def sampled(caption: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    """A table of a path; of a long one, evenly chosen rows and the last."""
    kept = thinned(rows, MOST_ROWS)
    chosen = "" if len(kept) == len(rows) else f" ({len(kept)} of {len(rows)})"
    return Table.of(caption + chosen, columns, kept)


def _onset(dossier: Dossier, judged: Judged | None) -> datetime | None:
    if judged is None or judged.onset is None:
        return None
    return datetime.combine(datetime.fromisoformat(judged.onset), time(), tzinfo=dossier.policy.zone)


def _not_weighed(judged: Judged) -> Figure:
    why = judged.message or f"{judged.id} could not be judged ({judged.verdict})"
    return Figure(judged.id, f"Nothing to show, because {why}.", None)


# --- effects ----------------------------------------------------------------------------


def effects(dossier: Dossier) -> list[Figure]:
    """The difference of the KPI and of each metric over all periods so far."""
    drawn = {path.metric: path for path in dossier.trace.effects}
    names = (KPI, *in_order(dossier.policy)) if dossier.trace.ends else ()
    return [_effect(dossier, name, drawn.get(name)) for name in names]


def _effect(dossier: Dossier, metric: str, path: EffectPath | None) -> Figure:
    unit, better = unit_of(dossier.policy, metric), _better(dossier.policy, metric)
    title = f"{title_of(metric)} ({better} is better)"
    if path is None or all(d is None for d in path.difference):
        why = f"{called(metric, OVERALL)} is not known in both arms of any period"
        return Figure(title, f"Nothing to show yet, because {why}.", None)
    ends = path.ends
    last = max(t for t, d in enumerate(path.difference) if d is not None)
    finding = (
        f"Over all periods until {date_of(ends[last])} the candidate differs by "
        f"{unit.difference(path.difference[last])}{unit.name} (95 % interval, at any look: "
        f"{unit.interval(path.lower[last], path.upper[last])})."
    )
    rows = [
        (date_of(end), unit.difference(d), unit.interval(low, high))
        for end, d, low, high in zip(ends, path.difference, path.lower, path.upper, strict=True)
    ]
    table = sampled(
        f"{title}: difference so far", ("until", f"#difference{unit.name and ','}{unit.name}", "#interval"), rows
    )
    draw = partial(charts.effect, ends, path, unit, bounds(dossier, metric))
    return Figure(title, finding, draw, table, (Spark("difference", path.difference),))


def _better(policy: Policy, metric: str) -> str:
    return "higher" if metric == KPI else policy.metrics[metric].better


def bounds(dossier: Dossier, metric: str) -> list[Bound]:
    """The margins of a metric as differences: a harm is a fall, or a rise where lower is better."""
    policy = dossier.policy
    # A test of the pace is no bound on the value.
    rule = None if policy.tests_hazard(metric) else policy.rollback.get(metric)
    margin = policy.margins().get(metric)
    found = []
    if rule is not None:
        found.append(_bound(dossier, metric, rule.worse_by, "rollback", "rolls back beyond"))
    if margin is not None:
        found.append(_bound(dossier, metric, margin, "guardrail", "holds beyond"))
    return [bound for bound in found if bound is not None]


def _bound(dossier: Dossier, metric: str, margin: Margin, kind: str, text: str) -> Bound | None:
    size: float | None = margin.value
    if margin.relative:
        row = next((m for m in dossier.decision.metrics if m.name == metric and m.group == OVERALL), None)
        size = None if row is None or row.baseline is None else margin.value * abs(row.baseline)
    if size is None:
        return None
    sign = 1 if _better(dossier.policy, metric) == "lower" else -1
    return Bound(sign * size, f"{text} {margin}", kind)


# --- segments ---------------------------------------------------------------------------


def forest(dossier: Dossier, column: str, metric: str, rows: Sequence[Estimate]) -> Figure | None:
    """The difference of a metric in the values of a segment column that have enough data; None without any."""
    failed = frozenset(str(c.group) for c in dossier.decision.criteria if c.verdict == "FAIL" and c.metric == metric)
    shown = [row for row in rows if row.difference is not None][:MOST_SEGMENTS]
    if not shown:
        return None
    unit, policy = unit_of(dossier.policy, metric), dossier.policy
    rules = policy.segments.guardrails if policy.segments is not None else {}
    drawn = [_bound(dossier, metric, rules[metric].margin, "guardrail", "holds beyond")] if metric in rules else []
    worst = (max if _better(policy, metric) == "lower" else min)(shown, key=lambda row: row.difference or 0.0)
    broken = [str(row.group.value) for row in shown if str(row.group) in failed]
    beyond = f"beyond its bound in {', '.join(broken)}" if broken else "in no value shown to be beyond its bound"
    finding = (
        f"{title_of(metric)} is {beyond}; the largest harm is {unit.difference(worst.difference)}{unit.name} "
        f"in {worst.group.value} ({unit.interval(worst.lower, worst.upper)})."
    )
    draw = partial(charts.forest, shown, unit, [bound for bound in drawn if bound is not None], failed)
    return Figure(f"{title_of(metric)} by {column}", finding, draw, wide=True)


# --- the ramp ---------------------------------------------------------------------------


def _why(decision: Decision | Brief, before: Decision | Brief | None) -> str:
    """The first reason, unless the look before gave the same."""
    said, then = (d.reasons[0].message if d is not None and d.reasons else "" for d in (decision, before))
    return "the same" if said and said == then else said


def ramp(decisions: Sequence[Decision | Brief]) -> Figure:
    """The candidate's traffic over time with every decision on it."""
    counts = {kind: sum(d.decision == kind for d in decisions) for kind in SHAPES}
    told = ", ".join(f"{count} x {kind}" for kind, count in counts.items() if count)
    moves = charts.traffic(decisions)
    share = percent(moves[-1][2])
    finding = (
        f"{len(decisions)} {'look' if len(decisions) == 1 else 'looks'}: {told}; the candidate should now have {share}."
    )

    columns = ("look", "#traffic", "decision", "#after it", "#KPI difference", "first reason")
    rows = [
        (
            date_of(d.look),
            percent(now),
            Cell(f"{SHAPES[d.decision]} {d.decision}", TONES[d.decision]),
            percent(after),
            Unit(True).difference(d.kpi.difference),
            _why(d, before),
        )
        for before, (d, now, after) in zip((None, *decisions), moves, strict=False)
    ]
    table = Table.of("Every decision of this attempt", columns, rows)
    sparks = (Spark("traffic", tuple(now for _, now, _ in moves)),)
    return Figure("Traffic of the candidate", finding, partial(charts.ramp, decisions), table, sparks, wide=True)
