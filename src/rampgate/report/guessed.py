"""What was guessed of a table, for people: each guess with its reason and the option that changes it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rampgate.guess import Guess, Note
from rampgate.report.terminal import indented

#: Columns left out that are named.
_MOST = 8


def notes_table(notes: tuple[Note, ...]) -> Table:
    """One line a note: what, its value, why."""
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=26)
    table.add_column(overflow="fold", style="dim")
    for note in notes:
        guessed = note.flag if note.guessed else "given"
        why = "" if note.why == "as given" else note.why
        table.add_row(note.role.replace("_", " "), Text(note.value, "bold"), Text(_joined(why, guessed)))
    return table


def _joined(why: str, flag: str) -> str:
    return f"{why} ({flag})" if why and flag else why or flag


def guess_view(guess: Guess, path: Path, notes: bool = True) -> RenderableType:
    """The guesses, what ``validate`` says of the file, and the next step."""
    from rampgate.report.sentences import validation  # loads the ledger's room, which a comparison does not need

    parts: list[RenderableType] = [Text(f"wrote {path}", "bold green")]
    if notes:
        parts.append(notes_table(guess.notes))
    if guess.left_out:
        names = ", ".join(name for name, _ in guess.left_out[:_MOST])
        more = f" and {len(guess.left_out) - _MOST} more" if len(guess.left_out) > _MOST else ""
        parts.append(Text(f"not used: {names}{more}; the file says why", "dim"))
    found = validation(path)
    if found["problems"]:
        parts.append(Text("every look at this source would hold:", "bold red"))
        parts += [indented(problem) for problem in found["problems"]]
    parts.append(Text(f"\nread it, then: rampgate validate {path}"))
    return Group(*parts)
