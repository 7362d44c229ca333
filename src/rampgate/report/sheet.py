"""Tables for any width: names wrap, numbers never do, and where they do not fit side by side they stand below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rampgate.report.words import printable

#: Columns between two cells.
GAP = 2
#: How far what belongs to a name stands in.
INDENT = 2
#: Below this a wrapped name is harder to read than a row of its own.
NARROWEST = 10


@dataclass(frozen=True)
class Column:
    """A column: a ``name`` may wrap; a ``word`` or a ``number`` (aligned to the right) may not.

    ``full`` is the title where there is room for it.
    """

    title: str
    kind: Literal["name", "word", "number"] = "number"
    full: str = ""


@dataclass
class Sheet:
    """Rows of cells under columns; the first column heads the row where it becomes a paragraph."""

    columns: Sequence[Column]
    rows: list[list[Text]] = field(default_factory=list)

    def add(self, *cells: str | Text) -> None:
        """Add a row, shorter ones are filled up with nothing."""
        row = [cell if isinstance(cell, Text) else Text(printable(cell)) for cell in cells]
        self.rows.append(row + [Text("")] * (len(self.columns) - len(row)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = self._widths(options.max_width)
        if widths is None:
            yield from self._paragraphs(options.max_width)
        else:
            yield self._table(widths)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(NARROWEST, options.max_width), options.max_width)

    def _widths(self, room: int) -> list[int] | None:
        """The width of each column; None where they do not fit side by side."""
        natural = [
            max([len(column.title), *(row[i].cell_len for row in self.rows)]) for i, column in enumerate(self.columns)
        ]
        wrapping = [i for i, column in enumerate(self.columns) if column.kind == "name"]
        left = room - GAP * (len(natural) - 1) - sum(w for i, w in enumerate(natural) if i not in wrapping)
        # The shortest names first: what they do not need is left for the others.
        for place, i in enumerate(sorted(wrapping, key=lambda i: natural[i])):
            share = left // (len(wrapping) - place)
            if share < min(NARROWEST, natural[i]):
                return None
            natural[i] = min(natural[i], share)
            left -= natural[i]
        return natural if left >= 0 else None

    def _table(self, widths: list[int]) -> Table:
        table = Table(box=None, padding=(0, 1), pad_edge=False)
        for column, width in zip(self.columns, widths, strict=True):
            fixed = column.kind != "name"
            table.add_column(
                Text(column.title),
                justify="right" if column.kind == "number" else "left",
                no_wrap=fixed,
                overflow="fold",
                width=width,
            )
        for row in self.rows:
            table.add_row(*row)
        return table

    def _paragraphs(self, room: int) -> Iterator[RenderableType]:
        """Each row as its first cell and, below, every other one with its title."""
        for row in self.rows:
            yield row[0]
            pairs = [
                Text.assemble(f"{column.full or column.title} ", cell)
                for column, cell in zip(self.columns[1:], row[1:], strict=True)
                if cell.plain
            ]
            for line in _packed(pairs, room - INDENT):
                yield Padding(line, (0, 0, 0, INDENT), expand=False)


def _packed(pairs: Sequence[Text], room: int) -> Iterator[Text]:
    """As many pairs on a line as fit; a pair is torn apart only where it is longer than a line."""
    line: Text | None = None
    for i, pair in enumerate(pairs):
        piece = pair if i == len(pairs) - 1 else Text.assemble(pair, ",")
        if line is not None and line.cell_len + 1 + piece.cell_len <= room:
            line = Text.assemble(line, " ", piece)
            continue
        if line is not None:
            yield line
        line = piece
    if line is not None:
        yield line
