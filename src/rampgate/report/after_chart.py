"""Charts of the watch after the last phase: days beside what the reference says of them, and the e-detector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from rampgate.report.drawing import (
    FEW_TICKS,
    TICKS,
    Canvas,
    Unit,
    day_of,
    drawn,
    hover,
    last_value,
    lettering,
    point,
    scaled,
    time_axis,
    value_axis,
    wall,
)
from rampgate.report.palette import BASELINE, CANDIDATE, INK, MUTED, ROLLBACK
from rampgate.report.words import date_of, number

if TYPE_CHECKING:
    import altair as alt

    Chart = alt.LayerChart

#: What is drawn of an e-detector lies between these.
LEAST, MOST = 1e-2, 1e9


def noon(day: date) -> datetime:
    """A day as a moment of a time axis."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def days_chart(
    days: Sequence[date],
    values: Sequence[float],
    band: Sequence[tuple[float, float]],
    unit: Unit,
    onset: date | None = None,
) -> Chart:
    """Values of the days that are watched, in the band of the reference's days of their weekday."""
    import altair as alt

    rows: list[dict[str, Any]] = [
        {
            "at": wall(noon(day)),
            "value": scaled(value, unit),
            "low": scaled(low, unit),
            "high": scaled(high, unit),
            "day": date_of(noon(day)),
            "level": unit.level(value),
            "usual": f"{unit.level(low)} to {unit.level(high)}",
        }
        for day, value, (low, high) in zip(days, values, band, strict=True)
    ]
    moments = [noon(day) for day in days]
    x = time_axis(alt.X("at:T"), moments, most=TICKS)
    y = alt.Y("value:Q", scale=alt.Scale(zero=False), axis=value_axis(unit.share, "%"))
    canvas = Canvas()
    table = canvas.on(rows)
    layers = [
        table.mark_area(color=BASELINE.light, opacity=0.18).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        *(_onset(canvas, onset) if onset is not None else ()),
        table.mark_line(strokeWidth=2, color=CANDIDATE.light).encode(x=x, y=y),
        *hover(table, len(rows), x, y, ("day", "level", "usual")),
    ]
    return canvas.finished(layers, 220)


def detector_chart(days: Sequence[date], log_r: Sequence[float], threshold: float) -> Chart:
    """The e-detector after each day on a log scale, and where it alarms."""
    import altair as alt

    rows: list[dict[str, Any]] = [
        {
            "at": wall(noon(day)),
            "e": drawn(min(max(math.exp(min(log, 690.0)), LEAST), MOST)),
            "day": date_of(noon(day)),
            "told": number(math.exp(min(log, 690.0))),
        }
        for day, log in zip(days, log_r, strict=True)
    ]
    shown = [row["e"] for row in rows]
    domain = [min(0.5, *shown), max(3 * threshold, *(2 * e for e in shown))]
    ticks = [10.0**k for k in range(math.ceil(math.log10(domain[0])), math.floor(math.log10(domain[1])) + 1)]
    scale = alt.Scale(type="log", domain=domain, nice=False)
    y = alt.Y("e:Q", scale=scale, axis=alt.Axis(title=None, values=ticks[:: 1 + len(ticks) // 6], format="~g"))
    x = time_axis(alt.X("at:T"), [noon(day) for day in days], most=FEW_TICKS)
    canvas = Canvas()
    table, last = canvas.on(rows), canvas.on(rows[-1:])
    bar = canvas.on([{"e": drawn(threshold), "text": f"alarms at {threshold:.4g}"}])
    crossed = [row for row in rows if row["e"] >= threshold]
    colour = ROLLBACK.light if crossed else INK.light
    layers = [
        bar.mark_rule(strokeDash=[5, 3], color=MUTED.light).encode(y=alt.Y("e:Q", scale=scale)),
        lettering(bar, "text", None, alt.Y("e:Q", scale=scale), dy=-7, color=MUTED.light),
        table.mark_line(color=colour, strokeWidth=2).encode(x=x, y=y),
        *([point(canvas.on(crossed[:1]), x, y, "cross", ROLLBACK.light)] if crossed else []),
        last_value(last, x, y, "told", colour),
        *hover(table, len(rows), x, y, ("day", "told")),
    ]
    return canvas.finished(layers, 190)


def _onset(canvas: Canvas, onset: date) -> list[Any]:
    import altair as alt

    mark = canvas.on([{"at": wall(noon(onset)), "text": f"onset {day_of(noon(onset))}"}])
    return [
        mark.mark_rule(color=ROLLBACK.light, strokeDash=[2, 2]).encode(x=alt.X("at:T")),
        lettering(mark, "text", alt.X("at:T"), alt.value(6), dx=4, align="left", color=ROLLBACK.light),
    ]
