"""One Vega-Lite chart per picture, from the values that the judge hands out.

Every function takes plain values and returns an Altair chart, which a notebook shows as it is. `svg_of` draws it for a
page and `live_spec` is the same chart for the browser; both are in `drawing`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rampgate.judge.decision import Brief, Decision, Estimate, Window, traffic_after
from rampgate.judge.trace import EffectPath, EvidencePath, FamilyPath
from rampgate.report.drawing import (
    FEW_TICKS,
    TICKS,
    Bound,
    Canvas,
    Unit,
    arm_channels,
    day_of,
    drawn,
    hover,
    last_value,
    lettering,
    point,
    scaled,
    thinned,
    time_axis,
    told_odds,
    value_axis,
    wall,
)
from rampgate.report.palette import BASELINE, CANDIDATE, COMPLETE, GO, HOLD, INK, MUTED, PAPER, ROLLBACK
from rampgate.report.words import date_of, percent

if TYPE_CHECKING:
    import altair as alt

    Chart = alt.LayerChart

#: Evidence beyond these is drawn on the edge of the picture; tables and readings have the number.
LEAST_DRAWN, MOST_DRAWN = 1e-3, 1e9
#: Points of a path that are drawn; more would not be seen.
MOST_POINTS = 60
#: More windows than these are drawn lightly; up to this height a picture stands beside others.
MANY_WINDOWS, SMALL = 20, 200
#: Shape and colour of each decision: neither is the only sign.
MARKS = {
    "go": ("triangle-up", GO.light),
    "hold": ("circle", HOLD.light),
    "rollback": ("cross", ROLLBACK.light),
    "complete": ("square", COMPLETE.light),
}


# --- the arms by window -----------------------------------------------------------------


def weekly(windows: Sequence[Window], name: str, arms: tuple[str, str], unit: Unit, height: int = 220) -> Chart:
    """Both arms of a metric (or ``kpi``) by window, with the interval of their difference around the baseline.

    A window that is not complete is a hollow point and says so.
    """
    import altair as alt

    rows: list[dict[str, Any]] = []
    for window in windows:
        e = window_estimate(window, name)
        shared = {
            "at": wall(window.start),
            "complete": window.complete,
            "window": date_of(window.start) + ("" if window.complete else " (partial)"),
            "difference": f"{unit.difference(e.difference)}{unit.name}",
            "interval": unit.interval(e.lower, e.upper),
        }
        ends = (None if x is None or e.baseline is None else unit.possible(e.baseline + x) for x in (e.lower, e.upper))
        low, high = (scaled(end, unit) for end in ends)
        for side, value in enumerate((e.baseline, e.candidate)):
            row = {**shared, "arm": arms[side], "side": side, "value": scaled(value, unit), "level": unit.level(value)}
            rows.append({**row, "low": low, "high": high} if side else row)
    starts = [window.start for window in windows]
    many = len(windows) > MANY_WINDOWS
    x = time_axis(alt.X("at:T"), starts, ticks=starts, most=TICKS if height > SMALL else FEW_TICKS)
    y = alt.Y("value:Q", scale=alt.Scale(zero=False), axis=value_axis(unit.share, "%"))
    colour, shape = arm_channels(arms)
    canvas = Canvas()
    table = canvas.on(rows)
    baseline, candidate = (table.transform_filter(f"datum.side === {side}") for side in (0, 1))
    tips = [alt.Tooltip(f"{key}:N") for key in ("window", "arm", "level", "difference", "interval")]
    layers = [
        candidate.mark_area(color=CANDIDATE.light, opacity=0.13).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        *(
            [candidate.mark_rule(color=CANDIDATE.light, opacity=0.45).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")]
            if not many
            else []
        ),
        baseline.mark_line(strokeWidth=2, strokeDash=[5, 3], color=BASELINE.light).encode(x=x, y=y),
        candidate.mark_line(strokeWidth=2, color=CANDIDATE.light).encode(x=x, y=y),
        table.mark_point(filled=True, size=24 if many else 90, opacity=1).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tips
        ),
    ]
    if tops := _tops(rows):
        hollow = table.transform_filter("!datum.complete").mark_point(
            filled=True, size=8 if many else 30, opacity=1, color=PAPER.light
        )
        layers.append(hollow.encode(x=x, y=y, shape=shape, tooltip=tips))
        layers.append(lettering(canvas.on(tops), "note", x, y, dy=-14, color=MUTED.light, fontStyle="italic"))
    return canvas.finished(layers, height)


def _tops(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The higher of both points of each window that is not complete, with the word for it."""
    known = [row for row in rows if not row["complete"] and row["value"] is not None]
    tops = {row["at"]: row for row in sorted(known, key=lambda row: row["value"])}
    return [{"at": row["at"], "value": row["value"], "note": "partial"} for row in tops.values()]


