"""What the KPI's difference is made of, in a report: metrics, and the segment values where most of it lies."""

from __future__ import annotations

from collections.abc import Iterator

from rampgate.aggregate.marginals import OVERALL
from rampgate.estimate.decompose import Decomposition, Part, decompose
from rampgate.estimate.metric import KPI
from rampgate.report import pictures
from rampgate.report.blocks import Block, Table, Text
from rampgate.report.dossier import Dossier

#: Parts by segment value that are told; the others are one line.
MOST_PARTS = 6
#: Shares of a smaller difference, in the KPI's unit, would be shares of noise.
LEAST = 5e-4


def made_of(dossier: Dossier) -> Iterator[Block]:
    """The exact parts of the KPI's difference so far, or since it began where the KPI failed."""
    data = dossier.case.data
    failed = (c for c in dossier.decision.criteria if c.metric == KPI and c.group == OVERALL and c.verdict == "FAIL")
    since = next((c.onset for c in failed if c.onset is not None), None)
    begin = next((t for t, p in enumerate(data.periods) if since is not None and p.day.isoformat() >= since), 0)
    split = decompose(data.policy, data.run, data.groups, slice(begin, None))
    if split is None or len(split.metrics) < 2:
        return
    when = f"since {since}" if since is not None else "so far"
    yield Text(
        f"What the KPI's difference {when} is made of. The parts add up to it: of each metric, and within each segment "
        "column of what differs within its values and of how their mix differs between the versions (Kitagawa 1955).",
        "muted",
    )
    unit = pictures.unit_of(dossier.policy, KPI)
    heads = ("part", f"#{unit.name.strip() or 'difference'}", "#of the difference")
    by_size = sorted(split.metrics.items(), key=lambda item: -abs(item[1]))
    rows = [(pictures.title_of(name), unit.difference(amount), _share(split, amount)) for name, amount in by_size]
    yield Table.of(f"The KPI's difference {when} by metric", heads, [*rows, _total(dossier, split)])
    for column, parts in split.segments.items():
        yield Table.of(f"The same by {column}", heads, list(_segment_rows(dossier, split, parts)))


def _segment_rows(dossier: Dossier, split: Decomposition, parts: tuple[Part, ...]) -> Iterator[tuple[str, str, str]]:
    """The largest parts within values, the rest of these, the change of mix, and the sum."""
    unit = pictures.unit_of(dossier.policy, KPI)
    within = sorted((p for p in parts if p.kind == "within"), key=lambda p: -abs(p.amount))
    for part in within[:MOST_PARTS]:
        name = f"{pictures.title_of(part.metric)} in {part.group.value}"
        yield name, unit.difference(part.amount), _share(split, part.amount)
    rest = [p.amount for p in within[MOST_PARTS:]]
    if rest:
        yield f"{len(rest)} smaller ones", unit.difference(sum(rest)), _share(split, sum(rest))
    mix = sum(p.amount for p in parts if p.kind == "mix")
    yield "another mix of values", unit.difference(mix), _share(split, mix)
    yield _total(dossier, split)


def _total(dossier: Dossier, split: Decomposition) -> tuple[str, str, str]:
    unit = pictures.unit_of(dossier.policy, KPI)
    return "the KPI", unit.difference(split.difference), _share(split, split.difference)


def _share(split: Decomposition, amount: float) -> str:
    share = f"{100 * split.share(amount):.0f} %".replace("-", "−")
    return share if abs(split.difference) >= LEAST else "-"
