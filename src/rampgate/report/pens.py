"""Who draws the pictures: this process, or one beside it.

The drawing library lets nothing else run in its process and takes a third of a second to start. Where there is a second
core another process draws while this one reads the ledger and makes the next chart; more than one would only wait.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rampgate.report.drawing import VEGA_LITE, Draw, draw_here

T = TypeVar("T")


class Pen(Protocol):
    """Does jobs that draw, in the order in which they are given."""

    def submit(self, job: Callable[[Draw], T]) -> Future[T]:
        """Do a job, which is told what draws."""
        ...


class Here:
    """A pen in this process: a job is done when it is given."""

    def submit(self, job: Callable[[Draw], T]) -> Future[T]:
        """Do a job now."""
        done: Future[T] = Future()
        done.set_result(job(draw_here))
        return done


class Beside:
    """A pen in a process of its own, made ready at once. If that process fails, this one draws."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", str(Path(__file__).with_name("pen.py")), VEGA_LITE]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._hand = ThreadPoolExecutor(1)

    def submit(self, job: Callable[[Draw], T]) -> Future[T]:
        """Do a job when those before it are done."""
        return self._hand.submit(job, self._draw)

    def _draw(self, spec: dict[str, Any]) -> str:
        written, drawn = self._process.stdin, self._process.stdout
        assert written is not None
        assert drawn is not None
        try:
            written.write(json.dumps(spec).encode() + b"\n")
            written.flush()
            return str(json.loads(drawn.readline()))
        except (OSError, ValueError):
            return draw_here(spec)

    def close(self) -> None:
        """End the process."""
        self._hand.shutdown(cancel_futures=True)
        self._process.kill()
        self._process.communicate()


@contextmanager
def pen() -> Iterator[Pen]:
    """The pen that is the fastest here."""
    try:
        beside = Beside() if _cores() > 1 and sys.executable else None
    except OSError:
        beside = None
    if beside is None:
        yield Here()
        return
    try:
        yield beside
    finally:
        beside.close()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
