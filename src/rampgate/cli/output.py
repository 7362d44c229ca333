"""What commands print, how it survives a closed pipe, and what is shown meanwhile."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.status import Status

    from rampgate.judge.decision import Decision

#: Seconds before a command says what it is at.
PATIENCE = 0.7


def print_decision(decision: Decision, as_json: bool, quiet: bool = False) -> None:
    """One decision, as JSON or for people; ``quiet`` keeps the verdict alone."""
    try:
        if as_json:
            print_json(decision.to_dict())
        else:
            from rampgate.report.terminal import decision_view, verdict_line

            print_view(verdict_line(decision) if quiet else decision_view(decision))
        sys.stdout.flush()
    except (OSError, SystemExit):  # rich ends the program when a pipe is closed
        # The decision stands, and its exit code with it, whoever stopped reading.
        sys.stderr.write("could not print the decision: the output was closed\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(value: object) -> None:
    """Exactly one JSON value on standard output."""
    typer.echo(json.dumps(value, allow_nan=False))


def print_view(view: RenderableType) -> None:
    """Something for people on standard output; what goes to a file or a pipe has no blanks at the ends of its lines."""
    from rampgate.report.terminal import console

    screen = console()
    if screen.is_terminal:
        screen.print(view)
        return
    with screen.capture() as got:
        screen.print(view)
    screen.out("\n".join(line.rstrip(" ") for line in got.get().split("\n")), end="", highlight=False)


@contextmanager
def progress(text: str, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Say on standard error what a command is at, once it has taken a while; nothing stays on the screen.

    Only a terminal is told; a pipe, a log or a terminal that cannot move its cursor never is.

    Yields
    ------
    A function that replaces the text.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM", "") in ("dumb", "unknown"):
        yield lambda _: None
        return
    shown = _Progress(text)
    try:
        yield shown.say
    finally:
        shown.close()


class _Progress:
    """A line with a spinner that appears when it has been waited for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lock = threading.Lock()
        self.status: Status | None = None
        self.timer: threading.Timer | None = threading.Timer(PATIENCE, self._show)
        self.timer.daemon = True
        self.timer.start()

    def say(self, text: str) -> None:
        with self.lock:
            self.text = text
            if self.status is not None:
                self.status.update(text)

    def _show(self) -> None:
        from rich.status import Status

        from rampgate.report.terminal import console

        with self.lock:
            if self.timer is None:
                return
            screen = console(stderr=True)
            plain = screen.options.ascii_only
            self.status = Status(self.text, console=screen, spinner="line" if plain else "dots")
            self.status.start()

    def close(self) -> None:
        with self.lock:
            if self.timer is not None:
                self.timer.cancel()
            self.timer = None
            if self.status is not None:
                self.status.stop()