def window_estimate(window: Window, name: str) -> Estimate:
    """The estimate of a metric, or of the KPI, in a window."""
    return window.kpi if name == window.kpi.name else next(m for m in window.metrics if m.name == name)


# --- evidence and effects over time -----------------------------------------------------


def evidence(
    ends: Sequence[datetime], path: EvidencePath | FamilyPath, onset: datetime | None = None, height: int = 190
) -> Chart:
    """Evidence of harm after each period on a log scale, against the odds at which it counts."""
    import altair as alt

    rows: list[dict[str, Any]] = [
        {"at": wall(end), "e": drawn(_clamped(e)), "day": date_of(end), "odds": told_odds(e)}
        for end, e in ((ends[t], path.e_values[t]) for t in _telling(path))
    ]
    bar = _clamped(path.threshold)
    shown = [row["e"] for row in rows]
    domain = [min(0.5, *shown), max(bar * 3, *(2 * e for e in shown))]
    x = time_axis(alt.X("at:T"), _begun(ends), [onset] if onset is not None else [], most=FEW_TICKS)
    scale = alt.Scale(type="log", domain=domain, nice=False)
    ticks = [10.0**k for k in range(math.ceil(math.log10(domain[0])), math.floor(math.log10(domain[1])) + 1)]
    ticks = ticks[:: 1 + len(ticks) // 6]
    axis = alt.Axis(title=None, values=ticks, format="~g", grid=True)
    y = alt.Y("e:Q", scale=scale, axis=axis)
    canvas = Canvas()
    base = canvas.on(rows)
    crossed = [row for row in rows if row["e"] >= bar]
    last = canvas.on(rows[-1:])
    colour = ROLLBACK.light if crossed else INK.light
    layers = [
        *_threshold(canvas, bar, f"counts at {told_odds(path.threshold)}", scale),
        *(_onset(canvas, onset, scale, domain[1]) if onset is not None else ()),
        base.mark_line(color=colour, strokeWidth=2).encode(x=x, y=y),
        *([point(canvas.on(crossed[:1]), x, y, "cross", ROLLBACK.light)] if crossed else []),
        point(last, x, y, "circle", colour),
        last_value(last, x, y, "odds", colour),
        *hover(base, len(rows), x, y, ("day", "odds")),
    ]
    return canvas.finished(layers, height)


def _threshold(canvas: Canvas, bar: float, text: str, scale: Any) -> list[Any]:
    import altair as alt

    data = canvas.on([{"bar": bar, "text": text}])
    y = alt.Y("bar:Q", scale=scale)
    return [
        data.mark_rule(color=ROLLBACK.light, strokeDash=[6, 4], strokeWidth=1.5).encode(y=y),
        lettering(data, "text", None, y, dy=-7, color=ROLLBACK.light),
    ]


def _onset(canvas: Canvas, onset: datetime, scale: Any, top: float) -> list[Any]:
    import altair as alt

    data = canvas.on([{"at": wall(onset), "top": top, "text": f"onset {day_of(onset)}"}])
    x = alt.X("at:T", scale=alt.Scale(type="utc"))
    return [
        data.mark_rule(color=HOLD.light, strokeDash=[2, 3], strokeWidth=1.5).encode(x=x),
        lettering(data, "text", x, alt.Y("top:Q", scale=scale), align="right", dx=-4, dy=9, color=HOLD.light),
    ]


def effect(
    ends: Sequence[datetime], path: EffectPath, unit: Unit, bounds: Sequence[Bound] = (), height: int = 190
) -> Chart:
    """The difference over all periods so far with its confidence sequence, and the margins it is judged by."""
    import altair as alt

    moments = zip(ends, path.difference, path.lower, path.upper, strict=True)
    known = [moment for moment in moments if moment[1] is not None]
    rows = [
        {
            "at": wall(end),
            "value": scaled(d, unit),
            "low": scaled(low, unit),
            "high": scaled(high, unit),
            "day": date_of(end),
            "difference": f"{unit.difference(d)}{unit.name}",
            "interval": unit.interval(low, high),
        }
        for end, d, low, high in thinned(known, MOST_POINTS)
    ]
    scale = alt.Scale(domain=_window_of(rows, [b.difference * unit.scale for b in bounds]), clamp=True, nice=True)
    x = time_axis(alt.X("at:T"), _begun(ends), most=FEW_TICKS)
    y = alt.Y("value:Q", scale=scale, axis=value_axis(unit.share, "", signed=True))
    low = alt.Y("low:Q", scale=scale)
    canvas = Canvas()
    base, last = canvas.on(rows), canvas.on(rows[-1:])
    layers = [
        base.mark_area(color=CANDIDATE.light, opacity=0.16).encode(x=x, y=low, y2="high:Q"),
        canvas.on([{"zero": 0}]).mark_rule(color=MUTED.light).encode(y=alt.Y("zero:Q", scale=scale)),
        *_bounds(canvas, bounds, unit, scale),
        base.mark_line(color=CANDIDATE.light, strokeWidth=2).encode(x=x, y=y),
        point(last, x, y, "circle", CANDIDATE.light),
        last_value(last, x, y, "difference", CANDIDATE.light),
        *hover(base, len(rows), x, y, ("day", "difference", "interval")),
    ]
    return canvas.finished(layers, height)


def _bounds(canvas: Canvas, bounds: Sequence[Bound], unit: Unit, scale: Any) -> Iterable[Any]:
    import altair as alt

    for bound in bounds:
        harm = bound.kind == "rollback"
        colour = ROLLBACK.light if harm else HOLD.light
        data = canvas.on([{"bound": bound.difference * unit.scale, "text": bound.text}])
        y = alt.Y("bound:Q", scale=scale)
        yield data.mark_rule(color=colour, strokeDash=[6, 4] if harm else [2, 3], strokeWidth=1.5).encode(y=y)
        # At the left, as the last value stands at the right; on the far side of the line from zero.
        yield lettering(data, "text", None, y, dy=9 if bound.difference < 0 else -7, color=colour)


def _window_of(rows: Sequence[dict[str, Any]], marks: Sequence[float]) -> list[float]:
    """What an effect's picture spans: the later half of the path and the margins; the first days know little."""
    late = rows[len(rows) // 2 :]
    ends = [row[key] for row in late for key in ("low", "value", "high") if row[key] is not None]
    low, high = min(0.0, *ends, *marks), max(0.0, *ends, *marks)
    room = 0.12 * ((high - low) or 1.0)
    return [low - room, high + room]


# --- segments ---------------------------------------------------------------------------


def forest(rows: Sequence[Estimate], unit: Unit, bounds: Sequence[Bound], failed: frozenset[str]) -> Chart:
    """The difference of one metric in each segment value, with its interval, in the order given."""
    import altair as alt

    values = [
        {
            "segment": str(row.group.value),
            "value": scaled(row.difference, unit),
            "low": scaled(row.lower, unit),
            "high": scaled(row.upper, unit),
            "failed": str(row.group) in failed,
            "difference": f"{unit.difference(row.difference)}{unit.name}",
            "interval": unit.interval(row.lower, row.upper),
            "units": f"{row.n_baseline:,} / {row.n_candidate:,}",
        }
        for row in rows
    ]
    canvas = Canvas()
    base = canvas.on(values)
    order = [str(value["segment"]) for value in values]
    y = alt.Y("segment:N", sort=order, title=None, axis=alt.Axis(labelLimit=110, domain=False, ticks=False))
    scale = alt.Scale(nice=True)
    x = alt.X("value:Q", scale=scale, axis=value_axis(unit.share, "", signed=True))
    hue = alt.ColorValue(CANDIDATE.light, condition={"test": "datum.failed", "value": ROLLBACK.light})
    shape = alt.ShapeValue("circle", condition={"test": "datum.failed", "value": "cross"})
    tips = [alt.Tooltip(f"{key}:N") for key in ("segment", "difference", "interval", "units")]
    layers = [
        canvas.on([{"zero": 0}]).mark_rule(color=MUTED.light).encode(x=alt.X("zero:Q", scale=scale)),
        *(
            canvas.on([{"bound": b.difference * unit.scale}])
            .mark_rule(color=HOLD.light, strokeDash=[2, 3], strokeWidth=1.5)
            .encode(x=alt.X("bound:Q", scale=scale))
            for b in bounds
        ),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=y, color=hue),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=x, y=y, color=hue, shape=shape, tooltip=tips),
    ]
    return canvas.finished(layers, 40 + 22 * len(values))


