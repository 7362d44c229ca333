"""One self-contained HTML page: nothing is fetched, and nothing but its own hashed script may run in it.

Pictures are drawn here and are what stands there without JavaScript and in print; the bundled Vega makes them answer
a pointer.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any

from rampgate.report.blocks import Figure, Hero, Section, figures_of
from rampgate.report.dossier import Dossier
from rampgate.report.drawing import NARROW, WIDE, Draw, live_spec, still, unvalidated
from rampgate.report.palette import properties, themed, themed_svg
from rampgate.report.pens import Here, Pen

BUNDLE = "vega.js.gz"


def page(dossier: Dossier, pen: Pen | None = None) -> str:
    """A rollout's report as HTML; the same ledger gives the same bytes."""
    from rampgate.report import sections

    return render(sections.title_of(dossier), sections.sections(dossier), partial(sections.hero, dossier), pen)


def render(
    title: str, sections: Iterable[Section], hero: Callable[[], Hero] | None = None, pen: Pen | None = None
) -> str:
    """Any page of sections, as one HTML text.

    Parameters
    ----------
    title : of the document, and its first heading where there is no ``hero``
    sections : all texts in them are escaped. Each is taken when the pictures of those before it are under way
    hero : the verdict that is understood in ten seconds; made last, while pictures are drawn
    pen : draws the pictures; this process when left out
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    room = Environment(
        loader=PackageLoader("rampgate.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    room.filters["dated"] = dated
    script = _asset("page.js")
    style = themes() + _asset("page.css")
    told, pictures, specs = _pictures(sections, pen or Here())
    return (
        room.get_template("page.html.j2")
        .render(
            title=title,
            hero=hero() if hero is not None else None,
            sections=told,
            style=_trusted(style),
            script=_trusted(script),
            vega=_base64(_packed()) if specs else None,
            specs=_base64(gzip.compress(_json(specs).encode(), mtime=0)) if specs else None,
            policy=f"default-src 'none'; script-src {_hashes([script, vega()] if specs else [script])}; "
            f"style-src {_hashes([style])}; img-src data:; base-uri 'none'; form-action 'none'",
            picture=lambda figure: pictures[id(figure)],
        )
        .lstrip()
    )


@dataclass(frozen=True)
class Picture:
    """A figure's drawings, ready to stand in a page, and the place of its specification among all."""

    wide: Any
    narrow: Any
    place: int


def _pictures(sections: Iterable[Section], pen: Pen) -> tuple[list[Section], dict[int, Picture], list[Any]]:
    """The sections as they are read, their pictures by the ``id`` of the figures, and the specifications of these."""
    told: list[Section] = []
    specs: list[Any] = []
    drawings: list[tuple[Figure, Future[Any] | None, Future[Any]]] = []
    for section in sections:
        told.append(section)
        for figure in figures_of(section.blocks):
            if figure.draw is None:
                continue
            with unvalidated():
                spec = live_spec(figure.draw())
            place = len(specs)
            specs.append(themed(spec))
            wide = pen.submit(partial(_still, spec, figure, f"w{place}", WIDE)) if figure.wide else None
            drawings.append((figure, wide, pen.submit(partial(_still, spec, figure, f"n{place}", NARROW))))
    pictures = {
        id(figure): Picture(wide and wide.result(), narrow.result(), place)
        for place, (figure, wide, narrow) in enumerate(drawings)
    }
    return sorted(told, key=lambda section: section.place), pictures, specs


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False, ensure_ascii=False)


def _still(spec: dict[str, Any], figure: Figure, prefix: str, width: int, draw: Draw) -> Any:
    """The drawn picture: colours follow the theme, ids are its own, and it says what it shows."""
    from markupsafe import escape

    svg = themed_svg(still(spec, width, draw))
    svg = re.sub(r'(\bid="|url\(#)', rf"\g<1>{prefix}-", svg)
    says = escape(f"{figure.title}. {figure.finding}")
    return _trusted(svg.replace("<svg ", f'<svg role="img" aria-label="{says}" ', 1))


def dated(text: str) -> Any:
    """A text whose dates and percentages are not broken between lines."""
    from markupsafe import escape

    whole = re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", str(escape(text)))
    return _trusted(re.sub(r"\b\d{4}-\d\d-\d\d\b", r"<time>\g<0></time>", whole))


def themes() -> str:
    """Both themes: the system's choice, unless the reader makes one; print is light."""
    dark, light = properties(dark=True), properties(dark=False)
    return (
        f":root {{ color-scheme: light; {light} }}\n"
        "@media screen {\n"
        f":root:has(#theme-dark:checked) {{ color-scheme: dark; {dark} }}\n"
        "@media (prefers-color-scheme: dark) {\n"
        f":root:not(:has(#theme-light:checked)) {{ color-scheme: dark; {dark} }}\n"
        "}\n}\n"
    )


def vega() -> str:
    """The bundled Vega, Vega-Lite and Vega-Embed (``make vega``)."""
    return gzip.decompress(_packed()).decode()


def _packed() -> bytes:
    return files("rampgate.report").joinpath(BUNDLE).read_bytes()


def _base64(data: bytes) -> Any:
    return _trusted(base64.b64encode(data).decode())


def _asset(name: str) -> str:
    return files("rampgate.report").joinpath("templates", name).read_text("utf-8")


def _hashes(texts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _trusted(text: str) -> Any:
    """Text of our own making, or already escaped, that goes into the page as it is."""
    from markupsafe import Markup

    return Markup(text)
