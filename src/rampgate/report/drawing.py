"""What all charts share: units of values, axes, lettering, and the way from a chart to a picture."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from rampgate.judge.findings import odds
from rampgate.report.palette import GRID, INK, LINE, MUTED
from rampgate.report.words import number

if TYPE_CHECKING:
    import altair as alt

    Chart = alt.LayerChart

T = TypeVar("T")

WIDE, NARROW = 720, 330
TICKS = 8
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
#: Layers that answer the pointer begin with this; a still picture does without them.
HOVER = "hover"
_PLACE = re.compile(r'((?<= )(?:d|transform|x|y|x2|y2)=")([^"]*)')
_LONG = re.compile(r"-?\d+\.\d{3,}(?:e-\d+)?")


@dataclass(frozen=True)
class Unit:
    """How values of a metric are told: shares as percentages and their differences in points."""

    share: bool

    def level(self, value: float | None) -> str:
        """A value of one arm."""
        if value is None:
            return number(None)
        return f"{100 * value:.1f} %" if self.share else number(value)

    def difference(self, value: float | None) -> str:
        """Candidate minus baseline, with its sign."""
        if value is None:
            return number(None)
        text = f"{100 * value:+.1f}" if self.share else f"{value:+.3g}"
        return text.replace("-", "−")  # a screen reader says "minus" to this one

    def interval(self, lower: float | None, upper: float | None) -> str:
        """Both ends of a difference; an open end is a dash."""
        return (
            number(None) if lower is None and upper is None else f"{self.difference(lower)} to {self.difference(upper)}"
        )

    def possible(self, value: float) -> float:
        """The nearest value that there can be: a share is from 0 to 1."""
        return min(max(value, 0.0), 1.0) if self.share else value

    @property
    def name(self) -> str:
        """What differences are counted in, after a space, or nothing."""
        return " points" if self.share else ""

    @property
    def scale(self) -> float:
        """What a value is multiplied with before it is drawn."""
        return 100.0 if self.share else 1.0


@dataclass(frozen=True)
class Bound:
    """A margin drawn across an effect: a value of the difference, and what it is."""

    difference: float
    text: str
    kind: str


def told_odds(e: float) -> str:
    """Evidence as a bet: ``101 to 1``."""
    return odds(math.log(e)) if e > 0 else "0 to 1"


def wall(moment: datetime) -> str:
    """The time on the wall, written as if it were UTC: a chart must not move to the zone of who looks at it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def day_of(moment: datetime) -> str:
    """A day as people say it: ``17 Mar``."""
    return f"{moment.day} {moment:%b}"


# --- parts ------------------------------------------------------------------------------


def scaled(value: float | None, unit: Unit) -> float | None:
    """A value as it is drawn."""
    return None if value is None else drawn(value * unit.scale)


def drawn(value: float) -> float:
    """As many digits as a picture can show; tables and readings are made of the number itself."""
    return float(f"{value:.6g}")


def time_axis(
    x: Any, moments: Sequence[datetime], also: Sequence[datetime] = (), ticks: Sequence[datetime] = ()
) -> Any:
    """A time axis over the moments, with a little room at both ends."""
    import altair as alt

    known = [*moments, *also]
    first, last = min(known), max(known)
    room = max((last - first) / 25, timedelta(hours=12))
    domain = [wall(first - room), wall(last + room)]
    marks = [wall(tick) for tick in thinned(ticks or _days(first, last), TICKS)]
    axis = alt.Axis(title=None, format="%-d %b", grid=False, values=marks, labelOverlap="greedy")
    return x.scale(type="utc", domain=domain, nice=False).axis(axis)


def _days(first: datetime, last: datetime) -> list[datetime]:
    """Days to be named on an axis: every day, or every week."""
    begin = first.replace(hour=0, minute=0, second=0)
    step = 1 if (last - first).days <= TICKS else 7
    return [begin + timedelta(days=i) for i in range(0, (last - begin).days + 1, step)]


