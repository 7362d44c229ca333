"""Units that are not through yet in a report: how both arms come through by age, and who is still open."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rampgate.judge.decision import StillOpen
from rampgate.judge.still_open import LifePath
from rampgate.report.blocks import Figure, Figures, Section, Spark, Table, Text
from rampgate.report.dossier import Dossier
from rampgate.report.drawing import Unit
from rampgate.report.life_chart import life_chart
from rampgate.report.words import hours, level_range

_SHARE = Unit(share=True)


def still_open(dossier: Dossier) -> tuple[Section, ...]:
    """The part about times to an event; none where the policy has no such metric."""
    rows = dossier.decision.open
    if not rows:
        return ()
    told = Text(
        "Shown, and judged by nothing: all periods in one pot, which a ramp misleads, each as far as all of its units "
        "have got. A unit that is still open counts for as long as it was seen; it is never left out, and never taken "
        "for one with the event. Past the limit it is a miss.",
        "muted",
    )
    figures = tuple(_figure(dossier, path) for path in dossier.lives)
    blocks = (told, Figures(figures), _table(dossier, rows)) if figures else (told, _table(dossier, rows))
    return (Section("Still open", blocks),)


def _arm(dossier: Dossier, row: StillOpen) -> str:
    return dossier.arms[row.variant == "candidate"]


def _table(dossier: Dossier, rows: Sequence[StillOpen]) -> Table:
    heads = (
        "metric", "version", "#units", "#with the event", "#still open", "#past the limit",
        "#by age", "#share by then", "#interval", "#mean up to it",
    )  # fmt: skip
    return Table.of(
        "Units of both arms, by how far they have got",
        heads,
        [
            (
                row.metric,
                _arm(dossier, row),
                f"{row.units:,}",
                f"{row.events:,}",
                f"{row.open:,}",
                f"{row.past_limit:,}",
                hours(row.age),
                _SHARE.level(row.share),
                level_range(row.lower, row.upper),
                hours(row.restricted_mean),
            )
            for row in rows
        ],
    )


def _figure(dossier: Dossier, path: LifePath) -> Figure:
    title = f"{path.metric}: share with the event by age"
    rows = [row for row in dossier.decision.open if row.metric == path.metric]
    if any(row.age is None for row in rows):
        why = "no period is there whose units of both arms have all passed the first step of age"
        return Figure(title, f"Nothing to show yet, because {why}.", None)
    baseline, candidate = rows
    finding = (
        f"By the age of {hours(candidate.age)} {_SHARE.level(candidate.share)} of {dossier.arms[1]} and "
        f"{_SHARE.level(baseline.share)} of {dossier.arms[0]} have had the event; "
        f"{candidate.open:,} and {baseline.open:,} units are still open."
    )
    columns = ("age", *(f"#{arm}" for arm in dossier.arms), *(f"#interval, {arm}" for arm in dossier.arms))
    steps = [
        (
            hours(age),
            *(_SHARE.level(arm[k]) for arm in path.share),
            *(level_range(low[k], high[k]) for low, high in zip(path.lower, path.upper, strict=True)),
        )
        for k, age in enumerate(path.ages)
    ]
    sparks = tuple(Spark(arm, share) for arm, share in zip(dossier.arms, path.share, strict=True))
    return Figure(title, finding, partial(life_chart, path, dossier.arms), Table.of(title, columns, steps), sparks)
