"""Charts of a notebook as SVG. Their greys and colours hold on white and on black; shapes and dashes say the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from rampgate.judge.decision import Decision, Estimate, Window
from rampgate.report.drawing import drawable
from rampgate.report.words import percent

#: At least 3 to 1 against white and against #111.
INK, BASELINE, CANDIDATE = "#7d7d7d", "#8a8a8a", "#2f86d6"
DECISIONS = {"go": "#2c9a4b", "complete": "#2c9a4b", "hold": "#b98a00", "rollback": "#d9534f"}
SHAPES = {"go": "triangle-up", "complete": "diamond", "hold": "circle", "rollback": "cross"}
WIDTH, HEIGHT = 460, 150
DAY = "%Y-%m-%d"


def kpi_by_window(windows: Sequence[Window]) -> str:
    """The weighted KPI of both arms in each window."""
    return by_window([(w, w.kpi) for w in windows], "weighted KPI")


def by_window(found: Sequence[tuple[Window, Estimate]], name: str) -> str:
    """A metric, called ``name``, of both arms in each window; a window that is not complete is hollow."""
    rows = [
        {"from": f"{w.start:{DAY}}", "arm": arm, "value": value, "complete": w.complete}
        for w, row in found
        for arm, value in (("baseline", row.baseline), ("candidate", row.candidate))
        if value is not None
    ]
    if not rows:
        return ""
    import altair as alt

    arms = ["baseline", "candidate"]
    base = alt.Chart({"values": rows}).encode(
        x=alt.X("from:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        y=alt.Y("value:Q", title=name, scale=alt.Scale(zero=False)),
        color=alt.Color("arm:N", title=None, scale=alt.Scale(domain=arms, range=[BASELINE, CANDIDATE])),
    )
    dash = alt.StrokeDash("arm:N", title=None, scale=alt.Scale(domain=arms, range=[[4, 3], [1, 0]]))
    shape = alt.Shape("arm:N", title=None, scale=alt.Scale(domain=arms, range=["square", "circle"]))
    points = base.mark_point(size=45, opacity=1).encode(
        shape=shape, fillOpacity=alt.condition("datum.complete", alt.value(1), alt.value(0))
    )
    filled = points.encode(
        fill=alt.Fill("arm:N", title=None, scale=alt.Scale(domain=arms, range=[BASELINE, CANDIDATE]))
    )
    return _svg(base.mark_line().encode(strokeDash=dash) + filled, f"{name} of both arms in each window")


def ramp(decisions: Sequence[Decision]) -> str:
    """What was decided at each look, on the traffic that was in force."""
    rows = [{"look": f"{d.look:{DAY}}", "traffic": d.phase.traffic, "decision": d.decision} for d in decisions]
    if not rows:
        return ""
    import altair as alt

    known = list(DECISIONS)
    base = alt.Chart({"values": rows}).encode(
        x=alt.X("look:T", title=None, axis=alt.Axis(format=DAY, labelOverlap=True, tickCount=6)),
        y=alt.Y(
            "traffic:Q", title="traffic", axis=alt.Axis(format=".0%", tickCount=4), scale=alt.Scale(domain=[0, 1.05])
        ),
    )
    marks = base.mark_point(size=60, filled=True, opacity=1).encode(
        color=alt.Color(
            "decision:N", title=None, scale=alt.Scale(domain=known, range=[DECISIONS[name] for name in known])
        ),
        shape=alt.Shape(
            "decision:N", title=None, scale=alt.Scale(domain=known, range=[SHAPES[name] for name in known])
        ),
    )
    steps = base.mark_line(interpolate="step-after", color=INK, strokeWidth=1)
    last = decisions[-1]
    what = f"{len(rows)} looks, the last at {percent(last.phase.traffic)} of traffic: {last.decision}"
    return _svg(steps + marks, what)


def _svg(chart: Any, description: str) -> str:
    """A chart as SVG without a background, its ids its own in the page."""
    import vl_convert

    drawn = (
        chart.properties(width=WIDTH, height=HEIGHT, description=description)
        .configure(background="transparent")
        .configure_view(stroke=None)
        .configure_axis(labelColor=INK, titleColor=INK, domainColor=INK, tickColor=INK, gridColor=INK, gridOpacity=0.2)
        .configure_legend(labelColor=INK, titleColor=INK, orient="top")
    )
    text: str = vl_convert.vegalite_to_svg(drawable(drawn.to_dict()))
    own = hashlib.sha256(text.encode()).hexdigest()[:8]
    return re.sub(r'(id="|url\(#|href="#)(?=[A-Za-z])', rf"\g<1>rg{own}-", text)
