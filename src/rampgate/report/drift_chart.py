"""The charts of drift: distance by window against its threshold, and reference against window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rampgate.judge.drifted import Drifted
from rampgate.report.drawing import FEW_TICKS, Canvas, arm_channels, drawn, lettering, time_axis, value_axis, wall
from rampgate.report.palette import BASELINE, CANDIDATE, MUTED, ROLLBACK
from rampgate.report.words import number

if TYPE_CHECKING:
    import altair as alt

    Chart = alt.LayerChart

#: Bins that are drawn; of categories the others are few.
MOST_BINS = 12
#: Letters of a bin's name on an axis.
MOST_LETTERS = 14


def distance_chart(rows: Sequence[Drifted], arms: tuple[str, str], height: int = 190) -> Chart:
    """The population stability index of both versions by window, with its interval, and from where on it acts."""
    import altair as alt

    points = [_point(row, arms) for row in rows if row.psi is not None and row.start is not None]
    starts: list[datetime] = sorted({row.start for row in rows if row.start is not None})
    x = time_axis(alt.X("at:T"), starts, ticks=starts, most=FEW_TICKS)
    y = alt.Y("psi:Q", scale=alt.Scale(zero=True), axis=value_axis(False, ""))
    hue, shape = arm_channels(arms)
    canvas = Canvas()
    table = canvas.on(points)
    tips = [alt.Tooltip(f"{key}:N") for key in ("window", "arm", "told", "interval")]
    layers = [
        table.mark_rule(opacity=0.5).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=hue),
        *(
            table.transform_filter(f"datum.side === {side}")
            .mark_line(strokeWidth=2, strokeDash=[5, 3] if side == 0 else [1, 0])
            .encode(x=x, y=y, color=hue)
            for side in (0, 1)
        ),
        table.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y, color=hue, shape=shape, tooltip=tips),
        *_bars(canvas, rows, x),
    ]
    return canvas.finished(layers, height)


def _point(row: Drifted, arms: tuple[str, str]) -> dict[str, Any]:
    assert row.start is not None
    side = int(row.variant == arms[1])
    return {
        "at": wall(row.start),
        "window": row.window,
        "arm": arms[side],
        "side": side,
        "psi": drawn(row.psi or 0.0),
        "low": drawn(row.lower or 0.0),
        "high": drawn(row.upper or 0.0),
        "told": f"PSI {number(row.psi)}, {row.units:,} units",
        "interval": f"{number(row.lower)} to {number(row.upper)}",
    }


def _bars(canvas: Canvas, rows: Sequence[Drifted], x: Any) -> list[Any]:
    """From where on it acts: a line where every window has the same threshold, else a tick in each."""
    import altair as alt

    levels = [
        (row, level) for row in rows if (level := row.thresholds.get("psi")) is not None and row.start is not None
    ]
    if not levels:
        return []
    if len({level for _, level in levels}) == 1:
        data = canvas.on([{"bar": drawn(levels[0][1]), "text": f"acts from {levels[0][1]:g}"}])
        y = alt.Y("bar:Q")
        return [
            data.mark_rule(color=ROLLBACK.light, strokeDash=[6, 4], strokeWidth=1.5).encode(y=y),
            lettering(data, "text", None, y, dy=-7, color=ROLLBACK.light),
        ]
    ticks = [{"at": wall(row.start), "bar": drawn(level)} for row, level in levels if row.start is not None]
    mark = canvas.on(ticks).mark_tick(color=ROLLBACK.light, thickness=2, size=26, orient="horizontal")
    return [mark.encode(x=x, y=alt.Y("bar:Q"))]


def shares_chart(row: Drifted, arm: str, height: int = 190) -> Chart:
    """Shares of reference and window in the merged bins, side by side."""
    import altair as alt

    names = ("reference", f"{arm}, {row.window}")
    rows = [
        {"bin": _short(label), "of": names[side], "side": side, "share": drawn(100.0 * (share or 0.0)), "label": label,
         "told": f"{100.0 * (share or 0.0):.3g} %"}
        for label, *shares in row.bins[:MOST_BINS]
        for side, share in enumerate(shares)
    ]  # fmt: skip
    order = list(dict.fromkeys(_short(label) for label, *_ in row.bins[:MOST_BINS]))
    axis = alt.Axis(title=None, labelAngle=-35, labelColor=MUTED.light)
    x = alt.X("bin:N", sort=order, axis=axis)
    y = alt.Y("share:Q", axis=value_axis(True, "%"))
    colour = alt.Scale(domain=list(names), range=[BASELINE.light, CANDIDATE.light])
    hue = alt.Color("of:N", scale=colour, legend=alt.Legend(title=None, orient="top", symbolSize=90))
    tips = [alt.Tooltip(f"{key}:N") for key in ("label", "of", "told")]
    canvas = Canvas()
    bars = canvas.on(rows).mark_bar().encode(
        x=x, y=y, color=hue, xOffset=alt.XOffset("of:N", sort=list(names)), tooltip=tips
    )  # fmt: skip
    return canvas.finished([bars], height)


def _short(label: str) -> str:
    return label if len(label) <= MOST_LETTERS else f"{label[: MOST_LETTERS - 1]}…"
