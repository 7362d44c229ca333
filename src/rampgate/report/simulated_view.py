"""A simulation in the terminal and in a notebook."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from rampgate.report.fragment import SOFT, escaped, framed, items, table
from rampgate.report.sheet import Column, Sheet
from rampgate.report.simulated import (
    COSTS,
    NOTE,
    ONSETS,
    STOPS,
    costs,
    finding,
    head,
    legend,
    passed_cells,
    passed_heads,
    share,
    stops,
)
from rampgate.report.spark import spark
from rampgate.report.terminal import indented
from rampgate.report.words import printable
from rampgate.simulation.splits import Splits
from rampgate.simulation.table import Simulation

#: Blocks of a line that shows the share stopped over the days.
BLOCKS = 28


def simulation_view(simulation: Simulation, quiet: bool = False) -> RenderableType:
    """The table, the share stopped by day as a line, and the advice; ``quiet`` keeps the finding and the advice."""
    first = Text(printable(f"{simulation.rollout}: {finding(simulation)}"), "bold")
    advice: list[RenderableType] = [Text("\nAdvice", "bold"), *(indented(line) for line in simulation.advice)]
    if quiet:
        return Group(first, *(advice if simulation.advice else []))
    parts: list[RenderableType] = [first, Text(printable(head(simulation)), "dim"), Text("")]
    every = simulation.scenarios
    parts += [Text("What the candidate is like", "bold"), _legend(simulation), Text(ONSETS, "dim"), Text("")]
    parts += [Text("When it stops, in days since the harm began", "bold"), _sheet(STOPS, [stops(one) for one in every])]
    parts += [Text("\nWhat it costs", "bold"), _sheet(COSTS, [costs(one) for one in every]), Text(f"\n{NOTE}", "dim")]
    parts.append(Text("\nShare that leaves each phase", "bold"))
    parts.append(_sheet(passed_heads(simulation), [passed_cells(one) for one in every]))
    parts.append(Text(f"\nShare stopped by day, to day {simulation.days}", "bold"))
    parts.append(_lines(simulation))
    parts += advice if simulation.advice else [Text("\nNothing in this policy has to be mended.", "bold")]
    return Group(*parts)


def _legend(simulation: Simulation) -> Sheet:
    """Each scenario in words; those that differ only in when harm begins share a line."""
    sheet = Sheet([Column("scenario", "word"), Column("the candidate", "name")])
    for names, says in legend(simulation):
        sheet.add(names, says)
    return sheet


def _sheet(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> Sheet:
    sheet = Sheet([Column(heads[0], "name"), *(Column(title) for title in heads[1:])])
    for row in rows:
        sheet.add(*row)
    return sheet


def _lines(simulation: Simulation) -> Sheet:
    sheet = Sheet([Column("scenario", "name"), Column("", "word"), Column("at the end")])
    for one in simulation.scenarios:
        looks = one.by_day[0]
        some = [looks[min(len(looks) - 1, (i + 1) * len(looks) // BLOCKS - 1)] for i in range(min(BLOCKS, len(looks)))]
        sheet.add(one.name, spark(some, 0.0, 1.0), share(one.stopped))
    return sheet


def notebook(simulation: Simulation) -> str:
    """The same as HTML."""
    every = simulation.scenarios
    tables = [
        ("When it stops, in days since the harm began", STOPS, [stops(one) for one in every]),
        ("What it costs", COSTS, [costs(one) for one in every]),
        ("Share that leaves each phase", passed_heads(simulation), [passed_cells(one) for one in every]),
    ]
    return framed(
        f"<p><b>{escaped(simulation.rollout)}</b>: {escaped(finding(simulation))}</p>",
        f'<p style="{SOFT}">{escaped(head(simulation))}</p>',
        items(simulation.advice),
        *(table(caption, heads, rows, numbers=range(1, len(heads))) for caption, heads, rows in tables),
        f'<p style="{SOFT}">{escaped(NOTE)}</p>',
    )


def longer(simulation: Simulation, seconds: float) -> RenderableType:
    """What more rollouts would add, and what they would cost here."""
    many = 10_000
    if simulation.rollouts >= many:
        return Text("")
    times = many / simulation.rollouts
    return Text(
        f"\n{seconds:.0f} seconds; --rollouts {many} makes the errors {times**0.5:.1f} times smaller and takes about "
        f"{max(1.0, seconds * times / 60):.0f} minutes here; --scenario NAME takes one scenario alone",
        "dim",
    )


def splits_view(found: Splits) -> RenderableType:
    """What the gate said of random splits of a history."""
    lines = [
        f"{found.splits:,} random splits of {found.days} days of the baseline's own history, seed {found.seed}: "
        "nothing differs in any of them",
        *found.supposed,
    ]
    sheet = Sheet([Column("of these splits", "name"), Column("share")])
    sheet.add("rolled back (false rollback)", share(found.false_rollback))
    sheet.add("held by a failed guardrail, floor or segment", share(found.false_hold))
    for index, figure in enumerate(found.passed, start=1):
        sheet.add(f"left phase {index}", share(figure))
    return Group(*(Text(printable(line)) for line in lines), Text(""), sheet)
