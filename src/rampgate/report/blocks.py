"""What a page is made of, before it is HTML or Markdown: plain values, so that both say the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    import altair as alt

#: What a word or cell means, told by colour and always by words or a shape too.
Tone = Literal["", "go", "hold", "rollback", "complete", "muted"]

#: Shapes of the decisions, the same as in the charts.
SHAPES = {"go": "▲", "hold": "●", "rollback": "✚", "complete": "■"}
TONES: dict[str, Tone] = {
    "PASS": "go",
    "FAIL": "rollback",
    "ERROR": "rollback",
    "NO_DATA": "hold",
    "INCONCLUSIVE": "muted",
    "go": "go",
    "hold": "hold",
    "rollback": "rollback",
    "complete": "complete",
}


@dataclass(frozen=True)
class Cell:
    """One cell of a table; ``note`` stands small below its text, ``heat`` shades it from -3 (worse) to 3."""

    text: str
    tone: Tone = ""
    note: str = ""
    heat: int = 0


@dataclass(frozen=True)
class Column:
    """A column's title and whether it holds numbers."""

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table whose first cell of each row names the row."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @classmethod
    def of(cls, caption: str, columns: Sequence[str], rows: Sequence[Sequence[str | Cell]]) -> Table:
        """A table from texts; a column whose title begins with ``#`` holds numbers."""
        heads = tuple(Column(title.removeprefix("#"), title.startswith("#")) for title in columns)
        return cls(caption, heads, tuple(tuple(c if isinstance(c, Cell) else Cell(c) for c in row) for row in rows))


@dataclass(frozen=True)
class Spark:
    """A row of numbers, for where no picture can be shown."""

    label: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Figure:
    """A picture with what it shows in words, and its numbers.

    Attributes
    ----------
    finding : what the picture shows, in a sentence; its text alternative
    draw : makes the chart, for who can show one; None when there is nothing to show yet, and ``finding`` says why
    wide : whether it takes the whole width
    """

    kind: ClassVar[str] = "figure"
    title: str
    finding: str
    draw: Callable[[], alt.LayerChart] | None
    table: Table | None = None
    sparks: tuple[Spark, ...] = ()
    wide: bool = False


@dataclass(frozen=True)
class Figures:
    """Small figures side by side."""

    kind: ClassVar[str] = "figures"
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Item:
    """A line of a list: a word that says what kind of line it is, and the line."""

    text: str
    label: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Items:
    """A list."""

    kind: ClassVar[str] = "items"
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Fact:
    """A named value; ``code`` for hashes and other text that is copied."""

    name: str
    value: str
    note: str = ""
    code: bool = False


@dataclass(frozen=True)
class Facts:
    """Named values."""

    kind: ClassVar[str] = "facts"
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Fold:
    """Blocks that are shown when asked for."""

    kind: ClassVar[str] = "fold"
    title: str
    blocks: tuple[Block, ...]


Block = Table | Figure | Figures | Text | Items | Facts | Fold


@dataclass(frozen=True)
class Section:
    """A part of a page under its own title; those with a smaller ``place`` are read first, whenever they are made."""

    title: str
    blocks: tuple[Block, ...]
    place: int = 0

    @property
    def id(self) -> str:
        """The title as the end of an address."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True)
class Hero:
    """What is understood in ten seconds: the word, what to do now, why, and the few numbers behind it.

    ``reasons`` stand below, under the title ``beside``.
    """

    word: str
    tone: Tone
    headline: str
    where: str
    because: str
    facts: tuple[Fact, ...]
    reasons: tuple[Item, ...]
    beside: str = "Further reasons"

    @property
    def shape(self) -> str:
        """The decision's shape."""
        return SHAPES.get(self.tone, "")


def figures_of(blocks: Sequence[Block]) -> list[Figure]:
    """Every figure among the blocks, in order."""
    found: list[Figure] = []
    for block in blocks:
        if isinstance(block, Figure):
            found.append(block)
        elif isinstance(block, Figures):
            found += block.figures
        elif isinstance(block, Fold):
            found += figures_of(block.blocks)
    return found