# --- the ramp ---------------------------------------------------------------------------


def ramp(decisions: Sequence[Decision | Brief], height: int = 220) -> Chart:
    """The candidate's traffic over time, with every decision on it."""
    import altair as alt

    steps, looks = [], []
    for d, before, after in traffic(decisions):
        steps.append({"at": wall(d.look), "traffic": 100 * after})
        looks.append(
            {
                "at": wall(d.look),
                "traffic": 100 * before,
                "decision": d.decision,
                "look": date_of(d.look),
                "phase": f"{d.phase.index} of {d.phase.of}, {percent(d.phase.traffic)}",
                "because": d.reasons[0].code if d.reasons else "",
            }
        )
    first = decisions[0]
    begin = min(first.phase.since or first.look, first.look)
    steps = [{"at": wall(begin), "traffic": 100 * first.phase.traffic}, *steps]
    moments = [begin, *(d.look for d in decisions)]
    x = time_axis(alt.X("at:T"), moments)
    scale = alt.Scale(domain=[0, 108], nice=False)
    axis = alt.Axis(title=None, values=[0, 25, 50, 75, 100], labelExpr="datum.value + ' %'")
    y = alt.Y("traffic:Q", scale=scale, axis=axis)
    kinds = [kind for kind in MARKS if any(d.decision == kind for d in decisions)]
    legend = alt.Legend(title=None, orient="top", symbolSize=90)
    shapes, colours = [MARKS[k][0] for k in kinds], [MARKS[k][1] for k in kinds]
    tips = [alt.Tooltip(f"{key}:N") for key in ("look", "decision", "because", "phase")]
    canvas = Canvas()
    line = canvas.on(steps)
    layers = [
        line.mark_area(color=CANDIDATE.light, opacity=0.1, interpolate="step-after").encode(x=x, y=y.stack(None)),
        line.mark_line(color=CANDIDATE.light, strokeWidth=2, interpolate="step-after").encode(x=x, y=y),
        canvas.on(looks)
        .mark_point(filled=True, size=110, opacity=1, stroke=PAPER.light, strokeWidth=1)
        .encode(
            x=x,
            y=y,
            shape=alt.Shape("decision:N", scale=alt.Scale(domain=kinds, range=shapes), legend=legend),
            color=alt.Color("decision:N", scale=alt.Scale(domain=kinds, range=colours), legend=legend),
            tooltip=tips,
        ),
    ]
    return canvas.finished(layers, height)


