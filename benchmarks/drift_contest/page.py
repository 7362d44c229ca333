"""The tables of docs/drift-contest.md, from the results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "drift-contest.md"
Rows = Mapping[str, Mapping[str, Any]]


def write(found: Mapping[str, Rows]) -> None:
    """Put the tables between their marks."""
    text = PAGE.read_text("utf-8")
    for name, table in (("nab", nab_table), ("tcpd", tcpd_table)):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        head, rest = text.split(begin)
        _, tail = rest.split(end)
        text = f"{head}{begin}\n{chr(10).join(table(found[name]))}\n\n{end}{tail}"
    PAGE.write_text(text, "utf-8")


def nab_table(rows: Rows) -> Iterator[str]:
    """Recall in windows, alarms outside, F1 and delay."""
    yield "| detector | parameter | false alarms in 1,000 quiet steps | windows found | alarms outside | F1 | delay |"
    yield "|---|---|---|---|---|---|---|"
    for name, row in sorted(rows.items(), key=lambda item: -item[1]["f1"]):
        delay = "seen whole" if "whole" in name else f"{row['delay']:.2f}"
        yield (
            f"| {name} | {row['parameter']} | {1000 * row['false_rate']:.2f} | {row['hit']} of {row['windows']} | "
            f"{row['outside']} | {row['f1']:.2f} | {delay} |"
        )


def tcpd_table(rows: Rows) -> Iterator[str]:
    """F1 with margin 5 by data set, and on average."""
    datasets = [*next(iter(rows.values()))["f1"]]
    yield f"| detector | parameter | false alarms in 1,000 quiet steps | mean F1 | {' | '.join(datasets)} |"
    yield f"|---|---|---|---{'|---' * len(datasets)}|"
    for name, row in sorted(rows.items(), key=lambda item: -_mean(item[1])):
        values = " | ".join(f"{row['f1'][one]:.2f}" for one in datasets)
        yield f"| {name} | {row['parameter']} | {1000 * row['false_rate']:.2f} | {_mean(row):.3f} | {values} |"


def _mean(row: Mapping[str, Any]) -> float:
    return float(sum(row["f1"].values()) / len(row["f1"]))
