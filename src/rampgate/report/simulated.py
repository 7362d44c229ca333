"""A simulation told: the same cells for the terminal, the page and the notebook."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rampgate.report.blocks import Block, Item, Items, Section, Table, Text
from rampgate.report.blocks import Figure as Picture
from rampgate.report.words import ABSENT, percent
from rampgate.save import save
from rampgate.simulation.scenario import FROM_THE_START
from rampgate.simulation.table import Figure, Outcome, Simulation

if TYPE_CHECKING:
    import altair as alt

STOPS = ("scenario", "false rollback", "missed", "days, half", "days, 90 %")
COSTS = ("scenario", "bad outcomes", "on hold", "weeks to the last phase")
ONSETS = "-start: from the first day on; -day: from a day drawn at random"
NOTE = (
    "After the sign ± stands the Monte-Carlo standard error. Missed: harm beyond the bound that was not rolled back "
    "(of a guardrail: neither rolled back nor held). Days: until half, and 90 %, of the rollouts are rolled back, "
    "which a guardrail alone never does. Bad outcomes: extra ones per rollout until the rollback or the horizon, and "
    "of these while a failed criterion held it."
)


def share(figure: Figure) -> str:
    """A share with its error: ``0.4±0.3 %``."""
    if figure.estimate is None or figure.error is None:
        return ABSENT
    return f"{100 * figure.estimate:.1f}±{100 * figure.error:.1f} %"


def count(figure: Figure, digits: int = 0) -> str:
    """A number with its error: ``110±2``."""
    if figure.estimate is None:
        return ABSENT
    error = "" if figure.error is None else f"±{figure.error:,.{digits}f}"
    return f"{figure.estimate:,.{digits}f}{error}"


def weeks(one: Outcome) -> str:
    """Median weeks until the last phase begins."""
    half = one.days_to_full[0]
    if half.estimate is None:
        return "never"
    return count(Figure(half.estimate / 7.0, None if half.error is None else half.error / 7.0), 1)


def stops(one: Outcome) -> tuple[str, ...]:
    """A scenario's row under `STOPS`: days since the harm began, within which so many are rolled back."""
    waits = one.days_to_rollback
    told = [ABSENT if one.missed.estimate is None else "never" if f.estimate is None else count(f) for f in waits]
    return (one.name, share(one.false_rollback), share(one.missed), *told)


def costs(one: Outcome) -> tuple[str, ...]:
    """A scenario's row under `COSTS`."""
    return (one.name, count(one.harmed), count(one.harmed_on_hold), weeks(one))


def passed_heads(simulation: Simulation) -> tuple[str, ...]:
    """The columns of the shares that leave each phase."""
    phases = (f"{index}: {percent(t)}" for index, t in enumerate(simulation.traffic, start=1))
    return ("scenario", *phases)


def passed_cells(one: Outcome) -> tuple[str, ...]:
    """A scenario's row under `passed_heads`."""
    return (one.name, *(share(figure) for figure in one.passed))


def legend(simulation: Simulation) -> list[tuple[str, str]]:
    """What each scenario is; the same harm from the first day on and from a random one stands in one line.

    `ONSETS` says which is which.
    """
    out: list[tuple[str, str]] = []
    pairs = {one.name: one.says for one in simulation.scenarios}
    for name, says in pairs.items():
        stem, _, when = name.rpartition("-")
        both = f"{stem}-start" in pairs and f"{stem}-day" in pairs
        if both and when == "day":
            continue
        if both and when == "start":
            name, says = f"{stem}-...", says.removesuffix(FROM_THE_START)
        out.append((name, says))
    return out


def head(simulation: Simulation) -> str:
    """How it was made."""
    return (
        f"{simulation.rollouts:,} rollouts of each of {len(simulation.scenarios)} scenarios, seed {simulation.seed}; "
        + "; ".join(simulation.supposed)
    )


def finding(simulation: Simulation) -> str:
    """The first thing to know, in a sentence."""
    first = simulation.scenarios[0]
    if first.name != "harmless":
        return f"{first.says}: stopped in {share(first.stopped)} of rollouts"
    reaches = first.passed[-2] if len(first.passed) > 1 else first.passed[-1]
    when = f", half of all within {weeks(first)} weeks" if first.days_to_full[0].estimate is not None else ""
    return (
        f"a harmless candidate is rolled back in {share(first.false_rollback)} of rollouts and reaches the last phase "
        f"in {share(reaches)}{when}"
    )


def section(simulation: Simulation) -> Section:
    """The part of a page that tells a simulation."""
    blocks: list[Block] = [Text(f"Simulated before launch: {finding(simulation)}."), Text(head(simulation), "muted")]
    if simulation.advice:
        blocks.append(Items(tuple(Item(line, "advice", "hold") for line in simulation.advice)))
    every = simulation.scenarios
    says = Table.of("What the scenarios are", ["scenario", "the candidate"], [(one.name, one.says) for one in every])
    tables = [
        _table("When it stops, in days since the harm began", STOPS, [stops(one) for one in every]),
        _table("What it costs", COSTS, [costs(one) for one in every]),
        _table("Share that leaves each phase", passed_heads(simulation), [passed_cells(one) for one in every]),
    ]
    found, draw = finding(simulation), partial(_draw, simulation)
    blocks += [Picture("Share of rollouts stopped, by day", found, draw, says, (), True), *tables, Text(NOTE, "muted")]
    return Section("What this policy does", tuple(blocks))


def _table(caption: str, heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    return Table.of(caption, [heads[0], *(f"#{title}" for title in heads[1:])], rows)


def write_simulation(simulation: Simulation, out: Path) -> None:
    """Write a simulation as a page of its own, ``.html`` or ``.md``."""
    title = f"{simulation.rollout}: what its policy does"
    if out.suffix == ".md":
        from rampgate.report.markdown import markdown

        text = markdown(title, (section(simulation),), None)
    else:
        from rampgate.report.page import render

        text = render(title, (section(simulation),))
    save(text, out, force=True)


def _draw(simulation: Simulation) -> alt.LayerChart:
    from rampgate.report.simulated_chart import stopped_chart

    return stopped_chart(simulation)