def thinned(values: Sequence[T], most: int) -> Sequence[T]:
    """At most so many of the values, evenly, the last always among them."""
    step = -(-len(values) // most) or 1
    return values[(len(values) - 1) % step :: step]


def value_axis(share: bool, sign: str, signed: bool = False) -> Any:
    """An axis of values; a ``sign`` such as ``%`` stands after shares."""
    import altair as alt

    suffix = f" + ' {sign}'" if share and sign else ""
    plain = f"format(datum.value, '{'+' if signed else ''}~{'f' if share else 'g'}')"
    return alt.Axis(title=None, tickCount=5, labelExpr=f"datum.value == 0 ? '0' : replace({plain}, '-', '−'){suffix}")


def point(data: Any, x: Any, y: Any, shape: str, colour: str) -> Any:
    """A single point that stands out."""
    return data.mark_point(shape=shape, filled=True, size=80, color=colour, opacity=1).encode(x=x, y=y)


def lettering(data: Any, field: str, x: Any, y: Any, **style: Any) -> Any:
    """Words in the picture, at its left edge without an ``x``. A page keeps them readable where they cross a line."""
    import altair as alt

    style = {"fontSize": 11, **({"x": 4, "align": "left"} if x is None else {}), **style}
    place = {"y": y} if x is None else {"x": x, "y": y}
    return data.mark_text(**style).encode(**place, text=alt.Text(f"{field}:N"))


def last_value(data: Any, x: Any, y: Any, field: str, colour: str) -> Any:
    """The last value in words, beside its point."""
    style = {"align": "right", "dx": -7, "dy": -10, "color": colour, "fontWeight": 600, "fontSize": 12}
    return lettering(data, field, x, y, **style)


def hover(data: Any, count: int, x: Any, y: Any, fields: Sequence[str]) -> list[Any]:
    """A point and a reading of the fields wherever the pointer is above or below one of so many points.

    Vega-Lite's own ``nearest`` reads the wrong row here (vega-lite 6.4: the tooltip of its Voronoi cells).
    """
    import altair as alt

    near = alt.selection_point(name="near", on="pointerover", clear="pointerout", fields=["at"], empty=False)
    width = min(max(500 / count, 5), 60)
    tips = [alt.Tooltip(f"{field}:N") for field in fields]
    strip = data.mark_rule(strokeWidth=width, opacity=0).encode(x=x, tooltip=tips).add_params(near)
    seen = alt.OpacityValue(0, condition={"param": "near", "empty": False, "value": 1})
    mark = data.mark_point(filled=True, size=70, color=INK.light, tooltip=False).encode(x=x, y=y, opacity=seen)
    return [mark.properties(name=f"{HOVER}-point"), strip.properties(name=HOVER)]


class Canvas:
    """Layers and the rows that they draw. Rows are kept once under a name: Altair copies what a layer holds."""

    def __init__(self) -> None:
        self._rows: dict[str, Sequence[dict[str, Any]]] = {}

    def on(self, rows: Sequence[dict[str, Any]]) -> Any:
        """A chart of the rows, to be given marks."""
        import altair as alt

        name = f"rows{len(self._rows)}"
        self._rows[name] = rows
        return alt.Chart(alt.NamedData(name))

    def finished(self, layers: Sequence[Any], height: int) -> Chart:
        """The layers as one chart, in the look that all charts share."""
        import altair as alt

        made: Chart = alt.LayerChart(
            layer=list(layers),
            width=WIDE,
            height=height,
            datasets=self._rows,
            config=alt.Config(
                background="transparent",
                aria=False,
                padding={"left": 10, "top": 4, "right": 6, "bottom": 4},
                view=alt.ViewConfig(stroke=None),
                axis=alt.AxisConfig(
                    labelColor=MUTED.light,
                    labelFontSize=11,
                    gridColor=GRID.light,
                    domainColor=LINE.light,
                    tickColor=LINE.light,
                ),
                legend=alt.LegendConfig(
                    labelColor=INK.light, labelFontSize=12, labelLimit=240, columnPadding=24, offset=4
                ),
            ),
        )
        return made


# --- drawing ----------------------------------------------------------------------------


def live_spec(chart: Chart) -> dict[str, Any]:
    """The chart for the browser: as wide as its place, in the letters of the page."""
    spec = chart.to_dict(validate=False)
    fit = {"type": "fit", "contains": "padding"}
    return {**spec, "width": "container", "autosize": fit, "config": {**spec["config"], "font": FONT}}


@contextmanager
def unvalidated() -> Iterator[None]:
    """Charts made here are not held against the schema; tests do that, and it takes longer than making them."""
    from altair.utils import schemapi

    with schemapi.debug_mode(False):
        yield


#: What XML cannot hold: a drawing that has it ends the whole process, not only the drawing.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def drawable(value: Any) -> Any:
    """A specification in which every character that a drawing cannot hold is replaced."""
    if isinstance(value, str):
        return _FORBIDDEN.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_FORBIDDEN.sub("\ufffd", key): drawable(inner) for key, inner in value.items()}
    return [drawable(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def svg_of(chart: Chart, width: int = WIDE) -> str:
    """The chart as an SVG text about as wide, without what only answers a pointer."""
    return still(chart.to_dict(validate=False), width)


def still(spec: dict[str, Any], width: int) -> str:
    """The same from the chart's specification."""
    import vl_convert

    spec = drawable(spec)

    layers = [layer for layer in spec["layer"] if not layer.get("name", "").startswith(HOVER)]
    # Room for axes is left here: fitting it, and measuring letters in the font of a page, takes twice as long.
    room = {"width": width - 52, "height": spec["height"] - 34, "autosize": "pad"}
    config = {key: value for key, value in spec["config"].items() if key != "font"}
    shown = {
        **{key: value for key, value in spec.items() if key != "params"},
        **room,
        "config": config,
        "layer": layers,
    }
    return _PLACE.sub(_shorter, vl_convert.vegalite_to_svg(shown, vl_version="6.4"))


def _shorter(place: re.Match[str]) -> str:
    """Coordinates to a hundredth of a pixel."""
    return place[1] + _LONG.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), place[2])
