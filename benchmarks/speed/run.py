"""Whole processes, measured: seconds on the clock and of processors, and the most memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_MEASURED = Path(__file__).with_name("measured.py")


class Cost(NamedTuple):
    """What a process took; ``said`` is what it printed."""

    wall: float
    cpu: float
    mib: float
    said: str


def run(command: Sequence[str | Path], folder: Path | None = None) -> Cost:
    """Run a process to its end."""
    with tempfile.TemporaryDirectory() as name:
        took = Path(name) / "took.json"
        measured = [sys.executable, "-S", "-E", _MEASURED, took, *command]
        done = subprocess.run(
            [str(part) for part in measured], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
        )
        wall, cpu, mib, code = json.loads(took.read_text("utf-8"))
    if code:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {code}")
    return Cost(wall, cpu, mib, done.stdout)


def rounds(contenders: Mapping[str, Callable[[], Cost]], count: int) -> dict[str, list[Cost]]:
    """Every contender once in each round, so that what else the machine does meets all alike."""
    found: dict[str, list[Cost]] = {name: [] for name in contenders}
    for _ in range(count):
        for name, once in contenders.items():
            found[name].append(once())
    return found


def ratio(
    found: Mapping[str, Sequence[Cost]],
    over: str,
    under: str,
    less: tuple[str, str] | None = None,
    *,
    cpu: bool = False,
) -> float:
    """The median over rounds of one contender's time by another's, less what each takes to start."""

    def times(name: str) -> list[float]:
        return [cost.cpu if cpu else cost.wall for cost in found[name]]

    tops, bottoms = times(over), times(under)
    if less is not None:
        tops = [t - s for t, s in zip(tops, times(less[0]), strict=True)]
        bottoms = [t - s for t, s in zip(bottoms, times(less[1]), strict=True)]
    return statistics.median(top / bottom for top, bottom in zip(tops, bottoms, strict=True))


def memory(found: Mapping[str, Sequence[Cost]], over: str, under: str) -> float:
    """The same of the most memory."""
    pairs = zip(found[over], found[under], strict=True)
    return statistics.median(top.mib / bottom.mib for top, bottom in pairs)


def table(found: Mapping[str, Sequence[Cost]]) -> str:
    """Medians, a line for each contender."""
    lines = [f"{'':34} {'clock':>8} {'processor':>10} {'memory':>9}"]
    for name, costs in found.items():
        wall, cpu, mib = (statistics.median(getattr(cost, key) for cost in costs) for key in ("wall", "cpu", "mib"))
        lines.append(f"{name:34} {wall:6.2f} s {cpu:8.2f} s {mib:5.0f} MiB")
    return "\n".join(lines)
