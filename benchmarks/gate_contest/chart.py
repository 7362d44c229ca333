"""The picture of the page: harm done by each rule in one scenario, as a multiple of what could be hoped for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rampgate.report.drawing import FONT, Canvas, drawn, svg_of
from rampgate.report.palette import COLOURS, GO, INK, MUTED, PAPER, ROLLBACK, themed_svg

KEEPS, FAILS = "keeps 5 % in every harmless scenario", "does not"
HEIGHT_OF_A_ROW, WIDTH = 19, 500


def draw(rules: Mapping[str, Any], keeping: Collection[str], unit: str, limits: Sequence[str]) -> str:
    """An SVG that stands alone and follows the reader's light or dark."""
    import altair as alt

    one = rules[unit]["harmed"]
    names = [name for name, own in rules.items() if name not in limits and own["harmed"] is not None]
    order = sorted(names, key=lambda name: (name not in keeping, rules[name]["harmed"]))
    rows = [_row(name, rules[name], one, name in keeping) for name in order]
    canvas = Canvas()
    table = canvas.on(rows)
    top = max(row["times"] for row in rows)
    x = alt.X(
        "times:Q",
        scale=alt.Scale(domain=[0, top * 1.25], nice=False),
        axis=alt.Axis(title=None, tickCount=6, labelExpr="replace(datum.label, '.0', '') + ' x'"),
    )
    y = alt.Y(
        "rule:N",
        sort=[_short(name) for name in order],
        axis=alt.Axis(title=None, grid=False, labelColor=INK.light, labelFontSize=11),
    )
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=[KEEPS, FAILS], range=[GO.light, ROLLBACK.light]),
        legend=alt.Legend(title=None, orient="top"),
    )
    rule = canvas.on([{"times": 1.0}])
    layers = [
        rule.mark_rule(color=MUTED.light, strokeDash=[4, 3]).encode(x=x),
        table.mark_point(filled=True, size=90, opacity=1).encode(
            x=x, y=y, color=colour, shape=alt.Shape("kind:N", scale=alt.Scale(domain=[KEEPS, FAILS],
            range=["circle", "diamond"]), legend=None),
        ),
        table.mark_text(align="left", dx=9, fontSize=11, color=MUTED.light).encode(x=x, y=y, text="words:N"),
    ]  # fmt: skip
    svg = themed_svg(svg_of(canvas.finished(layers, HEIGHT_OF_A_ROW * len(rows) + 34), WIDTH))
    return _alone(svg)


def _row(name: str, own: Mapping[str, Any], one: float, keeps: bool) -> dict[str, Any]:
    before, missed = own["before"], 1 - own["caught"]
    words = ", ".join(
        f"{100 * share:.0f} % {what}" for share, what in ((before, "fired before"), (missed, "missed")) if share > 0.05
    )
    return {
        "rule": _short(name),
        "times": drawn(own["harmed"] / one),
        "kind": KEEPS if keeps else FAILS,
        "words": words,
    }


def _short(name: str) -> str:
    """A name that leaves room: letters are wider in some fonts than in that which they were measured with."""
    return name.replace("asymptotic confidence sequence", "sequence").replace("candidate's limit", "limit")


def _alone(svg: str) -> str:
    """The picture with its colours, its letters and its own paper, for it cannot ask the page."""
    light, dark = (";".join(f"--{c.name}:{getattr(c, shade)}" for c in COLOURS) for shade in ("light", "dark"))
    style = (
        f"<style>svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"
        f"text{{font-family:{FONT.replace(chr(39), '')}}}</style>"
    )
    end = svg.index(">", svg.index("<svg")) + 1
    paper = f'<rect width="100%" height="100%" rx="6" fill="var(--{PAPER.name})"/>'
    return f"{svg[:end]}{style}{paper}{svg[end:]}\n"
