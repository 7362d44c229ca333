"""A comparison as a page: the answer first, then what it rests on. The same blocks as a rollout's report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rampgate.comparison.values import BETTER, NOT_COMPARED, NOT_SHOWN, WORSE, Compared, Comparison
from rampgate.judge.decision import Estimate
from rampgate.report import charts
from rampgate.report.blocks import (
    Block,
    Cell,
    Fact,
    Figure,
    Figures,
    Fold,
    Hero,
    Item,
    Items,
    Section,
    Table,
    Text,
    Tone,
)
from rampgate.report.pens import pen
from rampgate.report.pictures import title_of, unit_of, weekly_figure
from rampgate.report.words import percent
from rampgate.report.write import check_ending
from rampgate.save import save

TONES: dict[str, Tone] = {WORSE: "rollback", BETTER: "go", NOT_SHOWN: "complete", NOT_COMPARED: "hold"}
#: Metrics with a picture by week, segment values in a picture, and rows in a table.
MOST_METRICS, MOST_SEGMENTS, MOST_ROWS = 6, 12, 40


def write_comparison(found: Comparison, out: Path) -> None:
    """Write a comparison as the ending of its name says: ``.html`` or ``.md``."""
    check_ending(out)
    title = f"{found.candidate} against {found.baseline}"
    if out.suffix == ".md":
        from rampgate.report.markdown import markdown

        text = markdown(title, sections(found), hero(found))
    else:
        from rampgate.report.page import render

        with pen() as drawing:
            text = render(title, sections(found), partial(hero, found), drawing)
    save(text, out, force=True)


def hero(found: Comparison) -> Hero:
    """The answer, and the few numbers behind it."""
    span = found.span
    where = (
        f"{found.source}: {found.candidate} against {found.baseline}, {span.start} to {span.last_day}, "
        f"{span.shared_days} of {span.days} days with both."
    )
    facts = [_fact(found, row) for row in found.metrics[:2]]
    facts.append(Fact("Units, baseline / candidate", f"{span.baseline.units:,} / {span.candidate.units:,}", "in all"))
    shared = f"{span.baseline.shared:,} / {span.candidate.shared:,}"
    facts.append(Fact("On days that both have", shared, "only these are compared"))
    reasons = tuple(Item(w.message, w.code.replace("_", " "), "hold") for w in found.warnings)
    because = " ".join(f"{line}." for line in found.details[:1])
    tone, headline = TONES[found.verdict], f"{found.headline}."
    return Hero(found.verdict.upper(), tone, headline, where, because, tuple(facts), reasons, "Beware")


def _fact(found: Comparison, row: Compared) -> Fact:
    e, unit = row.estimate, unit_of(found.policy, row.estimate.name)
    name = f"{title_of(e.name)}, candidate − baseline"
    if e.difference is None:
        return Fact(name, "not compared", "")
    value = f"{unit.difference(e.difference)}{unit.name}"
    return Fact(name, value, f"{percent(round(e.level, 4))} interval {unit.interval(e.lower, e.upper)}")


def sections(found: Comparison) -> tuple[Section, ...]:
    """Every part after the answer."""
    return (
        Section("What was found", tuple(_found(found))),
        Section("Week by week", tuple(_weeks(found))),
        Section("Segments", tuple(_segments(found))),
        Section("Rows", tuple(_rows(found))),
        Section("How the columns were understood", tuple(_notes(found))),
        Section("What the table cannot say", (Items(tuple(Item(f"{line}.") for line in found.limits)),)),
    )


def _found(found: Comparison) -> Iterator[Block]:
    if found.details[1:]:
        yield Items(tuple(Item(f"{line}.") for line in found.details[1:]))
    caption = "Both versions on the same days" if found.span.shared_days else "Plain values of each version"
    yield _table(found, caption, found.metrics)
    if found.family.size:
        yield Text(
            f"All {found.family.size} intervals hold together with 95 %, however often they are looked at.", "muted"
        )
    if found.span.shared_days:
        yield Items(tuple(Item(f"{row.sentence}.", row.verdict, TONES[row.verdict]) for row in found.metrics))


def _table(found: Comparison, caption: str, rows: Sequence[Compared]) -> Table:
    def line(row: Compared) -> tuple[str | Cell, ...]:
        e, unit = row.estimate, unit_of(found.policy, row.estimate.name)
        name = title_of(e.name) if e.group.column is None else f"{title_of(e.name)}, {e.group}"
        return (
            name,
            unit.level(e.baseline),
            unit.level(e.candidate),
            f"{unit.difference(e.difference)}{unit.name}" if e.difference is not None else "-",
            unit.interval(e.lower, e.upper),
            "{:,} / {:,}".format(*(row.units if found.span.shared_days else (e.n_baseline, e.n_candidate))),
            Cell(row.verdict, TONES[row.verdict]),
        )

    units = "#units compared" if found.span.shared_days else "#units"
    heads = ("metric", f"#{found.baseline}", f"#{found.candidate}", "#difference", "#interval", units, "verdict")
    return Table.of(caption, heads, [line(row) for row in rows])


def _weeks(found: Comparison) -> Iterator[Block]:
    windows = [week.window for week in found.weeks]
    arms, names = (found.baseline, found.candidate), [row.estimate.name for row in found.metrics]
    why = "" if found.span.shared_days else "the two never ran on the same day"
    figures = [
        weekly_figure(windows, name, arms, unit_of(found.policy, name), wide=place == 0, why=why)
        for place, name in enumerate(names[: MOST_METRICS + 1])
    ]
    yield figures[0]
    if windows:
        yield Text(
            "The band is the interval of the difference, drawn around the baseline; each holds for its own window. "
            "A hollow point: a partial window.",
            "muted",
        )
    if figures[1:]:
        yield Figures(tuple(figures[1:]))


def _segments(found: Comparison) -> Iterator[Block]:
    rows = [row for row in found.segments.rows if row.verdict != NOT_COMPARED]
    if not rows:
        yield Text("No column was compared by, or no value of one has enough units in both versions.")
        return
    family = found.segments.family
    yield Text(
        f"Each of {family.size} comparisons is held to {percent(round(family.level, 6))}, since the worst of many is "
        "bad by chance. Strongest evidence of harm first.",
        "muted",
    )
    columns = list(dict.fromkeys(str(row.estimate.group.column) for row in rows))
    names = list(dict.fromkeys(row.estimate.name for row in rows if row.verdict in (WORSE, BETTER)))
    shown = names or [rows[0].estimate.name]
    yield from (_forest(found, column, name, rows) for column in columns for name in shown[:2])
    table = _table(found, "Segments", rows[:MOST_ROWS])
    yield table if len(rows) <= MOST_SEGMENTS else Fold(f"{len(table.rows)} of {len(rows)} comparisons", (table,))
    if found.segments.too_small:
        few = found.segments.minimum_units
        yield Text(
            f"Too little data (fewer than {few} units in an arm): {', '.join(found.segments.too_small)}.", "muted"
        )


def _forest(found: Comparison, column: str, name: str, rows: Sequence[Compared]) -> Figure:
    """One metric in the values of one column."""
    mine = [row for row in rows if (row.estimate.name, row.estimate.group.column) == (name, column)]
    title = f"{title_of(name)} by {column}"
    if not mine:
        return Figure(title, f"Nothing to show, because no value of {column} has enough units.", None)
    drawn: list[Estimate] = [row.estimate for row in mine[:MOST_SEGMENTS]]
    worse = [str(row.estimate.group.value) for row in mine if row.verdict == WORSE]
    finding = f"Worse in {', '.join(worse)}." if worse else "Worse in none, as far as this many units can show."
    failed = frozenset(str(row.estimate.group) for row in mine if row.verdict == WORSE)
    draw = partial(charts.forest, drawn, unit_of(found.policy, name), (), failed)
    return Figure(title, finding, draw, wide=True)


def _rows(found: Comparison) -> Iterator[Block]:
    intake = found.intake
    others = ", ".join(f"{name} ({n:,})" for name, n in intake.other_variants)
    counts = (
        ("rows read", intake.rows, ""),
        ("compared", intake.used, ""),
        ("before the span", intake.history, ""),
        ("after it", intake.after_as_of, ""),
        ("without a unit, time or variant", intake.null_unit + intake.null_time + intake.null_variant, ""),
        ("of other versions, left out", sum(n for _, n in intake.other_variants), others),
        ("repeating a unit", intake.duplicate_units, intake.duplicate_example or ""),
        *((f"values of {name} that are not of its kind", n, f"such as {text}") for name, n, text in intake.malformed),
    )
    heads = ("rows", "#count", "note")
    yield Table.of("What became of the rows", heads, [(what, f"{n:,}", note) for what, n, note in counts])


def _notes(found: Comparison) -> Iterator[Block]:
    if not found.notes:
        yield Text("The policy says what each column is.")
        return
    rows = [(n.role.replace("_", " "), n.value, n.why, n.flag if n.guessed else "given") for n in found.notes]
    yield Table.of("Guesses, and the option that changes each", ("what", "value", "why", "option"), rows)
    if found.left_out:
        left = Table.of("Columns that are not used", ("column", "why"), list(found.left_out))
        yield Fold(f"{len(found.left_out)} columns are not used", (left,))
