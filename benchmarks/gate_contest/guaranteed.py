"""Whether what gets nearer to the limits would keep the guarantees: proportions of ``make guarantees`` with it.

    python -m benchmarks.gate_contest.guaranteed

Prints, for each change of the judge, how many cells with a budget are above it by more than two Monte-Carlo errors, the
largest share, and the largest and the mean over the cells of the gate's own. Nothing of ``make guarantees`` is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import date
from typing import Any
from unittest.mock import patch

import numpy as np
from benchmarks.gate_contest.nearer import binomials
from benchmarks.gate_contest.tried import PRIORS
from benchmarks.guarantees.__main__ import run
from benchmarks.guarantees.cells import cells
from benchmarks.guarantees.page import above

from rampgate.aggregate.moments import Floats
from rampgate.estimate import interval
from rampgate.estimate.contrast import Contrast, Proportions

PLAIN = interval._gain_and_cost


def _with_binomials(contrast: Contrast, margin: float, bets: Floats, direction: int) -> tuple[Floats, Floats]:
    """The gate's gain, and the cost of two binomials where it applies."""
    gain, cost = PLAIN(contrast, margin, bets, direction)
    if not isinstance(contrast, Proportions) or contrast.ratio != 1.0 or direction < 0:
        return gain, cost
    bad = contrast
    if contrast.sign < 0:
        bad = replace(contrast, y_c=contrast.n_c - contrast.y_c, y_b=contrast.n_b - contrast.y_b, sign=1)
    both = contrast.weight[..., None] > 0
    return gain, np.where(both, binomials(bad, margin, bets), 0.0)


def _daily(days: list[date], *_: Any) -> Floats:
    return PRIORS["open-ended, daily"](len(days))


def _even(days: list[date], *_: Any) -> Floats:
    return PRIORS["horizon, daily"](len(days))


@contextmanager
def changed(binomial: bool, prior: Any) -> Iterator[None]:
    """The judge with other increments or another prior."""
    with (
        patch.object(interval, "_gain_and_cost", _with_binomials) if binomial else nullcontext(),
        patch("benchmarks.guarantees.world.onset_prior", prior) if prior is not None else nullcontext(),
    ):
        yield


CHANGES: dict[str, tuple[bool, Any]] = {
    "the gate": (False, None),
    "a horizon of twelve weeks": (False, _even),
    "onsets daily": (False, _daily),
    "two binomials": (True, None),
    "two binomials, onsets daily": (True, _daily),
}


def main() -> None:
    """Print the table."""
    chosen = [cell for cell in cells() if cell.section.startswith("Proportions") and cell.budget is not None]
    print("| change | cells | above | largest share | mean share |")
    print("|---|--:|--:|--:|--:|")
    for name, how in CHANGES.items():
        with changed(*how):
            found = [(cell, run(cell)) for cell in chosen]
        shares = [result["share"] for _, result in found]
        beyond = sum(above(cell, result) for cell, result in found)
        print(f"| {name} | {len(found)} | {beyond} | {max(shares):.1%} | {np.mean(shares):.2%} |", flush=True)


if __name__ == "__main__":
    main()