def traffic(decisions: Sequence[Decision | Brief]) -> list[tuple[Decision | Brief, float, float]]:
    """Each decision with the candidate's traffic in force at it, and after it."""
    found: list[tuple[Decision | Brief, float, float]] = []
    for d in decisions:
        # What was rolled back has no traffic, whatever its phase would have.
        before = found[-1][2] if found else d.phase.traffic
        found.append((d, before, traffic_after(d.decision, d.phase.to_dict())))
    return found


def _begun(ends: Sequence[datetime]) -> list[datetime]:
    """The ends of the periods after the beginning of the first, so that all pictures over time begin alike."""
    return [ends[0] - timedelta(days=1), *ends]


def _telling(path: EvidencePath | FamilyPath) -> list[int]:
    """Periods that are drawn: evenly chosen, and where the evidence first reached its bar and its height."""
    values = path.e_values
    first = next((t for t, e in enumerate(values) if e >= path.threshold), 0)
    return sorted({*thinned(range(len(values)), MOST_POINTS), first, values.index(max(values))})


def _clamped(e: float) -> float:
    return min(max(e, LEAST_DRAWN), MOST_DRAWN)


def logs(e_values: Sequence[float]) -> tuple[float, ...]:
    """Evidence as it is drawn, in powers of ten."""
    return tuple(math.log10(_clamped(e)) for e in e_values)
