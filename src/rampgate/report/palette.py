"""The colours of pages and charts, each once for light and once for dark.

Charts are drawn in the light colours, so they look right wherever a chart is shown. A page replaces each by a CSS
custom property of its name; that is how a picture follows the theme without being drawn again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Colour:
    """A colour by what it is for; ``light`` also stands for it in charts, so no two share one."""

    name: str
    light: str
    dark: str


INK = Colour("ink", "#1b1f24", "#e9e7e3")
MUTED = Colour("muted", "#555e69", "#a7b0ba")
GRID = Colour("grid", "#e3e6ea", "#2c3239")
LINE = Colour("line", "#c3c9d0", "#454d57")
PAPER = Colour("paper", "#fffefe", "#14171b")
PANEL = Colour("panel", "#f4f5f7", "#1d2126")
BASELINE = Colour("baseline", "#68727e", "#a0abb8")
CANDIDATE = Colour("candidate", "#1a5fb4", "#82b4ff")
GO = Colour("go", "#14703d", "#5fce90")
HOLD = Colour("hold", "#8a5300", "#f2b84b")
ROLLBACK = Colour("rollback", "#b3241d", "#ff8c82")
COMPLETE = Colour("complete", "#0a6872", "#62d2dd")
GO_WASH = Colour("go-wash", "#e2f3e8", "#15301f")
HOLD_WASH = Colour("hold-wash", "#fbefd9", "#35280f")
ROLLBACK_WASH = Colour("rollback-wash", "#fbe6e4", "#3c1a18")
COMPLETE_WASH = Colour("complete-wash", "#def1f3", "#10302f")

COLOURS = (
    INK, MUTED, GRID, LINE, PAPER, PANEL, BASELINE, CANDIDATE, GO, HOLD, ROLLBACK, COMPLETE,
    GO_WASH, HOLD_WASH, ROLLBACK_WASH, COMPLETE_WASH,
)  # fmt: skip

_BY_LIGHT = {colour.light: f"var(--{colour.name})" for colour in COLOURS}
_PAINT = re.compile(rf'(?<= )(fill|stroke)="({"|".join(_BY_LIGHT)})"')
#: Parts of a chart that hold data, which may say anything.
_DATA = {"datasets", "domain", "sort"}


def themed_svg(svg: str) -> str:
    """A drawn chart in which every colour is the custom property of a page."""
    return _PAINT.sub(lambda found: f'{found[1]}="{_BY_LIGHT[found[2]]}"', svg)


def themed(spec: Any) -> Any:
    """A chart's specification in which every colour is the custom property of a page."""
    if isinstance(spec, dict):
        return {key: value if key in _DATA else themed(value) for key, value in spec.items()}
    if isinstance(spec, list):
        return [themed(value) for value in spec]
    return _BY_LIGHT.get(spec, spec) if isinstance(spec, str) else spec


def properties(dark: bool) -> str:
    """The custom properties of a theme, as CSS declarations."""
    return " ".join(f"--{c.name}: {c.dark if dark else c.light};" for c in COLOURS)
