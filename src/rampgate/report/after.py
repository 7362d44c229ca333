"""The watch after the last phase in a report: each metric's days, the e-detector, and what it says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from rampgate.judge.change import Watched
from rampgate.judge.days import usual
from rampgate.report import pictures
from rampgate.report.after_chart import days_chart, detector_chart
from rampgate.report.blocks import TONES, Block, Cell, Figure, Figures, Section, Spark, Table, Text
from rampgate.report.dossier import Dossier
from rampgate.report.words import number


def after(dossier: Dossier) -> tuple[Section, ...]:
    """The part about days that are watched without a baseline; none where nothing is."""
    return (Section("After the last phase", tuple(_blocks(dossier)), 0),) if dossier.decision.after else ()


def _blocks(dossier: Dossier) -> Iterator[Block]:
    yield Text(
        "No baseline is left to compare with. The candidate's days are held against the law of the days before: the "
        "level of their weekday, how days differ, and how long that lasts. The e-detector sums the odds that the level "
        "has moved over every day on which it may have; it alarms falsely as rarely as the policy says.",
        "muted",
    )
    watched = dossier.watched
    yield _table(dossier, watched)
    for one in watched:
        if one.series is not None and one.change is not None and one.change.log_r.size:
            yield Figures((_days(dossier, one), _detector(one)))


def _table(dossier: Dossier, watched: tuple[Watched, ...]) -> Table:
    heads = (
        "metric", "watched from", "#days a step", "#e-detector", "#alarms at", "onset", "#change since", "verdict",
    )  # fmt: skip
    rows: list[tuple[str | Cell, ...]] = []
    for one in watched:
        entry, unit = one.to_dict(), pictures.unit_of(dossier.policy, one.metric)
        onset = entry["onset"]
        between = "" if onset is None else f"{onset['likeliest']} ({onset['from']} to {onset['to']})"
        moved = "" if onset is None else f"{unit.difference(entry['shift'])}{unit.name}"
        step = "-" if one.step_days is None else str(one.step_days)
        numbers = (number(entry["e_detector"]), number(entry["threshold"]))
        said = Cell(one.verdict, TONES[one.verdict], one.message)
        rows.append((pictures.title_of(one.metric), entry["watched_from"], step, *numbers, between, moved, said))
    return Table.of("What is watched, and what is said of it", heads, rows)


def _days(dossier: Dossier, one: Watched) -> Figure:
    assert one.series is not None
    assert one.change is not None
    unit = pictures.unit_of(dossier.policy, one.metric)
    mean, spread = usual(one.series)
    seen = one.series.rows.watched
    values = [float(x) for x in one.series.values[seen]]
    band = [(unit.possible(float(x - 2 * spread)), unit.possible(float(x + 2 * spread))) for x in mean[seen]]
    days = one.watched_days
    onset = None if one.change.onset is None else days[one.change.onset.row]
    outside = sum(not low <= value <= high for value, (low, high) in zip(values, band, strict=True))
    title = f"{pictures.title_of(one.metric)} by day, beside the days before"
    finding = f"{outside} of {len(days)} lie outside the band: two standard deviations of the reference's days."
    rows = [
        (day.isoformat(), unit.level(value), unit.level(low), unit.level(high))
        for day, value, (low, high) in zip(days, values, band, strict=True)
    ]
    table = pictures.sampled(title, ("day", "#candidate", "#band from", "#to"), rows)
    draw = partial(days_chart, days, values, band, unit, onset)
    return Figure(title, finding, draw, table, (Spark("candidate", tuple(values)),))


def _detector(one: Watched) -> Figure:
    assert one.change is not None
    days, log_r = one.watched_days, [float(x) for x in one.change.log_r]
    title = f"{pictures.title_of(one.metric)}: e-detector after each day"
    finding = f"{one.message[0].upper()}{one.message[1:]}."
    rows = [(day.isoformat(), number(math.exp(min(log, 690.0)))) for day, log in zip(days, log_r, strict=True)]
    table = pictures.sampled(title, ("day", "#e-detector"), rows)
    draw = partial(detector_chart, days, log_r, one.threshold)
    return Figure(title, finding, draw, table, (Spark("log of the e-detector", tuple(log_r)),))
