"""Parts of what a notebook shows: HTML that is legible on light and on dark, all text escaped, its styles its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from rampgate.report.words import printable

_FRAME = "font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;max-width:60em;color:inherit"
BADGE = "color:#fff;border-radius:4px;padding:1px 8px;font-weight:600;letter-spacing:.03em"
_TABLE = "border-collapse:collapse;margin:.6em 0;font-size:13px;color:inherit"
_CELL = "padding:2px 10px;border-bottom:1px solid rgba(128,128,128,.35)"
SOFT = "margin:.2em 0;opacity:.8"
LIST = "margin:.4em 0;padding-left:1.4em"


def framed(*parts: str) -> str:
    """A whole fragment."""
    return f'<div class="rampgate" style="{_FRAME}">{"".join(parts)}</div>'


def escaped(text: str) -> str:
    """Text from outside."""
    return escape(printable(text))


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int]) -> str:
    """A table of texts; the columns in ``numbers`` are aligned to the right."""
    right = set(numbers)
    side = ["right" if i in right else "left" for i in range(len(heads))]
    head = "".join(
        f'<th scope="col" style="{_CELL};text-align:{side[i]}">{escaped(title)}</th>' for i, title in enumerate(heads)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_CELL};text-align:{side[i]}">{escaped(cell)}</td>' for i, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    top = f'<caption style="text-align:left;font-weight:600;color:inherit">{escaped(caption)}</caption>'
    return f'<table style="{_TABLE}">{top}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def items(lines: Sequence[str]) -> str:
    """Sentences as a list; nothing without any."""
    return f'<ul style="{LIST}">{"".join(f"<li>{escaped(line)}</li>" for line in lines)}</ul>' if lines else ""


def figure(svg: str, caption: str) -> str:
    """A chart under its caption; nothing without one."""
    if not svg:
        return ""
    title = f'<figcaption style="font-weight:600">{escaped(caption)}</figcaption>'
    return f'<figure style="margin:.6em 0">{title}{svg}</figure>'
