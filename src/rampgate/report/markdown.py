"""A page as Markdown in GitHub's manner: the same words and tables, with rows of blocks for pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rampgate.report.blocks import (
    Block,
    Cell,
    Facts,
    Figure,
    Figures,
    Fold,
    Hero,
    Item,
    Items,
    Section,
    Spark,
    Table,
    Text,
)
from rampgate.report.spark import spark

#: Points of a row of blocks; longer rows are cut down evenly, the last point always shown.
MOST_POINTS = 60


def markdown(title: str, sections: Iterable[Section], hero: Hero | None = None) -> str:
    """The whole page as one Markdown text."""
    parts = [f"# {escaped(title)}", *(_hero(hero) if hero is not None else ())]
    for section in sorted(sections, key=lambda section: section.place):
        parts.append(f"## {escaped(section.title)}")
        parts += [text for block in section.blocks for text in _block(block)]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, whatever names it holds, on one line."""
    flat = " ".join(text.split())
    safe = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = re.sub(r"([\\`*_\[\]{}|#~$!])", r"\\\1", safe)
    safe = re.sub(r"^(\d*)([-+.)])(?=\s|$)", r"\1\\\2", safe)
    return re.sub(r"(?<=\S)@|^@|(?<=\s)@", "&#64;", re.sub(r"(https?|www)(?=[:.])", r"\1&#8203;", safe))


def blocks_of(row: Spark) -> str:
    """Numbers as a row of blocks between their least and greatest; nothing where none is known."""
    values = row.values
    if len(values) > MOST_POINTS:
        last = len(values) - 1
        values = tuple(values[round(i * last / (MOST_POINTS - 1))] for i in range(MOST_POINTS))
    return spark(values) if any(value is not None for value in values) else ""


def _hero(hero: Hero) -> Iterator[str]:
    yield f"## {hero.shape} {hero.word}: {escaped(hero.headline)}"
    yield escaped(hero.where)
    yield f"**{escaped(hero.because)}**"
    yield "\n".join(
        f"- {escaped(fact.name)}: **{escaped(fact.value)}**" + (f" ({escaped(fact.note)})" if fact.note else "")
        for fact in hero.facts
    )
    if hero.reasons:
        yield f"{hero.beside}:"
        yield "\n".join(_item(item) for item in hero.reasons)


def _item(item: Item) -> str:
    return f"- **{escaped(item.label)}**: {escaped(item.text)}" if item.label else f"- {escaped(item.text)}"


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield escaped(block.text)
    elif isinstance(block, Items):
        yield "\n".join(_item(item) for item in block.items)
    elif isinstance(block, Facts):
        lines = (
            (fact.name, f"`{fact.value}`" if fact.code else escaped(fact.value), fact.note) for fact in block.facts
        )
        yield "\n".join(
            f"- {escaped(name)}: {value}" + (f" ({escaped(note)})" if note else "") for name, value, note in lines
        )
    elif isinstance(block, Table):
        yield from _table(block)
    elif isinstance(block, Figure):
        yield from _figure(block)
    elif isinstance(block, Figures):
        for figure in block.figures:
            yield from _figure(figure)
    elif isinstance(block, Fold):
        yield f"### {escaped(block.title)}"
        for inner in block.blocks:
            yield from _block(inner)


def _figure(figure: Figure) -> Iterator[str]:
    yield f"### {escaped(figure.title)}"
    yield escaped(figure.finding)
    rows = [(s.label, blocks_of(s)) for s in figure.sparks]
    width = max((len(label) for label, _ in rows), default=0)
    drawn = "\n".join(f"    {' '.join(label.split()):<{width}}  {bars}".rstrip() for label, bars in rows if bars)
    if drawn:
        yield drawn
    if figure.table is not None:
        yield from _table(figure.table)


def _table(table: Table) -> Iterator[str]:
    yield f"*{escaped(table.caption)}*"
    head = [escaped(column.title) for column in table.columns]
    rule = ["---:" if column.numeric else "---" for column in table.columns]
    lines = [head, rule, *([_cell(cell) for cell in row] for row in table.rows)]
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell) -> str:
    return escaped(cell.text) + (f" ({escaped(cell.note)})" if cell.note else "")
