"""The chart of how both arms come through: the share of units with the event by each age, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rampgate.judge.still_open import LifePath
from rampgate.report.drawing import Canvas, Unit, drawn, hover, scaled, value_axis
from rampgate.report.palette import BASELINE, CANDIDATE
from rampgate.report.words import hours, level_range

if TYPE_CHECKING:
    import altair as alt

    Chart = alt.LayerChart

_SHARE = Unit(share=True)


def life_chart(path: LifePath, arms: tuple[str, str], height: int = 220) -> Chart:
    """Both arms' share of units with the event by age; what is not known yet is not drawn.

    Events are counted at the end of their step of age, so the curves are stairs.
    """
    import altair as alt

    rows = [row for side in (0, 1) for row in _rows(path, arms, side)]
    x = alt.X("at:Q", scale=alt.Scale(domain=[0, path.ages[-1]], nice=False), axis=_axis(path))
    y = alt.Y("value:Q", scale=alt.Scale(domain=[0, 100]), axis=value_axis(True, "%"))
    low = alt.Y("low:Q", scale=alt.Scale(domain=[0, 100]))
    colour = alt.Scale(domain=list(arms), range=[BASELINE.light, CANDIDATE.light])
    legend = alt.Legend(title=None, orient="top", symbolSize=90, symbolType="stroke", symbolStrokeWidth=3)
    hue = alt.Color("arm:N", scale=colour, legend=legend)
    canvas = Canvas()
    table = canvas.on(rows)
    both = [table.transform_filter(f"datum.side === {side}") for side in (0, 1)]
    stairs: dict[str, Any] = {"interpolate": "step-after"}
    layers = [
        *(
            arm.mark_area(color=shade.light, opacity=0.14, **stairs).encode(x=x, y=low, y2="high:Q")
            for arm, shade in zip(both, (BASELINE, CANDIDATE), strict=True)
        ),
        both[0].mark_line(strokeWidth=2, strokeDash=[5, 3], **stairs).encode(x=x, y=y, color=hue),
        both[1].mark_line(strokeWidth=2, **stairs).encode(x=x, y=y, color=hue),
        *hover(both[1], len(path.ages), x, y, ("age", "baseline", "candidate")),
    ]
    return canvas.finished(layers, height)


def _rows(path: LifePath, arms: tuple[str, str], side: int) -> list[dict[str, Any]]:
    """One row per age that units of an arm have reached; readings tell both arms."""
    share, low, high = path.share[side], path.lower[side], path.upper[side]
    return [
        {
            "at": drawn(age),
            "side": side,
            "arm": arms[side],
            "value": scaled(share[k], _SHARE),
            "low": scaled(low[k], _SHARE),
            "high": scaled(high[k], _SHARE),
            "age": hours(age),
            "baseline": _told(path, 0, k),
            "candidate": _told(path, 1, k),
        }
        for k, age in enumerate(path.ages)
        if share[k] is not None
    ]


def _told(path: LifePath, side: int, k: int) -> str:
    """An arm at an age: ``77.2 % (73.0 to 81.3 %), 84 open before``."""
    interval = level_range(path.lower[side][k], path.upper[side][k])
    before = path.at_risk[side][max(k - 1, 0)]
    return f"{_SHARE.level(path.share[side][k])} ({interval}), {before:,} open before"


def _axis(path: LifePath) -> Any:
    """Every fourth age, in the unit that the limit is read in."""
    import altair as alt

    limit = path.ages[-1]
    scale, name = (60.0, "min") if limit < 2 else (1.0, "h") if limit <= 96 else (1 / 24, "d")
    label = f"format(datum.value * {scale!r}, '.3~g') + ' {name}'"
    return alt.Axis(title=None, values=[drawn(age) for age in path.ages[::4]], grid=False, labelExpr=label)
