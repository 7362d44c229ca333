"""The chart of a simulation: the share of rollouts that are stopped by each day, of some of its scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rampgate.report.drawing import Canvas, drawn, hover, value_axis
from rampgate.report.palette import BASELINE, CANDIDATE, COMPLETE, GO, HOLD, ROLLBACK
from rampgate.simulation.table import Outcome, Simulation

if TYPE_CHECKING:
    import altair as alt

#: Lines that can be told apart.
MOST = 6
_COLOURS = (GO, BASELINE, HOLD, ROLLBACK, CANDIDATE, COMPLETE)


def told(simulation: Simulation) -> tuple[Outcome, ...]:
    """The scenarios that are drawn: the harmless one, then harm from the first day on, the smaller ones first."""
    every = simulation.scenarios
    order = [one for word in ("harmless", "expect-start", "twice-start", "bound-start", "") for one in every
             if one.name.endswith(word)]  # fmt: skip
    return tuple(dict.fromkeys(order))[:MOST]


def stopped_chart(simulation: Simulation, height: int = 240) -> alt.LayerChart:
    """One line per scenario: rolled back, or held by a failed criterion, by that day."""
    import altair as alt

    lines = told(simulation)
    rows = [row for one in lines for row in _rows(simulation, one)]
    x = alt.X(
        "at:Q",
        scale=alt.Scale(domain=[0, simulation.days], nice=False),
        axis=alt.Axis(title=None, grid=False, labelExpr="'day ' + datum.label", tickCount=6),
    )
    y = alt.Y("value:Q", scale=alt.Scale(domain=[0, 100]), axis=value_axis(True, "%"))
    names = [one.name for one in lines]
    colour = alt.Scale(domain=names, range=[shade.light for shade in _COLOURS[: len(names)]])
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3, columns=3)
    canvas = Canvas()
    table = canvas.on(rows)
    line: dict[str, Any] = {"strokeWidth": 2, "interpolate": "step-after"}
    layers = [
        table.mark_line(**line).encode(x=x, y=y, color=alt.Color("scenario:N", scale=colour, legend=legend)),
        *hover(table.transform_filter("datum.first"), simulation.days, x, y, ("on", "shares")),
    ]
    return canvas.finished(layers, height)


def _rows(simulation: Simulation, one: Outcome) -> list[dict[str, Any]]:
    """One row per look of a scenario; the first scenario's tell all."""
    lines = told(simulation)
    step = simulation.days / len(one.by_day[0])
    return [
        {
            "at": drawn((look + 1) * step),
            "value": drawn(100.0 * share),
            "scenario": one.name,
            "first": one is lines[0],
            "on": f"day {(look + 1) * step:.0f}",
            "shares": ", ".join(f"{other.name} {100 * other.by_day[0][look]:.0f} %" for other in lines),
        }
        for look, share in enumerate(one.by_day[0])
    ]
