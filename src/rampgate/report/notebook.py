"""How the values of a rollout show themselves in a notebook: one HTML fragment each."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from rampgate.aggregate.marginals import OVERALL
from rampgate.judge.decision import Decision, traffic_after
from rampgate.policy import Policy, defaults, sentences
from rampgate.report.fragment import BADGE, LIST, SOFT, escaped, figure, framed, items, table
from rampgate.report.notebook_charts import kpi_by_window, ramp
from rampgate.report.words import date_of, interval, moment_of, not_checked, number, percent, signed
from rampgate.rollout.replay import Looks

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: Groups or periods of an estimate that are shown.
_MOST_ROWS = 50
#: White on these is at least 4.5 to 1.
BADGES = {"go": "#1d7a37", "complete": "#1d7a37", "hold": "#8a6500", "rollback": "#b3261e"}


def decision(value: Decision) -> str:
    """One look: the verdict, its reasons, the metrics and the KPI per window."""
    chart = kpi_by_window(value.windows) if len(value.windows) > 1 else ""
    return framed(_head(value), _reasons(value), _metrics(value), figure(chart, "Weighted KPI by window"))


def looks(value: Looks) -> str:
    """A replay: where it ended, the ramp, and every look that said something new."""
    if not value:
        return framed("<p>no look: no complete period with a candidate row</p>")
    last = value[-1]
    charts = [figure(ramp(value), "Decisions on the ramp")]
    if len(last.windows) > 1:
        charts.append(figure(kpi_by_window(last.windows), "Weighted KPI by window"))
    told = [
        d for before, d in zip((None, *value[:-1]), value, strict=True) if before is None or _said(before) != _said(d)
    ]
    rows = [
        (date_of(d.look), percent(d.phase.traffic), d.decision.upper(), signed(d.kpi.difference), _first(d))
        for d in told
    ]
    heads = ("look", "traffic", "decision", "KPI difference", "first reason")
    caption = f"{len(value)} looks; the {len(rows)} that said something new"
    return framed(_head(last), _reasons(last), *charts, table(caption, heads, rows, numbers=(3,)))


def policy(value: Policy) -> str:
    """A policy: its phases as a table, its criteria as sentences."""
    title = f"<p><b>{escaped(value.rollout)}</b>: {escaped(value.candidate)} against {escaped(value.baseline)}</p>"
    rows = [
        (
            str(index),
            percent(phase.traffic),
            phase.at_least.words(),
            f"{phase.minimum_units:,}",
            phase.go.replace("_", " "),
        )
        for index, phase in enumerate(value.phases, start=1)
    ]
    phases = table("Phases", ("phase", "traffic", "at least", "candidate units", "goes on by"), rows, numbers=(1, 3))
    said = items(sentences(value))
    unsaid = items(defaults(value))
    more = f"<details><summary>Defaults</summary>{unsaid}</details>" if unsaid else ""
    return framed(title, f'<p style="{SOFT}">sha256 {value.sha256()}</p>', phases, said, more)


def estimate(value: DataclassInstance) -> str:
    """A result of `rampgate.estimate`: a row, or one per group or period; what all of them share stands above."""
    numbers = {f.name: np.ravel(x) for f in fields(value) if not isinstance(x := getattr(value, f.name), str)}
    length = max(x.size for x in numbers.values())
    columns = {name: x for name, x in numbers.items() if x.size == length}
    shared = [f"{name} {number(float(x[0]))}" for name, x in numbers.items() if name not in columns and x.size]
    said = [x for f in fields(value) if isinstance(x := getattr(value, f.name), str)]
    rows = [[_cell(float(x[i])) for x in columns.values()] for i in range(min(length, _MOST_ROWS))]
    more = [f"the first {_MOST_ROWS} of {length}"] if length > _MOST_ROWS else []
    caption = ": ".join([type(value).__name__, "; ".join([*said, *shared, *more])])
    heads = [name.replace("_", " ") for name in columns]
    return framed(table(caption, heads, rows, numbers=range(len(heads))))


def _cell(value: float) -> str:
    return number(None if np.isnan(value) else value)


def _head(value: Decision) -> str:
    phase = value.phase
    colour = BADGES.get(value.decision, "#555")
    badge = f'<span style="{BADGE};background:{colour}">{escaped(value.decision.upper())}</span>'
    since = f" since {date_of(phase.since)}" if phase.since else ""
    attempt = f", attempt {value.attempt}" if value.attempt > 1 else ""
    share = percent(traffic_after(value.decision, phase.to_dict()))
    return (
        f'<p style="margin:.3em 0">{badge} <b>{escaped(value.rollout)}</b>, look of {moment_of(value.look)}</p>'
        f'<p style="{SOFT}">phase {phase.index} of {phase.of}: {percent(phase.traffic)} of traffic{since}{attempt}; '
        f"the candidate should now have {share} of traffic</p>"
    )


def _reasons(value: Decision) -> str:
    lines = [f"<b>{escaped(r.code)}</b> ({escaped(r.verdict)}): {escaped(r.message)}" for r in value.reasons]
    lines += [
        f"waits for {escaped(w.what)}" + (f", expected {date_of(w.expected_at)}" if w.expected_at else "")
        for w in value.waiting_for
    ]
    if left := not_checked(value.health):
        lines.append(f'<span style="{SOFT}">not checked: {escaped(left)}</span>')
    return f'<ul style="{LIST}">{"".join(f"<li>{line}</li>" for line in lines)}</ul>' if lines else ""


def _metrics(value: Decision) -> str:
    rows = [
        (
            m.name,
            number(m.baseline),
            number(m.candidate),
            signed(m.difference),
            interval(m.lower, m.upper),
            f"{m.n_baseline:,} / {m.n_candidate:,}",
        )
        for m in value.metrics
        if m.group == OVERALL
    ]
    heads = ("metric", "baseline", "candidate", "difference", "95 % interval", "units, baseline / candidate")
    return table("Baseline against candidate", heads, rows, numbers=range(1, 6)) if rows else ""


def _first(value: Decision) -> str:
    return value.reasons[0].code if value.reasons else ""


def _said(value: Decision) -> tuple[str, str, int]:
    return value.decision, _first(value), value.phase.index
