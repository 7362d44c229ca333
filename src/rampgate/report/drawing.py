"""What all charts share: units of values, axes, lettering, and the way from a chart to a picture."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from rampgate.judge.findings import odds
from rampgate.report.palette import BASELINE, CANDIDATE, GRID, INK, LINE, MUTED
from rampgate.report.words import number

if TYPE_CHECKING:
    import altair as alt

    Chart = alt.LayerChart

T = TypeVar("T")
#: What turns a specification into an SVG text.
Draw = Callable[[dict[str, Any]], str]

VEGA_LITE = "6.4"
WIDE, NARROW = 720, 330
#: Days named on an axis as wide as the page; on one of several side by side; and from when on months are named.
TICKS, FEW_TICKS, LONG = 8, 5, timedelta(days=182)
MONTHS = "utcmonth(datum.value) ? utcFormat(datum.value, '%b') : utcFormat(datum.value, '%Y')"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
#: Layers that answer the pointer begin with this; a still picture does without them.
HOVER = "hover"
_PLACE = re.compile(r'((?<= )(?:d|transform|x|y|x2|y2)=")([^"]*)')
_LONG = re.compile(r"-?\d+\.\d{2,}(?:e-\d+)?")
_TAG = re.compile("<[^<>]*>")
#: Parts are not read one by one, classes are for nobody, fonts are the page's, and what is not said is opaque.
_SPARE = re.compile(r' (?:role|aria-[a-z]+|class|font-family|pointer-events|version|xmlns:xlink)="[^"]*"| opacity="1"')
_NOTHING = re.compile(r'<path d="[^"]*"(?: display="none")?/>|<g[^>]*></g>')


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
        if not float(text):
            return text[1:]  # what rounds to nothing leans to no side
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
    x: Any,
    moments: Sequence[datetime],
    also: Sequence[datetime] = (),
    ticks: Sequence[datetime] = (),
    most: int = TICKS,
) -> Any:
    """A time axis over the moments, with a little room at both ends and at most so many days named on it.

    Days are named at the ``ticks`` where they are given; a long span has months, and a year where one begins.
    """
    import altair as alt

    known = [*moments, *also]
    first, last = min(known), max(known)
    room = max((last - first) / 25, timedelta(hours=12))
    domain = [wall(first - room), wall(last + room)]
    long = last - first > LONG
    marks = _months(first, last, most) if long else thinned(ticks or _days(first, last, most), most)
    says: dict[str, Any] = {"labelExpr": MONTHS} if long else {"format": "%-d %b"}
    if most > FEW_TICKS:
        says |= {"labelOverlap": "parity", "labelSeparation": 6}  # a phone has room for half of them
    axis = alt.Axis(title=None, grid=False, values=[wall(mark) for mark in marks], **says)
    return x.scale(type="utc", domain=domain, nice=False).axis(axis)


def _days(first: datetime, last: datetime, most: int) -> list[datetime]:
    """Days to be named on an axis: every day, or every so many weeks."""
    begin = first.replace(hour=0, minute=0, second=0)
    days = (last - begin).days
    step = 1 if days < most else 7 * -(-(days // 7 + 1) // most)
    return [begin + timedelta(days=i) for i in range(0, days + 1, step)]


def _months(first: datetime, last: datetime, most: int) -> list[datetime]:
    """First days of months, evenly, as many as there is room for."""
    begin, end = (12 * moment.year + moment.month - 1 for moment in (first, last))
    # Counted from January, so that a year begins on a tick.
    steps = (1, 2, 3, 4, 6, *range(12, end - begin + 13, 12))
    choices = ([place for place in range(begin + 1, end + 1) if place % step == 0] for step in steps)
    places = next(chosen for chosen in choices if len(chosen) <= most)
    start = first.replace(day=1, hour=0, minute=0, second=0)
    return [start.replace(year=place // 12, month=place % 12 + 1) for place in places]


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
    """Words in the picture, at its left edge without an ``x``; a page keeps them readable on a line."""
    import altair as alt

    edge = {"x": 4, "align": "left"} if x is None else {}
    style = {"fontSize": 11, **edge, **style}
    place = {"y": y} if x is None else {"x": x, "y": y}
    return data.mark_text(**style).encode(**place, text=alt.Text(f"{field}:N"))


def arm_channels(arms: Sequence[str]) -> tuple[Any, Any]:
    """Colour and shape that tell baseline and candidate apart, with one legend for both."""
    import altair as alt

    # Some layers are pale: the legend is not.
    legend = alt.Legend(title=None, orient="top", symbolSize=90, symbolOpacity=1)
    colour = alt.Scale(domain=list(arms), range=[BASELINE.light, CANDIDATE.light])
    shape = alt.Scale(domain=list(arms), range=["square", "circle"])
    return alt.Color("arm:N", scale=colour, legend=legend), alt.Shape("arm:N", scale=shape, legend=legend)


def last_value(data: Any, x: Any, y: Any, field: str, colour: str) -> Any:
    """The last value in words, beside its point."""
    style: dict[str, Any] = {"align": "right", "dx": -7, "dy": -10, "color": colour, "fontWeight": 600, "fontSize": 12}
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
        self._rows[name] = tuple(rows)  # what is no list is not copied, again and again, on its way through Altair
        return alt.Chart(alt.NamedData(name))

    def finished(self, layers: Sequence[Any], height: int) -> Chart:
        """The layers as one chart, in the look that all charts share."""
        import altair as alt

        made: Chart = alt.LayerChart(
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
                    # To be cut short or left out a label has to be measured, and that takes longer than drawing it.
                    labelLimit=0,
                    labelOverlap=False,
                    gridColor=GRID.light,
                    domainColor=LINE.light,
                    tickColor=LINE.light,
                ),
                legend=alt.LegendConfig(
                    labelColor=INK.light, labelFontSize=12, labelLimit=240, columnPadding=24, offset=4
                ),
            ),
        )
        # Given at once they would be copied whole several times here, and as often again on the way to a specification.
        made.layer = list(layers)
        return made


# --- drawing ----------------------------------------------------------------------------


def spec_of(chart: Chart) -> dict[str, Any]:
    """The chart's specification, layer by layer: on its own way to one Altair copies all layers three times."""
    import altair as alt

    alone: dict[str, Any] = {"top_level": False, "datasets": {}, "pre_transform": False}
    return {
        "$schema": alt.SCHEMA_URL,
        "width": chart.width,
        "height": chart.height,
        "datasets": chart.datasets,
        "config": chart.config.to_dict(validate=False),
        "layer": [layer.to_dict(validate=False, context=alone) for layer in chart.layer],
    }


