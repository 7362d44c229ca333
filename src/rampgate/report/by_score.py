"""What is expected by the model's own scores in a report, marked as an estimate wherever it stands."""

from __future__ import annotations

from rampgate.report.blocks import Cell, Section, Table, Text
from rampgate.report.dossier import Dossier
from rampgate.report.drawing import Unit
from rampgate.report.words import level_range

_SHARE = Unit(share=True)


def by_score(dossier: Dossier) -> tuple[Section, ...]:
    """The part about outcomes that are awaited; none where no metric has a score."""
    rows = dossier.decision.by_score
    if not rows:
        return ()
    told = Text(
        "Estimated and not observed: what the outcomes still awaited should be by the model's own scores, as far as "
        "these came true in units whose outcome is known. Nothing is judged by it. It follows harder work, as "
        "far as scores tell; when a score comes to mean something else it stays where it was, and is wrong.",
        "muted",
    )
    heads = ("metric", "version", "#awaited", "#estimate", "#interval", "#learnt from", "#scores never seen")
    table = Table.of(
        "Estimates by scores",
        heads,
        [
            (
                row["metric"],
                dossier.arms[row["variant"] == "candidate"],
                f"{row['awaited']:,}",
                Cell(_SHARE.level(row["value"]), "muted", row["message"] if row["value"] is None else "estimate"),
                level_range(row["lower"], row["upper"]),
                f"{row['calibrated_on']:,}",
                _SHARE.level(row["beyond"]),
            )
            for row in rows
        ],
    )
    return (Section("Estimated from scores", (told, table)),)