def live_spec(chart: Chart) -> dict[str, Any]:
    """The chart for the browser: as wide as its place, in the letters of the page."""
    spec = spec_of(chart)
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


def draw_here(spec: dict[str, Any]) -> str:
    """Draw a specification in this process."""
    import vl_convert

    return vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)


def svg_of(chart: Chart, width: int = WIDE) -> str:
    """The chart as an SVG text about as wide, without what only answers a pointer."""
    return still(spec_of(chart), width)


def still(spec: dict[str, Any], width: int, draw: Draw = draw_here) -> str:
    """The same from the chart's specification."""
    spec = drawable(spec)
    layers = [layer for layer in spec["layer"] if not layer.get("name", "").startswith(HOVER)]
    # Room for axes is left here: fitting it, and measuring letters in the font of a page, takes twice as long.
    room = {"width": width - 52, "height": spec["height"] - 34, "autosize": "pad"}
    config = {key: value for key, value in spec["config"].items() if key != "font"}
    shown = {
        **spec,
        **room,
        "config": config,
        "layer": layers,
    }
    return _without_nothing(_TAG.sub(_plain, draw(shown)))


def _plain(tag: re.Match[str]) -> str:
    """A tag without what nobody needs; names that stand between tags are left alone."""
    return _PLACE.sub(_shorter, _SPARE.sub("", tag[0]))


def _shorter(place: re.Match[str]) -> str:
    """Coordinates to a tenth of a pixel."""
    return place[1] + _LONG.sub(lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), place[2])


def _without_nothing(svg: str) -> str:
    """The picture without elements that draw nothing."""
    while (shorter := _NOTHING.sub("", svg)) != svg:
        svg = shorter
    return svg
